import type { Code, Part } from "./code.ts";
import { functionType, functionTypeIndex, type Plan } from "./plan.ts";
import { type Label, made, type Scope, type StatementMaker, type ValueMaker, type Weighted } from "./scope.ts";
import { isReference, signed, unsigned, type Value, valueBytes } from "./types.ts";

const end = [0x0b];

/** Bytes that add one to the module's count of loop heads and entries. */
export function tick(plan: Plan): number[] {
  const ticks = unsigned(plan.ticks);
  return [0x23, ...ticks, 0x41, 1, 0x6a, 0x24, ...ticks];
}

/** Bytes that spend fuel and leave whether there is some left. */
export function burn(scope: Scope): number[] {
  const fuel = unsigned(scope.plan.fuel);
  return [0x23, ...fuel, 0x41, 1, 0x6b, 0x24, ...fuel, 0x23, ...fuel, 0x41, 0, 0x4a];
}

/** An instruction that branches, with a hint or without. */
function branch(scope: Scope, bytes: readonly number[]): Part {
  if (!scope.has("hints") || scope.random.chance(0.4)) return bytes;
  return { hint: scope.random.chance(0.5) ? 1 : 0, bytes };
}

/** A label that a branch may go to without looping, and how far out it is. */
function target(scope: Scope, fits: (label: Label) => boolean): { label: Label; depth: number } | undefined {
  const count = scope.labels.length;
  return scope.random.pick(
    scope.labels.flatMap((label, index) =>
      isTarget(label) && fits(label) ? [{ label, depth: count - 1 - index }] : [],
    ),
  );
}

/** Loops are gone back to with fuel alone, and nothing but a handler makes a reference to an exception. */
function isTarget({ isLoop, types }: Label): boolean {
  return isLoop !== true && !types.includes("ref exn");
}

const block: ValueMaker = (scope, type) => made(...scope.block(0x02, { types: [type] }, () => scope.rest([type])));

const when: ValueMaker = (scope, type) => {
  const condition = scope.value("i32");
  scope.labels.push({ types: [type] });
  const parts = [...scope.rest([type], 1), [0x05], ...scope.rest([type], 1)];
  scope.labels.pop();
  return made(condition, branch(scope, [0x04, ...scope.blockType([type])]), ...parts, end);
};

/** A loop that goes on while there is fuel; `inside` is what it leaves. */
function loop(scope: Scope, types: readonly Value[]): Code {
  const blockType = scope.blockType(types);
  scope.labels.push({ types: [], isLoop: true });
  const body = scope.statements(3);
  const parts: Part[] = [...body, burn(scope), scope.value("i32"), [0x71], branch(scope, [0x0d, 0])];
  parts.push(...scope.values(types));
  scope.labels.pop();
  return made([0x03, ...blockType], { tick: tick(scope.plan) }, ...parts, end);
}

const whenStatement: StatementMaker = (scope) => {
  const condition = scope.value("i32");
  scope.labels.push({ types: [] });
  const parts = [...scope.rest([], 2), ...(scope.random.chance(0.4) ? [[0x05], ...scope.rest([], 2)] : [])];
  scope.labels.pop();
  return made(condition, branch(scope, [0x04, ...scope.blockType([])]), ...parts, end);
};

const blockStatement: StatementMaker = (scope) => {
  const types = someTypes(scope);
  const parts = scope.block(0x02, { types }, () => scope.rest(types, 3));
  return made(...parts, scope.consume(types));
};

/** A block, a loop or a condition that takes parameters from the stack. */
const withParameters: StatementMaker = (scope) => {
  const [params, results] = [someTypes(scope), someTypes(scope)];
  const opcode = scope.random.oneOf([0x02, 0x02, 0x03, 0x04]);
  const values = [...scope.values(params), ...(opcode === 0x04 ? [scope.value("i32")] : [])];
  const blockType = signed(BigInt(functionTypeIndex(scope.plan, params, results)));
  scope.labels.push(opcode === 0x03 ? { types: params, isLoop: true } : { types: results });
  const half = (): Part[] => [scope.consume(params), ...scope.rest(results)];
  const parts: Part[] = opcode === 0x03 ? [{ tick: tick(scope.plan) }, ...half()] : half();
  if (opcode === 0x04) parts.push([0x05], ...half());
  scope.labels.pop();
  return made(...values, [opcode, ...blockType], ...parts, end, scope.consume(results));
};

const branchIf: StatementMaker = (scope) => {
  const to = target(scope, () => true);
  if (to === undefined) return undefined;
  const values = scope.values(to.label.types);
  return made(
    ...values,
    scope.value("i32"),
    branch(scope, [0x0d, ...scope.index(to.depth)]),
    scope.consume(to.label.types),
  );
};

const branchIfValue: ValueMaker = (scope, type) => {
  const to = target(scope, ({ types }) => types.length === 1 && types[0] === type);
  if (to === undefined) return undefined;
  return made(scope.value(type), scope.value("i32"), branch(scope, [0x0d, ...scope.index(to.depth)]));
};

/** Goes back to the head of a loop that is open, if fuel is left. */
const again: StatementMaker = (scope) => {
  const count = scope.labels.length;
  const heads = scope.labels.flatMap(({ isLoop, types }, index) =>
    isLoop === true && types.length === 0 ? [count - 1 - index] : [],
  );
  const depth = scope.random.pick(heads);
  if (depth === undefined) return undefined;
  return made(scope.value("i32"), burn(scope), [0x71], branch(scope, [0x0d, ...scope.index(depth)]));
};

const branchOnNull: StatementMaker = (scope) => {
  const to = target(scope, ({ types }) => types.length === 0);
  if (to === undefined) return undefined;
  const reference: Value = scope.random.oneOf(["ref null func", "ref null extern"]);
  return made(scope.value(reference), [0xd5, ...scope.index(to.depth), 0x1a]);
};

const branchOnNonNull: ValueMaker = (scope, type) => {
  if (!isReference(type)) return undefined;
  const nullable: Value = type.startsWith("ref null ") ? type : `ref null ${type.slice(4)}`;
  const parts = scope.block(0x02, { types: [type] }, () => [scope.value(nullable), [0xd6, 0], scope.value(type)]);
  return made(...parts);
};

const leave: StatementMaker = (scope) => {
  const to = target(scope, () => true);
  return to === undefined ? undefined : made(...scope.values(to.label.types), [0x0c, ...scope.index(to.depth)]);
};

const giveBack: StatementMaker = (scope) => made(...scope.values(scope.labels[0]?.types ?? []), [0x0f]);

const leaveByTable: StatementMaker = (scope) => {
  const first = target(scope, () => true);
  if (first === undefined) return undefined;
  const { types } = first.label;
  const depths = Array.from({ length: scope.random.below(5) }, () => {
    const to = target(scope, (label) => label.types.join() === types.join());
    return scope.index(to?.depth ?? first.depth);
  });
  const labels = [...scope.index(depths.length), ...depths.flat(), ...scope.index(first.depth)];
  return made(...scope.values(types), scope.value("i32"), [0x0e, ...labels]);
};

const throwTag: StatementMaker = (scope) => {
  const tag = scope.random.below(scope.plan.tags.length);
  const planned = scope.plan.tags[tag];
  if (planned === undefined) return undefined;
  return made(...scope.values(functionType(scope.plan, planned.type).params), [0x08, ...scope.index(tag)]);
};

/** Something that may throw, as a statement. */
const throwSometimes: StatementMaker = (scope) => {
  if (scope.plan.tags.length === 0) return undefined;
  const condition = scope.value("i32");
  scope.labels.push({ types: [] });
  const thrown = throwTag(scope) ?? made();
  scope.labels.pop();
  return made(condition, branch(scope, [0x04, 0x40]), thrown, end);
};

const rethrow: StatementMaker = (scope) => {
  const count = scope.labels.length;
  const depth = scope.random.pick(
    scope.labels.flatMap(({ isHandler }, index) => (isHandler === true ? [count - 1 - index] : [])),
  );
  return depth === undefined ? undefined : made([0x09, ...scope.index(depth)]);
};

const legacyTry: ValueMaker = (scope, type) => {
  const label: Label = { types: [type] };
  const parts = scope.block(0x06, label, () => {
    const inside: Part[] = [...scope.statements(1), throwSometimes(scope) ?? made(), ...scope.rest([type])];
    label.isHandler = true;
    for (let handlers = scope.random.below(3); handlers > 0; handlers -= 1) {
      const tag = scope.random.below(scope.plan.tags.length);
      const planned = scope.plan.tags[tag];
      if (planned === undefined) break;
      const { params } = functionType(scope.plan, planned.type);
      inside.push([0x07, ...scope.index(tag), ...scope.consume(params)], ...scope.rest([type], 1));
    }
    if (scope.random.chance(0.6)) inside.push([0x19], ...scope.rest([type], 1));
    label.isHandler = false;
    return inside;
  });
  return made(...parts);
};

/** A block whose exceptions go to a try block further out. */
const delegate: ValueMaker = (scope, type) => {
  const depth = scope.random.below(scope.labels.length);
  const parts = scope.block(0x06, { types: [type] }, () => [...scope.statements(1), ...scope.rest([type], 1)]);
  return made(...parts.slice(0, -1), [0x18, ...scope.index(depth)]);
};

const tryTable: ValueMaker = (scope, type) => {
  const takesReference = scope.random.chance(0.4);
  const tag = scope.random.chance(0.3) ? -1 : scope.random.below(scope.plan.tags.length);
  const planned = scope.plan.tags[tag];
  const params = planned === undefined ? [] : functionType(scope.plan, planned.type).params;
  const caught: Value[] = [...params, ...(takesReference ? (["ref exn"] as const) : [])];
  const kind = (planned === undefined ? 2 : 0) + (takesReference ? 1 : 0);
  const clause = [kind, ...(planned === undefined ? [] : scope.index(tag)), 0];
  const result = scope.blockType([type]);
  const parts = scope.block(0x02, { types: [type] }, () => {
    const handled = scope.block(0x02, { types: caught }, () => {
      scope.labels.push({ types: [type] });
      const inside = [...scope.statements(1), throwSometimes(scope) ?? made(), ...scope.rest([type], 1)];
      scope.labels.pop();
      const twice = planned !== undefined && !takesReference && params.length === 0 && scope.random.chance(0.5);
      const clauses = twice ? [2, ...clause, 2, 0] : [1, ...clause];
      return [[0x1f, ...result, ...clauses], ...inside, end, [0x0c, 1]];
    });
    return [...handled, afterCatch(scope, caught), scope.value(type)];
  });
  return made(...parts);
};

function afterCatch(scope: Scope, caught: readonly Value[]): Part {
  if (!caught.includes("ref exn") || !scope.random.chance(0.3)) return scope.consume(caught);
  const local = unsigned(scope.newLocal("ref null exn"));
  const others = scope.consume(caught.slice(0, -1));
  return made(
    [0x21, ...local, ...others],
    scope.value("i32"),
    branch(scope, [0x04, 0x40]),
    [0x20, ...local, 0x0a],
    end,
  );
}

function someTypes(scope: Scope): Value[] {
  const types: Value[] = ["i32", "i64", "f64", "ref null func", ...(scope.has("simd") ? (["v128"] as const) : [])];
  return Array.from({ length: scope.random.below(3) }, () => scope.random.pick(types) ?? "i32");
}

const typedSelect: ValueMaker = (scope, type) => {
  return made(scope.value(type), scope.value(type), scope.value("i32"), [0x1c, 1, ...valueBytes(type)]);
};

/** Makers of values by control instructions. */
export const controlValues: readonly Weighted<ValueMaker>[] = [
  { weight: 5, make: block },
  { weight: 6, make: when },
  { weight: 4, make: (scope, type) => loop(scope, [type]) },
  { weight: 3, make: branchIfValue },
  { weight: 1, feature: "references", make: branchOnNonNull },
  { weight: 1, make: typedSelect },
  { weight: 7, feature: "legacy-exceptions", make: legacyTry },
  { weight: 2, feature: "legacy-exceptions", make: delegate },
  { weight: 7, feature: "exceptions", make: tryTable },
];

/** Makers of statements by control instructions. */
export const controlStatements: readonly Weighted<StatementMaker>[] = [
  { weight: 7, make: whenStatement },
  { weight: 8, make: (scope) => loop(scope, []) },
  { weight: 4, make: blockStatement },
  { weight: 4, make: withParameters },
  { weight: 5, make: branchIf },
  { weight: 3, make: again },
  { weight: 1, feature: "references", make: branchOnNull },
  { weight: 4, feature: "exceptions", make: throwSometimes },
  { weight: 4, feature: "legacy-exceptions", make: throwSometimes },
];

/** Makers of code that never goes on. */
export const controlEnds: readonly Weighted<StatementMaker>[] = [
  { weight: 10, make: leave },
  { weight: 4, make: giveBack },
  { weight: 6, make: leaveByTable },
  { weight: 1, make: () => made([0x00]) },
  { weight: 3, feature: "exceptions", make: throwTag },
  { weight: 3, feature: "legacy-exceptions", make: throwTag },
  { weight: 6, feature: "legacy-exceptions", make: rethrow },
];
