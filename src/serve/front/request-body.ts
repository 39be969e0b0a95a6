import type { BodySource, HttpFailure, HttpField } from "../../engine/index.ts";

/** Most bytes of a body that are kept for a guest which does not read. */
export const mostKept = 65_536;
/** Pieces of fewer bytes are gathered in rooms of so many: each piece by itself takes some hundred bytes beside its own. */
const gatheredBytes = 4096;

/** What a {@link RequestBody} tells the connection that it comes by. */
export interface BodyOwner {
  /** Somebody wants to read of it; told before each read that has to wait. */
  wanted(): void;
  /** There is room for more. */
  taken(): void;
}

/** The body of a request, as a connection of ours brings it. */
export class RequestBody implements BodySource {
  readonly #owner: BodyOwner;
  readonly #chunks: Uint8Array[] = [];
  /** Where small pieces are gathered, and how far it is filled: the last of the chunks, if that is one of these. */
  #room: Uint8Array | undefined;
  #filled = 0;
  #at = 0;
  #kept = 0;
  #isWhole = false;
  #isDropped = false;
  #failure: HttpFailure | undefined;
  #trailers: readonly HttpField[] = [];
  readonly #wakes = new Set<() => void>();

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  get isOver(): boolean {
    return this.#failure !== undefined || (this.#isWhole && this.#chunks.length === 0);
  }

  get failure(): HttpFailure | undefined {
    return this.#failure;
  }

  get trailers(): readonly HttpField[] {
    return this.#trailers;
  }

  /** Whether all of it came. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Whether more may come. */
  get hasRoom(): boolean {
    return this.#isDropped || this.#kept < mostKept;
  }

  /** Whether nobody reads it. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  isReady(): boolean {
    return this.isOver || this.#chunks.length > 0;
  }

  watch(wake: () => void): true | (() => void) {
    if (this.isReady()) return true;
    this.#owner.wanted();
    // A function of its own for each: one may wait twice by the same.
    const own = (): void => wake();
    this.#wakes.add(own);
    return () => void this.#wakes.delete(own);
  }

  read(into: Uint8Array): number | Promise<number> {
    this.#owner.wanted();
    return this.isReady() ? this.#take(into) : this.#next().then(() => this.#take(into));
  }

  async rest(): Promise<void> {
    this.drop();
    while (!this.isOver) await this.#next();
  }

  /** The rest of a request that is not read is the server's to drop: the answer goes by the same connection. */
  close(): void {
    this.drop();
  }

  fail(failure: HttpFailure): void {
    if (this.isOver) return;
    this.#failure = failure;
    this.#chunks.length = 0;
    this.#wake();
  }

  /** Bytes came. */
  add(bytes: Uint8Array): void {
    if (this.#isDropped || this.#failure !== undefined) return;
    this.#keep(bytes);
    this.#kept += bytes.length;
    this.#wake();
  }

  /** All of it came. */
  finish(trailers: readonly HttpField[]): void {
    this.#isWhole = true;
    this.#trailers = trailers;
    this.#wake();
  }

  /** Has what comes be read by nobody. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#chunks.length = 0;
    this.#kept = 0;
    this.#owner.taken();
  }

  /** The first piece stays as it came: most bodies are one. */
  #keep(bytes: Uint8Array): void {
    const last = this.#chunks.length - 1;
    if (last < 0 || bytes.length >= gatheredBytes) {
      this.#room = undefined;
      this.#chunks.push(bytes);
      return;
    }
    if (this.#room === undefined || this.#filled + bytes.length > gatheredBytes) {
      this.#room = new Uint8Array(gatheredBytes);
      this.#filled = 0;
      this.#chunks.push(this.#room);
    }
    this.#room.set(bytes, this.#filled);
    this.#filled += bytes.length;
    this.#chunks[this.#chunks.length - 1] = this.#room.subarray(0, this.#filled);
  }

  async #next(): Promise<void> {
    while (!this.isReady()) {
      this.#owner.wanted();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#wakes.delete(wake);
          resolve();
        };
        this.#wakes.add(wake);
      });
    }
  }

  #wake(): void {
    if (this.#wakes.size === 0) return;
    for (const each of Array.from(this.#wakes)) each();
  }

  #take(into: Uint8Array): number {
    const [chunk] = this.#chunks;
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return 0;
    }
    const count = Math.min(into.length, chunk.length - this.#at);
    into.set(chunk.subarray(this.#at, this.#at + count));
    this.#at += count;
    this.#kept -= count;
    if (this.#at === chunk.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    if (this.hasRoom) this.#owner.taken();
    return count;
  }
}

/** The body of a request that has none. */
export const noBody: BodySource = {
  isOver: true,
  failure: undefined,
  trailers: [],
  isReady: () => true,
  watch: () => true,
  read: () => 0,
  rest: () => Promise.resolve(),
  close: () => {},
  fail: () => {},
};
