import { type ByteRange, malformed } from "../reader.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
/** Longest text in bytes that is taken from debug information: names beyond are cut. */
const longestText = 4096;

/** How much may still be done with one module's debug information: what turns a crafted loop into an error. */
export class Effort {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** Counts steps of work. @throws WASM_MALFORMED when all are spent */
  spend(offset: number, steps = 1): void {
    this.#left -= steps;
    if (this.#left < 0) throw malformed(offset, "debug information that takes too long to read");
  }
}

/**
 * Reads the primitive values of DWARF (DWARF 5, 7.2.2 to 7.6) from a range of bytes: little-endian, with LEB128 integers
 * of any length. It never reads past the range. Offsets are those of all the bytes.
 *
 * Each read throws WASM_MALFORMED at the end of the range.
 */
export class Cursor {
  readonly bytes: Uint8Array;
  readonly end: number;
  offset: number;

  constructor(bytes: Uint8Array, { start, end }: ByteRange) {
    this.bytes = bytes;
    this.end = Math.min(end, bytes.length);
    this.offset = start;
  }

  get isAtEnd(): boolean {
    return this.offset >= this.end;
  }

  skip(length: number): void {
    if (!(length >= 0 && length <= this.end - this.offset)) throw malformed(this.offset, "unexpected end");
    this.offset += length;
  }

  /** Reads an unsigned integer of 1 to 8 bytes; one above 2^53 loses its lowest bits. */
  unsigned(size: number): number {
    const { bytes, offset } = this;
    this.skip(size);
    let value = 0;
    for (let index = offset + size - 1; index >= offset; index -= 1) value = value * 256 + (bytes[index] ?? 0);
    return value;
  }

  u8(): number {
    if (this.offset >= this.end) throw malformed(this.offset, "unexpected end");
    const value = this.bytes[this.offset] ?? 0;
    this.offset += 1;
    return value;
  }

  s8(): number {
    return (this.u8() << 24) >> 24;
  }

  /** Reads an unsigned LEB128 integer. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  /** Reads a signed LEB128 integer. */
  sleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
  }

  /** Reads text up to a byte of zero and stays where it is. */
  peekText(): string {
    const text = this.bytes.subarray(this.offset, Math.min(this.end, this.offset + longestText));
    const length = text.indexOf(0);
    return utf8.decode(length < 0 ? text : text.subarray(0, length));
  }

  /** Reads text up to a byte of zero. */
  text(): string {
    const text = this.peekText();
    this.skipText();
    return text;
  }

  skipText(): void {
    const length = this.bytes.subarray(this.offset, this.end).indexOf(0);
    if (length < 0) throw malformed(this.offset, "text without an end");
    this.offset += length + 1;
  }

  /** Reads the length of a unit, in its two forms (7.4), and answers the unit's end and how long its offsets are. */
  unitLength(): { readonly end: number; readonly offsetSize: 4 | 8 } {
    const short = this.unsigned(4);
    const offsetSize = short === 0xffffffff ? 8 : 4;
    const length = offsetSize === 8 ? this.unsigned(8) : short;
    if (length > this.end - this.offset) throw malformed(this.offset, "a unit that goes past its section");
    return { end: this.offset + length, offsetSize };
  }
}
