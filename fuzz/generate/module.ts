import { Random } from "../random.ts";
import { generateBody } from "./body.ts";
import { addTypes } from "./declare-types.ts";
import { addGlobals, addMemories, addSegments, addTables, addTags } from "./declare-state.ts";
import { type Feature, functionType, functionTypeIndex, isForScript, type Plan, type PlannedCustom } from "./plan.ts";
import { code } from "./code.ts";
import { isNullable, isReference, typeIndexOf, unsigned } from "./types.ts";

const likelihoods: readonly (readonly [feature: Feature, probability: number])[] = [
  ["simd", 0.4],
  ["tail-calls", 0.4],
  ["references", 0.5],
  ["gc", 0.3],
  ["multi-memory", 0.35],
  ["memory64", 0.25],
  ["shared", 0.12],
  ["atomics", 0.3],
  ["bulk", 0.6],
  ["tables", 0.5],
  ["wild", 0.2],
  ["hints", 0.4],
  ["padding", 0.3],
  ["start", 0.2],
];

/** Generates a module: the same for the same seed. Nearly all are valid. */
export function generatePlan(seed: number): Plan {
  const random = new Random(seed);
  const features = new Set(
    likelihoods.flatMap(([feature, probability]) => (random.chance(probability) ? [feature] : [])),
  );
  // V8 refuses both forms of exceptions in one module.
  if (random.chance(0.5)) features.add(random.chance(0.5) ? "exceptions" : "legacy-exceptions");
  if (features.has("gc")) features.add("references");
  const plan = emptyPlan(random, features);
  addTypes(plan, random);
  addTags(plan, random);
  addFunctions(plan, random);
  addMemories(plan, random);
  addTables(plan, random);
  addGlobals(plan, random);
  addSegments(plan, random);
  addStart(plan, random);
  plan.functions.forEach(({ imported }, index) => {
    if (!imported) generateBody(plan, random, index);
  });
  addVectorGetters(plan);
  addAliases(plan, random);
  addCustoms(plan, random);
  return plan;
}

function emptyPlan(random: Random, features: ReadonlySet<Feature>): Plan {
  return {
    features,
    favourite: random.chance(0.6) ? random.pick([...features]) : undefined,
    types: [],
    groups: [],
    functions: [],
    memories: [],
    tables: [],
    globals: [],
    tags: [],
    elements: [],
    datas: [],
    customs: [],
    aliases: [],
    start: undefined,
    // Imported globals are put before these two, which moves them.
    fuel: 0,
    ticks: 1,
    importModule: random.chance(0.1) ? "sampan:engine" : "env",
    hasNames: random.chance(0.4),
    hasDataCount: random.chance(0.8),
  };
}

function addFunctions(plan: Plan, random: Random): void {
  const all = plan.types.flatMap(({ type }, index) => (type.kind === "function" ? [{ index, type }] : []));
  const importable = all.filter(({ type }) =>
    [...type.params, ...type.results].every((value) => isForScript(plan, value) && isNullable(value)),
  );
  for (let count = random.below(4); count > 0; count -= 1) {
    const type = random.pick(importable);
    if (type !== undefined) plan.functions.push({ type: type.index, imported: true, locals: [], body: [] });
  }
  const own = random.between(1, 6);
  for (let count = 0; count < own; count += 1) {
    const type = random.pick(all)?.index;
    if (type !== undefined) plan.functions.push({ type, imported: false, locals: [], body: [] });
  }
  // A reference that cannot be null needs something to refer to.
  const wanted = plan.types.flatMap(({ type }) => (type.kind === "function" ? [...type.params, ...type.results] : []));
  for (const value of wanted) {
    const index = isNullable(value) ? undefined : typeIndexOf(value);
    if (index === undefined || plan.types[index]?.type.kind !== "function") continue;
    if (plan.functions.some(({ type }) => type === index)) continue;
    plan.functions.push({ type: index, imported: false, locals: [], body: [] });
  }
  // Bodies make references to any function type.
  for (const { index } of all) {
    if (!plan.functions.some(({ type }) => type === index)) {
      plan.functions.push({ type: index, imported: false, locals: [], body: [] });
    }
  }
}

function addStart(plan: Plan, random: Random): void {
  if (!plan.features.has("start")) return;
  const index =
    plan.functions.push({ type: functionTypeIndex(plan, [], []), imported: false, locals: [], body: [] }) - 1;
  const own = plan.functions.flatMap(({ type }, at) => {
    const { params, results } = functionType(plan, type);
    return params.length + results.length === 0 ? [at] : [];
  });
  plan.start = random.chance(0.3) ? random.pick(own) : index;
}

/** JavaScript cannot read globals of vectors: functions tell them in two halves. */
function addVectorGetters(plan: Plan): void {
  plan.globals.forEach(({ type }, index) => {
    if (type !== "v128") return;
    const get = [0x23, ...unsigned(index)];
    const halves = code([[...get, 0xfd, 29, 0, ...get, 0xfd, 29, 1]]);
    plan.functions.push({
      type: functionTypeIndex(plan, [], ["i64", "i64"]),
      imported: false,
      locals: [],
      body: [halves],
    });
  });
}

function addAliases(plan: Plan, random: Random): void {
  plan.aliases.push([3, plan.fuel, "fuel"], [3, plan.ticks, "ticks"]);
  const spaces = [plan.functions, plan.tables, plan.memories, plan.globals, plan.tags];
  const names = [
    "",
    "epoch",
    "hook",
    "id",
    "save",
    "restore",
    "sampan:engine",
    "sampan:engine/save",
    "_start",
    "日本",
    "pages_0",
    "memory",
  ];
  for (const alias of names) {
    const kind = random.below(5);
    const count = spaces[kind]?.length ?? 0;
    if (count > 0 && random.chance(0.08)) plan.aliases.push([kind, random.below(count), alias]);
  }
}

function addCustoms(plan: Plan, random: Random): void {
  if (random.chance(0.6)) return;
  const places = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const name = random.oneOf([
      "fuzz",
      "fuzz",
      "",
      "name",
      "producers",
      "target_features",
      ".debug_line",
      "sourceMappingURL",
    ]);
    const bytes = Array.from({ length: random.below(12) }, () => random.below(256));
    const custom: PlannedCustom = { name, bytes, before: random.pick(places) ?? 0 };
    plan.customs.push(custom);
  }
}

/** Whether JavaScript can call the function and tell what comes back. */
export function isCallable(plan: Plan, index: number): boolean {
  const { params, results } = functionType(plan, plan.functions[index]?.type ?? -1);
  const isGivable = params.every((type) => isForScript(plan, type) && (!isReference(type) || isNullable(type)));
  return isGivable && results.every((type) => isForScript(plan, type) || (type !== "v128" && !type.endsWith(" exn")));
}
