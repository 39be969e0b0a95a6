import { SampanError } from "../../base/index.ts";
import type { FieldType, FunctionType, TypeDefinition, ValueType } from "../types.ts";
import type { ExternType as IndexedExtern } from "../externs.ts";
import type { CoreExtern } from "./types.ts";

/** Characters that a type which refers to others takes at most when it is written out. */
const longest = 10_000;

/** A type index inside a value type's text; what is written out already holds none. */
const typeIndex = /(?<![\w.])\d+(?!\w)/g;

/**
 * Writes out what value types refer to by index, so that types of different modules can be compared by their text
 * (WebAssembly 3.0, 3.3 Matching). A reference back into a type that is being written out becomes `rec.N`, the number of
 * levels up.
 */
export class CoreTypeText {
  readonly #types: readonly TypeDefinition[];

  constructor(types: readonly TypeDefinition[]) {
    this.#types = types;
  }

  /** A function type whose value types name no index. */
  functionType(type: FunctionType): FunctionType {
    return this.#functionType(type, []);
  }

  /** A type definition whose value types name no index. */
  definition(index: number): TypeDefinition | undefined {
    const type = this.#types[index];
    return type === undefined ? undefined : this.#definition(type, [index]);
  }

  /** The type of an import or export whose value types name no index. */
  extern(extern: IndexedExtern): CoreExtern {
    switch (extern.kind) {
      case "function":
      case "tag":
        return { kind: extern.kind, type: this.functionType(extern.type) };
      case "table":
        return { kind: "table", type: { ...extern.type, element: this.#value(extern.type.element, []) } };
      case "global":
        return { kind: "global", type: { ...extern.type, value: this.#value(extern.type.value, []) } };
      case "memory":
        return extern;
    }
  }

  #functionType(type: FunctionType, path: readonly number[]): FunctionType {
    if (!type.params.some(isIndexed) && !type.results.some(isIndexed)) return type;
    const values = (list: readonly ValueType[]): ValueType[] => list.map((value) => this.#value(value, path));
    return { kind: "function", params: values(type.params), results: values(type.results) };
  }

  #definition(type: TypeDefinition, path: readonly number[]): TypeDefinition {
    const field = ({ storage, mutable }: FieldType): FieldType => ({
      storage: storage === "i8" || storage === "i16" ? storage : this.#value(storage, path),
      mutable,
    });
    switch (type.kind) {
      case "function":
        return this.#functionType(type, path);
      case "struct":
        return { kind: "struct", fields: type.fields.map(field) };
      case "array":
        return { kind: "array", element: field(type.element) };
      case "continuation":
        return { kind: "continuation", functionType: this.#written(type.functionType, path) };
    }
  }

  #value(type: ValueType, path: readonly number[]): ValueType {
    // Only what stands between the parentheses changes.
    return isIndexed(type) ? (this.#written(type, path) as ValueType) : type;
  }

  #written(text: string, path: readonly number[]): string {
    const written = text.replaceAll(typeIndex, (digits) => this.#text(Number(digits), path));
    if (written.length > longest) {
      throw new SampanError("WASM_FEATURE", "Cannot read the component: a core type refers to too many others");
    }
    return written;
  }

  #text(index: number, path: readonly number[]): string {
    const level = path.lastIndexOf(index);
    if (level >= 0) return `rec.${path.length - 1 - level}`;
    const type = this.#types[index];
    if (type === undefined) {
      throw new SampanError("COMPONENT_INVALID", `Cannot use the component: core type ${index} does not exist`);
    }
    const inner = this.#definition(type, [...path, index]);
    switch (inner.kind) {
      case "function":
        return `(func ${inner.params.join(" ")} -> ${inner.results.join(" ")})`;
      case "struct":
        return `(struct ${inner.fields.map(fieldText).join(" ")})`;
      case "array":
        return `(array ${fieldText(inner.element)})`;
      case "continuation":
        return `(cont ${inner.functionType})`;
    }
  }
}

function isIndexed(type: ValueType): boolean {
  return type.startsWith("(") && type.search(typeIndex) >= 0;
}

function fieldText(field: FieldType): string {
  return field.mutable ? `(mut ${field.storage})` : field.storage;
}
