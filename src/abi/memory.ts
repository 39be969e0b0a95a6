import { failure } from "../base/index.ts";

const noBytes = new Uint8Array(0);
const noView = new DataView(noBytes.buffer);
const decoder = new TextDecoder();

/**
 * A guest's linear memory as the host touches it: little-endian, each access checked against the memory's present size.
 * What lies outside is the guest's mistake and throws HostError `fault`, so that a RangeError stays a bug of ours.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes: Uint8Array = noBytes;
  #view = noView;
  #words: Int32Array | undefined;

  /** Sets the memory once the instance that exports it is there. */
  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
    this.#refresh();
  }

  /** All of the memory; valid until the guest runs again. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#refresh();
    return this.#bytes;
  }

  /** All of the memory in words of 32 bits, as this machine has them; valid until the guest runs again. */
  get words(): Int32Array {
    return (this.#words ??= new Int32Array(this.bytes.buffer));
  }

  /** Throws unless `length` bytes from `at` on lie within. A grown memory detaches the old view, whose length is then 0. */
  check(at: number, length: number): void {
    if (at + length <= this.#bytes.length) return;
    this.#refresh();
    if (at + length > this.#bytes.length) throw failure("fault");
  }

  slice(at: number, length: number): Uint8Array {
    this.check(at, length);
    return this.#bytes.subarray(at, at + length);
  }

  /** UTF-8 of so many bytes; what is none becomes U+FFFD. */
  text(at: number, length: number): string {
    // A view of a shared memory cannot be decoded, its copy can.
    return decoder.decode(this.slice(at, length).slice());
  }

  getU8(at: number): number {
    this.check(at, 1);
    return this.#view.getUint8(at);
  }
  getU16(at: number): number {
    this.check(at, 2);
    return this.#view.getUint16(at, true);
  }
  getU32(at: number): number {
    this.check(at, 4);
    return this.#view.getUint32(at, true);
  }
  getU64(at: number): bigint {
    this.check(at, 8);
    return this.#view.getBigUint64(at, true);
  }
  setU8(at: number, value: number): void {
    this.check(at, 1);
    this.#view.setUint8(at, value);
  }
  setU16(at: number, value: number): void {
    this.check(at, 2);
    this.#view.setUint16(at, value, true);
  }
  setU32(at: number, value: number): void {
    this.check(at, 4);
    this.#view.setUint32(at, value, true);
  }
  setU64(at: number, value: bigint): void {
    this.check(at, 8);
    this.#view.setBigUint64(at, value, true);
  }
  setBytes(at: number, bytes: Uint8Array): void {
    this.check(at, bytes.length);
    this.#bytes.set(bytes, at);
  }

  #refresh(): void {
    if (this.#memory === undefined) return;
    this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#view = new DataView(this.#memory.buffer);
    this.#words = undefined;
  }
}
