import type { Random } from "./random.ts";
import { heapOf, isReference, type Value } from "./generate/types.ts";

/** Objects that guests get as external references; they are told by their place. */
const objects: readonly unknown[] = [null, "text", 42, { an: "object" }, undefined, Symbol("one"), 1.5, true];

/** A value for JavaScript to give to a guest; functions come from `functions`. */
export function someArgument(random: Random, type: Value, functions: readonly unknown[]): unknown {
  switch (type) {
    case "i32":
      return random.i32();
    case "i64":
      return random.i64();
    case "f32":
    case "f64":
      return random.float();
    case "v128":
      throw new Error("JavaScript has no vectors");
    default:
      return someReference(random, heapOf(type), functions);
  }
}

function someReference(random: Random, heap: string, functions: readonly unknown[]): unknown {
  if (heap === "extern") return random.pick(objects);
  if (heap === "func") return random.chance(0.3) ? null : (random.pick(functions) ?? null);
  if (heap === "any" || heap === "eq" || heap === "i31") return random.chance(0.3) ? null : random.below(1000);
  return null;
}

/** A value as text that is the same for the same value of another instance. */
export function show(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name}`;
  if (value instanceof Error || value instanceof WebAssembly.Exception) return "an exception";
  if (Array.isArray(value)) return `[${value.map(show).join()}]`;
  if (typeof value === "symbol" || typeof value === "string") return value.toString();
  const known = objects.indexOf(value);
  return known >= 0 ? `object ${known}` : "an object";
}

/** The type as WebAssembly.Global and WebAssembly.Table name it. */
export function scriptType(type: Value): "i32" | "i64" | "f32" | "f64" | "externref" | "anyfunc" {
  if (isReference(type)) return heapOf(type) === "extern" ? "externref" : "anyfunc";
  if (type === "v128") throw new Error("JavaScript has no vectors");
  return type;
}
