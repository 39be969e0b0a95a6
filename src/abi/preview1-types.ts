import { failure } from "../base/index.ts";
import type { Buffers, ClockId, FileType, Path } from "../host/index.ts";
import type { Parameter, Result } from "./bind.ts";
import type { Preview1Context } from "./preview1-context.ts";

/** `open`'s and `fdstat`'s bits by their names in the specification (preview 1, "Types"). */
export const oflags = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;
export const fdflags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
export const fstflags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;
export const lookupSymlinkFollow = 1;

export const rights = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdSeek: 1n << 2n,
  fdSetFlags: 1n << 3n,
  fdSync: 1n << 4n,
  fdTell: 1n << 5n,
  fdWrite: 1n << 6n,
  fdAdvise: 1n << 7n,
  fdAllocate: 1n << 8n,
  pathCreateDirectory: 1n << 9n,
  pathCreateFile: 1n << 10n,
  pathLinkSource: 1n << 11n,
  pathLinkTarget: 1n << 12n,
  pathOpen: 1n << 13n,
  fdReaddir: 1n << 14n,
  pathReadlink: 1n << 15n,
  pathRenameSource: 1n << 16n,
  pathRenameTarget: 1n << 17n,
  pathFilestatGet: 1n << 18n,
  pathFilestatSetSize: 1n << 19n,
  pathFilestatSetTimes: 1n << 20n,
  fdFilestatGet: 1n << 21n,
  fdFilestatSetSize: 1n << 22n,
  fdFilestatSetTimes: 1n << 23n,
  pathSymlink: 1n << 24n,
  pathRemoveDirectory: 1n << 25n,
  pathUnlinkFile: 1n << 26n,
  pollFdReadwrite: 1n << 27n,
  sockShutdown: 1n << 28n,
  sockAccept: 1n << 29n,
} as const;

/** Every right there is. */
export const allRights = (1n << 30n) - 1n;

/** `filetype` numbers; a FIFO has none of its own. */
export const filetypes: Readonly<Record<FileType, number>> = {
  unknown: 0,
  "block-device": 1,
  "character-device": 2,
  directory: 3,
  "regular-file": 4,
  socket: 6,
  "symbolic-link": 7,
  fifo: 0,
};

const clockNames: readonly ClockId[] = ["realtime", "monotonic", "process-cputime", "thread-cputime"];

/** The clock of a `clockid`. @throws HostError inval */
export function clockOf(id: number): ClockId {
  const name = clockNames[id];
  if (name === undefined) throw failure("inval");
  return name;
}

function scalar(lift: string, core: "i32" | "i64" = "i32"): Parameter<number> {
  return { core: [core], lift, show: (value) => String(value) };
}

export const u32: Parameter<number> = scalar("$0 >>> 0");
export const i32: Parameter<number> = scalar("$0");
export const fd: Parameter<number> = scalar("$0 >>> 0");
export const pointer: Parameter<number> = { ...u32, show: (value) => `0x${value.toString(16)}` };
export const u64: Parameter<bigint> = { core: ["i64"], lift: "BigInt.asUintN(64, $0)", show: String };
export const s64: Parameter<bigint> = { core: ["i64"], lift: "$0", show: String };
export const clockId: Parameter<number> = { ...u32, show: (value) => clockNames[value] ?? String(value) };

/** Bits shown by their names. */
export function bits(names: Readonly<Record<string, number>>): Parameter<number> {
  return {
    ...u32,
    show(value) {
      const set = Object.entries(names).filter(([, bit]) => (value & bit) !== 0);
      return set.length === 0 ? String(value) : set.map(([name]) => name).join("|");
    },
  };
}

export const rightBits: Parameter<bigint> = { ...u64, show: (value) => `0x${value.toString(16)}` };

export const firstPath: Parameter<Path> = pathIn(0);
/** The second path of a call that takes two. */
export const secondPath: Parameter<Path> = pathIn(1);

function pathIn(which: 0 | 1): Parameter<Path> {
  return {
    core: ["i32", "i32"],
    lift: `c.path(${which}, $0 >>> 0, $1 >>> 0)`,
    show: (path) => JSON.stringify(path.text),
  };
}

export const iovecs: Parameter<Buffers> = {
  core: ["i32", "i32"],
  lift: "c.buffers($0 >>> 0, $1 >>> 0)",
  show: (buffers) => `[${Array.from({ length: buffers.count }, (_, index) => buffers.lengths[index]).join("+")}]`,
};

/** A place in guest memory with room for so many bytes. */
export interface Room {
  readonly at: number;
  readonly length: number;
}

export const room: Parameter<Room> = {
  core: ["i32", "i32"],
  lift: "{ at: $0 >>> 0, length: $1 >>> 0 }",
  show: ({ at, length }) => `0x${at.toString(16)}+${length}`,
};

export const resultU32: Result<Preview1Context, number> = {
  pointers: 1,
  lower: (context, value, at) => context.memory.setU32(at, value),
  show: String,
};

export const resultU64: Result<Preview1Context, bigint> = {
  pointers: 1,
  lower: (context, value, at) => context.memory.setU64(at, value),
  show: String,
};

/** Two 32-bit results, each behind a pointer of its own. */
export const resultPair: Result<Preview1Context, readonly [number, number]> = {
  pointers: 2,
  lower(context, [first, second], at, secondAt) {
    context.memory.setU32(at, first);
    context.memory.setU32(secondAt, second);
  },
  show: ([first, second]) => `${first},${second}`,
};
