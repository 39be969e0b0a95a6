import { ByteWriter } from "../../wasm/index.ts";

/** Chains that run side by side, so that one does not wait for the step before it. */
const chains = 4;
/** Bytes that one turn of the loop takes: a vector for each chain, twice. */
const turnBytes = chains * 2 * 16;
/** Bytes that are looked at in one call: what stays in a core's own cache. */
const windowBytes = 128 * 1024;
const stateOffset = windowBytes;
const stateBytes = chains * 2 * 16;
const pageBytes = 65_536;
const rotation = 29;

const opcode = { block: 0x40, loop: 0x03, end: 0x0b, brIf: 0x0d, get: 0x20, set: 0x21, tee: 0x22, i32Const: 0x41 };
const simd = { load: 0, store: 11, or: 80, shiftLeft: 203, shiftRight: 205, add: 206 };
const i32 = 0x7f;
const v128 = 0x7b;

/** Length in bytes of a {@link Checksum}. */
export const checksumBytes = stateBytes;

/** So many bytes are summed up in JavaScript: making an instance of Wasm takes longer than that. */
const smallBytes = 64 * 1024;

/**
 * A checksum of at most 1,024 bits against corruption: lanes are added and rotated in, and their states summed up. Each step is
 * a bijection of the state, so that damage within 16 bytes is always seen. It is no defence against somebody who wants it
 * to fit.
 */
export class Checksum {
  readonly #first = new Uint8Array(smallBytes);
  #length = 0;
  #vector: VectorSum | undefined;
  #isLarge = false;

  /** Starts anew. */
  reset(): void {
    this.#length = 0;
    this.#isLarge = false;
  }

  /** Takes bytes in; how they are cut into calls makes no difference. */
  update(bytes: Uint8Array): void {
    if (this.#isLarge) {
      this.#vector?.update(bytes);
    } else if (this.#length + bytes.length <= smallBytes) {
      this.#first.set(bytes, this.#length);
      this.#length += bytes.length;
    } else {
      this.#isLarge = true;
      const vector = (this.#vector ??= new VectorSum());
      vector.reset();
      vector.update(this.#first.subarray(0, this.#length));
      vector.update(bytes);
    }
  }

  /** The checksum of what was taken in; lengths that differ by a filling of zeros are the caller's to tell apart. */
  finish(): Uint8Array {
    if (this.#isLarge && this.#vector !== undefined) return this.#vector.finish();
    this.#first.fill(0, this.#length, Math.min(smallBytes, this.#length + smallStep));
    return smallSum(this.#first, this.#length);
  }
}

/** Bytes that one turn of the loop takes: a word for each lane. */
const smallStep = 16;
/** Odd, so that multiplying by them loses nothing. */
const [factor, otherFactor] = [0x9e37_79b1, 0x85eb_ca77];

/** The checksum of the first bytes of an array, in lanes of 32 bits; the rest of their last step are zeros. */
function smallSum(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array {
  const words = new Uint32Array(bytes.buffer, 0, (Math.ceil(length / smallStep) * smallStep) / 4);
  const lanes = new Uint32Array(smallStep / 4);
  for (let lane = 0; lane < lanes.length; lane++) {
    let state = lane + 1;
    // Written out: what reads an entry runs once, before V8 would put a function of its own in here.
    for (let at = lane; at < words.length; at += 4) {
      state = Math.imul(state ^ (words[at] as number), factor);
      state = Math.imul((state << 13) | (state >>> 19), otherFactor);
    }
    lanes[lane] = state;
  }
  const sum = new Uint8Array(checksumBytes);
  sum.set(new Uint8Array(lanes.buffer));
  return sum;
}

/** A checksum in Wasm's vector instructions, because node:crypto and node:zlib take longer to load than it takes for 10 MB. */
class VectorSum {
  readonly #memory: Uint8Array;
  readonly #state: Uint8Array;
  readonly #take: (length: number) => void;
  #filled = 0;

  constructor() {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(checksumModule()));
    const { memory, take } = exports as { memory: WebAssembly.Memory; take: (length: number) => void };
    this.#memory = new Uint8Array(memory.buffer);
    this.#state = this.#memory.subarray(stateOffset, stateOffset + stateBytes);
    this.#take = take;
  }

  /** Starts anew. */
  reset(): void {
    this.#filled = 0;
    for (let i = 0; i < stateBytes; i++) this.#state[i] = i * 37 + 1;
  }

  /** Takes bytes in; how they are cut into calls makes no difference. */
  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const count = Math.min(bytes.length - at, windowBytes - this.#filled);
      this.#memory.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === windowBytes) this.#takeWindow();
    }
  }

  /** The checksum of what was taken in; lengths that differ by a filling of zeros are the caller's to tell apart. */
  finish(): Uint8Array {
    if (this.#filled > 0) this.#takeWindow();
    return this.#state.slice();
  }

  #takeWindow(): void {
    const whole = Math.ceil(this.#filled / turnBytes) * turnBytes;
    this.#memory.fill(0, this.#filled, whole);
    this.#take(whole);
    this.#filled = 0;
  }
}

/** `take(length)`: works the window's first `length` bytes, a multiple of {@link turnBytes}, into the state behind it. */
function checksumModule(): Uint8Array<ArrayBuffer> {
  const [length, at, sums, totals] = [0, 1, 2, 2 + chains];
  const code = new ByteWriter();
  code
    .u32(2)
    .u32(1)
    .u8(i32)
    .u32(chains * 2)
    .u8(v128);
  for (let i = 0; i < chains * 2; i++) {
    code.u8(opcode.i32Const).u8(0);
    vector(code, simd.load, stateOffset + i * 16)
      .u8(opcode.set)
      .u32(sums + i);
  }
  code.u8(opcode.loop).u8(opcode.block);
  for (let i = 0; i < chains * 2; i++) {
    const [sum, total] = [sums + (i % chains), totals + (i % chains)];
    code.u8(opcode.get).u32(at);
    vector(code, simd.load, i * 16)
      .u8(opcode.get)
      .u32(sum);
    vector(code, simd.add).u8(opcode.tee).u32(sum).u8(opcode.i32Const).u8(rotation);
    vector(code, simd.shiftLeft)
      .u8(opcode.get)
      .u32(sum)
      .u8(opcode.i32Const)
      .u8(64 - rotation);
    vector(vector(code, simd.shiftRight), simd.or).u8(opcode.tee).u32(sum).u8(opcode.get).u32(total);
    vector(code, simd.add).u8(opcode.set).u32(total);
  }
  const i32Add = 0x6a;
  const i32Less = 0x49;
  // The signed form of turnBytes takes two bytes from 64 on.
  code
    .u8(opcode.get)
    .u32(at)
    .u8(opcode.i32Const)
    .u8((turnBytes & 0x7f) | 0x80)
    .u8(turnBytes >> 7)
    .u8(i32Add);
  code.u8(opcode.tee).u32(at).u8(opcode.get).u32(length).u8(i32Less).u8(opcode.brIf).u32(0).u8(opcode.end);
  for (let i = 0; i < chains * 2; i++) {
    code
      .u8(opcode.i32Const)
      .u8(0)
      .u8(opcode.get)
      .u32(sums + i);
    vector(code, simd.store, stateOffset + i * 16);
  }
  code.u8(opcode.end);
  const body = code.finish();
  const writer = new ByteWriter().raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  section(writer, 1, (each) => each.u32(1).u8(0x60).u32(1).u8(i32).u32(0));
  section(writer, 3, (each) => each.u32(1).u32(0));
  section(writer, 5, (each) =>
    each
      .u32(1)
      .u8(0)
      .u32(windowBytes / pageBytes + 1),
  );
  section(writer, 7, (each) => each.u32(2).name("memory").u8(2).u32(0).name("take").u8(0).u32(0));
  section(writer, 10, (each) => each.u32(1).u32(body.length).raw(body));
  return new Uint8Array(writer.finish());
}

/** Writes a vector instruction; those that reach into memory have an offset, and are aligned. */
function vector(code: ByteWriter, operation: number, offset?: number): ByteWriter {
  code.u8(0xfd).u32(operation);
  return offset === undefined ? code : code.u32(4).u32(offset);
}

function section(writer: ByteWriter, id: number, fill: (content: ByteWriter) => unknown): void {
  const content = new ByteWriter();
  fill(content);
  const bytes = content.finish();
  writer.u8(id).u32(bytes.length).raw(bytes);
}
