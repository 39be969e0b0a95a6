import type { FunctionType, MemoryType, TableType } from "../types.ts";
import { isPrimitive, isValueType } from "./kinds.ts";
import type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  CoreExtern,
  DefinedType,
  ExternType,
  InstanceType,
} from "./types.ts";

/** Characters that a printed type takes at most before the rest is left out. */
const longest = 400;

/** Collects text up to a limit, so that a type of any size prints in bounded time. */
class Text {
  #text = "";

  get isFull(): boolean {
    return this.#text.length > longest;
  }

  add(text: string): void {
    if (!this.isFull) this.#text += text;
  }

  /** Adds each item, separated by commas, until there is no more room. */
  list<Item>(items: Iterable<Item>, print: (item: Item) => void): void {
    let isFirst = true;
    for (const item of items) {
      if (this.isFull) return;
      if (!isFirst) this.add(", ");
      isFirst = false;
      print(item);
    }
  }

  finish(): string {
    return this.isFull ? `${this.#text.slice(0, longest)}…` : this.#text;
  }
}

/** A component-level type as WIT writes it, such as `func(x: u32) -> option<string>`; a long one is cut off. */
export function printType(type: DefinedType): string {
  const text = new Text();
  printDefined(text, type);
  return text.finish();
}

/** What an import or export is, as WIT writes it; a long text is cut off. */
export function printExtern(extern: ExternType): string {
  const text = new Text();
  printExternTo(text, extern);
  return text.finish();
}

/** The type of a core import or export as the text format writes it, such as `(func (param i32))`. */
export function printCoreExtern(extern: CoreExtern): string {
  switch (extern.kind) {
    case "function":
      return printCoreFunction(extern.type);
    case "tag":
      return `(tag ${printCoreFunction(extern.type).slice(1, -1)})`;
    case "table":
      return `(table ${printLimits(extern.type)} ${extern.type.element})`;
    case "memory":
      return `(memory ${printLimits(extern.type)}${extern.type.shared ? " shared" : ""})`;
    case "global":
      return `(global ${extern.type.mutable ? `(mut ${extern.type.value})` : extern.type.value})`;
  }
}

/** A core function type as the text format writes it. */
export function printCoreFunction(type: FunctionType): string {
  const params = type.params.length > 0 ? ` (param ${type.params.join(" ")})` : "";
  const results = type.results.length > 0 ? ` (result ${type.results.join(" ")})` : "";
  return `(func${params}${results})`;
}

function printLimits(type: MemoryType | TableType): string {
  return `${type.is64 ? "i64 " : ""}${type.min}${type.max === undefined ? "" : ` ${type.max}`}`;
}

function printDefined(text: Text, type: DefinedType): void {
  if (isValueType(type)) return printValue(text, type);
  switch (type.kind) {
    case "function":
      return printFunction(text, type);
    case "instance":
      return printInstance(text, type);
    case "component":
      return printComponent(text, type);
    case "resource":
      return text.add(type.name === undefined ? "resource" : `resource ${type.name}`);
  }
}

function printExternTo(text: Text, extern: ExternType): void {
  if (extern.kind === "core-module") {
    text.add(`core module { ${extern.type.imports.length} imports, ${extern.type.exports.size} exports }`);
    return;
  }
  if (extern.kind === "type") text.add(extern.type.kind === "resource" ? "" : "type ");
  if (extern.kind === "value") text.add("value ");
  printDefined(text, extern.type);
}

function printFunction(text: Text, type: ComponentFunctionType): void {
  text.add(type.isAsync ? "async func(" : "func(");
  text.list(type.params, (param) => {
    text.add(`${param.name}: `);
    printValue(text, param.type);
  });
  text.add(")");
  if (type.result === undefined) return;
  text.add(" -> ");
  printValue(text, type.result);
}

function printInstance(text: Text, type: InstanceType): void {
  text.add("interface { ");
  printExterns(text, type.exports, "");
  text.add(" }");
}

function printComponent(text: Text, type: ComponentType): void {
  text.add("component { ");
  printExterns(text, type.imports, "import ");
  if (type.imports.size > 0 && type.exports.size > 0) text.add(", ");
  printExterns(text, type.exports, "export ");
  text.add(" }");
}

function printExterns(text: Text, externs: ReadonlyMap<string, ExternType>, prefix: string): void {
  text.list(externs, ([name, extern]) => {
    text.add(`${prefix}${name}: `);
    printExternTo(text, extern);
  });
}

function printValue(text: Text, type: ComponentValueType): void {
  if (isPrimitive(type)) return text.add(type.kind);
  switch (type.kind) {
    case "record":
      return printNamed(text, "record", type.fields);
    case "variant":
      return printNamed(text, "variant", type.cases);
    case "flags":
    case "enum":
      return text.add(`${type.kind} { ${type.names.slice(0, longest).join(", ")} }`);
    case "tuple":
      return printArguments(text, "tuple", type.types);
    case "list":
      printArguments(text, "list", [type.element], type.length);
      return;
    case "option":
      return printArguments(text, "option", [type.type]);
    case "result":
      if (type.ok === undefined && type.error === undefined) return text.add("result");
      return printArguments(text, "result", type.error === undefined ? [type.ok] : [type.ok, type.error]);
    case "stream":
    case "future":
      return type.element === undefined ? text.add(type.kind) : printArguments(text, type.kind, [type.element]);
    case "map":
      return printArguments(text, "map", [type.key, type.value]);
    case "own":
    case "borrow":
      return text.add(`${type.kind}<${type.resource.name ?? "resource"}>`);
  }
}

function printNamed(
  text: Text,
  kind: string,
  items: readonly { readonly name: string; readonly type: ComponentValueType | undefined }[],
): void {
  text.add(`${kind} { `);
  text.list(items, ({ name, type }) => {
    text.add(name);
    if (type === undefined) return;
    text.add(kind === "record" ? ": " : "(");
    printValue(text, type);
    if (kind !== "record") text.add(")");
  });
  text.add(" }");
}

function printArguments(
  text: Text,
  kind: string,
  types: readonly (ComponentValueType | undefined)[],
  length?: number,
): void {
  text.add(`${kind}<`);
  text.list(types, (type) => {
    if (type === undefined) text.add("_");
    else printValue(text, type);
  });
  text.add(length === undefined ? ">" : `, ${length}>`);
}
