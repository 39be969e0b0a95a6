import type { BodySource, HttpFailure, HttpField } from "../../engine/index.ts";

/** Most bytes of a body that are kept for a guest which does not read. */
export const mostKept = 65_536;
/** Pieces of fewer bytes are gathered in rooms of so many: each piece by itself takes some hundred bytes beside its own. */
const gatheredBytes = 4096;

/** From so many bytes on those of a lender are kept where they are; fewer would keep too much of its memory. */
const leastLent = 32_768;

/** Whose memory bytes are that came. */
export interface BodyLender {
  /** Has them stay as they are until they are given back; false where that cannot be. */
  keep(): boolean;
  giveBack(bytes: Uint8Array): void;
}

/** Bytes that came and were not read yet. */
interface Chunk {
  readonly bytes: Uint8Array;
  readonly lender: BodyLender | undefined;
}

/** Who waits for bytes: they are handed over as they come. */
interface Reader {
  readonly most: number;
  readonly to: (bytes: Uint8Array) => void;
  readonly resolve: (count: number) => void;
  readonly reject: (why: unknown) => void;
}

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
  readonly #chunks: Chunk[] = [];
  /** Where small pieces are gathered, and how far it is filled: the last of the chunks, if that is one of these. */
  #room: Uint8Array | undefined;
  #filled = 0;
  #at = 0;
  #kept = 0;
  #isWhole = false;
  #isDropped = false;
  #reader: Reader | undefined;
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
    return this.pass(into.length, (bytes) => into.set(bytes));
  }

  pass(most: number, to: (bytes: Uint8Array) => void): number | Promise<number> {
    this.#owner.wanted();
    if (this.isReady()) return this.#take(most, to);
    if (this.#reader !== undefined) return this.#next().then(() => this.#take(most, to));
    return new Promise((resolve, reject) => {
      this.#reader = { most, to, resolve, reject };
    });
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
    this.#forget();
    this.#wake();
  }

  /** Bytes came, which may change afterwards where they are a lender's. */
  add(bytes: Uint8Array, lender?: BodyLender): void {
    if (this.#isDropped || this.#failure !== undefined) return;
    const rest = this.#handOver(bytes);
    if (rest.length > 0) {
      this.#keep(rest, lender);
      this.#kept += rest.length;
    }
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
    this.#forget();
    this.#owner.taken();
  }

  /** Nobody reads what is kept: whoever reads is done with bytes when they were handed over. */
  #forget(): void {
    for (const { bytes, lender } of this.#chunks.splice(0)) lender?.giveBack(bytes);
    this.#kept = 0;
  }

  /** The first piece stays as it came, or is copied alone: most bodies are one. */
  #keep(bytes: Uint8Array, lender: BodyLender | undefined): void {
    const isOwn = lender === undefined;
    if (this.#chunks.length === 0 || bytes.length >= gatheredBytes) {
      this.#room = undefined;
      const isLent = !isOwn && bytes.length >= leastLent && lender.keep();
      this.#chunks.push({ bytes: isOwn || isLent ? bytes : Buffer.from(bytes), lender: isLent ? lender : undefined });
      return;
    }
    if (this.#room === undefined || this.#filled + bytes.length > gatheredBytes) {
      this.#room = new Uint8Array(gatheredBytes);
      this.#filled = 0;
      this.#chunks.push({ bytes: this.#room, lender: undefined });
    }
    this.#room.set(bytes, this.#filled);
    this.#filled += bytes.length;
    this.#chunks[this.#chunks.length - 1] = { bytes: this.#room.subarray(0, this.#filled), lender: undefined };
  }

  /** Hands bytes to who waits for them, and answers those that are left. */
  #handOver(bytes: Uint8Array): Uint8Array {
    const reader = this.#reader;
    if (reader === undefined) return bytes;
    this.#reader = undefined;
    const part = bytes.length > reader.most ? bytes.subarray(0, reader.most) : bytes;
    try {
      reader.to(part);
      reader.resolve(part.length);
    } catch (error) {
      reader.reject(error);
    }
    return bytes.subarray(part.length);
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
    const reader = this.#reader;
    if (reader !== undefined && this.isOver) {
      this.#reader = undefined;
      if (this.#failure === undefined) reader.resolve(0);
      else reader.reject(this.#failure);
    }
    if (this.#wakes.size === 0) return;
    for (const each of Array.from(this.#wakes)) each();
  }

  #take(most: number, to: (bytes: Uint8Array) => void): number {
    const [chunk] = this.#chunks;
    if (chunk === undefined) {
      if (this.#failure !== undefined) throw this.#failure;
      return 0;
    }
    const { bytes, lender } = chunk;
    const from = this.#at;
    const count = Math.min(most, bytes.length - from);
    const isLast = from + count === bytes.length;
    this.#kept -= count;
    if (isLast) this.#chunks.shift();
    this.#at = isLast ? 0 : from + count;
    try {
      to(count === bytes.length ? bytes : bytes.subarray(from, from + count));
    } finally {
      if (isLast) lender?.giveBack(bytes);
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
  pass: () => 0,
  rest: () => Promise.resolve(),
  close: () => {},
  fail: () => {},
};
