import { readExternType } from "../externs.ts";
import { type ModuleFeature, type TypeDefinition, TypeReader } from "../types.ts";
import { CoreTypeText } from "./core-types.ts";
import { importKey } from "./match-core.ts";
import { expectByte, type Place, readVector, unknown } from "./place.ts";
import { pushLimited, type Scope } from "./scope.ts";
import type { CoreExtern, CoreImport, CoreModuleType, CoreTypeDefinition } from "./types.ts";

/** Pages that a memory may have at most, with addresses of 32 and of 64 bits (WebAssembly 3.0, 3.2.11 Memory types). */
const mostPages = { narrow: 2 ** 32, wide: 2 ** 64 };

/**
 * Reads a `core:deftype` and pushes what it defines: a module type, or the members of a recursion group (component model,
 * Binary: Type Definitions).
 */
export function readCoreType(place: Place): CoreTypeDefinition[] {
  const { reader, scope } = place;
  const space = scope.coreTypes;
  const first = reader.peek();
  if (first === 0x50) {
    reader.u8();
    const type = readModuleType(place);
    pushLimited(space, type);
    return [type];
  }
  if (first === 0x00) {
    const start = reader.offset;
    reader.u8();
    if (reader.peek() !== 0x50) throw unknown(start, "core type", 0);
  }
  return readGroup(place, space);
}

/** Reads a recursion group; what its members refer to is written out. */
function readGroup({ reader, validation }: Place, space: CoreTypeDefinition[]): TypeDefinition[] {
  const group: TypeDefinition[] = [];
  new TypeReader(reader, new Set<ModuleFeature>()).typeGroup(group);
  const base = space.length;
  const all: TypeDefinition[] = [];
  for (const type of space) all.push(type.kind === "core-module" ? { kind: "struct", fields: [] } : type);
  all.push(...group);
  validation.facts.spend(all.length);
  const text = new CoreTypeText(all);
  return group.map((type, index) => {
    const written = text.definition(base + index) ?? type;
    pushLimited(space, written);
    return written;
  });
}

/** Reads `core:moduletype` behind its first byte, with a type space of its own. */
function readModuleType(place: Place): CoreModuleType {
  const { reader, validation } = place;
  const types: CoreTypeDefinition[] = [];
  const imports: CoreImport[] = [];
  const exports = new Map<string, CoreExtern>();
  const imported = new Set<string>();
  readVector(reader, () => {
    const start = reader.offset;
    const form = reader.u8();
    switch (form) {
      case 0x00: {
        const [module, name] = [reader.name(), reader.name()];
        const key = importKey(module, name);
        if (imported.has(key)) throw validation.invalid(`a module type imports "${module}" "${name}" twice`);
        imported.add(key);
        imports.push({ module, name, type: readExtern(place, types) });
        return;
      }
      case 0x01:
        if (reader.peek() === 0x50) throw validation.invalid("a module type inside a module type");
        readInnerType(place, types);
        return;
      case 0x02:
        types.push(readModuleAlias(place, types));
        return;
      case 0x03: {
        const name = reader.name();
        if (exports.has(name)) throw validation.invalid(`a module type exports "${name}" twice`);
        exports.set(name, readExtern(place, types));
        return;
      }
      default:
        throw unknown(start, "declaration of a module type", form);
    }
  });
  return { kind: "core-module", imports, exports };
}

function readInnerType(place: Place, types: CoreTypeDefinition[]): void {
  const { reader } = place;
  if (reader.peek() === 0x00) {
    reader.u8();
    if (reader.peek() !== 0x50) throw unknown(reader.offset - 1, "core type", 0);
  }
  readGroup(place, types);
}

/** Reads `core:alias`: a type of a scope around; level 0 is the module type itself. */
function readModuleAlias(
  { reader, scope, validation }: Place,
  types: readonly CoreTypeDefinition[],
): CoreTypeDefinition {
  expectByte(reader, 0x10, "sort of an alias in a module type");
  expectByte(reader, 0x01, "alias in a module type");
  const count = reader.u32();
  const index = reader.u32();
  let outer: Scope | undefined = scope;
  for (let left = count - 1; left > 0 && outer !== undefined; left -= 1) outer = outer.parent;
  if (outer === undefined) throw validation.invalid(`an outer alias ${count} levels up, where there are not as many`);
  const type = validation.item(count === 0 ? types : outer.coreTypes, index, "core type");
  if (type.kind === "core-module") throw validation.invalid(`core type ${index} is a module type inside a module type`);
  return type;
}

function readExtern({ reader, validation }: Place, types: readonly CoreTypeDefinition[]): CoreExtern {
  const kindOffset = reader.offset;
  const kindByte = reader.u8();
  const definitions: TypeDefinition[] = [];
  for (const type of types) if (type.kind !== "core-module") definitions.push(type);
  validation.facts.spend(types.length);
  const context = { bytes: reader.bytes, types: definitions, features: new Set<ModuleFeature>() };
  const extern = readExternType(reader, context, { kindByte, kindOffset });
  if (extern.kind === "memory") {
    const { is64, min, max, pageSize } = extern.type;
    const most = (is64 ? mostPages.wide : mostPages.narrow) / pageSize;
    if (min > most || (max ?? 0) > most) throw validation.invalid(`a memory of ${max ?? min} pages, at most ${most}`);
  }
  return new CoreTypeText(definitions).extern(extern);
}
