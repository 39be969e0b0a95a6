import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { generatedFiles, testsOf } from "../docs/generated-files.ts";
import { preview1Modules, wasmedgeVersions } from "./abi/index.ts";
import { errorCatalog } from "./base/index.ts";

const root = new URL("../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

for (const { path, text } of generatedFiles()) {
  test(`${path} is as docs/generate.ts writes it`, () => {
    assert.equal(read(path), text(), "run: node docs/generate.ts");
  });
}

test("docs/ERRORS.md and errorCatalog have the same codes", () => {
  const documented = [...read("docs/ERRORS.md").matchAll(/^\| `([A-Z_]+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(documented, Object.keys(errorCatalog));
});

const [preview1Part = "", wasmedgePart = ""] = read("docs/PREVIEW1.md").split("## WasmEdge");

test("docs/PREVIEW1.md has a line for each call of preview 1", () => {
  const documented = [...preview1Part.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]);
  assert.deepEqual(documented, Object.keys(preview1Modules["wasi_snapshot_preview1"] ?? {}).toSorted());
  assert.equal(documented.length, 46);
});

test("docs/PREVIEW1.md names each of WasmEdge's calls, as often as it has versions", () => {
  const documented = [...wasmedgePart.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = ""]) => names.split(", "));
  const calls = Object.entries(wasmedgeVersions).flatMap(([name, rows]) => rows.map(() => `\`${name}\``));
  assert.deepEqual(documented.toSorted(), calls.toSorted());
});

test("testsOf() finds a test for each call of preview 1, and for each of WasmEdge's", () => {
  const versioned = Object.keys(wasmedgeVersions).filter((name) => !name.endsWith("_v2"));
  const calls = [...Object.keys(preview1Modules["wasi_snapshot_preview1"] ?? {}), ...versioned];
  assert.deepEqual(
    calls.filter((name) => testsOf(name).length === 0),
    [],
  );
  assert.deepEqual(testsOf("no_such_call"), []);
});
