import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { ComponentError } from "./component-error.ts";
import { GuardedRuntime, roundTrip } from "./identity-fixture.ts";
import { makeExport } from "./lift-export.ts";
import { makeImport } from "./lower-import.ts";
import { camelCase } from "./names.ts";
import type { CanonicalShape } from "./runtime.ts";

const utf8: CanonicalShape = { stringEncoding: "utf8", mode: "sync" };
const text: ComponentValueType = { kind: "string" };
const u32: ComponentValueType = { kind: "u32" };
const list = (element: ComponentValueType, length?: number): ComponentValueType => ({ kind: "list", element, length });
const option = (type: ComponentValueType): ComponentValueType => ({ kind: "option", type });
const fn = (type: ComponentValueType, result?: ComponentValueType): ComponentFunctionType => ({
  kind: "function",
  params: [{ name: "the-value", type }],
  result,
  isAsync: false,
});
const size: ComponentValueType = {
  kind: "record",
  fields: [
    { name: "line-width", type: u32 },
    { name: "labels", type: list(option(text)) },
  ],
};
const shape: ComponentValueType = {
  kind: "variant",
  cases: [
    { name: "point", type: undefined },
    { name: "box", type: size },
  ],
};

/** What a value becomes that is handed to a guest and back. */
function passed(type: ComponentValueType, value: unknown): unknown {
  // In a tuple, so that a result is a value like others.
  const whole: ComponentValueType = { kind: "tuple", types: [type] };
  return (roundTrip(fn(whole, whole), utf8, (given) => given).call([value]) as unknown[])[0];
}

describe("values that are no use to the guest", () => {
  const cases: [type: ComponentValueType, value: unknown, said: string][] = [
    [u32, "abc", `: wanted u32, got "abc"`],
    [u32, -1, ": wanted u32, got -1"],
    [u32, 1.5, ": wanted u32, got 1.5"],
    [u32, 2 ** 32, ": wanted u32, got 4294967296"],
    [u32, 5n, ": wanted u32, got 5n"],
    [{ kind: "s8" }, 128, ": wanted s8, got 128"],
    [{ kind: "s16" }, Number.NaN, ": wanted s16, got NaN"],
    [{ kind: "u64" }, 5, ": wanted u64, a bigint, got 5"],
    [{ kind: "u64" }, -1n, ": wanted u64, a bigint, got -1n"],
    [{ kind: "s64" }, 2n ** 63n, ": wanted s64, a bigint, got 9223372036854775808n"],
    [{ kind: "f32" }, "1", `: wanted f32, got "1"`],
    [{ kind: "bool" }, 1, ": wanted bool, got 1"],
    [{ kind: "char" }, "ab", `: wanted char, a string of one code point, got "ab"`],
    [{ kind: "char" }, "\ud800", `: wanted char, a string of one code point, got "\\ud800"`],
    [text, undefined, ": wanted string, got undefined"],
    [text, Symbol("s"), ": wanted string, got Symbol(s)"],
    [list(u32), 7, ": wanted list, an array or something else that can be iterated, got 7"],
    [list({ kind: "u8" }), [1, 256], "[1]: wanted u8, got 256"],
    [list(u32, 2), [1], ": wanted list of 2 elements, got an array of 1"],
    [{ kind: "tuple", types: [u32, u32] }, [1, 2, 3], ": wanted tuple, an array of 2, got an array of 3"],
    [{ kind: "enum", names: ["red", "blue"] }, "green", `: wanted one of "red", "blue", got "green"`],
    [{ kind: "flags", names: ["is-a", "b"] }, { isA: 1 }, ".isA: wanted bool, got 1"],
    [{ kind: "flags", names: ["a"] }, null, ": wanted flags, an object of booleans, got null"],
    [size, { lineWidth: 1, labels: ["a", undefined, 3] }, ".labels[2]: wanted string, got 3"],
    [size, { labels: [] }, ".lineWidth: wanted u32, got undefined"],
    [shape, { tag: "circle" }, `.tag: wanted one of "point", "box", got "circle"`],
    [shape, { tag: "box", val: { lineWidth: "x" } }, `.val.lineWidth: wanted u32, got "x"`],
    [option(option(u32)), 5, ": wanted option, an object with a tag, got 5"],
    [{ kind: "map", key: text, value: u32 }, new Map([["a", "b"]]), `[0][1]: wanted u32, got "b"`],
    [{ kind: "map", key: text, value: u32 }, {}, ": wanted map, a Map, got an object"],
  ];
  for (const [type, value, said] of cases) {
    test(`are refused by path: ${said}`, () => {
      const runtime = new GuardedRuntime();
      let started = 0;
      const call = makeExport(fn(type), utf8)(runtime, () => (started += 1), "resize");
      assert.throws(
        () => call(value),
        (error) =>
          error instanceof SampanError &&
          error.code === "COMPONENT_VALUE" &&
          error.message === `resize(): argument "the-value"${said}`,
      );
      assert.equal(started, 0);
    });
    test(`are refused as an answer of the host's: ${said}`, () => {
      const runtime = new GuardedRuntime();
      const lowered = makeImport({ ...fn(u32, type), params: [] }, utf8)(runtime, () => value, "resize");
      assert.throws(() => lowered(64 as never), {
        code: "COMPONENT_VALUE",
        message: `resize(): the host function's answer${said}`,
      });
      assert.equal(runtime.left, 0);
    });
  }

  test("are refused before the allocator is called, also behind a string", () => {
    const runtime = new GuardedRuntime();
    const type: ComponentFunctionType = {
      ...fn(text),
      params: [
        { name: "a", type: text },
        { name: "b", type: u32 },
      ],
    };
    const call = makeExport(type, utf8)(runtime, () => 0, "f");
    assert.throws(() => call("text", "no number"), { code: "COMPONENT_VALUE" });
    assert.deepEqual([runtime.calls, runtime.entered], [[], 0]);
  });

  test("are refused where they change between being checked and being written", () => {
    const runtime = new GuardedRuntime();
    const call = makeExport(fn(list({ kind: "u8" })), utf8)(runtime, () => 0, "f");
    const bytes = new Uint8Array(8);
    runtime.answer = () => {
      bytes.buffer.transfer();
      return 128;
    };
    assert.throws(() => call(bytes), { code: "COMPONENT_VALUE", message: "f(): a value changed while it was passed" });
    assert.ok(runtime.views.u8.every((byte) => byte === 0xa5));
  });
});

describe("values in other forms than they are lifted in", () => {
  test("null is no value of an option, and flags that are absent are not set", () => {
    assert.equal(passed(option(u32), null), undefined);
    assert.deepEqual(passed({ kind: "flags", names: ["a", "b-c"] }, { bC: true }), { a: false, bC: true });
  });

  test("lists take what can be iterated and are typed arrays where they are of numbers", () => {
    assert.deepEqual(passed(list(u32), new Set([1, 2])), new Uint32Array([1, 2]));
    assert.deepEqual(passed(list({ kind: "u8" }), Buffer.from("hi")), new Uint8Array([104, 105]));
    assert.deepEqual(passed(list({ kind: "s16" }), new Int8Array([-3])), new Int16Array([-3]));
    assert.deepEqual(passed(list(text), "ab".split("").values()), ["a", "b"]);
    assert.deepEqual(passed({ kind: "map", key: u32, value: text }, [[1, "x"]]), new Map([[1, "x"]]));
  });

  test("options in options are told apart", () => {
    for (const value of [{ tag: "none" }, { tag: "some", val: undefined }, { tag: "some", val: 4 }])
      assert.deepEqual(passed(option(option(u32)), value), value);
  });

  test("names are those of JavaScript, and never code", () => {
    assert.deepEqual(["a", "line-width", "get-HTTP-url", "a-1b"].map(camelCase), [
      "a",
      "lineWidth",
      "getHttpUrl",
      "a1b",
    ]);
    const hostile = `x"];globalThis.leaked=1;//\u2028`;
    const type: ComponentValueType = {
      kind: "record",
      fields: [
        {
          name: hostile,
          type: { kind: "variant", cases: [{ name: hostile, type: { kind: "enum", names: [hostile] } }] },
        },
        { name: `f${hostile}`, type: { kind: "flags", names: [hostile] } },
      ],
    };
    const key = camelCase(hostile);
    const value = { [key]: { tag: hostile, val: hostile }, [camelCase(`f${hostile}`)]: { [key]: true } };
    assert.deepEqual(passed(type, value), value);
    assert.ok(!("leaked" in globalThis));
  });

  test("records and flags whose names are one in JavaScript are refused before a value is lost", () => {
    const names = ["a-1", "a1"];
    const error = { code: "COMPONENT_NAMES", message: /"a-1" from "a1"/ };
    const record: ComponentValueType = { kind: "record", fields: names.map((name) => ({ name, type: u32 })) };
    assert.throws(() => passed(record, { a1: 1 }), error);
    assert.throws(() => passed({ kind: "flags", names }, { a1: true }), error);
  });

  test("records of more fields than a constructor takes, and types too large to be written out, are passed", () => {
    const names = Array.from({ length: 300 }, (_, at) => `f-${at}`);
    const wide: ComponentValueType = { kind: "record", fields: names.map((name) => ({ name, type: u32 })) };
    const value = Object.fromEntries(names.map((name, at) => [camelCase(name), at]));
    assert.deepEqual(passed(wide, value), value);
    const pair = (part: ComponentValueType): ComponentValueType => ({
      kind: "variant",
      cases: [
        { name: "a", type: part },
        { name: "b", type: part },
      ],
    });
    let deep: ComponentValueType = { kind: "tuple", types: [text, { kind: "f32" }] };
    let inner: unknown = ["x", 1.5];
    for (let level = 0; level < 12; level += 1) {
      deep = pair(deep);
      inner = { tag: level % 2 === 0 ? "a" : "b", val: inner };
    }
    assert.deepEqual(passed(deep, inner), inner);
  });
});

describe("functions whose result is a result", () => {
  const type = fn(u32, { kind: "result", ok: u32, error: text });

  test("answer the ok case and throw a ComponentError with the payload of the other", () => {
    const { call, runtime } = roundTrip(type, utf8, (given) => {
      if (given === 0) throw new ComponentError("too small");
      return given;
    });
    assert.equal(call(7), 7);
    assert.throws(
      () => call(0),
      (error) => error instanceof ComponentError && error.payload === "too small",
    );
    assert.deepEqual([runtime.entered, runtime.left], [4, 4]);
  });

  test("do so where the host function answers a promise", async () => {
    const { call } = roundTrip(type, { ...utf8, mode: "async" }, async (given) => {
      await Promise.resolve();
      if (given === 0) throw new ComponentError("too small");
      return given;
    });
    assert.equal(await call(7), 7);
    await assert.rejects(async () => call(0), { payload: "too small" });
  });

  test("end the guest on any other error, and on any where no error case is there", () => {
    const failure = new TypeError("bug");
    const thrower = (): never => {
      throw failure;
    };
    assert.throws(() => roundTrip(type, utf8, thrower).call(1), failure);
    const { call, runtime } = roundTrip(fn(u32, u32), utf8, () => {
      throw new ComponentError("nobody expects it");
    });
    assert.throws(() => call(1), ComponentError);
    assert.equal(runtime.left, 0);
  });
});

describe("fields and flags of names that every object has something under", () => {
  const names = ["constructor", "to-string", "has-own-property", "value-of"];

  test("are absent where they were not given, and as they are where they were", () => {
    const flags: ComponentValueType = { kind: "flags", names };
    assert.deepEqual(Object.values(passed(flags, {}) as object), [false, false, false, false]);
    const record: ComponentValueType = { kind: "record", fields: names.map((name) => ({ name, type: option(u32) })) };
    const lifted = passed(record, { constructor: 5 }) as Record<string, unknown>;
    assert.deepEqual(Object.entries(lifted), [
      ["constructor", 5],
      ["toString", undefined],
      ["hasOwnProperty", undefined],
      ["valueOf", undefined],
    ]);
    assert.equal(Object.getPrototypeOf(lifted), Object.prototype);
    assert.equal(Object.prototype.constructor, Object);
  });

  test("are explained as what was given", () => {
    const record: ComponentValueType = { kind: "record", fields: [{ name: "to-string", type: u32 }] };
    assert.throws(() => passed(record, {}), { message: /\.toString: wanted u32, got undefined$/ });
  });
});

describe("makeImport() in mode sync", () => {
  test("refuses a promise with a hint, whatever the type of the result", () => {
    for (const result of [undefined, option(u32), { kind: "result", ok: undefined, error: undefined }] as const) {
      const { call } = roundTrip(fn(u32, result), utf8, () => Promise.resolve(1));
      assert.throws(() => call(1), {
        code: "COMPONENT_VALUE",
        message: "f(): the host function answered a promise, wanted a value",
      });
    }
  });
});

describe("makeExport()", () => {
  test("hands the core result to post-return after it has been lifted, and leaves last", () => {
    const runtime = new GuardedRuntime(64);
    runtime.views.u8.set([40, 0, 0, 0, 2, 0, 0, 0], 8);
    runtime.views.u8.set([0x68, 0x69], 40);
    const order: unknown[] = [];
    const freed = (at: number): void => {
      order.push(at, runtime.left);
      runtime.views.u8.fill(0);
    };
    const call = makeExport({ ...fn(text, text), params: [] }, utf8)(runtime, () => 8, "f", freed);
    assert.equal(call(), "hi");
    assert.deepEqual([order, runtime.left], [[8, 0], 1]);
  });

  test("hands numbers of cases that share a core value over without a sign, and leaves where there is no result", () => {
    const runtime = new GuardedRuntime();
    const cases = (["s32", "f32", "f64", "u64"] as const).map((kind) => ({ name: kind, type: { kind } }));
    const seen: unknown[] = [];
    const call = makeExport(fn({ kind: "variant", cases }), utf8)(
      runtime,
      (...cores: unknown[]) => void seen.push(cores),
      "f",
    );
    for (const [tag, val] of [
      ["s32", -1],
      ["f32", -2],
      ["f64", 1],
      ["u64", 2n ** 64n - 1n],
    ])
      call({ tag, val });
    assert.deepEqual(seen, [
      [0, 0xffff_ffffn],
      [1, 0xc000_0000n],
      [2, 0x3ff0_0000_0000_0000n],
      [3, 2n ** 64n - 1n],
    ]);
    assert.equal(runtime.left, 4);
  });

  test("says that the guest has started right before it calls", () => {
    const runtime = new GuardedRuntime();
    const task = { started: false };
    runtime.enterCall = () => task;
    const seen: boolean[] = [];
    runtime.answer = () => {
      seen.push(task.started);
      return 64;
    };
    makeExport(fn(text), utf8)(runtime, () => void seen.push(task.started), "f")("x");
    assert.deepEqual(seen, [false, true]);
  });
});
