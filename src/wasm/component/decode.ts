import { SampanError } from "../../base/index.ts";
import { type CustomSectionInfo, maxListed } from "../custom.ts";
import { ByteReader, type ByteRange, malformed } from "../reader.ts";
import { preambleLength, readPreamble } from "../sections.ts";
import { checkConstant } from "./constants.ts";
import { readCoreModuleAt } from "./core-module.ts";
import type { ComponentDefinition, ComponentFeature, Definition } from "./definitions.ts";
import { readCoreInstance, readInstance } from "./instances.ts";
import { matchExtern } from "./match.ts";
import { type Place, readFlag, readSortIndex } from "./place.ts";
import { printType } from "./print.ts";
import { readAlias } from "./read-aliases.ts";
import { readCanonical } from "./read-canon.ts";
import { readCoreType } from "./read-core-types.ts";
import { readExternType, readName } from "./read-externs.ts";
import { readType } from "./read-types.ts";
import { readValueType } from "./read-values.ts";
import { pushLimited, Scope } from "./scope.ts";
import type { ComponentType, ExternType, ResourceType } from "./types.ts";
import { Validation } from "./validation.ts";

/** What a decoder may be told. */
export interface DecodeComponentOptions {
  /** Additions to the component model to allow, in the place of those that are by default. */
  readonly features?: Iterable<ComponentFeature>;
}

/**
 * Decodes a component and validates all of it but the code of its core modules, which is left to whoever compiles it
 * (component model, Binary). Core modules are views of `bytes`.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, or WASM_FEATURE where the bytes are a core module or
 * larger than anything that tools make
 */
export function decodeComponent(bytes: Uint8Array, options: DecodeComponentOptions = {}): ComponentDefinition {
  const { layer } = readPreamble(bytes);
  if (layer === 0) throw new SampanError("WASM_FEATURE", "Cannot read a core module as a component");
  return new ComponentDecoder(bytes, undefined, new Validation(options.features)).decode({
    start: 0,
    end: bytes.length,
  });
}

/** Decodes one component; those inside it get decoders of their own. */
class ComponentDecoder {
  readonly #bytes: Uint8Array;
  readonly #validation: Validation;
  readonly #scope: Scope;
  readonly #definitions: Definition[] = [];
  readonly #customSections: CustomSectionInfo[] = [];
  /** The resource types that are defined here and have no name yet. */
  readonly #nameless = new Set<ResourceType>();
  #name: string | undefined;

  constructor(bytes: Uint8Array, parent: Scope | undefined, validation: Validation) {
    this.#bytes = bytes;
    this.#validation = validation;
    this.#scope = new Scope("component", parent, validation);
  }

  decode(range: ByteRange): ComponentDefinition {
    const reader = new ByteReader(this.#bytes, range);
    this.#checkPreamble(reader);
    while (!reader.isAtEnd) {
      const id = reader.u8();
      this.#section(id, reader.sized(`a section (id ${id})`));
    }
    const unused = this.#scope.values.findIndex((value) => !value.isUsed);
    if (unused >= 0) throw this.#validation.invalid(`value ${unused} is never used`);
    const type = this.#type();
    this.#validation.facts.of(type);
    const definitions = this.#definitions;
    const customSections = this.#customSections;
    const definition = { type, definitions, range, customSections };
    return this.#name === undefined ? definition : { ...definition, name: this.#name };
  }

  #checkPreamble(reader: ByteReader): void {
    const start = reader.offset;
    reader.skip(preambleLength);
    const { version, layer } = readPreamble(this.#bytes.subarray(start, reader.offset));
    if (version !== 0x0d || layer !== 1) {
      throw malformed(start + 4, `version ${version} of layer ${layer}, wanted version 13 of layer 1`);
    }
  }

  #section(id: number, range: ByteRange): void {
    const reader = new ByteReader(this.#bytes, range);
    const place: Place = { reader, scope: this.#scope, validation: this.#validation };
    switch (id) {
      case 0:
        return this.#customSection(reader);
      case 1:
        return this.#coreModule(range);
      case 4:
        return this.#component(range);
      case 9:
        this.#definitions.push(this.#readStart(place));
        return reader.expectEnd("the start definition");
      default: {
        if (id > 12) throw malformed(range.start, `an unknown section (id ${id})`);
        for (let count = reader.count(); count > 0; count -= 1) this.#definition(id, place);
        return reader.expectEnd(`the definitions of a section (id ${id})`);
      }
    }
  }

  #definition(id: number, place: Place): void {
    const { scope, validation } = place;
    const push = (step: string, read: () => Definition): void => {
      this.#definitions.push(validation.at(step, read));
    };
    switch (id) {
      case 2:
        return push(`core instance ${scope.coreInstances.length}`, () => readCoreInstance(place));
      case 3:
        validation.at(`core type ${scope.coreTypes.length}`, () => {
          for (const type of readCoreType(place)) this.#definitions.push({ kind: "core-type", type });
        });
        return;
      case 5:
        return push(`instance ${scope.instances.length}`, () => readInstance(place));
      case 6:
        return push("alias", () => readAlias(place));
      case 7:
        return push(`type ${scope.types.length}`, () => this.#readType(place));
      case 8:
        // The definition itself says in messages what it is.
        this.#definitions.push(readCanonical(place));
        return;
      case 10:
        this.#definitions.push(this.#readImport(place));
        return;
      case 11:
        this.#definitions.push(this.#readExport(place));
        return;
      default:
        return push(`value ${scope.values.length}`, () => this.#readValue(place));
    }
  }

  #customSection(reader: ByteReader): void {
    const name = reader.name();
    if (this.#customSections.length < maxListed) this.#customSections.push({ name, size: reader.remaining });
    if (name !== "component-name" || this.#name !== undefined) return;
    try {
      if (reader.u8() !== 0) return;
      this.#name = new ByteReader(this.#bytes, reader.sized("a subsection")).name();
    } catch (error) {
      // A defect in a custom section never makes a component invalid.
      if (!(error instanceof SampanError) || error.code !== "WASM_MALFORMED") throw error;
    }
  }

  #coreModule(range: ByteRange): void {
    const moduleType = readCoreModuleAt(this.#bytes, range, this.#scope.coreModules.length);
    pushLimited(this.#scope.coreModules, moduleType);
    const bytes = this.#bytes.subarray(range.start, range.end);
    this.#definitions.push({ kind: "core-module", bytes, moduleType });
  }

  #component(range: ByteRange): void {
    const validation = this.#validation;
    const component = validation.at(`component ${this.#scope.components.length}`, () =>
      validation.nested(() => new ComponentDecoder(this.#bytes, this.#scope, validation).decode(range)),
    );
    pushLimited(this.#scope.components, component.type);
    this.#definitions.push({ kind: "component", component });
  }

  #readType(place: Place): Definition {
    const definition = readType(place);
    if (definition.kind === "type" && definition.type.kind === "resource") this.#nameless.add(definition.type);
    return definition;
  }

  #readImport(place: Place): Definition {
    const { name, attributes } = readName(place);
    return this.#validation.at(`import "${name}"`, () => {
      const type = readExternType(place, name);
      this.#scope.add("import", name, { attributes, extern: type });
      return { kind: "import", name, type, attributes };
    });
  }

  #readExport(place: Place): Definition {
    const { name, attributes } = readName(place);
    return this.#validation.at(`export "${name}"`, () => {
      const { sort, index } = readSortIndex(place);
      const inferred = this.#scope.named(sort, index);
      const hasType = readFlag(place.reader, "an export's type");
      const type = hasType ? this.#readAscribed(place, name, inferred) : inferred;
      if (type.kind === "type" && type.type.kind === "resource") this.#nameResource(type.type, name);
      this.#scope.add("export", name, { attributes, extern: type });
      // An exported value is not there for others to use.
      if (type.kind === "value") this.#scope.useValue(this.#scope.values.length - 1);
      return { kind: "export", name, sort, index, type, attributes };
    });
  }

  #readAscribed(place: Place, name: string, inferred: ExternType): ExternType {
    const wanted = readExternType(place, name);
    const problem = matchExtern(inferred, wanted, new Map(), { facts: this.#validation.facts });
    if (problem !== undefined) throw this.#validation.invalid(`${problem} by its own type`);
    return wanted;
  }

  #nameResource(resource: ResourceType & { name: string | undefined }, name: string): void {
    if (this.#nameless.delete(resource)) resource.name = name;
  }

  #readStart(place: Place): Definition {
    const { reader, scope, validation } = place;
    validation.need("values", "a start function");
    return validation.at("start", () => {
      const index = reader.u32();
      const type = validation.item(scope.functions, index, "function");
      const args: number[] = [];
      for (let count = reader.count(); count > 0; count -= 1) args.push(reader.u32());
      const results = reader.u32();
      if (args.length !== type.params.length || results !== (type.result === undefined ? 0 : 1)) {
        throw validation.invalid(`${args.length} arguments and ${results} results for ${printType(type)}`);
      }
      for (const [position, param] of type.params.entries()) {
        const actual: ExternType = { kind: "value", type: scope.useValue(args[position] ?? 0) };
        const wanted: ExternType = { kind: "value", type: param.type };
        const problem = matchExtern(actual, wanted, new Map(), { facts: validation.facts });
        if (problem !== undefined) throw validation.invalid(`argument ${position} ${problem}`);
      }
      if (type.result !== undefined) scope.push({ kind: "value", type: type.result });
      return { kind: "start", function: index, args, results };
    });
  }

  #readValue(place: Place): Definition {
    const { reader, validation } = place;
    validation.need("values", "a value");
    const type = readValueType(place);
    const range = reader.sized("a value");
    const inside = new ByteReader(this.#bytes, range);
    checkConstant(inside, type);
    inside.expectEnd("a value");
    this.#scope.push({ kind: "value", type });
    return { kind: "value", type, bytes: this.#bytes.subarray(range.start, range.end) };
  }

  /** The component's type: of several exports of a resource type that is not imported, the first introduces it. */
  #type(): ComponentType {
    const seen = new Set<ResourceType>();
    for (const extern of this.#scope.imports.values()) {
      if (extern.kind === "type" && extern.isFresh && extern.type.kind === "resource") seen.add(extern.type);
      if (extern.kind !== "instance") continue;
      for (const resource of this.#validation.facts.of(extern.type).bound) seen.add(resource);
    }
    return { kind: "component", imports: this.#scope.imports, exports: this.#introduceOnce(this.#scope.exports, seen) };
  }

  #introduceOnce(externs: ReadonlyMap<string, ExternType>, seen: Set<ResourceType>): ReadonlyMap<string, ExternType> {
    this.#validation.facts.spendCopies(externs.size);
    const result = new Map<string, ExternType>();
    for (const [name, extern] of externs) result.set(name, this.#introduce(extern, seen));
    return result;
  }

  #introduce(extern: ExternType, seen: Set<ResourceType>): ExternType {
    if (extern.kind === "type" && extern.type.kind === "resource") {
      const isFresh = !seen.has(extern.type);
      seen.add(extern.type);
      return { ...extern, isFresh };
    }
    if (extern.kind !== "instance") return extern;
    const { free, bound } = this.#validation.facts.of(extern.type);
    if (free.size === 0 && bound.size === 0) return extern;
    return { kind: "instance", type: { kind: "instance", exports: this.#introduceOnce(extern.type.exports, seen) } };
  }
}
