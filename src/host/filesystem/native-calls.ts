import { failure, failureOfLinux } from "../../base/index.ts";
import { type Native, nativeOrUndefined, scratch, throwErrno } from "../../base/native.ts";
import {
  type Advice,
  type Buffers,
  type DirectoryReader,
  type FileCalls,
  type FileStat,
  type FollowMode,
  open as openBits,
  type SetTime,
  type Whence,
} from "./file-calls.ts";
import { advices, AT, errnos, O, setFl, statxMask } from "./linux.ts";
import { NativeDirectoryReader } from "./native-directory.ts";
import { hasOpenat2, makeNativePath, NativeResolver, newFileMode } from "./native-resolver.ts";
import { fillIovecs, fillTimes, readStat, waitForDescriptor } from "./native-structs.ts";
import type { Path } from "./path.ts";

/** File calls by `openat2(RESOLVE_BENEATH)` and its kin, or undefined where node:ffi or openat2 (Linux 5.6) is missing. */
export function createNativeCalls({ opensFolders = true }: { opensFolders?: boolean } = {}): FileCalls | undefined {
  const native = nativeOrUndefined();
  return native === undefined || (opensFolders && !hasOpenat2(native)) ? undefined : new NativeFileCalls(native);
}

class NativeFileCalls implements FileCalls {
  readonly name = "openat2";
  readonly #native: Native;
  readonly #c: Native["c"];
  readonly #statAddress: bigint;
  readonly #emptyAddress: bigint;
  readonly #iovecs: bigint;
  readonly #times: bigint;
  readonly #resolver: NativeResolver;

  constructor(native: Native) {
    this.#native = native;
    this.#c = native.c;
    this.#statAddress = native.address + BigInt(scratch.stat);
    this.#emptyAddress = native.address + BigInt(scratch.empty);
    this.#iovecs = native.address + BigInt(scratch.iovecs);
    this.#times = native.address + BigInt(scratch.times);
    this.#resolver = new NativeResolver(native);
  }

  makePath(): Path {
    return makeNativePath(this.#native);
  }

  openRoot(hostPath: string): number {
    const path = this.makePath();
    path.setText(hostPath);
    const fd = this.#c.openat(AT.currentFolder, path.pointer, O.DIRECTORY | O.CLOEXEC, 0);
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
      if (errno !== errnos.intr && !(follows && (errno === errnos.loop || errno === errnos.notdir)))
        throw failureOfLinux(errno);
    }
    return this.#resolver.open(dir, path.pointer, follows ? flags : flags | O.NOFOLLOW);
  }

  close(fd: number): void {
    if (this.#c.close(fd) < 0) this.#fail();
  }

  read(fd: number, into: Buffers): number {
    const count = fillIovecs(this.#native, into);
    for (;;) {
      const moved = this.#c.readv(fd, this.#iovecs, count);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  write(fd: number, from: Buffers): number {
    const count = fillIovecs(this.#native, from);
    for (;;) {
      const moved = this.#c.writev(fd, this.#iovecs, count);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  readAt(fd: number, into: Buffers, offset: bigint): number {
    const count = fillIovecs(this.#native, into);
    for (;;) {
      const moved = this.#c.preadv(fd, this.#iovecs, count, offset);
      if (moved >= 0) return moved;
      this.#failUnlessInterrupted();
    }
  }

  writeAt(fd: number, from: Buffers, offset: bigint): number {
    const count = fillIovecs(this.#native, from);
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
    this.#check(this.#c.statx(fd, this.#emptyAddress, AT.emptyPath, statxMask.basic, this.#statAddress));
    readStat(this.#native, out);
  }

  statAt(dir: number, path: Path, follow: FollowMode, out: FileStat): void {
    if (path.isSimple) {
      this.#check(this.#c.statx(dir, path.pointer, AT.symlinkNofollow, statxMask.basic, this.#statAddress));
      readStat(this.#native, out);
      if (follow === "nofollow" || out.type !== "symbolic-link") return;
    }
    const fd = this.#resolver.openPath(dir, path, follow);
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
    fillTimes(this.#native, atime, mtime);
    this.#check(this.#c.futimens(fd, this.#times));
  }

  setTimesAt(dir: number, path: Path, follow: FollowMode, atime: SetTime, mtime: SetTime): void {
    if (path.isSimple && follow === "nofollow") {
      fillTimes(this.#native, atime, mtime);
      this.#check(this.#c.utimensat(dir, path.pointer, this.#times, AT.symlinkNofollow));
      return;
    }
    const fd = this.#resolver.openPath(dir, path, follow);
    try {
      fillTimes(this.#native, atime, mtime);
      this.#check(this.#c.utimensat(fd, this.#emptyAddress, this.#times, AT.emptyPath));
    } finally {
      this.#c.close(fd);
    }
  }

  makeDirectory(dir: number, path: Path): void {
    this.#resolver.inParent(dir, path, (parent, name) => this.#c.mkdirat(parent, name, 0o777));
  }

  removeDirectory(dir: number, path: Path): void {
    this.#resolver.inParent(dir, path, (parent, name) => this.#c.unlinkat(parent, name, AT.removedir));
  }

  unlink(dir: number, path: Path): void {
    if (path.isSimple) this.#check(this.#c.unlinkat(dir, path.pointer, 0));
    else this.#resolver.inParent(dir, path, (parent, name) => this.#c.unlinkat(parent, name, 0));
  }

  rename(fromDir: number, from: Path, toDir: number, to: Path): void {
    this.#resolver.inParent(fromDir, from, (fromParent, fromName) => {
      this.#resolver.inParent(toDir, to, (toParent, toName) =>
        this.#c.renameat(fromParent, fromName, toParent, toName),
      );
      return 0;
    });
  }

  link(fromDir: number, from: Path, follow: FollowMode, toDir: number, to: Path): void {
    if (from.isSimple && follow === "nofollow") {
      this.#resolver.inParent(toDir, to, (parent, name) => this.#c.linkat(fromDir, from.pointer, parent, name, 0));
      return;
    }
    const fd = this.#resolver.openPath(fromDir, from, follow);
    try {
      // The descriptor's own entry in /proc names the very file that was opened, without a privilege.
      const entry = this.makePath();
      entry.setText(`/proc/self/fd/${fd}`);
      const take = AT.symlinkFollow;
      this.#resolver.inParent(toDir, to, (parent, name) =>
        this.#c.linkat(AT.currentFolder, entry.pointer, parent, name, take),
      );
    } finally {
      this.#c.close(fd);
    }
  }

  symlink(target: Path, dir: number, path: Path): void {
    this.#resolver.inParent(dir, path, (parent, name) => this.#c.symlinkat(target.pointer, parent, name));
  }

  readLink(dir: number, path: Path): Uint8Array {
    const fd = path.isSimple ? -1 : this.#resolver.openPath(dir, path, "nofollow");
    try {
      const at = this.#native.address + BigInt(scratch.link);
      const [from, name] = fd < 0 ? [dir, path.pointer] : [fd, this.#emptyAddress];
      const length = this.#c.readlinkat(from, name, at, BigInt(scratch.linkSize));
      // An empty name on something that is no link answers ENOENT; the file is there, so the argument is at fault.
      if (length < 0 && fd >= 0 && this.#native.errno() === errnos.noent) throw failure("inval");
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

  #check(result: number): void {
    if (result < 0) this.#fail();
  }

  #fail(): never {
    throw failureOfLinux(this.#native.errno());
  }

  /** A transfer that a signal interrupted is made again. */
  #failUnlessInterrupted(): void {
    if (this.#native.errno() !== errnos.intr) this.#fail();
  }
}
