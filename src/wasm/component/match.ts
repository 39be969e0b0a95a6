import { TypeFacts } from "./facts.ts";
import { isNameable, isPrimitive, isValueType } from "./kinds.ts";
import { matchCoreModule } from "./match-core.ts";
import { printExtern, printType } from "./print.ts";
import type { NameMap } from "./substitute.ts";
import type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  DefinedType,
  ExternType,
  InstanceType,
  ResourceType,
} from "./types.ts";

/** Which resource type stands for one that the other side introduces; matching adds what it learns. */
export type MatchMap = Map<ResourceType, ResourceType>;

/** What the validator shares with matching: its facts, and where to note which name of a type stands for which. */
export interface MatchContext {
  readonly facts?: TypeFacts;
  readonly names?: NameMap;
}

/**
 * Why one import or export cannot stand where another is wanted, with both types, or `undefined` where it can (component
 * model, Explainer: Type Checking). Resource types that `wanted` introduces are bound in `substitution` to the actual ones.
 */
export function matchExtern(
  actual: ExternType,
  wanted: ExternType,
  substitution: MatchMap = new Map(),
  context: MatchContext = {},
): string | undefined {
  return new Matcher(substitution, context.facts ?? new TypeFacts(), context.names).extern(actual, wanted);
}

class Matcher {
  readonly #map: MatchMap;
  readonly #facts: TypeFacts;
  readonly #names: NameMap | undefined;

  constructor(map: MatchMap, facts: TypeFacts, names?: NameMap) {
    this.#map = map;
    this.#facts = facts;
    this.#names = names;
  }

  extern(actual: ExternType, wanted: ExternType): string | undefined {
    if (wanted.kind === "core-module" && actual.kind === "core-module") {
      return matchCoreModule(actual.type, wanted.type);
    }
    if (wanted.kind === "instance" && actual.kind === "instance") return this.#instance(actual.type, wanted.type);
    if (wanted.kind === "component" && actual.kind === "component") return this.#component(actual.type, wanted.type);
    if (wanted.kind === "type" && actual.kind === "type") return this.#type(actual, wanted);
    const isMatch =
      (wanted.kind === "function" && actual.kind === "function" && this.#isSameType(actual.type, wanted.type)) ||
      (wanted.kind === "value" && actual.kind === "value" && this.#isSameType(actual.type, wanted.type));
    if (isMatch) return undefined;
    const [is, want] = [printExtern(actual), printExtern(wanted)];
    // Two resource types of one name print alike.
    return is === want ? `is ${is}, wanted the same of another resource type` : `is ${is}, wanted ${want}`;
  }

  #type(
    actual: ExternType & { readonly kind: "type" },
    wanted: ExternType & { readonly kind: "type" },
  ): string | undefined {
    if (wanted.isFresh && wanted.type.kind === "resource") {
      if (actual.type.kind !== "resource") return `is ${printExtern(actual)}, wanted a resource type`;
      this.#map.set(wanted.type, this.#resolve(actual.type));
      this.#noteNames(actual, wanted);
      return undefined;
    }
    if (this.#isSameType(actual.type, wanted.type)) {
      this.#noteNames(actual, wanted);
      return undefined;
    }
    const [is, want] = [printType(actual.type), printType(wanted.type)];
    return is === want ? `is ${is}, wanted another resource type of that name` : `is ${is}, wanted ${want}`;
  }

  #noteNames(actual: ExternType & { readonly kind: "type" }, wanted: ExternType & { readonly kind: "type" }): void {
    if (this.#names === undefined) return;
    if (isNameable(wanted.type) && isNameable(actual.type)) this.#names.types.set(wanted.type, actual.type);
    if (wanted.alias !== undefined) this.#names.aliases.set(wanted.alias, actual.alias);
  }

  #instance(actual: InstanceType, wanted: InstanceType): string | undefined {
    this.#facts.spend(this.#facts.of(wanted).size);
    for (const [name, extern] of wanted.exports) {
      const has = actual.exports.get(name);
      if (has === undefined) return `lacks the export "${name}", wanted ${printExtern(extern)}`;
      const problem = this.extern(has, extern);
      if (problem !== undefined) return `export "${name}" ${problem}`;
    }
    return undefined;
  }

  #component(actual: ComponentType, wanted: ComponentType): string | undefined {
    if (actual === wanted && this.#map.size === 0) return undefined;
    this.#facts.spend(this.#facts.of(wanted).size + this.#facts.of(actual).size);
    // What is learned about resource types inside holds inside.
    const inside = new Matcher(new Map(this.#map), this.#facts);
    for (const [name, extern] of actual.imports) {
      const given = wanted.imports.get(name);
      if (given === undefined) return `imports "${name}", which is not given to it`;
      const problem = inside.extern(given, extern);
      if (problem !== undefined) return `what is given for its import "${name}" ${problem}`;
    }
    for (const [name, extern] of wanted.exports) {
      const has = actual.exports.get(name);
      if (has === undefined) return `lacks the export "${name}", wanted ${printExtern(extern)}`;
      const problem = inside.extern(has, extern);
      if (problem !== undefined) return `its export "${name}" ${problem}`;
    }
    return undefined;
  }

  #resolve(resource: ResourceType): ResourceType {
    let found = resource;
    // A resource type that is bound to itself ends the chain; so does one that was met before.
    for (let steps = this.#map.size; steps > 0; steps -= 1) {
      const next = this.#map.get(found);
      if (next === undefined || next === found) break;
      found = next;
    }
    return found;
  }

  #isSameType(actual: DefinedType, wanted: DefinedType): boolean {
    if (actual === wanted && this.#map.size === 0) return true;
    if (wanted.kind === "resource") {
      return actual.kind === "resource" && this.#resolve(actual) === this.#resolve(wanted);
    }
    if (wanted.kind === "function") return actual.kind === "function" && this.#isSameFunction(actual, wanted);
    if (wanted.kind === "instance" || wanted.kind === "component") return this.#isEquivalent(actual, wanted);
    return isValueType(actual) && this.#isSameValue(actual, wanted);
  }

  #isEquivalent(actual: DefinedType, wanted: DefinedType): boolean {
    const copy = (): Matcher => new Matcher(new Map(this.#map), this.#facts);
    if (actual.kind === "instance" && wanted.kind === "instance") {
      return copy().#instance(actual, wanted) === undefined && copy().#instance(wanted, actual) === undefined;
    }
    if (actual.kind !== "component" || wanted.kind !== "component") return false;
    return copy().#component(actual, wanted) === undefined && copy().#component(wanted, actual) === undefined;
  }

  #isSameFunction(actual: ComponentFunctionType, wanted: ComponentFunctionType): boolean {
    return (
      actual.isAsync === wanted.isAsync &&
      this.#isSameNamed(actual.params, wanted.params) &&
      this.#isSameOptional(actual.result, wanted.result)
    );
  }

  #isSameNamed(
    actual: readonly { readonly name: string; readonly type: ComponentValueType | undefined }[],
    wanted: readonly { readonly name: string; readonly type: ComponentValueType | undefined }[],
  ): boolean {
    return (
      actual.length === wanted.length &&
      actual.every(
        (one, index) => one.name === wanted[index]?.name && this.#isSameOptional(one.type, wanted[index].type),
      )
    );
  }

  #isSameOptional(actual: ComponentValueType | undefined, wanted: ComponentValueType | undefined): boolean {
    if (actual === undefined || wanted === undefined) return actual === wanted;
    return this.#isSameValue(actual, wanted);
  }

  #isSameValue(actual: ComponentValueType, wanted: ComponentValueType): boolean {
    if (actual === wanted && (this.#map.size === 0 || this.#facts.of(actual).free.size === 0)) return true;
    this.#facts.spend(1);
    if (isPrimitive(wanted)) return actual.kind === wanted.kind;
    switch (wanted.kind) {
      case "record":
        return actual.kind === "record" && this.#isSameNamed(actual.fields, wanted.fields);
      case "variant":
        return actual.kind === "variant" && this.#isSameNamed(actual.cases, wanted.cases);
      case "list":
        return (
          actual.kind === "list" && actual.length === wanted.length && this.#isSameValue(actual.element, wanted.element)
        );
      case "tuple": {
        if (actual.kind !== "tuple" || actual.types.length !== wanted.types.length) return false;
        return actual.types.every((type, index) => this.#isSameOptional(type, wanted.types[index]));
      }
      case "flags":
      case "enum":
        return (
          actual.kind === wanted.kind &&
          actual.names.length === wanted.names.length &&
          actual.names.every((name, index) => name === wanted.names[index])
        );
      case "option":
        return actual.kind === "option" && this.#isSameValue(actual.type, wanted.type);
      case "result":
        return (
          actual.kind === "result" &&
          this.#isSameOptional(actual.ok, wanted.ok) &&
          this.#isSameOptional(actual.error, wanted.error)
        );
      case "own":
      case "borrow":
        return actual.kind === wanted.kind && this.#resolve(actual.resource) === this.#resolve(wanted.resource);
      case "stream":
      case "future":
        return actual.kind === wanted.kind && this.#isSameOptional(actual.element, wanted.element);
      case "map":
        return (
          actual.kind === "map" &&
          this.#isSameValue(actual.key, wanted.key) &&
          this.#isSameValue(actual.value, wanted.value)
        );
    }
  }
}
