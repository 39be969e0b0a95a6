import { failure, failureOfLinux, refusal } from "../../base/index.ts";
import { type Native, nativeOrUndefined, scratch, throwErrno } from "../../base/native.ts";
import {
  type Advice,
  type Buffers,
  type DirectoryReader,
  type FileCalls,
  type FileStat,
  type FileType,
  type FollowMode,
  open as openBits,
  type SetTime,
  type Whence,
} from "./file-calls.ts";
import { NativeDirectoryReader } from "./native-directory.ts";
import { maxPathBytes, Path } from "./path.ts";

/** openat2(2): its number is the same on every architecture. */
const openat2 = 437n;
const openHowSize = 24n;
const resolveBeneath = 0x08;
const resolveNoMagicLinks = 0x02;

const isArm = process.arch === "arm64";
const O = {
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
const AT = { symlinkNofollow: 0x100, removedir: 0x200, symlinkFollow: 0x400, emptyPath: 0x1000 } as const;
const statxBasic = 0x7ff;
const utimeNow = 0x3fffffffn;
const utimeOmit = 0x3ffffffen;
const setFl = 4;
const pollIn = 1;
const pollOut = 4;
const eperm = 1;
const enoent = 2;
const eintr = 4;
const eagain = 11;
const exdev = 18;
const enotdir = 20;
const enosys = 38;
const eloop = 40;
const newFileMode = 0o666;
/** How often an open is tried again while others keep renaming folders on its way. */
const mostTries = 256;
const advices: Readonly<Record<Advice, number>> = {
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

/** File calls by `openat2(RESOLVE_BENEATH)` and its kin, or undefined where node:ffi or openat2 (Linux 5.6) is missing. */
export function createNativeCalls({ opensFolders = true }: { opensFolders?: boolean } = {}): FileCalls | undefined {
  const native = nativeOrUndefined();
  return native === undefined || (opensFolders && !hasOpenat2(native)) ? undefined : new NativeFileCalls(native);
}

/** A bad descriptor answers EBADF where the call exists, ENOSYS (or EPERM under an old container's filter) where not. */
function hasOpenat2(native: Native): boolean {
  native.words.fill(0, scratch.openHow / 4, scratch.openHow / 4 + 6);
  native.bytes[scratch.link] = 0x2e;
  native.bytes[scratch.link + 1] = 0;
  const at = native.address;
  native.c.syscall(openat2, -1, at + BigInt(scratch.link), at + BigInt(scratch.openHow), openHowSize);
  return native.errno() !== enosys && native.errno() !== eperm;
}

class NativeFileCalls implements FileCalls {
  readonly name = "openat2";
  readonly #native: Native;
  readonly #c: Native["c"];
  readonly #how: bigint;
  readonly #statAddress: bigint;
  readonly #emptyAddress: bigint;
  readonly #iovecs: bigint;
  readonly #times: bigint;
  /** The folder part of a longer path. */
  readonly #parent: Path;

  constructor(native: Native) {
    this.#native = native;
    this.#c = native.c;
    this.#how = native.address + BigInt(scratch.openHow);
    this.#statAddress = native.address + BigInt(scratch.stat);
    this.#emptyAddress = native.address + BigInt(scratch.empty);
    this.#iovecs = native.address + BigInt(scratch.iovecs);
    this.#times = native.address + BigInt(scratch.times);
    this.#parent = this.makePath();
  }

  makePath(): Path {
    const { bytes, address } = this.#native.allocate(maxPathBytes + 1);
    return new Path(bytes, address);
  }

  openRoot(hostPath: string): number {
    const path = this.makePath();
    path.setText(hostPath);
    const fd = this.#c.openat(-100, path.pointer, O.DIRECTORY | O.CLOEXEC, 0);
    return fd < 0 ? throwErrno(this.#native) : fd;
  }

  open(dir: number, path: Path, bits: number): number {
    if (path.length === 0) throw failure("noent");
    let flags = O.CLOEXEC | O.NOCTTY | O.NONBLOCK;
    if ((bits & openBits.write) !== 0) flags |= (bits & openBits.read) !== 0 ? O.RDWR : O.WRONLY;
    if ((bits & openBits.create) !== 0) flags |= O.CREAT;
    if ((bits & openBits.exclusive) !== 0) flags |= O.EXCL;
    if ((bits & openBits.truncate) !== 0) flags |= O.TRUNC;
    if ((bits & openBits.directory) !== 0) flags |= O.DIRECTORY;
    if ((bits & openBits.append) !== 0) flags |= O.APPEND;
    if ((bits & openBits.sync) !== 0) flags |= O.SYNC;
    if ((bits & openBits.dsync) !== 0) flags |= O.DSYNC;
    const follows = (bits & openBits.follow) !== 0;
    if (path.isSimple) {
      // One name and no link followed: it cannot lead out of the folder, and the plain call is the fastest.
      const fd = this.#c.openat(dir, path.pointer, flags | O.NOFOLLOW, newFileMode);
      if (fd >= 0) return fd;
      const errno = this.#native.errno();
      if (errno !== eintr && !(follows && (errno === eloop || errno === enotdir))) throw failureOfLinux(errno);
    }
    return this.#openBeneath(dir, path.pointer, follows ? flags : flags | O.NOFOLLOW);
  }

  close(fd: number): void {
    if (this.#c.close(fd) < 0) this.#fail();
  }

  read(fd: number, into: Buffers): number {
    const count = this.#fillIovecs(into);
    for (;;) {
      const moved = this.#c.readv(fd, this.#iovecs, count);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  write(fd: number, from: Buffers): number {
    const count = this.#fillIovecs(from);
    for (;;) {
      const moved = this.#c.writev(fd, this.#iovecs, count);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  readAt(fd: number, into: Buffers, offset: bigint): number {
    const count = this.#fillIovecs(into);
    for (;;) {
      const moved = this.#c.preadv(fd, this.#iovecs, count, offset);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  writeAt(fd: number, from: Buffers, offset: bigint): number {
    const count = this.#fillIovecs(from);
    for (;;) {
      const moved = this.#c.pwritev(fd, this.#iovecs, count, offset);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  seek(fd: number, offset: bigint, whence: Whence): bigint {
    const position = this.#c.lseek(fd, offset, whence === "start" ? 0 : whence === "current" ? 1 : 2);
    return position < 0n ? this.#fail() : position;
  }

  wait(fd: number, events: "read" | "write", ms: number): boolean {
    return waitForDescriptor(this.#native, { fd, events, ms });
  }

  isTerminal(fd: number): boolean {
    return this.#c.isatty(fd) === 1;
  }

  stat(fd: number, out: FileStat): void {
    this.#check(this.#c.statx(fd, this.#emptyAddress, AT.emptyPath, statxBasic, this.#statAddress));
    this.#readStat(out);
  }

  statAt(dir: number, path: Path, follow: FollowMode, out: FileStat): void {
    if (path.isSimple) {
      this.#check(this.#c.statx(dir, path.pointer, AT.symlinkNofollow, statxBasic, this.#statAddress));
      this.#readStat(out);
      if (follow === "nofollow" || out.type !== "symbolic-link") return;
    }
    const fd = this.#openPath(dir, path, follow);
    try {
      this.stat(fd, out);
    } finally {
      this.#c.close(fd);
    }
  }

  truncate(fd: number, size: bigint): void {
    this.#check(this.#c.ftruncate(fd, size));
  }

  allocate(fd: number, offset: bigint, length: bigint): void {
    this.#check(this.#c.fallocate(fd, 0, offset, length));
  }

  advise(fd: number, offset: bigint, length: bigint, advice: Advice): void {
    // posix_fadvise answers its error instead of setting errno.
    const error = this.#c.posix_fadvise(fd, offset, length, advices[advice]);
    if (error !== 0) throw failureOfLinux(error);
  }

  sync(fd: number, what: "data" | "all"): void {
    this.#check(what === "data" ? this.#c.fdatasync(fd) : this.#c.fsync(fd));
  }

  setFlags(fd: number, flags: { append: boolean; nonblock: boolean }): void {
    // Non-blocking stays on whatever the guest asks for: waiting is done by `wait`, never within a call.
    this.#check(this.#c.fcntl(fd, setFl, O.NONBLOCK | (flags.append ? O.APPEND : 0)));
  }

  setTimes(fd: number, atime: SetTime, mtime: SetTime): void {
    this.#fillTimes(atime, mtime);
    this.#check(this.#c.futimens(fd, this.#times));
  }

  setTimesAt(dir: number, path: Path, follow: FollowMode, atime: SetTime, mtime: SetTime): void {
    if (path.isSimple && follow === "nofollow") {
      this.#fillTimes(atime, mtime);
      this.#check(this.#c.utimensat(dir, path.pointer, this.#times, AT.symlinkNofollow));
      return;
    }
    const fd = this.#openPath(dir, path, follow);
    try {
      this.#fillTimes(atime, mtime);
      this.#check(this.#c.utimensat(fd, this.#emptyAddress, this.#times, AT.emptyPath));
    } finally {
      this.#c.close(fd);
    }
  }

  makeDirectory(dir: number, path: Path): void {
    this.#inParent(dir, path, (parent, name) => this.#c.mkdirat(parent, name, 0o777));
  }

  removeDirectory(dir: number, path: Path): void {
    this.#inParent(dir, path, (parent, name) => this.#c.unlinkat(parent, name, AT.removedir));
  }

  unlink(dir: number, path: Path): void {
    if (path.isSimple) this.#check(this.#c.unlinkat(dir, path.pointer, 0));
    else this.#inParent(dir, path, (parent, name) => this.#c.unlinkat(parent, name, 0));
  }

  rename(fromDir: number, from: Path, toDir: number, to: Path): void {
    this.#inParent(fromDir, from, (fromParent, fromName) => {
      this.#inParent(toDir, to, (toParent, toName) => this.#c.renameat(fromParent, fromName, toParent, toName));
      return 0;
    });
  }

  link(fromDir: number, from: Path, follow: FollowMode, toDir: number, to: Path): void {
    if (from.isSimple && follow === "nofollow") {
      this.#inParent(toDir, to, (parent, name) => this.#c.linkat(fromDir, from.pointer, parent, name, 0));
      return;
    }
    const fd = this.#openPath(fromDir, from, follow);
    try {
      // The descriptor's own entry in /proc names the very file that was opened, without a privilege.
      const entry = this.makePath();
      entry.setText(`/proc/self/fd/${fd}`);
      const take = AT.symlinkFollow;
      this.#inParent(toDir, to, (parent, name) => this.#c.linkat(-100, entry.pointer, parent, name, take));
    } finally {
      this.#c.close(fd);
    }
  }

  symlink(target: Path, dir: number, path: Path): void {
    this.#inParent(dir, path, (parent, name) => this.#c.symlinkat(target.pointer, parent, name));
  }

  readLink(dir: number, path: Path): Uint8Array {
    const fd = path.isSimple ? -1 : this.#openPath(dir, path, "nofollow");
    try {
      const at = this.#native.address + BigInt(scratch.link);
      const [from, name] = fd < 0 ? [dir, path.pointer] : [fd, this.#emptyAddress];
      const length = this.#c.readlinkat(from, name, at, BigInt(scratch.linkSize));
      // An empty name on something that is no link answers ENOENT; the file is there, so the argument is at fault.
      if (length < 0 && fd >= 0 && this.#native.errno() === enoent) throw failure("inval");
      this.#check(length);
      return this.#native.bytes.subarray(scratch.link, scratch.link + length);
    } finally {
      if (fd >= 0) this.#c.close(fd);
    }
  }

  readDirectory(fd: number): DirectoryReader {
    this.#native.bytes[scratch.link] = 0x2e;
    this.#native.bytes[scratch.link + 1] = 0;
    const at = this.#native.address + BigInt(scratch.link);
    const own = this.#c.openat(fd, at, O.DIRECTORY | O.CLOEXEC, 0);
    if (own < 0) this.#fail();
    return new NativeDirectoryReader(this.#native, own);
  }

  /** Opens by openat2, again while a rename that happens meanwhile makes the kernel unsure (EAGAIN). */
  #openBeneath(dir: number, path: bigint, flags: number): number {
    const words = this.#native.words;
    const how = scratch.openHow / 4;
    words[how] = flags;
    words[how + 1] = 0;
    words[how + 2] = (flags & O.CREAT) === 0 ? 0 : newFileMode;
    words[how + 4] = resolveBeneath | resolveNoMagicLinks;
    for (let tries = 0; ; tries++) {
      const fd = this.#c.syscall(openat2, dir, path, this.#how, openHowSize);
      if (fd >= 0) return fd;
      const errno = this.#native.errno();
      if (errno === exdev) throw refusal;
      if (errno === eintr || (errno === eagain && tries < mostTries)) continue;
      throw failureOfLinux(errno);
    }
  }

  /** Opens what a path names without reading it: it can be asked about and changed, whatever it is. */
  #openPath(dir: number, path: Path, follow: FollowMode): number {
    if (path.length === 0) throw failure("noent");
    return this.#openBeneath(dir, path.pointer, O.PATH | O.CLOEXEC | (follow === "follow" ? 0 : O.NOFOLLOW));
  }

  /**
   * Runs a call that takes a folder and the name in it and that never follows a link in that name, so that only the way to
   * the folder has to be resolved.
   */
  #inParent(dir: number, path: Path, call: (parent: number, name: bigint) => number): void {
    if (path.isSimple) {
      this.#check(call(dir, path.pointer));
      return;
    }
    if (path.isAbsolute) throw refusal;
    const nameStart = lastComponentStart(path);
    if (isDotDot(path, nameStart)) this.#c.close(this.#openPath(dir, path, "nofollow"));
    if (nameStart === 0) {
      this.#check(call(dir, path.pointer));
      return;
    }
    this.#parent.set(path.bytes, 0, nameStart);
    const parent = this.#openBeneath(dir, this.#parent.pointer, O.PATH | O.DIRECTORY | O.CLOEXEC);
    try {
      this.#check(call(parent, path.pointer + BigInt(nameStart)));
    } finally {
      this.#c.close(parent);
    }
  }

  #check(result: number): void {
    if (result < 0) this.#fail();
  }

  #fail(): never {
    throw failureOfLinux(this.#native.errno());
  }

  /** A transfer that a signal interrupted is made again. */
  #failUnlessInterrupted(): void {
    if (this.#native.errno() !== eintr) this.#fail();
  }

  #fillIovecs(buffers: Buffers): number {
    const base = this.#native.addressOf(buffers.memory.buffer) + buffers.memory.byteOffset;
    const words = this.#native.words;
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

  #fillTimes(atime: SetTime, mtime: SetTime): void {
    const longs = this.#native.longs;
    const at = scratch.times / 8;
    fillTime(longs, at, atime);
    fillTime(longs, at + 2, mtime);
  }

  /** Takes over what statx wrote (`struct statx`, statx(2)). */
  #readStat(out: FileStat): void {
    const words = this.#native.words;
    const longs = this.#native.longs;
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
    longs[at + 1] = time === "now" ? utimeNow : utimeOmit;
  }
}

/** Waits by poll(2) until a descriptor is ready, or the time in ms is over; -1 waits for ever. */
export function waitForDescriptor(
  native: Native,
  wanted: { fd: number; events: "read" | "write"; ms: number },
): boolean {
  const at = scratch.poll / 4;
  native.words[at] = wanted.fd;
  native.words[at + 1] = wanted.events === "read" ? pollIn : pollOut;
  for (;;) {
    const count = native.c.poll(native.address + BigInt(scratch.poll), 1n, Math.min(Math.ceil(wanted.ms), 0x7fffffff));
    if (count >= 0) return count > 0;
    if (native.errno() !== eintr) throwErrno(native);
  }
}

/** Where the last component begins; slashes behind it belong to it. */
function lastComponentStart(path: Path): number {
  let at = path.length;
  while (at > 0 && path.bytes[at - 1] === 0x2f) at -= 1;
  while (at > 0 && path.bytes[at - 1] !== 0x2f) at -= 1;
  return at;
}

function isDotDot(path: Path, start: number): boolean {
  return path.bytes[start] === 0x2e && path.bytes[start + 1] === 0x2e && [0, 0x2f].includes(path.bytes[start + 2] ?? 0);
}
