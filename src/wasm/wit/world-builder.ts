import type { ExternNode, IncludeNode, NameNode, PathNode, WorldNode } from "./ast.ts";
import { substitute } from "./include.ts";
import {
  bareItem,
  type Draft,
  interfaceName,
  underlying,
  type WitInterface,
  type WitItem,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldItem,
} from "./model.ts";
import { type WitPlace, listed, witInvalid } from "./source.ts";
import { TypeScope } from "./type-scope.ts";
import type { Resolver, Site } from "./resolve.ts";

/** What a world is made of. */
export interface WorldParts {
  readonly resolver: Resolver;
  readonly site: Site;
  readonly node: WorldNode;
  readonly item: WitItem;
}

/** Names of one side of a world: each once, in whatever case. */
class Side {
  readonly items = new Map<string, WitWorldItem>();
  readonly #taken = new Map<string, string>();

  /** Adds what has a name of its own. @throws WIT_INVALID where the name is taken */
  add(name: string, item: WitWorldItem, at: WitPlace, hint?: string): void {
    const before = this.#taken.get(name.toLowerCase());
    if (before !== undefined) throw witInvalid(`the world has "${before}" already`, { at, ...(hint ? { hint } : {}) });
    this.put(name, item);
  }

  /** Adds, or puts in the place of what has the name. */
  put(name: string, item: WitWorldItem): void {
    this.#taken.set(name.toLowerCase(), name);
    this.items.set(name, item);
  }
}

/** Makes a world: its own items, what it includes, and the imports that follow (WIT, Item: `world`). */
export class WorldBuilder {
  readonly #parts: WorldParts;
  readonly #world: Draft<WitWorld>;
  readonly #scope: TypeScope;
  readonly #imports = new Side();
  readonly #exports = new Side();
  /** Interfaces that an item names itself, rather than needs. */
  readonly #named = { import: new Set<string>(), export: new Set<string>() };

  constructor(parts: WorldParts) {
    this.#parts = parts;
    const { site, node, item, resolver } = parts;
    const none: ReadonlyMap<string, WitWorldItem> = new Map();
    this.#world = {
      kind: "world",
      name: node.name.text,
      package: site.from.name,
      ...item,
      imports: none,
      exports: none,
    };
    this.#scope = new TypeScope({
      owner: this.#world,
      gates: site.from.gates,
      outer: item.gate,
      findInterface: ({ path }) => resolver.interfaceAt(path, site),
    });
  }

  /** The world. @throws WIT_INVALID */
  build(): WitWorld {
    const { node } = this.#parts;
    const own = node.items.filter((each) => each.kind === "use" || each.kind === "typedef");
    this.#scope.declare(own);
    const types = this.#scope.resolve();
    for (const type of types.values()) this.#imports.add(type.name, type, node.name.at);
    for (const each of node.items) {
      if (each.kind === "import" || each.kind === "export") this.#extern(each);
      else if (each.kind === "include") this.#include(each);
    }
    this.#world.exports = this.#orderedExports();
    this.#world.imports = orderedImports(this.#imports.items);
    return this.#world;
  }

  #extern(node: ExternNode): void {
    const { item, isKept } = this.#scope.readItem(node);
    if (!isKept) return;
    const side = node.kind === "import" ? this.#imports : this.#exports;
    const { name, type } = node;
    if (name === undefined) {
      if (type.kind === "path") this.#namedInterface(node.kind, type.path, item);
      return;
    }
    side.add(name.text, this.#plain(name, type, item), name.at);
  }

  #plain(name: NameNode, type: ExternNode["type"], item: WitItem): WitWorldItem {
    const { resolver, site } = this.#parts;
    switch (type.kind) {
      case "function": {
        const signature = this.#scope.signature(type.type, item.gate);
        return { kind: "function", name: name.text, role: "function", ...item, ...signature };
      }
      case "inline": {
        const made = resolver.makeInterface(type.items, { item: { ...bareItem, gate: item.gate }, site });
        return { kind: "instance", interface: made, ...item };
      }
      case "path":
        return { kind: "instance", interface: resolver.interfaceAt(type.path, site), ...item };
    }
  }

  #namedInterface(kind: "import" | "export", path: PathNode, item: WitItem): void {
    const { resolver, site } = this.#parts;
    const made = resolver.interfaceAt(path, site);
    const name = interfaceName(made) ?? "";
    if (this.#named[kind].has(name)) throw witInvalid(`the world has the ${kind} "${name}" already`, path.name);
    this.#named[kind].add(name);
    const side = kind === "import" ? this.#imports : this.#exports;
    side.put(name, { kind: "instance", interface: made, ...item });
  }

  #include({ attributes, path, names }: IncludeNode): void {
    const { item, isKept } = this.#scope.readItem({ attributes });
    if (!isKept) return;
    const { resolver, site } = this.#parts;
    const included = resolver.worldAt(path, site);
    const renames = new Map(names.map((each) => [each.name.text, each.as.text]));
    const plain = [...included.imports, ...included.exports].flatMap(([name]) => (name.includes(":") ? [] : [name]));
    for (const { name } of names) {
      if (plain.includes(name.text)) continue;
      const problem = `the world "${included.name}" has no plain name "${name.text}": it has ${listed(plain)}`;
      throw witInvalid(problem, { at: name.at, name: name.text, candidates: plain });
    }
    const isForeign = included.package !== site.from.name;
    const gateOf = (each: WitItem): WitItem => {
      const gate = item.gate ?? (isForeign ? undefined : each.gate);
      return { docs: each.docs, externalId: each.externalId, gate };
    };
    const definitions = new Map<WitTypeDefinition, WitTypeDefinition>();
    for (const kind of ["imports", "exports"] as const) {
      for (const [name, each] of included[kind]) {
        const as = renames.get(name) ?? name;
        this.#includeItem(kind === "imports" ? this.#imports : this.#exports, { as, each, definitions, path, gateOf });
      }
    }
  }

  #includeItem(
    side: Side,
    {
      as,
      each,
      definitions,
      path,
      gateOf,
    }: {
      readonly as: string;
      readonly each: WitWorldItem;
      readonly definitions: Map<WitTypeDefinition, WitTypeDefinition>;
      readonly path: PathNode;
      readonly gateOf: (item: WitItem) => WitItem;
    },
  ): void {
    const before = side.items.get(as);
    if (as.includes(":") && before !== undefined) return;
    if (each.kind === "type" && before?.kind === "type" && isSameUse(before, each)) {
      definitions.set(each, before);
      return;
    }
    const hint = `write include ${path.name.text} with { ${as} as other-name }`;
    side.add(as, substitute(each, { as, owner: this.#world, definitions, item: gateOf(each) }), path.name.at, hint);
  }

  /** Exports, each behind those whose types it uses; what they use else is imported. */
  #orderedExports(): Map<string, WitWorldItem> {
    const ordered = new Map<string, WitWorldItem>();
    const all = this.#exports.items;
    const visit = (name: string, each: WitWorldItem): void => {
      if (ordered.has(name)) return;
      if (each.kind === "instance") {
        for (const dependency of dependenciesOf(each.interface)) {
          const key = interfaceName(dependency) ?? "";
          const exported = all.get(key);
          if (exported === undefined) addImport(this.#imports.items, dependency, { ...bareItem, gate: each.gate });
          else visit(key, exported);
        }
      }
      ordered.set(name, each);
    };
    for (const [name, each] of all) visit(name, each);
    return ordered;
  }
}

/** The interfaces whose types an interface uses, each once. */
export function dependenciesOf({ types }: WitInterface): readonly WitInterface[] {
  const found = new Set<WitInterface>();
  for (const { body } of types.values())
    if (body.kind === "use" && body.target.owner.kind === "interface") found.add(body.target.owner);
  return [...found];
}

function isSameUse(one: WitTypeDefinition, other: WitTypeDefinition): boolean {
  return one.body.kind === "use" && other.body.kind === "use" && underlying(one) === underlying(other);
}

/** Adds an interface behind those that it depends on. */
function addImport(imports: Map<string, WitWorldItem>, needed: WitInterface, item: WitItem): void {
  const name = interfaceName(needed) ?? "";
  if (imports.has(name)) return;
  for (const dependency of dependenciesOf(needed)) addImport(imports, dependency, item);
  imports.set(name, { kind: "instance", interface: needed, ...item });
}

/**
 * Imports in the one order that printing and reading again keep: the types that are used behind the interfaces that they
 * come from, then the other types, then all else; each interface behind those that it depends on.
 */
function orderedImports(items: ReadonlyMap<string, WitWorldItem>): Map<string, WitWorldItem> {
  const ordered = new Map<string, WitWorldItem>();
  const addInterface = (needed: WitInterface, cause: WitItem): void => {
    const name = interfaceName(needed) ?? "";
    if (ordered.has(name)) return;
    for (const dependency of dependenciesOf(needed)) addInterface(dependency, cause);
    const item = items.get(name) ?? { kind: "instance" as const, interface: needed, ...bareItem, gate: cause.gate };
    ordered.set(name, item);
  };
  const all = [...items];
  const types = all.flatMap(([, each]) => (each.kind === "type" ? [each] : []));
  const uses = Map.groupBy(
    types.filter(({ body }) => body.kind === "use"),
    ({ body }) => (body.kind === "use" ? body.target.owner : undefined),
  );
  for (const [owner, list] of uses) {
    if (owner?.kind === "interface") addInterface(owner, list[0] ?? bareItem);
  }
  for (const each of [...uses.values()].flat()) ordered.set(each.name, each);
  for (const each of types) ordered.set(each.name, each);
  for (const [name, each] of all) {
    if (each.kind === "instance") for (const needed of dependenciesOf(each.interface)) addInterface(needed, each);
    if (!ordered.has(name)) ordered.set(name, each);
  }
  return ordered;
}
