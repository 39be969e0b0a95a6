/** Indices of the 32-bit words at the channel's head. */
const word = {
  /** 1 from a question until its answer is there. */
  asked: 0,
  answer: 1,
  call: 2,
  /** How many arguments there are, and in which bits they are 64-bit integers. */
  count: 3,
  wide: 4,
} as const;

const headBytes = 32;
/** No call of any ABI has more. */
const mostArguments = 24;

/** What a guest's thread asks of the thread that has the host. */
export interface Question {
  /** The number of the call. */
  readonly call: number;
  readonly args: readonly (number | bigint)[];
}

/**
 * Host calls of one guest thread on their way to the thread that has the host: the caller blocks until the answer, an i32, is
 * there. What the arguments point to is in the memory that both share.
 */
export class CallChannel {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #values: BigInt64Array<SharedArrayBuffer>;

  /** A new channel, or the one that another thread made. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(headBytes + mostArguments * 8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.#values = new BigInt64Array(buffer, headBytes);
  }

  /** Asks and blocks; `notify` tells the other thread that there is a question. */
  ask(call: number, args: readonly (number | bigint)[], notify: () => void): number {
    if (args.length > mostArguments) throw new TypeError(`Call ${call} has ${args.length} arguments`);
    let wide = 0;
    for (const [at, value] of args.entries()) {
      if (typeof value === "bigint") wide |= 1 << at;
      this.#values[at] = BigInt(value);
    }
    this.#words[word.call] = call;
    this.#words[word.count] = args.length;
    this.#words[word.wide] = wide;
    Atomics.store(this.#words, word.asked, 1);
    notify();
    while (Atomics.load(this.#words, word.asked) === 1) Atomics.wait(this.#words, word.asked, 1);
    return this.#words[word.answer] ?? 0;
  }

  /** The question that was asked. */
  get question(): Question {
    const count = this.#words[word.count] ?? 0;
    const wide = this.#words[word.wide] ?? 0;
    const args = Array.from({ length: count }, (_, at) => {
      const value = this.#values[at] ?? 0n;
      return (wide & (1 << at)) === 0 ? Number(value) : value;
    });
    return { call: this.#words[word.call] ?? 0, args };
  }

  /** Answers the question, upon which the caller goes on. */
  answer(value: number): void {
    this.#words[word.answer] = value;
    Atomics.store(this.#words, word.asked, 0);
    Atomics.notify(this.#words, word.asked);
  }
}
