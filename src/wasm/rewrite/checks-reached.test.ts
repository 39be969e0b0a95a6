import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Bytes,
  code,
  end,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  i64,
  memories,
  moduleOf,
  section,
  types,
  u32,
  vector,
} from "../module-fixture.ts";
import { sectionId } from "../sections.ts";
import { instantiateRewritten } from "./instantiate-fixture.ts";
import { rewrite } from "./rewrite.ts";

/** Counts a global up by 64 without a branch, and stores there: that traps once it is past a page. */
const countUp = [0x23, 0, 0x41, 0xc0, 0, 0x6a, 0x24, 0, 0x23, 0, 0x41, 1, 0x36, 2, 0];
const emptyLoop = [0x03, 0x40, end];
const element = section(sectionId.element, vector([0, 0x41, 0, end, ...vector([0])]));

const tailCalls: Readonly<Record<string, Bytes>> = {
  return_call: [0x12, 0],
  return_call_indirect: [0x41, 0, 0x13, 0, 0],
  return_call_ref: [0xd2, 0, 0x15, 0],
};

for (const [name, tail] of Object.entries(tailCalls)) {
  for (const [where, body] of Object.entries({
    behind: [...countUp, ...tail, ...emptyLoop],
    "before and behind": [...emptyLoop, ...countUp, ...tail, ...emptyLoop],
  })) {
    test(`rewrite() checks rounds of ${name} to itself where a loop stands ${where} it`, () => {
      const bytes = moduleOf(
        types(functionType([], [])),
        functions(0),
        section(sectionId.table, vector([0x70, 0, 1])),
        memories([0, 1]),
        section(sectionId.global, vector([i32, 1, 0x41, 0, end])),
        exports(exportOf("run", 0, 0)),
        element,
        code(body),
      );
      let checks = 0;
      const hook = (): void => {
        checks += 1;
        instance.epoch[0] = 0;
      };
      const instance = instantiateRewritten(rewrite(bytes, { checks: true }), { hook });
      instance.epoch[0] = 1;
      assert.throws(() => instance.call("run"), /out of bounds/);
      assert.equal(checks, 1);
    });
  }
}

const bulk: Readonly<Record<string, Bytes>> = {
  "memory.fill": [0x41, 0, 0x41, 0, 0x41, 8, 0xfc, 11, 0],
  "memory.copy": [0x41, 0, 0x41, 0, 0x41, 8, 0xfc, 10, 0, 0],
  "memory.init": [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 8, 0, 0],
  "table.fill": [0x41, 0, 0xd0, 0x70, 0x41, 1, 0xfc, 17, 0],
  "table.copy": [0x41, 0, 0x41, 0, 0x41, 1, 0xfc, 14, 0, 0],
  "table.grow": [0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a],
  "array.new": [0x41, 1, 0x41, 9, 0xfb, 6, 1, 0x1a],
  "array.new_default": [0x41, 9, 0xfb, 7, 1, 0x1a],
  "array.fill": [0x41, 9, 0xfb, 7, 1, 0x41, 0, 0x41, 5, 0x41, 9, 0xfb, 16, 1],
};

for (const [name, instruction] of Object.entries(bulk)) {
  test(`rewrite() checks behind each ${name}, which may run long, in a loop of none and in one`, () => {
    const bytes = moduleOf(
      types(functionType([], []), [0x5e, 0x78, 1]),
      functions(0, 0),
      section(sectionId.table, vector([0x70, 0, 1])),
      memories([0, 1]),
      exports(exportOf("run", 0, 0), exportOf("loop", 0, 1)),
      section(sectionId.dataCount, u32(1)),
      code([...instruction, ...instruction, ...instruction], [0x03, 0x40, ...instruction, end]),
      section(sectionId.data, vector([1, 1, 7])),
    );
    let checks = 0;
    const hook = (): void => {
      checks += 1;
      // What is split goes round until the word is taken back.
      if (checks === 10) instance.epoch[0] = 0;
    };
    const instance = instantiateRewritten(rewrite(bytes, { checks: true }), { hook });
    instance.epoch[0] = 1;
    instance.call("run");
    assert.ok(checks >= 3, `${checks} checks`);
    checks = 0;
    instance.call("loop");
    assert.ok(checks >= 2, `${checks} checks in the loop`);
  });
}

/** `wait32(address, expected, nanoseconds)`, `wait64` and `notify(address)`. */
const waiting = moduleOf(
  types(functionType([i32, i32, i64], [i32]), functionType([i32, i64, i64], [i32]), functionType([i32], [i32])),
  functions(0, 1, 2),
  memories([3, 1, 1]),
  exports(exportOf("wait32", 0, 0), exportOf("wait64", 0, 1), exportOf("notify", 0, 2)),
  code(
    [0x20, 0, 0x20, 1, 0x20, 2, 0xfe, 1, 2, 8],
    [0x20, 0, 0x20, 1, 0x20, 2, 0xfe, 2, 3, 0],
    [0x20, 0, 0x41, 1, 0xfe, 0, 2, 8],
  ),
);

test("memory.atomic.wait32 and wait64 of a module with checks wait in pieces, with the answers and traps of their own", () => {
  let checks = 0;
  const instance = instantiateRewritten(rewrite(waiting, { checks: true }), { hook: () => (checks += 1) });
  const call = (name: string, ...values: readonly unknown[]): unknown => instance.call(name, ...(values as number[]));
  instance.epoch[0] = 1;
  assert.equal(call("wait32", 0, 0, 5_000_000n), 2);
  assert.ok(checks >= 4, `${checks} checks in 5 ms`);
  assert.equal(call("wait64", 0, 0n, 3_000_000n), 2);
  assert.equal(call("wait32", 0, 0, 0n), 2);
  assert.equal(call("wait32", 0, 7, -1n), 1);
  assert.equal(call("wait64", 8, 7n, -1n), 1);
  assert.throws(() => call("wait32", 1, 0, 0n), /unaligned/);
  assert.throws(() => call("wait32", 65_536, 0, 0n), /out of bounds/);
});

test("memory.atomic.wait32 without end is ended by what the check throws, and goes on where the value has changed", () => {
  const ended = instantiateRewritten(rewrite(waiting, { checks: true }), {
    hook: () => {
      throw new Error("ended");
    },
  });
  ended.epoch[0] = 1;
  const wait = (instance: typeof ended): unknown => instance.call("wait32", ...([0, 0, -1n] as unknown as number[]));
  assert.throws(() => wait(ended), /ended/);
  const woken = instantiateRewritten(rewrite(waiting, { checks: true }), {
    hook: () => {
      const [memory] = woken.memories;
      assert.ok(memory !== undefined);
      new Int32Array(memory.buffer)[2] = 1;
    },
  });
  woken.epoch[0] = 1;
  assert.equal(wait(woken), 1);
});
