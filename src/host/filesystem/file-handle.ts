import { failure, HostError, refusal } from "../../base/index.ts";
import { Descriptor, type DescriptorAccess } from "../descriptor.ts";
import type { Observer } from "../observer.ts";
import type { Waits } from "../waits.ts";
import {
  type Advice,
  type Buffers,
  type DirectoryReader,
  type FileCalls,
  FileStat,
  type FileType,
  type FollowMode,
  open as openBits,
  type SetTime,
  type Whence,
} from "./file-calls.ts";
import type { Path } from "./path.ts";

/** What the handles opened below one granted folder share. */
export interface FolderContext {
  readonly calls: FileCalls;
  readonly isWritable: boolean;
  readonly observer: Observer;
  /** How the instance waits without its thread; without it, it blocks its thread. */
  readonly waits?: Waits | undefined;
}

/** How a handle was come by. */
export interface HandleOrigin {
  /** Path in the guest's view, for messages. */
  readonly guestPath: string;
  /** Set for a granted folder: its name, and that its descriptor belongs to the workload. */
  readonly preopenName?: string;
  readonly bits: number;
}

/** An open file or folder below a granted folder. What it is, is asked of the system when somebody has to know. */
export class FileHandle extends Descriptor {
  override readonly preopenName: string | undefined;
  readonly access: DescriptorAccess;
  readonly #context: FolderContext;
  readonly #fd: number;
  readonly #guestPath: string;
  #type: FileType | undefined;
  #reader: DirectoryReader | undefined;

  constructor(context: FolderContext, fd: number, origin: HandleOrigin) {
    super();
    this.#context = context;
    this.#fd = fd;
    this.#guestPath = origin.guestPath;
    this.preopenName = origin.preopenName;
    const { bits } = origin;
    const isFolder = (bits & openBits.directory) !== 0;
    if (isFolder) this.#type = "directory";
    this.access = accessOf((bits & openBits.read) !== 0 || isFolder, (bits & openBits.write) !== 0);
    this.flags.append = (bits & openBits.append) !== 0;
    this.flags.nonblock = (bits & openBits.nonblock) !== 0;
    this.flags.sync = (bits & openBits.sync) !== 0;
    this.flags.dsync = (bits & openBits.dsync) !== 0;
  }

  /** Whether files below this folder may be changed. */
  get isWritable(): boolean {
    return this.#context.isWritable;
  }

  type(): FileType {
    if (this.#type === undefined) {
      const stat = new FileStat();
      this.stat(stat);
      this.#type = stat.type;
    }
    return this.#type;
  }

  override close(): void {
    this.#reader?.close();
    this.#reader = undefined;
    if (this.preopenName === undefined) this.#context.calls.close(this.#fd);
  }

  override stat(out: FileStat): void {
    this.#context.calls.stat(this.#fd, out);
  }

  override isTerminal(): boolean {
    return this.#context.calls.isTerminal(this.#fd);
  }

  override read(into: Buffers): number | Promise<number> {
    try {
      return this.#context.calls.read(this.#fd, into);
    } catch (error) {
      return this.#again(error, "read", into);
    }
  }

  override write(from: Buffers): number | Promise<number> {
    if (!this.access.write) throw failure("badf");
    try {
      return this.#context.calls.write(this.#fd, from);
    } catch (error) {
      return this.#again(error, "write", from);
    }
  }

  override readAt(into: Buffers, offset: bigint): number {
    return this.#context.calls.readAt(this.#fd, into, offset);
  }

  override writeAt(from: Buffers, offset: bigint): number {
    if (!this.access.write) throw failure("badf");
    return this.#context.calls.writeAt(this.#fd, from, offset);
  }

  override seek(offset: bigint, whence: Whence): bigint {
    if (this.type() === "directory") throw failure("badf");
    return this.#context.calls.seek(this.#fd, offset, whence);
  }

  override truncate(size: bigint): void {
    this.#context.calls.truncate(this.#fd, size);
  }

  override allocate(offset: bigint, length: bigint): void {
    this.#context.calls.allocate(this.#fd, offset, length);
  }

  override advise(offset: bigint, length: bigint, advice: Advice): void {
    if (this.type() === "directory") throw failure("badf");
    this.#context.calls.advise(this.#fd, offset, length, advice);
  }

  override sync(what: "data" | "all"): void {
    this.#context.calls.sync(this.#fd, what);
  }

  override setFlags(flags: { append: boolean; nonblock: boolean }): void {
    this.#context.calls.setFlags(this.#fd, flags);
    super.setFlags(flags);
  }

  override setTimes(atime: SetTime, mtime: SetTime): void {
    if (!this.#context.isWritable) this.#refuse("write", "");
    this.#context.calls.setTimes(this.#fd, atime, mtime);
  }

  override wait(events: "read" | "write", ms: number): boolean {
    return this.#context.calls.wait(this.#fd, events, ms);
  }

  override watch(events: "read" | "write", wake: () => void): true | (() => void) {
    const { waits } = this.#context;
    if (waits === undefined || this.wait(events, 0)) return true;
    return waits.readiness.watch(this.#fd, events, () => {
      wake();
      return true;
    });
  }

  override open(path: Path, bits: number): FileHandle {
    const changes = (bits & (openBits.write | openBits.create | openBits.truncate)) !== 0;
    const fd = this.#guarded(changes, path, () => this.#context.calls.open(this.#fd, path, bits));
    return new FileHandle(this.#context, fd, { guestPath: joinGuestPath(this.#guestPath, path.text), bits });
  }

  override statAt(path: Path, follow: FollowMode, out: FileStat): void {
    try {
      this.#context.calls.statAt(this.#fd, path, follow, out);
    } catch (error) {
      throw this.#noted(error, false, path);
    }
    this.#noteUse(false, path);
  }

  override setTimesAt(path: Path, times: { follow: FollowMode; atime: SetTime; mtime: SetTime }): void {
    const { follow, atime, mtime } = times;
    this.#guarded(true, path, () => this.#context.calls.setTimesAt(this.#fd, path, follow, atime, mtime));
  }

  override makeDirectory(path: Path): void {
    this.#guarded(true, path, () => this.#context.calls.makeDirectory(this.#fd, path));
  }

  override removeDirectory(path: Path): void {
    this.#guarded(true, path, () => this.#context.calls.removeDirectory(this.#fd, path));
  }

  override unlink(path: Path): void {
    this.#allow(true, path);
    try {
      this.#context.calls.unlink(this.#fd, path);
    } catch (error) {
      throw this.#noted(error, true, path);
    }
    this.#noteUse(true, path);
  }

  override rename(from: Path, toFolder: Descriptor, to: Path): void {
    this.#guardedBoth(from, { folder: toFolder, path: to }, (target) => {
      this.#context.calls.rename(this.#fd, from, target.#fd, to);
    });
  }

  override link(from: Path, follow: FollowMode, to: { folder: Descriptor; path: Path }): void {
    // A second name in a writable folder would make a read-only file writable.
    this.#guardedBoth(from, to, (target) => this.#context.calls.link(this.#fd, from, follow, target.#fd, to.path));
  }

  override symlink(target: Path, path: Path): void {
    this.#guarded(true, path, () => {
      if (target.length === 0) throw failure("noent");
      if (target.isAbsolute) throw refusal;
      this.#context.calls.symlink(target, this.#fd, path);
    });
  }

  override readLink(path: Path): Uint8Array {
    return this.#guarded(false, path, () => {
      const target = this.#context.calls.readLink(this.#fd, path);
      // Where an absolute link leads is a place on the host, which a guest has no name for.
      if (target[0] === 0x2f) throw refusal;
      return target;
    });
  }

  override readDirectory(): DirectoryReader {
    this.#reader ??= this.#context.calls.readDirectory(this.#fd);
    return this.#reader;
  }

  /** Runs a call that changes two folders: what is learned, and what is refused, is said of the path that it concerns. */
  #guardedBoth(from: Path, to: { folder: Descriptor; path: Path }, call: (target: FileHandle) => void): void {
    const target = to.folder;
    if (!(target instanceof FileHandle)) return to.folder.refuseName(to.path);
    if (!target.#context.isWritable) target.#refuse("write", to.path.text);
    if (!this.#context.isWritable) this.#refuse("write", from.text);
    try {
      call(target);
    } catch (error) {
      if (error === refusal) {
        if (climbs(to.path)) target.#report("refused", "write", to.path.text);
        else this.#report("refused", "write", from.text);
      }
      throw error;
    }
    if (!this.#context.observer.isLearning) return;
    this.#report("used", "write", from.text);
    target.#report("used", "write", to.path.text);
  }

  /** Runs a call on a path: refused where it changes something that the grant only lets be read. */
  #guarded<T>(changes: boolean, path: Path, call: () => T): T {
    this.#allow(changes, path);
    try {
      const result = call();
      this.#noteUse(changes, path);
      return result;
    } catch (error) {
      throw this.#noted(error, changes, path);
    }
  }

  #allow(changes: boolean, path: Path): void {
    if (changes && !this.#context.isWritable) this.#refuse("write", path.text);
  }

  #noteUse(changes: boolean, path: Path): void {
    if (this.#context.observer.isLearning) this.#report("used", changes ? "write" : "read", path.text);
  }

  #noted(error: unknown, changes: boolean, path: Path): unknown {
    if (error === refusal) this.#report("refused", changes ? "write" : "read", path.text);
    return error;
  }

  #refuse(operation: "read" | "write", path: string): never {
    this.#report("refused", operation, path);
    throw refusal;
  }

  #report(what: "used" | "refused", operation: "read" | "write", path: string): void {
    const full = path === "" ? this.#guestPath || "/" : `${this.#guestPath}/${path}`;
    this.#context.observer[what]({ capability: "files", operation, path: full });
  }

  /** A pipe or terminal among the files never waits in the system's call: it says `again`, and we wait where it is due. */
  #again(error: unknown, events: "read" | "write", buffers: Buffers): number | Promise<number> {
    const { calls, waits } = this.#context;
    for (let failed = error; ;) {
      if (!(failed instanceof HostError) || failed.errno !== "again" || this.flags.nonblock) throw failed;
      if (waits !== undefined) {
        return waits.retry(this.#fd, events, () => {
          buffers.refresh();
          return calls[events](this.#fd, buffers);
        });
      }
      calls.wait(this.#fd, events, -1);
      try {
        return calls[events](this.#fd, buffers);
      } catch (next) {
        failed = next;
      }
    }
  }
}

/** Longest path that messages tell; a guest may open folders below folders for ever. */
const longestGuestPath = 4096;

/** The path of what was opened below a folder, without the parts that say nothing. */
function joinGuestPath(folder: string, path: string): string {
  const parts = folder.split("/");
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const joined = parts.join("/");
  return joined.length <= longestGuestPath ? joined : `${joined.slice(0, longestGuestPath)}…`;
}

/** Whether a path leaves its folder by its own words, links aside. */
function climbs(path: Path): boolean {
  let depth = 0;
  if (path.isAbsolute) return true;
  for (const part of path.text.split("/")) {
    if (part === "..") depth -= 1;
    else if (part !== "" && part !== ".") depth += 1;
    if (depth < 0) return true;
  }
  return false;
}

const accesses = [
  [
    { read: false, write: false },
    { read: false, write: true },
  ],
  [
    { read: true, write: false },
    { read: true, write: true },
  ],
] as const;

function accessOf(read: boolean, write: boolean): DescriptorAccess {
  return accesses[read ? 1 : 0][write ? 1 : 0];
}
