import type { ExternAttributes } from "./definitions.ts";
import { type ExternName, isCanonicalVersion, isVersion, parseExternName, uniqueForm } from "./names.ts";
import { printExtern, printType } from "./print.ts";
import type { ComponentFunctionType, ComponentValueType, ExternType, ResourceType } from "./types.ts";
import type { Validation } from "./validation.ts";

/** Types that have a name outside: value types by the object, resource types by the resource and which name it is. */
export class NamedTypes {
  readonly #values = new Set<object>();
  readonly #resources = new Map<ResourceType, Map<symbol | undefined, string>>();

  addValue(type: ComponentValueType): void {
    this.#values.add(type);
  }

  addResource(resource: ResourceType, alias: symbol | undefined, name = ""): void {
    const names = this.#resources.get(resource);
    if (names === undefined) this.#resources.set(resource, new Map([[alias, name]]));
    else names.set(alias, name);
  }

  hasValue(type: ComponentValueType): boolean {
    return this.#values.has(type);
  }

  /** The name of a resource type that a handle was made with. */
  nameOf(resource: ResourceType, alias: symbol | undefined): string | undefined {
    return this.#resources.get(resource)?.get(alias);
  }

  /** Whether the resource type has any name. */
  hasResource(resource: ResourceType): boolean {
    return this.#resources.has(resource);
  }
}

/**
 * The names of one scope's imports or exports: they differ strongly from each other, and annotated ones belong to a
 * resource type that was named before (component model, Binary: Import and Export Definitions).
 */
export class ExternNames {
  readonly #validation: Validation;
  readonly #unique = new Map<string, string>();
  readonly #resources = new NamedTypes();
  readonly #resourceNames = new Set<string>();
  readonly #isBag: boolean;

  /** A bag of exports names no types: they keep the names that they had. */
  constructor(validation: Validation, kind: "scope" | "bag" = "scope") {
    this.#validation = validation;
    this.#isBag = kind === "bag";
  }

  /**
   * Checks a name with its attributes and what it stands for, and takes it up.
   *
   * @throws COMPONENT_INVALID
   */
  add(name: string, attributes: ExternAttributes, extern: ExternType): void {
    const parsed = this.#parse(name);
    this.#checkUnique(name);
    this.#checkAttributes(parsed, attributes, extern);
    if (extern.kind === "type" && extern.type.kind === "resource" && !this.#isBag) {
      this.#resources.addResource(extern.type, extern.alias, name);
      this.#resourceNames.add(name);
    }
    if (parsed.kind === "plain" || parsed.kind === "interface") return;
    if (extern.kind !== "function") throw this.#validation.invalid(`is ${printExtern(extern)}, wanted a function`);
    if (parsed.kind === "constructor") this.#checkConstructor(parsed.resource, extern.type);
    else if (parsed.kind === "method") this.#checkMethod(parsed.resource, extern.type);
    else if (!this.#resourceNames.has(parsed.resource)) {
      throw this.#validation.invalid(`no resource type "${parsed.resource}" stands before it`);
    }
  }

  #parse(name: string): ExternName {
    const validation = this.#validation;
    const options = { nested: validation.allows("nested-names"), canonical: validation.allows("canonical-names") };
    const parsed = parseExternName(name, options);
    if (parsed === undefined) throw validation.invalid(`"${name}" is not a name for an import or export`);
    return parsed;
  }

  #checkUnique(name: string): void {
    const form = uniqueForm(name);
    const other = this.#unique.get(form);
    if (other !== undefined) throw this.#validation.invalid(`"${name}" is too like the name "${other}" before it`);
    this.#unique.set(form, name);
  }

  #checkAttributes(parsed: ExternName, attributes: ExternAttributes, extern: ExternType): void {
    const { implements: implemented, versionSuffix } = attributes;
    const validation = this.#validation;
    if (implemented !== undefined) {
      if (this.#parse(implemented).kind !== "interface") {
        throw validation.invalid(`it implements "${implemented}", which is not an interface's name`);
      }
      if (extern.kind !== "instance") throw validation.invalid("it implements an interface and is not an instance");
      if (parsed.kind !== "plain") throw validation.invalid("it implements an interface and has not a plain name");
    }
    if (versionSuffix === undefined) return;
    const version = parsed.kind === "interface" ? parsed.version : undefined;
    if (version === undefined || !isCanonicalVersion(version) || !isVersion(version + versionSuffix)) {
      throw validation.invalid(`"${versionSuffix}" does not complete the name's version`);
    }
  }

  #checkConstructor(resource: string, type: ComponentFunctionType): void {
    const result = type.result?.kind === "result" ? type.result.ok : type.result;
    if (result?.kind === "own") return this.#checkResource(resource, result);
    throw this.#validation.invalid(`is ${printType(type)}, wanted a result of own<${resource}>`);
  }

  #checkMethod(resource: string, type: ComponentFunctionType): void {
    const [self] = type.params;
    if (self?.name === "self" && self.type.kind === "borrow") return this.#checkResource(resource, self.type);
    throw this.#validation.invalid(`is ${printType(type)}, wanted a first parameter self: borrow<${resource}>`);
  }

  #checkResource(wanted: string, handle: ComponentValueType & { readonly kind: "own" | "borrow" }): void {
    const name = this.#resources.nameOf(handle.resource, handle.alias);
    if (name === wanted) return;
    const is = name === undefined ? "a resource type that has no name here" : `the resource type "${name}"`;
    throw this.#validation.invalid(`it is a function of ${is}, wanted "${wanted}"`);
  }
}
