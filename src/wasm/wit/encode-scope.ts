import { ByteWriter } from "../writer.ts";
import type { PrimitiveKind } from "../component-parts.ts";
import {
  functionName,
  isPrimitive,
  isResource,
  type WitFunction,
  type WitInterface,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
} from "./model.ts";

const primitiveCode: Readonly<Record<PrimitiveKind, number>> = {
  bool: 0x7f,
  s8: 0x7e,
  u8: 0x7d,
  s16: 0x7c,
  u16: 0x7b,
  s32: 0x7a,
  u32: 0x79,
  s64: 0x78,
  u64: 0x77,
  f32: 0x76,
  f64: 0x75,
  char: 0x74,
  string: 0x73,
  "error-context": 0x64,
};

/** What an import or export declares (component model, Binary: `externtype`), as the bytes that stand for it. */
export const externCode = { function: 0x01, type: 0x03, component: 0x04, instance: 0x05 } as const;

/** Attributes of an import or export's name. */
export interface NameAttributes {
  readonly implements?: string | undefined;
  readonly externalId?: string | undefined;
}

/** Writes a name of an import or export (component model, Binary: `nameattributes`). */
export function writeExternName(writer: ByteWriter, name: string, attributes: NameAttributes = {}): void {
  const { implements: implemented, externalId } = attributes;
  const count = (implemented === undefined ? 0 : 1) + (externalId === undefined ? 0 : 1);
  writer.u8(count === 0 ? 0x00 : 0x02).name(name);
  if (count === 0) return;
  writer.u32(count);
  if (implemented !== undefined) writer.u8(0x00).name(implemented);
  if (externalId !== undefined) writer.u8(0x02).name(externalId);
}

/**
 * The declarators of one component type or instance type as they are written, and the indices of what they define
 * (component model, Binary: Type Definitions).
 */
export class EncodeScope {
  readonly #declarators = new ByteWriter();
  readonly #foreign: (definition: WitTypeDefinition, scope: EncodeScope) => number;
  readonly #indices = new Map<WitTypeDefinition, number>();
  readonly #anonymous = new Map<string, number>();
  #count = 0;
  #types = 0;
  #instances = 0;

  /** `foreign` declares an alias of a type that this scope does not define and answers its index. */
  constructor(foreign: (definition: WitTypeDefinition, scope: EncodeScope) => number) {
    this.#foreign = foreign;
  }

  /** The whole as a type: `0x41` for a component, `0x42` for an instance. */
  finish(code: 0x41 | 0x42): Uint8Array {
    return new ByteWriter().u8(code).u32(this.#count).raw(this.#declarators.finish()).finish();
  }

  /** Defines a type by its bytes. */
  type(bytes: ArrayLike<number>): number {
    this.#declare(0x01).raw(bytes);
    return this.#types++;
  }

  /** Makes an alias of a type that an instance exports. */
  aliasExport(instance: number, name: string): number {
    this.#declare(0x02).u8(0x03).u8(0x00).u32(instance).name(name);
    return this.#types++;
  }

  /** Makes an alias of a type of the scope around this one. */
  aliasOuter(index: number): number {
    this.#declare(0x02).u8(0x03).u8(0x02).u32(1).u32(index);
    return this.#types++;
  }

  /** Imports or exports an instance or component of a type that is defined here; answers an instance's index. */
  extern(
    word: "import" | "export",
    name: string,
    {
      kind,
      type,
      attributes,
    }: { readonly kind: keyof typeof externCode; readonly type: number; readonly attributes?: NameAttributes },
  ): number {
    writeExternName(this.#declare(word === "import" ? 0x03 : 0x04), name, attributes);
    this.#declarators.u8(externCode[kind]).u32(type);
    return kind === "instance" ? this.#instances++ : -1;
  }

  /** Defines a named type and imports or exports it, as WIT has it. */
  define(word: "import" | "export", definition: WitTypeDefinition): void {
    const { name, body, externalId } = definition;
    const bound = body.kind === "resource" ? undefined : this.#bodyIndex(body);
    writeExternName(this.#declare(word === "import" ? 0x03 : 0x04), name, { externalId });
    this.#declarators.u8(externCode.type);
    if (bound === undefined) this.#declarators.u8(0x01);
    else this.#declarators.u8(0x00).u32(bound);
    this.#indices.set(definition, this.#types++);
  }

  /** Imports or exports a function. */
  function(word: "import" | "export", name: string, each: WitFunction, resource?: WitTypeDefinition): void {
    const { externalId } = each;
    this.extern(word, name, { kind: "function", type: this.#functionType(each, resource), attributes: { externalId } });
  }

  /** Imports or exports the functions of a resource that is defined here. */
  resourceFunctions(word: "import" | "export", resource: WitTypeDefinition): void {
    if (resource.body.kind !== "resource") return;
    for (const each of resource.body.functions) this.function(word, functionName(each, resource.name), each, resource);
  }

  /** The index of a named type, whoever defines it. */
  indexOf(definition: WitTypeDefinition): number {
    const known = this.#indices.get(definition);
    if (known !== undefined) return known;
    const index = this.#foreign(definition, this);
    this.#indices.set(definition, index);
    return index;
  }

  /** Lets types of an interface be looked up anew: an export of it stands for it from now on, where an import did. */
  forget(owner: WitInterface): void {
    for (const definition of owner.types.values()) this.#indices.delete(definition);
  }

  /** Defines what needs no name of its own, or finds where it was before. */
  #intern(bytes: Uint8Array): number {
    const key = String(bytes);
    const known = this.#anonymous.get(key);
    if (known !== undefined) return known;
    const index = this.type(bytes);
    this.#anonymous.set(key, index);
    return index;
  }

  #bodyIndex(body: Exclude<WitTypeBody, { kind: "resource" }>): number {
    switch (body.kind) {
      case "use":
        return this.indexOf(body.target);
      case "alias": {
        const { type } = body;
        if (type.kind === "named") return this.indexOf(type.definition);
        const bytes = this.#typeBytes(type);
        return this.#intern(bytes);
      }
      case "record": {
        const fields = body.fields.map(({ name, type }) => ({ name, type: this.#value(type) }));
        const writer = new ByteWriter().u8(0x72).u32(fields.length);
        for (const { name, type } of fields) writer.name(name).raw(type);
        return this.type(writer.finish());
      }
      case "variant": {
        const cases = body.cases.map(({ name, type }) => ({ name, type: this.#optional(type) }));
        const writer = new ByteWriter().u8(0x71).u32(cases.length);
        for (const { name, type } of cases) writer.name(name).raw(type).u8(0x00);
        return this.type(writer.finish());
      }
      case "flags":
      case "enum": {
        const writer = new ByteWriter().u8(body.kind === "flags" ? 0x6e : 0x6d).u32(body.members.length);
        for (const { name } of body.members) writer.name(name);
        return this.type(writer.finish());
      }
    }
  }

  /** A `valtype`: the byte of a primitive type, or an index. */
  #value(type: WitType): Uint8Array {
    if (type.kind === "named" && !isResource(type.definition)) return signed(this.indexOf(type.definition));
    const bytes = this.#typeBytes(type);
    return bytes.length === 1 ? bytes : signed(this.#intern(bytes));
  }

  #optional(type: WitType | undefined): Uint8Array {
    if (type === undefined) return Uint8Array.of(0x00);
    return new ByteWriter().u8(0x01).raw(this.#value(type)).finish();
  }

  /** A `defvaltype` that stands without a name. */
  #typeBytes(type: WitType): Uint8Array {
    if (isPrimitive(type)) return Uint8Array.of(primitiveCode[type.kind]);
    switch (type.kind) {
      case "named":
      case "borrow": {
        const code = type.kind === "borrow" ? 0x68 : 0x69;
        return new ByteWriter().u8(code).u32(this.indexOf(type.definition)).finish();
      }
      case "list": {
        const element = this.#value(type.element);
        if (type.length === undefined) return new ByteWriter().u8(0x70).raw(element).finish();
        return new ByteWriter().u8(0x67).raw(element).u32(type.length).finish();
      }
      case "tuple": {
        const types = type.types.map((each) => this.#value(each));
        const writer = new ByteWriter().u8(0x6f).u32(types.length);
        for (const each of types) writer.raw(each);
        return writer.finish();
      }
      case "option":
        return new ByteWriter().u8(0x6b).raw(this.#value(type.type)).finish();
      case "result": {
        const [ok, error] = [this.#optional(type.ok), this.#optional(type.error)];
        return new ByteWriter().u8(0x6a).raw(ok).raw(error).finish();
      }
      case "map": {
        const [key, value] = [this.#value(type.key), this.#value(type.value)];
        return new ByteWriter().u8(0x63).raw(key).raw(value).finish();
      }
      case "stream":
      case "future":
        return new ByteWriter()
          .u8(type.kind === "stream" ? 0x66 : 0x65)
          .raw(this.#optional(type.element))
          .finish();
    }
  }

  #functionType({ params, result, role, isAsync }: WitFunction, resource: WitTypeDefinition | undefined): number {
    const self: WitFunction["params"] =
      role === "method" && resource !== undefined
        ? [{ name: "self", type: { kind: "borrow", definition: resource } }]
        : [];
    const answer: WitType | undefined =
      role === "constructor" && result === undefined && resource !== undefined
        ? { kind: "named", definition: resource }
        : result;
    const all = [...self, ...params].map(({ name, type }) => ({ name, type: this.#value(type) }));
    const writer = new ByteWriter();
    const value = answer === undefined ? undefined : this.#value(answer);
    writer.u8(isAsync ? 0x43 : 0x40).u32(all.length);
    for (const { name, type } of all) writer.name(name).raw(type);
    if (value === undefined) writer.u8(0x01).u8(0x00);
    else writer.u8(0x00).raw(value);
    return this.#intern(writer.finish());
  }

  #declare(code: number): ByteWriter {
    this.#count += 1;
    return this.#declarators.u8(code);
  }
}

/** An index as a signed LEB128 number, in the place where negative ones are primitive types. */
function signed(index: number): Uint8Array {
  const bytes: number[] = [];
  let rest = index;
  while (rest >= 0x40) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
