import { ByteWriter } from "../../src/wasm/writer.ts";

/** A value type that is no reference. */
export type NumberType = "i32" | "i64" | "f32" | "f64" | "v128";

/** A reference type by its text: a heap type is an abstract one's name or an index. */
export type ReferenceType = `ref ${string}`;

/** A value type by its text. */
export type Value = NumberType | ReferenceType;

/** A field of a structure or the element of an array. */
export interface Field {
  readonly storage: Value | "i8" | "i16";
  readonly mutable: boolean;
}

export interface FunctionType {
  readonly kind: "function";
  readonly params: readonly Value[];
  readonly results: readonly Value[];
}

export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly Field[];
}

export interface ArrayType {
  readonly kind: "array";
  readonly element: Field;
}

/** One entry of the type section. */
export interface TypeEntry {
  readonly type: FunctionType | StructType | ArrayType;
  /** Index of the type that it extends. */
  readonly parent?: number;
  /** Whether others may extend it. */
  readonly open?: boolean;
}

const numberBytes: Readonly<Record<NumberType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

const heapBytes: Readonly<Record<string, number>> = {
  func: 0x70,
  extern: 0x6f,
  any: 0x6e,
  eq: 0x6d,
  i31: 0x6c,
  struct: 0x6b,
  array: 0x6a,
  exn: 0x69,
  none: 0x71,
  noextern: 0x72,
  nofunc: 0x73,
};

/** Whether a value type is a reference. */
export function isReference(value: Value): value is ReferenceType {
  return value.startsWith("ref ");
}

/** Whether a value type has a default value: all have but references that cannot be null. */
export function isNullable(value: Value): boolean {
  return !isReference(value) || value.startsWith("ref null ");
}

/** The heap type of a reference: a name, or an index as text. */
export function heapOf(value: ReferenceType): string {
  return value.slice(value.startsWith("ref null ") ? 9 : 4);
}

/** The type's index that a reference is to, or `undefined` where its heap type is abstract. */
export function typeIndexOf(value: Value): number | undefined {
  if (!isReference(value)) return undefined;
  const index = Number(heapOf(value));
  return Number.isInteger(index) ? index : undefined;
}

/** The bytes of a heap type. */
export function heapTypeBytes(heap: string): number[] {
  const byte = heapBytes[heap];
  return byte === undefined ? signed(BigInt(heap)) : [byte];
}

/** The bytes of a value type or a packed one. */
export function valueBytes(value: Value | "i8" | "i16"): number[] {
  if (value === "i8") return [0x78];
  if (value === "i16") return [0x77];
  if (!isReference(value)) return [numberBytes[value]];
  const heap = heapOf(value);
  if (isNullable(value) && heapBytes[heap] !== undefined) return heapTypeBytes(heap);
  return [isNullable(value) ? 0x63 : 0x64, ...heapTypeBytes(heap)];
}

/** A signed integer in LEB128. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** An unsigned 32-bit integer in LEB128. */
export function unsigned(value: number): number[] {
  return [...new ByteWriter().u32(value).finish()];
}

/** An unsigned 64-bit integer in LEB128. */
export function unsigned64(value: bigint): number[] {
  return [...new ByteWriter().u64(value).finish()];
}

/** The four bytes of a 32-bit float. */
export function float32(value: number): number[] {
  return [...new Uint8Array(Float32Array.of(value).buffer)];
}

/** The eight bytes of a 64-bit float. */
export function float64(value: number): number[] {
  return [...new Uint8Array(Float64Array.of(value).buffer)];
}
