import { failure } from "../../base/index.ts";
import type { Advice, Descriptor, SetTime, Whence } from "../../host/index.ts";
import { call, type CallTable, type Parameter, type Result } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { narrowRights, type Rights, rightsOf } from "./rights.ts";
import { filestat } from "./stat.ts";
import { signed, writable } from "./transfer-calls.ts";
import {
  bits,
  fd,
  fdflags,
  filetypes,
  fstflags,
  resultU64,
  rightBits,
  room,
  s64,
  u32,
  u64,
} from "../preview1-types.ts";

const advices: readonly Advice[] = ["normal", "sequential", "random", "willneed", "dontneed", "noreuse"];

/** A `whence` as each of the two ABIs numbers it. */
export function whenceParameter(order: readonly Whence[]): Parameter<number> {
  return { core: ["i32"], lift: "$0 >>> 0", show: (value) => order[value] ?? String(value) };
}

/** `fd_seek` with one ABI's order of whence. */
export function seekCall(order: readonly Whence[]) {
  return call(
    { effect: "Moves the position of a file and answers it.", errors: ["badf", "inval", "spipe"] },
    {
      params: [
        ["fd", fd],
        ["offset", s64],
        ["whence", whenceParameter(order)],
      ],
      result: resultU64,
      run(context: Preview1Context, number, offset, whence) {
        const from = order[whence];
        if (from === undefined) throw failure("inval");
        return context.descriptor(number).seek(offset, from);
      },
    },
  );
}

/** `fd_filestat_get` with one ABI's layout. */
export function filestatCall(layout: typeof filestat) {
  return call(
    { effect: "What is known of an open file: device, inode, type, links, size and times.", errors: ["badf"] },
    {
      params: [["fd", fd]],
      result: layout,
      run(context: Preview1Context, number) {
        context.descriptor(number).stat(context.stat);
        return context.stat;
      },
    },
  );
}

/** The time that `fstflags` ask for. @throws HostError inval where both a time and the present one are wanted */
export function timesOf(flags: number, atim: bigint, mtim: bigint): { atime: SetTime; mtime: SetTime } {
  if ((flags & ~15) !== 0) throw failure("inval");
  return {
    atime: setTime({ given: (flags & fstflags.atim) !== 0, now: (flags & fstflags.atimNow) !== 0, time: atim }),
    mtime: setTime({ given: (flags & fstflags.mtim) !== 0, now: (flags & fstflags.mtimNow) !== 0, time: mtim }),
  };
}

function setTime({ given, now, time }: { given: boolean; now: boolean; time: bigint }): SetTime {
  if (given && now) throw failure("inval");
  return now ? "now" : given ? time : "keep";
}

function flagBits({ flags }: Descriptor): number {
  return (
    (flags.append ? fdflags.append : 0) |
    (flags.nonblock ? fdflags.nonblock : 0) |
    (flags.dsync ? fdflags.dsync : 0) |
    (flags.sync ? fdflags.sync : 0)
  );
}

/** `fdstat`: 24 bytes: type, flags, rights of its own and those that it hands on. */
const fdstat: Result<Preview1Context, Descriptor> = {
  pointers: 1,
  lower({ memory }, descriptor, at) {
    memory.check(at, 24);
    const { base, inheriting } = rightsOf(descriptor);
    memory.setU64(at, 0n);
    memory.setU8(at, filetypes[descriptor.type()]);
    memory.setU16(at + 2, flagBits(descriptor));
    memory.setU64(at + 8, base);
    memory.setU64(at + 16, inheriting);
  },
  show: (descriptor) => `{type=${descriptor.type()},flags=${flagBits(descriptor)}}`,
};

/** `prestat`: tag 0 (a directory) and the length of its name. */
const prestat: Result<Preview1Context, number> = {
  pointers: 1,
  lower({ memory }, length, at) {
    memory.check(at, 8);
    memory.setU32(at, 0);
    memory.setU32(at + 4, length);
  },
  show: (length) => `{dir,name_len=${length}}`,
};

function preopenName(context: Preview1Context, number: number): Uint8Array {
  const name = context.descriptor(number).preopenName;
  if (name === undefined) throw failure("badf");
  return new TextEncoder().encode(name);
}

/** Calls on what is open already. */
export const descriptorCalls = {
  fd_advise: call(
    {
      effect: "Tells the system how a range will be used.",
      errors: ["badf", "inval", "spipe"],
      instead: "Without node:ffi the advice is checked and dropped.",
    },
    {
      params: [
        ["fd", fd],
        ["offset", u64],
        ["len", u64],
        ["advice", u32],
      ],
      run(context: Preview1Context, number, offset, length, advice) {
        const name = advices[advice];
        if (name === undefined) throw failure("inval");
        context.descriptor(number).advise(signed(offset), signed(length), name);
      },
    },
  ),
  fd_allocate: call(
    {
      effect: "Makes sure that a file has room for a range, growing it where it is shorter.",
      errors: ["badf", "inval", "nospc", "spipe"],
      instead: "Without node:ffi the file grows, but the system reserves nothing.",
    },
    {
      params: [
        ["fd", fd],
        ["offset", u64],
        ["len", u64],
      ],
      run: (context: Preview1Context, number, offset, length) =>
        context.descriptor(number).allocate(signed(offset), signed(length)),
    },
  ),
  fd_close: call(
    { effect: "Closes a descriptor; its number is free again.", errors: ["badf"] },
    { params: [["fd", fd]], run: (context: Preview1Context, number) => context.host.descriptors.close(number) },
  ),
  fd_datasync: call(
    { effect: "Writes a file's data through to the disk.", errors: ["badf", "inval"] },
    { params: [["fd", fd]], run: (context: Preview1Context, number) => context.descriptor(number).sync("data") },
  ),
  fd_fdstat_get: call(
    { effect: "Type, flags and rights of a descriptor.", errors: ["badf"] },
    { params: [["fd", fd]], result: fdstat, run: (context: Preview1Context, number) => context.descriptor(number) },
  ),
  fd_fdstat_set_flags: call(
    {
      effect: "Sets or clears append and nonblock.",
      errors: ["badf", "notsup"],
      instead: "sync, dsync and rsync can only be chosen when a file is opened: changing them answers notsup.",
    },
    {
      params: [
        ["fd", fd],
        ["flags", bits(fdflags)],
      ],
      run(context: Preview1Context, number, flags) {
        const descriptor = context.descriptor(number);
        const fixed = fdflags.sync | fdflags.dsync | fdflags.rsync;
        if ((flags & fixed) !== 0) throw failure("notsup");
        descriptor.setFlags({ append: (flags & fdflags.append) !== 0, nonblock: (flags & fdflags.nonblock) !== 0 });
      },
    },
  ),
  fd_fdstat_set_rights: call(
    {
      effect: "Gives up rights; of those only reading and writing are enforced.",
      errors: ["badf", "notcapable"],
    },
    {
      params: [
        ["fd", fd],
        ["fs_rights_base", rightBits],
        ["fs_rights_inheriting", rightBits],
      ],
      run(context: Preview1Context, number, base, inheriting) {
        const wanted: Rights = { base, inheriting };
        if (!narrowRights(context.descriptor(number), wanted)) throw failure("notcapable");
      },
    },
  ),
  fd_filestat_get: filestatCall(filestat),
  fd_filestat_set_size: call(
    { effect: "Cuts or extends a file.", errors: ["badf", "inval"] },
    {
      params: [
        ["fd", fd],
        ["size", u64],
      ],
      run: (context: Preview1Context, number, size) => writable(context, number).truncate(signed(size)),
    },
  ),
  fd_filestat_set_times: call(
    {
      effect: "Sets the times of last access and modification.",
      errors: ["badf", "inval", "perm"],
      instead: "Without node:ffi the times are set within a microsecond.",
    },
    {
      params: [
        ["fd", fd],
        ["atim", u64],
        ["mtim", u64],
        ["fst_flags", bits(fstflags)],
      ],
      run(context: Preview1Context, number, atim, mtim, flags) {
        const { atime, mtime } = timesOf(flags, atim, mtim);
        context.descriptor(number).setTimes(atime, mtime);
      },
    },
  ),
  fd_prestat_get: call(
    { effect: "Says that a descriptor is a granted folder and how long its name is.", errors: ["badf"] },
    {
      params: [["fd", fd]],
      result: prestat,
      run: (context: Preview1Context, number) => preopenName(context, number).length,
    },
  ),
  fd_prestat_dir_name: call(
    { effect: "The name of a granted folder.", errors: ["badf", "nametoolong"] },
    {
      params: [
        ["fd", fd],
        ["path", room],
      ],
      run(context: Preview1Context, number, { at, length }) {
        const name = preopenName(context, number);
        if (name.length > length) throw failure("nametoolong");
        context.memory.setBytes(at, name);
      },
    },
  ),
  fd_renumber: call(
    { effect: "Moves a descriptor to a number that is open, closing what was there.", errors: ["badf"] },
    {
      params: [
        ["fd", fd],
        ["to", fd],
      ],
      run: (context: Preview1Context, from, to) => context.host.descriptors.renumber(from, to),
    },
  ),
  fd_seek: seekCall(["start", "current", "end"]),
  fd_sync: call(
    { effect: "Writes a file's data and metadata through to the disk.", errors: ["badf", "inval"] },
    { params: [["fd", fd]], run: (context: Preview1Context, number) => context.descriptor(number).sync("all") },
  ),
  fd_tell: call(
    { effect: "The position of a file.", errors: ["badf", "spipe"] },
    {
      params: [["fd", fd]],
      result: resultU64,
      run: (context: Preview1Context, number) => context.descriptor(number).seek(0n, "current"),
    },
  ),
} satisfies CallTable<Preview1Context>;
