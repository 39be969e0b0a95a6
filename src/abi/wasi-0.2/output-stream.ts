import { HostError } from "../../base/index.ts";
import { mostBytes, type Wasi02Context } from "./context.ts";
import { closed, failedOperation, WasiError, WasiTrap } from "./errors.ts";
import type { InputStream } from "./input-stream.ts";
import { type Pollable, type Waitable, WatchedPollable } from "./pollable.ts";

/** Where the bytes of an {@link OutputStream} go. Operations throw HostError. */
export interface OutputSink extends Waitable {
  /**
   * Takes at least one of the bytes, which are more than none, and answers how many. A promise where there is no room yet: the bytes
   * are the sink's until then.
   */
  write(bytes: Uint8Array): number | Promise<number>;
  /** Whether it is done with bytes when it returns, if it is written to now: then they need not be kept for it. */
  readonly isImmediate?: boolean;
  /** Most bytes that a guest may hand over at once, 64 KiB where it is left out. */
  readonly room?: number | undefined;
  /** Sends on what the sink holds back. */
  flush?(): void | Promise<void>;
  /** What is waited for while nothing is on its way, where that is simpler than {@link Waitable} says. */
  pollable?(): Pollable;
  /** Says that nothing more comes; what was taken before goes on its way all the same. */
  close?(): void;
  /** The `stream-error` of what a write threw; `last-operation-failed` where it is left out, or answers undefined. */
  errorOf?(error: unknown): unknown;
}

const defaultRoom = 65_536;

/** The resource `output-stream` of `wasi:io/streams`. What cannot be written at once goes on its way while the guest goes on. */
export class OutputStream {
  readonly #context: Wasi02Context;
  readonly #sink: OutputSink;
  /** What is on its way. */
  #writing: Promise<void> | undefined;
  /** What that failed with, told by the next call. */
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;
  #permit = 0;
  #spare: Uint8Array | undefined;

  constructor(context: Wasi02Context, sink: OutputSink) {
    this.#context = context;
    this.#sink = sink;
  }

  /** Bytes that the next write may have. @throws WasiError stream-error */
  checkWrite(): bigint {
    this.#check();
    this.#permit = this.#isFree() ? (this.#sink.room ?? defaultRoom) : 0;
    return BigInt(this.#permit);
  }

  /**
   * The bytes may be the guest's own memory, which it goes on to change.
   *
   * @throws WasiError stream-error, WasiTrap for more than {@link checkWrite} permitted
   */
  write(bytes: Uint8Array): void {
    this.#check();
    if (bytes.length > this.#permit)
      throw new WasiTrap(`an output-stream was written ${bytes.length} bytes, permitted were ${this.#permit}`);
    this.#permit -= bytes.length;
    const isKept = this.#context.suspends && this.#sink.isImmediate !== true;
    void this.#writeAll(isKept ? bytes.slice() : bytes, true);
  }

  writeZeroes(length: bigint): void {
    this.#check();
    if (length > BigInt(this.#permit))
      throw new WasiTrap(`an output-stream was written ${length} zeroes, permitted were ${this.#permit}`);
    this.write(new Uint8Array(Number(length)));
  }

  /** Writes all bytes and waits until they are on their way. @throws WasiError stream-error */
  blockingWriteAndFlush(bytes: Uint8Array): void | Promise<void> {
    this.#check();
    if (this.#writing !== undefined) return this.#settled().then(() => this.blockingWriteAndFlush(bytes));
    this.#permit = 0;
    const written = this.#writeAll(bytes, false);
    if (written !== undefined) return written.then(() => this.#flushed());
    return this.#flushed();
  }

  blockingWriteZeroesAndFlush(length: bigint): void | Promise<void> {
    if (length > BigInt(mostBytes)) throw new WasiTrap(`an output-stream was asked for ${length} zeroes at once`);
    return this.blockingWriteAndFlush(new Uint8Array(Number(length)));
  }

  /** Begins to send on what was written; {@link subscribe} tells when that is over. @throws WasiError stream-error */
  flush(): void {
    this.#check();
    this.#permit = 0;
    if (this.#writing !== undefined) return;
    const flushing = this.#flushed();
    if (flushing !== undefined) this.#goesOn(flushing);
  }

  /** Waits until what was written is on its way. @throws WasiError stream-error */
  blockingFlush(): void | Promise<void> {
    this.#check();
    this.#permit = 0;
    if (this.#writing !== undefined) return this.#settled().then(() => this.#flushed());
    return this.#flushed();
  }

  /** Moves what is there of a stream, at most so many bytes, and answers how many. @throws WasiError stream-error */
  splice(from: InputStream, length: bigint): bigint | Promise<bigint> {
    this.#check();
    if (!this.#isFree() || !from.isReady()) return 0n;
    return this.blockingSplice(from, length);
  }

  /** The same, waiting until bytes are there and can be written. @throws WasiError stream-error */
  blockingSplice(from: InputStream, length: bigint): bigint | Promise<bigint> {
    this.#check();
    if (this.#writing !== undefined) return this.#settled().then(() => this.blockingSplice(from, length));
    const room = this.#sink.room ?? defaultRoom;
    const size = length < BigInt(room) ? Number(length) : room;
    if (size === 0) return 0n;
    if (from.passes) return this.#pass(from, size);
    // Nothing is on its way, so that no sink holds it.
    const spare = this.#spare?.length === size ? this.#spare : (this.#spare = new Uint8Array(size));
    const moved = (bytes: Uint8Array): bigint => {
      void this.#writeAll(bytes, true);
      return BigInt(bytes.length);
    };
    const read = from.readInto(spare);
    return read instanceof Promise ? read.then(moved) : moved(read);
  }

  #pass(from: InputStream, size: number): bigint | Promise<bigint> {
    const passed = from.pass(size, (bytes) => {
      void this.#writeAll(this.#sink.isImmediate === true ? bytes : bytes.slice(), true);
    });
    return typeof passed === "number" ? BigInt(passed) : passed.then(BigInt);
  }

  subscribe(): Pollable {
    if (this.#sink.pollable !== undefined && this.#writing === undefined) return this.#sink.pollable();
    return new WatchedPollable({
      isReady: () => this.#isReady(),
      watch: (wake) => this.#watch(wake),
      ...(this.#sink.wait === undefined ? {} : { wait: (ms) => this.#isReady() || this.#sink.wait?.(ms) === true }),
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const close = (): void => this.#sink.close?.();
    if (this.#writing === undefined) close();
    else this.#writing.then(close, close);
  }

  #isFree(): boolean {
    return this.#writing === undefined && this.#sink.isReady();
  }

  #isReady(): boolean {
    return this.#isClosed || this.#failure !== undefined || this.#isFree();
  }

  #watch(wake: () => void): true | (() => void) {
    if (this.#isReady()) return true;
    if (this.#writing === undefined) return this.#sink.watch(wake);
    let stop: (() => void) | undefined;
    let isStopped = false;
    const woken = (): void => {
      if (isStopped) return;
      const watched = this.#watch(wake);
      if (watched === true) wake();
      else stop = watched;
    };
    this.#writing.then(woken, woken);
    return () => {
      isStopped = true;
      stop?.();
    };
  }

  #check(): void {
    const failure = this.#failure;
    if (failure === undefined) {
      if (this.#isClosed) throw new WasiError(closed);
      return;
    }
    this.#failure = undefined;
    throw failure.error;
  }

  #writeAll(bytes: Uint8Array, isBehind: boolean): Promise<void> | undefined {
    try {
      for (let at = 0; at < bytes.length;) {
        const written = this.#sink.write(at === 0 ? bytes : bytes.subarray(at));
        if (typeof written !== "number") {
          const rest = this.#goOn(bytes, at, written);
          if (isBehind) this.#goesOn(rest);
          return rest;
        }
        this.#context.host.meter.bytesOut += written;
        at += written;
      }
      return undefined;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #goOn(bytes: Uint8Array, from: number, first: Promise<number>): Promise<void> {
    try {
      let written = await first;
      for (let at = from; ;) {
        this.#context.host.meter.bytesOut += written;
        at += written;
        if (at >= bytes.length) return;
        written = await this.#sink.write(bytes.subarray(at));
      }
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Keeps what is on its way, and what becomes of it. */
  #goesOn(work: Promise<void>): void {
    const { writes } = this.#context;
    const writing: Promise<void> = work.then(
      () => {
        this.#writing = undefined;
        writes.delete(writing);
      },
      (error: unknown) => {
        this.#writing = undefined;
        this.#failure = { error };
        writes.delete(writing);
      },
    );
    this.#writing = writing;
    writes.add(writing);
  }

  /** What is on its way is over. @throws WasiError stream-error of what became of it */
  async #settled(): Promise<void> {
    await this.#writing;
    this.#check();
  }

  #flushed(): void | Promise<void> {
    try {
      const flushing = this.#sink.flush?.();
      return flushing instanceof Promise
        ? flushing.catch((error: unknown) => {
            throw this.#failed(error);
          })
        : undefined;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    const known = this.#sink.errorOf?.(error);
    if (known === undefined && !(error instanceof HostError)) return error;
    // Whoever writes to a pipe that nobody reads, and goes on, is ended by the host as a signal would.
    if (!(error instanceof HostError && error.errno === "pipe")) this.#isClosed = true;
    return new WasiError(known ?? failedOperation(error));
  }
}
