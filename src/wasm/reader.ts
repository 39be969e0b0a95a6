import { SampanError } from "../base/index.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A half-open range of byte offsets, counted from the beginning of the binary. */
export interface ByteRange {
  /** Offset in bytes of the first byte. */
  readonly start: number;
  /** Offset in bytes just past the last byte. */
  readonly end: number;
}

/** The error for bytes that break the binary format at `offset` (in bytes from the beginning of the binary). */
export function malformed(offset: number, problem: string): SampanError {
  return new SampanError("WASM_MALFORMED", `Cannot read the WebAssembly binary: ${problem} at byte ${offset}`, {
    data: { offset },
  });
}

/**
 * Reads the primitive values of the binary format (WebAssembly 3.0, 5.2 Values) from a range of bytes. Offsets are
 * those of the whole binary, in subranges too. It never reads past the range and never allocates by a length that the
 * input merely claims.
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  #offset: number;

  constructor(bytes: Uint8Array, range: ByteRange = { start: 0, end: bytes.length }) {
    this.bytes = bytes;
    this.end = Math.min(range.end, bytes.length);
    this.#offset = range.start;
  }

  /** Offset in bytes of the next byte to read. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes left in the range. */
  get remaining(): number {
    return this.end - this.#offset;
  }

  /** Whether the whole range has been read. */
  get isAtEnd(): boolean {
    return this.#offset >= this.end;
  }

  /** The next byte without moving, or `undefined` at the end of the range. */
  peek(): number | undefined {
    return this.isAtEnd ? undefined : this.bytes[this.#offset];
  }

  /** Reads one byte (5.2.1 Bytes). */
  u8(): number {
    const byte = this.isAtEnd ? undefined : this.bytes[this.#offset];
    if (byte === undefined) throw malformed(this.#offset, "unexpected end");
    this.#offset += 1;
    return byte;
  }

  /** Reads an unsigned 32-bit LEB128 integer: at most 5 bytes, unused bits zero (5.2.2 Integers). */
  u32(): number {
    const start = this.#offset;
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 0x0f)
      throw malformed(start, last >= 0x80 ? "an integer of more than 5 bytes" : "an integer above 32 bits");
    return (value | (last << 28)) >>> 0;
  }

  /** Reads a signed 33-bit LEB128 integer: at most 5 bytes, unused bits equal to the sign (5.2.2 Integers). */
  s33(): number {
    const start = this.#offset;
    let value = 0;
    let scale = 1;
    for (let index = 0; index < 4; index += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
      if (byte < 0x80) return byte & 0x40 ? value - scale : value;
    }
    const last = this.u8();
    if (last >= 0x80) throw malformed(start, "an integer of more than 5 bytes");
    const sign = last & 0x70;
    if (sign !== 0 && sign !== 0x70) throw malformed(start, "an integer above 33 bits");
    return value + ((last & 0x0f) - (sign === 0 ? 0 : 0x10)) * scale;
  }

  /** Reads an unsigned 64-bit LEB128 integer: at most 10 bytes, unused bits zero (5.2.2 Integers). */
  u64(): bigint {
    const start = this.#offset;
    let value = 0n;
    for (let shift = 0n; shift < 63n; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.u8();
    if (last > 1)
      throw malformed(start, last >= 0x80 ? "an integer of more than 10 bytes" : "an integer above 64 bits");
    return value | (BigInt(last) << 63n);
  }

  /** Reads a vector's length and refuses one that the rest of the range cannot hold at a byte an element (5.1.3). */
  count(): number {
    const start = this.#offset;
    const length = this.u32();
    if (length > this.remaining) {
      throw malformed(start, `a list of ${length} elements where ${this.remaining} bytes are left`);
    }
    return length;
  }

  /** Reads a length in bytes and that many bytes; the result is a range, nothing is copied. */
  sized(what: string): ByteRange {
    const start = this.#offset;
    const length = this.u32();
    if (length > this.remaining) {
      throw malformed(start, `${what} of ${length} bytes where ${this.remaining} are left`);
    }
    const range = { start: this.#offset, end: this.#offset + length };
    this.#offset = range.end;
    return range;
  }

  /** Reads a name: a length in bytes and that much valid UTF-8 (5.2.4 Names). */
  name(): string {
    const { start, end } = this.sized("a name");
    try {
      return utf8.decode(this.bytes.subarray(start, end));
    } catch {
      throw malformed(start, "a name that is not valid UTF-8");
    }
  }

  /** Goes over `length` bytes. */
  skip(length: number): void {
    if (length > this.remaining) throw malformed(this.#offset, "unexpected end");
    this.#offset += length;
  }

  /** Refuses bytes that are left over at the end of the range. */
  expectEnd(what: string): void {
    if (!this.isAtEnd) throw malformed(this.#offset, `${this.remaining} bytes left over after ${what}`);
  }
}
