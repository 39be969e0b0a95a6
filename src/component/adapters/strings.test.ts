import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import { fusedRoundTrip } from "./fused-fixture.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
const text = { kind: "string" } as const;
const echo: ComponentFunctionType = {
  kind: "function",
  params: [{ name: "text", type: text }],
  result: text,
  isAsync: false,
};

/** The callee's allocations for a text: old size, alignment, new size. */
function allocations(pair: readonly [(typeof encodings)[number], (typeof encodings)[number]], given: string) {
  const trip = fusedRoundTrip(echo, { encodings: pair, host: (it) => it });
  trip.send(given);
  return trip.callee.calls.map(([, oldSize, alignment, size]) => [oldSize, alignment, size]);
}

describe("compileAdapter()'s strings", () => {
  for (const from of encodings) {
    for (const to of encodings) {
      test(`arrive from ${from} in ${to} whatever letter stands where`, () => {
        let arrived: unknown;
        const trip = fusedRoundTrip(echo, { encodings: [from, to], host: (it) => (arrived = it) });
        for (const letter of ["a", "\u0000", "é", "ÿ", "Ā", "߿", "ࠀ", "￿", "\u{1f370}", "\u{10ffff}"]) {
          for (const length of [0, 1, 15, 16, 17, 40, 64, 65, 130]) {
            for (const at of [0, Math.floor(length / 2), length]) {
              const given = `${"x".repeat(at)}${letter}${"y".repeat(length - at)}`;
              assert.equal(trip.send(given), given);
              assert.equal(arrived, given);
            }
          }
        }
        trip.caller.checkGuards(trip.reserved);
        trip.callee.checkGuards(trip.reserved);
      });
    }
  }

  // Of the callee's own lowering of its answer there are the calls behind these.
  const strategies: readonly [...Parameters<typeof allocations>[0], string, number[][]][] = [
    ["utf8", "utf8", "añb", [[0, 1, 4]]],
    ["utf16", "utf8", "ab", [[0, 1, 2]]],
    ["utf16", "utf8", "añb", [[0, 1, 3], [3, 1, 9], [9, 1, 4]]], // prettier-ignore
    ["utf16", "utf8", "☃☃", [[0, 1, 2], [2, 1, 6]]], // prettier-ignore
    ["latin1+utf16", "utf8", "añb", [[0, 1, 3], [3, 1, 6], [6, 1, 4]]], // prettier-ignore
    ["latin1+utf16", "utf8", "ññ", [[0, 1, 2], [2, 1, 4]]], // prettier-ignore
    ["utf8", "utf16", "ab", [[0, 2, 4]]],
    ["utf8", "utf16", "añb", [[0, 2, 8], [8, 2, 6]]], // prettier-ignore
    ["utf16", "utf16", "a🍰", [[0, 2, 6]]],
    ["latin1+utf16", "utf16", "añ", [[0, 2, 4]]],
    ["utf8", "latin1+utf16", "ab", [[0, 2, 2]]],
    ["utf8", "latin1+utf16", "añb", [[0, 2, 4], [4, 2, 3]]], // prettier-ignore
    ["utf8", "latin1+utf16", "a☃", [[0, 2, 4], [4, 2, 8], [8, 2, 4]]], // prettier-ignore
    ["utf16", "latin1+utf16", "añb", [[0, 2, 3]]],
    ["utf16", "latin1+utf16", "a☃", [[0, 2, 2], [2, 2, 4]]], // prettier-ignore
    ["latin1+utf16", "latin1+utf16", "añ", [[0, 2, 2]]],
    ["latin1+utf16", "latin1+utf16", "a☃", [[0, 2, 4]]],
  ];
  for (const [from, to, given, wanted] of strategies) {
    test(`allocate for "${given}" from ${from} in ${to} as the specification says`, () => {
      assert.deepEqual(allocations([from, to], given).slice(0, wanted.length), wanted);
    });
  }
});
