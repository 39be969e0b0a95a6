import type { FunctionType } from "../types.ts";
import type { CanonicalOptions } from "./definitions.ts";
import { coreFunction, type PointerType } from "./flatten.ts";
import { type Place, readVector, unknown } from "./place.ts";
import { printCoreFunction } from "./print.ts";
import type { ComponentValueType } from "./types.ts";

/** The options that a canonical definition may have. */
export type OptionName = "memory" | "realloc" | "postReturn" | "callback" | "async";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;

const optionNames: ReadonlyMap<number, OptionName> = new Map([
  [0x03, "memory"],
  [0x04, "realloc"],
  [0x05, "postReturn"],
  [0x06, "async"],
  [0x07, "callback"],
]);

const callbackType = coreFunction(["i32", "i32", "i32"], ["i32"]);

/**
 * Reads `opts` and checks what does not depend on the definition that they belong to (component model, Canonical ABI:
 * `canonopt` Validation).
 *
 * @throws COMPONENT_INVALID for an option that is not among `allowed`
 */
export function readOptions(place: Place, allowed: readonly OptionName[]): CanonicalOptions {
  const { reader, scope, validation } = place;
  const found = new Map<OptionName, number>();
  let encoding: (typeof encodings)[number] | undefined;
  readVector(reader, () => {
    const start = reader.offset;
    const code = reader.u8();
    const written = encodings[code];
    if (written !== undefined) {
      if (encoding !== undefined)
        throw validation.invalid(`the string encoding is given twice: ${encoding}, ${written}`);
      encoding = written;
      return;
    }
    const option = optionNames.get(code);
    if (option === undefined) throw unknown(start, "canonical option", code);
    if (found.has(option)) throw validation.invalid(`the option ${option} is given twice`);
    found.set(option, option === "async" ? 0 : reader.u32());
    if (!allowed.includes(option)) throw validation.invalid(`the option ${option} has no place here`);
  });
  const memory = found.get("memory");
  const memoryIs64 = memory !== undefined && validation.item(scope.coreMemories, memory, "core memory").is64;
  const options = {
    stringEncoding: encoding ?? "utf8",
    memory,
    realloc: found.get("realloc"),
    postReturn: found.get("postReturn"),
    callback: found.get("callback"),
    isAsync: found.has("async"),
    memoryIs64,
  };
  checkOptions(place, options);
  return options;
}

/** The width of the addresses that the options' memory has. */
export function pointerOf(options: { readonly memoryIs64: boolean }): PointerType {
  return options.memoryIs64 ? "i64" : "i32";
}

/** Refuses a core function that is not of the type that an option or definition takes. */
export function checkCoreFunction(place: Place, index: number, wanted: FunctionType, what: string): void {
  const type = place.validation.item(place.scope.coreFunctions, index, "core function");
  const [is, want] = [printCoreFunction(type), printCoreFunction(wanted)];
  if (is !== want) throw place.validation.invalid(`${what} is ${is}, wanted ${want}`);
}

function checkOptions(place: Place, options: CanonicalOptions): void {
  const { scope, validation } = place;
  const { memory, realloc, callback, postReturn, isAsync } = options;
  if (memory !== undefined) checkMemory(place, memory);
  if (realloc !== undefined) {
    if (memory === undefined) throw validation.invalid("the option realloc needs the option memory");
    const pointer = pointerOf(options);
    checkCoreFunction(place, realloc, coreFunction([pointer, pointer, pointer, pointer], [pointer]), "realloc");
  }
  if (postReturn !== undefined) {
    validation.item(scope.coreFunctions, postReturn, "core function");
    if (isAsync) throw validation.invalid("the options async and post-return exclude each other");
  }
  if (callback === undefined) return;
  if (!isAsync) throw validation.invalid("the option callback needs the option async");
  checkCoreFunction(place, callback, callbackType, "callback");
}

/** Checks a memory that values are passed through. */
export function checkMemory(place: Place, index: number): PointerType {
  const type = place.validation.item(place.scope.coreMemories, index, "core memory");
  if (type.shared) throw place.validation.invalid(`core memory ${index} is shared, wanted one that is not`);
  if (type.is64) place.validation.need("memory64", "a memory with 64-bit addresses");
  return type.is64 ? "i64" : "i32";
}

/** Refuses options that lack the memory, or the realloc, that passing the values takes. */
export function requireFor(
  place: Place,
  options: CanonicalOptions,
  passed: { readonly type: ComponentValueType | undefined; readonly into: "guest" | "host" },
): void {
  if (passed.type === undefined || !place.validation.facts.of(passed.type).hasPointer) return;
  requireOption(place, options, "memory");
  if (passed.into === "guest") requireOption(place, options, "realloc");
}

/** Refuses options that lack one. */
export function requireOption(place: Place, options: CanonicalOptions, option: "memory" | "realloc"): void {
  if (options[option] === undefined) throw place.validation.invalid(`the option ${option} is needed`);
}
