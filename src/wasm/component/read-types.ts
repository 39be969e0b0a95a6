import type { Definition } from "./definitions.ts";
import { type Place, readOptional, readVector, unknown } from "./place.ts";
import { printCoreFunction } from "./print.ts";
import { readAlias } from "./read-aliases.ts";
import { readCoreType } from "./read-core-types.ts";
import { readExternType, readName } from "./read-externs.ts";
import { readDefinedValue, readFunctionType } from "./read-values.ts";
import { pushLimited, Scope, type ScopeKind } from "./scope.ts";
import type { DefinedType, ResourceType } from "./types.ts";

/** Reads a `type` and pushes it (component model, Binary: Type Definitions). */
export function readType(place: Place): Definition {
  const { scope, validation } = place;
  const type = readDefinition(place);
  validation.facts.of(type);
  pushLimited(scope.types, { type, alias: type.kind === "resource" ? Symbol("definition") : undefined });
  return { kind: "type", type };
}

function readDefinition(place: Place): DefinedType {
  const { reader } = place;
  const start = reader.offset;
  const code = reader.u8();
  switch (code) {
    case 0x3f:
      return readResourceType(place);
    case 0x40:
    case 0x43:
      return readFunctionType(place, code === 0x43);
    case 0x41: {
      const { imports, exports } = readBody(place, "component-type");
      return { kind: "component", imports, exports };
    }
    case 0x42:
      return { kind: "instance", exports: readBody(place, "instance-type").exports };
    default:
      return readDefinedValue(place, code, start);
  }
}

function readResourceType(place: Place): ResourceType {
  const { reader, scope, validation } = place;
  if (scope.kind !== "component") throw validation.invalid("a resource type can only be defined in a component");
  const start = reader.offset;
  const byte = reader.u8();
  if (byte !== 0x7f && byte !== 0x7e) throw unknown(start, "representation of a resource", byte);
  const representation = byte === 0x7f ? "i32" : "i64";
  if (representation === "i64") validation.need("memory64", "a resource that i64 stands for");
  const destructor = readOptional(reader, () => reader.u32());
  if (destructor !== undefined) {
    const type = validation.item(scope.coreFunctions, destructor, "core function");
    if (type.results.length !== 0 || type.params.length !== 1 || type.params[0] !== representation) {
      const wanted = `(func (param ${representation}))`;
      throw validation.invalid(`the destructor is ${printCoreFunction(type)}, wanted ${wanted}`);
    }
  }
  return { kind: "resource", name: undefined, definition: { representation, destructor } };
}

/** Reads the declarations of a component type or instance type into a scope of their own. */
function readBody(place: Place, kind: ScopeKind): Scope {
  const { reader, validation } = place;
  return validation.nested(() => {
    const scope = new Scope(kind, place.scope, validation);
    const inside = { reader, scope, validation };
    readVector(reader, () => {
      readDeclaration(inside);
    });
    return scope;
  });
}

function readDeclaration(place: Place): void {
  const { reader, scope, validation } = place;
  const start = reader.offset;
  const form = reader.u8();
  switch (form) {
    case 0x00:
      readCoreType(place);
      return;
    case 0x01:
      readType(place);
      return;
    case 0x02:
      readAlias(place);
      return;
    case 0x03:
    case 0x04: {
      if (form === 0x03 && scope.kind === "instance-type") throw unknown(start, "declaration", form);
      const direction = form === 0x03 ? "import" : "export";
      const { name, attributes } = readName(place);
      validation.at(`${direction} "${name}"`, () => {
        scope.add(direction, name, { attributes, extern: readExternType(place, name) });
      });
      return;
    }
    default:
      throw unknown(start, "declaration", form);
  }
}
