import type { Code } from "./code.ts";
import { functionType, isBelow, type PlannedTable, typeOfFunction } from "./plan.ts";
import { made, type Scope, type StatementMaker, type ValueMaker, type Weighted } from "./scope.ts";
import {
  heapTypeBytes,
  isNullable,
  isReference,
  signed,
  typeIndexOf,
  valueBytes,
  heapOf,
  type Value,
} from "./types.ts";

/** A number of the table's index type that is below the limit, a power of two. */
function slot(scope: Scope, table: PlannedTable | undefined, limit: number): Code {
  const type = table?.is64 === true ? "i64" : "i32";
  const mask = signed(BigInt(limit - 1));
  return made(scope.value(type), type === "i32" ? [0x41, ...mask, 0x71] : [0x42, ...mask, 0x83]);
}

function pickTable(
  scope: Scope,
  fits: (table: PlannedTable) => boolean,
): { index: number; table: PlannedTable } | undefined {
  return scope.random.pick(scope.plan.tables.flatMap((table, index) => (fits(table) ? [{ index, table }] : [])));
}

const get: ValueMaker = (scope, type) => {
  const found = pickTable(scope, ({ element }) => isBelow(scope.plan, element, type));
  return found === undefined ? undefined : made(slot(scope, found.table, 8), [0x25, ...scope.index(found.index)]);
};

const set: StatementMaker = (scope) => {
  const found = pickTable(scope, () => true);
  if (found === undefined) return undefined;
  return made(slot(scope, found.table, 8), scope.value(found.table.element), [0x26, ...scope.index(found.index)]);
};

const size: ValueMaker = (scope, type) => {
  const found = pickTable(scope, ({ is64 }) => type === (is64 ? "i64" : "i32"));
  return found === undefined ? undefined : made([0xfc, 16, ...scope.index(found.index)]);
};

const grow: ValueMaker = (scope, type) => {
  const found = pickTable(scope, ({ is64 }) => type === (is64 ? "i64" : "i32"));
  if (found === undefined || scope.random.chance(0.6)) return undefined;
  return made(scope.value(found.table.element), slot(scope, found.table, 4), [0xfc, 15, ...scope.index(found.index)]);
};

const fill: StatementMaker = (scope) => {
  const found = pickTable(scope, () => true);
  if (found === undefined) return undefined;
  const { table, index } = found;
  return made(slot(scope, table, 8), scope.value(table.element), slot(scope, table, 4), [
    0xfc,
    17,
    ...scope.index(index),
  ]);
};

const copy: StatementMaker = (scope) => {
  const from = pickTable(scope, () => true);
  const to = pickTable(scope, ({ element }) => from !== undefined && isBelow(scope.plan, from.table.element, element));
  if (from === undefined || to === undefined) return undefined;
  const length = from.table.is64 && to.table.is64 ? to.table : { ...to.table, is64: false };
  const operands = [slot(scope, to.table, 8), slot(scope, from.table, 8), slot(scope, length, 4)];
  return made(...operands, [0xfc, 14, ...scope.index(to.index), ...scope.index(from.index)]);
};

const init: StatementMaker = (scope) => {
  const segment = scope.segment(scope.plan.elements);
  const elements = scope.plan.elements[segment];
  const found = pickTable(
    scope,
    ({ element }) => elements !== undefined && isBelow(scope.plan, elements.type, element),
  );
  if (elements === undefined || found === undefined) return undefined;
  const length =
    elements.items.length + (scope.random.chance(0.08) ? 1 : scope.random.chance(0.2) ? -elements.items.length : 0);
  return made(
    slot(scope, found.table, 4),
    [0x41, 0, 0x41, ...signed(BigInt(length))],
    [0xfc, 12, ...scope.index(segment), ...scope.index(found.index)],
  );
};

const drop: StatementMaker = (scope) => {
  if (scope.plan.elements.length === 0) return undefined;
  return made([0xfc, 13, ...scope.index(scope.segment(scope.plan.elements))]);
};

const functionReference: ValueMaker = (scope, type) => {
  const fits = scope.plan.functions.flatMap((each, index) =>
    isBelow(scope.plan, `ref ${each.type}`, type) ? [index] : [],
  );
  const index = scope.random.pick(fits);
  return index === undefined ? undefined : made([0xd2, ...scope.index(index)]);
};

const selectReference: ValueMaker = (scope, type) => {
  if (scope.random.chance(0.3) || !isReference(type)) {
    return isReference(type)
      ? made(scope.value(type), scope.value(type), scope.value("i32"), [0x1c, 1, ...valueBytes(type)])
      : undefined;
  }
  if (isNullable(type)) return undefined;
  return scope.random.chance(0.15) ? made(scope.value(`ref null ${heapOf(type)}`), [0xd4]) : undefined;
};

const isNull: ValueMaker = (scope, type) => {
  if (type !== "i32") return undefined;
  const reference: Value = scope.random.oneOf(["ref null func", "ref null extern"]);
  return made(scope.value(reference), [0xd1]);
};

const nothing: ValueMaker = (_scope, type) => {
  if (!isReference(type) || !isNullable(type)) return undefined;
  return made([0xd0, ...heapTypeBytes(heapOf(type))]);
};

/** Where a call may go: to a function by its index, through a table, or through a reference. */
function callOf(scope: Scope, fits: (results: readonly Value[]) => boolean, isTail: boolean): Code | undefined {
  const index = scope.random.pick(
    scope.plan.functions.flatMap((_each, at) => (fits(typeOfFunction(scope.plan, at).results) ? [at] : [])),
  );
  const planned = scope.plan.functions[index ?? -1];
  if (index === undefined || planned === undefined) return undefined;
  const values = scope.values(functionType(scope.plan, planned.type).params);
  const kind = scope.random.below(scope.has("references") ? 4 : 3);
  if (kind === 3) {
    return made(...values, scope.value(`ref ${planned.type}`), [isTail ? 0x15 : 0x14, ...scope.index(planned.type)]);
  }
  const table = pickTable(scope, ({ element }) => {
    const wanted = typeIndexOf(element);
    return element === "ref null func" || (wanted !== undefined && isBelow(scope.plan, `ref ${planned.type}`, element));
  });
  if (kind < 2 || table === undefined) return made(...values, [isTail ? 0x12 : 0x10, ...scope.index(index)]);
  const known = knownSlot(scope, table.index, index);
  const number = table.table.is64 ? 0x42 : 0x41;
  const at =
    known !== undefined && scope.random.chance(0.8)
      ? made([number, ...signed(BigInt(known))])
      : slot(scope, table.table, 8);
  return made(...values, at, [isTail ? 0x13 : 0x11, ...scope.index(planned.type), ...scope.index(table.index)]);
}

/** A slot of the table in which an active segment puts the function. */
function knownSlot(scope: Scope, table: number, wanted: number): number | undefined {
  for (const { place, items } of scope.plan.elements) {
    if (typeof place === "string" || place.index !== table || place.base === undefined) continue;
    const at = items.indexOf(wanted);
    if (at >= 0) return place.base + at;
  }
  return undefined;
}

const callForOne: ValueMaker = (scope, type) =>
  callOf(
    scope,
    ([first, ...others]) => first !== undefined && others.length === 0 && isBelow(scope.plan, first, type),
    false,
  );

const callForMany: StatementMaker = (scope) => {
  const shape = scope.random.pick(
    scope.plan.functions.map((_each, index) => typeOfFunction(scope.plan, index).results),
  );
  const call = callOf(scope, (results) => results.join() === shape?.join(), false);
  return call === undefined || shape === undefined ? undefined : made(call, scope.consume(shape));
};

const tailCall: StatementMaker = (scope) => {
  const wanted = scope.labels[0]?.types ?? [];
  return callOf(
    scope,
    (results) =>
      results.length === wanted.length &&
      results.every((type, index) => isBelow(scope.plan, type, wanted[index] ?? "v128")),
    true,
  );
};

/** Makers of values that come from tables, references and calls. */
export const tableValues: readonly Weighted<ValueMaker>[] = [
  { weight: 10, make: callForOne },
  { weight: 4, make: get },
  { weight: 1, make: size },
  { weight: 2, feature: "tables", make: grow },
  { weight: 10, make: functionReference },
  { weight: 4, make: selectReference },
  { weight: 1, make: isNull },
  { weight: 2, make: nothing },
];

/** Makers of statements that call and that change tables. */
export const tableStatements: readonly Weighted<StatementMaker>[] = [
  { weight: 10, make: callForMany },
  { weight: 5, make: set },
  { weight: 4, feature: "tables", make: fill },
  { weight: 4, feature: "tables", make: copy },
  { weight: 16, feature: "tables", make: init },
  { weight: 6, feature: "tables", make: drop },
];

/** Makers of code that never goes on: calls in place of a return. */
export const tableEnds: readonly Weighted<StatementMaker>[] = [{ weight: 10, feature: "tail-calls", make: tailCall }];
