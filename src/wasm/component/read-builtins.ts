import type { FunctionType, TableType } from "../types.ts";
import type { BuiltinName, CanonicalOptions, Definition, PlainBuiltinName } from "./definitions.ts";
import { coreFunction, flattenFunction } from "./flatten.ts";
import { type Place, readFlag, unknown } from "./place.ts";
import { printCoreFunction, printType } from "./print.ts";
import { checkMemory, pointerOf, readOptions, requireFor, requireOption } from "./read-options.ts";
import { readResultList } from "./read-values.ts";
import type { ComponentValueType } from "./types.ts";

type BuiltinDefinition = Definition & { readonly kind: "builtin" };

/** The built-ins that may switch to another thread. */
type SwitchName = Extract<BuiltinName, `thread.${"suspend" | "yield"}${string}`>;

const i32 = "i32";

/** Built-ins without immediates, by their byte, with their core type. */
const plain: ReadonlyMap<number, readonly [{ readonly name: PlainBuiltinName }, FunctionType]> = new Map([
  [0x24, [{ name: "backpressure.inc" }, coreFunction([], [])]],
  [0x25, [{ name: "backpressure.dec" }, coreFunction([], [])]],
  [0x05, [{ name: "task.cancel" }, coreFunction([], [])]],
  [0x0d, [{ name: "subtask.drop" }, coreFunction([i32], [])]],
  [0x1e, [{ name: "error-context.drop" }, coreFunction([i32], [])]],
  [0x1f, [{ name: "waitable-set.new" }, coreFunction([], [i32])]],
  [0x22, [{ name: "waitable-set.drop" }, coreFunction([i32], [])]],
  [0x23, [{ name: "waitable.join" }, coreFunction([i32, i32], [])]],
  [0x26, [{ name: "thread.index" }, coreFunction([], [i32])]],
  [0x28, [{ name: "thread.resume-later" }, coreFunction([i32], [])]],
] as const);

/** Built-ins whose only immediate says whether they can be cancelled; the number is that of their parameters. */
const switches: ReadonlyMap<number, readonly [SwitchName, number]> = new Map([
  [0x29, ["thread.suspend", 0]],
  [0x0c, ["thread.yield", 0]],
  [0x2a, ["thread.suspend-then-resume", 1]],
  [0x2b, ["thread.yield-then-resume", 1]],
  [0x2c, ["thread.suspend-then-promote", 1]],
  [0x2d, ["thread.yield-then-promote", 1]],
] as const);

/**
 * Reads the built-ins for concurrency, error contexts and threads behind their first byte; `undefined` where the byte
 * stands for none (component model, Binary: Canonical Definitions).
 */
export function readBuiltin(place: Place, code: number): BuiltinDefinition | undefined {
  const { reader, validation } = place;
  const known = plain.get(code);
  if (known !== undefined) {
    const [builtin, coreType] = known;
    if (builtin.name === "error-context.drop") validation.need("error-context", builtin.name);
    if (builtin.name.startsWith("thread.")) validation.need("threads", builtin.name);
    return { kind: "builtin", ...builtin, coreType };
  }
  const switching = switches.get(code);
  if (switching !== undefined) {
    const [name, params] = switching;
    if (name !== "thread.yield") validation.need("threads", name);
    const isCancellable = readFlag(reader, "cancellable");
    return { kind: "builtin", name, isCancellable, coreType: coreFunction(params === 1 ? [i32] : [], [i32]) };
  }
  if (code >= 0x0e && code <= 0x1b) return readTransferBuiltin(place, code);
  if (code >= 0x40 && code <= 0x42) return readSharedThreads(place, code);
  return readOther(place, code);
}

function readOther(place: Place, code: number): BuiltinDefinition | undefined {
  switch (code) {
    case 0x06: {
      const isAsync = readAsync(place, "subtask.cancel");
      return { kind: "builtin", name: "subtask.cancel", isAsync, coreType: coreFunction([i32], [i32]) };
    }
    case 0x09:
      return readTaskReturn(place);
    case 0x0a:
    case 0x0b:
      return readContext(place, code === 0x0a ? "context.get" : "context.set");
    case 0x1c:
    case 0x1d:
      return readErrorContext(place, code === 0x1c ? "error-context.new" : "error-context.debug-message");
    case 0x20:
    case 0x21: {
      const name = code === 0x20 ? "waitable-set.wait" : "waitable-set.poll";
      const isCancellable = readFlag(place.reader, "cancellable");
      const memory = place.reader.u32();
      const coreType = coreFunction([i32, checkMemory(place, memory)], [i32]);
      return { kind: "builtin", name, isCancellable, memory, coreType };
    }
    case 0x27: {
      place.validation.need("threads", "thread.new-indirect");
      const { startType, param } = readStartType(place);
      const { table, type } = readTable(place, "funcref");
      const coreType = coreFunction([type.is64 ? "i64" : i32, param], [i32]);
      return { kind: "builtin", name: "thread.new-indirect", startType, table, coreType };
    }
    default:
      return undefined;
  }
}

/** Reads the flag of a built-in that only waits where an addition lets it be asynchronous. */
function readAsync(place: Place, name: string): boolean {
  const isAsync = readFlag(place.reader, "async");
  if (isAsync) place.validation.need("async-builtins", `an asynchronous ${name}`);
  return isAsync;
}

function readTaskReturn(place: Place): BuiltinDefinition {
  const result = readResultList(place);
  const options = readOptions(place, ["memory"]);
  requireFor(place, options, { type: result, into: "host" });
  const type = {
    kind: "function",
    params: result === undefined ? [] : [{ name: "result", type: result }],
    result: undefined,
    isAsync: false,
  } as const;
  const pointer = pointerOf(options);
  const coreType = flattenFunction(type, { direction: "lower", isAsync: false, hasCallback: false, pointer });
  return { kind: "builtin", name: "task.return", result, options, coreType };
}

function readContext(place: Place, name: "context.get" | "context.set"): BuiltinDefinition {
  const { reader, scope, validation } = place;
  const start = reader.offset;
  const byte = reader.u8();
  if (byte !== 0x7f && byte !== 0x7e) throw unknown(start, "type of a context slot", byte);
  const type = byte === 0x7f ? i32 : "i64";
  if (type === "i64") validation.need("memory64", `${name} of i64`);
  const slot = reader.u32();
  if (slot > 1) throw validation.invalid(`${name} of slot ${slot}, there are 2`);
  scope.contextType ??= type;
  if (scope.contextType !== type) throw validation.invalid(`${name} of ${type}, wanted ${scope.contextType} as before`);
  const coreType = name === "context.get" ? coreFunction([], [type]) : coreFunction([type], []);
  return { kind: "builtin", name, type, slot, coreType };
}

function readErrorContext(place: Place, name: "error-context.new" | "error-context.debug-message"): BuiltinDefinition {
  place.validation.need("error-context", name);
  const options = readOptions(place, ["memory", "realloc"]);
  requireOption(place, options, "memory");
  const pointer = pointerOf(options);
  if (name === "error-context.new") {
    return { kind: "builtin", name, options, coreType: coreFunction([pointer, pointer], [i32]) };
  }
  requireOption(place, options, "realloc");
  return { kind: "builtin", name, options, coreType: coreFunction([i32, pointer], []) };
}

/** What a built-in does to a stream or future, in the order of their bytes. */
const transfers = ["new", "read", "write", "cancel-read", "cancel-write", "drop-readable", "drop-writable"] as const;

function readTransferBuiltin(place: Place, code: number): BuiltinDefinition {
  const sort = code < 0x15 ? "stream" : "future";
  const does = transfers[(code - 0x0e) % transfers.length] ?? "new";
  const name = `${sort}.${does}` as const;
  return place.validation.at(name, () => {
    const type = readTransferType(place, sort);
    switch (does) {
      case "new":
        return { kind: "builtin", name: `${sort}.${does}`, type, coreType: coreFunction([], ["i64"]) };
      case "drop-readable":
      case "drop-writable":
        return { kind: "builtin", name: `${sort}.${does}`, type, coreType: coreFunction([i32], []) };
      case "cancel-read":
      case "cancel-write": {
        const isAsync = readAsync(place, name);
        return { kind: "builtin", name: `${sort}.${does}`, type, isAsync, coreType: coreFunction([i32], [i32]) };
      }
      case "read":
      case "write": {
        const options = readOptions(place, ["memory", "realloc", "async"]);
        checkTransfer(place, options, { does, element: type.element });
        const pointer = pointerOf(options);
        const coreType =
          sort === "stream" ? coreFunction([i32, pointer, pointer], [pointer]) : coreFunction([i32, pointer], [i32]);
        return { kind: "builtin", name: `${sort}.${does}`, type, options, coreType };
      }
    }
  });
}

function checkTransfer(
  place: Place,
  options: CanonicalOptions,
  { does, element }: { readonly does: "read" | "write"; readonly element: ComponentValueType | undefined },
): void {
  if (!options.isAsync) place.validation.need("async-builtins", `a ${does} that waits`);
  if (element === undefined) return;
  requireOption(place, options, "memory");
  requireFor(place, options, { type: element, into: does === "read" ? "guest" : "host" });
}

function readTransferType(
  place: Place,
  sort: "stream" | "future",
): ComponentValueType & { readonly kind: "stream" | "future" } {
  const index = place.reader.u32();
  const { type } = place.validation.item(place.scope.types, index, "type");
  if ((type.kind === "stream" || type.kind === "future") && type.kind === sort) return type;
  throw place.validation.invalid(`type ${index} is ${printType(type)}, wanted a ${sort}`);
}

/** Reads the index of the type of a function that a thread starts with: it takes one integer. */
function readStartType(place: Place): { readonly startType: FunctionType; readonly param: "i32" | "i64" } {
  const index = place.reader.u32();
  const type = place.validation.item(place.scope.coreTypes, index, "core type");
  const wanted = "wanted (func (param i32))";
  if (type.kind !== "function") throw place.validation.invalid(`core type ${index} is not a function type, ${wanted}`);
  const [param] = type.params;
  if (type.results.length > 0 || type.params.length !== 1 || (param !== "i32" && param !== "i64")) {
    throw place.validation.invalid(`core type ${index} is ${printCoreFunction(type)}, ${wanted}`);
  }
  if (param === "i64") place.validation.need("memory64", "a thread that starts with an i64");
  return { startType: type, param };
}

function readTable(place: Place, element: string): { readonly table: number; readonly type: TableType } {
  const table = place.reader.u32();
  const type = place.validation.item(place.scope.coreTables, table, "core table");
  if (type.element !== element && type.element !== "(ref null func)") {
    throw place.validation.invalid(`core table ${table} is of ${type.element}, wanted ${element}`);
  }
  if (type.is64) place.validation.need("memory64", "a table with 64-bit addresses");
  return { table, type };
}

function readSharedThreads(place: Place, code: number): BuiltinDefinition {
  place.validation.need("shared-everything-threads", "a thread that shares everything");
  const isShared = readFlag(place.reader, "shared");
  if (code === 0x42) {
    return { kind: "builtin", name: "thread.available-parallelism", isShared, coreType: coreFunction([], [i32]) };
  }
  const { startType, param } = readStartType(place);
  if (code === 0x40) {
    const reference = `(ref null (func ${param} -> ))` as const;
    const coreType = coreFunction([reference, param], [i32]);
    return { kind: "builtin", name: "thread.spawn-ref", isShared, startType, coreType };
  }
  const { table, type } = readTable(place, isShared ? "(ref null (shared func))" : "funcref");
  const coreType = coreFunction([type.is64 ? "i64" : i32, param], [i32]);
  return { kind: "builtin", name: "thread.spawn-indirect", isShared, startType, table, coreType };
}
