import {
  parseExternName,
  type ComponentFunctionType,
  type ComponentValueType,
  type ExternType,
  type ResourceType,
} from "../component-parts.ts";
import type { FromTypes } from "./from-types.ts";
import {
  bareItem,
  isPrimitive,
  type WitFunction,
  type WitInterface,
  type WitItem,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
  type WitWorld,
} from "./model.ts";

/** What a type is told by: its object, or the symbol of one of its names. */
export type Key = object | symbol;

type TypeExtern = ExternType & { readonly kind: "type" };

/** The names of one interface or world while it is made of types: what a type is called here. */
export class ItemScope {
  readonly #from: FromTypes;
  readonly #owner: WitInterface | WitWorld;
  readonly #types: Map<string, WitTypeDefinition>;
  readonly #local = new Map<Key, WitTypeDefinition>();

  constructor(from: FromTypes, owner: WitInterface | WitWorld, types: Map<string, WitTypeDefinition>) {
    this.#from = from;
    this.#owner = owner;
    this.#types = types;
  }

  /** Gives a type its name, unless the interface has it from elsewhere already. */
  define(name: string, extern: TypeExtern): void {
    const { type } = extern;
    if (type.kind === "function" || type.kind === "instance" || type.kind === "component") return;
    const known = this.#types.get(name);
    const definition = known ?? this.#make(name, extern, type);
    if (known === undefined) this.#types.set(name, definition);
    this.#register(extern.alias === undefined ? [type] : [extern.alias, type], definition, type);
  }

  /** Puts a function where it belongs, to a resource or to `functions`; answers one that is no resource's. */
  function(
    name: string,
    type: ComponentFunctionType,
    { item, functions }: { readonly item: WitItem; readonly functions: Map<string, WitFunction> },
  ): WitFunction | undefined {
    const parsed = parseExternName(name);
    if (parsed === undefined || parsed.kind === "plain" || parsed.kind === "interface") {
      const known = functions.get(name);
      if (known !== undefined) return known;
      const params = type.params.map((each) => ({ name: each.name, type: this.#type(each.type) }));
      const result = type.result === undefined ? undefined : this.#type(type.result);
      const made: WitFunction = {
        kind: "function",
        name,
        role: "function",
        isAsync: type.isAsync,
        params,
        result,
        ...item,
      };
      functions.set(name, made);
      return made;
    }
    const resource = this.#types.get(parsed.resource);
    if (resource?.body.kind !== "resource") return undefined;
    const own = parsed.kind === "constructor" ? "constructor" : parsed.label;
    const list = resource.body.functions as WitFunction[];
    if (list.some((each) => each.name === own && each.role === parsed.kind)) return undefined;
    const params = (parsed.kind === "method" ? type.params.slice(1) : type.params).map((each) => ({
      name: each.name,
      type: this.#type(each.type),
    }));
    const isPlain = parsed.kind === "constructor" && type.result?.kind === "own";
    const result = type.result === undefined || isPlain ? undefined : this.#type(type.result);
    list.push({ kind: "function", name: own, role: parsed.kind, isAsync: type.isAsync, params, result, ...item });
    return undefined;
  }

  #make(
    name: string,
    extern: TypeExtern,
    type: ComponentValueType | (TypeExtern["type"] & { kind: "resource" }),
  ): WitTypeDefinition {
    const externalId = this.#from.tree.attributesOf(extern)?.externalId;
    const made = (body: WitTypeBody): WitTypeDefinition => ({
      kind: "type",
      name,
      owner: this.#owner,
      body,
      ...bareItem,
      externalId,
    });
    const target = extern.isFresh ? undefined : this.#target(name, type);
    if (target !== undefined && target.owner === this.#owner)
      return made({ kind: "alias", type: { kind: "named", definition: target } });
    // A world's types cannot be used by others: they have them anew.
    if (target?.owner.kind === "interface") return made({ kind: "use", target });
    return made(type.kind === "resource" ? { kind: "resource", functions: [] } : this.#body(type));
  }

  /** The definition that another name stands for. */
  #target(name: string, type: ComponentValueType | ResourceType): WitTypeDefinition | undefined {
    const { tree, definitions } = this.#from;
    const origin = tree.originOf(type);
    if (tree.isExact) return origin === undefined ? undefined : (this.#local.get(origin) ?? definitions.get(origin));
    const keys = [type, ...sharedBy(type)];
    for (const space of [this.#local, definitions])
      for (const key of keys) {
        const found = space.get(key);
        if (found !== undefined) return found;
      }
    return this.#copied(name, type);
  }

  /** The structure of another interface that this one is a copy of: it has the same name and the same parts. */
  #copied(name: string, type: ComponentValueType | ResourceType): WitTypeDefinition | undefined {
    if (type.kind === "resource" || !isStructure(type)) return undefined;
    const { structures, ids, hasCopies } = this.#from;
    const key = `${name} ${ids.of(type)}`;
    const known = structures.get(key);
    return hasCopies && known?.owner.kind === "interface" && known.owner !== this.#owner ? known : undefined;
  }

  #register(keys: readonly Key[], definition: WitTypeDefinition, type: ComponentValueType | ResourceType): void {
    const { definitions, structures, ids } = this.#from;
    if (type.kind !== "resource" && isStructure(type)) {
      const key = `${definition.name} ${ids.of(type)}`;
      if (!structures.has(key)) structures.set(key, definition);
    }
    // The first name is the one that others are names of.
    for (const key of [...keys, ...sharedBy(type)]) {
      if (!this.#local.has(key)) this.#local.set(key, definition);
      if (!definitions.has(key)) definitions.set(key, definition);
    }
  }

  #body(type: ComponentValueType): WitTypeBody {
    if (!isStructure(type)) return { kind: "alias", type: this.#anonymous(type) };
    switch (type.kind) {
      case "record":
        return {
          kind: "record",
          fields: type.fields.map((each) => ({ name: each.name, docs: undefined, type: this.#type(each.type) })),
        };
      case "variant":
        return {
          kind: "variant",
          cases: type.cases.map((each) => ({ name: each.name, docs: undefined, type: this.#optional(each.type) })),
        };
      case "flags":
      case "enum":
        return { kind: type.kind, members: type.names.map((name) => ({ name, docs: undefined })) };
    }
  }

  #optional(type: ComponentValueType | undefined): WitType | undefined {
    return type === undefined ? undefined : this.#type(type);
  }

  /** A type where it is used: by its name where it has one. */
  #type(type: ComponentValueType): WitType {
    this.#from.spend();
    const definition = this.#local.get(type);
    if (definition !== undefined) return { kind: "named", definition };
    return isStructure(type) ? { kind: "named", definition: this.#nameless(type) } : this.#anonymous(type);
  }

  /** A structure that has no name here: WIT has none without one, so that it gets one. */
  #nameless(type: ComponentValueType): WitTypeDefinition {
    for (const key of sharedBy(type)) {
      const known = this.#local.get(key);
      if (known !== undefined) return known;
    }
    const target = this.#target("", type);
    const wanted = target?.name ?? `unnamed-${type.kind}`;
    let name = wanted;
    for (let at = 2; this.#types.has(name); at += 1) name = `${wanted}-${at}`;
    this.define(name, { kind: "type", type, isFresh: false });
    return this.#local.get(type) ?? this.#fallback(name);
  }

  #resource(type: ComponentValueType & { readonly kind: "own" | "borrow" }): WitTypeDefinition {
    const { resource, alias } = type;
    const known = (alias === undefined ? undefined : this.#local.get(alias)) ?? this.#local.get(resource);
    if (known !== undefined) return known;
    const wanted = this.#from.definitions.get(resource)?.name ?? resource.name ?? "unnamed-resource";
    const base = parseExternName(wanted)?.kind === "plain" ? wanted : "unnamed-resource";
    let name = base;
    for (let at = 2; this.#types.has(name); at += 1) name = `${base}-${at}`;
    this.define(name, { kind: "type", type: resource, isFresh: false });
    return this.#local.get(resource) ?? this.#fallback(name);
  }

  #fallback(name: string): WitTypeDefinition {
    const found = this.#types.get(name);
    if (found === undefined) throw new TypeError(`the type "${name}" was not defined`);
    return found;
  }

  #anonymous(type: ComponentValueType): WitType {
    if (isPrimitive(type)) return { kind: type.kind };
    switch (type.kind) {
      case "own":
        return { kind: "named", definition: this.#resource(type) };
      case "borrow":
        return { kind: "borrow", definition: this.#resource(type) };
      case "list":
        return { kind: "list", element: this.#type(type.element), length: type.length };
      case "tuple":
        return { kind: "tuple", types: type.types.map((each) => this.#type(each)) };
      case "option":
        return { kind: "option", type: this.#type(type.type) };
      case "result":
        return { kind: "result", ok: this.#optional(type.ok), error: this.#optional(type.error) };
      case "map":
        return { kind: "map", key: this.#type(type.key), value: this.#type(type.value) };
      case "stream":
      case "future":
        return { kind: type.kind, element: this.#optional(type.element) };
      case "record":
      case "variant":
      case "flags":
      case "enum":
        return { kind: "named", definition: this.#nameless(type) };
    }
  }
}

type Structure = Extract<ComponentValueType, { readonly kind: "record" | "variant" | "flags" | "enum" }>;

/** Whether a type is one that WIT has by a name alone. */
function isStructure(type: ComponentValueType): type is Structure {
  return type.kind === "record" || type.kind === "variant" || type.kind === "flags" || type.kind === "enum";
}

/** What names of one thing have in common where each is an object of its own: the list of their parts. */
function sharedBy(type: object): readonly object[] {
  if ("fields" in type && typeof type.fields === "object" && type.fields !== null) return [type.fields];
  if ("cases" in type && typeof type.cases === "object" && type.cases !== null) return [type.cases];
  if ("names" in type && typeof type.names === "object" && type.names !== null) return [type.names];
  return [];
}
