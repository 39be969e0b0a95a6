import { NamedTypes } from "./extern-names.ts";
import type { TypeFacts } from "./facts.ts";
import { printExtern } from "./print.ts";
import type { ComponentFunctionType, ComponentValueType, DefinedType, ExternType, InstanceType } from "./types.ts";
import { isNameable, isPrimitive, isValueType } from "./kinds.ts";
import type { Validation } from "./validation.ts";

/**
 * Which types a component's imports and exports may mention: those that an import or export before them has named
 * (component model, Explainer: External Visibility of Types).
 */
export class Visibility {
  readonly #validation: Validation;
  readonly #facts: TypeFacts;
  readonly #imported = new NamedTypes();
  readonly #exported = new NamedTypes();

  constructor(validation: Validation) {
    this.#validation = validation;
    this.#facts = validation.facts;
  }

  /**
   * Checks what an import or export mentions, and names the types that it gives a name to.
   *
   * @throws COMPONENT_INVALID
   */
  add(direction: "import" | "export", extern: ExternType): void {
    const sets = direction === "import" ? [this.#imported, this.#exported] : [this.#exported];
    const set = direction === "import" ? this.#imported : this.#exported;
    if (this.#register(extern, set, sets)) return;
    const rule = `an ${direction} may only mention what an ${direction} before it has named`;
    throw this.#validation.invalid(`is ${printExtern(extern)}, which mentions a type without a name: ${rule}`);
  }

  #register(extern: ExternType, set: NamedTypes, sets: readonly NamedTypes[]): boolean {
    switch (extern.kind) {
      case "core-module":
        return true;
      case "component":
        return this.#areResourcesNamed(extern.type, set);
      case "function":
        return this.#isFunctionNamed(extern.type, set);
      case "value":
        return this.#isNamed(extern.type, set);
      case "instance":
        for (const inner of extern.type.exports.values()) if (!this.#register(inner, set, sets)) return false;
        return true;
      case "type": {
        const { type } = extern;
        if (!this.#isContentNamed(type, set)) return false;
        if (type.kind === "resource") for (const one of sets) one.addResource(type, extern.alias);
        else if (isNameable(type)) for (const one of sets) one.addValue(type);
        return true;
      }
    }
  }

  /** Whether all that a type consists of is named; the type itself need not be. */
  #isContentNamed(type: DefinedType, set: NamedTypes): boolean {
    if (isValueType(type)) return this.#areAllNamed(type, set);
    switch (type.kind) {
      case "resource":
        return true;
      case "component":
        return this.#areResourcesNamed(type, set);
      case "function":
        return this.#isFunctionNamed(type, set);
      case "instance":
        return this.#isInstanceNamed(type, set);
    }
  }

  #areResourcesNamed(type: DefinedType, set: NamedTypes): boolean {
    for (const resource of this.#facts.of(type).free) if (!set.hasResource(resource)) return false;
    return true;
  }

  #isFunctionNamed(type: ComponentFunctionType, set: NamedTypes): boolean {
    this.#facts.spend(this.#facts.of(type).size);
    if (!type.params.every((param) => this.#isNamed(param.type, set))) return false;
    return type.result === undefined || this.#isNamed(type.result, set);
  }

  #isInstanceNamed(type: InstanceType, set: NamedTypes): boolean {
    this.#facts.spend(this.#facts.of(type).size);
    for (const extern of type.exports.values()) {
      if (extern.kind === "core-module") continue;
      if (extern.kind === "value" ? !this.#isNamed(extern.type, set) : !this.#isContentNamed(extern.type, set)) {
        return false;
      }
    }
    return true;
  }

  #isNamed(type: ComponentValueType, set: NamedTypes): boolean {
    if (isNameable(type)) return set.hasValue(type);
    return this.#areAllNamed(type, set);
  }

  #areAllNamed(type: ComponentValueType, set: NamedTypes): boolean {
    if (isPrimitive(type)) return true;
    this.#facts.spend(1);
    const isNamed = (one: ComponentValueType | undefined): boolean => one === undefined || this.#isNamed(one, set);
    switch (type.kind) {
      case "record":
        return type.fields.every((field) => isNamed(field.type));
      case "variant":
        return type.cases.every((one) => isNamed(one.type));
      case "tuple":
        return type.types.every(isNamed);
      case "list":
      case "stream":
      case "future":
        return isNamed(type.element);
      case "option":
        return isNamed(type.type);
      case "result":
        return isNamed(type.ok) && isNamed(type.error);
      case "map":
        return isNamed(type.key) && isNamed(type.value);
      case "own":
      case "borrow":
        return set.nameOf(type.resource, type.alias) !== undefined;
      case "flags":
      case "enum":
        return true;
    }
  }
}
