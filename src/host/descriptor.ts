import { failure, HostError, SampanError } from "../base/index.ts";
import type {
  Advice,
  Buffers,
  DirectoryReader,
  FileStat,
  FileType,
  FollowMode,
  SetTime,
  Whence,
} from "./filesystem/file-calls.ts";
import type { Path } from "./filesystem/path.ts";
import type { ReceiveHow, Received, ShutdownHow } from "./network/socket-types.ts";

/** The flags of an open descriptor that a guest may see and, but for `sync` and `dsync`, change. */
export interface DescriptorFlags {
  append: boolean;
  nonblock: boolean;
  sync: boolean;
  dsync: boolean;
}

/** What may be done with a descriptor, as it was opened. */
export interface DescriptorAccess {
  readonly read: boolean;
  readonly write: boolean;
}

/**
 * Something that a guest has open. Each operation is refused in the way that a system refuses it on the wrong kind of
 * thing, unless a subclass has it. Operations throw HostError.
 */
export abstract class Descriptor {
  readonly flags: DescriptorFlags = { append: false, nonblock: false, sync: false, dsync: false };
  /** The name under which a folder was granted. */
  readonly preopenName: string | undefined = undefined;
  /** Whether it counts among what a guest may have open. */
  readonly isCounted: boolean = true;
  abstract readonly access: DescriptorAccess;

  abstract type(): FileType;
  abstract stat(out: FileStat): void;
  isTerminal(): boolean {
    return false;
  }
  close(): void {}

  read(_into: Buffers): number | Promise<number> {
    throw failure("badf");
  }
  write(_from: Buffers): number | Promise<number> {
    throw failure("badf");
  }
  readAt(_into: Buffers, _offset: bigint): number {
    throw failure("spipe");
  }
  writeAt(_from: Buffers, _offset: bigint): number {
    throw failure("spipe");
  }
  seek(_offset: bigint, _whence: Whence): bigint {
    throw failure("spipe");
  }
  truncate(_size: bigint): void {
    throw failure("inval");
  }
  allocate(_offset: bigint, _length: bigint): void {
    throw failure("spipe");
  }
  advise(_offset: bigint, _length: bigint, _advice: Advice): void {
    throw failure("spipe");
  }
  sync(_what: "data" | "all"): void {
    throw failure("inval");
  }
  setFlags(flags: { append: boolean; nonblock: boolean }): void {
    this.flags.append = flags.append;
    this.flags.nonblock = flags.nonblock;
  }
  setTimes(_atime: SetTime, _mtime: SetTime): void {
    throw failure("badf");
  }
  /** Whether a read or write would not wait, asked at once or within `ms` (-1: for ever). */
  wait(_events: "read" | "write", _ms: number): boolean {
    return true;
  }
  /**
   * Calls `wake` in a later turn once a read or write would not wait, unless what this answers is called before; true where
   * that holds already. Only for an instance that waits without its thread.
   */
  watch(_events: "read" | "write", _wake: () => void): true | (() => void) {
    return true;
  }

  open(_path: Path, _bits: number): Descriptor {
    throw failure("notdir");
  }
  statAt(_path: Path, _follow: FollowMode, _out: FileStat): void {
    throw failure("notdir");
  }
  setTimesAt(_path: Path, _times: { follow: FollowMode; atime: SetTime; mtime: SetTime }): void {
    throw failure("notdir");
  }
  makeDirectory(_path: Path): void {
    throw failure("notdir");
  }
  removeDirectory(_path: Path): void {
    throw failure("notdir");
  }
  unlink(_path: Path): void {
    throw failure("notdir");
  }
  rename(_from: Path, _toFolder: Descriptor, _to: Path): void {
    throw failure("notdir");
  }
  link(_from: Path, _follow: FollowMode, _to: { folder: Descriptor; path: Path }): void {
    throw failure("notdir");
  }
  /** Why nothing can be renamed or linked into what is no granted folder. */
  refuseName(_path: Path): never {
    throw failure("notdir");
  }
  symlink(_target: Path, _path: Path): void {
    throw failure("notdir");
  }
  readLink(_path: Path): Uint8Array {
    throw failure("notdir");
  }
  readDirectory(): DirectoryReader {
    throw failure("notdir");
  }

  /** The socket calls: what is no socket answers that it is none. */
  accept(): Descriptor | Promise<Descriptor> {
    throw failure("notsock");
  }
  receive(_into: Buffers, _how?: ReceiveHow): Received | Promise<Received> {
    throw failure("notsock");
  }
  send(_from: Buffers): number | Promise<number> {
    throw failure("notsock");
  }
  shutdown(_how: ShutdownHow): void {
    throw failure("notsock");
  }
}

/** A guest's numbers for what it has open; the lowest free number comes next, as POSIX has it. */
export class DescriptorTable {
  readonly #entries: (Descriptor | undefined)[] = [];
  readonly #limit: number;
  #open = 0;
  #generation = 0;

  /** `limit` counts open descriptors. */
  constructor(limit: number = 4096) {
    if (limit < 3)
      throw new SampanError("CLI_OPTION_INVALID", `Cannot run with ${limit} descriptors: wanted at least 3`);
    this.#limit = limit;
  }

  /** @throws HostError badf */
  get(fd: number): Descriptor {
    const found = this.#entries[fd];
    if (found === undefined) throw failure("badf");
    return found;
  }

  /** A number that changes whenever some number means another descriptor, or none. */
  get generation(): number {
    return this.#generation;
  }

  /** Whether one more descriptor may be opened, asked before the system opens one. @throws HostError mfile */
  reserve(): void {
    if (this.#open >= this.#limit) throw failure("mfile");
  }

  /** @throws HostError mfile */
  insert(descriptor: Descriptor): number {
    if (descriptor.isCounted) this.reserve();
    let fd = this.#entries.indexOf(undefined);
    if (fd < 0) fd = this.#entries.length;
    this.#entries[fd] = descriptor;
    this.#generation += 1;
    this.#count(descriptor, 1);
    return fd;
  }

  /** Takes a descriptor out and closes it. @throws HostError badf */
  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#entries[fd] = undefined;
    this.#generation += 1;
    this.#count(descriptor, -1);
    descriptor.close();
  }

  /** Moves `from` to the number `to`, closing what was there; both must be open. @throws HostError badf */
  renumber(from: number, to: number): void {
    const moved = this.get(from);
    const replaced = this.get(to);
    if (from === to) return;
    this.#entries[to] = moved;
    this.#entries[from] = undefined;
    this.#generation += 1;
    this.#count(replaced, -1);
    replaced.close();
  }

  /** Closes all; nobody is left to hear of one that says it failed. */
  closeAll(): void {
    this.#generation += 1;
    for (const [fd, descriptor] of this.#entries.entries()) {
      this.#entries[fd] = undefined;
      try {
        descriptor?.close();
      } catch (error) {
        if (!(error instanceof HostError)) throw error;
      }
    }
    this.#open = 0;
  }

  #count(descriptor: Descriptor, by: 1 | -1): void {
    if (descriptor.isCounted) this.#open += by;
  }
}
