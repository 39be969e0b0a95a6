/** A list of unsigned 32-bit integers that grows and is used again: no object for each entry. */
export class IntList {
  #values: Uint32Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity = 256) {
    this.#values = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Appends an integer. */
  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  /** The integer at an index below the length. */
  at(index: number): number {
    return this.#values[index] ?? 0;
  }

  /** Replaces the integer at an index below the length. */
  set(index: number, value: number): void {
    this.#values[index] = value;
  }

  /** Takes the last integer off; 0 where there is none. */
  pop(): number {
    if (this.#length === 0) return 0;
    this.#length -= 1;
    return this.#values[this.#length] ?? 0;
  }

  /** Empties the list and keeps its room. */
  clear(): void {
    this.#length = 0;
  }

  /** A copy of the integers. */
  finish(): Uint32Array<ArrayBuffer> {
    return this.#values.slice(0, this.#length);
  }
}
