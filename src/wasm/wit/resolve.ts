import type { InterfaceItemNode, PackagePartNode, PathNode } from "./ast.ts";
import { type GateOptions, readGate } from "./gates.ts";
import {
  type Draft,
  packageText,
  type WitFunction,
  type WitInterface,
  type WitItem,
  type WitPackage,
  type WitPackageName,
  type WitResolution,
  type WitTypeDefinition,
  type WitWorld,
} from "./model.ts";
import {
  collectPackages,
  findByPath,
  type InterfaceEntry,
  type PackageEntry,
  type PackageTable,
  type WorldEntry,
} from "./packages.ts";
import { type WitSource, witInvalid } from "./source.ts";
import { TypeScope } from "./type-scope.ts";
import { dependenciesOf, WorldBuilder } from "./world-builder.ts";

const deepest = 200;

/**
 * Reads a package of WIT and those that it depends on, and resolves all names in them (WIT, Filesystem structure, Name
 * resolution). Files whose paths have a folder `deps` are dependencies, one package for each file or folder in it; all
 * others are the package itself.
 *
 * @throws WIT_INVALID with file, line and column
 */
export function readWit(sources: readonly WitSource[], options: GateOptions = {}): WitResolution {
  return new Resolver(collectPackages(sources, options)).resolve();
}

/** Where a path is looked up: a part of a package. */
export interface Site {
  readonly from: PackageEntry;
  readonly part: PackagePartNode;
}

/** Resolves interfaces and worlds, each when it is first needed. */
export class Resolver {
  readonly #table: PackageTable;
  #depth = 0;

  constructor(table: PackageTable) {
    this.#table = table;
  }

  /** All packages. */
  resolve(): WitResolution {
    const made = new Map<PackageEntry, WitPackage>();
    for (const entry of this.#table.all.values()) made.set(entry, this.#package(entry));
    const root = made.get(this.#table.root);
    if (root === undefined) throw new TypeError("the root package was not resolved");
    const packages = [...made.values()].filter((each) => each !== root);
    const byName = packages.toSorted((a, b) => (packageText(a.name) < packageText(b.name) ? -1 : 1));
    return { root, packages: [root, ...byName] };
  }

  #package({ name, docs, interfaces, worlds }: PackageEntry): WitPackage {
    const madeInterfaces = new Map<string, WitInterface>();
    const madeWorlds = new Map<string, WitWorld>();
    // Each behind those that it uses, as the binary form wants them.
    const add = (made: WitInterface | undefined): void => {
      if (made?.name === undefined || made.package !== name || madeInterfaces.get(made.name) === made) return;
      for (const dependency of dependenciesOf(made)) add(dependency);
      madeInterfaces.set(made.name, made);
    };
    for (const entry of interfaces.values()) add(this.#enter(entry, () => this.#interface(entry)));
    for (const [each, entry] of worlds) {
      const made = this.#enter(entry, () => this.#world(entry));
      if (made !== undefined) madeWorlds.set(each, made);
    }
    return { name, docs, interfaces: madeInterfaces, worlds: madeWorlds };
  }

  /** The interface that a path names. @throws WIT_INVALID */
  interfaceAt(path: PathNode, site: Site): WitInterface {
    const entry = findByPath(path, "interface", { table: this.#table, ...site });
    return this.#wanted(
      path,
      this.#enter(entry, () => this.#interface(entry)),
    );
  }

  /** The world that a path names. @throws WIT_INVALID */
  worldAt(path: PathNode, site: Site): WitWorld {
    const entry = findByPath(path, "world", { table: this.#table, ...site });
    return this.#wanted(
      path,
      this.#enter(entry, () => this.#world(entry)),
    );
  }

  /** Makes an interface of its items; `name` and `package` are undefined for an inline one. @throws WIT_INVALID */
  makeInterface(
    items: readonly InterfaceItemNode[],
    {
      item,
      site,
      name,
      package: owner,
    }: {
      readonly item: WitItem;
      readonly site: Site;
      readonly name?: string;
      readonly package?: WitPackageName;
    },
  ): WitInterface {
    const functions = new Map<string, WitFunction>();
    const types: ReadonlyMap<string, WitTypeDefinition> = new Map();
    const made: Draft<WitInterface> = { kind: "interface", name, package: owner, ...item, types, functions };
    const scope = new TypeScope({
      owner: made,
      gates: site.from.gates,
      outer: item.gate,
      findInterface: ({ path }) => this.interfaceAt(path, site),
    });
    scope.declare(items);
    made.types = scope.resolve();
    for (const node of items) {
      if (node.kind !== "function") continue;
      scope.take(node.name);
      const read = scope.readItem(node);
      if (read.isKept) functions.set(node.name.text, scope.function(node, read.item));
    }
    return made;
  }

  #wanted<T>(path: PathNode, found: T | undefined): T {
    if (found !== undefined) return found;
    throw witInvalid(`"${path.name.text}" is gated and left out, and this item is not`, path.name);
  }

  #enter<Made extends WitInterface | WitWorld>(
    entry: { state: "new" | "open" | "left-out" | Made; readonly node: InterfaceEntry["node"] | WorldEntry["node"] },
    make: () => Made | undefined,
  ): Made | undefined {
    if (entry.state === "left-out") return undefined;
    if (typeof entry.state === "object") return entry.state;
    const { name, kind } = entry.node;
    if (entry.state === "open") throw witInvalid(`the ${kind} "${name.text}" refers to itself`, name);
    if (this.#depth >= deepest) throw witInvalid(`items refer to one another over more than ${deepest} steps`, name);
    entry.state = "open";
    this.#depth += 1;
    const made = make();
    this.#depth -= 1;
    entry.state = made ?? "left-out";
    return made;
  }

  #interface({ node, package: from, part }: InterfaceEntry): WitInterface | undefined {
    const { item, isKept } = readGate(node.attributes, from.gates);
    if (!isKept) return undefined;
    return this.makeInterface(node.items, { item, site: { from, part }, name: node.name.text, package: from.name });
  }

  #world({ node, package: from, part }: WorldEntry): WitWorld | undefined {
    const { item, isKept } = readGate(node.attributes, from.gates);
    if (!isKept) return undefined;
    return new WorldBuilder({ resolver: this, site: { from, part }, node, item }).build();
  }
}
