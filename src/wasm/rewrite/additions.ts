import { sectionId } from "../sections.ts";
import { ByteWriter } from "../writer.ts";
import type { ModuleShape } from "./shape.ts";

/** Value types and instructions that added code is written in. */
export const wasm = {
  i32: 0x7f,
  i64: 0x7e,
  empty: 0x40,
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  return: 0x0f,
  call: 0x10,
  callRef: 0x14,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  tableGet: 0x25,
  i32Load: 0x28,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtU: 0x49,
  i32GtU: 0x4b,
  i64Eq: 0x51,
  i64Ne: 0x52,
  i64LtU: 0x54,
  i64GtU: 0x56,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Or: 0x72,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  bulk: 0xfc,
  refNull: 0xd0,
} as const;

/** An unsigned integer as LEB128. */
export function leb(value: number): number[] {
  return [...new ByteWriter().u32(value).finish()];
}

/** A type index as the signed LEB128 integer of a heap type. */
export function signedLeb(index: number): number[] {
  const bytes: number[] = [];
  let rest = index;
  while (rest >= 0x40) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return [...bytes, rest];
}

/** Kinds of exports by their byte (WebAssembly 3.0, 5.5.10 Export section). */
export const exportKind = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** How many entries are appended to a section, and their bytes. */
export interface Appended {
  readonly count: number;
  readonly bytes: ByteWriter;
}

/** What is appended to the sections of a module: no index of the module's own shifts by it. */
export class Additions {
  readonly #sections = new Map<number, { count: number; readonly bytes: ByteWriter }>();
  readonly #types = new Map<string, number>();
  /** Sizes and bodies of appended functions. */
  readonly code = new ByteWriter();
  #functions = 0;
  #nextType: number;
  #nextTable: number;
  #nextGlobal: number;
  #nextFunction: number;

  constructor(shape: ModuleShape) {
    this.#nextType = shape.types.length;
    this.#nextTable = shape.tables.length;
    this.#nextGlobal = shape.globals.length;
    this.#nextFunction = shape.functionCount;
  }

  /** Number of functions appended. */
  get functions(): number {
    return this.#functions;
  }

  /** Whether nothing is appended. */
  get isEmpty(): boolean {
    return this.#sections.size === 0;
  }

  /** What is appended to a section, if anything is. */
  of(section: number): Appended | undefined {
    return this.#sections.get(section);
  }

  /** The index of a function type of value types that take one byte each. */
  functionType(params: readonly number[], results: readonly number[]): number {
    const bytes = [0x60, params.length, ...params, results.length, ...results];
    const key = bytes.join();
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    this.#append(sectionId.type, bytes);
    const index = this.#nextType;
    this.#nextType += 1;
    this.#types.set(key, index);
    return index;
  }

  /** Appends a function; `body` is its locals and instructions with the last `end`. */
  function(type: number, body: readonly number[]): number {
    this.#append(sectionId.function, leb(type));
    this.code.u32(body.length).raw(body);
    this.#functions += 1;
    const index = this.#nextFunction;
    this.#nextFunction += 1;
    return index;
  }

  /** Appends a table by the bytes of its entry. */
  table(entry: readonly number[]): number {
    this.#append(sectionId.table, entry);
    const index = this.#nextTable;
    this.#nextTable += 1;
    return index;
  }

  /** Appends a mutable global by the bytes of its type and of the expression that it begins as. */
  mutableGlobal(type: readonly number[], initial: readonly number[]): number {
    this.#append(sectionId.global, [...type, 1, ...initial]);
    const index = this.#nextGlobal;
    this.#nextGlobal += 1;
    return index;
  }

  /** Appends an import of a memory by the bytes of its type. */
  memoryImport(module: string, name: string, type: ArrayLike<number>): void {
    const writer = new ByteWriter().name(module).name(name).u8(exportKind.memory).raw(type);
    this.#append(sectionId.import, writer.finish());
  }

  /** Appends an export. */
  export(name: string, kind: number, index: number): void {
    this.#append(sectionId.export, new ByteWriter().name(name).u8(kind).u32(index).finish());
  }

  #append(id: number, bytes: ArrayLike<number>): void {
    let section = this.#sections.get(id);
    if (section === undefined) {
      section = { count: 0, bytes: new ByteWriter() };
      this.#sections.set(id, section);
    }
    section.count += 1;
    section.bytes.raw(bytes);
  }
}
