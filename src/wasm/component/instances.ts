import type { Definition, NamedSortIndex } from "./definitions.ts";
import { ExternNames } from "./extern-names.ts";
import { matchExtern, type MatchMap } from "./match.ts";
import { matchCoreExtern } from "./match-core.ts";
import { expectByte, type Place, readCoreSort, readSortIndex, readVector, unknown } from "./place.ts";
import { printCoreExtern, printExtern } from "./print.ts";
import { readName } from "./read-externs.ts";
import { pushLimited } from "./scope.ts";
import { type NameMap, renewIntroduced, Substitution } from "./substitute.ts";
import type { ComponentType, CoreExtern, CoreModuleType, ExternType, InstanceType } from "./types.ts";

/** Reads a `core:instance` and pushes it (component model, Binary: Instance Definitions). */
export function readCoreInstance(place: Place): Definition {
  const { reader, scope, validation } = place;
  const start = reader.offset;
  const form = reader.u8();
  if (form === 0x00) {
    const module = reader.u32();
    const args = readVector(reader, () => {
      const name = reader.name();
      expectByte(reader, 0x12, "sort of an argument");
      return { name, instance: reader.u32() };
    });
    const type = validation.item(scope.coreModules, module, "core module");
    checkCoreArguments(place, type, args);
    pushLimited(scope.coreInstances, type.exports);
    return { kind: "core-instance-instantiate", module, args };
  }
  if (form !== 0x01) throw unknown(start, "form of core instance", form);
  const types = new Map<string, CoreExtern>();
  const exports = readVector(reader, () => {
    const name = reader.name();
    const sort = readCoreSort(reader);
    const index = reader.u32();
    if (types.has(name)) throw validation.invalid(`a second export "${name}"`);
    types.set(name, scope.coreExtern(sort, index));
    return { name, sort, index };
  });
  pushLimited(scope.coreInstances, types);
  return { kind: "core-instance-exports", exports };
}

function checkCoreArguments(
  { scope, validation }: Place,
  type: CoreModuleType,
  args: readonly { readonly name: string; readonly instance: number }[],
): void {
  const given = new Map<string, ReadonlyMap<string, CoreExtern>>();
  for (const { name, instance } of args) {
    if (given.has(name)) throw validation.invalid(`a second argument "${name}"`);
    given.set(name, validation.item(scope.coreInstances, instance, "core instance"));
  }
  for (const { module, name, type: wanted } of type.imports) {
    const instance = given.get(module);
    if (instance === undefined) throw validation.invalid(`no argument "${module}" is given for the module's imports`);
    const actual = instance.get(name);
    const what = `argument "${module}"`;
    if (actual === undefined) throw validation.invalid(`${what} lacks "${name}", wanted ${printCoreExtern(wanted)}`);
    const problem = matchCoreExtern(actual, wanted);
    if (problem !== undefined) throw validation.invalid(`${what} › "${name}" ${problem}`);
  }
}

/** Reads an `instance` and pushes it. */
export function readInstance(place: Place): Definition {
  const { reader, scope } = place;
  const start = reader.offset;
  const form = reader.u8();
  if (form === 0x00) {
    const component = reader.u32();
    const args = readVector(reader, () => {
      const name = reader.name();
      return { name, ...readSortIndex(place) };
    });
    const type = instantiate(place, component, args);
    pushLimited(scope.instances, type);
    return { kind: "instance-instantiate", component, args, type };
  }
  if (form !== 0x01) throw unknown(start, "form of instance", form);
  const names = new ExternNames(place.validation, "bag");
  const types = new Map<string, ExternType>();
  const exports = readVector(reader, () => readInlineExport(place, names, types));
  const type: InstanceType = { kind: "instance", exports: types };
  place.validation.facts.of(type);
  pushLimited(scope.instances, type);
  return { kind: "instance-exports", exports, type };
}

function readInlineExport(place: Place, names: ExternNames, types: Map<string, ExternType>): NamedSortIndex {
  const { name, attributes } = readName(place);
  const { sort, index } = readSortIndex(place);
  return place.validation.at(`export "${name}"`, () => {
    // The types keep the names that they have: a bag of exports has no index space that could hold other ones.
    const extern = place.scope.extern(sort, index);
    names.add(name, attributes, extern);
    types.set(name, extern);
    return { name, sort, index };
  });
}

/** The type of what an instantiation makes: arguments put in for imports, and resource types of its own. */
function instantiate(place: Place, component: number, args: readonly NamedSortIndex[]): InstanceType {
  const { scope, validation } = place;
  const { facts } = validation;
  const type = validation.item(scope.components, component, "component");
  const given = new Map<string, ExternType>();
  for (const { name, sort, index } of args) {
    if (given.has(name)) throw validation.invalid(`a second argument "${name}"`);
    given.set(name, scope.extern(sort, index));
  }
  const names: NameMap = { types: new Map(), aliases: new Map() };
  const map = checkArguments(place, { type, given, names });
  facts.spendCopies(type.exports.size);
  renewIntroduced(type.exports, map, facts);
  const instance: InstanceType = {
    kind: "instance",
    exports: new Substitution(map, facts, names).externs(type.exports),
  };
  facts.of(instance);
  return instance;
}

interface Arguments {
  readonly type: ComponentType;
  readonly given: ReadonlyMap<string, ExternType>;
  readonly names: NameMap;
}

/** Checks the arguments and answers which resource types they put in for those of the component's imports. */
function checkArguments({ validation }: Place, { type, given, names }: Arguments): MatchMap {
  const map: MatchMap = new Map();
  for (const [name, wanted] of type.imports) {
    const actual = given.get(name);
    if (actual === undefined) throw validation.invalid(`no argument "${name}" is given, wanted ${printExtern(wanted)}`);
    const problem = matchExtern(actual, wanted, map, { facts: validation.facts, names });
    if (problem !== undefined) throw validation.invalid(`argument "${name}" ${problem}`);
  }
  return map;
}
