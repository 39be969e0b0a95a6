import type { Random } from "../random.ts";
import { code, type Code, type Part } from "./code.ts";
import { type Feature, functionTypeIndex, isBelow, type Plan, typeOfFunction } from "./plan.ts";
import {
  float32,
  float64,
  heapOf,
  heapTypeBytes,
  isNullable,
  isReference,
  signed,
  typeIndexOf,
  unsigned,
  type NumberType,
  type Value,
  valueBytes,
} from "./types.ts";

/** A place that branches go to. */
export interface Label {
  /** Types that a branch to it takes along. */
  readonly types: readonly Value[];
  readonly isLoop?: true;
  /** Whether code stands in a handler of the present form's predecessor, where it may be thrown anew. */
  isHandler?: boolean;
}

/** Makes a value of the type, or answers `undefined` where it does not fit. */
export type ValueMaker = (scope: Scope, type: Value) => Code | undefined;

/** Makes code that takes nothing and leaves nothing. */
export type StatementMaker = (scope: Scope) => Code | undefined;

/** A row of a table of makers. */
export interface Weighted<Maker> {
  readonly weight: number;
  readonly feature?: Feature;
  readonly make: Maker;
}

/** All makers of one kind of code, by what they are for. */
export interface Makers {
  readonly values: readonly Weighted<ValueMaker>[];
  readonly statements: readonly Weighted<StatementMaker>[];
  readonly ends: readonly Weighted<StatementMaker>[];
}

/** The makers that a module's features allow, and the sum of their weights. */
interface Choice<Maker> {
  readonly makers: readonly Weighted<Maker>[];
  readonly sum: number;
}

function choiceOf<Maker>(plan: Plan, all: readonly Weighted<Maker>[]): Choice<Maker> {
  const allowed = all.filter(({ feature }) => feature === undefined || plan.features.has(feature));
  const makers = allowed.map((row) =>
    row.feature !== undefined && row.feature === plan.favourite ? { ...row, weight: row.weight * 5 } : row,
  );
  return { makers, sum: makers.reduce((total, { weight }) => total + weight, 0) };
}

const deepest = 7;

/** What a function's body is generated in: its locals, labels and what may still be spent. */
export class Scope {
  readonly plan: Plan;
  readonly random: Random;
  readonly locals: Value[];
  readonly labels: Label[];
  readonly #values: Choice<ValueMaker>;
  readonly #statements: Choice<StatementMaker>;
  readonly #ends: Choice<StatementMaker>;
  #budget: number;
  #depth = 0;

  constructor(plan: Plan, random: Random, options: { index: number; makers: Makers; budget: number }) {
    this.plan = plan;
    this.random = random;
    const { params, results } = typeOfFunction(plan, options.index);
    this.locals = [...params];
    this.labels = [{ types: results }];
    const { values, statements, ends } = options.makers;
    this.#values = choiceOf(plan, values);
    this.#statements = choiceOf(plan, statements);
    this.#ends = choiceOf(plan, ends);
    this.#budget = options.budget;
  }

  has(feature: Feature): boolean {
    return this.plan.features.has(feature);
  }

  /** Code that leaves one value of the type. */
  value(type: Value): Code {
    const made = this.#make(this.#values, (make) => make(this, type));
    return { parts: made === undefined ? [this.leaf(type)] : made.parts, plain: this.plain(type) };
  }

  /** Code that leaves the values in order. */
  values(types: readonly Value[]): Code[] {
    return types.map((type) => this.value(type));
  }

  /** Code that takes and leaves nothing. */
  statement(): Code {
    const made = this.#make(this.#statements, (make) => make(this));
    return { parts: made?.parts ?? [[0x01]], plain: [] };
  }

  statements(most: number): Code[] {
    return Array.from({ length: this.random.below(most + 1) }, () => this.statement());
  }

  /** Statements and the values, or instead of these something that never goes on. */
  rest(types: readonly Value[], most = 2): Code[] {
    const statements = this.statements(most);
    const last = this.random.chance(0.12) ? this.#make(this.#ends, (make) => make(this)) : undefined;
    if (last === undefined) return [...statements, ...this.values(types)];
    return [...statements, { parts: last.parts, plain: types.flatMap((type) => this.plain(type)) }];
  }

  /** Code in a block of the label: instruction, block type, what `inside` makes, end. */
  block(opcode: number, label: Label, inside: () => readonly Part[]): Part[] {
    this.labels.push(label);
    const parts = inside();
    this.labels.pop();
    return [[opcode, ...this.blockType(label.isLoop === true ? [] : label.types)], ...parts, [0x0b]];
  }

  /** The bytes of a block type. */
  blockType(results: readonly Value[], params: readonly Value[] = []): number[] {
    const [only] = results;
    if (params.length === 0 && results.length <= 1 && !this.random.chance(0.05)) {
      return only === undefined ? [0x40] : valueBytes(only);
    }
    return signed(BigInt(functionTypeIndex(this.plan, params, results)));
  }

  /** Takes values off the stack: into locals or nowhere. */
  consume(types: readonly Value[]): number[] {
    return types.toReversed().flatMap((type) => {
      if (this.random.chance(0.5)) return [0x1a];
      return [0x21, ...unsigned(this.local(type))];
    });
  }

  /** The index of a local that can be set to the type and read from the start: one that is there or a new one. */
  local(type: Value): number {
    const fits = this.locals.flatMap((local, index) =>
      isBelow(this.plan, type, local) && local !== "ref null exn" ? [index] : [],
    );
    const found = this.random.pick(fits);
    if (found !== undefined && (this.locals.length > 12 || this.random.chance(0.8))) return found;
    return this.newLocal(type);
  }

  newLocal(type: Value): number {
    this.locals.push(isReference(type) && !isNullable(type) ? `ref null ${heapOf(type)}` : type);
    return this.locals.length - 1;
  }

  /** An unsigned integer in LEB128, sometimes longer than it has to be. */
  index(value: number): number[] {
    const bytes = unsigned(value);
    if (!this.has("padding") || bytes.length > 3 || !this.random.chance(0.15)) return bytes;
    const last = bytes.length - 1;
    return [
      ...bytes.map((byte, at) => (at === last ? byte | 0x80 : byte)),
      ...(this.random.chance(0.5) ? [0] : [0x80, 0]),
    ];
  }

  /** The index of a segment: mostly of one that the module has not used up at its start. */
  segment(segments: readonly { readonly place: unknown }[]): number {
    const passive = segments.flatMap(({ place }, index) => (place === "passive" ? [index] : []));
    const chosen = this.random.chance(0.85) ? this.random.pick(passive) : undefined;
    return chosen ?? this.random.below(segments.length);
  }

  /** Something short of the type. */
  leaf(type: Value): number[] {
    const local = this.random.pick(
      this.locals.flatMap((each, index) => (isBelow(this.plan, each, type) ? [index] : [])),
    );
    if (local !== undefined && this.random.chance(0.5)) return [0x20, ...this.index(local)];
    const global = this.random.pick(
      this.plan.globals.flatMap((each, index) => (isBelow(this.plan, each.type, type) ? [index] : [])),
    );
    if (global !== undefined && this.random.chance(0.3)) return [0x23, ...this.index(global)];
    return isReference(type) ? this.plain(type) : constant(this.random, type);
  }

  /** The shortest value of the type that is always the same. */
  plain(type: Value): number[] {
    return plainValue(this.plan, type);
  }

  #make<Maker>(choice: Choice<Maker>, run: (make: Maker) => Code | undefined): Code | undefined {
    if (this.#depth > deepest || this.#budget <= 0) return undefined;
    this.#budget -= 1;
    this.#depth += 1;
    try {
      for (let attempt = 0; attempt < 10; attempt += 1) {
        let at = this.random.below(choice.sum);
        const chosen = choice.makers.find(({ weight }) => (at -= weight) < 0);
        const made = chosen === undefined ? undefined : run(chosen.make);
        if (made !== undefined) return made;
      }
      return undefined;
    } finally {
      this.#depth -= 1;
    }
  }
}

/** A constant of the type, which is no reference. */
export function constant(random: Random, type: NumberType): number[] {
  switch (type) {
    case "i32":
      return [0x41, ...signed(BigInt(random.i32()))];
    case "i64":
      return [0x42, ...signed(random.i64())];
    case "f32":
      return [0x43, ...float32(random.float())];
    case "f64":
      return [0x44, ...float64(random.float())];
    case "v128":
      return [0xfd, 12, ...Array.from({ length: 16 }, () => random.i32() & 0xff)];
  }
}

/** The shortest value of a type that is always the same, as a constant expression without its end. */
export function plainValue(plan: Plan, type: Value): number[] {
  if (type === "i32") return [0x41, 0];
  if (type === "i64") return [0x42, 0];
  if (type === "f32") return [0x43, 0, 0, 0, 0];
  if (type === "f64") return [0x44, 0, 0, 0, 0, 0, 0, 0, 0];
  if (type === "v128") return [0xfd, 12, ...Array.from({ length: 16 }, () => 0)];
  const heap = heapOf(type);
  if (isNullable(type)) return [0xd0, ...heapTypeBytes(heap)];
  if (heap === "extern") return [0x41, 0, 0xfb, 28, 0xfb, 27];
  const index = typeIndexOf(type);
  const kind = index === undefined ? heap : plan.types[index]?.type.kind;
  if (kind === "func" || kind === "function") return [0xd2, ...unsigned(functionOfType(plan, index))];
  if (kind === "struct" || kind === "array") {
    const concrete = index ?? plan.types.findIndex((each) => each.type.kind === kind);
    return kind === "struct" ? [0xfb, 1, ...unsigned(concrete)] : [0x41, 2, 0xfb, 7, ...unsigned(concrete)];
  }
  return [0x41, 0, 0xfb, 28];
}

function functionOfType(plan: Plan, index: number | undefined): number {
  if (index === undefined) return plan.functions.length - 1;
  return plan.functions.findIndex(({ type }) => isBelow(plan, `ref ${type}`, `ref ${index}`));
}

/** Code of the parts. */
export function made(...parts: readonly Part[]): Code {
  return code(parts);
}
