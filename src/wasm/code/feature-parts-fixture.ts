import { type Bytes, end, functionType, i32, memories, section, sized, u32, vector } from "../module-fixture.ts";
import { sectionId } from "../sections.ts";

/** Sections that a feature needs beside the functions, by their identifier. */
type Extra = Readonly<Record<number, Bytes>>;

/** A piece of code that leaves an i32, and what it needs. Types 0 to 3 are `() -> i32`, `(i32) -> i32`, `()`, `(i32)`. */
export interface Feature {
  readonly code: Bytes;
  /** Further types. */
  readonly types?: readonly Bytes[];
  /** Types of the locals from index 2 on; 0 is the round, 1 the sum. */
  readonly locals?: readonly Bytes[];
  /** Further functions, from index 2 on: type and code. */
  readonly functions?: readonly (readonly [type: number, code: Bytes])[];
  readonly sections?: Extra;
}

export const nothing = functionType([], []);
export const answer = functionType([], [i32]);
export const unary = functionType([i32], [i32]);
export const taker = functionType([i32], []);

/** A function body of locals and code. */
export const body = (locals: readonly Bytes[], code: Bytes): Bytes =>
  sized([...vector(...locals.map((type) => [1, ...type])), ...code, end]);

export const memory = memories([0, 1]);
export const table = (...items: readonly Bytes[]): Bytes => section(sectionId.table, vector(...items));
export const elements = (...items: readonly Bytes[]): Bytes => section(sectionId.element, vector(...items));
export const data = (...items: readonly Bytes[]): Bytes => section(sectionId.data, vector(...items));
export const globals = (...items: readonly Bytes[]): Bytes => section(sectionId.global, vector(...items));
export const tags = (...types_: readonly number[]): Bytes =>
  section(sectionId.tag, vector(...types_.map((type) => [0, ...u32(type)])));
export const passive = (bytes: Bytes): Bytes => [1, ...sized(bytes)];
export const twice: readonly [number, Bytes] = [1, [0x20, 0, 0x41, 2, 0x6c]];
export const declared = elements([3, 0, ...vector([2])]);
