import { failure, failureOfLinux, refusal } from "../../base/index.ts";
import { type Native, scratch } from "../../base/native.ts";
import type { FollowMode } from "./file-calls.ts";
import { errnos, O, openat2 } from "./linux.ts";
import { maxPathBytes, Path } from "./path.ts";

/** How often an open is tried again while others keep renaming folders on its way. */
const mostTries = 256;
/** What the umask is taken from for a new file. */
export const newFileMode = 0o666;

/** A bad descriptor answers EBADF where the call exists, ENOSYS (or EPERM under an old container's filter) where not. */
export function hasOpenat2(native: Native): boolean {
  native.words.fill(0, scratch.openHow / 4, scratch.openHow / 4 + 6);
  native.bytes[scratch.link] = 0x2e;
  native.bytes[scratch.link + 1] = 0;
  const at = native.address;
  native.c.syscall(openat2.call, -1, at + BigInt(scratch.link), at + BigInt(scratch.openHow), openat2.howSize);
  return native.errno() !== errnos.nosys && native.errno() !== errnos.perm;
}

/** Resolves paths beneath a folder, by the kernel: openat2(2) with RESOLVE_BENEATH. */
export class NativeResolver {
  readonly #native: Native;
  readonly #c: Native["c"];
  readonly #how: bigint;
  /** The folder part of a longer path. */
  #parent: Path | undefined;

  constructor(native: Native) {
    this.#native = native;
    this.#c = native.c;
    this.#how = native.address + BigInt(scratch.openHow);
  }

  /** Opens, again while a rename that happens meanwhile makes the kernel unsure (EAGAIN). */
  open(dir: number, path: bigint, flags: number): number {
    const words = this.#native.words;
    const how = scratch.openHow / 4;
    words[how] = flags;
    words[how + 1] = 0;
    words[how + 2] = (flags & O.CREAT) === 0 ? 0 : newFileMode;
    words[how + 4] = openat2.resolveBeneath | openat2.resolveNoMagicLinks;
    for (let tries = 0; ; tries++) {
      const fd = this.#c.syscall(openat2.call, dir, path, this.#how, openat2.howSize);
      if (fd >= 0) return fd;
      const errno = this.#native.errno();
      if (errno === errnos.xdev) throw refusal;
      if (errno === errnos.intr || (errno === errnos.again && tries < mostTries)) continue;
      throw failureOfLinux(errno);
    }
  }

  /** Opens what a path names without reading it: it can be asked about and changed, whatever it is. */
  openPath(dir: number, path: Path, follow: FollowMode): number {
    if (path.length === 0) throw failure("noent");
    return this.open(dir, path.pointer, O.PATH | O.CLOEXEC | (follow === "follow" ? 0 : O.NOFOLLOW));
  }

  /**
   * Runs a call that takes a folder and the name in it and that never follows a link in that name, so that only the way to
   * the folder has to be resolved.
   */
  inParent(dir: number, path: Path, call: (parent: number, name: bigint) => number): void {
    if (path.isSimple) {
      this.#check(call(dir, path.pointer));
      return;
    }
    if (path.isAbsolute) throw refusal;
    const nameStart = lastComponentStart(path);
    if (isDotDot(path, nameStart)) this.#c.close(this.openPath(dir, path, "nofollow"));
    if (nameStart === 0) {
      this.#check(call(dir, path.pointer));
      return;
    }
    const folder = (this.#parent ??= makeNativePath(this.#native));
    folder.set(path.bytes, 0, nameStart);
    const parent = this.open(dir, folder.pointer, O.PATH | O.DIRECTORY | O.CLOEXEC);
    try {
      this.#check(call(parent, path.pointer + BigInt(nameStart)));
    } finally {
      this.#c.close(parent);
    }
  }

  #check(result: number): void {
    if (result < 0) throw failureOfLinux(this.#native.errno());
  }
}

/** A path buffer that native calls can be pointed at. */
export function makeNativePath(native: Native): Path {
  const { bytes, address } = native.allocate(maxPathBytes + 1);
  return new Path(bytes, address);
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
