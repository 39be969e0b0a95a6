import type { Code } from "./code.ts";
import { type Access, atomicForms, loads, stores, vectorLoads } from "./opcodes.ts";
import { withPlainNaN } from "./numbers.ts";
import { made, type Scope, type StatementMaker, type ValueMaker, type Weighted } from "./scope.ts";
import { signed, type NumberType, type Value } from "./types.ts";

interface Place {
  readonly address: Code;
  readonly immediate: readonly number[];
}

/** The type of a memory's addresses. */
function addressType(scope: Scope, memory: number): "i32" | "i64" {
  return scope.plan.memories[memory]?.is64 === true ? "i64" : "i32";
}

/** A number of the address's type that is below `limit`, a power of two, or anything in a wild module. */
function bounded(scope: Scope, type: "i32" | "i64", limit: number): Code {
  if (scope.has("wild") && scope.random.chance(0.15)) return scope.value(type);
  const mask = signed(BigInt(limit - 1));
  return made(scope.value(type), type === "i32" ? [0x41, ...mask, 0x71] : [0x42, ...mask, 0x83]);
}

/** A memory, an address in it and the immediates of an access. */
function place(scope: Scope, align: number, isAtomic = false): Place | undefined {
  const memory = scope.random.below(scope.plan.memories.length);
  const type = scope.plan.memories[memory];
  if (type === undefined) return undefined;
  const flags = isAtomic ? align : scope.random.below(align + 1);
  const hasIndex = memory > 0 || (scope.has("multi-memory") && scope.random.chance(0.2));
  const words = scope.random.oneOf([0, 0, 1, 3, 16, 700]) * 8;
  const offset = isAtomic ? words : words + scope.random.below(8);
  const immediate = [
    ...scope.index(flags | (hasIndex ? 0x40 : 0)),
    ...(hasIndex ? scope.index(memory) : []),
    ...scope.index(offset),
  ];
  const number = addressType(scope, memory);
  const address = bounded(scope, number, 0x1000);
  const aligned = number === "i32" ? [0x41, 0x78, 0x71] : [0x42, 0x78, 0x83];
  return { address: isAtomic ? made(address, aligned) : address, immediate };
}

function storable(scope: Scope, type: NumberType): Code {
  const value = scope.value(type);
  return type === "f32" || type === "f64" ? withPlainNaN(scope, value, type) : value;
}

function loadFrom(accesses: readonly Access[]): ValueMaker {
  return (scope, type) => {
    const row = scope.random.pick(accesses.filter((each) => each[1] === type));
    const at = row === undefined ? undefined : place(scope, row[2]);
    return row === undefined || at === undefined ? undefined : made(at.address, [...row[0], ...at.immediate]);
  };
}

const store: StatementMaker = (scope) => {
  const simd: Access[] = scope.has("simd") ? [[[0xfd, 11], "v128", 4]] : [];
  const row = scope.random.pick([...stores, ...simd]);
  const at = row === undefined ? undefined : place(scope, row[2]);
  if (row === undefined || at === undefined) return undefined;
  return made(at.address, storable(scope, row[1]), [...row[0], ...at.immediate]);
};

const loadLane: ValueMaker = (scope, type) => {
  const size = scope.random.below(4);
  const at = type === "v128" ? place(scope, size) : undefined;
  if (at === undefined) return undefined;
  return made(at.address, scope.value("v128"), [0xfd, 84 + size, ...at.immediate, scope.random.below(16 >> size)]);
};

const storeLane: StatementMaker = (scope) => {
  const size = scope.random.below(4);
  const at = place(scope, size);
  if (at === undefined) return undefined;
  return made(at.address, scope.value("v128"), [0xfd, 88 + size, ...at.immediate, scope.random.below(16 >> size)]);
};

const size: ValueMaker = (scope, type) => {
  const memory = scope.random.below(scope.plan.memories.length);
  if (scope.plan.memories.length === 0 || addressType(scope, memory) !== type) return undefined;
  return made([0x3f, ...scope.index(memory)]);
};

const grow: ValueMaker = (scope, type) => {
  const memory = scope.random.below(scope.plan.memories.length);
  const planned = scope.plan.memories[memory];
  if (planned === undefined || addressType(scope, memory) !== type) return undefined;
  if (planned.max === undefined && !scope.random.chance(0.3)) return undefined;
  const few = made(scope.value(type), type === "i32" ? [0x41, 1, 0x71] : [0x42, 1, 0x83]);
  const pages = planned.max !== undefined && scope.random.chance(0.15) ? scope.value(type) : few;
  return made(pages, [0x40, ...scope.index(memory)]);
};

const fill: StatementMaker = (scope) => {
  const memory = scope.random.below(scope.plan.memories.length);
  if (scope.plan.memories.length === 0) return undefined;
  const type = addressType(scope, memory);
  return made(bounded(scope, type, 0x4000), scope.value("i32"), bounded(scope, type, 0x100), [
    0xfc,
    11,
    ...scope.index(memory),
  ]);
};

const copy: StatementMaker = (scope) => {
  const count = scope.plan.memories.length;
  const [to, from] = [scope.random.below(count), scope.random.below(count)];
  if (count === 0) return undefined;
  const [toType, fromType] = [addressType(scope, to), addressType(scope, from)];
  const length = toType === "i64" && fromType === "i64" ? "i64" : "i32";
  const operands = [bounded(scope, toType, 0x4000), bounded(scope, fromType, 0x4000), bounded(scope, length, 0x100)];
  return made(...operands, [0xfc, 10, ...scope.index(to), ...scope.index(from)]);
};

const init: StatementMaker = (scope) => {
  const memory = scope.random.below(scope.plan.memories.length);
  const segment = scope.segment(scope.plan.datas);
  const length = scope.plan.datas[segment]?.bytes.length;
  if (scope.plan.memories.length === 0 || length === undefined || !scope.plan.hasDataCount) return undefined;
  const fits = scope.random.chance(0.85);
  const count = made([0x41, ...signed(BigInt(fits ? length - scope.random.below(3) * (length >> 1) : length + 1))]);
  const from = fits ? made([0x41, 0]) : bounded(scope, "i32", 8);
  return made(bounded(scope, addressType(scope, memory), 0x1000), from, count, [
    0xfc,
    8,
    ...scope.index(segment),
    ...scope.index(memory),
  ]);
};

const drop: StatementMaker = (scope) => {
  const segment = scope.segment(scope.plan.datas);
  if (scope.plan.datas.length === 0 || !scope.plan.hasDataCount) return undefined;
  return made([0xfc, 9, ...scope.index(segment)]);
};

const atomicLoad: ValueMaker = (scope, type) => {
  const form = pickForm(scope, type);
  const at = form === undefined ? undefined : place(scope, form.align, true);
  return form === undefined || at === undefined
    ? undefined
    : made(at.address, [0xfe, 0x10 + form.index, ...at.immediate]);
};

const atomicStore: StatementMaker = (scope) => {
  const form = pickForm(scope, scope.random.oneOf(["i32", "i64"]));
  const at = form === undefined ? undefined : place(scope, form.align, true);
  if (form === undefined || at === undefined) return undefined;
  return made(at.address, scope.value(form.type), [0xfe, 0x17 + form.index, ...at.immediate]);
};

const atomicChange: ValueMaker = (scope, type) => {
  const form = pickForm(scope, type);
  const at = form === undefined ? undefined : place(scope, form.align, true);
  if (form === undefined || at === undefined) return undefined;
  const kind = scope.random.below(7);
  const operands = [at.address, scope.value(form.type), ...(kind === 6 ? [scope.value(form.type)] : [])];
  return made(...operands, [0xfe, 0x1e + kind * 7 + form.index, ...at.immediate]);
};

const notifyOrWait: ValueMaker = (scope, type) => {
  const kind = scope.random.below(3);
  const at = type === "i32" ? place(scope, kind === 2 ? 3 : 2, true) : undefined;
  if (at === undefined) return undefined;
  const bytes = [0xfe, kind, ...at.immediate];
  if (kind === 0) return made(at.address, scope.value("i32"), bytes);
  // It waits for no time, so that nothing depends on a clock.
  return made(at.address, scope.value(kind === 1 ? "i32" : "i64"), [0x42, 0], bytes);
};

function pickForm(scope: Scope, type: Value): { index: number; type: NumberType; align: number } | undefined {
  const forms = atomicForms.flatMap(([each, align], index) => (each === type ? [{ index, type: each, align }] : []));
  return scope.random.pick(forms);
}

/** Makers of values that come from memories. */
export const memoryValues: readonly Weighted<ValueMaker>[] = [
  { weight: 12, make: loadFrom(loads) },
  { weight: 6, feature: "simd", make: loadFrom(vectorLoads) },
  { weight: 2, feature: "simd", make: loadLane },
  { weight: 3, make: size },
  { weight: 3, make: grow },
  { weight: 5, feature: "atomics", make: atomicLoad },
  { weight: 8, feature: "atomics", make: atomicChange },
  { weight: 2, feature: "atomics", make: notifyOrWait },
];

/** Makers of statements that change memories and data segments. */
export const memoryStatements: readonly Weighted<StatementMaker>[] = [
  { weight: 14, make: store },
  { weight: 2, feature: "simd", make: storeLane },
  { weight: 4, feature: "bulk", make: fill },
  { weight: 4, feature: "bulk", make: copy },
  { weight: 14, feature: "bulk", make: init },
  { weight: 6, feature: "bulk", make: drop },
  { weight: 4, feature: "atomics", make: atomicStore },
  { weight: 1, feature: "atomics", make: () => made([0xfe, 3, 0]) },
];
