import assert from "node:assert/strict";
import { test } from "node:test";
import type { ComponentValueType } from "../../wasm/component/index.ts";
import { converterOf } from "./value-converter.ts";

const resource = { kind: "resource", name: "r" } as const;
const own: ComponentValueType = { kind: "own", resource };
const number: ComponentValueType = { kind: "u32" };
const handles = () => (value: unknown) => `<${String(value)}>`;

test("converterOf() reaches resources in every kind of value, and leaves all else as it is", () => {
  const cases: readonly (readonly [ComponentValueType, unknown, unknown])[] = [
    [own, 1, "<1>"],
    [{ kind: "list", element: own, length: undefined }, [1, 2], ["<1>", "<2>"]],
    [{ kind: "tuple", types: [number, own] }, [1, 2], [1, "<2>"]],
    [{ kind: "option", type: own }, undefined, undefined],
    [{ kind: "option", type: own }, 1, "<1>"],
    [
      { kind: "option", type: { kind: "option", type: own } },
      { tag: "some", val: 1 },
      { tag: "some", val: "<1>" },
    ],
    [{ kind: "option", type: { kind: "option", type: own } }, { tag: "none" }, { tag: "none" }],
    [
      { kind: "result", ok: own, error: number },
      { tag: "ok", val: 1 },
      { tag: "ok", val: "<1>" },
    ],
    [
      { kind: "result", ok: own, error: number },
      { tag: "err", val: 1 },
      { tag: "err", val: 1 },
    ],
    [
      { kind: "variant", cases: [{ name: "a", type: own }] },
      { tag: "a", val: 1 },
      { tag: "a", val: "<1>" },
    ],
    [{ kind: "variant", cases: [{ name: "a", type: own }] }, { tag: "b" }, { tag: "b" }],
    [
      {
        kind: "record",
        fields: [
          { name: "the-one", type: own },
          { name: "n", type: number },
        ],
      },
      { theOne: 1, n: 2 },
      { theOne: "<1>", n: 2 },
    ],
    [{ kind: "map", key: number, value: own }, new Map([[1, 2]]), new Map([[1, "<2>"]])],
    [{ kind: "list", element: own, length: undefined }, 7, 7],
  ];
  for (const [type, value, expected] of cases) assert.deepEqual(converterOf(type, handles)?.(value), expected);
  for (const type of [number, { kind: "list", element: number, length: undefined }] as const)
    assert.equal(converterOf(type, handles), undefined);
});

test("converterOf() looks at a part once that a type has a billion times", () => {
  let type: ComponentValueType = number;
  for (let depth = 0; depth < 30; depth++) type = { kind: "tuple", types: [type, type] };
  let asked = 0;
  const count = () => {
    asked += 1;
    return undefined;
  };
  assert.equal(converterOf({ kind: "tuple", types: [type, own] }, count), undefined);
  assert.equal(asked, 1);
});
