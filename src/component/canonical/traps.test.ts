import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentFunctionType, ComponentValueType } from "../../wasm/component/index.ts";
import { GuardedRuntime, Trapped } from "./identity-fixture.ts";
import { makeExport } from "./lift-export.ts";
import { makeImport } from "./lower-import.ts";
import type { CanonicalShape, CanonicalTrapReason } from "./runtime.ts";

const page = 65_536;
const tuple = (...types: ComponentValueType[]): ComponentValueType => ({ kind: "tuple", types });
const list = (element: ComponentValueType): ComponentValueType => ({ kind: "list", element, length: undefined });
const text: ComponentValueType = { kind: "string" };
const u8: ComponentValueType = { kind: "u8" };
const u32: ComponentValueType = { kind: "u32" };
const u64: ComponentValueType = { kind: "u64" };
const many = Array.from({ length: 17 }, () => u32);
const fn = (params: readonly ComponentValueType[], result?: ComponentValueType): ComponentFunctionType => ({
  kind: "function",
  params: params.map((type, at) => ({ name: `p${at}`, type })),
  result,
  isAsync: false,
});
const shapeOf = (stringEncoding: CanonicalShape["stringEncoding"]): CanonicalShape => ({
  stringEncoding,
  mode: "sync",
});

interface Guest {
  readonly runtime: GuardedRuntime;
  /** What the host function was called with, if it was. */
  readonly calls: unknown[][];
  readonly call: (...cores: unknown[]) => unknown;
}

/** A guest of one page that calls a host function with core values of its choosing. */
function guestOf(type: ComponentFunctionType, shape: CanonicalShape, answer?: unknown): Guest {
  const runtime = new GuardedRuntime();
  const calls: unknown[][] = [];
  const host = (...values: unknown[]): unknown => {
    calls.push(values);
    return answer;
  };
  const call = makeImport(type, shape)(runtime, host, "f") as (...cores: unknown[]) => unknown;
  return { runtime, calls, call };
}

function traps(reason: CanonicalTrapReason, run: () => unknown, name = ""): void {
  assert.throws(run, (error) => error instanceof Trapped && error.reason === reason, `${name}: ${reason}`);
}

describe("makeImport()'s function, called with hostile core values", () => {
  type Case = [
    reason: CanonicalTrapReason,
    type: ComponentValueType,
    cores: readonly number[],
    put?: readonly number[],
  ];
  const cases: Record<string, Record<string, Case>> = {
    utf8: {
      "a string far outside, of no length": ["string-out-of-bounds", text, [0xdeadbeef, 0]],
      "a string whose pointer is negative as a signed number": ["string-out-of-bounds", text, [-1, 1]],
      "a string that ends one byte outside": ["string-out-of-bounds", text, [page - 1, 2]],
      "a string whose end wraps around 2^32": ["string-out-of-bounds", text, [0xffff_ffff, 2]],
      "a string of 2^28 bytes": ["string-too-long", text, [0, 2 ** 28]],
      "a string of 2^32 - 1 bytes": ["string-too-long", text, [0, 0xffff_ffff]],
      "a byte that no UTF-8 has": ["invalid-utf8", text, [0, 2], [0x61, 0xff]],
      "an overlong form": ["invalid-utf8", text, [0, 2], [0xc0, 0x80]],
      "a surrogate in UTF-8": ["invalid-utf8", text, [0, 3], [0xed, 0xa0, 0x80]],
      "a character that is cut off": ["incomplete-utf8", text, [0, 2], [0x61, 0xc3]],
      "a long string with a bad byte": ["invalid-utf8", text, [0, 60], [0xff]],
      "a list that ends one element outside": ["list-out-of-bounds", list(u32), [page - 4, 2]],
      "an empty list outside": ["list-out-of-bounds", list(u32), [page + 4, 0]],
      "a list whose end wraps around 2^32": ["list-out-of-bounds", list(u32), [0xffff_fffc, 2]],
      "a list of 2^28 bytes": ["list-too-long", list(u32), [0, 2 ** 26]],
      "a list whose length in bytes wraps around 2^32": ["list-too-long", list(u64), [0, 2 ** 29]],
      "a list of 2^32 - 1 elements": ["list-too-long", list(text), [0, 0xffff_ffff]],
      "a list that is not aligned": ["unaligned-pointer", list(u32), [2, 1]],
      "a list that is neither aligned nor inside": ["unaligned-pointer", list(u64), [0xffff_fffc, 1]],
      "a list of strings of which one is outside": ["string-out-of-bounds", list(text), [0, 1], [0xff, 0xff, 0, 0, 2]],
      "an element's discriminant": ["invalid-discriminant", list({ kind: "option", type: u8 }), [0, 1], [2]],
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
      "half a pair": ["invalid-utf16", text, [0, 1], [0, 0xd8]],
      "half a pair in a long string": ["invalid-utf16", text, [0, 60], [0, 0xdc]],
    },
    "latin1+utf16": {
      "Latin-1 that is not aligned": ["unaligned-pointer", text, [1, 0]],
      "UTF-16 that is not aligned": ["unaligned-pointer", text, [1, 0x8000_0000]],
      "Latin-1 outside": ["string-out-of-bounds", text, [page - 2, 3]],
      "Latin-1 of 2^28 bytes": ["string-too-long", text, [0, 2 ** 28]],
      "UTF-16 outside": ["string-out-of-bounds", text, [page - 2, 0x8000_0002]],
      "UTF-16 of all lengths' last": ["string-too-long", text, [0, 0xffff_ffff]],
      "half a pair in UTF-16": ["invalid-utf16", text, [0, 0x8000_0001], [0, 0xdc]],
    },
  };
  for (const [encoding, rows] of Object.entries(cases)) {
    for (const [name, [reason, type, cores, put]] of Object.entries(rows)) {
      test(`traps on ${name} (${encoding})`, () => {
        const { runtime, calls, call } = guestOf(fn([type]), shapeOf(encoding as "utf8"));
        // What is not the case's own is zero, and so valid.
        runtime.views.u8.fill(0);
        runtime.views.u8.set(put ?? []);
        const before = runtime.views.u8.slice();
        traps(reason, () => call(...cores), name);
        assert.deepEqual(calls, []);
        assert.deepEqual(runtime.views.u8, before);
      });
    }
  }

  test("traps alike on pointers and lengths of a 64-bit memory", () => {
    const shape: CanonicalShape = { stringEncoding: "latin1+utf16", memoryIs64: true, mode: "sync" };
    const call = (type: ComponentValueType, ...cores: bigint[]): unknown => guestOf(fn([type]), shape).call(...cores);
    traps("string-out-of-bounds", () => call(text, 2n ** 63n, 0n));
    traps("unaligned-pointer", () => call(text, -1n, 0n));
    traps("string-too-long", () => call(text, 0n, 2n ** 40n));
    traps("string-too-long", () => call(text, 0n, -1n));
    traps("list-too-long", () => call(list(u32), 0n, 2n ** 62n));
    traps("unaligned-pointer", () => call(list(u32), 2n ** 60n + 2n, 0n));
    traps("list-out-of-bounds", () => call(list(u32), 2n ** 60n, 0n));
  });

  test("traps before the host runs out of memory for lists that lie over one another", () => {
    const { runtime, call, calls } = guestOf(fn([list(list({ kind: "bool" }))]), shapeOf("utf8"));
    runtime.views.liftBudget = 1_000_000;
    for (let at = 0; at < page; at += 8) {
      runtime.views.data.setUint32(at, 0, true);
      runtime.views.data.setUint32(at + 4, page, true);
    }
    traps("value-too-large", () => call(0, page / 8));
    assert.deepEqual(calls, []);
    call(0, 0);
    assert.deepEqual(calls, [[[]]]);
  });

  test("counts what lifted values take of the host's memory, not of the guest's", () => {
    const own: ComponentValueType = { kind: "own", resource: { kind: "resource", name: "r" } };
    // What V8 keeps for one of them: the object behind a handle, a typed array with its buffer, an entry, a tagged number.
    const tagged: ComponentValueType = { kind: "variant", cases: [{ name: "a", type: u64 }] };
    const costs: [ComponentValueType, size: number, most: number][] = [
      [own, 4, 300],
      [list(u8), 8, 200],
      [{ kind: "map", key: u32, value: u32 }, 8, 200],
      [tagged, 16, 60],
    ];
    for (const [element, size, cost] of costs) {
      const { runtime, call } = guestOf(fn([list(element)]), shapeOf("utf8"));
      runtime.views.u8.fill(0);
      runtime.views.liftBudget = cost * 100;
      traps("value-too-large", () => call(0, 100), `${element.kind} of ${size} bytes`);
      runtime.views.liftBudget = cost * 400;
      call(0, 100);
    }
  });

  test("traps on a place for the result that is not aligned or outside, and writes nothing", () => {
    for (const [at, reason] of [
      [2, "unaligned-pointer"],
      [page, "pointer-out-of-bounds"],
      [page - 4, "pointer-out-of-bounds"],
      [-8, "pointer-out-of-bounds"],
    ] as const) {
      const { runtime, call, calls } = guestOf(fn([], tuple(u32, u32)), shapeOf("utf8"), [1, 2]);
      traps(reason, () => call(at));
      assert.equal(calls.length, 1);
      assert.ok(runtime.views.u8.every((byte) => byte === 0xa5));
    }
    const { runtime, call } = guestOf(fn([], tuple(u32, u32)), shapeOf("utf8"), [1, 2]);
    call(page - 8);
    const end = Uint8Array.of(0xa5, 0xa5, 0xa5, 0xa5, 1, 0, 0, 0, 2, 0, 0, 0);
    assert.deepEqual(runtime.views.u8.slice(-12), end);
  });

  test("takes strings, lists and places at the very end of memory, and bits that no type has", () => {
    const { runtime, call, calls } = guestOf(
      fn([text, list(u32), { kind: "bool" }, u8, { kind: "s8" }, { kind: "s16" }, { kind: "u16" }]),
      shapeOf("utf8"),
    );
    runtime.views.u8.set([0x6f, 0x6b, 7, 0], page - 4);
    call(page - 4, 2, page, 0, 256, 0x1ff, 0x80, 0x8000, -1);
    assert.deepEqual(calls, [["ok", new Uint32Array(0), true, 255, -128, -32_768, 65_535]]);
  });

  test("reads the memory anew when it has grown", () => {
    const { runtime, call, calls } = guestOf(fn([text]), shapeOf("utf8"));
    runtime.memory.grow(1);
    new Uint8Array(runtime.memory.buffer).set([0x68, 0x69], page + 10);
    call(page + 10, 2);
    assert.deepEqual(calls, [["hi"]]);
  });
});

describe("makeExport()'s function", () => {
  const hostile = (
    runtime: GuardedRuntime,
    type: ComponentFunctionType,
    encoding: CanonicalShape["stringEncoding"],
  ) => {
    let started = 0;
    const core = (): number => (started += 1);
    return { call: makeExport(type, shapeOf(encoding))(runtime, core, "f"), started: () => started };
  };
  const allocations: [
    name: string,
    type: ComponentValueType,
    value: unknown,
    encoding: CanonicalShape["stringEncoding"],
  ][] = [
    ["a list", list(u32), [1], "utf8"],
    ["an empty list", list(u32), [], "utf8"],
    ["a typed array", list(u32), new Uint32Array(3), "utf8"],
    ["a string of UTF-16", text, "ab", "utf16"],
    ["a string of Latin-1", text, "ab", "latin1+utf16"],
    ["spilled parameters", tuple(...many), many.map(() => 1), "utf8"],
  ];
  for (const [name, type, value, encoding] of allocations) {
    test(`traps on what realloc answers for ${name}, and writes nothing`, () => {
      for (const [answer, reason] of [
        [0xffff_ffff, "realloc-unaligned"],
        [1, "realloc-unaligned"],
        [0xffff_fffc, "realloc-out-of-bounds"],
        [page + 4, "realloc-out-of-bounds"],
        [-4, "realloc-out-of-bounds"],
        [Number.NaN, "realloc-out-of-bounds"],
      ] as const) {
        const runtime = new GuardedRuntime();
        runtime.answer = () => answer;
        const { call, started } = hostile(runtime, fn([type]), encoding);
        traps(reason, () => call(value), `${answer}`);
        assert.equal(started(), 0);
        assert.ok(runtime.views.u8.every((byte) => byte === 0xa5));
      }
    });
  }

  test("traps on a block that ends one byte outside, and on one that is moved outside", () => {
    const runtime = new GuardedRuntime();
    runtime.answer = () => page - 3;
    const { call, started } = hostile(runtime, fn([text]), "utf8");
    traps("realloc-out-of-bounds", () => call("four"));
    traps("realloc-out-of-bounds", () => call("aé"));
    call("abc");
    assert.deepEqual([started(), ...runtime.views.u8.slice(-4)], [1, 0xa5, 0x61, 0x62, 0x63]);
  });

  test("traps on a result that is not aligned or outside", () => {
    const type = fn([], tuple(u32, u32));
    for (const [at, reason] of [
      [2, "unaligned-pointer"],
      [page - 4, "pointer-out-of-bounds"],
      [-8, "pointer-out-of-bounds"],
    ] as const) {
      traps(
        reason,
        makeExport(type, shapeOf("utf8"))(new GuardedRuntime(), () => at, "f"),
      );
    }
  });
});
