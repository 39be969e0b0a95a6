import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { anyIdentity, anyValue, type Choices, isSmall } from "../canonical/values-arbitrary.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import type { CanonicalShape } from "../canonical/runtime.ts";
import { compileAdapter } from "./compile-adapter.ts";
import { fusedRoundTrip } from "./fused-fixture.ts";

const encodings = ["utf8", "utf16", "latin1+utf16"] as const;
const runs = 400;
const identity: ComponentFunctionType = { kind: "function", params: [], result: undefined, isAsync: false };

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

  test("writes no more than in proportion to the parts of a type, however often they are shared", () => {
    const text: ComponentValueType = { kind: "string" };
    const named = <T>(count: number, type: () => T) =>
      Array.from({ length: count }, (_, at) => ({ name: `n${at}`, type: type() }));
    let pairs: ComponentValueType = { kind: "option", type: { kind: "u8" } };
    let cases: ComponentValueType = text;
    for (let level = 0; level < 18; level++) pairs = { kind: "tuple", types: [pairs, pairs] };
    for (let level = 0; level < 13; level++) {
      const same: ComponentValueType = cases;
      const some: ComponentValueType[] = [0, 1, 2].map((at) =>
        at === 1 ? { kind: "list", element: same, length: 1 } : { kind: "tuple", types: [same] },
      );
      cases = { kind: "variant", cases: some.map((type, at) => ({ name: `c${at}`, type })) };
    }
    const option = (): ComponentValueType => ({ kind: "option", type: text });
    const most: readonly [ComponentValueType, bytes: number][] = [
      [{ kind: "list", element: pairs, length: undefined }, 4_000],
      [cases, 20_000],
      [{ kind: "record", fields: named(20_000, () => text) }, 20_000 * 60],
      [{ kind: "record", fields: named(20_000, () => ({ kind: "flags", names: ["a"] }) as const) }, 20_000 * 60],
      [{ kind: "list", element: { kind: "variant", cases: named(20_000, option) }, length: undefined }, 20_000 * 120],
    ];
    for (const [type, bytes] of most) {
      const shape: CanonicalShape = { stringEncoding: "utf8", mode: "sync" };
      const side = { type: { ...identity, params: [{ name: "it", type }] }, shape, hasMemory: true, hasRealloc: true };
      const adapter = compileAdapter({
        caller: side,
        callee: { ...side, hasPostReturn: false },
        enters: 0,
        needsTask: false,
      });
      assert.ok(adapter.length < bytes, `${adapter.length} bytes`);
      assert.ok(WebAssembly.validate(adapter));
    }
  });
});
