import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { ComponentError } from "./component-error.ts";
import { asyncTypesOf, Layout, partsOf, resourcesOf } from "./layout.ts";
import * as lists from "./lists.ts";
import { sameName } from "../names.ts";
import { camelCase } from "./names.ts";
import type { CanonicalShape } from "./runtime.ts";
import * as strings from "./strings.ts";

/** What generated code calls by name: nothing of a guest's is among it. */
const helpers: Readonly<Record<string, unknown>> = { ...lists, ...strings, ComponentError };
const helperNames = Object.keys(helpers);

/** Types of more parts than this become functions of their own: the code of each function stays within bounds. */
const mostInline = 48;
const mostWeight = 1e6;
/** Bytes that an object for a handle takes at most. */
const handleCost = 320;
/** Records of more fields are made from tables: a constructor has so many parameters at most. */
const mostParameters = 250;

/**
 * The code of one function type in the making: its constants, its functions for types that are too large to be written out
 * where they occur, and what the whole becomes. Names and strings of a guest only ever are constants, never code.
 */
export class Program {
  readonly layout: Layout;
  readonly shape: CanonicalShape;
  readonly is64: boolean;
  readonly #resources: readonly unknown[];
  readonly #asyncTypes: readonly unknown[];
  readonly #constants: unknown[] = [];
  readonly #constantNames = new Map<unknown, string>();
  readonly #constructors = new Map<ComponentValueType, string>();
  readonly #tables = new Map<string, Map<ComponentValueType, string>>();
  readonly #functions = new Map<string, Map<ComponentValueType, string>>();
  readonly #weights = new Map<ComponentValueType, number>();
  readonly #costs = new Map<ComponentValueType, number>();
  readonly #bodies: string[] = [];
  #names = 0;

  constructor(type: ComponentFunctionType, shape: CanonicalShape) {
    this.shape = shape;
    this.is64 = shape.memoryIs64 === true;
    this.layout = new Layout(this.is64 ? "i64" : "i32");
    this.#resources = resourcesOf(type);
    this.#asyncTypes = asyncTypesOf(type);
  }

  /** A name that nothing else in the code has. */
  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** The name under which the code finds a value. */
  constant(value: unknown): string {
    let name = this.#constantNames.get(value);
    if (name === undefined) {
      name = `k${this.#constants.length}`;
      this.#constants.push(value);
      this.#constantNames.set(value, name);
    }
    return name;
  }

  /** The name of the constant that a field's or flag's name in JavaScript is. */
  key(name: string): string {
    return this.constant(camelCase(name));
  }

  /** The names of a record or of flags in JavaScript. @throws COMPONENT_NAMES where two of them are one, and a value would be lost */
  keysOf(names: readonly string[]): string[] {
    const keys = names.map(camelCase);
    if (new Set(keys).size === keys.length) return keys;
    const second = keys.findIndex((key, at) => keys.indexOf(key) !== at);
    throw sameName(names[keys.indexOf(keys[second] ?? "")] ?? "", names[second] ?? "");
  }

  /** The name of a constant of some sort that is made for a type, once. */
  tableOf(sort: string, type: ComponentValueType, make: () => unknown): string {
    return named(this.#tables, { sort, type, make: () => this.constant(make()) });
  }

  /** The expression of an object of a record's or of flags' names, whose values the expressions are. */
  objectOf(type: ComponentValueType, names: readonly string[], values: readonly string[]): string {
    const keys = this.keysOf(names);
    if (keys.length > mostParameters) return `objectOf(${this.constant(keys)}, [${values.join(", ")}])`;
    let made = this.#constructors.get(type);
    if (made === undefined) {
      made = this.name("Made");
      const parameters = keys.map((_, at) => `a${at}`);
      const stores = keys.map((key, at) => `this[${this.constant(key)}] = a${at};`);
      // As fast as a literal, and the names stay out of the code.
      this.#bodies.push(
        `function ${made}(${parameters.join(", ")}) { ${stores.join(" ")} }\n${made}.prototype = Object.prototype;`,
      );
      this.#constructors.set(type, made);
    }
    return `new ${made}(${values.join(", ")})`;
  }

  /** Position of a handle's resource type, or of a stream's or future's type, in the function's. */
  slotOf(type: ComponentValueType): number {
    const isHandle = type.kind === "own" || type.kind === "borrow";
    const slot = isHandle ? this.#resources.indexOf(type.resource) : this.#asyncTypes.indexOf(type);
    return Math.max(slot, 0);
  }

  /** The name of a function for a type, which `write` writes the first time: its code from the parameters on. */
  functionOf(sort: string, type: ComponentValueType, write: () => string): string {
    const make = (): string => {
      const name = this.name(sort);
      // Types hold no cycles: what it calls is written before.
      this.#bodies.push(`function ${name}${write()}`);
      return name;
    };
    return named(this.#functions, { sort, type, make });
  }

  /** Whether a type is too large to be written out inside another's code. */
  isLarge(type: ComponentValueType): boolean {
    return this.#weightOf(type) > mostInline;
  }

  #weightOf(type: ComponentValueType): number {
    const known = this.#weights.get(type);
    if (known !== undefined) return known;
    let weight = type.kind === "list" && type.length !== undefined ? 1 + Math.min(type.length, 16) : 2;
    if (type.kind === "flags") weight += type.names.length;
    for (const part of partsOf(type)) weight += part === undefined ? 1 : this.#weightOf(part);
    weight = Math.min(weight, mostWeight);
    this.#weights.set(type, weight);
    return weight;
  }

  /** What one value takes of the budget at most, without its strings and lists, which are counted as they are lifted. */
  costOf(type: ComponentValueType): number {
    const known = this.#costs.get(type);
    if (known !== undefined) return known;
    const costs = partsOf(type).map((part) => (part === undefined ? 0 : this.costOf(part)));
    let cost = 32;
    if (type.kind === "own" || type.kind === "borrow") cost = handleCost;
    else if (type.kind === "flags") cost += 8 * type.names.length;
    else if (type.kind === "record" || type.kind === "tuple") cost = costs.reduce((sum, each) => sum + each, cost);
    else if (type.kind === "variant" || type.kind === "result" || type.kind === "option")
      cost = costs.reduce((most, each) => Math.max(most, each), 0) + 32;
    cost = Math.min(cost, 2 ** 40);
    this.#costs.set(type, cost);
    return cost;
  }

  /** Makes what the code returns; it finds `own` under their names. */
  build(code: string, own: Readonly<Record<string, unknown>>): unknown {
    const constants = this.#constants.map((_, at) => `k${at} = K[${at}]`);
    const text = `${this.#bodies.join("\n")}
      ${code}`;
    // Most code uses few: those that it does not name would take most of the time that it takes to be made.
    const used = helperNames.filter((name) => text.includes(name));
    const whole = `"use strict";
      const { ${used.join(", ")} } = H;
      const { ${Object.keys(own).join(", ")} } = O;
      ${constants.length === 0 ? "" : `const ${constants.join(", ")};`}
      ${text}`;
    // oxlint-disable-next-line typescript/no-implied-eval -- made from the structure of types: a guest's names are constants
    const make = new Function("H", "O", "K", whole) as (
      h: typeof helpers,
      o: Readonly<Record<string, unknown>>,
      k: readonly unknown[],
    ) => unknown;
    return make(helpers, own, this.#constants);
  }
}

/** A typed array for each type of list that is copied as a whole, by its element's kind. */
export const bulkArrays: Readonly<Record<string, string>> = {
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

/** An address as code. */
export function addressOf(base: string, offset: number): string {
  return offset === 0 ? base : `${base} + ${offset}`;
}

function named(
  names: Map<string, Map<ComponentValueType, string>>,
  { sort, type, make }: { sort: string; type: ComponentValueType; make: () => string },
): string {
  let known = names.get(sort);
  if (known === undefined) names.set(sort, (known = new Map()));
  const name = known.get(type) ?? make();
  known.set(type, name);
  return name;
}
