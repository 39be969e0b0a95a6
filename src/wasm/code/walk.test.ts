import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { SampanError } from "../../base/index.ts";
import {
  type Bytes,
  end,
  functions,
  functionType,
  i32,
  memories,
  moduleOf,
  section,
  types,
  u32,
  vector,
} from "../module-fixture.ts";
import { sectionId } from "../sections.ts";
import { analyzeCode } from "./analyze.ts";
import { featureModules } from "./feature-fixture.ts";
import { body } from "./feature-parts-fixture.ts";
import { immediate, plainTable, prefixTables, visited } from "./opcodes.ts";
import { walkExpression } from "./walk.ts";

/** Immediates that are valid in {@link surroundings}, by the kind of an entry. */
const immediates: Readonly<Record<number, Bytes>> = {
  [immediate.none]: [],
  [immediate.one]: [0],
  [immediate.two]: [0, 0],
  [immediate.memory]: [0, 0],
  [immediate.memoryLane]: [0, 0, 0],
  [immediate.byte]: [0],
  [immediate.bytes4]: [1, 2, 3, 4],
  [immediate.bytes8]: [1, 2, 3, 4, 5, 6, 7, 8],
  [immediate.bytes16]: Array.from({ length: 16 }, () => 7),
  [immediate.blockType]: [0x40, end],
  [immediate.valueTypes]: [1, i32],
  [immediate.branchTable]: [1, 0, 0],
  [immediate.tryTable]: [0x40, 0, end],
  [immediate.branchOnCast]: [3, 0, 0x6e, 0x6e],
};

/** Says whether V8 takes the code, and if not, why. */
function refusal(code: Bytes): string | undefined {
  const bytes = moduleOf(
    types(functionType([], []), [0x5f, ...vector([i32, 1], [0x78, 1])], [0x5e, i32, 1], [0x5e, 0x78, 1]),
    functions(0),
    section(sectionId.table, vector([0x70, 0, 1])),
    memories([0, 1]),
    section(sectionId.tag, vector([0, 0])),
    section(sectionId.global, vector([i32, 1, 0x41, 0, end])),
    section(sectionId.element, vector([3, 0, ...vector([0])])),
    section(sectionId.dataCount, u32(1)),
    section(sectionId.code, vector(body([[i32]], [0x00, ...code, 0x00]))),
    section(sectionId.data, vector([1, 0])),
  );
  try {
    new WebAssembly.Module(bytes);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error.message;
  }
}

/** Custom descriptors are instructions of their own only in modules that V8 takes with a flag. */
const unknownToV8 = /invalid .*opcode|enable with|unknown|opcode|descriptor/i;

describe("walkExpression()", () => {
  test("knows each instruction that V8 knows, and no other", () => {
    let known = 0;
    for (let code = 0; code < 0x100; code += 1) {
      const entry = plainTable[code] ?? 0;
      if (entry === immediate.prefix) continue;
      known += checkEntry([code], entry);
    }
    for (const [index, table] of prefixTables.entries()) {
      for (let number = 0; number < 0x120; number += 1)
        known += checkEntry([0xfb + index, ...u32(number)], table[number] ?? 0);
    }
    assert.ok(known > 450, `${known} instructions`);
  });

  test("goes over every function of the feature modules and of guests to its end", async () => {
    for (const [name, bytes] of Object.entries(featureModules)) {
      assert.ok(WebAssembly.validate(bytes), name);
      assert.ok(analyzeCode(bytes).functions.length >= 2, name);
    }
    for (const name of ["hello", "catch-all", "catch-all-legacy", "cat"]) {
      const bytes = readFileSync(await compileOwnGuest(name));
      assert.ok(analyzeCode(bytes).functions.length > 1, name);
    }
  });

  test("reads integers of the longest form", () => {
    const bytes = Uint8Array.from([0x41, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x20, 0x80, 0x80, 0x80, 0x80, 0, 0x0b]);
    assert.equal(walkExpression(bytes, { start: 0, limit: bytes.length }), bytes.length);
  });

  test("refuses an expression that is cut short anywhere, and unknown instructions, with catalogued errors", () => {
    const whole = Uint8Array.from([0x02, 0x40, 0x41, 0x80, 1, 0x0e, 1, 0, 0, 0x0b, 0x28, 0x42, 1, 0x80, 1, 0x1a, 0x0b]);
    assert.equal(walkExpression(whole, { start: 0, limit: whole.length }), whole.length);
    for (let limit = 0; limit < whole.length; limit += 1) {
      const bytes = whole.slice(0, limit);
      assert.throws(() => walkExpression(bytes, { start: 0, limit }), withCode("WASM_MALFORMED"));
    }
    for (const bytes of [[0xff], [0xfb, 0x7f], [0xfd, 0xff, 0xff, 3], [0x16]]) {
      const code = Uint8Array.from(bytes);
      assert.throws(() => walkExpression(code, { start: 0, limit: code.length }), withCode("WASM_FEATURE"));
    }
  });
});

function withCode(code: string) {
  return (error: unknown): boolean => error instanceof SampanError && error.code === code;
}

/** Compares one entry with V8: what is known must not be refused as an unknown instruction, and the other way round. */
function checkEntry(code: Bytes, entry: number): number {
  const kind = entry & ~visited;
  const hex = code.map((byte) => byte.toString(16)).join(" ");
  if (kind === immediate.unknown) {
    const why = refusal([...code, 1, 1, 0, 0]);
    assert.match(why ?? "accepted", unknownToV8, `0x${hex} is unknown to the walk`);
    return 0;
  }
  // Instructions that only stand inside others, or that refer to what is not there, are refused for that reason.
  const why = refusal([...code, ...(immediates[kind] ?? [])]);
  assert.doesNotMatch(why ?? "", /invalid \w* ?opcode|enable with|Invalid opcode/i, `0x${hex} is known to the walk`);
  return 1;
}
