import { failure, HostError } from "../../base/index.ts";
import { type Descriptor, type DirectoryReader, FileStat } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { DescriptorSink, DescriptorSource } from "./descriptor-streams.ts";
import type { InputSource } from "./input-stream.ts";
import type { OutputSink } from "./output-stream.ts";

/** A position or length as the system takes it, signed. @throws HostError inval */
export function signed(value: bigint): bigint {
  if (value > 0x7fff_ffff_ffff_ffffn) throw failure("inval");
  return value;
}

/**
 * The resource `descriptor` of `wasi:filesystem/types`. What it stands for is closed with the last of it, its streams and its
 * listings; what was granted as a folder stays open.
 */
export class OpenFile {
  readonly descriptor: Descriptor;
  readonly context: Wasi02Context;
  /** Its number in the guest's table; undefined for a granted folder, which each list of those names anew. */
  readonly #number: number | undefined;
  #uses = 1;
  #appends: boolean;
  /** Who read the folder's entries last. */
  #lister: DirectoryEntryStream | undefined;

  constructor(context: Wasi02Context, descriptor: Descriptor, number?: number) {
    this.context = context;
    this.descriptor = descriptor;
    this.#number = number;
    this.#appends = descriptor.flags.append;
  }

  retain(): this {
    this.#uses += 1;
    return this;
  }

  release(): void {
    this.#uses -= 1;
    if (this.#uses === 0 && this.#number !== undefined) this.context.host.descriptors.close(this.#number);
  }

  /** Sees to it that writes go to the file's end, or to where they say. */
  setAppend(append: boolean): void {
    if (this.#appends === append) return;
    this.descriptor.setFlags({ append, nonblock: false });
    this.#appends = append;
  }

  /** The reader of its entries, at where this listing is. */
  readerFor(lister: DirectoryEntryStream): DirectoryReader {
    const reader = this.descriptor.readDirectory();
    if (this.#lister !== lister) {
      reader.seek(lister.cookie);
      this.#lister = lister;
    }
    return reader;
  }

  stat(): FileStat {
    const stat = new FileStat();
    this.descriptor.stat(stat);
    return stat;
  }
}

/** What reads and writes at positions of its own have in common: a pipe among the files has none, and is used as one. */
abstract class FileEnd {
  protected readonly file: OpenFile;
  protected offset: bigint;

  constructor(file: OpenFile, offset: bigint) {
    this.file = file.retain();
    this.offset = signed(offset);
  }

  protected abstract readonly pipe: DescriptorSource | DescriptorSink | undefined;

  isReady(): boolean {
    return this.pipe?.isReady() ?? true;
  }

  wait(ms: number): boolean {
    return this.pipe?.wait(ms) ?? true;
  }

  watch(wake: () => void): true | (() => void) {
    return this.pipe?.watch(wake) ?? true;
  }

  close(): void {
    this.file.release();
  }

  protected isPipe(error: unknown): boolean {
    return this.pipe === undefined && error instanceof HostError && error.errno === "spipe";
  }
}

/** Reads a file from an offset on. */
export class FileSource extends FileEnd implements InputSource {
  protected pipe: DescriptorSource | undefined;

  read(into: Uint8Array): number | Promise<number> {
    if (this.pipe !== undefined) return this.pipe.read(into);
    const { descriptor } = this.file;
    try {
      const count = descriptor.readAt(this.file.context.piece(into), this.offset);
      this.offset += BigInt(count);
      return count;
    } catch (error) {
      if (!this.isPipe(error)) throw error;
      this.pipe = new DescriptorSource(descriptor);
      return this.pipe.read(into);
    }
  }
}

/** Most bytes that a file takes at once. */
const fileRoom = 1_048_576;

/** Writes a file from an offset on. */
export class FileSink extends FileEnd implements OutputSink {
  protected pipe: DescriptorSink | undefined;

  get isImmediate(): boolean {
    return this.pipe === undefined;
  }

  get room(): number | undefined {
    return this.pipe === undefined ? fileRoom : undefined;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    if (this.pipe !== undefined) return this.pipe.write(bytes);
    const { descriptor } = this.file;
    this.file.setAppend(false);
    try {
      const count = descriptor.writeAt(this.file.context.piece(bytes), this.offset);
      this.offset += BigInt(count);
      return count;
    } catch (error) {
      if (!this.isPipe(error)) throw error;
      this.pipe = new DescriptorSink(descriptor);
      // What it waits with is its own.
      return this.pipe.write(bytes.slice());
    }
  }
}

/** Writes at a file's end, wherever that is by then. */
export class AppendSink implements OutputSink {
  readonly room = fileRoom;
  readonly #file: OpenFile;
  readonly #sink: DescriptorSink;

  constructor(file: OpenFile) {
    this.#file = file.retain();
    this.#sink = new DescriptorSink(file.descriptor);
  }

  isReady(): boolean {
    return this.#sink.isReady();
  }

  wait(ms: number): boolean {
    return this.#sink.wait(ms);
  }

  watch(wake: () => void): true | (() => void) {
    return this.#sink.watch(wake);
  }

  write(bytes: Uint8Array): number | Promise<number> {
    this.#file.setAppend(true);
    return this.#sink.write(bytes);
  }

  close(): void {
    this.#file.release();
  }
}

const decoder = new TextDecoder();

/** The resource `directory-entry-stream`: a listing that begins at the folder's first entry. */
export class DirectoryEntryStream {
  readonly #file: OpenFile;
  /** The entry that was read last. */
  cookie = 0n;

  constructor(file: OpenFile) {
    this.#file = file.retain();
    if (file.descriptor.type() !== "directory") {
      file.release();
      throw failure("notdir");
    }
  }

  /** The next entry that is neither `.` nor `..`; undefined at the end. */
  next(): { readonly type: string; readonly name: string } | undefined {
    const reader = this.#file.readerFor(this);
    while (reader.next()) {
      this.cookie = reader.cookie;
      const { bytes, nameStart, nameLength } = reader;
      const name = decoder.decode(bytes.subarray(nameStart, nameStart + nameLength));
      if (name !== "." && name !== "..") return { type: reader.type, name };
    }
    return undefined;
  }

  close(): void {
    this.#file.release();
  }
}
