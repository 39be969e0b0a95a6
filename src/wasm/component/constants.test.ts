import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteReader } from "../reader.ts";
import { checkConstant } from "./constants.ts";
import type { ComponentValueType } from "./types.ts";

const u8 = { kind: "u8" } as const;
const text = { kind: "string" } as const;
const canonicalNaN = [0, 0, 0xc0, 0x7f];

function check(type: ComponentValueType, bytes: readonly number[]): void {
  const reader = new ByteReader(Uint8Array.from(bytes));
  checkConstant(reader, type);
  reader.expectEnd("the value");
}

const good: readonly (readonly [ComponentValueType, readonly number[]])[] = [
  [{ kind: "bool" }, [1]],
  [{ kind: "s8" }, [0xff]],
  [{ kind: "u16" }, [0xff, 0xff, 3]],
  [{ kind: "s16" }, [0x80, 0x80, 0x7e]],
  [{ kind: "s64" }, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]],
  [{ kind: "f32" }, canonicalNaN],
  [{ kind: "f64" }, [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]],
  [{ kind: "char" }, [0xe2, 0x98, 0x83]],
  [{ kind: "list", element: u8, length: undefined }, [2, 7, 8]],
  [{ kind: "list", element: u8, length: 2 }, [7, 8]],
  [
    {
      kind: "record",
      fields: [
        { name: "a", type: u8 },
        { name: "b", type: text },
      ],
    },
    [1, 1, 0x61],
  ],
  [{ kind: "tuple", types: [u8, u8] }, [1, 2]],
  [
    {
      kind: "variant",
      cases: [
        { name: "a", type: undefined },
        { name: "b", type: u8 },
      ],
    },
    [1, 9],
  ],
  [{ kind: "enum", names: ["a", "b"] }, [1]],
  [{ kind: "flags", names: Array.from({ length: 9 }, (_, index) => `f${index}`) }, [255, 1]],
  [{ kind: "option", type: u8 }, [1, 3]],
  [{ kind: "result", ok: undefined, error: text }, [1, 0]],
];

test("checkConstant() goes over a value of each type", () => {
  for (const [type, bytes] of good) check(type, bytes);
});

test("checkConstant() refuses each value without its last byte", () => {
  for (const [type, bytes] of good) {
    assert.throws(() => check(type, bytes.slice(0, -1)), { code: "WASM_MALFORMED" }, type.kind);
  }
});

test("checkConstant() refuses what is not of the type", () => {
  const bad: readonly (readonly [ComponentValueType, readonly number[]])[] = [
    [{ kind: "bool" }, [2]],
    [{ kind: "u16" }, [0x80, 0x80, 4]],
    [{ kind: "s16" }, [0x80, 0x80, 0x02]],
    [{ kind: "f32" }, [1, 0, 0xc0, 0x7f]],
    [{ kind: "char" }, [0xff, 0xff, 0xff, 0xff]],
    [{ kind: "enum", names: ["a"] }, [1]],
    [{ kind: "stream", element: u8 }, [0]],
  ];
  for (const [type, bytes] of bad) assert.throws(() => check(type, bytes), { code: "WASM_MALFORMED" }, type.kind);
});
