import { ByteWriter } from "../writer.ts";
import { EncodeScope, type NameAttributes, writeExternName } from "./encode-scope.ts";
import {
  bodyParts,
  functionName,
  interfaceName,
  partsOf,
  qualifiedName,
  type WitInterface,
  type WitPackage,
  type WitType,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
} from "./model.ts";
import { dependenciesOf } from "./world-builder.ts";

/**
 * A package as a component binary, in which each interface and world is a type that is exported (WIT, Package Format).
 * Documentation and gates have no place in it.
 */
export function encodeWit(wit: WitPackage): Uint8Array {
  const writer = new ByteWriter().raw([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]);
  const items = [...wit.interfaces.values(), ...wit.worlds.values()];
  section(writer, 0, new ByteWriter().name("wit-component-encoding").raw([0x04, 0x00]));
  for (const [at, item] of items.entries()) {
    section(writer, 7, new ByteWriter().u32(1).raw(item.kind === "interface" ? wrapInterface(item) : wrapWorld(item)));
    const exported = new ByteWriter().u32(1);
    writeExternName(exported, item.name ?? "");
    // Each type is defined once and then exported, which gives it a second index.
    section(
      writer,
      11,
      exported
        .u8(0x03)
        .u32(at * 2)
        .u8(0x00),
    );
  }
  return writer.finish();
}

function section(writer: ByteWriter, id: number, content: ByteWriter): void {
  const bytes = content.finish();
  writer.u8(id).u32(bytes.length).raw(bytes);
}

/** A component type that imports what an interface uses and exports the interface. */
function wrapInterface(each: WitInterface): Uint8Array {
  const instances = new Map<WitInterface, number>();
  const scope = componentScope(instances);
  for (const [needed, types] of neededTypes(each)) {
    const type = scope.type(instanceType(needed, scope, (definition) => types.has(definition)));
    instances.set(needed, scope.extern("import", interfaceName(needed) ?? "", { kind: "instance", type }));
  }
  const type = scope.type(instanceType(each, scope));
  scope.extern("export", interfaceName(each) ?? "", { kind: "instance", type });
  return scope.finish(0x41);
}

/** A scope whose types of other interfaces are aliases of what their instances export. */
function componentScope(instances: ReadonlyMap<WitInterface, number>): EncodeScope {
  return new EncodeScope(({ owner, name }, scope) => {
    const instance = owner.kind === "interface" ? instances.get(owner) : undefined;
    if (instance === undefined) throw new TypeError(`"${name}" comes from an interface that is not there`);
    return scope.aliasExport(instance, name);
  });
}

function instanceType(
  { types, functions }: WitInterface,
  outer: EncodeScope,
  isWanted: ((definition: WitTypeDefinition) => boolean) | "all" = "all",
): Uint8Array {
  const scope = new EncodeScope((definition, own) => own.aliasOuter(outer.indexOf(definition)));
  for (const each of types.values()) if (isWanted === "all" || isWanted(each)) scope.define("export", each);
  if (isWanted !== "all") return scope.finish(0x42);
  for (const each of types.values()) scope.resourceFunctions("export", each);
  for (const each of functions.values()) scope.function("export", functionName(each, undefined), each);
  return scope.finish(0x42);
}

/** The types of other interfaces that an interface's types are made of, by interface, each behind those that it uses. */
function neededTypes(each: WitInterface): ReadonlyMap<WitInterface, ReadonlySet<WitTypeDefinition>> {
  const needed = new Map<WitInterface, Set<WitTypeDefinition>>();
  const visitType = (type: WitType): void => {
    if (type.kind === "named" || type.kind === "borrow") visit(type.definition);
    else for (const part of partsOf(type)) visitType(part);
  };
  const visit = (definition: WitTypeDefinition): void => {
    const { owner, body } = definition;
    if (owner.kind === "interface" && owner !== each) {
      const set = needed.get(owner) ?? new Set();
      if (set.has(definition)) return;
      needed.set(owner, set.add(definition));
    }
    for (const part of bodyParts(body)) visitType(part);
  };
  for (const definition of each.types.values()) if (definition.body.kind === "use") visit(definition);
  const ordered = new Map<WitInterface, ReadonlySet<WitTypeDefinition>>();
  const add = (one: WitInterface): void => {
    const types = needed.get(one);
    if (types === undefined || ordered.has(one)) return;
    for (const dependency of dependenciesOf(one)) add(dependency);
    ordered.set(one, types);
  };
  for (const one of needed.keys()) add(one);
  return ordered;
}

function wrapWorld(world: WitWorld): Uint8Array {
  const outer = new EncodeScope(() => {
    throw new TypeError("a world refers to nothing outside of it");
  });
  const type = outer.type(componentType(world));
  outer.extern("export", qualifiedName(world.package, world.name), { kind: "component", type });
  return outer.finish(0x41);
}

function componentType({ imports, exports }: WitWorld): Uint8Array {
  const instances = new Map<WitInterface, number>();
  const scope = componentScope(instances);
  let types = [...imports.values()].filter(({ kind }) => kind === "type").length;
  const flush = (): void => {
    // Methods may refer to any of the world's types.
    for (const each of imports.values()) if (each.kind === "type") scope.resourceFunctions("import", each);
  };
  for (const [name, each] of imports) {
    if (each.kind === "type") {
      scope.define("import", each);
      types -= 1;
      if (types === 0) flush();
    } else encodeItem("import", name, each, { scope, instances });
  }
  for (const [name, each] of exports) if (each.kind !== "type") encodeItem("export", name, each, { scope, instances });
  return scope.finish(0x41);
}

function encodeItem(
  word: "import" | "export",
  name: string,
  each: Exclude<WitWorldItem, WitTypeDefinition>,
  { scope, instances }: { readonly scope: EncodeScope; readonly instances: Map<WitInterface, number> },
): void {
  if (each.kind === "function") return scope.function(word, name, each);
  const isPlain = !name.includes(":");
  const attributes: NameAttributes = {
    implements: isPlain ? interfaceName(each.interface) : undefined,
    externalId: each.externalId,
  };
  const type = scope.type(instanceType(each.interface, scope));
  const instance = scope.extern(word, name, { kind: "instance", type, attributes });
  if (!isPlain) {
    instances.set(each.interface, instance);
    scope.forget(each.interface);
  }
}
