import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { limitMemory } from "./limits.ts";
import {
  code,
  componentOf,
  custom,
  exportOf,
  exports,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  memories,
  moduleOf,
  name,
  sized,
  types,
  u32,
  u64,
  validModules,
  vector,
} from "./module-fixture.ts";
import { readModule } from "./module.ts";

const maxima = (bytes: Uint8Array): (number | undefined)[] => readModule(bytes).memories.map(({ max }) => max);

const grower = moduleOf(
  types(functionType([i32], [i32]), functionType([], [])),
  functions(0, 1),
  memories([0, 1]),
  exports(exportOf("grow", 0, 0), exportOf("crash", 0, 1), exportOf("memory", 2, 0)),
  code([0x20, 0, 0x40, 0], [0x01, 0x00]),
  custom("name", [1, ...sized(vector([0, ...name("grow")], [1, ...name("crash")]))]),
);

/** The byte offset that V8's backtrace gives for the trap of the export "crash". */
function trapOffset(bytes: Uint8Array<ArrayBuffer>): number {
  const { crash } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as {
    crash: () => void;
  };
  try {
    crash();
  } catch (error) {
    assert.ok(error instanceof WebAssembly.RuntimeError);
    const offset = /wasm-function\[1\]:(0x[0-9a-f]+)/.exec(error.stack ?? "")?.[1];
    assert.ok(offset);
    return Number(offset);
  }
  return assert.fail("the export does not trap");
}

describe("limitMemory()", () => {
  test("adds a maximum that memory.grow obeys", () => {
    const { bytes } = limitMemory(grower, 3);
    const { grow } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as {
      grow: (pages: number) => number;
    };
    assert.deepEqual([grow(2), grow(1), grow(0)], [1, -1, 3]);
  });

  test("lowers a maximum, keeps a smaller one, and keeps minimum, sharing and address size", () => {
    const bytes = moduleOf(
      imports(importOf("env", "a", [2, 3, 1, ...u32(60_000)]), importOf("env", "b", [2, 1, 1, 2])),
      memories([0, 5], [5, 1, ...u64(200_000n)], [4, 2]),
    );
    const limited = limitMemory(bytes, 300);
    assert.ok(WebAssembly.validate(limited.bytes));
    const shapes = readModule(limited.bytes).memories.map(({ min, max, shared, is64 }) => [min, max, shared, is64]);
    assert.deepEqual(shapes, [
      [1, 300, true, false],
      [1, 2, false, false],
      [5, 300, false, false],
      [1, 300, false, true],
      [2, 300, false, true],
    ]);
  });

  test("counts a limit in the pages that a memory chooses", () => {
    const limited = limitMemory(moduleOf(memories([8, ...u32(10), 0], [9, 1, ...u32(2_000_000), 0], [8, 1, 16])), 2);
    const shapes = readModule(limited.bytes).memories.map(({ min, max, pageSize }) => [min, max, pageSize]);
    assert.deepEqual(shapes, [
      [10, 131_072, 1],
      [1, 131_072, 1],
      [1, 2, 65_536],
    ]);
  });

  test("changes the one type of compact imports once", () => {
    const bytes = moduleOf(imports([...name("env"), ...name(""), 0x7e, 2, 0, 1, ...vector(name("a"), name("b"))]));
    assert.deepEqual(maxima(limitMemory(bytes, 9).bytes), [9, 9]);
  });

  test("answers the same bytes where every memory keeps within", () => {
    for (const bytes of [
      moduleOf(),
      moduleOf(memories([1, 1, 4])),
      moduleOf(imports(importOf("a", "b", [2, 1, 0, 4]))),
    ]) {
      const limited = limitMemory(bytes, 4);
      assert.equal(limited.bytes, bytes);
      assert.equal(limited.originalOffset(5), 5);
    }
    assert.equal(limitMemory(grower, 65_536).bytes, grower);
    assert.equal(limitMemory(grower, 1_000_000).bytes, grower);
  });

  test("re-encodes section sizes that a limit makes longer", () => {
    const many = Array.from({ length: 60 }, () => [0, 1]);
    const bytes = moduleOf(memories(...many), custom("tail", [1, 2, 3]));
    const limited = limitMemory(bytes, 1000);
    assert.ok(WebAssembly.validate(limited.bytes));
    assert.deepEqual(new Set(maxima(limited.bytes)), new Set([1000]));
    assert.deepEqual(readModule(limited.bytes).customSections, readModule(bytes).customSections);
  });

  test("keeps every sample that V8 accepts acceptable", () => {
    for (const [title, bytes] of Object.entries(validModules)) {
      assert.ok(WebAssembly.validate(limitMemory(bytes, 100).bytes), title);
    }
  });

  test("originalOffset() puts the byte offset of a trap right", () => {
    const { bytes, originalOffset } = limitMemory(grower, 65_535);
    assert.notEqual(bytes.length, grower.length);
    const shifted = trapOffset(bytes);
    assert.notEqual(shifted, trapOffset(grower));
    assert.equal(originalOffset(shifted), trapOffset(grower));
    for (let offset = 0; offset <= bytes.length; offset += 1) {
      const original = originalOffset(offset);
      assert.ok(original >= 0 && original <= grower.length && original >= originalOffset(Math.max(0, offset - 1)));
    }
    assert.equal(originalOffset(bytes.length), grower.length);
  });

  test("refuses a memory that begins with more, naming both sizes and the option", () => {
    assert.throws(
      () => limitMemory(moduleOf(memories([0, 1], [0, 32])), 16),
      (error: unknown) => {
        assert.ok(error instanceof SampanError);
        assert.equal(error.code, "LIMIT_MEMORY");
        assert.equal(error.message, "Cannot give memory 1 the 2 MiB that it begins with: at most 1 MiB are allowed");
        assert.equal(error.hint, "--memory 2m");
        assert.deepEqual(error.data, { needed: 2 ** 21, allowed: 2 ** 20 });
        return true;
      },
    );
  });

  test("the hint of a refusal is a limit that suffices", () => {
    const bytes = moduleOf(memories([0, 3]));
    assert.throws(
      () => limitMemory(bytes, 1),
      (error: unknown) => error instanceof SampanError && error.hint === "--memory 192k",
    );
    assert.deepEqual(maxima(limitMemory(bytes, (192 * 1024) / 65_536).bytes), [3]);
  });

  test("refuses a component", () => {
    assert.throws(
      () => limitMemory(componentOf(), 1),
      (error: unknown) => error instanceof SampanError && error.code === "WASM_FEATURE",
    );
  });
});
