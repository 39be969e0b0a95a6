import { isBelow } from "./plan.ts";
import type { Code } from "./code.ts";
import { type Operation, relaxedOperations, scalarOperations, vectorOperations } from "./opcodes.ts";
import { constant, made, type Scope, type StatementMaker, type ValueMaker, type Weighted } from "./scope.ts";
import { isReference, unsigned, type Value } from "./types.ts";

/**
 * A float with all its NaN made one, so that their bits, which WebAssembly leaves open, are never seen; `lanes` says which
 * floats a vector holds.
 */
export function withPlainNaN(scope: Scope, value: Code, type: "f32" | "f64" | "f32x4" | "f64x2"): Code {
  const local = unsigned(scope.newLocal(type === "f32x4" || type === "f64x2" ? "v128" : type));
  const twice = [0x22, ...local, 0x20, ...local];
  if (type === "f32x4") return made(value, [...twice, 0x20, ...local, 0xfd, 65, 0xfd, 78]);
  if (type === "f64x2") return made(value, [...twice, 0x20, ...local, 0xfd, 71, 0xfd, 78]);
  if (type === "f32")
    return made(value, [0x22, ...local, 0x43, 0, 0, 0, 0, 0x20, ...local, 0x20, ...local, 0x5b, 0x1b]);
  return made(value, [0x22, ...local, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, ...local, 0x20, ...local, 0x61, 0x1b]);
}

const byResult = (operations: readonly Operation[]): ReadonlyMap<Value, readonly Operation[]> =>
  Map.groupBy(operations, ({ result }) => result);
const scalars = byResult(scalarOperations);
const vectors = byResult(vectorOperations);

function apply(scope: Scope, operation: Operation | undefined): Code | undefined {
  if (operation === undefined) return undefined;
  if (operation.traps === "truncation" && !scope.random.chance(0.15)) return undefined;
  const operands = operation.operands.map((type, index) => {
    const value = scope.value(type);
    const isFloat = type === "f32" || type === "f64";
    return isFloat && operation.shows?.includes(index) === true ? withPlainNaN(scope, value, type) : value;
  });
  const isGuarded = operation.traps === "division" && scope.random.chance(0.9);
  const guard = !isGuarded ? [] : operation.result === "i32" ? [0x41, 1, 0x72] : [0x42, 1, 0x84];
  const result = made(...operands, [...guard, ...operation.bytes]);
  return operation.lanes === undefined ? result : withPlainNaN(scope, result, operation.lanes);
}

const lanes: readonly (readonly [
  opcode: number,
  lanes: number,
  type: "i32" | "i64" | "f32" | "f64",
  replaces: boolean,
])[] = [
  [21, 16, "i32", false],
  [22, 16, "i32", false],
  [23, 16, "i32", true],
  [24, 8, "i32", false],
  [25, 8, "i32", false],
  [26, 8, "i32", true],
  [27, 4, "i32", false],
  [28, 4, "i32", true],
  [29, 2, "i64", false],
  [30, 2, "i64", true],
  [31, 4, "f32", false],
  [32, 4, "f32", true],
  [33, 2, "f64", false],
  [34, 2, "f64", true],
];

const lane: ValueMaker = (scope, type) => {
  const row = scope.random.pick(lanes.filter((each) => (each[3] ? type === "v128" : each[2] === type)));
  if (row === undefined) return undefined;
  const [opcode, count, scalar, replaces] = row;
  const bytes = [0xfd, opcode, scope.random.below(count)];
  if (!replaces) return made(scope.value("v128"), bytes);
  const result = made(scope.value("v128"), scope.value(scalar), bytes);
  if (scalar === "f32") return withPlainNaN(scope, result, "f32x4");
  return scalar === "f64" ? withPlainNaN(scope, result, "f64x2") : result;
};

const shuffle: ValueMaker = (scope, type) => {
  if (type !== "v128") return undefined;
  const picks = Array.from({ length: 16 }, () => scope.random.below(32));
  return made(scope.value("v128"), scope.value("v128"), [0xfd, 13, ...picks]);
};

const tee: ValueMaker = (scope, type) => {
  const fits = scope.locals.flatMap((local, index) => (local === type ? [index] : []));
  const index = scope.random.pick(fits);
  return index === undefined ? undefined : made(scope.value(type), [0x22, ...scope.index(index)]);
};

const select: ValueMaker = (scope, type) => {
  if (isReference(type)) return undefined;
  return made(scope.value(type), scope.value(type), scope.value("i32"), [0x1b]);
};

const relaxed: StatementMaker = (scope) => {
  const operation = scope.random.pick(relaxedOperations);
  if (operation === undefined) return undefined;
  return made(...operation.operands.map((type) => scope.value(type)), [...operation.bytes, 0x1a]);
};

const setLocal: StatementMaker = (scope) => {
  const index = scope.random.below(scope.locals.length);
  const type = scope.locals[index];
  return type === undefined ? undefined : made(scope.value(type), [0x21, ...scope.index(index)]);
};

const changeGlobal: StatementMaker = (scope) => {
  const { globals, fuel, ticks } = scope.plan;
  const usable = globals.flatMap((each, index) => (each.mutable && index !== fuel && index !== ticks ? [index] : []));
  const index = scope.random.pick(usable);
  const type = globals[index ?? -1]?.type;
  if (index === undefined || type === undefined) return undefined;
  return made(scope.value(type), [0x24, ...scope.index(index)]);
};

const getGlobal: ValueMaker = (scope, type) => {
  const fits = scope.plan.globals.flatMap((each, index) => (isBelow(scope.plan, each.type, type) ? [index] : []));
  const index = scope.random.pick(fits);
  return index === undefined ? undefined : made([0x23, ...scope.index(index)]);
};

const drop: StatementMaker = (scope) => {
  const type = scope.random.oneOf<Value>(["i32", "i64", "f32", "f64"]);
  return made(scope.value(type), [0x1a]);
};

/** Makers of numbers and of what moves values between locals and globals. */
export const numberValues: readonly Weighted<ValueMaker>[] = [
  { weight: 8, make: (scope, type) => made(scope.leaf(type)) },
  { weight: 4, make: (scope, type) => (isReference(type) ? undefined : made(constant(scope.random, type))) },
  { weight: 24, make: (scope, type) => apply(scope, scope.random.pick(scalars.get(type) ?? [])) },
  { weight: 12, feature: "simd", make: (scope, type) => apply(scope, scope.random.pick(vectors.get(type) ?? [])) },
  { weight: 3, feature: "simd", make: lane },
  { weight: 2, feature: "simd", make: shuffle },
  { weight: 3, make: tee },
  { weight: 3, make: select },
  { weight: 5, make: getGlobal },
];

/** Makers of statements over locals and globals. */
export const numberStatements: readonly Weighted<StatementMaker>[] = [
  { weight: 14, make: setLocal },
  { weight: 12, make: changeGlobal },
  { weight: 3, make: drop },
  { weight: 1, make: () => made([0x01]) },
  { weight: 1, feature: "simd", make: relaxed },
];
