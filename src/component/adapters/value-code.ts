import type { ComponentValueType, ResourceType } from "../../wasm/component/index.ts";
import type { FlatType, Layout } from "../canonical/layout.ts";
import type { Access, CodeWriter, Item, Local } from "./code-writer.ts";
import { trapIf, type Way } from "./way.ts";

/** How a scalar is read and written, and what is done to it between. */
export interface Scalar {
  readonly load: Access;
  readonly store: Access;
  /** Of the value as memory has it. */
  readonly fromMemory?: readonly Item[];
  /** Of the core value. */
  readonly fromFlat?: readonly Item[];
}

/** Scalars by their kind. */
export const scalars: Readonly<Record<string, Scalar>> = {
  bool: {
    load: "i32.load8_u",
    store: "i32.store8",
    fromMemory: [0, "i32.ne"],
    fromFlat: [0, "i32.ne"],
  },
  u8: { load: "i32.load8_u", store: "i32.store8", fromFlat: [0xff, "i32.and"] },
  s8: { load: "i32.load8_u", store: "i32.store8", fromFlat: ["i32.extend8_s"] },
  u16: { load: "i32.load16_u", store: "i32.store16", fromFlat: [0xffff, "i32.and"] },
  s16: { load: "i32.load16_u", store: "i32.store16", fromFlat: ["i32.extend16_s"] },
  u32: { load: "i32.load", store: "i32.store" },
  s32: { load: "i32.load", store: "i32.store" },
  u64: { load: "i64.load", store: "i64.store" },
  s64: { load: "i64.load", store: "i64.store" },
  f32: { load: "f32.load", store: "f32.store" },
  f64: { load: "f64.load", store: "f64.store" },
};

/** Types of one core value that is more than a number. */
export type Word =
  | { readonly kind: "char" }
  | { readonly kind: "flags"; readonly names: readonly string[] }
  | { readonly kind: "own" | "borrow"; readonly resource: ResourceType };

/** Loads by size in bytes. */
export const loads = { 1: "i32.load8_u", 2: "i32.load16_u", 4: "i32.load" } as const;
/** Stores by size in bytes. */
export const stores = { 1: "i32.store8", 2: "i32.store16", 4: "i32.store" } as const;

/** Whether a value is one core value whose bits mean something. */
export function isWord(type: ComponentValueType): type is ComponentValueType & Word {
  return type.kind === "char" || type.kind === "flags" || type.kind === "own" || type.kind === "borrow";
}

/** Whether a value is a pointer to memory and a length. */
export function isInMemory(type: ComponentValueType): boolean {
  return type.kind === "string" || type.kind === "map" || (type.kind === "list" && type.length === undefined);
}

/** What a list or map is a list of. */
export function elementOf(layout: Layout, type: ComponentValueType): ComponentValueType {
  if (type.kind === "list") return type.element;
  if (type.kind === "map") return layout.entryOf(type);
  throw new TypeError(`A ${type.kind} has no elements`);
}

/** A core value after some work, in a local of its own where there is any. */
export function kept(code: CodeWriter, value: Local, work: readonly Item[] | undefined): Local {
  if (work === undefined) return value;
  const result = code.local(value.type);
  code.do(value, ...work).set(result);
  return result;
}

/** The bits that so many flags have. */
export function maskOf(count: number): number {
  return count >= 32 ? -1 : 2 ** count - 1;
}

/** Traps where a core value is no character (Canonical ABI, Loading: convert_i32_to_char). */
export function checkChar(code: CodeWriter, way: Way, value: Local): void {
  code.do(value, 0x11_0000, "i32.ge_u", value, 0xffff_f800, "i32.and", 0xd800, "i32.eq", "i32.or");
  trapIf(code, way, "invalid-char");
}

/** Traps where there is no such case. */
export function checkCase(code: CodeWriter, way: Way, index: Local, cases: number): void {
  code.do(index, cases, "i32.ge_u");
  trapIf(code, way, "invalid-discriminant");
}

/** Writes what is done for the payload of the case that the index names; cases of the same type share it. */
export function eachCase(
  code: CodeWriter,
  index: Local,
  cases: readonly (ComponentValueType | undefined)[],
  write: (payload: ComponentValueType) => void,
): void {
  const payloads = [...new Set(cases)].filter((each) => each !== undefined);
  if (payloads.length === 0) return;
  const positions = new Map(payloads.map((each, at) => [each, at]));
  code.block((over) => {
    code.blocks(
      payloads.length,
      (labels) => {
        const targets = cases.map((each) => (each === undefined ? over : labels[positions.get(each) ?? -1]) ?? over);
        code.do(index).brTable(targets, over);
      },
      (at) => {
        const payload = payloads[at];
        if (payload !== undefined) write(payload);
        code.br(over);
      },
    );
  });
}

/** A core value of a variant as its case wants it (Flat Lifting: CoerceValueIter). */
export function narrowed(code: CodeWriter, value: Local, want: FlatType): Local {
  if (value.type === want) return value;
  const work: Item[] = value.type === "i64" && want !== "f64" ? ["i32.wrap_i64"] : [];
  if (want === "f32") work.push("f32.reinterpret_i32");
  if (want === "f64") work.push("f64.reinterpret_i64");
  const result = code.local(want);
  code.do(value, ...work).set(result);
  return result;
}

/** What makes a case's core value one of the variant's (Flat Lowering: lower_flat_variant). */
export function widening(have: FlatType, want: FlatType): Item[] {
  if (have === want) return [];
  if (have === "f64") return ["i64.reinterpret_f64"];
  const bits: Item[] = have === "f32" ? ["i32.reinterpret_f32"] : [];
  return want === "i64" ? [...bits, "i64.extend_i32_u"] : bits;
}
