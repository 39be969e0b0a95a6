import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { readComponent } from "./component.ts";
import { kindOf } from "./kind.ts";
import { type Bytes, componentOf, custom, moduleOf, name, section, u32, vector } from "./module-fixture.ts";

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof SampanError && error.code === code;

const nested = (id: number, bytes: Uint8Array): Bytes => section(id, [...bytes]);

describe("readComponent()", () => {
  test("lists imports and exports with their versions and counts what is nested", () => {
    const info = readComponent(
      componentOf(
        nested(1, moduleOf()),
        section(
          10,
          vector(
            [0, ...name("wasi:cli/stdout@0.2.0"), 5, ...u32(3)],
            [1, ...name("plain"), 1, 0],
            [0, ...name("t"), 3, 1],
            [0, ...name("u"), 3, 0, 7],
            [0, ...name("v"), 2, 1, 0x7f],
            [0, ...name("m"), 0, 0x11, 0],
          ),
        ),
        nested(4, componentOf(section(10, vector([0, ...name("inner"), 1, 0])))),
        nested(1, moduleOf()),
        section(
          11,
          vector(
            [0, ...name("wasi:cli/run@0.2.0"), 5, 0, 0],
            [2, ...name("a:b/c@1"), ...vector([1, ...name(".2.3")]), 1, 4, 1, 1, 0],
          ),
        ),
        section(10, vector([0, ...name("late"), 4, 0])),
        custom("producers", vector([...name("sdk"), ...vector([...name("tool"), ...name("1")])])),
      ),
    );
    assert.deepEqual(info.imports, [
      { name: "wasi:cli/stdout@0.2.0", version: "0.2.0", kind: "instance" },
      { name: "plain", version: undefined, kind: "function" },
      { name: "t", version: undefined, kind: "type" },
      { name: "u", version: undefined, kind: "type" },
      { name: "v", version: undefined, kind: "value" },
      { name: "m", version: undefined, kind: "core-module" },
      { name: "late", version: undefined, kind: "component" },
    ]);
    assert.deepEqual(info.exports, [
      { name: "wasi:cli/run@0.2.0", version: "0.2.0", kind: "instance" },
      { name: "a:b/c@1", version: "1", kind: "function" },
    ]);
    assert.deepEqual([info.version, info.coreModules, info.components], [13, 2, 1]);
    assert.deepEqual(info.producers.sdk, [{ name: "tool", version: "1" }]);
  });

  for (const [title, bytes] of [
    ["an unknown section", componentOf(section(13, []))],
    ["an unknown kind", componentOf(section(10, vector([0, ...name("a"), 6, 0])))],
    ["an unknown form of name", componentOf(section(10, vector([3, ...name("a"), 1, 0])))],
    ["a core definition that is not a module", componentOf(section(11, vector([0, ...name("a"), 0, 1, 0, 0])))],
    ["an unknown bound", componentOf(section(10, vector([0, ...name("a"), 3, 2])))],
    ["an unknown byte before an export's type", componentOf(section(11, vector([0, ...name("a"), 1, 0, 2])))],
    ["bytes left over", componentOf(section(10, [...vector([0, ...name("a"), 1, 0]), 0]))],
    ["a section past the end", componentOf([1, 9, 0])],
    ["another layer", Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 2, 0])],
  ] as const) {
    test(`refuses ${title}`, () => assert.throws(() => readComponent(bytes), hasCode("WASM_MALFORMED")));
  }

  test("refuses a core module", () => {
    assert.throws(() => readComponent(moduleOf()), hasCode("WASM_FEATURE"));
  });
});

describe("kindOf()", () => {
  for (const [title, bytes, kind] of [
    ["a core module", moduleOf(), "module"],
    ["a core module cut in its preamble", moduleOf().subarray(0, 5), "module"],
    ["a component", componentOf(), "component"],
    ["text", "(module)", "wat"],
    ["text behind comments", "\ufeff\n;; one\n(; two\n;) ( component $c)", "wat"],
    ["a comment without an end", "(; (module)", "unknown"],
    ["a line comment alone", ";; (module)", "unknown"],
    ["other parentheses", "(modules)", "unknown"],
    ["a script", "#!/bin/sh\n", "script"],
    ["nothing", "", "empty"],
    ["prose", "hello", "unknown"],
    ["gzip", [0x1f, 0x8b, 8], "gzip"],
    ["a native program", [0x7f, 0x45, 0x4c, 0x46, 2], "elf"],
    ["white space alone", " \n", "unknown"],
  ] as const) {
    test(`names ${title}`, () => {
      assert.equal(kindOf(typeof bytes === "string" ? new TextEncoder().encode(bytes) : Uint8Array.from(bytes)), kind);
    });
  }
});
