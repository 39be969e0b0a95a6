import type { MemoryType, TableType, ValueType } from "../types.ts";
import { printCoreExtern } from "./print.ts";
import type { CoreExtern, CoreModuleType } from "./types.ts";

/**
 * Why one core import or export cannot stand for another, or `undefined` where it can (WebAssembly 3.0, 3.3 Matching).
 */
export function matchCoreExtern(actual: CoreExtern, wanted: CoreExtern): string | undefined {
  return isCoreSubtype(actual, wanted) ? undefined : `is ${printCoreExtern(actual)}, wanted ${printCoreExtern(wanted)}`;
}

/** Why one core module cannot stand for another: it may import less and export more (Explainer: Type Checking). */
export function matchCoreModule(actual: CoreModuleType, wanted: CoreModuleType): string | undefined {
  if (actual === wanted) return undefined;
  const given = new Map(wanted.imports.map((one) => [importKey(one.module, one.name), one.type]));
  for (const { module, name, type } of actual.imports) {
    const offer = given.get(importKey(module, name));
    if (offer === undefined) return `imports "${module}" "${name}", which is not given to it`;
    const problem = matchCoreExtern(offer, type);
    if (problem !== undefined) return `what is given for its import "${module}" "${name}" ${problem}`;
  }
  for (const [name, type] of wanted.exports) {
    const has = actual.exports.get(name);
    if (has === undefined) return `lacks the export "${name}", wanted ${printCoreExtern(type)}`;
    const problem = matchCoreExtern(has, type);
    if (problem !== undefined) return `its export "${name}" ${problem}`;
  }
  return undefined;
}

/** Both names of a core import as one key. */
export function importKey(module: string, name: string): string {
  return `${module.length}:${module}${name}`;
}

function isCoreSubtype(actual: CoreExtern, wanted: CoreExtern): boolean {
  switch (wanted.kind) {
    case "function":
    case "tag":
      return (
        actual.kind === wanted.kind &&
        isSameList(actual.type.params, wanted.type.params) &&
        isSameList(actual.type.results, wanted.type.results)
      );
    case "table":
      return (
        actual.kind === "table" &&
        actual.type.element === wanted.type.element &&
        isWithinLimits(actual.type, wanted.type)
      );
    case "memory":
      return actual.kind === "memory" && isMemorySubtype(actual.type, wanted.type);
    case "global": {
      if (actual.kind !== "global" || actual.type.mutable !== wanted.type.mutable) return false;
      if (actual.type.value === wanted.type.value) return true;
      return !wanted.type.mutable && isReferenceSubtype(actual.type.value, wanted.type.value);
    }
  }
}

function isMemorySubtype(actual: MemoryType, wanted: MemoryType): boolean {
  return actual.shared === wanted.shared && actual.pageSize === wanted.pageSize && isWithinLimits(actual, wanted);
}

function isWithinLimits(actual: MemoryType | TableType, wanted: MemoryType | TableType): boolean {
  if (actual.is64 !== wanted.is64 || actual.min < wanted.min) return false;
  return wanted.max === undefined || (actual.max !== undefined && actual.max <= wanted.max);
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((one, index) => one === right[index]);
}

/** Abstract heap types that each one is below, directly (WebAssembly 3.0, 3.3.3 Heap types). */
const heapParents: Readonly<Record<string, string>> = {
  i31: "eq",
  struct: "eq",
  array: "eq",
  eq: "any",
  none: "i31",
  nofunc: "func",
  noextern: "extern",
  noexn: "exn",
  nocont: "cont",
};

const shorthands: Readonly<Record<string, string>> = {
  nullcontref: "nocont",
  nullexnref: "noexn",
  nullfuncref: "nofunc",
  nullexternref: "noextern",
  nullref: "none",
};

function isReferenceSubtype(actual: ValueType, wanted: ValueType): boolean {
  const [left, right] = [splitReference(actual), splitReference(wanted)];
  if (left === undefined || right === undefined || (left.isNullable && !right.isNullable)) return false;
  for (let heap: string | undefined = left.heap; heap !== undefined; heap = heapParents[heap]) {
    if (heap === right.heap) return true;
  }
  if (left.heap === "none") return ["struct", "array"].includes(right.heap);
  return left.heap.startsWith("(func") && right.heap === "func";
}

function splitReference(type: ValueType): { readonly isNullable: boolean; readonly heap: string } | undefined {
  const written = /^\(ref (null )?(.*)\)$/s.exec(type);
  if (written !== null) return { isNullable: written[1] !== undefined, heap: written[2] ?? "" };
  if (!type.endsWith("ref")) return undefined;
  return { isNullable: true, heap: shorthands[type] ?? type.slice(0, -3) };
}
