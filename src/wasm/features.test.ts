import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { explainRejection } from "./features.ts";
import {
  type Bytes,
  code,
  componentOf,
  custom,
  end,
  functions,
  functionType,
  importOf,
  imports,
  memories,
  moduleOf,
  name,
  section,
  sized,
  types,
  u32,
  vector,
} from "./module-fixture.ts";

const nothing = functionType([], []);
const text = (string: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(string);

const withCode = (body: Bytes): Uint8Array<ArrayBuffer> =>
  moduleOf(types(nothing), functions(0), code(body), custom("name", [1, ...sized(vector([0, ...name("main")]))]));

/** What V8 throws for the bytes. */
function rejectionOf(bytes: Uint8Array<ArrayBuffer>): unknown {
  try {
    new WebAssembly.Module(bytes);
  } catch (error) {
    return error;
  }
  return assert.fail("V8 accepts the bytes");
}

describe("explainRejection()", () => {
  for (const [title, bytes, wanted] of [
    ["a component", componentOf(), /it is a component/],
    ["text", text("(module)"), /text form.*wat2wasm/],
    ["gzip", Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]), /gzip/],
    ["a native program", Uint8Array.from([0x7f, 0x45, 0x4c, 0x46]), /native Linux program/],
    ["a script", text("#!/bin/sh\n"), /a script/],
    ["nothing", text(""), /it is empty/],
    ["prose", text("hello"), /not WebAssembly: it begins with the bytes 68 65 6c 6c/],
    ["a continuation type", moduleOf(types(nothing, [0x5d, 0])), /uses stack switching, a WebAssembly feature/],
    ["a suspend instruction", withCode([0xe0, 0]), /uses stack switching in function 0 \("main"\)/],
    ["a shared structure", moduleOf(types([0x65, 0x5f, 0])), /uses shared-everything threads/],
    ["a shared reference", moduleOf(types([0x60, 1, 0x65, 0x70, 0])), /uses shared-everything threads/],
    ["a string reference", moduleOf(types(functionType([0x67], []))), /uses reference-typed strings/],
    ["an exact reference", moduleOf(types([0x5f, 0], [0x60, 1, 0x64, 0x62, 0, 0])), /uses custom descriptors/],
    ["a page size", moduleOf(memories([8, 1, 0])), /uses custom page sizes/],
    ["half-precision numbers", withCode([0xfd, 0xb0, 2]), /uses half-precision floating point in function 0/],
    ["wide arithmetic", withCode([0x42, 0, 0x42, 0, 0x42, 0, 0x42, 0, 0xfc, 19, 0x1a, 0x1a]), /uses wide arithmetic/],
    [
      "compact imports",
      moduleOf(types(nothing), imports([...name("a"), ...name(""), 0x7f, ...vector([...name("b"), 0, 0])])),
      /uses compact imports/,
    ],
    [
      "both exception handlings",
      withCode([6, 0x40, 0x19, end, 0x1f, 0x40, 0, end]),
      /mixes the legacy and the present/,
    ],
    ["an unknown instruction", withCode([0xff]), /instruction that V8 does not know in function 0 \("main"\)/],
    [
      "a memory beyond V8's limit",
      moduleOf(memories([0, ...u32(65_537)])),
      /limit of V8: initial memory size \(65537 pages\)/,
    ],
    ["a section cut short", moduleOf([5, 9, 1]), /cut short or damaged: section .* at byte 8/],
    ["flags that nobody knows", moduleOf(memories([0x40, 1])), /it is damaged: .* at byte 11/],
    ["code of wrong types", withCode([0x41, 0]), /V8 finds it invalid in function 0 \("main"\): expected 0 elements/],
    ["a start function that is not there", moduleOf(section(8, [3])), /V8 finds it invalid: function index 3/],
  ] as const) {
    test(`explains ${title}`, () => {
      const explanation = explainRejection(bytes, rejectionOf(bytes));
      assert.match(explanation, wanted);
      assert.doesNotMatch(explanation, /@\+|--experimental|WebAssembly\.|\.$/);
    });
  }

  test("goes by the declarations where the message says nothing of a proposal", () => {
    const bytes = moduleOf(types(nothing, [0x5d, 0]), imports(importOf("a", "b", [0, 0])));
    assert.match(explainRejection(bytes, "something else"), /uses stack switching/);
  });
});
