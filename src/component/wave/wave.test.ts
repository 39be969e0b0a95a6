import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { anyType, anyValue } from "../canonical/values-arbitrary.ts";
import { parseWave, parseWaveArguments, splitWaveCall } from "./parse-wave.ts";
import { printWave, printWaveOutcome } from "./print-wave.ts";
import { SampanError } from "../../base/index.ts";

const u8: ComponentValueType = { kind: "u8" };
const string: ComponentValueType = { kind: "string" };
const optional: ComponentValueType = { kind: "option", type: u8 };
const record: ComponentValueType = {
  kind: "record",
  fields: [
    { name: "must-have", type: u8 },
    { name: "may-have", type: optional },
  ],
};
const variant: ComponentValueType = {
  kind: "variant",
  cases: [
    { name: "empty", type: undefined },
    { name: "err", type: string },
    { name: "HTTP-body", type: { kind: "list", element: u8, length: undefined } },
  ],
};
const result: ComponentValueType = { kind: "result", ok: u8, error: string };

const readings: readonly [text: string, type: ComponentValueType, value: unknown][] = [
  ["true", { kind: "bool" }, true],
  [" 255 // the most", u8, 255],
  ["-9", { kind: "s32" }, -9],
  ["18446744073709551615", { kind: "u64" }, 2n ** 64n - 1n],
  ["6.022e+23", { kind: "f64" }, 6.022e23],
  ["-inf", { kind: "f32" }, -Infinity],
  ["nan", { kind: "f64" }, Number.NaN],
  ["'\\u{1F44B}'", { kind: "char" }, "👋"],
  ["'\\''", { kind: "char" }, "'"],
  ['"abc\\t☃"', string, "abc\t☃"],
  ['"""\nA single line\n"""', string, "A single line"],
  ['"""\n    one\n      two ""\\"\\"\n  """', string, '  one\n    two """"'],
  ['"""\n"""', string, ""],
  ["[1, 2, 3,]", { kind: "list", element: u8, length: undefined }, Uint8Array.of(1, 2, 3)],
  ['("abc", 1)', { kind: "tuple", types: [string, u8] }, ["abc", 1]],
  [
    '[(1, "a"), (2, "b")]',
    { kind: "map", key: u8, value: string },
    new Map([
      [1, "a"],
      [2, "b"],
    ]),
  ],
  ["{may-have: some(2), must-have: 1,}", record, { mustHave: 1, mayHave: 2 }],
  ["{%must-have: 1}", record, { mustHave: 1, mayHave: undefined }],
  ["{:}", { kind: "record", fields: [{ name: "a", type: optional }] }, { a: undefined }],
  ["empty", variant, { tag: "empty" }],
  ['%err("oops")', variant, { tag: "err", val: "oops" }],
  ["HTTP-body([79])", variant, { tag: "HTTP-body", val: Uint8Array.of(79) }],
  ["%ok", { kind: "enum", names: ["ok", "not-found"] }, "ok"],
  [
    "{write, %read-only}",
    { kind: "flags", names: ["read-only", "write", "exec"] },
    { readOnly: true, write: true, exec: false },
  ],
  ["{}", { kind: "flags", names: ["a"] }, { a: false }],
  ["7", optional, 7],
  ["none", optional, undefined],
  ["some(none)", { kind: "option", type: optional }, { tag: "some", val: undefined }],
  ["7", result, { tag: "ok", val: 7 }],
  ['err("no")', result, { tag: "err", val: "no" }],
  ["ok", { kind: "result", ok: undefined, error: undefined }, { tag: "ok", val: undefined }],
];

describe("parseWave()", () => {
  for (const [text, type, value] of readings) {
    test(`reads ${JSON.stringify(text)} as a ${type.kind}`, () => assert.deepEqual(parseWave(text, type), value));
  }

  const refused: readonly [text: string, type: ComponentValueType, message: RegExp][] = [
    ["256", u8, /256 is out of the range 0 to 255 of u8 at column 1$/],
    ["1.5", u8, /"1.5" cannot stand at column 1, wanted u8, an integer$/],
    ["1 2", u8, /"2" cannot stand at column 3, wanted the end of the value$/],
    ["tru", { kind: "bool" }, /wanted true or false$/],
    ['"a', string, /no character of a value in " at column 3$/],
    ["'ab'", { kind: "char" }, /the char has no end at column 1$/],
    ["'\\u{d800}'", { kind: "char" }, /is no character of Unicode at column 2$/],
    ['"""\nno end"', string, /has no end/],
    ["[1", { kind: "list", element: u8, length: undefined }, /the end cannot stand at column 3, wanted "," or "\]"/],
    ["[1]", { kind: "list", element: u8, length: 2 }, /a list of 1 where 2 are wanted at column 1$/],
    ["(1, 2, 3)", { kind: "tuple", types: [u8, u8] }, /the tuple has 2 values$/],
    ["(1)", { kind: "tuple", types: [u8, u8] }, /a tuple of 1 where 2 are wanted/],
    ["{may-have: 1}", record, /the record lacks the field "must-have"/],
    ["{must-have: 1, must-have: 2}", record, /one of the fields that are left: may-have$/],
    ["err", variant, /wanted one of the cases: empty, err, HTTP-body$/],
    ["1", { kind: "option", type: optional }, /wanted some\(…\) or none$/],
    ["ok(1)", { kind: "result", ok: undefined, error: u8 }, /"ok" carries none here$/],
    ["1", { kind: "own", resource: { kind: "resource", name: "file" } }, /which has no text form/],
  ];
  for (const [text, type, message] of refused) {
    test(`refuses ${JSON.stringify(text)} as a ${type.kind}`, () =>
      assert.throws(() => parseWave(text, type), { code: "WAVE_INVALID", message }));
  }

  test("suggests the nearest case", () => {
    assert.throws(() => parseWave("emtpy", variant), { hint: "did you mean empty" });
  });

  test("ends in a value or WAVE_INVALID, whatever the text", () => {
    const pieces = fc.array(
      fc.constantFrom(...Array.from("()[]{},:'\"\\%-09.eE \n"), "some", "none", "ok", "err", "must-have", '"""\n'),
    );
    fc.assert(
      fc.property(pieces, fc.constantFrom(u8, string, record, variant, result, optional), (parts, type) => {
        try {
          parseWave(parts.join(""), type);
        } catch (error) {
          assert.ok(error instanceof SampanError && error.code === "WAVE_INVALID", String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("printWave()", () => {
  test("prints what parseWave() reads back, for random types and values", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        let state = seed;
        const below = (limit: number): number => {
          state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
          return limit <= 1 ? 0 : (state >>> 8) % Math.min(limit, 2 ** 24);
        };
        const type = anyType({ below }, 3);
        const value = anyValue({ below }, type);
        assert.deepEqual(parseWave(printWave(value, type), type), value);
      }),
      { numRuns: 1000 },
    );
  });

  test("prints numbers of 32 bits with the digits that they have", () => {
    assert.equal(printWave(Math.fround(0.1), { kind: "f32" }), "0.1");
    assert.equal(printWave(Math.fround(16_777_217), { kind: "f32" }), "16777216");
    assert.equal(printWave(-0, { kind: "f32" }), "-0");
  });

  test("names a resource, which has no text form", () => {
    assert.equal(printWave({}, { kind: "own", resource: { kind: "resource", name: "file" } }), "<file>");
  });
});

describe("calls in WAVE", () => {
  const type: ComponentFunctionType = {
    kind: "function",
    params: [
      { name: "a", type: string },
      { name: "b", type: optional },
      { name: "c", type: { kind: "option", type: optional } },
    ],
    result,
    isAsync: false,
  };

  test("splitWaveCall() takes the name off", () => {
    assert.deepEqual(splitWaveCall('a:b/c@1.0.0#f("(")'), { name: "a:b/c@1.0.0#f", args: '("(")' });
    assert.deepEqual(splitWaveCall("run"), { name: "run", args: undefined });
  });

  test("parseWaveArguments() takes options at the end as none", () => {
    assert.deepEqual(parseWaveArguments('("x")', type), ["x", undefined, { tag: "none" }]);
    assert.deepEqual(parseWaveArguments('("x", 1, some(2))', type), ["x", 1, { tag: "some", val: 2 }]);
  });

  test("parseWaveArguments() names the argument that is wrong, missing or too many", () => {
    const message = (text: string): string => {
      try {
        parseWaveArguments(text, type);
      } catch (error) {
        return error instanceof SampanError ? error.message : String(error);
      }
      return "";
    };
    assert.match(message('("x", 1.5)'), /^Cannot read the argument "b": "1.5" cannot stand at column 7/);
    assert.match(message("()"), /the argument "a" is missing$/);
    assert.match(
      message('("x", 1, none, 4)'),
      /the function takes \(a: string, b: option<u8>, c: option<option<u8>>\)$/,
    );
    assert.match(message('("x") y'), /wanted the end of the call$/);
  });

  test("printWaveOutcome() puts the case around what came of a function with a result", () => {
    assert.equal(printWaveOutcome({ returned: 7 }, type), "ok(7)");
    assert.equal(printWaveOutcome({ thrown: "no" }, type), 'err("no")');
    assert.equal(printWaveOutcome({ returned: undefined }, { ...type, result: undefined }), "()");
    assert.equal(printWaveOutcome({ returned: 7 }, { ...type, result: u8 }), "7");
  });
});
