import { SampanError } from "../../base/index.ts";
import { parseExternName, type ComponentType, type ExternType, type InstanceType } from "../component-parts.ts";
import { ItemScope, type Key } from "./item-scope.ts";
import {
  bareItem,
  packageText,
  type WitFunction,
  type WitInterface,
  type WitPackageName,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
} from "./model.ts";
import { StructureIds } from "./structure-ids.ts";
import type { TypeTree } from "./type-tree.ts";

/** An interface whose types and functions come from more than one place. */
export interface OpenInterface {
  readonly made: WitInterface;
  readonly types: Map<string, WitTypeDefinition>;
  readonly functions: Map<string, WitFunction>;
}

/** How many types may be written: one that stands in the binary once may be meant more often than anybody can write. */
const mostTypes = 200_000;

/** Makes WIT of the types of components and instances; interfaces of one name are one, whoever mentions them. */
export class FromTypes {
  readonly tree: TypeTree;
  /** What an object of the tree is called in the interface that has it first. */
  readonly definitions = new Map<Key, WitTypeDefinition>();
  /** Structures by their names and what they are; an instance that a component makes has copies of what it imports. */
  readonly structures = new Map<string, WitTypeDefinition>();
  readonly ids = new StructureIds();
  /** Whether types may be copies of others: those of exports, where objects do not tell. */
  hasCopies = false;
  #left = mostTypes;
  readonly #interfaces = new Map<string, OpenInterface>();
  readonly #packages = new Map<string, Map<string, WitInterface>>();
  readonly #packageNames = new Map<string, WitPackageName>();

  constructor(tree: TypeTree) {
    this.tree = tree;
  }

  /** Counts a type that is to be written. @throws WIT_INVALID where there are too many */
  spend(): void {
    this.#left -= 1;
    if (this.#left >= 0) return;
    throw new SampanError("WIT_INVALID", `Cannot write the component as WIT: it has more than ${mostTypes} types`);
  }

  /** The packages of all interfaces so far. */
  packages(): readonly { readonly name: WitPackageName; readonly interfaces: ReadonlyMap<string, WitInterface> }[] {
    return [...this.#packages].flatMap(([key, interfaces]) => {
      const name = this.#packageNames.get(key);
      return name === undefined ? [] : [{ name, interfaces }];
    });
  }

  /** The interface of a name such as `wasi:io/streams@0.2.0`, with what this instance type has of it. */
  interface(name: string, type: InstanceType): WitInterface | undefined {
    const parsed = parseExternName(name, { nested: true, canonical: true });
    if (parsed?.kind !== "interface") return undefined;
    const known =
      this.#interfaces.get(name) ??
      this.#open(parsed.interface, {
        namespace: parsed.namespace,
        name: parsed.package,
        version: parsed.version,
      });
    this.#interfaces.set(name, known);
    this.#fill(known, type);
    return known.made;
  }

  /** An interface without a name, of an instance with a plain one. */
  inlineInterface(type: InstanceType): WitInterface {
    const made = openInterface(undefined, undefined);
    this.#fill(made, type);
    return made.made;
  }

  /** A world of what a component imports and exports; `omitted` are names that WIT cannot have. */
  world(type: ComponentType, name: string, owner: WitPackageName): { world: WitWorld; omitted: readonly string[] } {
    const imports = new Map<string, WitWorldItem>();
    const exports = new Map<string, WitWorldItem>();
    const world: WitWorld = { kind: "world", name, package: owner, ...bareItem, imports, exports };
    const types = new Map<string, WitTypeDefinition>();
    const scope = new ItemScope(this, world, types);
    const omitted: string[] = [];
    for (const [side, items] of [
      [type.imports, imports],
      [type.exports, exports],
    ] as const) {
      const functions = new Map<string, WitFunction>();
      this.hasCopies = !this.tree.isExact && side === type.exports;
      for (const [each, extern] of side) {
        const before = types.size;
        const item = this.#worldItem(each, extern, { scope, functions });
        // WIT has types of worlds on the side of the imports.
        for (const added of [...types.values()].slice(before)) imports.set(added.name, added);
        if (item !== undefined) items.set(each, item);
        else if (extern.kind !== "type" && extern.kind !== "function") omitted.push(each);
      }
      for (const [each, made] of functions) items.set(each, made);
    }
    return { world, omitted };
  }

  #worldItem(
    name: string,
    extern: ExternType,
    { scope, functions }: { readonly scope: ItemScope; readonly functions: Map<string, WitFunction> },
  ): WitWorldItem | undefined {
    const externalId = this.tree.attributesOf(extern)?.externalId;
    const item = { ...bareItem, externalId };
    switch (extern.kind) {
      case "type":
        scope.define(name, extern);
        return undefined;
      case "function": {
        const made = scope.function(name, extern.type, { item, functions });
        functions.delete(name);
        return made;
      }
      case "instance": {
        if (name.includes(":")) {
          const made = this.interface(name, extern.type);
          return made === undefined ? undefined : { kind: "instance", interface: made, ...item };
        }
        const implemented = this.tree.attributesOf(extern)?.implements;
        const named = implemented === undefined ? undefined : this.interface(implemented, extern.type);
        return { kind: "instance", interface: named ?? this.inlineInterface(extern.type), ...item };
      }
      case "core-module":
      case "component":
      case "value":
        return undefined;
    }
  }

  #open(name: string, owner: WitPackageName): OpenInterface {
    const made = openInterface(name, owner);
    const key = packageText(owner);
    this.#packageNames.set(key, owner);
    this.#packages.set(key, (this.#packages.get(key) ?? new Map<string, WitInterface>()).set(name, made.made));
    return made;
  }

  #fill({ made, types, functions }: OpenInterface, { exports }: InstanceType): void {
    const scope = new ItemScope(this, made, types);
    for (const [name, extern] of exports) {
      const item = { ...bareItem, externalId: this.tree.attributesOf(extern)?.externalId };
      if (extern.kind === "type") scope.define(name, extern);
      else if (extern.kind === "function") scope.function(name, extern.type, { item, functions });
    }
    // The one that has everything has the order; others have only what somebody uses.
    const isWhole = [...types.keys(), ...functions.keys()].every((name) => exports.has(name));
    if (!isWhole) return;
    reorder(types, exports);
    reorder(functions, exports);
  }
}

function openInterface(name: string | undefined, owner: WitPackageName | undefined): OpenInterface {
  const types = new Map<string, WitTypeDefinition>();
  const functions = new Map<string, WitFunction>();
  return {
    made: { kind: "interface", name, package: owner, ...bareItem, types, functions },
    types,
    functions,
  };
}

function reorder<Item>(items: Map<string, Item>, by: ReadonlyMap<string, unknown>): void {
  const before = new Map(items);
  items.clear();
  for (const name of by.keys()) {
    const item = before.get(name);
    if (item !== undefined) items.set(name, item);
  }
}
