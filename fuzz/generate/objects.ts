import type { Code } from "./code.ts";
import { isBelow, type Plan } from "./plan.ts";
import { made, type Scope, type StatementMaker, type ValueMaker, type Weighted } from "./scope.ts";
import {
  type ArrayType,
  type Field,
  heapOf,
  heapTypeBytes,
  isNullable,
  isReference,
  type StructType,
  type Value,
} from "./types.ts";

/** The type of value that a field gives and takes. */
function unpacked({ storage }: Field): Value {
  return storage === "i8" || storage === "i16" ? "i32" : storage;
}

function entries<Kind extends "struct" | "array">(plan: Plan, kind: Kind) {
  type Type = Kind extends "struct" ? StructType : ArrayType;
  return plan.types.flatMap(({ type }, index) => (type.kind === kind ? [{ index, type: type as Type }] : []));
}

/** A number below a small power of two. */
function few(scope: Scope, limit: number): Code {
  return made(scope.value("i32"), [0x41, limit - 1, 0x71]);
}

const make: ValueMaker = (scope, type) => {
  if (!isReference(type)) return undefined;
  const fits = scope.plan.types.flatMap((entry, index) =>
    entry.type.kind !== "function" && isBelow(scope.plan, `ref ${index}`, type) ? [{ index, type: entry.type }] : [],
  );
  const found = scope.random.pick(fits);
  if (found === undefined) return undefined;
  const index = scope.index(found.index);
  if (found.type.kind === "struct") {
    if (scope.random.chance(0.3)) return made([0xfb, 1, ...index]);
    return made(...found.type.fields.map((field) => scope.value(unpacked(field))), [0xfb, 0, ...index]);
  }
  return makeArray(scope, found.type, index);
};

function makeArray(scope: Scope, { element }: ArrayType, index: readonly number[]): Code {
  const value = unpacked(element);
  switch (scope.random.below(5)) {
    case 0:
      return made(few(scope, 8), [0xfb, 7, ...index]);
    case 1: {
      const values = Array.from({ length: scope.random.below(4) }, () => scope.value(value));
      return made(...values, [0xfb, 8, ...index, ...scope.index(values.length)]);
    }
    case 2: {
      const segment = pickSegment(scope, element);
      if (segment === undefined) return made([0x41, 0, 0xfb, 7, ...index]);
      return made(few(scope, 2), few(scope, 2), [0xfb, isReference(value) ? 10 : 9, ...index, ...scope.index(segment)]);
    }
    default:
      return made(scope.value(value), few(scope, 8), [0xfb, 6, ...index]);
  }
}

/** A segment of data or elements that an array of the element's type can be filled from. */
function pickSegment(scope: Scope, element: Field): number | undefined {
  const { plan, random } = scope;
  const { storage } = element;
  if (storage !== "i8" && storage !== "i16" && isReference(storage)) {
    return random.pick(plan.elements.flatMap(({ type }, index) => (isBelow(plan, type, storage) ? [index] : [])));
  }
  return plan.hasDataCount ? random.pick(plan.datas.map((_data, index) => index)) : undefined;
}

const small: ValueMaker = (scope, type) => {
  return isBelow(scope.plan, "ref i31", type) ? made(scope.value("i32"), [0xfb, 28]) : undefined;
};

const smallValue: ValueMaker = (scope, type) => {
  return type === "i32" ? made(scope.value("ref i31"), [0xfb, 29 + scope.random.below(2)]) : undefined;
};

/** A struct's or array's reference, seldom null. */
function object(scope: Scope, index: number): Code {
  return scope.value(scope.random.chance(0.06) ? `ref null ${index}` : `ref ${index}`);
}

function reading(field: Field, plain: number, scope: Scope): number {
  const isPacked = field.storage === "i8" || field.storage === "i16";
  return isPacked ? plain + 1 + scope.random.below(2) : plain;
}

const getField: ValueMaker = (scope, type) => {
  const fields = entries(scope.plan, "struct").flatMap(({ index, type: { fields: all } }) =>
    all.flatMap((field, at) => (isBelow(scope.plan, unpacked(field), type) ? [{ index, field, at }] : [])),
  );
  const found = scope.random.pick(fields);
  if (found === undefined) return undefined;
  const bytes = [0xfb, reading(found.field, 2, scope), ...scope.index(found.index), ...scope.index(found.at)];
  return made(object(scope, found.index), bytes);
};

const getElement: ValueMaker = (scope, type) => {
  const fits = entries(scope.plan, "array").filter((each) => isBelow(scope.plan, unpacked(each.type.element), type));
  const found = scope.random.pick(fits);
  if (found === undefined) return undefined;
  return made(object(scope, found.index), few(scope, 4), [
    0xfb,
    reading(found.type.element, 11, scope),
    ...scope.index(found.index),
  ]);
};

const about: ValueMaker = (scope, type) => {
  if (type !== "i32") return undefined;
  const found = scope.random.pick(entries(scope.plan, "array"));
  switch (scope.random.below(3)) {
    case 0:
      return made(scope.value("ref null eq"), scope.value("ref null eq"), [0xd3]);
    case 1:
      return found === undefined ? undefined : made(object(scope, found.index), [0xfb, 15]);
    default:
      return made(scope.value("ref null any"), [0xfb, 20 + scope.random.below(2), ...heapTypeBytes(someHeap(scope))]);
  }
};

function someHeap(scope: Scope): string {
  const own = scope.plan.types.flatMap(({ type }, index) => (type.kind === "function" ? [] : [String(index)]));
  return scope.random.pick(["i31", "struct", "array", "eq", ...own]) ?? "eq";
}

const cast: ValueMaker = (scope, type) => {
  if (!isReference(type) || !isBelow(scope.plan, type, "ref null any")) return undefined;
  if (scope.random.chance(0.9)) return castOrElse(scope, type);
  return made(scope.value("ref null any"), [0xfb, isNullable(type) ? 23 : 22, ...heapTypeBytes(heapOf(type))]);
};

/** A value of any type if it is of this one, or else another of this type: by a branch on the cast or on its failure. */
function castOrElse(scope: Scope, type: `ref ${string}`): Code {
  const flags = 1 | (isNullable(type) ? 2 : 0);
  const heap = heapTypeBytes(heapOf(type));
  const any = heapTypeBytes("any");
  if (scope.random.chance(0.5)) {
    const parts = scope.block(0x02, { types: [type] }, () => [
      scope.value("ref null any"),
      [0xfb, 24, flags, 0, ...any, ...heap, 0x1a],
      scope.value(type),
    ]);
    return made(...parts);
  }
  const parts = scope.block(0x02, { types: [type] }, () => [
    ...scope.block(0x02, { types: ["ref null any"] }, () => [
      scope.value("ref null any"),
      [0xfb, 25, flags, 0, ...any, ...heap, 0x0c, 1],
    ]),
    [0x1a],
    scope.value(type),
  ]);
  return made(...parts);
}

const convert: ValueMaker = (scope, type) => {
  if (type === "ref null any") return made(scope.value("ref null extern"), [0xfb, 26]);
  return type === "ref null extern" ? made(scope.value("ref null any"), [0xfb, 27]) : undefined;
};

const setField: StatementMaker = (scope) => {
  const fields = entries(scope.plan, "struct").flatMap(({ index, type }) =>
    type.fields.flatMap((field, at) => (field.mutable ? [{ index, field, at }] : [])),
  );
  const found = scope.random.pick(fields);
  if (found === undefined) return undefined;
  const value = scope.value(unpacked(found.field));
  return made(object(scope, found.index), value, [0xfb, 5, ...scope.index(found.index), ...scope.index(found.at)]);
};

const changeArray: StatementMaker = (scope) => {
  const found = scope.random.pick(entries(scope.plan, "array").filter(({ type }) => type.element.mutable));
  if (found === undefined) return undefined;
  const index = scope.index(found.index);
  const value = unpacked(found.type.element);
  const array = object(scope, found.index);
  switch (scope.random.below(4)) {
    case 0:
      return made(array, few(scope, 2), scope.value(value), few(scope, 2), [0xfb, 16, ...index]);
    case 1:
      return made(array, few(scope, 2), object(scope, found.index), few(scope, 2), few(scope, 2), [
        0xfb,
        17,
        ...index,
        ...index,
      ]);
    case 2: {
      const segment = pickSegment(scope, found.type.element);
      if (segment === undefined) return undefined;
      const opcode = isReference(value) ? 19 : 18;
      return made(array, few(scope, 2), few(scope, 2), few(scope, 2), [
        0xfb,
        opcode,
        ...index,
        ...scope.index(segment),
      ]);
    }
    default:
      return made(array, few(scope, 2), scope.value(value), [0xfb, 14, ...index]);
  }
};

/** Makers of values with structures, arrays and small integers as references. */
export const objectValues: readonly Weighted<ValueMaker>[] = (
  [
    [14, make],
    [4, small],
    [2, smallValue],
    [5, getField],
    [4, getElement],
    [3, about],
    [3, cast],
    [2, convert],
  ] as const
).map(([weight, maker]) => ({ weight, feature: "gc", make: maker }));

/** Makers of statements that change structures and arrays. */
export const objectStatements: readonly Weighted<StatementMaker>[] = [
  { weight: 5, feature: "gc", make: setField },
  { weight: 6, feature: "gc", make: changeArray },
];
