import type { ExternAttributes } from "./definitions.ts";
import { expectByte, type Place, readVector, unknown } from "./place.ts";
import { printType } from "./print.ts";
import { readValueType } from "./read-values.ts";
import { nameType } from "./scope.ts";
import { renewInstance } from "./substitute.ts";
import type { DefinedType, ExternType } from "./types.ts";

/** A name with what stands beside it. */
export interface ReadName {
  readonly name: string;
  readonly attributes: ExternAttributes;
}

/** Reads `nameattributes` (component model, Binary: Import and Export Definitions). */
export function readName(place: Place): ReadName {
  const { reader } = place;
  const start = reader.offset;
  const form = reader.u8();
  if (form > 2) throw unknown(start, "form of name", form);
  const name = reader.name();
  const attributes: { -readonly [Key in keyof ExternAttributes]: ExternAttributes[Key] } = {};
  if (form < 2) return { name, attributes };
  readVector(reader, () => {
    const offset = reader.offset;
    const kind = reader.u8();
    const key = (["implements", "versionSuffix", "externalId"] as const)[kind];
    if (key === undefined) throw unknown(offset, "attribute of a name", kind);
    if (key === "versionSuffix") place.validation.need("canonical-names", `the version suffix of "${name}"`);
    if (attributes[key] !== undefined) throw place.validation.invalid(`"${name}" has a second attribute ${key}`);
    attributes[key] = reader.name();
  });
  return { name, attributes };
}

/** Reads `externtype`; resource types that it introduces get the import's or export's name. */
export function readExternType(place: Place, name: string): ExternType {
  const { reader, scope, validation } = place;
  const start = reader.offset;
  const kind = reader.u8();
  switch (kind) {
    case 0x00: {
      expectByte(reader, 0x11, "core definition that is not a module");
      const index = reader.u32();
      const type = validation.item(scope.coreTypes, index, "core type");
      if (type.kind === "core-module") return { kind: "core-module", type };
      throw validation.invalid(`core type ${index} is not a module type`);
    }
    case 0x01:
      return { kind: "function", type: readTypeOf(place, "function") };
    case 0x02:
      validation.need("values", "a value");
      return readValueBound(place);
    case 0x03:
      return readTypeBound(place, name);
    case 0x04:
      return { kind: "component", type: readTypeOf(place, "component") };
    case 0x05:
      return { kind: "instance", type: renewInstance(readTypeOf(place, "instance"), validation.facts) };
    default:
      throw unknown(start, "kind of import or export", kind);
  }
}

/** Reads a type index that must name a type of the kind. */
export function readTypeOf<Kind extends "function" | "instance" | "component">(
  place: Place,
  kind: Kind,
): DefinedType & { readonly kind: Kind } {
  const index = place.reader.u32();
  const { type } = place.validation.item(place.scope.types, index, "type");
  if (isKind(type, kind)) return type;
  throw place.validation.invalid(`type ${index} is ${printType(type)}, wanted the type of a ${kind}`);
}

function isKind<Kind extends DefinedType["kind"]>(
  type: DefinedType,
  kind: Kind,
): type is DefinedType & { readonly kind: Kind } {
  return type.kind === kind;
}

function readValueBound(place: Place): ExternType {
  const { reader, scope, validation } = place;
  const start = reader.offset;
  const bound = reader.u8();
  if (bound === 1) return { kind: "value", type: readValueType(place) };
  if (bound !== 0) throw unknown(start, "bound of a value", bound);
  return { kind: "value", type: validation.item(scope.values, reader.u32(), "value").type };
}

function readTypeBound({ reader, scope, validation }: Place, name: string): ExternType {
  const start = reader.offset;
  const bound = reader.u8();
  if (bound === 1) return { kind: "type", type: { kind: "resource", name }, isFresh: true, alias: Symbol(name) };
  if (bound !== 0) throw unknown(start, "bound of a type", bound);
  const { type } = validation.item(scope.types, reader.u32(), "type");
  return nameType({ kind: "type", type, isFresh: false });
}
