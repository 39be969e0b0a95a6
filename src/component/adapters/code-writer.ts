import { ByteWriter } from "../../wasm/index.ts";
import type { FlatType } from "../canonical/layout.ts";

/** Types of locals. */
export type LocalType = FlatType | "v128";

/** The bytes of value types. */
export const typeCode: Readonly<Record<LocalType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

const opcodes = {
  "i32.eqz": [0x45],
  "i32.eq": [0x46],
  "i32.ne": [0x47],
  "i32.lt_u": [0x49],
  "i32.gt_u": [0x4b],
  "i32.ge_u": [0x4f],
  "i64.gt_u": [0x56],
  "i32.add": [0x6a],
  "i32.sub": [0x6b],
  "i32.mul": [0x6c],
  "i32.and": [0x71],
  "i32.or": [0x72],
  "i32.xor": [0x73],
  "i32.shl": [0x74],
  "i32.shr_u": [0x76],
  "i64.add": [0x7c],
  "i64.shl": [0x86],
  "i32.wrap_i64": [0xa7],
  "i64.extend_i32_u": [0xad],
  "i32.reinterpret_f32": [0xbc],
  "i64.reinterpret_f64": [0xbd],
  "f32.reinterpret_i32": [0xbe],
  "f64.reinterpret_i64": [0xbf],
  "i32.extend8_s": [0xc0],
  "i32.extend16_s": [0xc1],
  "i16x8.splat": [0xfd, 0x10],
  "i16x8.eq": [0xfd, 0x2d],
  "v128.and": [0xfd, 0x4e],
  "v128.or": [0xfd, 0x50],
  "v128.any_true": [0xfd, 0x53],
  "i8x16.bitmask": [0xfd, 0x64],
  "i8x16.narrow_i16x8_u": [0xfd, 0x66],
  "i16x8.extend_low_i8x16_u": [0xfd, 0x89, 0x01],
  "i16x8.extend_high_i8x16_u": [0xfd, 0x8a, 0x01],
  unreachable: [0x00],
  return: [0x0f],
  drop: [0x1a],
} as const;

const accesses = {
  "i32.load": [0x28],
  "i64.load": [0x29],
  "f32.load": [0x2a],
  "f64.load": [0x2b],
  "i32.load8_u": [0x2d],
  "i32.load16_u": [0x2f],
  "i32.store": [0x36],
  "i64.store": [0x37],
  "f32.store": [0x38],
  "f64.store": [0x39],
  "i32.store8": [0x3a],
  "i32.store16": [0x3b],
  "v128.load": [0xfd, 0x00],
  "v128.store": [0xfd, 0x0b],
} as const;

/** An instruction without immediates. */
export type Op = keyof typeof opcodes;
/** A load or a store. */
export type Access = keyof typeof accesses;

/** A local or parameter of the function that is written. */
export class Local {
  readonly index: number;
  readonly type: LocalType;
  constructor(index: number, type: LocalType) {
    this.index = index;
    this.type = type;
  }
}

/** Where a branch goes to. */
export class Label {
  readonly depth: number;
  constructor(depth: number) {
    this.depth = depth;
  }
}

/** What {@link CodeWriter.do} writes: a local's value, an i32 constant or an instruction. */
export type Item = Local | number | Op;

/** The type of a core function. */
export interface CoreType {
  readonly params: readonly LocalType[];
  readonly results: readonly LocalType[];
}

/** Writes the body of one function. */
export class CodeWriter {
  readonly type: CoreType;
  readonly params: readonly Local[];
  readonly #bytes = new ByteWriter();
  readonly #locals: LocalType[] = [];
  readonly #free: Local[] = [];
  #depth = 0;

  constructor(type: CoreType) {
    this.type = type;
    this.params = type.params.map((each, index) => new Local(index, each));
  }

  /** A new local, zero when the function begins. */
  local(type: LocalType = "i32"): Local {
    this.#locals.push(type);
    return new Local(this.params.length + this.#locals.length - 1, type);
  }

  /** A local that is used until {@link free} gives it back; it may hold anything at first. */
  scratch(): Local {
    return this.#free.pop() ?? this.local();
  }

  free(...locals: readonly Local[]): void {
    this.#free.push(...locals);
  }

  /** Writes values and instructions in order. */
  do(...items: readonly Item[]): this {
    for (const item of items) {
      if (item instanceof Local) this.#bytes.u8(0x20).u32(item.index);
      else if (typeof item === "number") this.#signed(0x41, item | 0);
      else this.#bytes.raw(opcodes[item]);
    }
    return this;
  }

  set(local: Local): this {
    this.#bytes.u8(0x21).u32(local.index);
    return this;
  }

  tee(local: Local): this {
    this.#bytes.u8(0x22).u32(local.index);
    return this;
  }

  /** An i64 constant that is small. */
  long(value: number): this {
    return this.#signed(0x42, value);
  }

  global(verb: "get" | "set", index: number): this {
    this.#bytes.u8(verb === "get" ? 0x23 : 0x24).u32(index);
    return this;
  }

  /** A load or store; addresses need not be aligned. */
  access(op: Access, memory: number, offset = 0): this {
    this.#bytes.raw(accesses[op]);
    if (memory === 0) this.#bytes.u8(0);
    else this.#bytes.u8(0x40).u32(memory);
    this.#bytes.u32(offset);
    return this;
  }

  /** The size of a memory in bytes, as an i64. */
  memoryBytes(memory: number): this {
    this.#bytes.u8(0x3f).u32(memory);
    return this.do("i64.extend_i32_u").long(16).do("i64.shl");
  }

  /** Copies between memories: of the stack, the target address, the source address and the length. */
  memoryCopy(to: number, from: number): this {
    this.#bytes.raw([0xfc, 0x0a]).u32(to).u32(from);
    return this;
  }

  call(index: number): this {
    this.#bytes.u8(0x10).u32(index);
    return this;
  }

  block(body: (label: Label) => void): this {
    return this.#nested([0x02, 0x40], body);
  }

  /** So many blocks around a body, the first the innermost; `behind` writes what stands after the end of each. */
  blocks(count: number, body: (labels: readonly Label[]) => void, behind: (index: number) => void): this {
    const outer = this.#depth;
    const labels = Array.from({ length: count }, (_, at) => new Label(outer + count - at));
    for (let i = 0; i < count; i++) this.#bytes.raw([0x02, 0x40]);
    this.#depth += count;
    body(labels);
    for (let i = 0; i < count; i++) {
      this.#bytes.u8(0x0b);
      this.#depth -= 1;
      behind(i);
    }
    return this;
  }

  loop(body: (label: Label) => void): this {
    return this.#nested([0x03, 0x40], body);
  }

  /** What runs where the i32 on the stack is not 0, and else where it is. */
  if(then: () => void, otherwise?: () => void): this {
    return this.#nested([0x04, 0x40], () => {
      then();
      if (otherwise === undefined) return;
      this.#bytes.u8(0x05);
      otherwise();
    });
  }

  /** Runs the body; an exception out of it goes on behind `caught`, the block right around it. */
  tryAll(body: () => void): this {
    return this.#nested([0x1f, 0x40, 1, 0x02, 0], body);
  }

  br(label: Label): this {
    this.#bytes.u8(0x0c).u32(this.#depth - label.depth);
    return this;
  }

  brIf(label: Label): this {
    this.#bytes.u8(0x0d).u32(this.#depth - label.depth);
    return this;
  }

  brTable(labels: readonly Label[], otherwise: Label): this {
    this.#bytes.u8(0x0e).u32(labels.length);
    for (const label of [...labels, otherwise]) this.#bytes.u32(this.#depth - label.depth);
    return this;
  }

  /** The function as the code section has it, size first. */
  finish(): Uint8Array {
    const body = new ByteWriter();
    const runs: { type: LocalType; count: number }[] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.type === type) last.count += 1;
      else runs.push({ type, count: 1 });
    }
    body.u32(runs.length);
    for (const { type, count } of runs) body.u32(count).u8(typeCode[type]);
    body.raw(this.#bytes.finish()).u8(0x0b);
    return new ByteWriter().u32(body.length).raw(body.finish()).finish();
  }

  #nested(head: readonly number[], body: (label: Label) => void): this {
    this.#bytes.raw(head);
    this.#depth += 1;
    body(new Label(this.#depth));
    this.#depth -= 1;
    this.#bytes.u8(0x0b);
    return this;
  }

  #signed(op: number, value: number): this {
    this.#bytes.u8(op);
    let rest = value;
    while (rest < -0x40 || rest > 0x3f) {
      this.#bytes.u8((rest & 0x7f) | 0x80);
      rest = Math.floor(rest / 128);
    }
    this.#bytes.u8(rest & 0x7f);
    return this;
  }
}
