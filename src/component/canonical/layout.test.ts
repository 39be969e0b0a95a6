import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import {
  alignmentOf,
  asyncTypesOf,
  discriminantSize,
  flatten,
  flattenFunction,
  functionKey,
  join,
  Layout,
  resourcesOf,
  sizeOf,
} from "./layout.ts";

const u8: ComponentValueType = { kind: "u8" };
const u32: ComponentValueType = { kind: "u32" };
const u64: ComponentValueType = { kind: "u64" };
const f32: ComponentValueType = { kind: "f32" };
const f64: ComponentValueType = { kind: "f64" };
const text: ComponentValueType = { kind: "string" };
const tuple = (...types: ComponentValueType[]): ComponentValueType => ({ kind: "tuple", types });
const variant = (...types: (ComponentValueType | undefined)[]): ComponentValueType => ({
  kind: "variant",
  cases: types.map((type, at) => ({ name: `c${at}`, type })),
});
const list = (element: ComponentValueType, length?: number): ComponentValueType => ({ kind: "list", element, length });
const fn = (params: readonly ComponentValueType[], result?: ComponentValueType): ComponentFunctionType => ({
  kind: "function",
  params: params.map((type, at) => ({ name: `p${at}`, type })),
  result,
  isAsync: false,
});
const flags = (count: number): ComponentValueType => ({
  kind: "flags",
  names: Array.from({ length: count }, (_, at) => `f${at}`),
});
/** A type of 2^levels parts that is described by as many as `levels`. */
const doubled = (levels: number, part: ComponentValueType): ComponentValueType =>
  levels === 0 ? part : ((inner) => tuple(inner, inner))(doubled(levels - 1, part));

describe("sizeOf(), alignmentOf() and flatten()", () => {
  const cases: [name: string, type: ComponentValueType, alignment: number, size: number, flat: string][] = [
    ["a tuple with padding", tuple(u8, u64, u8), 8, 24, "i32 i64 i32"],
    ["a string", text, 4, 8, "i32 i32"],
    ["a list of fixed length", list(tuple(u8, u32), 2), 4, 16, "i32 i32 i32 i32"],
    ["a variant whose cases share values", variant(f32, u32, undefined), 4, 8, "i32 i32"],
    ["a variant of a float and a pair", variant(f64, tuple(u32, f32)), 8, 16, "i32 i64 f32"],
    ["an option of a byte", { kind: "option", type: u8 }, 1, 2, "i32 i32"],
    ["a result of nothing", { kind: "result", ok: undefined, error: undefined }, 1, 1, "i32"],
    ["nine flags", flags(9), 2, 2, "i32"],
    ["seventeen flags", flags(17), 4, 4, "i32"],
    ["a map", { kind: "map", key: text, value: u8 }, 4, 8, "i32 i32"],
  ];
  for (const [name, type, alignment, size, flat] of cases) {
    test(`of ${name}`, () => {
      assert.deepEqual([alignmentOf(type), sizeOf(type), flatten(type)?.join(" ")], [alignment, size, flat]);
    });
  }

  test("of pointers into a 64-bit memory", () => {
    assert.deepEqual(
      [alignmentOf(text, "i64"), sizeOf(tuple(u8, text), "i64"), flatten(text, "i64")],
      [8, 24, ["i64", "i64"]],
    );
  });

  test("of a type that shares its parts take no longer than the parts are many", () => {
    const layout = new Layout();
    assert.equal(layout.sizeOf(doubled(40, u32)), 4 * 2 ** 40);
    assert.equal(layout.flatten(doubled(40, u32)), undefined);
    assert.ok(functionKey(fn([doubled(40, u32)]), { stringEncoding: "utf8", mode: "sync" }).length < 5000);
  });

  test("discriminantSize() is that of the largest index", () => {
    assert.deepEqual([1, 256, 257, 65_536, 65_537].map(discriminantSize), [1, 1, 2, 2, 4]);
  });

  test("join() keeps four bytes in i32 and else takes i64", () => {
    const joined = [join("f32", "f32"), join("f32", "i32"), join("i32", "f32"), join("f64", "i64"), join("f32", "f64")];
    assert.deepEqual(joined, ["f32", "i32", "i32", "i64", "i64"]);
  });
});

describe("flattenFunction()", () => {
  const many = Array.from({ length: 17 }, () => u32);

  test("passes 16 values and one result flat, and more by way of memory", () => {
    const flat = flattenFunction(fn(many.slice(1), u32), { direction: "lift" });
    assert.deepEqual(
      [flat.params.length, flat.results, flat.spillsParams, flat.spillsResult],
      [16, ["i32"], false, false],
    );
    const lifted = flattenFunction(fn(many, text), { direction: "lift" });
    assert.deepEqual(lifted, { params: ["i32"], results: ["i32"], spillsParams: true, spillsResult: true });
    const lowered = flattenFunction(fn(many, text), { direction: "lower", pointer: "i64" });
    assert.deepEqual(lowered, { params: ["i64", "i64"], results: [], spillsParams: true, spillsResult: true });
  });

  test("passes four values flat where a call is lowered async", () => {
    const options = { direction: "lower", isAsync: true } as const;
    assert.deepEqual(flattenFunction(fn(many.slice(0, 4), u8), options).params.length, 5);
    assert.deepEqual(flattenFunction(fn(many.slice(0, 5)), options), {
      params: ["i32"],
      results: ["i32"],
      spillsParams: true,
      spillsResult: false,
    });
  });
});

describe("functionKey(), resourcesOf() and asyncTypesOf()", () => {
  const [one, two] = [{ kind: "resource", name: "r" } as const, { kind: "resource", name: "r" } as const];
  const own = (resource: typeof one): ComponentValueType => ({ kind: "own", resource });

  test("tell resources apart by identity, in order of appearance", () => {
    const type = fn([list(own(two)), own(one)], own(two));
    assert.deepEqual(
      resourcesOf(type).map((each) => each === one),
      [false, true],
    );
    const stream: ComponentValueType = { kind: "stream", element: u8 };
    assert.deepEqual(asyncTypesOf(fn([tuple(u8, stream)])), [stream]);
  });

  test("are the same for the same structure and differ in names, options and which resources are the same", () => {
    const shape = { stringEncoding: "utf8", mode: "sync" } as const;
    const key = functionKey(fn([own(one), own(two)]), shape);
    assert.equal(functionKey(fn([own(two), own(one)]), shape), key);
    assert.notEqual(functionKey(fn([own(one), own(one)]), shape), key);
    assert.notEqual(functionKey(fn([own(one), own(two)]), { ...shape, mode: "async" }), key);
    const record = (name: string): ComponentFunctionType => fn([{ kind: "record", fields: [{ name, type: u8 }] }]);
    assert.equal(functionKey(record("a"), shape), functionKey(record("a"), shape));
    assert.notEqual(functionKey(record("a"), shape), functionKey(record("b"), shape));
    assert.notEqual(functionKey(fn([list(u8, 2)]), shape), functionKey(fn([list(u8)]), shape));
  });
});
