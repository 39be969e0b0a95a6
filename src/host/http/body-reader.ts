import type { IncomingMessage } from "node:http";
import type { HttpField } from "./body-pipe.ts";
import { type HttpFailure, httpFailureOf, plainFailure } from "./errors.ts";
import { fieldsOfRaw } from "./fields.ts";
import { Wakes } from "./wakes.ts";

/** A body that comes in. */
export interface BodySource {
  /** Whether it is over, well or not. */
  readonly isOver: boolean;
  /** What it failed with. */
  readonly failure: HttpFailure | undefined;
  /** Fields behind the body, whole once it ended. */
  readonly trailers: readonly HttpField[];
  isReady(): boolean;
  watch(wake: () => void): true | (() => void);
  /** At least one byte, 0 for the end. @throws HttpFailure */
  read(into: Uint8Array): number | Promise<number>;
  /** The same, at most so many bytes, handed to who is done with them when `to` returns. @throws HttpFailure, and what `to` throws */
  pass(most: number, to: (bytes: Uint8Array) => void): number | Promise<number>;
  /** Resolves once all of it was read or dropped. */
  rest(): Promise<void>;
  /** Ends it: nobody reads on. */
  close(): void;
  /** Has it fail. */
  fail(failure: HttpFailure): void;
}

/** What a {@link BodyReader} is made with. */
export interface BodyReaderOptions {
  /** Most ms between two pieces that are waited for. */
  readonly patience?: number | undefined;
  /** Whether its end is told only when its connection can take the next request, or some turns later. */
  readonly freesConnection?: boolean;
}

/** How many turns of the event loop a connection may take until it is free again. */
const mostTurns = 4;

/** A body that comes in by Node: bytes are taken from the connection as they are read. */
export class BodyReader implements BodySource {
  readonly #message: IncomingMessage;
  readonly #options: BodyReaderOptions;
  readonly #wakes = new Wakes();
  #chunk: Uint8Array | undefined;
  #at = 0;
  #failure: HttpFailure | undefined;
  #isEnded = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(message: IncomingMessage, options: BodyReaderOptions = {}) {
    this.#message = message;
    this.#options = options;
    message.on("readable", () => this.#come());
    message.on("end", () => this.#end(options.freesConnection === true ? mostTurns : 0));
    message.on("error", (error) => this.fail(httpFailureOf(error, "body")));
    message.on("close", () => {
      if (message.readableEnded) this.#end(0);
      else this.fail(plainFailure("HTTP-response-incomplete"));
    });
  }

  /** Whether it is over, well or not. */
  get isOver(): boolean {
    return this.#failure !== undefined || (this.#isEnded && this.#chunk === undefined);
  }

  /** What it failed with. */
  get failure(): HttpFailure | undefined {
    return this.#failure;
  }

  /** Fields behind the body, whole once it ended. */
  get trailers(): readonly HttpField[] {
    return fieldsOfRaw(this.#message.rawTrailers);
  }

  isReady(): boolean {
    if (this.isOver || this.#chunk !== undefined) return true;
    // What is kept here is one piece: the rest stays with the connection.
    const chunk = this.#message.read() as Uint8Array | null;
    if (chunk === null) return this.isOver;
    this.#chunk = chunk;
    this.#at = 0;
    return true;
  }

  watch(wake: () => void): true | (() => void) {
    if (this.isReady()) return true;
    this.#await();
    return this.#wakes.add(() => this.isReady() && wake());
  }

  /** At least one byte, 0 for the end. @throws HttpFailure */
  read(into: Uint8Array): number | Promise<number> {
    return this.pass(into.length, (bytes) => into.set(bytes));
  }

  pass(most: number, to: (bytes: Uint8Array) => void): number | Promise<number> {
    if (this.isReady()) return this.#take(most, to);
    return this.#wait().then(() => this.#take(most, to));
  }

  /** Calls back once the connection is done with it. */
  whenOver(over: () => void): void {
    this.#message.once("close", over);
  }

  /** Resolves once all of it was read or dropped. */
  async rest(): Promise<void> {
    while (!this.isOver) {
      await this.#wait();
      this.#chunk = undefined;
    }
  }

  /** Ends it: nobody reads on. */
  close(): void {
    clearTimeout(this.#timer);
    this.#chunk = undefined;
    if (!this.#message.readableEnded) this.#message.destroy();
  }

  /** Has it fail. */
  fail(failure: HttpFailure): void {
    clearTimeout(this.#timer);
    if (this.isOver && this.#chunk === undefined) return;
    this.#failure ??= failure;
    this.#wakes.wake();
  }

  /** Tells the end so many turns later, or when it is called again. */
  #end(turns: number): void {
    if (turns > 0) {
      setImmediate(() => this.#end(turns - 1));
      return;
    }
    this.#isEnded = true;
    this.#come();
  }

  #come(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakes.wake();
  }

  async #wait(): Promise<void> {
    while (!this.isReady()) {
      this.#await();
      await this.#wakes.next();
    }
  }

  /** Times what is waited for: a guest that does not read has all the time there is. */
  #await(): void {
    const { patience } = this.#options;
    if (patience === undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.fail(plainFailure("connection-read-timeout"));
      this.#message.destroy();
    }, patience);
  }

  #take(most: number, to: (bytes: Uint8Array) => void): number {
    const chunk = this.#chunk;
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return 0;
    }
    const from = this.#at;
    const count = Math.min(most, chunk.length - from);
    this.#at += count;
    if (this.#at === chunk.length) this.#chunk = undefined;
    to(count === chunk.length ? chunk : chunk.subarray(from, from + count));
    return count;
  }
}
