import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import { roundTrip } from "./identity-fixture.ts";
import type { CanonicalShape } from "./runtime.ts";
import { anyIdentity, anyValue, type Choices, isSmall } from "./values-arbitrary.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
const runs = 400;

function choicesOf(gen: fc.GeneratorValue): Choices {
  return { below: (limit) => gen(fc.nat, { max: limit - 1 }) };
}

/** A type, values for its parameters and the options, all of fast-check's choosing. */
function drawn(gen: fc.GeneratorValue, mode: "sync" | "async") {
  const choices = choicesOf(gen);
  const type = anyIdentity(choices, { hasHandles: choices.below(4) === 0 });
  const shape: CanonicalShape = {
    stringEncoding: encodings[choices.below(3)] ?? "utf8",
    memoryIs64: choices.below(6) === 0,
    mode,
  };
  const values = type.params.map((param) => anyValue(choices, param.type));
  return { type, shape, values, result: anyValue(choices, type.result ?? { kind: "bool" }) };
}

function shown(type: ComponentFunctionType, shape: CanonicalShape): string {
  return `${JSON.stringify(type)} ${JSON.stringify(shape)}`;
}

describe("makeExport() and makeImport()", () => {
  test("carry any value of any type through a guest and back, and write nothing outside of what was allocated", () => {
    let spilled = 0;
    fc.assert(
      fc.property(fc.gen(), (gen) => {
        const { type, shape, values, result } = drawn(gen, "sync");
        fc.pre(isSmall(type));
        let seen: unknown[] = [];
        const { call, check, runtime } = roundTrip(type, shape, (...given) => {
          seen = given;
          return result;
        });
        if (runtime.memory.buffer.byteLength > 0) spilled += 1;
        assert.deepStrictEqual(call(...values), result, shown(type, shape));
        assert.deepStrictEqual(seen, values, shown(type, shape));
        assert.deepEqual([runtime.entered, runtime.left], [2, 2]);
        check();
      }),
      { numRuns: runs },
    );
    assert.ok(spilled >= runs / 2, `${spilled} round trips`);
  });

  test("do the same where the host function answers a promise, or does not", async () => {
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (gen) => {
        const { type, shape, values, result } = drawn(gen, "async");
        fc.pre(isSmall(type));
        const waits = gen(fc.boolean);
        const { call, check } = roundTrip(type, shape, () => (waits ? Promise.resolve(result) : result));
        assert.deepStrictEqual(await call(...values), result, shown(type, shape));
        check();
      }),
      { numRuns: runs / 8 },
    );
  });
});
