import type { Advice, FileType } from "./file-calls.ts";

// Linux's numbers, the same on x64 and arm64 but where it says so.

/** openat2(2): the call's own number, the size of its `struct open_how` and how it resolves. */
export const openat2 = { call: 437n, howSize: 24n, resolveBeneath: 0x08, resolveNoMagicLinks: 0x02 } as const;

const isArm = process.arch === "arm64";

/** Flags of an open (open(2)). */
export const O = {
  WRONLY: 0o1,
  RDWR: 0o2,
  CREAT: 0o100,
  EXCL: 0o200,
  NOCTTY: 0o400,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  DIRECTORY: isArm ? 0o40000 : 0o200000,
  NOFOLLOW: isArm ? 0o100000 : 0o400000,
  CLOEXEC: 0o2000000,
  SYNC: 0o4010000,
  PATH: 0o10000000,
} as const;

/** Flags and the folder of calls that take a path beside a descriptor (`AT_…`). */
export const AT = {
  currentFolder: -100,
  symlinkNofollow: 0x100,
  removedir: 0x200,
  symlinkFollow: 0x400,
  emptyPath: 0x1000,
} as const;

/** What statx(2) is asked for. */
export const statxMask = { basic: 0x7ff, ino: 0x100 } as const;

/** What stands in for nanoseconds in utimensat(2). */
export const utime = { now: 0x3fffffffn, omit: 0x3ffffffen } as const;

/** The command of fcntl(2) that sets an open file's flags. */
export const setFl = 4;

/** Events of poll(2). */
export const pollEvents = { read: 1, write: 4 } as const;

/** Error numbers that a caller branches on; base/errno.ts names all. */
export const errnos = {
  perm: 1,
  noent: 2,
  intr: 4,
  again: 11,
  xdev: 18,
  notdir: 20,
  nosys: 38,
  loop: 40,
} as const;

/** posix_fadvise(3)'s numbers. */
export const advices: Readonly<Record<Advice, number>> = {
  normal: 0,
  random: 1,
  sequential: 2,
  willneed: 3,
  dontneed: 4,
  noreuse: 5,
};

const fileTypes: readonly FileType[] = [
  "unknown",
  "fifo",
  "character-device",
  "unknown",
  "directory",
  "unknown",
  "block-device",
  "unknown",
  "regular-file",
  "unknown",
  "symbolic-link",
  "unknown",
  "socket",
];

/** The type that the upper bits of a mode, or a directory entry's `d_type`, stand for. */
export function fileTypeOf(modeOrEntryType: number): FileType {
  return fileTypes[modeOrEntryType] ?? "unknown";
}
