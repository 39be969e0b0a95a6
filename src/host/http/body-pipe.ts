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

/** Who sends a {@link BodyPipe}. */
export interface BodySink {
  /** Takes the bytes before it returns; false where the next ones have to wait until {@link BodyPipe.drained} is called. */
  write(bytes: Uint8Array): boolean;
  /** All of it came. */
  end(trailers: readonly HttpField[]): void;
  /** The rest of it never comes. */
  fail(error: HttpFailure): void;
}

/** A body on its way out: a guest writes it while it is sent, and no faster. */
export class BodyPipe {
  readonly #options: BodyPipeOptions;
  /** What was written before anybody sent it. */
  readonly #chunks: Uint8Array[] = [];
  #pending = 0;
  #written = 0;
  #state: "open" | "finished" | "failed" | "abandoned" = "open";
  #error: HttpFailure | undefined;
  #trailers: readonly HttpField[] = [];
  #sink: BodySink | undefined;
  /** Whether the one who sends it takes no more for now. */
  #isHeld = false;
  /** Writes that wait for room, and what is to be behind them. */
  #waiting = 0;
  #ending: readonly HttpField[] | undefined;
  #writers: Wakes | undefined;

  constructor(options: BodyPipeOptions) {
    this.#options = options;
  }

  /** Whether all of it is known, and that it has no bytes. */
  get isEmpty(): boolean {
    return this.#state === "finished" && this.#written === 0 && this.#trailers.length === 0;
  }

  /** Bytes that were written so far. */
  get written(): number {
    return this.#written;
  }

  /** Whether whoever writes it gave it up. */
  get isFailed(): boolean {
    return this.#state === "failed";
  }

  get isFinished(): boolean {
    return this.#state === "finished";
  }

  isReady(): boolean {
    if (this.#state !== "open") return true;
    return this.#sink === undefined ? this.#pending < mostPending : !this.#isHeld;
  }

  watch(wake: () => void): true | (() => void) {
    return this.isReady() ? true : this.#waits.add(() => this.isReady() && wake());
  }

  /** Takes all of the bytes, once there is room. @throws HttpFailure for more than was promised, HostError pipe where nobody sends it */
  write(bytes: Uint8Array): number | Promise<number> {
    this.#check(bytes.length);
    if (this.isReady()) return this.#take(bytes);
    return this.#roomFor(bytes);
  }

  /** Nothing is to be waited for: whoever sends it has what was written, or there is nobody yet. */
  flush(): void {}

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
    this.#sink?.end(trailers);
  }

  /** Says that the rest of it never comes. */
  fail(error: HttpFailure): void {
    if (this.#state !== "open") return;
    this.#state = "failed";
    this.#error = error;
    this.#sink?.fail(error);
    this.#writers?.wake();
  }

  /** Says that nobody sends it any more, and why. */
  abandon(error?: HttpFailure): void {
    if (this.#state === "failed" || this.#state === "abandoned") return;
    this.#error ??= error;
    this.#state = "abandoned";
    this.#sink = undefined;
    this.#chunks.length = 0;
    this.#pending = 0;
    this.#writers?.wake();
  }

  /** Has somebody send it, from its beginning. */
  attach(sink: BodySink): void {
    if (this.#state === "abandoned") return;
    this.#sink = sink;
    for (const chunk of this.#chunks.splice(0)) this.#isHeld = !sink.write(chunk);
    this.#pending = 0;
    if (this.#state === "finished") sink.end(this.#trailers);
    else if (this.#error !== undefined) sink.fail(this.#error);
    else if (!this.#isHeld) this.#writers?.wake();
  }

  /** Says that its sink takes more. */
  drained(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#writers?.wake();
  }

  get #waits(): Wakes {
    return (this.#writers ??= new Wakes());
  }

  /** Whether so many bytes more may come. */
  #check(count: number): void {
    if (this.#state !== "open") throw this.#error ?? failure("pipe");
    const { expected, sizeError } = this.#options;
    const length = this.#written + count;
    if (expected === undefined || length <= expected) return;
    const error = new HttpFailure({ tag: sizeError, val: BigInt(length) });
    this.fail(error);
    throw error;
  }

  #take(bytes: Uint8Array): number {
    this.#written += bytes.length;
    if (this.#sink === undefined) {
      this.#chunks.push(bytes.slice());
      this.#pending += bytes.length;
    } else this.#isHeld = !this.#sink.write(bytes);
    return bytes.length;
  }

  async #roomFor(bytes: Uint8Array): Promise<number> {
    this.#waiting += 1;
    while (!this.isReady()) await this.#waits.next();
    this.#waiting -= 1;
    // Others that waited as well have written meanwhile.
    this.#check(bytes.length);
    const count = this.#take(bytes);
    if (this.#ending !== undefined) this.finish(this.#ending);
    return count;
  }
}
