import type { Definition, Sort } from "./definitions.ts";
import { type Place, readSort, unknown } from "./place.ts";
import { pushLimited, type Scope } from "./scope.ts";

/** Reads an `alias` and pushes what it names (component model, Binary: Alias Definitions). */
export function readAlias(place: Place): Definition {
  const { reader, scope } = place;
  const sort = readSort(place);
  const start = reader.offset;
  const target = reader.u8();
  switch (target) {
    case 0x00:
      return aliasExport(place, sort);
    case 0x01:
      return aliasCoreExport(place, sort);
    case 0x02: {
      const count = reader.u32();
      const index = reader.u32();
      if (scope.kind !== "component" && sort !== "type" && sort !== "core-type") {
        throw place.validation.invalid(`inside a type an outer alias cannot name a ${sort}`);
      }
      aliasOuter(place, sort, { count, index });
      return { kind: "alias-outer", sort, count, index };
    }
    default:
      throw unknown(start, "target of an alias", target);
  }
}

function aliasExport({ reader, scope, validation }: Place, sort: Sort): Definition {
  const instance = reader.u32();
  const name = reader.name();
  const type = validation.item(scope.instances, instance, "instance");
  if (scope.kind !== "component" && sort !== "type" && sort !== "instance") {
    throw validation.invalid(`inside a type an alias cannot name a ${sort}`);
  }
  const extern = type.exports.get(name);
  if (extern === undefined) throw validation.invalid(`instance ${instance} has no export "${name}"`);
  if (extern.kind !== sort) {
    throw validation.invalid(`export "${name}" of instance ${instance} is a ${extern.kind}, wanted a ${sort}`);
  }
  scope.push(extern);
  return { kind: "alias-export", sort, instance, name };
}

function aliasCoreExport({ reader, scope, validation }: Place, sort: Sort): Definition {
  const instance = reader.u32();
  const name = reader.name();
  if (scope.kind !== "component") throw validation.invalid("inside a type an alias cannot name a core export");
  const extern = validation.item(scope.coreInstances, instance, "core instance").get(name);
  if (extern === undefined) throw validation.invalid(`core instance ${instance} has no export "${name}"`);
  if (sort !== `core-${extern.kind}`) {
    throw validation.invalid(`export "${name}" of core instance ${instance} is a ${extern.kind}, wanted a ${sort}`);
  }
  scope.pushCore(extern);
  return { kind: "alias-core-export", sort, instance, name };
}

function aliasOuter({ scope, validation }: Place, sort: Sort, target: { count: number; index: number }): void {
  const { count, index } = target;
  const { outer, crosses } = outerScope(scope, count);
  if (outer === undefined) throw validation.invalid(`an outer alias ${count} levels up, where there are not as many`);
  switch (sort) {
    case "core-module":
      return pushLimited(scope.coreModules, validation.item(outer.coreModules, index, "outer core module"));
    case "core-type":
      return pushLimited(scope.coreTypes, validation.item(outer.coreTypes, index, "outer core type"));
    case "component":
      return pushLimited(scope.components, validation.item(outer.components, index, "outer component"));
    case "type": {
      const entry = validation.item(outer.types, index, "outer type");
      if (crosses && validation.facts.of(entry.type).free.size > 0) {
        throw validation.invalid(`outer type ${index} mentions a resource type of another component`);
      }
      return pushLimited(scope.types, entry);
    }
    case "core-function":
    case "core-global":
    case "core-instance":
    case "core-memory":
    case "core-table":
    case "core-tag":
    case "function":
    case "instance":
    case "value":
      throw validation.invalid(`an outer alias cannot name a ${sort}`);
  }
}

/** The scope so many levels up, and whether a component's border lies between. */
function outerScope(scope: Scope, count: number): { readonly outer: Scope | undefined; readonly crosses: boolean } {
  let outer: Scope | undefined = scope;
  let crosses = false;
  for (let left = count; left > 0 && outer !== undefined; left -= 1) {
    crosses ||= outer.kind === "component";
    outer = outer.parent;
  }
  return { outer, crosses };
}
