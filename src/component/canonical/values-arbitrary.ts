import type {
  ComponentFunctionType,
  ComponentValueType,
  NamedType,
  PrimitiveKind,
  ResourceType,
} from "../../wasm/component/index.ts";
import { casesOf, Layout } from "./layout.ts";
import { tagsOf } from "./lower-code.ts";
import { camelCase } from "./names.ts";

/** Where choices come from: fast-check's or a seeded generator's. */
export interface Choices {
  /** A whole number from 0 up to and without `limit`. */
  below(limit: number): number;
}

/** Resource types that generated types mention. */
export const someResources: readonly ResourceType[] = [
  { kind: "resource", name: "one" },
  { kind: "resource", name: "two" },
];

/** What stands for a resource's instance in generated values. */
export class Thing {
  readonly slot: string | undefined;
  constructor(slot: string | undefined) {
    this.slot = slot;
  }
}

const primitives: readonly PrimitiveKind[] = [
  ...(["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char"] as const),
  "string",
  "string",
];

/** A type that nests up to `depth` times. `hasHandles`: own handles are among its parts. */
export function anyType(c: Choices, depth: number, { hasHandles = false } = {}): ComponentValueType {
  const inner = (): ComponentValueType => anyType(c, depth - 1, { hasHandles });
  const maybe = (): ComponentValueType | undefined => (c.below(3) === 0 ? undefined : inner());
  switch (depth <= 0 ? 0 : c.below(13)) {
    case 1:
    case 2:
      return { kind: "record", fields: namesOf(c, 1 + c.below(6)).map((name) => ({ name, type: inner() })) };
    case 3:
      return { kind: "tuple", types: Array.from({ length: 1 + c.below(4) }, inner) };
    case 4:
    case 5:
      return { kind: "variant", cases: namesOf(c, 1 + c.below(5)).map((name) => ({ name, type: maybe() })) };
    case 6:
      return { kind: "option", type: inner() };
    case 7:
      return { kind: "result", ok: maybe(), error: maybe() };
    case 8:
    case 9:
      return { kind: "list", element: inner(), length: undefined };
    case 10:
      return { kind: "list", element: inner(), length: 1 + c.below(5) };
    case 11:
      return { kind: "map", key: { kind: oneOf(c, primitives) }, value: inner() };
    case 12:
      if (hasHandles) return { kind: "own", resource: oneOf(c, someResources) };
      return { kind: "flags", names: namesOf(c, 1 + c.below(32)) };
    default:
      if (c.below(6) > 0) return { kind: oneOf(c, primitives) };
      if (c.below(2) === 0) return { kind: "enum", names: namesOf(c, c.below(20) === 0 ? 300 : 1 + c.below(9)) };
      return { kind: "flags", names: namesOf(c, 1 + c.below(32)) };
  }
}

/** A function that takes such values and answers the first. */
export function anyIdentity(c: Choices, options: { hasHandles?: boolean } = {}): ComponentFunctionType {
  const any = anyType(c, c.below(4), options);
  // The error case of a function's own result is thrown: in a tuple it is a value as others are.
  const type: ComponentValueType = any.kind === "result" ? { kind: "tuple", types: [any] } : any;
  const params: NamedType[] = [{ name: "first-value", type }];
  for (let more = c.below(4); more > 0; more -= 1)
    params.push({ name: `p-${more}`, type: anyType(c, c.below(3), options) });
  return { kind: "function", params, result: type, isAsync: false };
}

/** A value of a type, in the form in which it is lifted. */
export function anyValue(c: Choices, type: ComponentValueType): unknown {
  const number = (low: number, high: number): number =>
    c.below(4) === 0 ? oneOf(c, [low, high, 0, 1]) : low + c.below(high - low + 1);
  const big = (): bigint => (BigInt(c.below(2 ** 31)) << 33n) ^ BigInt(c.below(2 ** 31)) ^ BigInt(c.below(4));
  const integer = /^([su])(8|16|32)$/.exec(type.kind);
  if (integer !== null) {
    const [span, isSigned] = [2 ** Number(integer[2]), integer[1] === "s"];
    return isSigned ? number(-span / 2, span / 2 - 1) : number(0, span - 1);
  }
  if (type.kind === "bool") return c.below(2) === 1;
  if (type.kind === "u64") return oneOf(c, [0n, 2n ** 64n - 1n, 2n ** 63n, big(), big()]);
  if (type.kind === "s64") return oneOf(c, [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), big() - 2n ** 63n]);
  if (type.kind === "f32") return Math.fround(anyFloat(c));
  if (type.kind === "f64") return anyFloat(c);
  if (type.kind === "char") return anyChar(c);
  if (type.kind === "string") return anyText(c);
  return type.kind === "own" || type.kind === "borrow" ? new Thing(type.resource.name) : anyCompound(c, type);
}

function anyCompound(c: Choices, type: ComponentValueType): unknown {
  if (type.kind === "flags") return Object.fromEntries(type.names.map((name) => [camelCase(name), c.below(2) === 1]));
  if (type.kind === "enum") return type.names[c.below(type.names.length)];
  if (type.kind === "record") {
    return Object.fromEntries(type.fields.map((field) => [camelCase(field.name), anyValue(c, field.type)]));
  }
  if (type.kind === "tuple") return type.types.map((each) => anyValue(c, each));
  if (type.kind === "map") {
    const count = c.below(4);
    return new Map(Array.from({ length: count }, () => [anyValue(c, type.key), anyValue(c, type.value)]));
  }
  if (type.kind !== "list") return anyCase(c, type);
  const length = type.length ?? (c.below(10) === 0 ? c.below(200) : c.below(6));
  return listOf(
    type.element.kind,
    Array.from({ length }, () => anyValue(c, type.element)),
  );
}

function anyCase(c: Choices, type: ComponentValueType): unknown {
  const cases = casesOf(type) ?? [];
  const at = c.below(cases.length);
  const payload = cases[at];
  const value = payload === undefined ? undefined : anyValue(c, payload);
  if (type.kind === "option" && type.type.kind !== "option") return at === 0 ? undefined : value;
  const tag = tagsOf(type)[at];
  return payload === undefined && type.kind !== "result" ? { tag } : { tag, val: value };
}

const arrays: Readonly<Record<string, { from(values: never[]): unknown }>> = {
  u8: Uint8Array,
  s8: Int8Array,
  u16: Uint16Array,
  s16: Int16Array,
  u32: Uint32Array,
  s32: Int32Array,
  u64: BigUint64Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
};

/** A list as it is lifted: numbers as the typed array of their width. */
export function listOf(kind: string, values: unknown[]): unknown {
  return arrays[kind]?.from(values as never[]) ?? values;
}

function anyFloat(c: Choices): number {
  const some = [0, -0, NaN, Infinity, -Infinity, 1.5, -1e-40, 3e38, 1e300];
  return c.below(2) === 0 ? oneOf(c, some) : (c.below(2 ** 31) - 2 ** 30) * 2 ** (c.below(60) - 40);
}

function anyChar(c: Choices): string {
  const low = oneOf(c, [0x20, 0x20, 0x20, 0xa0, 0x100, 0xd7f0, 0xe000, 0xfff0, 0x1_0000, 0x10_fff0]);
  const code = low + c.below(16);
  return String.fromCodePoint(code >= 0xd800 && code < 0xe000 ? 0xd7ff : code);
}

function anyText(c: Choices): string {
  const length = c.below(6) === 0 ? c.below(100) : c.below(14);
  const sort = c.below(4);
  const letter = (): string => {
    if (sort === 0 || (sort < 3 && c.below(8) > 0)) return String.fromCharCode(32 + c.below(90));
    return sort === 1 ? String.fromCharCode(0xa0 + c.below(96)) : anyChar(c);
  };
  return Array.from({ length }, letter).join("");
}

/** Names that are different as WIT compares them. */
function namesOf(c: Choices, count: number): string[] {
  const words = ["alpha", "b", "constructor", "HTTP-d", "e2", "then", "proto", "to-string", "i", "j"];
  const start = c.below(words.length);
  return Array.from({ length: count }, (_, at) => {
    const word = words[(start + at) % words.length] ?? "w";
    return at < words.length ? word : `${word}-n${at}`;
  });
}

function oneOf<T>(c: Choices, items: readonly T[]): T {
  return items[c.below(items.length)] as T;
}

/** Whether values of the type take little enough room for a test. */
export function isSmall(type: ComponentFunctionType): boolean {
  const layout = new Layout();
  return type.params.every((param) => layout.sizeOf(param.type) < 20_000);
}
