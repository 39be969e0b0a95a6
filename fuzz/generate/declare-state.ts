import type { Random } from "../random.ts";
import { code, type Code } from "./code.ts";
import { integer } from "./encode.ts";
import { someValue } from "./declare-types.ts";
import { functionTypeIndex, isBelow, type Placement, type Plan, type PlannedGlobal } from "./plan.ts";
import { constant, plainValue } from "./scope.ts";
import { isNullable, isReference, unsigned, type Value } from "./types.ts";

/** Declares memories: most of one or two pages that can grow a little. */
export function addMemories(plan: Plan, random: Random): void {
  const { features, memories } = plan;
  const count = features.has("multi-memory") ? random.between(1, 3) : random.chance(0.9) ? 1 : 0;
  for (let index = 0; index < count; index += 1) {
    const shared = features.has("shared") && random.chance(0.7);
    const min = random.oneOf([0, 1, 1, 1, 1, 1, 1, 1, 2]);
    const max = shared || random.chance(0.7) ? min + random.below(4) : undefined;
    memories.push({ imported: false, min, max, shared, is64: features.has("memory64") && random.chance(0.6) });
  }
  // Imported ones have the first indices.
  const imported = random.chance(0.2) ? random.between(1, count) : 0;
  for (let index = 0; index < imported && index < count; index += 1) {
    const memory = memories[index];
    if (memory !== undefined) memories[index] = { ...memory, imported: true };
  }
}

/** Declares tables of several element types. */
export function addTables(plan: Plan, random: Random): void {
  const { features, tables, types } = plan;
  const count = features.has("tables") ? random.between(1, 3) : random.between(0, 1);
  for (let index = 0; index < count; index += 1) {
    const typed = types.flatMap(({ type }, at): Value[] => (type.kind === "function" ? [`ref null ${at}`] : []));
    const imported = tables.length === index && random.chance(0.15) && tables.every((table) => table.imported);
    const simple: Value = random.oneOf(["ref null func", "ref null func", "ref null extern"]);
    const others: readonly Value[] = features.has("gc") ? ["ref null any", "ref null i31", "ref null eq"] : [];
    const own =
      index === 0 || imported
        ? simple
        : (random.pick([simple, ...(features.has("references") ? typed : []), ...others]) ?? simple);
    const element =
      own.startsWith("ref null ") &&
      features.has("references") &&
      !imported &&
      random.chance(0.12) &&
      own !== "ref null extern"
        ? (`ref ${own.slice(9)}` as const)
        : own;
    const min = random.between(4, 10);
    const max = random.chance(0.5) ? min + random.below(6) : undefined;
    const init = !isNullable(element) || random.chance(0.15) ? { init: code([plainValue(plan, element)]) } : {};
    const is64 = features.has("memory64") && random.chance(0.3);
    tables.push({ imported, element, min, max, is64, ...(imported ? {} : init) });
  }
}

/** Declares globals of each type, imported ones first, and the two that the fuzzer needs. */
export function addGlobals(plan: Plan, random: Random): void {
  const { globals } = plan;
  for (let count = random.below(3); count > 0; count -= 1) {
    const type = random.oneOf<Value>(["i32", "i64", "f32", "f64", "ref null extern", "ref null func"]);
    globals.push({ imported: true, type, mutable: random.chance(0.25), init: code([]) });
  }
  const own = globals.length;
  plan.fuel = own;
  plan.ticks = own + 1;
  // The start function spends what the fuel begins with.
  globals.push({ imported: false, type: "i32", mutable: true, init: code([integer("i32", 50)]) });
  globals.push({ imported: false, type: "i32", mutable: true, init: code([integer("i32", 0)]) });
  for (let count = random.between(1, 6); count > 0; count -= 1) {
    const type = someValue(plan, random);
    globals.push({ imported: false, type, mutable: random.chance(0.8), init: initial(plan, random, type) });
  }
}

/** A constant expression of the type (WebAssembly 3.0, 3.3.10 Constant Expressions), extended ones among them. */
function initial(plan: Plan, random: Random, type: Value): Code {
  const isReadable = ({ type: each, mutable, imported }: PlannedGlobal): boolean =>
    !mutable && each === type && (imported || plan.features.has("gc"));
  const readable = random.pick(plan.globals.flatMap((each, index) => (isReadable(each) ? [index] : [])));
  if (readable !== undefined && random.chance(0.4)) return code([[0x23, ...unsigned(readable)]]);
  if (!isReference(type)) {
    if ((type === "i32" || type === "i64") && random.chance(0.3)) {
      const first = random.oneOf(type === "i32" ? [0x6a, 0x6b, 0x6c] : [0x7c, 0x7d, 0x7e]);
      return code([[...constant(random, type), ...constant(random, type), first]]);
    }
    return code([constant(random, type)]);
  }
  const fits = plan.functions.flatMap((each, index) => (isBelow(plan, `ref ${each.type}`, type) ? [index] : []));
  const index = random.pick(fits);
  if (index !== undefined && random.chance(0.7)) return code([[0xd2, ...unsigned(index)]]);
  if (isBelow(plan, "ref i31", type) && random.chance(0.5)) return code([[...constant(random, "i32"), 0xfb, 28]]);
  return code([plainValue(plan, type)]);
}

/** Declares tags of number types. */
export function addTags(plan: Plan, random: Random): void {
  if (!plan.features.has("exceptions") && !plan.features.has("legacy-exceptions")) return;
  for (let count = random.between(1, 3); count > 0; count -= 1) {
    const params = Array.from({ length: random.below(3) }, () => random.oneOf<Value>(["i32", "i64", "f64", "f32"]));
    const imported = plan.tags.every((tag) => tag.imported) && random.chance(0.25);
    plan.tags.push({ imported, type: functionTypeIndex(plan, params, []) });
  }
}

/** Declares element and data segments of every mode. */
export function addSegments(plan: Plan, random: Random): void {
  for (let count = random.between(plan.tables.length, 4); count > 0; count -= 1)
    plan.elements.push(someElements(plan, random, count));
  for (let count = random.below(5); count > 0; count -= 1) {
    const bytes = Array.from({ length: random.below(24) }, () => random.below(256));
    const memory = random.below(plan.memories.length);
    const planned = plan.memories[memory];
    const isActive = planned !== undefined && random.chance(0.45) && (planned.min > 0 || random.chance(0.05));
    plan.datas.push({
      bytes,
      place: isActive ? at(plan, random, { index: memory, is64: planned.is64, limit: 0x1000 }) : "passive",
    });
  }
}

function someElements(plan: Plan, random: Random, number: number): Plan["elements"][number] {
  const index = number - 1 < plan.tables.length ? number - 1 : random.below(plan.tables.length);
  const table = plan.tables[index];
  const type = table?.element ?? "ref null func";
  const fits = plan.functions.flatMap((each, at) => (isBelow(plan, `ref ${each.type}`, type) ? [at] : []));
  const length = fits.length === 0 ? random.below(3) : random.between(1, 4);
  const isPlain = random.chance(0.6) && fits.length > 0;
  const items = Array.from({ length }, (): number | Code => {
    const chosen = random.pick(fits);
    if (chosen !== undefined && (isPlain || random.chance(0.6))) return chosen;
    return initial({ ...plan, globals: [] }, random, type);
  });
  const isActive = table !== undefined && random.chance(0.45);
  const place = isActive
    ? at(plan, random, { index, is64: table.is64, limit: random.chance(0.05) ? 8 : table.min - 3 })
    : random.chance(0.9)
      ? "passive"
      : "declarative";
  return { type, items, place };
}

/** Where an active segment goes: seldom out of bounds, sometimes by a global. */
function at(
  plan: Plan,
  random: Random,
  { index, is64, limit }: { index: number; is64: boolean; limit: number },
): Placement {
  const type = is64 ? "i64" : "i32";
  const base = random.below(limit);
  if (random.chance(0.15)) {
    const offset = [...integer(type, base), ...integer(type, 0), is64 ? 0x7c : 0x6a];
    return { index, base, offset: code([offset]) };
  }
  const globals = plan.globals.flatMap((each, i) => (each.type === type && !each.mutable && each.imported ? [i] : []));
  const global = random.pick(globals);
  if (global !== undefined && random.chance(0.08)) return { index, offset: code([[0x23, ...unsigned(global)]]) };
  return { index, base, offset: code([integer(type, base)]) };
}
