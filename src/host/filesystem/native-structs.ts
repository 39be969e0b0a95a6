import { type Native, scratch, throwErrno } from "../../base/native.ts";
import type { Buffers, FileStat, SetTime } from "./file-calls.ts";
import { errnos, fileTypeOf, pollEvents, utime } from "./linux.ts";

// The structures of C that calls take and fill, in the scratch area of base/native.ts.

/** Lays out the pieces as `struct iovec`s (readv(2)) and answers how many. */
export function fillIovecs(native: Native, buffers: Buffers): number {
  const base = native.addressOf(buffers.memory.buffer) + buffers.memory.byteOffset;
  const words = native.words;
  const count = Math.min(buffers.count, scratch.iovecCount);
  let at = scratch.iovecs / 4;
  for (let i = 0; i < count; i++) {
    const address = base + (buffers.offsets[i] ?? 0);
    words[at] = address >>> 0;
    words[at + 1] = address / 0x1_0000_0000;
    words[at + 2] = buffers.lengths[i] ?? 0;
    words[at + 3] = 0;
    at += 4;
  }
  return count;
}

/** Lays out two `struct timespec`s (utimensat(2)). */
export function fillTimes(native: Native, atime: SetTime, mtime: SetTime): void {
  const longs = native.longs;
  const at = scratch.times / 8;
  fillTime(longs, at, atime);
  fillTime(longs, at + 2, mtime);
}

/** Takes over what statx wrote (`struct statx`, statx(2)). */
export function readStat(native: Native, out: FileStat): void {
  const words = native.words;
  const longs = native.longs;
  const word = scratch.stat / 4;
  const long = scratch.stat / 8;
  const values = out.values;
  out.type = fileTypeOf(((words[word + 7] ?? 0) >>> 12) & 0xf);
  values[0] = deviceNumber(words[word + 34] ?? 0, words[word + 35] ?? 0);
  values[1] = longs[long + 4] ?? 0n;
  values[2] = BigInt(words[word + 4] ?? 0);
  values[3] = longs[long + 5] ?? 0n;
  values[4] = nanoseconds(longs[long + 8] ?? 0n, words[word + 18] ?? 0);
  values[5] = nanoseconds(longs[long + 14] ?? 0n, words[word + 30] ?? 0);
  values[6] = nanoseconds(longs[long + 12] ?? 0n, words[word + 26] ?? 0);
}

/** One number for a device's major and minor ones, as stat(2) has it (makedev(3)). */
function deviceNumber(major: number, minor: number): bigint {
  const low = BigInt(((major & 0xfff) << 8) | (minor & 0xff));
  return low | (BigInt(minor & 0xffff_ff00) << 12n) | (BigInt((major & 0xffff_f000) >>> 0) << 32n);
}

function nanoseconds(seconds: bigint, rest: number): bigint {
  return BigInt.asUintN(64, seconds * 1_000_000_000n + BigInt(rest));
}

function fillTime(longs: BigInt64Array, at: number, time: SetTime): void {
  if (typeof time === "bigint") {
    longs[at] = time / 1_000_000_000n;
    longs[at + 1] = time % 1_000_000_000n;
  } else {
    longs[at] = 0n;
    longs[at + 1] = time === "now" ? utime.now : utime.omit;
  }
}

/** Waits by poll(2) until a descriptor is ready, or the time in ms is over; -1 waits for ever. */
export function waitForDescriptor(
  native: Native,
  wanted: { fd: number; events: "read" | "write"; ms: number },
): boolean {
  const at = scratch.poll / 4;
  native.words[at] = wanted.fd;
  native.words[at + 1] = pollEvents[wanted.events];
  for (;;) {
    const count = native.c.poll(native.address + BigInt(scratch.poll), 1n, Math.min(Math.ceil(wanted.ms), 0x7fffffff));
    if (count >= 0) return count > 0;
    if (native.errno() !== errnos.intr) throwErrno(native);
  }
}
