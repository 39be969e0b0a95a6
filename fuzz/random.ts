/** A small generator of pseudo-random numbers (sfc32): one seed, one sequence, on every machine. */
export class Random {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    for (let round = 0; round < 12; round += 1) this.u32();
  }

  /** The next 32 bits, unsigned. */
  u32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 up to and without `limit`. */
  below(limit: number): number {
    return limit <= 1 ? 0 : this.u32() % limit;
  }

  /** A whole number from `low` to `high`, both possible. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  /** True with the probability, which goes from 0 to 1. */
  chance(probability: number): boolean {
    return this.u32() < probability * 2 ** 32;
  }

  /** One of the items, each as likely; `undefined` where there is none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }

  /** One of the items, of which there is at least one. */
  oneOf<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** A 32-bit integer of which small ones and those at the edges of ranges are likely. */
  i32(): number {
    if (this.chance(0.5)) return this.below(20) - 2;
    if (this.chance(0.5))
      return (this.oneOf([0, -1, 0x7fffffff, 0x80000000, 0xffff, 0x80, 0x8000]) + this.below(3) - 1) | 0;
    return this.u32() | 0;
  }

  /** A 64-bit integer of which small ones and those at the edges of ranges are likely. */
  i64(): bigint {
    if (this.chance(0.6)) return BigInt(this.i32());
    return BigInt.asIntN(64, (BigInt(this.u32()) << 32n) | BigInt(this.u32()));
  }

  /** A number of which small ones, infinities and NaN are likely. */
  float(): number {
    if (this.chance(0.5)) return this.below(40) / 4 - 2;
    if (this.chance(0.4)) return this.oneOf([0, -0, NaN, Infinity, -Infinity, 1e-40, 2 ** 31, 2 ** 63, -1e300, 0.1]);
    return (this.u32() - 2 ** 31) * 2 ** this.between(-40, 40);
  }
}
