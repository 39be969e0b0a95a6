import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { Trapped } from "../canonical/identity-fixture.ts";
import type { CanonicalShape } from "../canonical/runtime.ts";
import { fuse, type Fused, type FuseParts } from "./fused-fixture.ts";
import type { AdapterTrapReason } from "./traps.ts";

const page = 65_536;
const text: ComponentValueType = { kind: "string" };
const [u8, u32, u64] = [{ kind: "u8" }, { kind: "u32" }, { kind: "u64" }] as const;
const option = (type: ComponentValueType): ComponentValueType => ({ kind: "option", type });
const list = (element: ComponentValueType, length?: number): ComponentValueType => ({ kind: "list", element, length });
const tuple = (...types: ComponentValueType[]): ComponentValueType => ({ kind: "tuple", types });
const many = Array.from({ length: 17 }, () => u32);
const fn = (params: readonly ComponentValueType[], result?: ComponentValueType): ComponentFunctionType => ({
  kind: "function",
  params: params.map((type, at) => ({ name: `p${at}`, type })),
  result,
  isAsync: false,
});
type Encoding = CanonicalShape["stringEncoding"];

function traps(fused: Fused, reason: AdapterTrapReason, by: "caller" | "callee", cores: readonly unknown[]): void {
  assert.throws(
    () => fused.call(...cores),
    (error) => error instanceof Trapped && error.reason === reason,
    reason,
  );
  assert.equal(fused.blamed(), by);
}

describe("an adapter that is called with hostile core values", () => {
  type Case = [reason: AdapterTrapReason, type: ComponentValueType, cores: readonly number[], put?: readonly number[]];
  const cases: Record<Encoding, Record<string, Case>> = {
    utf8: {
      "a string far outside, of no length": ["string-out-of-bounds", text, [0xdeadbeef, 0]],
      "a string whose pointer is negative as a signed number": ["string-out-of-bounds", text, [-1, 1]],
      "a string that ends one byte outside": ["string-out-of-bounds", text, [page - 1, 2]],
      "a string whose end wraps around 2^32": ["string-out-of-bounds", text, [0xffff_ffff, 2]],
      "a string of 2^28 bytes": ["string-too-long", text, [0, 2 ** 28]],
      "a string of 2^32 - 1 bytes": ["string-too-long", text, [0, 0xffff_ffff]],
      "a byte that no UTF-8 has": ["invalid-utf8", text, [0, 2], [0x61, 0xff]],
      "a continuation without a beginning": ["invalid-utf8", text, [0, 1], [0x80]],
      "an overlong form of two bytes": ["invalid-utf8", text, [0, 2], [0xc1, 0xbf]],
      "an overlong form of three bytes": ["invalid-utf8", text, [0, 3], [0xe0, 0x9f, 0xbf]],
      "an overlong form of four bytes": ["invalid-utf8", text, [0, 4], [0xf0, 0x8f, 0xbf, 0xbf]],
      "a character above the last": ["invalid-utf8", text, [0, 4], [0xf4, 0x90, 0x80, 0x80]],
      "a surrogate in UTF-8": ["invalid-utf8", text, [0, 3], [0xed, 0xa0, 0x80]],
      "a character that is cut off": ["incomplete-utf8", text, [0, 2], [0x61, 0xc3]],
      "a character that is cut off, with more behind it": ["incomplete-utf8", text, [0, 1], [0xc3, 0xa4]],
      "a long string with a bad byte at its end": ["invalid-utf8", text, [0, 130], [...Array(129).fill(0x61), 0xff]],
      "a list that ends one element outside": ["list-out-of-bounds", list(u32), [page - 4, 2]],
      "an empty list outside": ["list-out-of-bounds", list(u32), [page + 4, 0]],
      "a list whose end wraps around 2^32": ["list-out-of-bounds", list(u32), [0xffff_fffc, 2]],
      "a list of 2^28 bytes": ["list-too-long", list(u32), [0, 2 ** 26]],
      "a list whose length in bytes wraps around 2^32": ["list-too-long", list(u64), [0, 2 ** 29]],
      "a list of 2^32 - 1 elements": ["list-too-long", list(text), [0, 0xffff_ffff]],
      "a list that is not aligned": ["unaligned-pointer", list(u32), [2, 1]],
      "a list that is neither aligned nor inside": ["unaligned-pointer", list(u64), [0xffff_fffc, 1]],
      "a list of strings of which one is outside": [
        "string-out-of-bounds",
        list(text),
        [0, 1],
        [0xff, 0xff, 0, 0, 2, 0, 0, 0],
      ],
      "an element's discriminant": ["invalid-discriminant", list(option(u8)), [0, 1], [2]],
      "a discriminant in a list of a fixed length": ["invalid-discriminant", list(option(u8), 2), [1, 0, 2, 0]],
      "an element that is no char": ["invalid-char", list({ kind: "char" }), [0, 1], [0, 0xdf, 0, 0]],
      "a map's entry that is outside": [
        "string-out-of-bounds",
        { kind: "map", key: u8, value: text },
        [0, 1],
        [1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0],
      ],
      "a char above the last": ["invalid-char", { kind: "char" }, [0x11_0000]],
      "a char that is negative as a signed number": ["invalid-char", { kind: "char" }, [-1]],
      "a surrogate as a char": ["invalid-char", { kind: "char" }, [0xd800]],
      "an enum's discriminant": ["invalid-discriminant", { kind: "enum", names: ["a", "b"] }, [2]],
      "a result's discriminant": ["invalid-discriminant", { kind: "result", ok: u8, error: u8 }, [-1, 0]],
      "parameters that are not aligned": ["unaligned-pointer", tuple(...many), [2]],
      "parameters that end outside": ["pointer-out-of-bounds", tuple(...many), [page - 64]],
      "parameters whose end wraps around 2^32": ["pointer-out-of-bounds", tuple(...many), [-4]],
    },
    utf16: {
      "a string that is not aligned": ["unaligned-pointer", text, [1, 0]],
      "a string of 2^27 units": ["string-too-long", text, [0, 2 ** 27]],
      "a string whose length in bytes wraps around 2^32": ["string-too-long", text, [0, 0x8000_0001]],
      "a string that ends one unit outside": ["string-out-of-bounds", text, [page - 2, 2]],
      "the first half of a pair": ["invalid-utf16", text, [0, 1], [0, 0xd8]],
      "the first half of a pair, and then a letter": ["invalid-utf16", text, [0, 2], [0, 0xd8, 0x61, 0]],
      "the second half of a pair": ["invalid-utf16", text, [0, 2], [0, 0xdc, 0, 0xdc]],
      "half a pair at the end of a long string": ["invalid-utf16", text, [0, 70], [...Array(138).fill(0x20), 0, 0xdb]],
    },
    "latin1+utf16": {
      "Latin-1 that is not aligned": ["unaligned-pointer", text, [1, 1]],
      "Latin-1 that ends one byte outside": ["string-out-of-bounds", text, [page - 2, 3]],
      "Latin-1 of 2^28 bytes": ["string-too-long", text, [0, 2 ** 28]],
      "UTF-16 of 2^31 - 1 units": ["string-too-long", text, [0, 0xffff_ffff]],
      "UTF-16 that ends one unit outside": ["string-out-of-bounds", text, [page - 2, 0x8000_0002]],
      "half a pair in UTF-16": ["invalid-utf16", text, [0, 0x8000_0001], [0, 0xdc]],
    },
  };
  for (const [from, named] of Object.entries(cases)) {
    for (const [title, [reason, type, cores, put = []]] of Object.entries(named)) {
      test(`ends the guest at ${title} (${from})`, () => {
        for (const to of Object.keys(cases)) {
          let called = 0;
          const encodings = [from as Encoding, to as Encoding] as const;
          const fused = fuse(fn(type.kind === "tuple" ? type.types : [type]), {
            encodings,
            callee: () => () => void (called += 1),
          });
          new Uint8Array(fused.caller.memory.buffer).set(put);
          traps(fused, reason, "caller", cores);
          assert.equal(called, 0);
          assert.equal(fused.caller.calls.length, 0, "nothing is allocated in the caller");
          fused.callee.checkGuards(fused.reserved);
        }
      });
    }
  }
});

describe("an adapter whose callee answers hostile core values", () => {
  const area = 1024;
  type Case = [reason: AdapterTrapReason, type: ComponentValueType, core: number, put?: readonly number[]];
  const cases: Record<string, Case> = {
    "a place that is not aligned": ["unaligned-pointer", text, 2],
    "a place outside": ["pointer-out-of-bounds", text, page - 4],
    "a place whose end wraps around 2^32": ["pointer-out-of-bounds", text, -4],
    "a string outside": ["string-out-of-bounds", text, area, [0, 0, 1, 0, 1, 0, 0, 0]],
    "a string of 2^32 - 1 bytes": ["string-too-long", text, area, [0, 0, 0, 0, 255, 255, 255, 255]],
    "a list of 2^29 elements": ["list-too-long", list(u64), area, [0, 0, 0, 0, 0, 0, 0, 32]],
    "a discriminant in memory": ["invalid-discriminant", option(u64), area, [2]],
    "an enum's discriminant": ["invalid-discriminant", { kind: "enum", names: ["a"] }, 1],
    "a char": ["invalid-char", { kind: "char" }, 0xdfff],
  };
  for (const [title, [reason, type, core, put = []]] of Object.entries(cases)) {
    test(`ends the guest at ${title}`, () => {
      const fused = fuse(fn([], type), { encodings: ["utf8", "utf8"], callee: () => () => core });
      new Uint8Array(fused.callee.memory.buffer).set(put, area);
      traps(fused, reason, "callee", [64]);
      assert.ok(new Uint8Array(fused.caller.memory.buffer).every((byte) => byte === 0xa5));
    });
  }

  test("does not let the caller have a result where its memory ends", () => {
    for (const [at, reason] of [
      [page - 4, "pointer-out-of-bounds"],
      [-8, "pointer-out-of-bounds"],
      [66, "unaligned-pointer"],
    ] as const) {
      const fused = fuse(fn([], text), { encodings: ["utf8", "utf8"], callee: () => () => area });
      traps(fused, reason, "caller", [at]);
      fused.callee.checkGuards(fused.reserved);
    }
  });
});

describe("an adapter whose guests break the rules of calls", () => {
  const strings = (parts: Partial<FuseParts> = {}): Fused =>
    fuse(fn([text]), { encodings: ["utf8", "utf16"], callee: () => () => {}, ...parts });

  test("traps where the callee's allocator answers what is not aligned or outside", () => {
    for (const [answer, reason] of [
      [3, "unaligned-pointer"],
      [page - 2, "string-out-of-bounds"],
      [-2, "string-out-of-bounds"],
    ] as const) {
      const fused = strings();
      fused.callee.answer = () => answer;
      const before = fused.callee.memory.buffer.slice(0);
      traps(fused, reason, "callee", [0, 4]);
      assert.deepEqual(fused.callee.memory.buffer, before);
    }
  });

  test("lets nobody call out of an instance while its allocator or what runs after the return does", () => {
    const seen: number[] = [];
    let fused: Fused | undefined;
    const look = (): void => void seen.push(fused?.flags.callee.value ?? -1);
    fused = strings({
      postReturn: look,
      callee: (runtime) => {
        runtime.answer = () => (look(), 2048);
        return look;
      },
    });
    new Uint8Array(fused.caller.memory.buffer).fill(0x61, 0, 4);
    fused.call(0, 4);
    assert.deepEqual(seen, [2, 3, 2]);
    assert.equal(fused.flags.callee.value, 3);
  });

  test("traps where the caller must not be left, and where the callee is in a call", () => {
    const fused = strings({ callee: () => (): void => assert.equal(fused.flags.entered.value, 1) });
    fused.call(0, 0);
    assert.equal(fused.flags.entered.value, 3);
    fused.flags.caller.value = 2;
    traps(fused, "cannot-leave", "caller", [0, 0]);
    fused.flags.caller.value = 3;
    fused.flags.entered.value = 1;
    traps(fused, "cannot-enter", "callee", [0, 0]);
    assert.equal(fused.callee.calls.length, 1);
  });

  test("makes a trap of an exception that the callee does not catch", () => {
    const fused = strings({
      callee: () => () => {
        throw new Error("mine");
      },
    });
    traps(fused, "uncaught-exception", "callee", [0, 0]);
  });
});
