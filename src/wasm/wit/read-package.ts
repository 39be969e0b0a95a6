import { ByteReader, malformed } from "../reader.ts";
import { readPreamble, readSections } from "../sections.ts";
import { limitDefinitions } from "../types.ts";
import {
  type ExternAttributes,
  type ComponentFunctionType,
  type ComponentType,
  type ComponentValueType,
  type DefinedType,
  type ExternType,
  type InstanceType,
  type NamedType,
  type PrimitiveKind,
  type ResourceType,
} from "../component-parts.ts";
import type { TypeTree } from "./type-tree.ts";

/** How deep types may lie in one another. */
const deepest = 100;

const primitives = new Map<number, PrimitiveKind>([
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
]);

interface Scope {
  readonly types: DefinedType[];
  readonly instances: InstanceType[];
  readonly parent: Scope | undefined;
  readonly depth: number;
}

/**
 * Reads the types that a package of WIT in its binary form exports (WIT, Package Format; component model, Binary: Type
 * Definitions). In distinction from the validator, which it follows, it keeps every name apart from what it stands for.
 *
 * @throws WASM_MALFORMED
 */
export function readPackageTypes(bytes: Uint8Array): TypeTree {
  return new PackageReader(bytes).read();
}

class PackageReader {
  readonly #bytes: Uint8Array;
  readonly #origins = new Map<object, object>();
  readonly #attributes = new Map<ExternType, ExternAttributes>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  read(): TypeTree {
    const { layer } = readPreamble(this.#bytes);
    if (layer !== 1) throw malformed(6, "a core module where a component has to stand,");
    const scope: Scope = { types: [], instances: [], parent: undefined, depth: 0 };
    const exports = new Map<string, ExternType>();
    for (const { id, body, sizeField } of readSections(this.#bytes)) {
      if (id === 0) continue;
      const reader = new ByteReader(this.#bytes, body);
      if (id !== 7 && id !== 11)
        throw malformed(sizeField.start - 1, `a section (id ${id}) that no package of WIT has`);
      for (let count = reader.count(); count > 0; count -= 1) {
        if (id === 7) push(scope.types, this.#type(reader, scope));
        else this.#packageExport(reader, scope, exports);
      }
      reader.expectEnd("a section");
    }
    return {
      type: { kind: "component", imports: new Map(), exports },
      isExact: true,
      originOf: (named) => this.#origins.get(named),
      attributesOf: (extern) => this.#attributes.get(extern),
    };
  }

  #packageExport(reader: ByteReader, scope: Scope, exports: Map<string, ExternType>): void {
    const start = reader.offset;
    const { name } = this.#name(reader);
    if (reader.u8() !== 0x03) throw malformed(start, "an export that is no type");
    const type = at(scope.types, reader);
    if (reader.u8() !== 0x00) this.#extern(reader, scope);
    exports.set(name, { kind: "type", type, isFresh: false });
    push(scope.types, type);
  }

  #type(reader: ByteReader, scope: Scope): DefinedType {
    const start = reader.offset;
    const code = reader.u8();
    if (code === 0x41 || code === 0x42) return this.#scoped(reader, scope, code);
    if (code === 0x40 || code === 0x43) return readFunction(reader, scope, code === 0x43);
    if (code === 0x3f) throw malformed(start, "the definition of a resource, which a type cannot have,");
    return readValue(reader, scope, code, start);
  }

  #scoped(reader: ByteReader, parent: Scope, code: 0x41 | 0x42): ComponentType | InstanceType {
    const scope: Scope = { types: [], instances: [], parent, depth: parent.depth + 1 };
    if (scope.depth > deepest) throw malformed(reader.offset, "types that lie too deep in one another");
    const imports = new Map<string, ExternType>();
    const exports = new Map<string, ExternType>();
    for (let count = reader.count(); count > 0; count -= 1) {
      const start = reader.offset;
      const declarator = reader.u8();
      if (declarator === 0x01) push(scope.types, this.#type(reader, scope));
      else if (declarator === 0x02) readAlias(reader, scope);
      else if (declarator === 0x04) this.#declare(reader, scope, exports);
      else if (declarator === 0x03 && code === 0x41) this.#declare(reader, scope, imports);
      else throw malformed(start, `an unknown declarator (0x${declarator.toString(16)})`);
    }
    return code === 0x41 ? { kind: "component", imports, exports } : { kind: "instance", exports };
  }

  #declare(reader: ByteReader, scope: Scope, names: Map<string, ExternType>): void {
    const start = reader.offset;
    const { name, attributes } = this.#name(reader);
    if (names.has(name)) throw malformed(start, `a second "${name}"`);
    const extern = this.#extern(reader, scope, name);
    if (attributes !== undefined) this.#attributes.set(extern, attributes);
    names.set(name, extern);
    if (extern.kind === "type") push(scope.types, extern.type);
    if (extern.kind === "instance") push(scope.instances, extern.type);
  }

  #name(reader: ByteReader): { name: string; attributes: ExternAttributes | undefined } {
    const start = reader.offset;
    const form = reader.u8();
    if (form > 2) throw malformed(start, `an unknown form of name (0x${form.toString(16)})`);
    const name = reader.name();
    if (form < 2) return { name, attributes: undefined };
    const attributes: { -readonly [Key in keyof ExternAttributes]: ExternAttributes[Key] } = {};
    for (let count = reader.count(); count > 0; count -= 1) {
      const offset = reader.offset;
      const key = (["implements", "versionSuffix", "externalId"] as const)[reader.u8()];
      if (key === undefined) throw malformed(offset, "an unknown attribute of a name");
      attributes[key] = reader.name();
    }
    return { name, attributes };
  }

  #extern(reader: ByteReader, scope: Scope, name?: string): ExternType {
    const start = reader.offset;
    const kind = reader.u8();
    switch (kind) {
      case 0x01:
        return { kind: "function", type: typeOf(scope, reader, "function") };
      case 0x03: {
        const bound = reader.u8();
        if (bound === 0x01) return { kind: "type", type: { kind: "resource", name }, isFresh: true };
        if (bound !== 0x00) throw malformed(start, `an unknown bound (0x${bound.toString(16)})`);
        const origin = at(scope.types, reader);
        const named = { ...origin };
        this.#origins.set(named, origin);
        return { kind: "type", type: named, isFresh: false };
      }
      case 0x04:
        return { kind: "component", type: typeOf(scope, reader, "component") };
      case 0x05:
        return { kind: "instance", type: typeOf(scope, reader, "instance") };
      default:
        throw malformed(start, `an import or export that WIT does not have (0x${kind.toString(16)})`);
    }
  }
}

function push<Item>(space: Item[], item: Item): void {
  limitDefinitions(space.length + 1, "definitions of one sort");
  space.push(item);
}

function at(types: readonly DefinedType[], reader: ByteReader): DefinedType {
  const start = reader.offset;
  const index = reader.u32();
  const type = types[index];
  if (type === undefined) throw malformed(start, `type ${index}, of which there are ${types.length},`);
  return type;
}

function typeOf<Kind extends DefinedType["kind"]>(
  scope: Scope,
  reader: ByteReader,
  kind: Kind,
): DefinedType & { readonly kind: Kind } {
  const start = reader.offset;
  const type = at(scope.types, reader);
  const isWanted = (each: DefinedType): each is DefinedType & { readonly kind: Kind } => each.kind === kind;
  if (!isWanted(type)) throw malformed(start, `a ${type.kind} type where that of a ${kind} has to stand`);
  return type;
}

function readAlias(reader: ByteReader, scope: Scope): void {
  const start = reader.offset;
  if (reader.u8() !== 0x03) throw malformed(start, "an alias of what is no type");
  const target = reader.u8();
  if (target === 0x00) {
    const instance = scope.instances[reader.u32()];
    const name = reader.name();
    const extern = instance?.exports.get(name);
    if (extern?.kind !== "type") throw malformed(start, `an alias of a type "${name}" that is not there`);
    return push(scope.types, extern.type);
  }
  if (target !== 0x02) throw malformed(start, "an unknown alias");
  let outer: Scope | undefined = scope;
  for (let count = reader.u32(); count > 0 && outer !== undefined; count -= 1) outer = outer.parent;
  if (outer === undefined) throw malformed(start, "an alias that leads too far out");
  push(scope.types, at(outer.types, reader));
}

function isValue(type: DefinedType): type is ComponentValueType {
  return !["function", "instance", "component", "resource"].includes(type.kind);
}

function readValueType(reader: ByteReader, scope: Scope): ComponentValueType {
  const start = reader.offset;
  const code = reader.s33();
  const kind = code < 0 ? primitives.get(code + 0x80) : undefined;
  if (kind !== undefined) return { kind };
  const type = code < 0 ? undefined : scope.types[code];
  if (type === undefined) throw malformed(start, `an unknown type (${code})`);
  if (!isValue(type)) throw malformed(start, `a ${type.kind} type where that of a value has to stand`);
  return type;
}

function readOptional(reader: ByteReader, scope: Scope): ComponentValueType | undefined {
  const start = reader.offset;
  const has = reader.u8();
  if (has > 1) throw malformed(start, `an unknown byte (0x${has.toString(16)}) before a type`);
  return has === 1 ? readValueType(reader, scope) : undefined;
}

function readVector<T>(reader: ByteReader, read: () => T): T[] {
  const start = reader.offset;
  const list: T[] = [];
  const count = reader.count();
  if (count === 0) throw malformed(start, "an empty list");
  for (let rest = count; rest > 0; rest -= 1) list.push(read());
  return list;
}

function readFunction(reader: ByteReader, scope: Scope, isAsync: boolean): ComponentFunctionType {
  const params: NamedType[] = [];
  for (let count = reader.count(); count > 0; count -= 1)
    params.push({ name: reader.name(), type: readValueType(reader, scope) });
  const start = reader.offset;
  const form = reader.u8();
  if (form === 0x00) return { kind: "function", params, result: readValueType(reader, scope), isAsync };
  if (form !== 0x01 || reader.u8() !== 0x00) throw malformed(start, "an unknown form of results");
  return { kind: "function", params, result: undefined, isAsync };
}

function readValue(reader: ByteReader, scope: Scope, code: number, start: number): ComponentValueType {
  const value = (): ComponentValueType => readValueType(reader, scope);
  const resource = (): ResourceType => typeOf(scope, reader, "resource");
  switch (code) {
    case 0x72:
      return { kind: "record", fields: readVector(reader, () => ({ name: reader.name(), type: value() })) };
    case 0x71: {
      const cases = readVector(reader, () => {
        const read = { name: reader.name(), type: readOptional(reader, scope) };
        if (reader.u8() !== 0x00) throw malformed(reader.offset - 1, "an unknown end of a case");
        return read;
      });
      return { kind: "variant", cases };
    }
    case 0x70:
      return { kind: "list", element: value(), length: undefined };
    case 0x67:
      return { kind: "list", element: value(), length: reader.u32() };
    case 0x6f:
      return { kind: "tuple", types: readVector(reader, value) };
    case 0x6e:
      return { kind: "flags", names: readVector(reader, () => reader.name()) };
    case 0x6d:
      return { kind: "enum", names: readVector(reader, () => reader.name()) };
    case 0x6b:
      return { kind: "option", type: value() };
    case 0x6a:
      return { kind: "result", ok: readOptional(reader, scope), error: readOptional(reader, scope) };
    case 0x69:
      return { kind: "own", resource: resource() };
    case 0x68:
      return { kind: "borrow", resource: resource() };
    case 0x66:
      return { kind: "stream", element: readOptional(reader, scope) };
    case 0x65:
      return { kind: "future", element: readOptional(reader, scope) };
    case 0x63:
      return { kind: "map", key: value(), value: value() };
    default: {
      const kind = primitives.get(code);
      if (kind === undefined) throw malformed(start, `an unknown type (0x${code.toString(16)})`);
      return { kind };
    }
  }
}
