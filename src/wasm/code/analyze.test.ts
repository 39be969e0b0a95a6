import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { code, end, functions, functionType, importOf, imports, moduleOf, types } from "../module-fixture.ts";
import { analyzeCode } from "./analyze.ts";

describe("analyzeCode()", () => {
  test("tells loops, their depth, callees inside and outside of loops and indirect calls", () => {
    const loop = [0x03, 0x40];
    const bytes = moduleOf(
      types(functionType([], [])),
      imports(importOf("env", "f", [0, 0])),
      functions(0, 0, 0),
      code(
        [0x10, 0, ...loop, 0x10, 2, ...loop, end, 0x10, 2, end, ...loop, end],
        [0xd0, 0, 0x14, 0],
        [...loop, 0x02, 0x40, 0xd0, 0, 0x14, 0, end, end, 0x12, 1],
      ),
    );
    assert.ok(WebAssembly.validate(bytes));
    const { importedFunctions, functions: found } = analyzeCode(bytes);
    assert.equal(importedFunctions, 1);
    const rows = found.map((row) => [
      row.index,
      row.bodySize,
      row.loops,
      row.loopDepth,
      [...row.callees],
      [...row.loopCallees],
      row.callsIndirectly,
      row.callsIndirectlyInLoop,
    ]);
    assert.deepEqual(rows, [
      [1, 17, 3, 2, [0, 2], [2], false, false],
      [2, 6, 0, 0, [], [], true, false],
      [3, 14, 1, 1, [1], [], true, true],
    ]);
  });
});
