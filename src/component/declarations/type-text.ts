import { resolveWitAlias, type WitType, type WitTypeDefinition } from "../../wasm/wit/index.ts";
import { camelCase } from "../canonical/names.ts";
import { functionName, sameName } from "../names.ts";

/** Where names of types are looked up: the names in scope that hide JavaScript's own, and what definitions are called. */
export interface TypeNames {
  /** The name of a definition as it is written here. */
  readonly nameOf: (definition: WitTypeDefinition) => string;
  /** A name of JavaScript's own, such as `Map`, as it is written where something else may have that name. */
  readonly global: (name: string) => string;
}

const arrays: Readonly<Record<string, string>> = {
  u8: "Uint8Array",
  s8: "Int8Array",
  u16: "Uint16Array",
  s16: "Int16Array",
  u32: "Uint32Array",
  s32: "Int32Array",
  u64: "BigUint64Array",
  s64: "BigInt64Array",
  f32: "Float32Array",
  f64: "Float64Array",
};

/** A type of WIT as TypeScript. */
export function typeText(type: WitType, names: TypeNames): string {
  const inner = (each: WitType): string => typeText(each, names);
  const optional = (each: WitType | undefined): string => (each === undefined ? "undefined" : inner(each));
  switch (type.kind) {
    case "bool":
      return "boolean";
    case "u64":
    case "s64":
      return "bigint";
    case "char":
    case "string":
      return "string";
    case "error-context":
      return "unknown";
    case "named":
    case "borrow":
      return names.nameOf(type.definition);
    case "list": {
      const array = arrays[resolveWitAlias(type.element).kind];
      return array === undefined ? `${atom(inner(type.element))}[]` : names.global(array);
    }
    case "tuple":
      return `[${type.types.map(inner).join(", ")}]`;
    case "option":
      return isNested(type.type)
        ? `{ tag: "some"; val: ${inner(type.type)} } | { tag: "none" }`
        : `${inner(type.type)} | undefined`;
    case "result":
      return `{ tag: "ok"; val: ${optional(type.ok)} } | { tag: "err"; val: ${optional(type.error)} }`;
    case "map":
      return `${names.global("Map")}<${inner(type.key)}, ${inner(type.value)}>`;
    case "stream":
      return `${names.global("AsyncIterable")}<${optional(type.element)}>`;
    case "future":
      return `${names.global("Promise")}<${optional(type.element)}>`;
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "f32":
    case "f64":
      return "number";
  }
}

/** A type that may stand before `[]`. */
function atom(text: string): string {
  return /[|{]/.test(text) ? `(${text})` : text;
}

/** Words that no parameter may be called. */
const reserved = new Set(
  (
    "arguments async await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);

/** A parameter's name as TypeScript takes it. */
export function parameterName(name: string): string {
  const camel = camelCase(name);
  return reserved.has(camel) ? `${camel}_` : camel;
}

/** A member's name in an interface or class: `new` and `constructor` mean something else there. */
export function memberName(name: string): string {
  return quoted(camelCase(name));
}

/** {@link memberName} of a function. */
export function methodName(name: string): string {
  return quoted(functionName(name));
}

function quoted(camel: string): string {
  return camel === "new" || camel === "constructor" ? `["${camel}"]` : camel;
}

/** Whether a type is an option, which may be left out. */
export function isOptional(type: WitType): boolean {
  const resolved = resolveWitAlias(type);
  return resolved.kind === "option" && !isNested(resolved.type);
}

/** Whether what is in an option is an option itself, so that the outer one needs a tag. */
function isNested(type: WitType): boolean {
  return resolveWitAlias(type).kind === "option";
}

/** Things of one object. @throws COMPONENT_NAMES where two of them have one name in JavaScript */
export function distinct<Item extends { readonly name: string }>(items: Iterable<Item>): Item[] {
  const seen = new Map<string, string>();
  return Array.from(items, (item) => {
    const camel = camelCase(item.name);
    const other = seen.get(camel);
    if (other !== undefined) throw sameName(other, item.name);
    seen.set(camel, item.name);
    return item;
  });
}
