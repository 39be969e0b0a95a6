/** Bytes that are written one after the other, mostly as copies of ranges. */
export class Output {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(Math.max(capacity, 64));
  }

  get length(): number {
    return this.#length;
  }

  u8(byte: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** Writes an unsigned 32-bit LEB128 integer in its shortest form. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Copies the bytes of a range. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.#reserve(length);
    if (length < 48) {
      for (let index = 0; index < length; index += 1) this.#bytes[this.#length + index] = bytes[start + index] ?? 0;
    } else {
      this.#bytes.set(bytes.subarray(start, end), this.#length);
    }
    this.#length += length;
  }

  /** The bytes written so far, not copied. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Empties it and keeps its room. */
  clear(): void {
    this.#length = 0;
  }

  #reserve(extra: number): void {
    if (this.#length + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(Math.ceil(this.#bytes.length * 1.5), this.#length + extra));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Bytes of an unsigned 32-bit LEB128 integer in its shortest form. */
export function integerSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
