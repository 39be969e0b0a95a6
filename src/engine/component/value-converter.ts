import { camelCase } from "../../component/index.ts";
import type { ComponentValueType } from "../../wasm/component/index.ts";

/** Makes one value of another. */
export type Convert = (value: unknown) => unknown;

/** What is to be made of resources within values: by their handle's type, undefined where they stay. */
export type ConvertHandle = (
  type: Extract<ComponentValueType, { readonly kind: "own" | "borrow" }>,
) => Convert | undefined;

/** Converters that were made before: a type may have parts that are one object many times. */
type Known = Map<ComponentValueType, Convert | undefined>;

/** A function that converts the resources within values of a type; undefined where nothing in them is converted. */
export function converterOf(
  type: ComponentValueType | undefined,
  handle: ConvertHandle,
  known: Known = new Map(),
): Convert | undefined {
  if (type === undefined) return undefined;
  if (!known.has(type)) known.set(type, makeConverter(type, handle, known));
  return known.get(type);
}

function makeConverter(type: ComponentValueType, handle: ConvertHandle, known: Known): Convert | undefined {
  const inner = (each: ComponentValueType | undefined): Convert | undefined => converterOf(each, handle, known);
  switch (type.kind) {
    case "own":
    case "borrow":
      return handle(type);
    case "option":
      return optionOf(type.type, inner(type.type));
    case "list": {
      const element = inner(type.element);
      return element && ((value) => listOf(value)?.map(element) ?? value);
    }
    case "tuple": {
      const parts = type.types.map(inner);
      return hasAny(parts)
        ? (value) => listOf(value)?.map((each, at) => parts[at]?.(each) ?? each) ?? value
        : undefined;
    }
    case "record":
      return recordOf(type.fields.map(({ name, type: field }) => [camelCase(name), inner(field)]));
    case "variant":
      return taggedOf(new Map(type.cases.map(({ name, type: each }) => [name, inner(each)])));
    case "result":
      return taggedOf(
        new Map([
          ["ok", inner(type.ok)],
          ["err", inner(type.error)],
        ]),
      );
    case "map": {
      const value = inner(type.value);
      return value && ((map) => (map instanceof Map ? converted(map, value) : map));
    }
    case "bool":
    case "char":
    case "enum":
    case "error-context":
    case "f32":
    case "f64":
    case "flags":
    case "future":
    case "s16":
    case "s32":
    case "s64":
    case "s8":
    case "stream":
    case "string":
    case "u16":
    case "u32":
    case "u64":
    case "u8":
      return undefined;
  }
}

/** A map with its values made into others; resources are no keys. */
function converted(map: ReadonlyMap<unknown, unknown>, convert: Convert): Map<unknown, unknown> {
  return new Map([...map].map(([key, value]) => [key, convert(value)]));
}

function hasAny(parts: Iterable<Convert | undefined>): boolean {
  return [...parts].some((each) => each !== undefined);
}

/** What is no list is refused where it is lowered, by its place. */
function listOf(value: unknown): readonly unknown[] | undefined {
  const isList = typeof value === "object" && value !== null && Symbol.iterator in value;
  return isList ? [...(value as Iterable<unknown>)] : undefined;
}

function optionOf(type: ComponentValueType, convert: Convert | undefined): Convert | undefined {
  if (convert === undefined) return undefined;
  if (type.kind === "option") return taggedOf(new Map([["some", convert]]));
  return (value) => (value === undefined || value === null ? value : convert(value));
}

function recordOf(fields: readonly (readonly [string, Convert | undefined])[]): Convert | undefined {
  if (!hasAny(fields.map(([, convert]) => convert))) return undefined;
  return (value) => {
    if (typeof value !== "object" || value === null) return value;
    const made: Record<string, unknown> = { ...value };
    for (const [name, convert] of fields) if (convert !== undefined && name in value) made[name] = convert(made[name]);
    return made;
  };
}

function taggedOf(cases: ReadonlyMap<string, Convert | undefined>): Convert | undefined {
  if (!hasAny(cases.values())) return undefined;
  return (value) => {
    if (typeof value !== "object" || value === null || !("tag" in value) || typeof value.tag !== "string") return value;
    const convert = cases.get(value.tag);
    return convert === undefined || !("val" in value) ? value : { tag: value.tag, val: convert(value.val) };
  };
}
