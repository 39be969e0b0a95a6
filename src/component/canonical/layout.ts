import type { ComponentFunctionType, ComponentValueType, ResourceType } from "../../wasm/component/index.ts";
import type { CanonicalShape } from "./runtime.ts";

/** A core value type that component values flatten to. */
export type FlatType = "i32" | "i64" | "f32" | "f64";

/** The type of a pointer into a memory: `i64` where the memory has 64-bit addresses. */
export type PointerType = "i32" | "i64";

/** Most core parameters of a flat call (Canonical ABI, Flattening: MAX_FLAT_PARAMS). */
export const maxFlatParams = 16;
/** Most core parameters of a call that is lowered async (MAX_FLAT_ASYNC_PARAMS). */
export const maxFlatAsyncParams = 4;
/** Most core results of a flat call (MAX_FLAT_RESULTS). */
export const maxFlatResults = 1;
/** Most bytes of a string (MAX_STRING_BYTE_LENGTH) and of a list (MAX_LIST_BYTE_LENGTH). */
export const maxByteLength = 2 ** 28 - 1;

/** How a variant or what is one at heart (enum, option, result) lies in memory. */
export interface VariantLayout {
  readonly cases: readonly (ComponentValueType | undefined)[];
  readonly discriminantSize: 1 | 2 | 4;
  /** Offset of the payload in bytes. */
  readonly payloadOffset: number;
}

/** The core function type that a component function becomes, and what of it goes by way of memory. */
export interface FlatFunction {
  readonly params: readonly FlatType[];
  readonly results: readonly FlatType[];
  readonly spillsParams: boolean;
  readonly spillsResult: boolean;
}

/** What {@link flattenFunction} has to know beside the type. */
export interface FlattenOptions {
  readonly direction: "lift" | "lower";
  /** The canonical option `async`. */
  readonly isAsync?: boolean;
  readonly hasCallback?: boolean;
  readonly pointer?: PointerType;
}

const scalars: Readonly<Record<string, readonly [size: 1 | 2 | 4 | 8, flat: FlatType]>> = {
  bool: [1, "i32"],
  s8: [1, "i32"],
  u8: [1, "i32"],
  s16: [2, "i32"],
  u16: [2, "i32"],
  s32: [4, "i32"],
  u32: [4, "i32"],
  s64: [8, "i64"],
  u64: [8, "i64"],
  f32: [4, "f32"],
  f64: [8, "f64"],
  char: [4, "i32"],
  "error-context": [4, "i32"],
  own: [4, "i32"],
  borrow: [4, "i32"],
  stream: [4, "i32"],
  future: [4, "i32"],
};

/** `at` rounded up to a multiple of `alignment`. */
export function alignTo(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment;
}

/** Bytes of the discriminant of so many cases (Canonical ABI, Alignment: discriminant_type). */
export function discriminantSize(cases: number): 1 | 2 | 4 {
  if (cases <= 0x100) return 1;
  return cases <= 0x1_0000 ? 2 : 4;
}

/** The payload types of a variant, enum, option or result by case; undefined for any other type. */
export function casesOf(type: ComponentValueType): readonly (ComponentValueType | undefined)[] | undefined {
  if (type.kind === "variant") return type.cases.map((each) => each.type);
  if (type.kind === "enum") return type.names.map(() => undefined);
  if (type.kind === "option") return [undefined, type.type];
  if (type.kind === "result") return [type.ok, type.error];
  return undefined;
}

/** The types of a record's fields or a tuple's positions; undefined for any other type. */
export function fieldsOf(type: ComponentValueType): readonly ComponentValueType[] | undefined {
  if (type.kind === "record") return type.fields.map((field) => field.type);
  return type.kind === "tuple" ? type.types : undefined;
}

/** A map's entry, as which its list lies in memory. */
export function entryOf(type: { key: ComponentValueType; value: ComponentValueType }): ComponentValueType {
  return { kind: "tuple", types: [type.key, type.value] };
}

/** Where two cases of a variant share a core value: the type that holds either (Canonical ABI, Flattening: join). */
export function join(one: FlatType, other: FlatType): FlatType {
  if (one === other) return one;
  const both = `${one} ${other}`;
  return both === "i32 f32" || both === "f32 i32" ? "i32" : "i64";
}

interface Measure {
  readonly alignment: number;
  readonly size: number;
}

/**
 * Sizes, alignments and flat forms of types (Canonical ABI, Alignment, Element Size and Flattening). It remembers what it
 * has seen: types share parts, and a small binary can describe one whose written-out form is larger than any memory.
 */
export class Layout {
  readonly pointer: PointerType;
  readonly pointerSize: 4 | 8;
  readonly #measures = new Map<ComponentValueType, Measure>();
  readonly #flats = new Map<ComponentValueType, readonly FlatType[] | "many">();
  readonly #entries = new Map<ComponentValueType, ComponentValueType>();

  constructor(pointer: PointerType = "i32") {
    this.pointer = pointer;
    this.pointerSize = pointer === "i32" ? 4 : 8;
  }

  /** Alignment in bytes. */
  alignmentOf(type: ComponentValueType): number {
    return this.#measure(type).alignment;
  }

  /** Size in bytes, a multiple of the alignment. */
  sizeOf(type: ComponentValueType): number {
    return this.#measure(type).size;
  }

  /** The core types that a value is passed as; undefined where they are more than 16. */
  flatten(type: ComponentValueType): readonly FlatType[] | undefined {
    let flat = this.#flats.get(type);
    if (flat === undefined) {
      flat = this.#flatten(type) ?? "many";
      this.#flats.set(type, flat);
    }
    return flat === "many" ? undefined : flat;
  }

  /** The core types of several values one after the other; undefined where they are more than 16. */
  flattenAll(types: Iterable<ComponentValueType>): readonly FlatType[] | undefined {
    const flat: FlatType[] = [];
    for (const type of types) {
      const part = this.flatten(type);
      if (part === undefined || flat.length + part.length > maxFlatParams) return undefined;
      flat.push(...part);
    }
    return flat;
  }

  /** Where the fields of a record or the positions of a tuple lie, in bytes from its start. */
  offsetsOf(types: readonly ComponentValueType[]): number[] {
    let at = 0;
    return types.map((type) => {
      const offset = alignTo(at, this.alignmentOf(type));
      at = offset + this.sizeOf(type);
      return offset;
    });
  }

  /** How a variant, enum, option or result lies in memory; undefined for any other type. */
  variantOf(type: ComponentValueType): VariantLayout | undefined {
    const cases = casesOf(type);
    if (cases === undefined) return undefined;
    const size = discriminantSize(cases.length);
    return { cases, discriminantSize: size, payloadOffset: alignTo(size, this.#payload(cases).alignment) };
  }

  /** A map's entry as a tuple, the same object each time. */
  entryOf(type: ComponentValueType & { kind: "map" }): ComponentValueType {
    const known = this.#entries.get(type) ?? entryOf(type);
    this.#entries.set(type, known);
    return known;
  }

  #measure(type: ComponentValueType): Measure {
    const known = this.#measures.get(type);
    if (known !== undefined) return known;
    const measure = this.#compute(type);
    this.#measures.set(type, measure);
    return measure;
  }

  #compute(type: ComponentValueType): Measure {
    const scalar = scalars[type.kind];
    if (scalar !== undefined) return { alignment: scalar[0], size: scalar[0] };
    if (type.kind === "flags") {
      const size = type.names.length <= 8 ? 1 : type.names.length <= 16 ? 2 : 4;
      return { alignment: size, size };
    }
    if (type.kind === "list" && type.length !== undefined) {
      const { alignment, size } = this.#measure(type.element);
      return { alignment, size: size * type.length };
    }
    const fields = fieldsOf(type);
    if (fields !== undefined) return this.#record(fields);
    const variant = this.variantOf(type);
    if (variant === undefined) return { alignment: this.pointerSize, size: 2 * this.pointerSize };
    const payload = this.#payload(variant.cases);
    const alignment = Math.max(variant.discriminantSize, payload.alignment);
    return { alignment, size: alignTo(variant.payloadOffset + payload.size, alignment) };
  }

  #record(fields: readonly ComponentValueType[]): Measure {
    let [alignment, size] = [1, 0];
    for (const field of fields) {
      const part = this.#measure(field);
      alignment = Math.max(alignment, part.alignment);
      size = alignTo(size, part.alignment) + part.size;
    }
    return { alignment, size: alignTo(size, alignment) };
  }

  #payload(cases: readonly (ComponentValueType | undefined)[]): Measure {
    let [alignment, size] = [1, 0];
    for (const each of cases) {
      if (each === undefined) continue;
      const part = this.#measure(each);
      alignment = Math.max(alignment, part.alignment);
      size = Math.max(size, part.size);
    }
    return { alignment, size };
  }

  #flatten(type: ComponentValueType): readonly FlatType[] | undefined {
    const scalar = scalars[type.kind];
    if (scalar !== undefined) return [scalar[1]];
    if (type.kind === "flags") return ["i32"];
    if (type.kind === "list" && type.length !== undefined) {
      if (type.length > maxFlatParams) return undefined;
      return this.flattenAll(Array.from({ length: type.length }, () => type.element));
    }
    const fields = fieldsOf(type);
    if (fields !== undefined) return this.flattenAll(fields);
    const cases = casesOf(type);
    return cases === undefined ? [this.pointer, this.pointer] : this.#flattenCases(cases);
  }

  #flattenCases(cases: readonly (ComponentValueType | undefined)[]): readonly FlatType[] | undefined {
    const joined: FlatType[] = [];
    for (const each of cases) {
      const flat = each === undefined ? [] : this.flatten(each);
      if (flat === undefined) return undefined;
      flat.forEach((core, at) => (joined[at] = join(joined[at] ?? core, core)));
    }
    return joined.length >= maxFlatParams ? undefined : ["i32", ...joined];
  }
}

/** Alignment in bytes (Canonical ABI, Alignment). */
export function alignmentOf(type: ComponentValueType, pointer?: PointerType): number {
  return new Layout(pointer).alignmentOf(type);
}

/** Size in bytes (Canonical ABI, Element Size). */
export function sizeOf(type: ComponentValueType, pointer?: PointerType): number {
  return new Layout(pointer).sizeOf(type);
}

/** The core types that a value is passed as; undefined where they are more than 16 (Canonical ABI, Flattening). */
export function flatten(type: ComponentValueType, pointer?: PointerType): readonly FlatType[] | undefined {
  return new Layout(pointer).flatten(type);
}

/** The core type of a component function that is lifted from, or lowered to, a core function (flatten_functype). */
export function flattenFunction(type: ComponentFunctionType, options: FlattenOptions): FlatFunction {
  const { direction, isAsync = false, hasCallback = false, pointer = "i32" } = options;
  const layout = new Layout(pointer);
  const most = isAsync && direction === "lower" ? maxFlatAsyncParams : maxFlatParams;
  const flatParams = layout.flattenAll(type.params.map((param) => param.type));
  const spillsParams = flatParams === undefined || flatParams.length > most;
  const params: FlatType[] = spillsParams ? [pointer] : [...flatParams];
  const flatResult = type.result === undefined ? [] : layout.flatten(type.result);
  if (isAsync) {
    const spillsResult = direction === "lower" && flatResult?.length !== 0;
    if (spillsResult) params.push(pointer);
    return { params, results: direction === "lower" || hasCallback ? ["i32"] : [], spillsParams, spillsResult };
  }
  if (flatResult !== undefined && flatResult.length <= maxFlatResults) {
    return { params, results: flatResult, spillsParams, spillsResult: false };
  }
  if (direction === "lower") params.push(pointer);
  return { params, results: direction === "lower" ? [] : [pointer], spillsParams, spillsResult: true };
}

/** The distinct resource types of a function in order of appearance: a handle's `slot` is a position in it. */
export function resourcesOf(type: ComponentFunctionType): readonly ResourceType[] {
  const found = new Set<ResourceType>();
  for (const each of typesIn(type)) if (each.kind === "own" || each.kind === "borrow") found.add(each.resource);
  return [...found];
}

/** The distinct stream and future types of a function in order of appearance: the `slot` of their hooks. */
export function asyncTypesOf(type: ComponentFunctionType): readonly ComponentValueType[] {
  return [...typesIn(type)].filter((each) => each.kind === "stream" || each.kind === "future");
}

/** How much code a function type comes to: its distinct types, with their parts and names. */
export function weightOf(type: ComponentFunctionType): number {
  let weight = 1;
  for (const each of typesIn(type)) {
    const names = each.kind === "flags" ? each.names.length : 0;
    weight += 1 + names + partsOf(each).length;
  }
  return weight;
}

/** Each type object that a function mentions once, outer before inner, in order of appearance. */
function typesIn(type: ComponentFunctionType): Set<ComponentValueType> {
  const seen = new Set<ComponentValueType>();
  const visit = (each: ComponentValueType | undefined): void => {
    if (each === undefined || seen.has(each)) return;
    seen.add(each);
    for (const part of partsOf(each)) visit(part);
  };
  for (const param of type.params) visit(param.type);
  visit(type.result);
  return seen;
}

/** The types that a type is made of, in order. */
export function partsOf(type: ComponentValueType): readonly (ComponentValueType | undefined)[] {
  if (type.kind === "list" || type.kind === "stream" || type.kind === "future") return [type.element];
  if (type.kind === "map") return [type.key, type.value];
  return fieldsOf(type) ?? casesOf(type) ?? [];
}

/**
 * A text that is the same for function types of the same structure and names, with the same options: the code made for one
 * serves the other. Its length is linear in the type's parts, however often they are shared.
 */
export function functionKey(type: ComponentFunctionType, shape: CanonicalShape): string {
  const resources = resourcesOf(type);
  const asyncTypes = asyncTypesOf(type);
  const known = new Map<ComponentValueType, number>();
  const numbers = new Map<string, number>();
  const numberOf = (each: ComponentValueType | undefined): number => {
    if (each === undefined) return -1;
    const seen = known.get(each);
    if (seen !== undefined) return seen;
    const slot =
      each.kind === "own" || each.kind === "borrow" ? resources.indexOf(each.resource) : asyncTypes.indexOf(each);
    const text = JSON.stringify([each.kind, slot, ...detailsOf(each), partsOf(each).map(numberOf)]);
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    known.set(each, number);
    return number;
  };
  const params = type.params.map((param) => [param.name, numberOf(param.type)]);
  const result = numberOf(type.result);
  const options = [shape.stringEncoding, shape.memoryIs64 === true, shape.mode, shape.lendsBytes === true];
  return JSON.stringify([options, params, result, [...numbers.keys()]]);
}

/** What makes a type beside its parts. */
function detailsOf(type: ComponentValueType): readonly unknown[] {
  if (type.kind === "record") return type.fields.map((field) => field.name);
  if (type.kind === "variant") return type.cases.map((each) => each.name);
  if (type.kind === "flags" || type.kind === "enum") return type.names;
  return type.kind === "list" ? [type.length ?? -1] : [];
}
