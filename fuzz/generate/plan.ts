import type { Code } from "./code.ts";
import {
  heapOf,
  isNullable,
  isReference,
  type TypeEntry,
  typeIndexOf,
  type FunctionType,
  type Value,
} from "./types.ts";

/** Groups of features, each switched on or off for a whole module: what is rare among all is frequent in some. */
export type Feature =
  | "simd"
  | "tail-calls"
  | "references"
  | "gc"
  | "legacy-exceptions"
  | "exceptions"
  | "multi-memory"
  | "memory64"
  | "shared"
  | "atomics"
  | "bulk"
  | "tables"
  | "wild"
  | "hints"
  | "padding"
  | "start"
  | "floats";

export interface PlannedFunction {
  readonly type: number;
  readonly imported: boolean;
  locals: Value[];
  body: Code[];
}

export interface PlannedMemory {
  readonly imported: boolean;
  readonly min: number;
  readonly max: number | undefined;
  readonly shared: boolean;
  readonly is64: boolean;
}

export interface PlannedTable {
  readonly imported: boolean;
  readonly element: Value;
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
  readonly init?: Code;
}

export interface PlannedGlobal {
  readonly imported: boolean;
  readonly type: Value;
  readonly mutable: boolean;
  readonly init: Code;
}

export interface PlannedTag {
  readonly imported: boolean;
  readonly type: number;
}

/** Where an active segment goes. */
export interface Placement {
  readonly index: number;
  /** The offset's value, where the code that computes it is plain. */
  readonly base?: number;
  readonly offset: Code;
}

export interface PlannedElements {
  readonly type: Value;
  /** Function indices, or expressions of the type. */
  readonly items: readonly (number | Code)[];
  readonly place: Placement | "passive" | "declarative";
}

export interface PlannedData {
  readonly bytes: readonly number[];
  readonly place: Placement | "passive";
}

/** A custom section and the id of the section before which it stands; 0 is the end. */
export interface PlannedCustom {
  readonly name: string;
  readonly bytes: readonly number[];
  readonly before: number;
}

/** A module as data: what is generated, cut down and written. */
export interface Plan {
  readonly features: ReadonlySet<Feature>;
  /** The one of them that code is fullest of. */
  readonly favourite: Feature | undefined;
  readonly types: TypeEntry[];
  /** Sizes of recursion groups in order; types behind them stand alone. */
  readonly groups: number[];
  readonly functions: PlannedFunction[];
  readonly memories: PlannedMemory[];
  readonly tables: PlannedTable[];
  readonly globals: PlannedGlobal[];
  readonly tags: PlannedTag[];
  readonly elements: PlannedElements[];
  readonly datas: PlannedData[];
  readonly customs: PlannedCustom[];
  /** Further names under which things are exported: kind (0 function … 4 tag), index, name. */
  readonly aliases: (readonly [kind: number, index: number, name: string])[];
  start: number | undefined;
  /** Index of the global that bounds what a call may do. */
  fuel: number;
  /** Index of the global that counts loop heads and entries of functions that make calls. */
  ticks: number;
  /** The module that imports come from. */
  readonly importModule: string;
  readonly hasNames: boolean;
  readonly hasDataCount: boolean;
}

/** The function type at an index. */
export function functionType(plan: Pick<Plan, "types">, index: number): FunctionType {
  const type = plan.types[index]?.type;
  if (type?.kind !== "function") throw new Error(`type ${index} is no function type`);
  return type;
}

/** The type of the function at an index. */
export function typeOfFunction(plan: Plan, index: number): FunctionType {
  return functionType(plan, plan.functions[index]?.type ?? -1);
}

/** The index of a function type, added at the end where there is none yet. */
export function functionTypeIndex(plan: Plan, params: readonly Value[], results: readonly Value[]): number {
  const wanted = `${params.join()}>${results.join()}`;
  const found = plan.types.findIndex(
    ({ type, parent, open }) =>
      type.kind === "function" &&
      parent === undefined &&
      open !== true &&
      `${type.params.join()}>${type.results.join()}` === wanted,
  );
  if (found >= 0) return found;
  plan.types.push({ type: { kind: "function", params, results } });
  return plan.types.length - 1;
}

const parents: Readonly<Record<string, string>> = {
  i31: "eq",
  struct: "eq",
  array: "eq",
  eq: "any",
  none: "i31",
  nofunc: "func",
  noextern: "extern",
};

function isHeapBelow(plan: Pick<Plan, "types">, below: string, above: string): boolean {
  if (below === above) return true;
  const entry = plan.types[Number(below)];
  if (entry === undefined) {
    const parent = parents[below];
    return parent !== undefined && isHeapBelow(plan, parent, above);
  }
  if (entry.parent !== undefined && isHeapBelow(plan, String(entry.parent), above)) return true;
  const abstract = { function: "func", struct: "struct", array: "array" }[entry.type.kind];
  return isHeapBelow(plan, abstract, above);
}

/** Whether a value of the one type can stand where the other is wanted. */
export function isBelow(plan: Pick<Plan, "types">, below: Value, above: Value): boolean {
  if (below === above) return true;
  if (!isReference(below) || !isReference(above)) return false;
  if (isNullable(below) && !isNullable(above)) return false;
  return isHeapBelow(plan, heapOf(below), heapOf(above));
}

/** Whether JavaScript can give and take values of the type. */
export function isForScript(plan: Pick<Plan, "types">, value: Value): boolean {
  if (value === "v128" || (isReference(value) && heapOf(value) === "exn")) return false;
  return isNullable(value) || typeIndexOf(value) === undefined;
}
