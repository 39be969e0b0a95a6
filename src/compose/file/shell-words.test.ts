import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { shellWords } from "./shell-words.ts";

test("shellWords() splits as a shell splits", () => {
  const rows: readonly (readonly [line: string, words: readonly string[]])[] = [
    ["", []],
    ["  a  b\tc\n", ["a", "b", "c"]],
    [`a'b c'"d e"f`, ["ab cd ef"]],
    [`'' ""`, ["", ""]],
    [`a\\ b \\"`, ["a b", '"']],
    [`"a\\"b\\\\c\\d"`, ['a"b\\c\\d']],
    [`'a\\'`, ["a\\"]],
    ["a\\\nb", ["ab"]],
  ];
  for (const [line, words] of rows) assert.deepEqual(shellWords(line), words, line);
  for (const line of ["'", 'a "b', "a\\"]) assert.ok("problem" in shellWords(line), line);
});

test("shellWords() finds the words that sh finds", () => {
  const parts = fc
    .array(fc.constantFrom("a", "b", " ", "'", '"', "\\", "  "), { maxLength: 12 })
    .map((each) => each.join(""));
  const lines = fc.sample(parts, { numRuns: 300, seed: 7 }).filter((line) => !("problem" in shellWords(line)));
  assert.ok(lines.length > 50);
  const script = lines.map((line) => `set -- ${line}\nfor w in "$@"; do printf '<%s>' "$w"; done; echo`).join("\n");
  const { stdout, status } = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  assert.equal(status, 0);
  const ours = lines.map((line) =>
    [shellWords(line)]
      .flat(2)
      .map((word) => `<${word as string}>`)
      .join(""),
  );
  assert.deepEqual(stdout.split("\n").slice(0, -1), ours);
});
