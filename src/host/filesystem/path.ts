import { failure } from "../../base/index.ts";

/** Longest path in bytes that a call takes, as Linux's PATH_MAX less the ending NUL. */
export const maxPathBytes = 4095;

const slash = 0x2f;
const dot = 0x2e;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A guest's path as it is handed to the system: UTF-8 bytes with a NUL behind them, checked while they were copied. One is
 * made for each instance and filled anew for each call, so that a call on a file allocates nothing.
 */
export class Path {
  /** Room for {@link maxPathBytes} and a NUL. */
  readonly bytes: Uint8Array;
  /** Address of {@link bytes} for native calls, 0 where there are none. */
  readonly pointer: bigint;
  #length = 0;
  #simple = false;
  #ascii = true;

  constructor(bytes: Uint8Array = new Uint8Array(maxPathBytes + 1), pointer = 0n) {
    this.bytes = bytes;
    this.pointer = pointer;
  }

  /** Bytes without the NUL. */
  get length(): number {
    return this.#length;
  }

  /** Whether it is one plain component: no slash, not `.` or `..`, not empty. Such a name cannot leave its folder. */
  get isSimple(): boolean {
    return this.#simple;
  }

  get isAbsolute(): boolean {
    return this.#length > 0 && this.bytes[0] === slash;
  }

  get endsWithSlash(): boolean {
    return this.#length > 0 && this.bytes[this.#length - 1] === slash;
  }

  /** The path as text. */
  get text(): string {
    if (!this.#ascii) return strictUtf8.decode(this.bytes.subarray(0, this.#length));
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.#length).toString("latin1");
  }

  /**
   * Takes `length` bytes of `source` from `offset` on.
   *
   * @throws HostError nametoolong, inval (a NUL within), ilseq (not UTF-8)
   */
  set(source: Uint8Array, offset: number, length: number): void {
    this.#length = 0;
    this.#simple = false;
    if (length > maxPathBytes) throw failure("nametoolong");
    const bytes = this.bytes;
    let hasSlash = false;
    let seen = 0;
    for (let i = 0; i < length; i++) {
      const byte = source[offset + i] ?? 0;
      if (byte === 0) throw failure("inval");
      if (byte === slash) hasSlash = true;
      seen |= byte;
      bytes[i] = byte;
    }
    bytes[length] = 0;
    this.#length = length;
    this.#ascii = (seen & 0x80) === 0;
    if (!this.#ascii) this.#checkUtf8();
    this.#simple =
      !hasSlash && length > 0 && !(bytes[0] === dot && (length === 1 || (length === 2 && bytes[1] === dot)));
  }

  /** Takes a text, encoded as UTF-8; errors as {@link set}. */
  setText(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.set(encoded, 0, encoded.length);
  }

  #checkUtf8(): void {
    try {
      strictUtf8.decode(this.bytes.subarray(0, this.#length));
    } catch {
      this.#length = 0;
      throw failure("ilseq");
    }
  }
}
