import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  readvSync,
  writeSync,
  writevSync,
} from "node:fs";
import { failure, failureOfNode } from "../../../base/index.ts";
import type { Buffers, FileType, Whence } from "../file-calls.ts";
import { fileTypeOf } from "../linux.ts";
import { modeType, systemOpen } from "./system.ts";

/** Most bytes that one call moves: what Linux and libuv take at once. */
const mostBytes = 0x7ffff000;
const mostOffset = 2n ** 63n - 1n;
const fastestStep = 1;
const slowestStep = 10;

/** What is kept of an open file between calls, node:fs having neither lseek nor fcntl. */
interface Stream {
  readonly type: FileType;
  /** Where the next read or write happens; undefined where the system's own position counts. */
  position: number | undefined;
  append: boolean;
  /** Whether the system appends by itself on this descriptor. */
  readonly appends: boolean;
  /** Whether it was opened for writing. */
  readonly writes: boolean;
  /** The same file opened once more with other flags, -1 for none: to append or no longer to, and to read without waiting. */
  other: number;
  reader: number;
  /** A byte that `wait` has read ahead, -1 for none. */
  ahead: number;
  /** Whether the last write found no room. */
  isFull: boolean;
}

/** Whether a descriptor is a terminal. node:tty is loaded when it is asked for, because it costs a start five milliseconds. */
export function isTerminal(fd: number): boolean {
  return process.getBuiltinModule("node:tty").isatty(fd);
}

/** Reads and writes on open descriptors, with positions of its own. */
export class Streams {
  readonly #streams = new Map<number, Stream>();
  readonly #hasProc: boolean;
  readonly #pause = new Int32Array(new SharedArrayBuffer(4));
  readonly #byte = new Uint8Array(1);

  constructor(options: { hasProc: boolean }) {
    this.#hasProc = options.hasProc;
  }

  /** Takes note of a file that was opened with the system's `flags`. */
  opened(fd: number, flags: number): void {
    this.forget(fd);
    const appends = (flags & systemOpen.append) !== 0;
    // The type is looked up when it is first needed: most files are read or written once, from the start.
    const writes = (flags & (systemOpen.writeOnly | systemOpen.readWrite)) !== 0;
    this.#streams.set(fd, new LazyStream(fd, { appends, writes }));
  }

  /** Lets go of what is kept for a descriptor. */
  forget(fd: number): void {
    const stream = this.#streams.get(fd);
    if (stream === undefined) return;
    this.#streams.delete(fd);
    if (stream.other >= 0) closeSync(stream.other);
    if (stream.reader >= 0) closeSync(stream.reader);
  }

  read(fd: number, into: Buffers): number {
    const stream = this.#of(fd);
    const position = stream.position;
    if (stream.ahead >= 0) return takeAhead(stream, into, () => this.#readMore(stream, fd, into));
    const count = readPieces(stream.reader >= 0 ? stream.reader : fd, into, position ?? null);
    if (position !== undefined) stream.position = position + count;
    return count;
  }

  write(fd: number, from: Buffers): number {
    const stream = this.#of(fd);
    if (stream.append && stream.type === "regular-file") return this.#append(fd, stream, from);
    const target = stream.other >= 0 ? stream.other : fd;
    try {
      const count = writePieces(target, from, stream.position ?? null);
      if (stream.position !== undefined) stream.position += count;
      stream.isFull = false;
      return count;
    } catch (error) {
      stream.isFull = true;
      throw error;
    }
  }

  readAt(fd: number, into: Buffers, offset: bigint): number {
    return readPieces(fd, into, checkOffset(offset, into.total));
  }

  writeAt(fd: number, from: Buffers, offset: bigint): number {
    const stream = this.#of(fd);
    const checked = checkOffset(offset, from.total);
    if (!stream.append || stream.type !== "regular-file")
      return writePieces(stream.other >= 0 ? stream.other : fd, from, checked);
    // Linux appends whatever the offset says, and leaves the position; the implementations answer alike.
    const { position } = stream;
    const count = this.#append(fd, stream, from);
    stream.position = position;
    return count;
  }

  seek(fd: number, offset: bigint, whence: Whence): bigint {
    const stream = this.#of(fd);
    const { type } = stream;
    if (type === "fifo" || type === "socket" || (type === "character-device" && isTerminal(fd))) throw failure("spipe");
    if (type === "character-device") return 0n;
    let start = 0n;
    if (whence === "current") start = BigInt(this.#tell(fd, stream));
    else if (whence === "end") start = fstatSync(fd, { bigint: true }).size;
    const position = start + offset;
    if (position < 0n || position > BigInt(Number.MAX_SAFE_INTEGER)) throw failure("inval");
    stream.position = Number(position);
    return position;
  }

  truncate(fd: number, size: bigint): void {
    if (size < 0n || size > mostOffset) throw failure("inval");
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw failure("fbig");
    ftruncateSync(fd, Number(size));
  }

  /** Makes a file long enough; node:fs has no call that reserves the room as well. */
  allocate(fd: number, offset: bigint, length: bigint): void {
    const end = offset + length;
    if (offset < 0n || length <= 0n) throw failure("inval");
    if (end > mostOffset) throw failure("fbig");
    try {
      // A truncate to the present size tells whether the file may be written at all.
      const { size } = fstatSync(fd, { bigint: true });
      this.truncate(fd, end > size ? end : size);
    } catch (error) {
      throw failureOfNode(error)?.errno === "inval" ? failure("badf") : error;
    }
  }

  setAppend(fd: number, append: boolean): void {
    const stream = this.#of(fd);
    // Opening a file once more must give no more than the guest has: what was opened for reading stays so.
    if (!stream.writes) {
      stream.append = append;
      return;
    }
    if (stream.type !== "regular-file" || stream.append === append) return;
    if (append === stream.appends) {
      if (stream.other >= 0) closeSync(stream.other);
      stream.other = -1;
    } else {
      stream.other = this.#openAgain(fd, systemOpen.writeOnly | (append ? systemOpen.append : 0));
      // Without a second descriptor, appending writes at the end that the file has at that moment, which two writers may
      // both see; but a descriptor of the system's appending kind cannot write anywhere else.
      if (stream.other < 0 && !append) throw failure("notsup");
    }
    stream.position ??= this.#tell(fd, stream);
    stream.append = append;
  }

  /**
   * Waits until a read or write would not wait. Without poll(2) a byte is read ahead where a pipe may be empty, in steps of 1
   * to 10 ms; whether there is room to write is not known before it is tried, so that only a write that found none waits.
   */
  wait(fd: number, events: "read" | "write", ms: number): boolean {
    const stream = this.#of(fd);
    if (stream.type !== "fifo" && stream.type !== "socket" && stream.type !== "character-device") return true;
    const end = ms < 0 ? Number.POSITIVE_INFINITY : performance.now() + ms;
    if (events === "write") {
      if (stream.isFull) Atomics.wait(this.#pause, 0, 0, Math.max(0, Math.min(fastestStep, end - performance.now())));
      stream.isFull = false;
      return true;
    }
    if (stream.reader < 0 && stream.type !== "socket") stream.reader = this.#openAgain(fd, 0);
    for (let pause = fastestStep; !this.#readAhead(stream, fd); pause = Math.min(pause * 2, slowestStep)) {
      const left = end - performance.now();
      if (left <= 0) return false;
      Atomics.wait(this.#pause, 0, 0, Math.min(pause, left));
    }
    return true;
  }

  #of(fd: number): Stream {
    let stream = this.#streams.get(fd);
    if (stream === undefined) {
      stream = this.#adopt(fd);
      this.#streams.set(fd, stream);
    }
    return stream;
  }

  /** Takes up a descriptor that was opened elsewhere, such as stdin: others may share its position. */
  #adopt(fd: number): Stream {
    fstatSync(fd);
    const flags = this.#hasProc ? this.#info(fd, /^flags:\s*([0-7]+)/m, 8) : 0;
    const writes = (flags & (systemOpen.writeOnly | systemOpen.readWrite)) !== 0;
    const stream = new LazyStream(fd, { appends: (flags & systemOpen.append) !== 0, writes });
    stream.position = undefined;
    return stream;
  }

  #append(fd: number, stream: Stream, from: Buffers): number {
    const target = stream.appends ? fd : stream.other;
    const count =
      target >= 0
        ? writePieces(target, from, null)
        : writePieces(fd, from, Number(fstatSync(fd, { bigint: true }).size));
    stream.position = Number(fstatSync(fd, { bigint: true }).size);
    return count;
  }

  #tell(fd: number, stream: Stream): number {
    if (stream.position !== undefined) return stream.position;
    return this.#hasProc ? this.#info(fd, /^pos:\s*(\d+)/m, 10) : 0;
  }

  #info(fd: number, line: RegExp, radix: number): number {
    const text = readFileSync(`/proc/self/fdinfo/${fd}`, "latin1");
    return Number.parseInt(line.exec(text)?.[1] ?? "0", radix);
  }

  /** Opens once more what a descriptor has open, with other flags; -1 where that cannot be done. */
  #openAgain(fd: number, flags: number): number {
    if (!this.#hasProc) return -1;
    try {
      return openSync(`/proc/self/fd/${fd}`, flags | systemOpen.nonBlock | systemOpen.noTerminal);
    } catch {
      return -1;
    }
  }

  /** Whether a read would not wait; what that takes is kept for the next read. */
  #readAhead(stream: Stream, fd: number): boolean {
    if (stream.ahead >= 0) return true;
    try {
      if (readSync(stream.reader >= 0 ? stream.reader : fd, this.#byte, 0, 1, null) === 1)
        stream.ahead = this.#byte[0] ?? 0;
      return true;
    } catch (error) {
      const failed = failureOfNode(error);
      if (failed === undefined) throw error;
      return failed.errno !== "again";
    }
  }

  /** Reads what is there besides the byte read ahead, if anything is. */
  #readMore(stream: Stream, fd: number, into: Buffers): number {
    try {
      return readPieces(stream.reader >= 0 ? stream.reader : fd, into, null);
    } catch {
      return 0;
    }
  }
}

class LazyStream implements Stream {
  readonly #fd: number;
  #type: FileType | undefined;
  #position: number | undefined = 0;
  readonly appends: boolean;
  readonly writes: boolean;
  append: boolean;
  other = -1;
  reader = -1;
  ahead = -1;
  isFull = false;

  constructor(fd: number, { appends, writes }: { appends: boolean; writes: boolean }) {
    this.#fd = fd;
    this.appends = appends;
    this.writes = writes;
    this.append = appends;
  }

  get type(): FileType {
    this.#type ??= fileTypeOf(modeType(fstatSync(this.#fd, { bigint: true })));
    return this.#type;
  }

  get position(): number | undefined {
    if (this.#position === 0 && this.type !== "regular-file" && this.type !== "directory") this.#position = undefined;
    return this.#position;
  }

  set position(position: number | undefined) {
    this.#position = position;
  }
}

/** Gives the byte that was read ahead, and behind it what else is there. */
function takeAhead(stream: Stream, into: Buffers, more: () => number): number {
  const piece = into.lengths.findIndex((length, index) => index < into.count && length > 0);
  if (piece < 0) return 0;
  const at = into.offsets[piece] ?? 0;
  const length = into.lengths[piece] ?? 0;
  into.memory[at] = stream.ahead;
  stream.ahead = -1;
  into.offsets[piece] = at + 1;
  into.lengths[piece] = length - 1;
  try {
    return 1 + (into.total > 1 ? more() : 0);
  } finally {
    into.offsets[piece] = at;
    into.lengths[piece] = length;
  }
}

function checkOffset(offset: bigint, length: number): bigint | number {
  if (offset < 0n || offset > mostOffset) throw failure("inval");
  if (offset <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(offset);
  return offset + BigInt(length) > mostOffset ? mostOffset - BigInt(length) : offset;
}

type Position = number | bigint | null;

/** Moves one piece by one call; several by a vectored one, which takes no offset beyond a double's integers. */
function readPieces(fd: number, into: Buffers, position: Position): number {
  if (into.count === 1 || typeof position === "bigint") {
    return readSync(fd, into.memory, into.offsets[0] ?? 0, Math.min(into.lengths[0] ?? 0, mostBytes), position);
  }
  return readvSync(fd, pieces(into), position ?? undefined);
}

function writePieces(fd: number, from: Buffers, position: Position): number {
  if (from.count === 1 || typeof position === "bigint") return writePiece(fd, from, position);
  return writevSync(fd, pieces(from), position ?? undefined);
}

function writePiece(fd: number, from: Buffers, position: Position): number {
  // node:fs takes no offset beyond a double's integers here, and no file system has room there.
  if (typeof position === "bigint") throw failure("fbig");
  return writeSync(fd, from.memory, from.offsets[0] ?? 0, Math.min(from.lengths[0] ?? 0, mostBytes), position);
}

function pieces(buffers: Buffers): Uint8Array[] {
  return Array.from({ length: Math.min(buffers.count, 1024) }, (_, index) => buffers.view(index));
}
