import { SampanError } from "../../base/index.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { maxByteLength, sizeOf } from "./layout.ts";
import { ownOf } from "./lists.ts";
import { camelCase, isCommonName } from "./names.ts";
import { tagsOf } from "./lower-code.ts";

/** Where in a value something does not fit, what is wanted there and what is there. */
export interface Mismatch {
  readonly path: string;
  readonly wanted: string;
  readonly got: string;
}

/** The error of arguments that do not fit (COMPONENT_VALUE). */
export function explainArguments(type: ComponentFunctionType, name: string, values: readonly unknown[]): SampanError {
  for (const [at, param] of type.params.entries()) {
    const found = explainMismatch(param.type, values[at]);
    if (found !== undefined) return errorOf(name, `argument "${param.name}"${found.path}`, found);
  }
  return changed(name);
}

/** The error of what a host function answered that does not fit (COMPONENT_VALUE). */
export function explainResult(type: ComponentFunctionType, name: string, value: unknown): SampanError {
  const { result } = type;
  const found = result === undefined ? undefined : explainMismatch(result, value);
  if (found === undefined) return changed(name);
  // The wrapping of a function's own result is not what the host function answered.
  const path = result?.kind === "result" ? found.path.replace(/^\.val/, "") : found.path;
  return errorOf(name, `the host function's answer${path}`, found);
}

function errorOf(name: string, place: string, { wanted, got }: Mismatch): SampanError {
  return new SampanError("COMPONENT_VALUE", `${name}(): ${place}: wanted ${wanted}, got ${got}`);
}

function changed(name: string): SampanError {
  return new SampanError("COMPONENT_VALUE", `${name}(): a value changed while it was passed`, {
    hint: "Pass a plain value, or a copy of one that getters or another thread may change",
  });
}

/** Looks for the first place where a value does not fit its type, in the order in which it is lowered. */
export function explainMismatch(type: ComponentValueType, value: unknown, path = ""): Mismatch | undefined {
  const unfit = (wanted: string): Mismatch => ({ path, wanted, got: shown(value) });
  const range = integers[type.kind];
  if (range !== undefined) {
    const isFit =
      typeof value === "bigint"
        ? range.isBig && value >= range.low && value <= range.high
        : !range.isBig &&
          Number.isInteger(value) &&
          BigInt(value as number) >= range.low &&
          BigInt(value as number) <= range.high;
    return isFit ? undefined : unfit(range.isBig ? `${type.kind}, a bigint` : type.kind);
  }
  if (type.kind === "bool") return typeof value === "boolean" ? undefined : unfit("bool");
  if (type.kind === "f32" || type.kind === "f64") return typeof value === "number" ? undefined : unfit(type.kind);
  if (type.kind === "char") return isChar(value) ? undefined : unfit("char, a string of one code point");
  if (type.kind !== "string") return explainParts(type, value, path);
  if (typeof value !== "string") return unfit("string");
  if (2 * value.length <= maxByteLength) return undefined;
  return { path, wanted: `string of at most ${maxByteLength} bytes`, got: `${value.length} code units` };
}

interface IntegerRange {
  readonly low: bigint;
  readonly high: bigint;
  readonly isBig: boolean;
}

const integers: Readonly<Record<string, IntegerRange>> = Object.fromEntries(
  [8, 16, 32, 64].flatMap((bits) => {
    const [half, isBig] = [2n ** BigInt(bits - 1), bits === 64];
    return [
      [`s${bits}`, { low: -half, high: half - 1n, isBig }],
      [`u${bits}`, { low: 0n, high: 2n * half - 1n, isBig }],
    ];
  }),
);

function isChar(value: unknown): boolean {
  if (typeof value !== "string" || !value.isWellFormed()) return false;
  return value.length === 1 || (value.length === 2 && (value.codePointAt(0) ?? 0) > 0xffff);
}

function explainParts(type: ComponentValueType, value: unknown, path: string): Mismatch | undefined {
  const unfit = (wanted: string): Mismatch => ({ path, wanted, got: shown(value) });
  if (type.kind === "enum") {
    return typeof value === "string" && type.names.includes(value) ? undefined : unfit(`one of ${quoted(type.names)}`);
  }
  if (type.kind === "flags") {
    if (!isObject(value)) return unfit("flags, an object of booleans");
    return first(type.names.map(camelCase), (name) => {
      const flag = fieldOf(value, name);
      if (flag === undefined || typeof flag === "boolean") return undefined;
      return { path: `${path}.${name}`, wanted: "bool", got: shown(flag) };
    });
  }
  if (type.kind === "record") {
    if (!isObject(value)) return unfit("record, an object");
    return first(type.fields, (field) =>
      explainMismatch(field.type, fieldOf(value, camelCase(field.name)), `${path}.${camelCase(field.name)}`),
    );
  }
  if (type.kind === "tuple") {
    const elements = elementsIn(value);
    if (elements?.length !== type.types.length) return unfit(`tuple, an array of ${type.types.length}`);
    return first(type.types, (each, at) => explainMismatch(each, elements[at], `${path}[${at}]`));
  }
  if (type.kind === "list") return explainList(type, value, path);
  if (type.kind === "map") {
    const entry: ComponentValueType = { kind: "tuple", types: [type.key, type.value] };
    const elements = elementsIn(value);
    if (elements === undefined) return unfit("map, a Map");
    return first(elements, (each, at) => explainMismatch(entry, each, `${path}[${at}]`));
  }
  if (type.kind === "option" && type.type.kind !== "option") {
    return value === undefined || value === null ? undefined : explainMismatch(type.type, value, path);
  }
  const hasTag = type.kind === "option" || type.kind === "variant" || type.kind === "result";
  return hasTag ? explainCase(type, value, path) : undefined;
}

function explainList(type: ComponentValueType & { kind: "list" }, value: unknown, path: string): Mismatch | undefined {
  const unfit = (wanted: string): Mismatch => ({ path, wanted, got: shown(value) });
  const elements = elementsIn(value);
  if (elements === undefined) return unfit("list, an array or something else that can be iterated");
  if (type.length !== undefined && elements.length !== type.length) return unfit(`list of ${type.length} elements`);
  if (elements.length * sizeOf(type.element) > maxByteLength) return unfit(`list of at most ${maxByteLength} bytes`);
  return first(elements, (each, at) => explainMismatch(type.element, each, `${path}[${at}]`));
}

function explainCase(type: ComponentValueType, value: unknown, path: string): Mismatch | undefined {
  const tags = tagsOf(type);
  if (!isObject(value)) return { path, wanted: `${type.kind}, an object with a tag`, got: shown(value) };
  const at = tags.indexOf(value["tag"] as string);
  if (at === -1) return { path: `${path}.tag`, wanted: `one of ${quoted(tags)}`, got: shown(value["tag"]) };
  const payload = payloadOf(type, at);
  return payload === undefined ? undefined : explainMismatch(payload, value["val"], `${path}.val`);
}

function payloadOf(type: ComponentValueType, at: number): ComponentValueType | undefined {
  if (type.kind === "variant") return type.cases[at]?.type;
  if (type.kind === "result") return at === 0 ? type.ok : type.error;
  return type.kind === "option" && at === 1 ? type.type : undefined;
}

function first<T>(items: ArrayLike<T>, look: (item: T, at: number) => Mismatch | undefined): Mismatch | undefined {
  for (let at = 0; at < items.length; at++) {
    const found = look(items[at] as T, at);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  return isCommonName(name) ? ownOf(value, name) : value[name];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** The elements of a list as lowering sees them; an iterator that is used up answers none. */
function elementsIn(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value)) return value;
  if (!isObject(value) || value instanceof DataView) return undefined;
  if (ArrayBuffer.isView(value)) return value as unknown as Uint8Array;
  return Symbol.iterator in value ? Array.from(value as Iterable<unknown>) : undefined;
}

function quoted(names: readonly string[]): string {
  const shownNames = names.slice(0, 8).map((name) => `"${name}"`);
  return `${shownNames.join(", ")}${names.length > 8 ? ", …" : ""}`;
}

const longest = 60;

function shown(value: unknown): string {
  const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);
  if (typeof value === "string") return cut(JSON.stringify(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  if (value instanceof Promise) return "a promise";
  return "an object";
}
