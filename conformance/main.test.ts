import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const main = join(import.meta.dirname, "main.ts");
const spawned = (args: string[], env = process.env) =>
  spawnSync(process.execPath, [main, ...args], { encoding: "utf8", env });
const run = (...args: string[]): [number | null, string] => {
  const { status, stderr } = spawned(args);
  return [status, stderr];
};

test("conformance tells in one line what is wrong with its words", () => {
  const folder = mkdtempSync(join(tmpdir(), "sampan-conformance-"));
  try {
    const usage = "usage: npm run conformance -- wasi-testsuite|component-model DIR\n";
    for (const words of [[], ["wasi-testsuite"], ["nosuch", folder], ["toString", folder], ["component-model", ""]])
      assert.deepEqual(run(...words), [2, usage], words.join(" "));
    const problems = {
      "wasi-testsuite": "no preview 1 test is in it; wanted a checkout of its branch prod/testsuite-base",
      "component-model": "no .wast file is in it; wanted the folder test of a checkout of WebAssembly/component-model",
    };
    for (const [suite, problem] of Object.entries(problems)) {
      for (const wrong of [folder, join(folder, "missing")])
        assert.deepEqual(run(suite, wrong), [2, `conformance: Cannot run the suite in "${wrong}": ${problem}\n`]);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("conformance component-model names what to install where nothing can read the suite", () => {
  const folder = mkdtempSync(join(tmpdir(), "sampan-conformance-"));
  try {
    writeFileSync(join(folder, "one.wast"), "(component)");
    const env = { HOME: folder, PATH: folder };
    const { status, stdout } = spawned(["component-model", folder], env);
    assert.match(
      stdout,
      /^component-model: skipped, all 1 files: install wasm-tools [\d.]+, or Cargo, which then installs it/,
    );
    assert.equal(status, 0);
    const named = spawned(["component-model", folder], { ...env, SAMPAN_WASM_TOOLS: join(folder, "none") });
    assert.match(named.stderr, /^conformance: Cannot run SAMPAN_WASM_TOOLS, ".*none": it is no wasm-tools\n$/);
    assert.equal(named.status, 2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
