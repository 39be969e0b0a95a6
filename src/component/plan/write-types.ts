import type { ComponentFunctionType, ComponentValueType, ResourceType } from "../../wasm/component/index.ts";
import type { KeptNode, KeptType } from "./kept-form.ts";

/** Writes function types as texts, each once. */
export class TypeWriter {
  readonly texts: string[] = [];
  readonly #numbers = new Map<ComponentFunctionType, number>();
  readonly #sameTexts = new Map<string, number>();

  /** The number of a type's text. */
  numberOf(type: ComponentFunctionType): number {
    let number = this.#numbers.get(type);
    if (number !== undefined) return number;
    const text = JSON.stringify(keptOf(type));
    number = this.#sameTexts.get(text) ?? this.texts.push(text) - 1;
    this.#sameTexts.set(text, number);
    this.#numbers.set(type, number);
    return number;
  }
}

function keptOf(type: ComponentFunctionType): KeptType {
  const nodes: KeptNode[] = [];
  const resources: ResourceType[] = [];
  const known = new Map<ComponentValueType, number>();
  const numberOf = (each: ComponentValueType | undefined): number => {
    if (each === undefined) return -1;
    const seen = known.get(each);
    if (seen !== undefined) return seen;
    const number = nodes.push(nodeOf(each, { numberOf, resources })) - 1;
    known.set(each, number);
    return number;
  };
  const params = type.params.map((param) => [param.name, numberOf(param.type)] as const);
  return {
    params,
    result: numberOf(type.result),
    isAsync: type.isAsync,
    nodes,
    resources: resources.map(keptResource),
  };
}

interface NodeSurroundings {
  readonly numberOf: (type: ComponentValueType | undefined) => number;
  readonly resources: ResourceType[];
}

function nodeOf(type: ComponentValueType, { numberOf, resources }: NodeSurroundings): KeptNode {
  switch (type.kind) {
    case "record":
      return [type.kind, type.fields.map(({ name }) => name), ...type.fields.map((field) => numberOf(field.type))];
    case "variant":
      return [type.kind, type.cases.map(({ name }) => name), ...type.cases.map((each) => numberOf(each.type))];
    case "flags":
    case "enum":
      return [type.kind, type.names];
    case "list":
      return [type.kind, type.length ?? null, numberOf(type.element)];
    case "tuple":
      return [type.kind, null, ...type.types.map((each) => numberOf(each))];
    case "option":
      return [type.kind, null, numberOf(type.type)];
    case "result":
      return [type.kind, null, numberOf(type.ok), numberOf(type.error)];
    case "map":
      return [type.kind, null, numberOf(type.key), numberOf(type.value)];
    case "stream":
    case "future":
      return [type.kind, null, numberOf(type.element)];
    case "own":
    case "borrow": {
      const found = resources.indexOf(type.resource);
      return [type.kind, found === -1 ? resources.push(type.resource) - 1 : found];
    }
    case "bool":
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "s64":
    case "u64":
    case "f32":
    case "f64":
    case "char":
    case "string":
    case "error-context":
      return type.kind;
  }
}

function keptResource({ name, definition }: ResourceType): KeptType["resources"][number] {
  const kept = definition === undefined ? null : ([definition.representation, definition.destructor ?? null] as const);
  return [name ?? null, kept];
}
