import {
  type BigIntStats,
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import { failure, failureOfNode } from "../../base/index.ts";
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
import { fileTypeOf } from "./linux.ts";
import { maxPathBytes, Path } from "./path.ts";
import { inFolder } from "./walk/in-folder.ts";
import { followIt, isLink, type Last, resolve } from "./walk/resolve.ts";
import { SnapshotDirectory } from "./walk/snapshot-directory.ts";
import { isTerminal, Streams } from "./walk/streams.ts";
import { hasWindowsNames, modeType, pathOnly, systemFlags, systemOpen } from "./walk/system.ts";
import { DescriptorGround, type Ground, PathGround } from "./walk/trail.ts";

/** What {@link createWalkCalls} takes. */
export interface WalkOptions {
  /**
   * Whether names are reached through `/proc/self/fd`; otherwise by the paths of the open folders, which cannot promise as
   * much (see PathTrail). By default wherever that exists.
   */
  readonly procPath?: boolean;
  /** Whether the process runs a guest and nothing else, so that its working directory may be changed within a call. */
  readonly ownsProcess?: boolean;
}

/**
 * File calls by node:fs alone, walking one component at a time. What it does otherwise than the native calls: times are set
 * within 1 µs (node:fs takes seconds as doubles) and "now" to the millisecond; room is allocated by making a file longer;
 * advice has no effect; pipes are waited for in steps of up to 10 ms; a directory is listed once from its start. Without
 * /proc, a file that was opened to append goes on appending (clearing that answers notsup).
 */
export function createWalkCalls(options: WalkOptions = {}): FileCalls {
  const hasProc = options.procPath ?? (process.platform === "linux" && existsSync("/proc/self/fd"));
  return new WalkFileCalls(hasProc ? new DescriptorGround() : new PathGround(), {
    hasProc,
    changesFolder: hasProc && options.ownsProcess === true,
  });
}

const bigint = { bigint: true } as const;
const bigintOrNone = { bigint: true, throwIfNoEntry: false } as const;

class WalkFileCalls implements FileCalls {
  readonly name = "walk";
  readonly #ground: Ground;
  readonly #streams: Streams;
  readonly #hasProc: boolean;
  readonly #changesFolder: boolean;

  constructor(ground: Ground, options: { hasProc: boolean; changesFolder: boolean }) {
    this.#ground = ground;
    this.#hasProc = options.hasProc;
    this.#changesFolder = options.changesFolder;
    this.#streams = new Streams(options);
  }

  makePath(): Path {
    return new Path(Buffer.alloc(maxPathBytes + 1));
  }

  openRoot(hostPath: string): number {
    return attempt(() => {
      const path = realpathSync(hostPath);
      const fd = openRootFolder(path, this.#hasProc);
      this.#ground.opened(fd, path);
      return fd;
    });
  }

  open(dir: number, path: Path, bits: number): number {
    const flags = systemFlags(bits);
    const fd = this.#at(dir, path, (last) => openLast(this.#ground, last, { flags, bits }));
    this.#streams.opened(fd, flags);
    return fd;
  }

  close(fd: number): void {
    this.#streams.forget(fd);
    this.#ground.closed(fd);
    attempt(() => closeSync(checked(fd)));
  }

  read(fd: number, into: Buffers): number {
    return attempt(() => this.#streams.read(checked(fd), into));
  }

  write(fd: number, from: Buffers): number {
    return attempt(() => this.#streams.write(checked(fd), from));
  }

  readAt(fd: number, into: Buffers, offset: bigint): number {
    return attempt(() => this.#streams.readAt(checked(fd), into, offset));
  }

  writeAt(fd: number, from: Buffers, offset: bigint): number {
    return attempt(() => this.#streams.writeAt(checked(fd), from, offset));
  }

  seek(fd: number, offset: bigint, whence: Whence): bigint {
    return attempt(() => this.#streams.seek(checked(fd), offset, whence));
  }

  wait(fd: number, events: "read" | "write", ms: number): boolean {
    return attempt(() => this.#streams.wait(checked(fd), events, ms));
  }

  isTerminal(fd: number): boolean {
    return isTerminal(fd);
  }

  stat(fd: number, out: FileStat): void {
    attempt(() => fillStat(fstatSync(checked(fd), bigint), out));
  }

  statAt(dir: number, path: Path, follow: FollowMode, out: FileStat): void {
    this.#at(dir, path, (last) => {
      const stat = lstatSync(last.path, bigintOrNone);
      if (stat === undefined) throw failure("noent");
      if (stat.isSymbolicLink() && (follow === "follow" || last.slash)) return followIt;
      if (last.slash && !stat.isDirectory()) throw failure("notdir");
      fillStat(stat, out);
      return undefined;
    });
  }

  truncate(fd: number, size: bigint): void {
    attempt(() => this.#streams.truncate(checked(fd), size));
  }

  allocate(fd: number, offset: bigint, length: bigint): void {
    attempt(() => this.#streams.allocate(checked(fd), offset, length));
  }

  advise(fd: number, offset: bigint, length: bigint, _advice: Advice): void {
    attempt(() => {
      const type = fileTypeOf(modeType(fstatSync(checked(fd), bigint)));
      if (type === "fifo" || type === "socket") throw failure("spipe");
      if (offset < 0n || length < 0n) throw failure("inval");
    });
  }

  sync(fd: number, what: "data" | "all"): void {
    attempt(() => (what === "data" ? fdatasyncSync(checked(fd)) : fsyncSync(checked(fd))));
  }

  setFlags(fd: number, flags: { append: boolean; nonblock: boolean }): void {
    // Non-blocking stays on whatever the guest asks for: waiting is done by `wait`, never within a call.
    attempt(() => this.#streams.setAppend(checked(fd), flags.append));
  }

  setTimes(fd: number, atime: SetTime, mtime: SetTime): void {
    attempt(() => {
      const stat = fstatSync(checked(fd), bigint);
      const [access, modification] = [seconds(atime, stat.atimeNs), seconds(mtime, stat.mtimeNs)];
      // A folder is reached by its path: its descriptor may be one that stands for the path alone.
      if (stat.isDirectory()) utimesSync(this.#ground.pathOf(fd), access, modification);
      else futimesSync(fd, access, modification);
    });
  }

  setTimesAt(dir: number, path: Path, follow: FollowMode, atime: SetTime, mtime: SetTime): void {
    this.#at(dir, path, (last) => {
      const stat = lstatSync(last.path, bigint);
      if (stat.isSymbolicLink() && (follow === "follow" || last.slash)) return followIt;
      if (last.slash && !stat.isDirectory()) throw failure("notdir");
      lutimesSync(last.path, seconds(atime, stat.atimeNs), seconds(mtime, stat.mtimeNs));
      return undefined;
    });
  }

  makeDirectory(dir: number, path: Path): void {
    this.#at(dir, path, (last) => {
      if (last.name === ".") throw failure("exist");
      mkdirSync(last.path);
    });
  }

  removeDirectory(dir: number, path: Path): void {
    this.#at(dir, path, (last) => {
      if (last.name === ".") throw failure(last.isBack ? "notempty" : "inval");
      rmdirSync(last.path);
    });
  }

  unlink(dir: number, path: Path): void {
    this.#at(dir, path, (last) => {
      if (last.name === ".") throw failure("isdir");
      if (last.slash) throw failure(lstatSync(last.path).isDirectory() ? "isdir" : "notdir");
      // Other systems than Linux let the superuser unlink folders, or answer EPERM.
      if (!this.#hasProc && lstatSync(last.path).isDirectory()) throw failure("isdir");
      unlinkSync(last.path);
    });
  }

  rename(fromDir: number, from: Path, toDir: number, to: Path): void {
    this.#at(fromDir, from, (source) => {
      if (source.name === ".") throw failure("busy");
      this.#at(toDir, to, (target) => {
        if (target.name === ".") throw failure("busy");
        if ((source.slash || target.slash) && !lstatSync(source.path).isDirectory()) throw failure("notdir");
        renameSync(source.path, target.path);
      });
    });
  }

  link(fromDir: number, from: Path, follow: FollowMode, toDir: number, to: Path): void {
    this.#at(fromDir, from, (source) => {
      if ((follow === "follow" || source.slash) && isLink(source.path)) return followIt;
      if (source.slash && !lstatSync(source.path).isDirectory()) throw failure("notdir");
      // link(2) follows a link on other systems than Linux.
      if (!this.#hasProc && isLink(source.path)) throw failure("notsup");
      this.#at(toDir, to, (target) => {
        checkNew(target);
        linkSync(source.path, target.path);
      });
      return undefined;
    });
  }

  symlink(target: Path, dir: number, path: Path): void {
    if (target.length === 0) throw failure("noent");
    this.#at(dir, path, (last) => {
      checkNew(last);
      symlinkSync(textOf(target), last.path);
    });
  }

  readLink(dir: number, path: Path): Uint8Array {
    return this.#at(dir, path, (last) => {
      if (last.slash && isLink(last.path)) return followIt;
      if (last.slash && !lstatSync(last.path).isDirectory()) throw failure("notdir");
      return readlinkSync(last.path, "buffer");
    });
  }

  readDirectory(fd: number): DirectoryReader {
    const ground = this.#ground;
    return new SnapshotDirectory({
      path: () => ground.pathOf(checked(fd)),
      prefix: () => ground.prefixOf(fd),
      ino: () => fstatSync(fd, bigint).ino,
      inside: this.#changesFolder ? (use) => inFolder(ground.pathOf(checked(fd)), use) : undefined,
    });
  }

  /** Runs `use` where a path leads to. A plain name cannot leave its folder: it takes no walk unless it is a link to follow. */
  #at<T>(dir: number, path: Path, use: (last: Last) => T | typeof followIt): T {
    try {
      const text = textOf(path);
      checked(dir);
      if (path.isSimple && !hasWindowsNames) {
        const result = use({
          path: this.#ground.prefixOf(dir) + text,
          name: text,
          isBack: false,
          slash: false,
        });
        if (result !== followIt) return result;
      }
      return resolve(this.#ground, dir, text, use);
    } catch (error) {
      throw failed(error, dir);
    }
  }
}

function openRootFolder(path: string, hasProc: boolean): number {
  try {
    return openSync(path, systemOpen.directory);
  } catch (error) {
    // A folder that may be gone through but not listed: what is in it can still be granted.
    if (!hasProc || failureOfNode(error)?.errno !== "acces") throw error;
    return openSync(path, pathOnly);
  }
}

function openLast(ground: Ground, last: Last, how: { flags: number; bits: number }): number | typeof followIt {
  const { bits } = how;
  const creates = (bits & openBits.create) !== 0;
  if (creates && (bits & openBits.directory) !== 0) throw failure("inval");
  if (creates && (last.slash || last.isBack)) throw failure("isdir");
  const follows = last.slash || ((bits & openBits.follow) !== 0 && (bits & openBits.exclusive) === 0);
  try {
    return ground.open(last.path, last.slash ? how.flags | systemOpen.directory : how.flags);
  } catch (error) {
    // Without O_DIRECTORY a link answers ELOOP, with it ENOTDIR.
    const errno = failureOfNode(error)?.errno;
    if (follows && (errno === "loop" || errno === "notdir") && isLink(last.path)) return followIt;
    throw error;
  }
}

/** Checks the place of a new link: slashes say that it is a folder, which it is not. */
function checkNew(last: Last): void {
  if (last.name === ".") throw failure("exist");
  if (last.slash) throw failure(lstatSync(last.path, { throwIfNoEntry: false }) === undefined ? "noent" : "exist");
}

function textOf(path: Path): string {
  const { bytes } = path;
  return Buffer.isBuffer(bytes) ? bytes.toString("utf8", 0, path.length) : path.text;
}

function fillStat(stat: BigIntStats, out: FileStat): void {
  const { values } = out;
  out.type = fileTypeOf(modeType(stat));
  values[0] = stat.dev;
  values[1] = stat.ino;
  values[2] = stat.nlink;
  values[3] = stat.size;
  values[4] = stat.atimeNs;
  values[5] = stat.mtimeNs;
  values[6] = stat.ctimeNs;
}

/** A time in seconds; a double keeps it within 240 ns in this century. */
function seconds(time: SetTime, before: bigint): number {
  if (time === "now") return Date.now() / 1000;
  const instant = time === "keep" ? before : time;
  return Number(instant / 1_000_000_000n) + Number(instant % 1_000_000_000n) / 1e9;
}

/** A number that the system may be asked about as a descriptor. */
function checked(fd: number): number {
  if (!Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff) throw failure("badf");
  return fd;
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw failureOfNode(error) ?? error;
  }
}

/** The failure to throw: a path through a descriptor that is not open looks as if a name were missing. */
function failed(error: unknown, dir: number): unknown {
  const known = failureOfNode(error);
  if (known === undefined || known.errno !== "noent") return known ?? error;
  try {
    fstatSync(checked(dir), bigint);
    return known;
  } catch (bad) {
    return failureOfNode(bad) ?? bad;
  }
}
