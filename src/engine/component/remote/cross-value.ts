import { camelCase, elementsOf, isCommonName, ownOf, partsOf } from "../../../component/index.ts";
import type { ComponentValueType } from "../../../wasm/component/index.ts";

/** The type of a handle. */
export type HandleType = ComponentValueType & { readonly kind: "own" | "borrow" };

/** Puts something else in the place of a resource. */
export type HandleCrossing = (type: HandleType, value: unknown) => unknown;

/** Thrown where a value is none of its type: who passes it says where. */
export const misfit = new Error("A value is none of its type");

const known = new WeakMap<ComponentValueType, boolean>();

/** Whether structured clone leaves the values of a type as they are: there are no resources and no maps in them. */
function isPlain(type: ComponentValueType): boolean {
  let found = known.get(type);
  if (found === undefined) {
    const isOdd = type.kind === "own" || type.kind === "borrow" || type.kind === "map";
    found = !isOdd && partsOf(type).every((part) => part === undefined || isPlain(part));
    known.set(type, found);
  }
  return found;
}

/**
 * A value of a type as one that structured clone carries: what the type says and nothing else, with `cross` asked for each resource.
 * Scalars are not checked: that is done where they are lowered.
 *
 * @throws {@link misfit} where a value is none of the type, and what `cross` throws
 */
export function crossValue(type: ComponentValueType, value: unknown, cross: HandleCrossing): unknown {
  if (type.kind === "own" || type.kind === "borrow") return cross(type, value);
  if (type.kind === "record") return crossFields(type, value, cross);
  if (type.kind === "flags") return crossFlags(type.names, value);
  if (type.kind === "list") return crossList(type.element, value, cross);
  if (type.kind === "tuple") return crossElements(type.types, value, cross);
  if (type.kind === "map") {
    return Array.from(elementsFor(value), (entry) => crossElements([type.key, type.value], entry, cross));
  }
  if (type.kind === "option" && type.type.kind !== "option") {
    return value === undefined || value === null ? undefined : crossValue(type.type, value, cross);
  }
  const hasTag = type.kind === "option" || type.kind === "variant" || type.kind === "result";
  return hasTag ? crossCase(type, value, cross) : scalar(value);
}

/** What {@link crossValue} made, on the other side: `cross` is asked for each resource. */
export function crossedValue(type: ComponentValueType, value: unknown, cross: HandleCrossing): unknown {
  return isPlain(type) ? value : crossParts(type, value, cross);
}

function crossParts(type: ComponentValueType, value: unknown, cross: HandleCrossing): unknown {
  if (type.kind === "own" || type.kind === "borrow") return cross(type, value);
  if (type.kind === "record") {
    const fields = value as Readonly<Record<string, unknown>>;
    const names = type.fields.map((field) => camelCase(field.name));
    const values = type.fields.map((field, at) => crossedValue(field.type, fields[names[at] ?? ""], cross));
    return Object.fromEntries(names.map((name, at) => [name, values[at]]));
  }
  if (type.kind === "list") {
    return Array.from(value as Iterable<unknown>, (each) => crossedValue(type.element, each, cross));
  }
  if (type.kind === "tuple") {
    const elements = value as readonly unknown[];
    return type.types.map((each, at) => crossedValue(each, elements[at], cross));
  }
  if (type.kind === "map") {
    const entry = (pair: readonly unknown[]): [unknown, unknown] => [
      crossedValue(type.key, pair[0], cross),
      crossedValue(type.value, pair[1], cross),
    ];
    return new Map((value as readonly (readonly unknown[])[]).map(entry));
  }
  if (type.kind === "option" && type.type.kind !== "option") {
    return value === undefined ? undefined : crossedValue(type.type, value, cross);
  }
  const { tag, val } = value as Case;
  const payload = payloadOf(type, tag);
  return payload === undefined ? value : { tag, val: crossedValue(payload, val, cross) };
}

interface Case {
  readonly tag: string;
  readonly val?: unknown;
}

function crossCase(type: ComponentValueType, value: unknown, cross: HandleCrossing): Case {
  if (typeof value !== "object" || value === null) throw misfit;
  const { tag, val } = value as Case;
  if (typeof tag !== "string") throw misfit;
  const payload = payloadOf(type, tag);
  return payload === undefined ? { tag } : { tag, val: crossValue(payload, val, cross) };
}

function payloadOf(type: ComponentValueType, tag: string): ComponentValueType | undefined {
  if (type.kind === "option") return tag === "some" ? type.type : undefined;
  if (type.kind === "result") return tag === "ok" ? type.ok : type.error;
  return type.kind === "variant" ? type.cases.find(({ name }) => name === tag)?.type : undefined;
}

function crossFields(type: ComponentValueType & { kind: "record" }, value: unknown, cross: HandleCrossing): unknown {
  if (typeof value !== "object" || value === null) throw misfit;
  return Object.fromEntries(
    type.fields.map((field) => {
      const name = camelCase(field.name);
      return [name, crossValue(field.type, fieldOf(value, name), cross)];
    }),
  );
}

function crossFlags(names: readonly string[], value: unknown): unknown {
  if (typeof value !== "object" || value === null) throw misfit;
  return Object.fromEntries(names.map(camelCase).map((name) => [name, scalar(fieldOf(value, name))]));
}

function fieldOf(value: object, name: string): unknown {
  return isCommonName(name) ? ownOf(value, name) : (value as Readonly<Record<string, unknown>>)[name];
}

function crossList(element: ComponentValueType, value: unknown, cross: HandleCrossing): unknown {
  const elements = elementsFor(value);
  // Of a view its own bytes alone: a clone takes the whole buffer that it is on, and a shared one is not cloned at all.
  if (ArrayBuffer.isView(elements)) {
    const view = elements as unknown as Uint8Array;
    const isWhole = view.buffer instanceof ArrayBuffer && view.byteLength === view.buffer.byteLength;
    return isWhole ? view : Uint8Array.prototype.slice.call(view);
  }
  return Array.from(elements, (each) => crossValue(element, each, cross));
}

function elementsFor(value: unknown): ArrayLike<unknown> {
  try {
    return elementsOf(value);
  } catch {
    throw misfit;
  }
}

function crossElements(types: readonly ComponentValueType[], value: unknown, cross: HandleCrossing): unknown[] {
  const elements = elementsFor(value);
  if (elements.length !== types.length) throw misfit;
  return types.map((each, at) => crossValue(each, elements[at], cross));
}

function scalar(value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol" || (typeof value === "object" && value !== null)) {
    throw misfit;
  }
  return value;
}
