import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "main.ts");
const run = (...args: string[]): [number | null, string] => {
  const { status, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  return [status, stderr];
};

test("conformance tells in one line what is wrong with its words", () => {
  const folder = mkdtempSync(join(tmpdir(), "sampan-conformance-"));
  try {
    const usage = "usage: npm run conformance -- wasi-testsuite DIR\n";
    for (const words of [[], ["wasi-testsuite"], ["nosuch", folder], ["toString", folder], ["wasi-testsuite", ""]])
      assert.deepEqual(run(...words), [2, usage], words.join(" "));
    for (const wrong of [folder, join(folder, "missing")]) {
      const problem = "no preview 1 test is in it; wanted a checkout of its branch prod/testsuite-base";
      assert.deepEqual(run("wasi-testsuite", wrong), [
        2,
        `conformance: Cannot run the suite in "${wrong}": ${problem}\n`,
      ]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
