import type { FunctionType, ValueType } from "../types.ts";
import { casesOf } from "./facts.ts";
import type { ComponentFunctionType, ComponentValueType } from "./types.ts";

/** Values that are passed flat at most (component model, Canonical ABI: Flattening). */
export const maxFlatParams = 16;
const maxFlatAsyncParams = 4;
const maxFlatResults = 1;

/** The core types that a value may be passed as. */
type FlatType = "i32" | "i64" | "f32" | "f64";

/** The width of an address of the memory that values are passed through. */
export type PointerType = "i32" | "i64";

/** How a function crosses: which side is flattened, and the options that the core type depends on. */
export interface FlattenOptions {
  readonly direction: "lift" | "lower";
  readonly isAsync: boolean;
  readonly hasCallback: boolean;
  readonly pointer: PointerType;
}

/** The core function type of a canonical definition (Canonical ABI: `flatten_functype`). */
export function flattenFunction(type: ComponentFunctionType, options: FlattenOptions): FunctionType {
  const { direction, isAsync, pointer } = options;
  const most = isAsync && direction === "lower" ? maxFlatAsyncParams : maxFlatParams;
  const paramTypes = type.params.map((param) => param.type);
  const params: ValueType[] = flattenWithin(paramTypes, most, pointer) ?? [pointer];
  const mostResults = isAsync && direction === "lower" ? 0 : maxFlatResults;
  const flatResults = type.result === undefined ? [] : flattenWithin([type.result], mostResults, pointer);
  if (isAsync && direction === "lift") return coreFunction(params, options.hasCallback ? ["i32"] : []);
  if (direction === "lower") {
    if (flatResults === undefined) params.push(pointer);
    return coreFunction(params, isAsync ? ["i32"] : (flatResults ?? []));
  }
  return coreFunction(params, flatResults ?? [pointer]);
}

/** A core function type of parameters and results. */
export function coreFunction(params: readonly ValueType[], results: readonly ValueType[]): FunctionType {
  return { kind: "function", params, results };
}

/** The core types of the values, or `undefined` where they are more than `most` (Canonical ABI: `flatten_types`). */
export function flattenWithin(
  types: readonly ComponentValueType[],
  most: number,
  pointer: PointerType,
): FlatType[] | undefined {
  const flat: FlatType[] = [];
  for (const type of types) {
    flatten(type, { flat, most, pointer });
    if (flat.length > most) return undefined;
  }
  return flat;
}

interface Flattening {
  readonly flat: FlatType[];
  /** Once there are more the rest does not matter. */
  readonly most: number;
  readonly pointer: PointerType;
}

function flatten(type: ComponentValueType, into: Flattening): void {
  switch (type.kind) {
    case "s64":
    case "u64":
      into.flat.push("i64");
      return;
    case "f32":
    case "f64":
      into.flat.push(type.kind);
      return;
    case "string":
    case "map":
      into.flat.push(into.pointer, into.pointer);
      return;
    case "list":
      if (type.length === undefined) into.flat.push(into.pointer, into.pointer);
      else
        for (let left = type.length; left > 0 && into.flat.length <= into.most; left -= 1) flatten(type.element, into);
      return;
    case "record":
    case "tuple": {
      const types = type.kind === "tuple" ? type.types : type.fields.map((field) => field.type);
      for (const inner of types) if (into.flat.length <= into.most) flatten(inner, into);
      return;
    }
    case "variant":
    case "enum":
    case "option":
    case "result":
      flattenCases(casesOf(type), into);
      return;
    case "bool":
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "char":
    case "error-context":
    case "flags":
    case "own":
    case "borrow":
    case "stream":
    case "future":
      into.flat.push("i32");
  }
}

function flattenCases(cases: readonly (ComponentValueType | undefined)[], into: Flattening): void {
  const start = into.flat.push("i32");
  for (const type of cases) {
    if (type === undefined) continue;
    const flat: FlatType[] = [];
    flatten(type, { ...into, flat });
    for (const [index, one] of flat.entries()) {
      const other = into.flat[start + index];
      if (other === undefined) into.flat.push(one);
      else into.flat[start + index] = join(other, one);
    }
    if (into.flat.length > into.most) return;
  }
}

/** The core type that holds a value of either (Canonical ABI: `join`). */
function join(left: FlatType, right: FlatType): FlatType {
  if (left === right) return left;
  const isNarrow = (type: FlatType): boolean => type === "i32" || type === "f32";
  return isNarrow(left) && isNarrow(right) ? "i32" : "i64";
}
