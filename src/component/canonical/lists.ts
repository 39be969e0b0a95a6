import { maxByteLength } from "./layout.ts";
import type { CanonicalRuntime } from "./runtime.ts";

/**
 * What generated code throws where a JavaScript value does not fit its type. It is caught in the same piece of code, which
 * then looks for the place with {@link explainMismatch}: what is passed over and over costs nothing for it.
 */
export const mismatch = new Error("A value does not fit its type");

/** Calls the guest's allocator and checks its answer before anything is written there. */
export function allocate(rt: CanonicalRuntime, alignment: number, size: number): number {
  return reallocate(rt, 0, 0, alignment, size);
}

/** {@link allocate} for a block that is there already. */
export function reallocate(
  rt: CanonicalRuntime,
  old: number,
  oldSize: number,
  alignment: number,
  size: number,
): number {
  const at = rt.realloc(old, oldSize, alignment, size);
  rt.views.fresh();
  if ((at & (alignment - 1)) !== 0) rt.trap("realloc-unaligned");
  if (!(at >= 0 && at + size <= rt.views.u8.length)) rt.trap("realloc-out-of-bounds");
  return at;
}

/** Checks where parameters or a result lie that are passed by way of memory. */
export function checkArea(rt: CanonicalRuntime, at: number, alignment: number, size: number): void {
  if ((at & (alignment - 1)) !== 0) rt.trap("unaligned-pointer");
  if (!(at + size <= rt.views.u8.length)) rt.trap("pointer-out-of-bounds");
}

/** Checks a list before any of it is read (Loading: load_list_from_range); `cost` is what an element takes of the budget. */
export function checkList(
  rt: CanonicalRuntime,
  at: number,
  length: number,
  { size, alignment, cost, base }: { size: number; alignment: number; cost: number; base: number },
): void {
  const views = rt.views;
  if (length * size > maxByteLength) rt.trap("list-too-long");
  if ((at & (alignment - 1)) !== 0) rt.trap("unaligned-pointer");
  if (!(at + length * size <= views.u8.length)) rt.trap("list-out-of-bounds");
  if ((views.left -= length * cost + base) < 0) rt.trap("value-too-large");
}

/** Takes a value's cost from the budget. */
export function charge(rt: CanonicalRuntime, cost: number): void {
  if ((rt.views.left -= cost) < 0) rt.trap("value-too-large");
}

/** The elements of what is passed for a list: an array or typed array as it is, anything else that can be iterated as an array. */
export function elementsOf(value: unknown): ArrayLike<unknown> {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) throw mismatch;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as Uint8Array;
  if (!isIterable(value)) throw mismatch;
  return Array.from(value);
}

/** {@link elementsOf} a list or tuple of a fixed length. */
export function elementsOfFixed(value: unknown, length: number): ArrayLike<unknown> {
  const elements = elementsOf(value);
  if (elements.length !== length) throw mismatch;
  return elements;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value && typeof value[Symbol.iterator] === "function";
}

/** Allocates a list and answers where; its length is left in the views. */
export function allocateList(rt: CanonicalRuntime, length: number, alignment: number, size: number): number {
  if (length * size > maxByteLength) throw mismatch;
  return allocate(rt, alignment, length * size);
}

/** A field of a name that every object has something under, which is nothing that was given. */
export function ownOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** One flag: absent is false. */
export function flagOf(value: unknown): 0 | 1 {
  if (value === true) return 1;
  if (value === false || value === undefined) return 0;
  throw mismatch;
}

const float32 = new Float32Array(1);
const float64 = new Float64Array(1);
const bits32 = new Int32Array(float32.buffer);
const bits64 = new BigInt64Array(float64.buffer);

/** The bits of a float and back, where a variant's cases share a core value. */
export function bitsOfF32(value: number): number {
  float32[0] = value;
  return bits32[0] ?? 0;
}
export function f32OfBits(bits: number): number {
  bits32[0] = bits;
  return float32[0] ?? 0;
}
export function bitsOfF64(value: number): bigint {
  float64[0] = value;
  return bits64[0] ?? 0n;
}
export function f64OfBits(bits: bigint): number {
  bits64[0] = bits;
  return float64[0] ?? 0;
}

/** Whether a host function answered what has to be waited for. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value instanceof Promise;
}

/** An object of many fields, more than a constructor has parameters for. */
export function objectOf(names: readonly string[], values: readonly unknown[]): object {
  return Object.fromEntries(names.map((name, at) => [name, values[at]]));
}
