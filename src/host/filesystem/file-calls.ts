import type { Path } from "./path.ts";

/** How a file is opened, as a bit set: what a caller asks for, in no system's numbers. */
export const open = {
  read: 1,
  write: 2,
  create: 4,
  exclusive: 8,
  truncate: 16,
  directory: 32,
  append: 64,
  nonblock: 128,
  sync: 256,
  dsync: 512,
  /** Follow a symbolic link in the last component, within the folder. */
  follow: 1024,
} as const;

/** What a directory entry or descriptor is. */
export type FileType =
  | "unknown"
  | "block-device"
  | "character-device"
  | "directory"
  | "regular-file"
  | "symbolic-link"
  | "fifo"
  | "socket";

/**
 * What is known of a file. It is filled anew by each `stat`, so that asking allocates nothing: read what you need before
 * the next call.
 */
export class FileStat {
  type: FileType = "unknown";
  /** dev, ino, nlink, size, then the times of last access, modification and status change in nanoseconds since 1970. */
  readonly values = new BigUint64Array(7);

  get dev(): bigint {
    return this.values[0] ?? 0n;
  }
  get ino(): bigint {
    return this.values[1] ?? 0n;
  }
  get nlink(): bigint {
    return this.values[2] ?? 0n;
  }
  get size(): bigint {
    return this.values[3] ?? 0n;
  }
  get atime(): bigint {
    return this.values[4] ?? 0n;
  }
  get mtime(): bigint {
    return this.values[5] ?? 0n;
  }
  get ctime(): bigint {
    return this.values[6] ?? 0n;
  }
}

/** The memory that pieces lie in, which grows while others wait. */
export interface PieceOwner {
  /** All of it as it is now. */
  readonly bytes: Uint8Array;
  /** @throws HostError fault where `length` bytes from `at` on do not lie within */
  check(at: number, length: number): void;
}

/** Pieces of guest memory that one read fills or one write empties, in order. Reused from call to call. */
export class Buffers {
  /** The guest's memory as it is now; {@link refresh} takes it up anew after a wait. */
  memory: Uint8Array = new Uint8Array(0);
  count = 0;
  /** Sum of the lengths in bytes. */
  total = 0;
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];
  readonly #owner: PieceOwner | undefined;

  constructor(owner?: PieceOwner) {
    this.#owner = owner;
  }

  /** Forgets the pieces and takes up the memory that new ones lie in. */
  reset(memory: Uint8Array): void {
    this.memory = memory;
    this.count = 0;
    this.total = 0;
  }

  /** Adds a piece; the caller has checked that it lies within the memory. */
  add(offset: number, length: number): void {
    this.offsets[this.count] = offset;
    this.lengths[this.count] = length;
    this.count += 1;
    this.total += length;
  }

  /** One piece as a view. */
  view(index: number): Uint8Array {
    const offset = this.offsets[index] ?? 0;
    return this.memory.subarray(offset, offset + (this.lengths[index] ?? 0));
  }

  /** Takes up the memory as it is after a wait. @throws HostError fault where a piece no longer lies in it */
  refresh(): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    for (let i = 0; i < this.count; i++) owner.check(this.offsets[i] ?? 0, this.lengths[i] ?? 0);
    this.memory = owner.bytes;
  }

  /** Becomes at most `most` bytes of other pieces, those behind the first `skipped` ones. */
  takePart(of: Buffers, skipped: number, most: number): void {
    this.reset(of.memory);
    let left = skipped;
    for (let i = 0; i < of.count && this.total < most; i++) {
      const length = of.lengths[i] ?? 0;
      if (left < length) this.add((of.offsets[i] ?? 0) + left, Math.min(length - left, most - this.total));
      left = Math.max(0, left - length);
    }
    if (this.count === 0) this.add(0, 0);
  }

  /** Copies the first `most` bytes of the pieces to the start of `bytes`, in order. */
  gather(bytes: Uint8Array, most: number): void {
    for (let i = 0, at = 0; i < this.count && at < most; i++) {
      const offset = this.offsets[i] ?? 0;
      const length = Math.min(this.lengths[i] ?? 0, most - at);
      copyBytes(this.memory, { offset, length }, bytes, at);
      at += length;
    }
  }

  /** Copies the first `count` bytes of `bytes` into the pieces, in order, as far as they reach. */
  scatter(bytes: Uint8Array, count: number): void {
    for (let i = 0, at = 0; i < this.count && at < count; i++) {
      const length = Math.min(this.lengths[i] ?? 0, count - at);
      copyBytes(bytes, { offset: at, length }, this.memory, this.offsets[i] ?? 0);
      at += length;
    }
  }
}

/** From so many bytes on a view and a copy by the engine take less time than a loop. */
const fewBytes = 64;

function copyBytes(
  from: Uint8Array,
  { offset, length }: { offset: number; length: number },
  to: Uint8Array,
  at: number,
): void {
  if (length >= fewBytes) to.set(from.subarray(offset, offset + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[offset + i] ?? 0;
}

/** A time to set: an instant in nanoseconds since 1970, the present one, or what it was. */
export type SetTime = bigint | "now" | "keep";

/** Where a `seek` counts from. */
export type Whence = "start" | "current" | "end";

/**
 * Reads a directory's entries in order. `seek` takes the cookie of an entry that was read (its entry is then the last one
 * passed) or 0 for the start; cookies stay valid while entries come and go. `.` and `..` are among the entries.
 */
export interface DirectoryReader {
  seek(cookie: bigint): void;
  /** Goes to the next entry; false at the end. What follows describes it. */
  next(): boolean;
  readonly cookie: bigint;
  readonly ino: bigint;
  readonly type: FileType;
  /** The bytes of the name are `bytes[nameStart .. nameStart + nameLength)`. */
  readonly bytes: Uint8Array;
  readonly nameStart: number;
  readonly nameLength: number;
  close(): void;
}

/**
 * The system's file calls, *beneath a folder*: each `dir` is an open directory's descriptor, each path is resolved within
 * that directory and never leaves it, whatever others rename or link meanwhile. Two implementations (openat2 by way of
 * node:ffi, and a walk by node:fs) behave alike; the attack table runs on both. All throw HostError and, where a path would
 * leave, `refusal` (base/errno.ts), which a guest sees as `perm`.
 */
export interface FileCalls {
  readonly name: "openat2" | "walk";
  /** A path buffer that these calls take, filled by the caller. */
  makePath(): Path;
  /** Opens a host folder by its own path, links followed: only for what a grant names. */
  openRoot(hostPath: string): number;
  /** Opens a path with `open` bits; `mode` 0o666 less the umask for a new file. Never waits (a FIFO opens at once). */
  open(dir: number, path: Path, bits: number): number;
  close(fd: number): void;

  /** Reads at the descriptor's own position; 0 at the end. `again` where a pipe is empty. */
  read(fd: number, into: Buffers): number;
  write(fd: number, from: Buffers): number;
  readAt(fd: number, into: Buffers, offset: bigint): number;
  writeAt(fd: number, from: Buffers, offset: bigint): number;
  seek(fd: number, offset: bigint, whence: Whence): bigint;
  /** Waits (blocking this thread) until the descriptor is readable or writable, or the time in ms is over (-1: for ever). */
  wait(fd: number, events: "read" | "write", ms: number): boolean;

  /** Whether a descriptor is a terminal. */
  isTerminal(fd: number): boolean;

  stat(fd: number, out: FileStat): void;
  statAt(dir: number, path: Path, follow: FollowMode, out: FileStat): void;
  truncate(fd: number, size: bigint): void;
  /** Makes sure that the file has `offset + length` bytes of room. */
  allocate(fd: number, offset: bigint, length: bigint): void;
  /** Says how the range will be used; without effect where the system has no such call. */
  advise(fd: number, offset: bigint, length: bigint, advice: Advice): void;
  sync(fd: number, what: "data" | "all"): void;
  /** Sets the flags that may change on an open file. */
  setFlags(fd: number, flags: { append: boolean; nonblock: boolean }): void;
  setTimes(fd: number, atime: SetTime, mtime: SetTime): void;
  setTimesAt(dir: number, path: Path, follow: FollowMode, atime: SetTime, mtime: SetTime): void;

  makeDirectory(dir: number, path: Path): void;
  removeDirectory(dir: number, path: Path): void;
  unlink(dir: number, path: Path): void;
  rename(fromDir: number, from: Path, toDir: number, to: Path): void;
  /** A hard link; a symbolic link in the last component of `from` is linked itself, or followed within the folder. */
  link(fromDir: number, from: Path, follow: FollowMode, toDir: number, to: Path): void;
  /** `target` is stored as it is; the caller has refused absolute ones. */
  symlink(target: Path, dir: number, path: Path): void;
  /** The link's target as bytes, valid until the next call. */
  readLink(dir: number, path: Path): Uint8Array;
  /** A reader with a position of its own: several may read one directory, which a preopened descriptor needs. */
  readDirectory(fd: number): DirectoryReader;
}

/** Whether a symbolic link in the last component is followed (within the folder). */
export type FollowMode = "follow" | "nofollow";

/** posix_fadvise's advice, in preview 1's names. */
export type Advice = "normal" | "sequential" | "random" | "willneed" | "dontneed" | "noreuse";
