import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import { GuardedRuntime } from "./identity-fixture.ts";
import { makeExport } from "./lift-export.ts";
import type { CanonicalShape } from "./runtime.ts";
import { asTagged64, pointer64, tag64, taggedLength64 } from "./strings.ts";

const takes: ComponentFunctionType = {
  kind: "function",
  params: [{ name: "s", type: { kind: "string" } }],
  result: undefined,
  isAsync: false,
};

/** What the guest gets of a string, and what it was asked for on the way. */
function lowered(text: string, stringEncoding: CanonicalShape["stringEncoding"]) {
  const runtime = new GuardedRuntime();
  let got: [at: number, length: number] = [0, 0];
  const core = (...cores: [number, number]): void => void (got = cores);
  makeExport(takes, { stringEncoding, mode: "sync" })(runtime, core, "f")(text);
  runtime.checkGuards(0);
  const bytes = (count: number): Uint8Array => runtime.views.u8.slice(got[0], got[0] + count);
  const asked = runtime.calls.map(([old, oldSize, alignment, size]) => [
    old === 0 ? 0 : "old",
    oldSize,
    alignment,
    size,
  ]);
  return { length: got[1], bytes, asked };
}

describe("strings that are lowered", () => {
  const long = "x".repeat(30);
  const cases: [text: string, encoding: CanonicalShape["stringEncoding"], length: number, asked: unknown[][]][] = [
    ["", "utf8", 0, [[0, 0, 1, 0]]],
    ["abc", "utf8", 3, [[0, 0, 1, 3]]],
    [long, "utf8", 30, [[0, 0, 1, 30]]],
    [
      "aé",
      "utf8",
      3,
      [
        [0, 0, 1, 2],
        ["old", 2, 1, 6],
        ["old", 6, 1, 3],
      ],
    ],
    [
      "€€",
      "utf8",
      6,
      [
        [0, 0, 1, 2],
        ["old", 2, 1, 6],
      ],
    ],
    [
      `${long}🙂é`,
      "utf8",
      36,
      [
        [0, 0, 1, 33],
        ["old", 33, 1, 99],
        ["old", 99, 1, 36],
      ],
    ],
    ["", "utf16", 0, [[0, 0, 2, 0]]],
    ["a🙂", "utf16", 3, [[0, 0, 2, 6]]],
    ["aé", "latin1+utf16", 2, [[0, 0, 2, 2]]],
    [
      "aé€",
      "latin1+utf16",
      3 + 2 ** 31,
      [
        [0, 0, 2, 3],
        ["old", 3, 2, 6],
      ],
    ],
  ];
  for (const [text, encoding, length, asked] of cases) {
    test(`${JSON.stringify(text)} as ${encoding}: its bytes, its length and what is asked of realloc`, () => {
      const got = lowered(text, encoding);
      assert.deepEqual([got.length, got.asked], [length, asked]);
      const wide = encoding === "utf16" || length >= 2 ** 31;
      const wanted = Buffer.from(text, encoding === "utf8" ? "utf8" : wide ? "utf16le" : "latin1");
      assert.deepEqual(Buffer.from(got.bytes(wanted.length)), wanted);
    });
  }

  test("have U+FFFD for half a pair, as TextEncoder does", () => {
    const text = `${"y".repeat(40)}\ud800`;
    for (const half of ["a\ud800b", "\udc00", text]) {
      const utf8 = lowered(half, "utf8");
      assert.equal(new TextDecoder().decode(utf8.bytes(utf8.length)), half.toWellFormed());
      for (const encoding of ["utf16", "latin1+utf16"] as const) {
        const wide = lowered(half, encoding).bytes(2 * half.length);
        assert.equal(Buffer.from(wide).toString("utf16le"), half.toWellFormed());
      }
    }
  });
});

describe("pointers and lengths of a 64-bit memory", () => {
  test("pointer64() keeps what fits and the low bits of what does not", () => {
    assert.equal(pointer64(2n ** 51n + 3n), 2 ** 51 + 3);
    assert.equal(pointer64(2n ** 63n + 5n) % 8, 5);
    assert.ok(pointer64(-1n) >= 2 ** 52);
  });

  test("asTagged64() undoes taggedLength64()", () => {
    for (const length of [0n, 7n, 2n ** 28n, 2n ** 63n, 2n ** 63n + 9n])
      assert.equal(asTagged64(taggedLength64(length)), length);
    assert.equal(taggedLength64(BigInt.asIntN(64, 2n ** 63n + 9n)), tag64 + 9);
  });
});
