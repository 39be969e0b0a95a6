import { failure } from "../../base/index.ts";
import type { Descriptor } from "../../host/index.ts";
import { call, type CallTable } from "../bind.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { hasGivenUp } from "./rights.ts";
import { fd, filetypes, iovecs, resultU32, rights, room, u64 } from "../preview1-types.ts";

function readable(context: Preview1Context, number: number): Descriptor {
  const descriptor = context.descriptor(number);
  if (hasGivenUp(descriptor, rights.fdRead)) throw failure("notcapable");
  return descriptor;
}

/** What a descriptor is where it may be written. @throws HostError badf, notcapable */
export function writable(context: Preview1Context, number: number): Descriptor {
  const descriptor = context.descriptor(number);
  if (hasGivenUp(descriptor, rights.fdWrite)) throw failure("notcapable");
  return descriptor;
}

/** Offsets and lengths reach the system as signed numbers. @throws HostError inval */
export function signed(value: bigint): bigint {
  if (value > 0x7fff_ffff_ffff_ffffn) throw failure("inval");
  return value;
}

/** Calls that move bytes of what is open. */
export const transferCalls = {
  fd_pread: call(
    { effect: "Reads at an offset; the position stays.", errors: ["badf", "fault", "inval", "isdir", "spipe"] },
    {
      params: [
        ["fd", fd],
        ["iovs", iovecs],
        ["offset", u64],
      ],
      result: resultU32,
      moves: "in",
      run: (context: Preview1Context, number, buffers, offset) =>
        readable(context, number).readAt(buffers, signed(offset)),
    },
  ),
  fd_pwrite: call(
    { effect: "Writes at an offset; the position stays.", errors: ["badf", "fault", "inval", "spipe"] },
    {
      params: [
        ["fd", fd],
        ["iovs", iovecs],
        ["offset", u64],
      ],
      result: resultU32,
      moves: "out",
      run: (context: Preview1Context, number, buffers, offset) =>
        writable(context, number).writeAt(buffers, signed(offset)),
    },
  ),
  fd_read: call(
    { effect: "Reads at the position and moves it; 0 bytes are the end.", errors: ["again", "badf", "fault", "isdir"] },
    {
      params: [
        ["fd", fd],
        ["iovs", iovecs],
      ],
      result: resultU32,
      moves: "in",
      mayWait: true,
      run: (context: Preview1Context, number, buffers) => readable(context, number).read(buffers),
    },
  ),
  fd_readdir: call(
    {
      effect: "Entries of a folder from a cookie on, as many as fit; the last may be cut off.",
      errors: ["badf", "fault", "notdir"],
    },
    {
      params: [
        ["fd", fd],
        ["buf", room],
        ["cookie", u64],
      ],
      result: resultU32,
      run: (context: Preview1Context, number, target, cookie) => writeEntries(context, { number, target, cookie }),
    },
  ),
  fd_write: call(
    {
      effect: "Writes at the position, or at the end of a file that appends.",
      errors: ["again", "badf", "fault", "pipe"],
    },
    {
      params: [
        ["fd", fd],
        ["iovs", iovecs],
      ],
      result: resultU32,
      moves: "out",
      mayWait: true,
      run: (context: Preview1Context, number, buffers) => writable(context, number).write(buffers),
    },
  ),
} satisfies CallTable<Preview1Context>;

/** Bytes of a `dirent` before its name: next cookie, inode, length of the name, type. */
const direntSize = 24;

function writeEntries(
  { memory, host }: Preview1Context,
  { number, target, cookie }: { number: number; target: { at: number; length: number }; cookie: bigint },
): number {
  memory.check(target.at, target.length);
  const reader = host.descriptors.get(number).readDirectory();
  reader.seek(cookie);
  const bytes = memory.bytes;
  const end = target.at + target.length;
  let at = target.at;
  while (at < end && reader.next()) {
    const { nameStart, nameLength } = reader;
    if (end - at >= direntSize) {
      memory.setU64(at, reader.cookie);
      memory.setU64(at + 8, reader.ino);
      memory.setU32(at + 16, nameLength);
      memory.setU32(at + 20, filetypes[reader.type]);
    } else {
      // Too little room for the head: the guest sees that the buffer is full and asks again with a larger one.
      bytes.fill(0, at, end);
      return target.length;
    }
    at += direntSize;
    const source = reader.bytes;
    const fits = Math.min(nameLength, end - at);
    for (let i = 0; i < fits; i++) bytes[at + i] = source[nameStart + i] ?? 0;
    at += fits;
  }
  return at - target.at;
}
