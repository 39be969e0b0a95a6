import type { Random } from "../random.ts";
import { functionTypeIndex, isForScript, type Plan } from "./plan.ts";
import { type Field, isNullable, type Value } from "./types.ts";

/** A value type that the plan's features allow, none of them a reference that cannot be null. */
export function someValue(plan: Plan, random: Random): Value {
  if (random.chance(0.75)) return random.oneOf(["i32", "i32", "i32", "i64", "i64", "f32", "f64"]);
  if (plan.features.has("simd") && random.chance(0.4)) return "v128";
  if (plan.features.has("gc") && random.chance(0.5)) {
    const own = plan.types.flatMap(({ type }, index): Value[] =>
      type.kind === "function" ? [] : [`ref null ${index}`],
    );
    return (
      random.pick<Value>(["ref null any", "ref null eq", "ref null i31", "ref null struct", ...own]) ?? "ref null any"
    );
  }
  if (plan.features.has("references") && random.chance(0.4)) {
    const own = plan.types.flatMap(({ type }, index): Value[] =>
      type.kind === "function" ? [`ref null ${index}`] : [],
    );
    return random.pick(own) ?? "ref null func";
  }
  return random.oneOf(["ref null func", "ref null extern"]);
}

/** A type of a parameter or result: now and then a reference that cannot be null. */
function passedValue(plan: Plan, random: Random): Value {
  const value = someValue(plan, random);
  if (!plan.features.has("references") || !value.startsWith("ref null ") || !random.chance(0.3)) return value;
  return value === "ref null extern" && !plan.features.has("gc") ? value : `ref ${value.slice("ref null ".length)}`;
}

/** Declares structures, arrays and function types, some in recursion groups. */
export function addTypes(plan: Plan, random: Random): void {
  if (plan.features.has("gc")) addObjects(plan, random);
  functionTypeIndex(plan, [], []);
  functionTypeIndex(plan, ["i32"], ["i32"]);
  for (let count = random.between(1, 4); count > 0; count -= 1) {
    const params = Array.from({ length: random.below(4) }, () => passedValue(plan, random));
    const results = Array.from({ length: random.oneOf([0, 1, 1, 1, 2, 3]) }, () => passedValue(plan, random));
    functionTypeIndex(plan, params, results);
  }
  // At least one type is there that JavaScript can call whatever the others are.
  functionTypeIndex(
    plan,
    [random.oneOf(["i32", "i64", "f32", "f64"]), "i32"],
    [random.oneOf(["i32", "i64", "f32", "f64"])],
  );
  if (plan.features.has("gc") && random.chance(0.5)) addFunctionFamily(plan, random);
}

/** One group whose members refer to one another, with a type that extends another of it. */
function addObjects(plan: Plan, random: Random): void {
  const size = random.between(2, 5);
  const field = (): Field => {
    const storage = random.chance(0.25)
      ? random.oneOf<Field["storage"]>(["i8", "i16"])
      : random.chance(0.3)
        ? (`ref null ${random.below(size)}` as const)
        : random.oneOf<Value>([
            "i32",
            "i64",
            "f32",
            "f64",
            "ref null any",
            "ref null func",
            "ref null extern",
            "ref null i31",
          ]);
    return { storage, mutable: random.chance(0.75) };
  };
  for (let index = 0; index < size; index += 1) {
    // Structures come first, so that "struct" and "array" both have a member to be made of.
    const isStruct = index === 0 || (index > 1 && random.chance(0.6));
    const parents = plan.types.flatMap(({ type, open }, at) =>
      open === true && type.kind === "struct" ? [{ at, type }] : [],
    );
    const parent = isStruct && random.chance(0.5) ? random.pick(parents) : undefined;
    const fields = Array.from({ length: random.below(4) }, field);
    const open = random.chance(0.6);
    const inherited = parent === undefined ? [] : parent.type.fields;
    plan.types.push({
      type: isStruct ? { kind: "struct", fields: [...inherited, ...fields] } : { kind: "array", element: field() },
      ...(parent === undefined ? {} : { parent: parent.at }),
      ...(open ? { open } : {}),
    });
  }
  plan.groups.push(size);
}

/** A function type that may be extended, and one that extends it. */
function addFunctionFamily(plan: Plan, random: Random): void {
  const params = Array.from({ length: random.below(3) }, () => someValue(plan, random));
  const parent = plan.types.push({ type: { kind: "function", params, results: ["ref null eq"] }, open: true }) - 1;
  plan.types.push({ type: { kind: "function", params, results: ["ref null i31"] }, parent });
}

/** Whether JavaScript makes a value of the type for an import. */
export function isGivable(plan: Plan, type: Value): boolean {
  return isForScript(plan, type) && isNullable(type);
}
