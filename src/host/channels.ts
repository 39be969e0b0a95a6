import { type ByteSink, type ByteSource, failure } from "../base/index.ts";

/** A source of these bytes, or of a text's in UTF-8. */
export function sourceFrom(content: Uint8Array | string): ByteSource {
  let rest = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return {
    read(into) {
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    ready: () => true,
    cancel() {
      rest = rest.subarray(rest.length);
    },
  };
}

const defaultBound = 16 * 1024 * 1024;

/** A sink that keeps what it is given, up to a bound in bytes (16 MiB by default), from where on it answers nospc. */
export class MemorySink implements ByteSink {
  readonly #bound: number;
  #bytes = new Uint8Array(0);
  #length = 0;
  #isClosed = false;

  constructor({ bound = defaultBound }: { bound?: number } = {}) {
    this.#bound = bound;
  }

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  /** The same as text in UTF-8. */
  get text(): string {
    return new TextDecoder().decode(this.#bytes.subarray(0, this.#length));
  }

  /** Whether whoever wrote has closed it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  write(bytes: Uint8Array): number {
    const length = Math.min(bytes.length, this.#bound - this.#length);
    if (length === 0 && bytes.length > 0) throw failure("nospc");
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#bound, Math.max(needed, this.#bytes.length * 2, 256)));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(0, length), this.#length);
    this.#length = needed;
    return length;
  }

  ready(): true {
    return true;
  }

  close(): void {
    this.#isClosed = true;
  }
}

/** Those who wait for the same thing. */
class Waiters {
  readonly #waiting = new Set<() => void>();

  /** Resolves at the next {@link wake}; rejects with the signal's reason where that comes first, and is then forgotten. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(wake);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiting.add(wake);
    });
  }

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** The two ends of a pipe. */
export interface Pipe {
  readonly source: ByteSource;
  readonly sink: ByteSink;
}

const defaultCapacity = 65_536;

/**
 * A pipe that holds `capacity` bytes (64 KiB by default): reads wait for bytes or the end, writes for room. Once the source is
 * given up, a write answers `pipe`.
 */
export function createPipe({ capacity = defaultCapacity }: { capacity?: number } = {}): Pipe {
  const buffer = new PipeBuffer(capacity);
  const [readers, writers] = [new Waiters(), new Waiters()];
  let isEnded = false;
  let isBroken = false;
  const canRead = (): boolean => buffer.length > 0 || isEnded || isBroken;
  const canWrite = (): boolean => buffer.room > 0 || isEnded || isBroken;
  const source: ByteSource = {
    read(into, signal) {
      if (!canRead()) return readers.next(signal).then(() => source.read(into, signal));
      const count = buffer.take(into);
      if (count > 0) writers.wake();
      return count;
    },
    ready: (signal) => canRead() || readers.next(signal),
    cancel() {
      isBroken = true;
      buffer.clear();
      readers.wake();
      writers.wake();
    },
  };
  const sink: ByteSink = {
    write(bytes, signal) {
      if (isBroken || isEnded) throw failure("pipe");
      if (bytes.length === 0) return 0;
      if (!canWrite()) return writers.next(signal).then(() => sink.write(bytes, signal));
      const count = buffer.put(bytes);
      readers.wake();
      return count;
    },
    ready: (signal) => canWrite() || writers.next(signal),
    close() {
      isEnded = true;
      readers.wake();
      writers.wake();
    },
  };
  return { source, sink };
}

/** Bytes in the order in which they came, in a buffer that grows to what it may hold. */
class PipeBuffer {
  readonly #capacity: number;
  #bytes = new Uint8Array(0);
  #start = 0;
  #end = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get room(): number {
    return this.#capacity - this.length;
  }

  put(bytes: Uint8Array): number {
    const part = bytes.subarray(0, this.room);
    if (this.#end + part.length > this.#bytes.length) this.#makeRoom(this.length + part.length);
    this.#bytes.set(part, this.#end);
    this.#end += part.length;
    return part.length;
  }

  take(into: Uint8Array): number {
    const count = Math.min(into.length, this.length);
    into.set(this.#bytes.subarray(this.#start, this.#start + count));
    this.#start += count;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return count;
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#start = this.#end = 0;
  }

  #makeRoom(needed: number): void {
    // Twice the room that is needed, so that bytes are not moved for each write.
    const target =
      needed * 2 > this.#bytes.length ? new Uint8Array(Math.min(needed * 4, this.#capacity * 2)) : this.#bytes;
    target.set(this.#bytes.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = target;
  }
}

/** A source that reads a stream of the Web's; one that fails answers io. */
export function sourceFromWeb(stream: ReadableStream<Uint8Array>): ByteSource {
  const reader = stream.getReader();
  const waiters = new Waiters();
  let rest: Uint8Array = new Uint8Array(0);
  let state: "open" | "ended" | "failed" = "open";
  let isPulling = false;
  // A read of the stream's cannot be taken back: what comes of one that was given up is kept for the next.
  const pull = async (): Promise<void> => {
    isPulling = true;
    try {
      const { done, value } = await reader.read();
      if (done) state = "ended";
      else rest = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    } catch {
      state = "failed";
    }
    isPulling = false;
    waiters.wake();
  };
  const isReady = (): boolean => rest.length > 0 || state !== "open";
  const fill = async (signal: AbortSignal | undefined): Promise<void> => {
    while (!isReady()) {
      if (!isPulling) void pull();
      await waiters.next(signal);
    }
  };
  const source: ByteSource = {
    read(into, signal) {
      if (!isReady()) return fill(signal).then(() => source.read(into, signal));
      if (rest.length === 0 && state === "failed") throw failure("io");
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    ready: (signal) => isReady() || fill(signal),
    cancel() {
      state = "ended";
      rest = new Uint8Array(0);
      waiters.wake();
      reader.cancel().catch(() => {});
    },
  };
  return source;
}

/** A sink that writes to a stream of the Web's. */
export interface WebSink extends ByteSink {
  /** Lets go of the stream: what was written goes on its way, and others may write. */
  release(): void;
}

/** A sink that writes to a stream of the Web's, which gets copies; once that has failed or is closed, a write answers `pipe`. */
export function sinkToWeb(stream: WritableStream<Uint8Array>): WebSink {
  const writer = stream.getWriter();
  const waiters = new Waiters();
  let isOver = false;
  let isWatched = false;
  const over = (): void => {
    isOver = true;
    waiters.wake();
  };
  writer.closed.then(over, over);
  const hasRoom = (): boolean => isOver || writer.desiredSize === null || writer.desiredSize > 0;
  const room = async (signal: AbortSignal | undefined): Promise<void> => {
    while (!hasRoom()) {
      if (!isWatched) {
        isWatched = true;
        const found = (): void => {
          isWatched = false;
          waiters.wake();
        };
        writer.ready.then(found, found);
      }
      await waiters.next(signal);
    }
  };
  const sink: WebSink = {
    write(bytes, signal) {
      if (!hasRoom()) return room(signal).then(() => sink.write(bytes, signal));
      if (isOver || writer.desiredSize === null) throw failure("pipe");
      writer.write(bytes.slice()).catch(over);
      return bytes.length;
    },
    ready: (signal) => hasRoom() || room(signal),
    close() {
      if (isOver) return;
      over();
      writer.close().catch(() => {});
    },
    release() {
      over();
      writer.releaseLock();
    },
  };
  return sink;
}
