import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { anyIdentity, anyValue, type Choices, isSmall } from "../canonical/values-arbitrary.ts";
import { fusedRoundTrip } from "./fused-fixture.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
const runs = 400;

describe("compileAdapter()", () => {
  test("carries any value of any type between two memories and back, and writes nothing outside of what was allocated", () => {
    fc.assert(
      fc.property(fc.gen(), (gen) => {
        const choices: Choices = { below: (limit) => gen(fc.nat, { max: limit - 1 }) };
        let type = anyIdentity(choices, { hasHandles: choices.below(4) === 0 });
        if (type.result?.kind === "result") type = { ...type, result: { kind: "tuple", types: [type.result] } };
        fc.pre(isSmall(type));
        const values = type.params.map((param) => anyValue(choices, param.type));
        const result = anyValue(choices, type.result ?? { kind: "bool" });
        const pair = [encodings[choices.below(3)] ?? "utf8", encodings[choices.below(3)] ?? "utf8"] as const;
        let seen: unknown[] = [];
        const host = (...given: unknown[]): unknown => {
          seen = given;
          return result;
        };
        const { send, caller, callee, reserved } = fusedRoundTrip(type, { encodings: pair, host });
        const shown = `${pair.join(" → ")} ${JSON.stringify(type)}`;
        assert.deepStrictEqual(send(...values), result, shown);
        assert.deepStrictEqual(seen, values, shown);
        caller.checkGuards(reserved);
        callee.checkGuards(reserved);
      }),
      { numRuns: runs },
    );
  });
});
