import { malformed } from "../reader.ts";
import { isValueType } from "./kinds.ts";
import { isLabel } from "./names.ts";
import { type Place, readOptional, readVector, unknown } from "./place.ts";
import { printType } from "./print.ts";
import type { ComponentFunctionType, ComponentValueType, NamedType, PrimitiveKind, ResourceType } from "./types.ts";

/** The primitive types by their byte (component model, Binary: `primvaltype`). */
const primitives: ReadonlyMap<number, ComponentValueType> = new Map(
  (
    [
      [0x7f, "bool"],
      [0x7e, "s8"],
      [0x7d, "u8"],
      [0x7c, "s16"],
      [0x7b, "u16"],
      [0x7a, "s32"],
      [0x79, "u32"],
      [0x78, "s64"],
      [0x77, "u64"],
      [0x76, "f32"],
      [0x75, "f64"],
      [0x74, "char"],
      [0x73, "string"],
      [0x64, "error-context"],
    ] satisfies [number, PrimitiveKind][]
  ).map(([byte, kind]) => [byte, { kind }]),
);

const keyKinds: ReadonlySet<string> = new Set("bool s8 u8 s16 u16 s32 u32 s64 u64 char string".split(" "));

/** Most flags of one type, and the size in bytes that no value type reaches (Binary: Type Definitions). */
const mostFlags = 32;
const mostBytes = 2 ** 28;
/** Most fields, cases or types of one type: no toolchain comes near it, and code is made for each. */
const mostParts = 10_000;

/** Reads `valtype`: a primitive type, or the index of a value type. */
export function readValueType(place: Place): ComponentValueType {
  const start = place.reader.offset;
  const code = place.reader.s33();
  if (code >= 0) {
    const { type } = place.validation.item(place.scope.types, code, "type");
    if (!isValueType(type)) throw place.validation.invalid(`type ${code} is ${printType(type)}, wanted a value type`);
    return type;
  }
  const type = code >= -64 ? primitives.get(code & 0x7f) : undefined;
  if (type === undefined) throw malformed(start, `an unknown value type (${code})`);
  needPrimitive(place, type);
  return type;
}

/** The resource type at an index of the space of types, and which name of it that is. */
export function readResource(place: Place): { readonly resource: ResourceType; readonly alias: symbol | undefined } {
  const index = place.reader.u32();
  const { type, alias } = place.validation.item(place.scope.types, index, "type");
  if (type.kind === "resource") return { resource: type, alias };
  throw place.validation.invalid(`type ${index} is ${printType(type)}, wanted a resource type`);
}

/** Reads the rest of `functype` behind its first byte. */
export function readFunctionType(place: Place, isAsync: boolean): ComponentFunctionType {
  const params = readNamed(place, "parameter");
  const result = readResultList(place);
  if (result !== undefined && place.validation.facts.of(result).hasBorrow) {
    throw place.validation.invalid(`the result ${printType(result)} lends a resource, which a result cannot`);
  }
  return { kind: "function", params, result, isAsync };
}

/** Reads `resultlist`. */
export function readResultList(place: Place): ComponentValueType | undefined {
  const { reader } = place;
  const start = reader.offset;
  const form = reader.u8();
  if (form === 0) return readValueType(place);
  if (form !== 1 || reader.u8() !== 0) throw unknown(start, "form of results", form);
  return undefined;
}

/** Reads `defvaltype` behind its first byte, which stood at `start`. */
export function readDefinedValue(place: Place, code: number, start: number): ComponentValueType {
  const type = readConstructed(place, code, start);
  const parts = partCount(type);
  if (parts > mostParts) throw place.validation.invalid(`${type.kind} of ${parts} parts, wanted at most ${mostParts}`);
  if (place.validation.facts.of(type).byteSize < mostBytes) return type;
  throw place.validation.invalid(`${printType(type)} takes 2^28 bytes or more`);
}

function partCount(type: ComponentValueType): number {
  if (type.kind === "record") return type.fields.length;
  if (type.kind === "variant") return type.cases.length;
  if (type.kind === "tuple") return type.types.length;
  return type.kind === "enum" ? type.names.length : 0;
}

function readConstructed(place: Place, code: number, start: number): ComponentValueType {
  const { reader } = place;
  switch (code) {
    case 0x72:
      return { kind: "record", fields: notEmpty(place, "record", readNamed(place, "field")) };
    case 0x71:
      return { kind: "variant", cases: notEmpty(place, "variant", readCases(place)) };
    case 0x70:
      return { kind: "list", element: readValueType(place), length: undefined };
    case 0x6f:
      return {
        kind: "tuple",
        types: notEmpty(
          place,
          "tuple",
          readVector(reader, () => readValueType(place)),
        ),
      };
    case 0x6e:
      return { kind: "flags", names: readFlags(place) };
    case 0x6d:
      return { kind: "enum", names: notEmpty(place, "enum", readLabels(place, "case")) };
    case 0x6b:
      return { kind: "option", type: readValueType(place) };
    case 0x6a:
      return { kind: "result", ok: readOptionalType(place), error: readOptionalType(place) };
    case 0x69:
    case 0x68:
      return readHandle(place, code === 0x69 ? "own" : "borrow");
    default:
      return readAddition(place, code, start);
  }
}

/** Reads the types that came after the first release. */
function readAddition(place: Place, code: number, start: number): ComponentValueType {
  switch (code) {
    case 0x67: {
      place.validation.need("fixed-length-lists", "a list of fixed length");
      const element = readValueType(place);
      const length = place.reader.u32();
      if (length === 0) throw place.validation.invalid("a list of fixed length 0, wanted at least 1");
      return { kind: "list", element, length };
    }
    case 0x66:
    case 0x65:
      return readTransfer(place, code === 0x66 ? "stream" : "future");
    case 0x63: {
      const key = readValueType(place);
      if (!keyKinds.has(key.kind)) throw place.validation.invalid(`${printType(key)} cannot be a map's key`);
      return { kind: "map", key, value: readValueType(place) };
    }
    default: {
      const primitive = primitives.get(code);
      if (primitive === undefined) throw unknown(start, "type", code);
      needPrimitive(place, primitive);
      // An object of its own, as each type definition has.
      return { ...primitive };
    }
  }
}

function readHandle(place: Place, kind: "own" | "borrow"): ComponentValueType {
  const { resource, alias } = readResource(place);
  return alias === undefined ? { kind, resource } : { kind, resource, alias };
}

function readTransfer(place: Place, kind: "stream" | "future"): ComponentValueType {
  const element = readOptionalType(place);
  if (element !== undefined && place.validation.facts.of(element).hasBorrow) {
    throw place.validation.invalid(`a ${kind} of ${printType(element)} lends a resource, which it cannot`);
  }
  if (kind === "stream" && element?.kind === "char") throw place.validation.invalid("a stream cannot be of char");
  return { kind, element };
}

function readOptionalType(place: Place): ComponentValueType | undefined {
  return readOptional(place.reader, () => readValueType(place));
}

function readCases(place: Place): { name: string; type: ComponentValueType | undefined }[] {
  const { reader } = place;
  const label = labelReader(place, "case");
  return readVector(reader, () => {
    const name = label();
    const type = readOptionalType(place);
    const start = reader.offset;
    const byte = reader.u8();
    if (byte !== 0) throw unknown(start, "byte behind a case", byte);
    return { name, type };
  });
}

function readNamed(place: Place, what: string): NamedType[] {
  const label = labelReader(place, what);
  return readVector(place.reader, () => ({ name: label(), type: readValueType(place) }));
}

function readFlags(place: Place): string[] {
  const names = notEmpty(place, "flags", readLabels(place, "flag"));
  if (names.length > mostFlags) throw place.validation.invalid(`${names.length} flags, at most ${mostFlags}`);
  return names;
}

function readLabels(place: Place, what: string): string[] {
  return readVector(place.reader, labelReader(place, what));
}

/** Reads labels one after the other, each of which differs from those before it in more than case. */
function labelReader({ reader, validation }: Place, what: string): () => string {
  const seen = new Map<string, string>();
  return () => {
    const name = reader.name();
    if (!isLabel(name)) throw validation.invalid(`${what} "${name}" is not a label of words joined by hyphens`);
    const form = name.toLowerCase();
    const other = seen.get(form);
    if (other !== undefined) throw validation.invalid(`${what} "${name}" is too like "${other}" before it`);
    seen.set(form, name);
    return name;
  };
}

function notEmpty<Item>(place: Place, what: string, items: Item[]): Item[] {
  if (items.length === 0) throw place.validation.invalid(`an empty ${what}, wanted at least one part`);
  return items;
}

function needPrimitive(place: Place, type: ComponentValueType): void {
  if (type.kind === "error-context") place.validation.need("error-context", "the type error-context");
}
