import type { TypeFacts } from "./facts.ts";
import { isPrimitive, isValueType } from "./kinds.ts";
import type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  DefinedType,
  ExternType,
  InstanceType,
  ResourceType,
} from "./types.ts";

/** Which resource type stands where another one stood. */
export type ResourceMap = ReadonlyMap<ResourceType, ResourceType>;

/** Which named type stands for one that was imported, by the objects and by the names of resource types. */
export interface NameMap {
  readonly types: Map<ComponentValueType, ComponentValueType>;
  readonly aliases: Map<symbol, symbol | undefined>;
}

/**
 * Puts resource types in the place of others, everywhere in a type (component model, Binary: Instance Definitions). What
 * does not mention any stays the same object.
 */
export class Substitution {
  readonly #map: ResourceMap;
  readonly #facts: TypeFacts;
  readonly #aliases: ReadonlyMap<symbol, symbol | undefined>;
  readonly #hasNames: boolean;
  readonly #done = new Map<object, object>();

  constructor(map: ResourceMap, facts: TypeFacts, names?: NameMap) {
    this.#map = map;
    this.#facts = facts;
    this.#aliases = names?.aliases ?? new Map();
    this.#hasNames = names !== undefined && names.types.size > 0;
    for (const [type, named] of names?.types ?? []) this.#done.set(type, named);
  }

  /** The exports or imports with the resource types replaced, those that they introduce themselves too. */
  externs(externs: ReadonlyMap<string, ExternType>): ReadonlyMap<string, ExternType> {
    const replaced = new Map<string, ExternType>();
    for (const [name, extern] of externs) replaced.set(name, this.extern(extern));
    return replaced;
  }

  /** An import or export with the resource types replaced. */
  extern(extern: ExternType): ExternType {
    switch (extern.kind) {
      case "core-module":
        return extern;
      case "function":
        return { ...extern, type: this.#once(extern.type, (type) => this.#function(type)) };
      case "value":
        return { ...extern, type: this.value(extern.type) };
      case "instance":
        return { ...extern, type: this.#once(extern.type, (type) => this.#instance(type)) };
      case "component":
        return { ...extern, type: this.#once(extern.type, (type) => this.#component(type)) };
      case "type":
        return { ...extern, type: this.defined(extern.type) };
    }
  }

  /** A type with the resource types replaced. */
  defined(type: DefinedType): DefinedType {
    if (isValueType(type)) return this.value(type);
    switch (type.kind) {
      case "resource":
        return this.#map.get(type) ?? type;
      case "function":
        return this.#once(type, (one) => this.#function(one));
      case "instance":
        return this.#once(type, (one) => this.#instance(one));
      case "component":
        return this.#once(type, (one) => this.#component(one));
    }
  }

  /** A value type with the resource types replaced. */
  value(type: ComponentValueType): ComponentValueType {
    return this.#once(type, (one) => this.#value(one));
  }

  #once<Type extends DefinedType>(type: Type, replace: (type: Type) => Type): Type {
    const facts = this.#facts.of(type);
    if (!this.#hasNames && !this.#touches(facts.free) && !this.#touches(facts.bound)) return type;
    const done = this.#done.get(type);
    // The map holds what `replace` made of this very type, so it is of the same kind.
    if (done !== undefined) return done as Type;
    // Its parts count for themselves.
    this.#facts.spendCopies(ownParts(type));
    const replaced = replace(type);
    this.#done.set(type, replaced);
    return replaced;
  }

  #touches(resources: ReadonlySet<ResourceType>): boolean {
    if (resources.size === 0 || this.#map.size === 0) return false;
    if (resources.size > this.#map.size) {
      for (const resource of this.#map.keys()) if (resources.has(resource)) return true;
      return false;
    }
    for (const resource of resources) if (this.#map.has(resource)) return true;
    return false;
  }

  #function(type: ComponentFunctionType): ComponentFunctionType {
    const params = type.params.map((param) => ({ name: param.name, type: this.value(param.type) }));
    return { ...type, params, result: this.#optional(type.result) };
  }

  #instance(type: InstanceType): InstanceType {
    return { kind: "instance", exports: this.externs(type.exports) };
  }

  #component(type: ComponentType): ComponentType {
    return { kind: "component", imports: this.externs(type.imports), exports: this.externs(type.exports) };
  }

  #handle({ kind, resource, alias }: ComponentValueType & { readonly kind: "own" | "borrow" }): ComponentValueType {
    const replaced = { kind, resource: this.#map.get(resource) ?? resource };
    const named = alias !== undefined && this.#aliases.has(alias) ? this.#aliases.get(alias) : alias;
    return named === undefined ? replaced : { ...replaced, alias: named };
  }

  #optional(type: ComponentValueType | undefined): ComponentValueType | undefined {
    return type === undefined ? undefined : this.value(type);
  }

  #value(type: ComponentValueType): ComponentValueType {
    if (isPrimitive(type)) return type;
    switch (type.kind) {
      case "record":
        return { ...type, fields: type.fields.map(({ name, type: inner }) => ({ name, type: this.value(inner) })) };
      case "variant":
        return { ...type, cases: type.cases.map(({ name, type: inner }) => ({ name, type: this.#optional(inner) })) };
      case "list":
        return { ...type, element: this.value(type.element) };
      case "tuple":
        return { ...type, types: type.types.map((inner) => this.value(inner)) };
      case "option":
        return { ...type, type: this.value(type.type) };
      case "result":
        return { ...type, ok: this.#optional(type.ok), error: this.#optional(type.error) };
      case "own":
      case "borrow":
        return this.#handle(type);
      case "stream":
      case "future":
        return { ...type, element: this.#optional(type.element) };
      case "map":
        return { ...type, key: this.value(type.key), value: this.value(type.value) };
      case "flags":
      case "enum":
        return type;
    }
  }
}

/** Parts that are copied with a type, without those that are types themselves. */
function ownParts(type: DefinedType): number {
  if (type.kind === "instance") return type.exports.size;
  if (type.kind === "component") return type.imports.size + type.exports.size;
  if (type.kind === "function") return type.params.length + 1;
  if (type.kind === "record") return type.fields.length;
  if (type.kind === "variant") return type.cases.length;
  return type.kind === "tuple" ? type.types.length : 1;
}

/** Makes a resource type of its own for each one that the exports introduce and `map` does not have yet. */
export function renewIntroduced(
  externs: ReadonlyMap<string, ExternType>,
  map: Map<ResourceType, ResourceType>,
  facts: TypeFacts,
): void {
  facts.spend(externs.size);
  for (const extern of externs.values()) {
    if (extern.kind === "instance") renewIntroduced(extern.type.exports, map, facts);
    if (extern.kind !== "type" || !extern.isFresh || extern.type.kind !== "resource" || map.has(extern.type)) continue;
    facts.spendCopies(1);
    map.set(extern.type, { kind: "resource", name: extern.type.name });
  }
}

/** The instance type with new resource types in the place of those that it introduces, as each import of it has. */
export function renewInstance(type: InstanceType, facts: TypeFacts): InstanceType {
  if (facts.of(type).bound.size === 0) return type;
  facts.spendCopies(type.exports.size);
  const map = new Map<ResourceType, ResourceType>();
  renewIntroduced(type.exports, map, facts);
  return { kind: "instance", exports: new Substitution(map, facts).externs(type.exports) };
}
