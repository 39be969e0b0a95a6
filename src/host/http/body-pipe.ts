import { failure } from "../../base/index.ts";
import { HttpFailure } from "./errors.ts";
import { Wakes } from "./wakes.ts";

/** A field: its name, and its bytes. */
export type HttpField = readonly [name: string, value: Uint8Array];

/** Most bytes that wait to be sent. */
const mostPending = 65_536;

/** What a {@link BodyPipe} is made with. */
export interface BodyPipeOptions {
  /** Bytes that the headers promise. */
  readonly expected?: number | undefined;
  /** What a body of another length is told as. */
  readonly sizeError: "HTTP-request-body-size" | "HTTP-response-body-size";
}

/** A body on its way out: a guest writes it while it is sent, and no faster. */
export class BodyPipe {
  readonly #options: BodyPipeOptions;
  readonly #chunks: Uint8Array[] = [];
  #pending = 0;
  #written = 0;
  #state: "open" | "finished" | "failed" | "abandoned" = "open";
  #error: HttpFailure | undefined;
  #trailers: readonly HttpField[] = [];
  /** Writes that wait for room, and what is to be behind them. */
  #waiting = 0;
  #ending: readonly HttpField[] | undefined;
  readonly #writers = new Wakes();
  readonly #readers = new Wakes();

  constructor(options: BodyPipeOptions) {
    this.#options = options;
  }

  /** Fields behind it; whole once {@link next} answered its end. */
  get trailers(): readonly HttpField[] {
    return this.#trailers;
  }

  /** Whether all of it is known, and that it has no bytes. */
  get isEmpty(): boolean {
    return this.#state === "finished" && this.#written === 0 && this.#trailers.length === 0;
  }

  /** Bytes that were written so far. */
  get written(): number {
    return this.#written;
  }

  get isFinished(): boolean {
    return this.#state === "finished";
  }

  isReady(): boolean {
    return this.#state !== "open" || this.#pending < mostPending;
  }

  watch(wake: () => void): true | (() => void) {
    return this.isReady() ? true : this.#writers.add(() => this.isReady() && wake());
  }

  /** Takes all of the bytes, once there is room. @throws HttpFailure for more than was promised, HostError pipe where nobody sends it */
  write(bytes: Uint8Array): number | Promise<number> {
    this.#check();
    const { expected, sizeError } = this.#options;
    const length = this.#written + bytes.length;
    if (expected !== undefined && length > expected) {
      const error = new HttpFailure({ tag: sizeError, val: BigInt(length) });
      this.fail(error);
      throw error;
    }
    if (this.isReady()) return this.#take(bytes);
    return this.#roomFor(bytes);
  }

  /** Resolves once all that was written is on its way. */
  flush(): void | Promise<void> {
    if (this.#pending > 0) return this.#flushed();
    return undefined;
  }

  /** Says that it is whole. @throws HttpFailure where it is not as long as was promised */
  finish(trailers: readonly HttpField[] = []): void {
    if (this.#state !== "open") return;
    if (this.#waiting > 0) {
      this.#ending = trailers;
      return;
    }
    const { expected, sizeError } = this.#options;
    if (expected !== undefined && this.#written !== expected) {
      const error = new HttpFailure({ tag: sizeError, val: BigInt(this.#written) });
      this.fail(error);
      throw error;
    }
    this.#state = "finished";
    this.#trailers = trailers;
    this.#readers.wake();
  }

  /** Says that the rest of it never comes. */
  fail(error: HttpFailure): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#wakeAll();
  }

  /** Says that nobody sends it any more, and why. */
  abandon(error?: HttpFailure): void {
    if (this.#state === "failed" || this.#state === "abandoned") return;
    this.#error ??= error;
    this.#state = "abandoned";
    this.#chunks.length = 0;
    this.#pending = 0;
    this.#wakeAll();
  }

  /** The next bytes, undefined behind the last. Rejects with the HttpFailure that it failed with. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#state === "failed") throw this.#error ?? failure("pipe");
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#pending -= chunk.length;
        this.#writers.wake();
        return chunk;
      }
      if (this.#state !== "open") return undefined;
      await this.#readers.next();
    }
  }

  #check(): void {
    if (this.#state === "open") return;
    throw this.#error ?? failure("pipe");
  }

  #take(bytes: Uint8Array): number {
    this.#chunks.push(bytes.slice());
    this.#pending += bytes.length;
    this.#written += bytes.length;
    this.#readers.wake();
    return bytes.length;
  }

  async #roomFor(bytes: Uint8Array): Promise<number> {
    this.#waiting += 1;
    while (!this.isReady()) await this.#writers.next();
    this.#waiting -= 1;
    this.#check();
    const count = this.#take(bytes);
    if (this.#ending !== undefined) this.finish(this.#ending);
    return count;
  }

  async #flushed(): Promise<void> {
    while (this.#state !== "abandoned" && this.#state !== "failed" && this.#pending > 0) await this.#writers.next();
  }

  #wakeAll(): void {
    this.#writers.wake();
    this.#readers.wake();
  }
}
