import { HostError } from "../../base/index.ts";
import { mostBytes, type Wasi02Context } from "./context.ts";
import { closed, failedOperation, WasiError } from "./errors.ts";
import { type Pollable, type Waitable, WatchedPollable } from "./pollable.ts";

/** Where the bytes of an {@link InputStream} come from. Operations throw HostError. */
export interface InputSource extends Waitable {
  /**
   * Reads at most `into.length` bytes, which are more than none, and answers how many came; 0 is the end. A promise where they have
   * to be waited for: `into` is the source's until then.
   */
  read(into: Uint8Array): number | Promise<number>;
  /** The same, at most so many bytes, handed to who is done with them when `to` returns; left out where `read` does as well. */
  pass?(most: number, to: (bytes: Uint8Array) => void): number | Promise<number>;
  /** What is waited for, where that is simpler than {@link Waitable} says. */
  pollable?(): Pollable;
  /** Says that nobody reads on. */
  close?(): void;
  /** The `stream-error` of what a read threw; `last-operation-failed` where it is left out, or answers undefined. */
  errorOf?(error: unknown): unknown;
}

const nothing = new Uint8Array(0);

/** The resource `input-stream` of `wasi:io/streams`. What a read answers is good until the next call. */
export class InputStream {
  readonly #context: Wasi02Context;
  readonly #source: InputSource;
  #isOver = false;

  constructor(context: Wasi02Context, source: InputSource) {
    this.#context = context;
    this.#source = source;
  }

  /** What is there, which may be nothing. @throws WasiError stream-error */
  read(length: bigint): Uint8Array | Promise<Uint8Array> {
    this.#check();
    return this.#source.isReady() ? this.blockingRead(length) : nothing;
  }

  /** At least one byte, waited for. @throws WasiError stream-error */
  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array> {
    this.#check();
    const size = length < BigInt(mostBytes) ? Number(length) : mostBytes;
    return size === 0 ? nothing : this.readInto(this.#context.scratch(size));
  }

  /** The same into bytes of the caller's, more than none; answers the part that was filled. @throws WasiError stream-error */
  readInto(bytes: Uint8Array): Uint8Array | Promise<Uint8Array> {
    this.#check();
    try {
      const count = this.#source.read(bytes);
      if (typeof count === "number") return this.#came(bytes, count);
      return count.then(
        (came) => this.#came(bytes, came),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Whether {@link pass} can be called. */
  get passes(): boolean {
    return this.#source.pass !== undefined;
  }

  /** Hands at most so many bytes, more than none, to who is done with them when `to` returns; answers how many. @throws WasiError stream-error */
  pass(most: number, to: (bytes: Uint8Array) => void): number | Promise<number> {
    this.#check();
    try {
      const count = this.#source.pass?.(most, to) ?? 0;
      if (typeof count === "number") return this.#counted(count);
      return count.then(
        (came) => this.#counted(came),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Whether a read would not wait. */
  isReady(): boolean {
    return this.#isOver || this.#source.isReady();
  }

  subscribe(): Pollable {
    if (!this.#isOver && this.#source.pollable !== undefined) return this.#source.pollable();
    return new WatchedPollable({
      isReady: () => this.isReady(),
      watch: (wake) => (this.#isOver ? true : this.#source.watch(wake)),
      ...(this.#source.wait === undefined ? {} : { wait: (ms) => this.#isOver || this.#source.wait?.(ms) === true }),
    });
  }

  close(): void {
    this.#isOver = true;
    this.#source.close?.();
  }

  #check(): void {
    if (this.#isOver) throw new WasiError(closed);
  }

  #came(bytes: Uint8Array, count: number): Uint8Array {
    return this.#counted(count) === bytes.length ? bytes : bytes.subarray(0, count);
  }

  #counted(count: number): number {
    if (count === 0) {
      this.#isOver = true;
      throw new WasiError(closed);
    }
    this.#context.host.meter.bytesIn += count;
    return count;
  }

  #fail(error: unknown): never {
    if (error instanceof WasiError) throw error;
    const known = this.#source.errorOf?.(error);
    if (known === undefined && !(error instanceof HostError)) throw error;
    this.#isOver = true;
    throw new WasiError(known ?? failedOperation(error));
  }
}
