import type { ComponentFunctionType, ComponentValueType, ResourceType } from "../../wasm/component/index.ts";
import type { KeptNode, KeptType } from "./kept-form.ts";

/** Reads function types of texts that a `TypeWriter` wrote. */
export class TypeReader {
  readonly #texts: readonly string[];
  readonly #types: ComponentFunctionType[] = [];

  constructor(texts: readonly string[]) {
    this.#texts = texts;
  }

  /** The type of a number. Resource types are the same objects within it, as the numbers of its resources go by. */
  at(number: number): ComponentFunctionType {
    return (this.#types[number] ??= typeLater(this.#texts[number] ?? ""));
  }
}

/** A type that is read when its parts are looked at: whoever provides functions is told each one's type, and hardly ever looks. */
function typeLater(text: string): ComponentFunctionType {
  let made: ComponentFunctionType | undefined;
  const read = (): ComponentFunctionType => (made ??= typeOf(JSON.parse(text) as KeptType));
  return {
    kind: "function",
    get params() {
      return read().params;
    },
    get result() {
      return read().result;
    },
    get isAsync() {
      return read().isAsync;
    },
  };
}

function typeOf({ nodes, params, result, isAsync, resources }: KeptType): ComponentFunctionType {
  // What a type is made of comes before it.
  const made: ComponentValueType[] = [];
  const types = resources.map(resourceOf);
  const at = (number: number): ComponentValueType => known(made[number]);
  for (const node of nodes) made.push(valueTypeOf(node, { at, resources: types }));
  return {
    kind: "function",
    params: params.map(([name, node]) => ({ name, type: at(node) })),
    result: result === -1 ? undefined : at(result),
    isAsync,
  };
}

interface TypeSurroundings {
  readonly at: (number: number) => ComponentValueType;
  readonly resources: readonly ResourceType[];
}

function valueTypeOf(node: KeptNode, { at, resources }: TypeSurroundings): ComponentValueType {
  if (typeof node === "string") return { kind: node } as ComponentValueType;
  const [kind, names, ...parts] = node;
  const part = (index: number): ComponentValueType => at(known(parts[index]));
  const maybe = (index: number): ComponentValueType | undefined => (parts[index] === -1 ? undefined : part(index));
  const texts = Array.isArray(names) ? (names as readonly string[]) : [];
  switch (kind) {
    case "record":
      return { kind, fields: texts.map((name, index) => ({ name, type: part(index) })) };
    case "variant":
      return { kind, cases: texts.map((name, index) => ({ name, type: maybe(index) })) };
    case "flags":
    case "enum":
      return { kind, names: texts };
    case "list":
      return { kind, element: part(0), length: typeof names === "number" ? names : undefined };
    case "tuple":
      return { kind, types: parts.map(at) };
    case "option":
      return { kind, type: part(0) };
    case "result":
      return { kind, ok: maybe(0), error: maybe(1) };
    case "map":
      return { kind, key: part(0), value: part(1) };
    case "stream":
    case "future":
      return { kind, element: maybe(0) };
    case "own":
    case "borrow":
      return { kind, resource: known(resources[Number(names)]) };
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
      return { kind };
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("A kept type names a part that it does not have");
  return value;
}

function resourceOf([name, definition]: KeptType["resources"][number]): ResourceType {
  return {
    kind: "resource",
    name: name ?? undefined,
    ...(definition === null
      ? {}
      : { definition: { representation: definition[0], destructor: definition[1] ?? undefined } }),
  };
}
