import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { shopComponent } from "../../guests/shop.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { runLine } from "./spec-runner.ts";

/** A command as a document shows it, and the lines that it says come of it on stdout and stderr. */
interface Example {
  readonly line: string;
  readonly output: readonly string[];
}

const root = resolve(import.meta.dirname, "../..");
const guests = ["hello", "copy", "cat", "trap", "spin"];
const documents = [
  ...readdirSync(root).filter((name) => name.endsWith(".md")),
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
].map((name) => ({ name, examples: examplesOf(readFileSync(join(root, name), "utf8")) }));

/** The commands of every block that shows `$ sampan …`. */
function examplesOf(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```.*\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks
    .filter((block) => /^\$ sampan /m.test(block))
    .flatMap((block) =>
      block
        .split(/^\$ /m)
        .slice(1)
        .map((text) => {
          const [line = "", ...output] = text.replace(/\n$/, "").split("\n");
          return { line, output };
        }),
    );
}

/** Whether output is as shown: a line `…` stands for any lines, and `…` within a line for any text. */
function isAsShown(actual: string, shown: readonly string[]): boolean {
  const pattern = shown.map((line) => {
    const parts = line.split("…").map((text) => RegExp.escape(text));
    return line.trim() === "…" ? "(?:.*\n)*" : `${parts.join(".*")}\n`;
  });
  return new RegExp(`^${pattern.join("")}$`).test(actual);
}

test("README.md shows at least five examples, in blocks that the test below finds", () => {
  const { examples = [] } = documents.find(({ name }) => name === "README.md") ?? {};
  assert.ok(examples.length >= 5, `${examples.length} examples`);
});

test("examplesOf() finds each command of a block with its output, and nothing elsewhere", () => {
  const text = "$ sampan no\n```\nnpm start\n```\n```sh\n$ sampan a\n1\n\n2\n$ b; echo $?\n```\n```\n$ sampan c\n```\n";
  assert.deepEqual(examplesOf(text), [
    { line: "sampan a", output: ["1", "", "2"] },
    { line: "b; echo $?", output: [] },
    { line: "sampan c", output: [] },
  ]);
});

test("isAsShown() compares every letter but what … stands for", () => {
  assert.ok(isAsShown("", []));
  assert.ok(isAsShown("a\nb.c\n", ["a", "b.c"]));
  assert.ok(isAsShown("a\nb\nc\n", ["…", "c"]) && isAsShown("c\n", ["  …", "c"]) && isAsShown("c\nd\n", ["c", "…"]));
  assert.ok(isAsShown("f(1,2) -> 3\n", ["f(…) -> 3"]));
  assert.ok(!isAsShown("a\nb\n", ["a"]) && !isAsShown("a\n", ["a", "b"]) && !isAsShown("bxc\n", ["b.c"]));
  assert.ok(!isAsShown("f(\n) -> 3\n", ["f(…) -> 3"]) && !isAsShown("xc\n", ["…", "c"]) && !isAsShown("a", ["a"]));
});

for (const { name, examples } of documents.filter((document) => document.examples.length > 0)) {
  test(`${name} shows what its examples print`, async () => {
    const dir = realpathSync(mkdtempSync(join(tmpdir(), "sampan-readme-")));
    try {
      for (const guest of guests) copyFileSync(await compileOwnGuest(guest), join(dir, `${guest}.wasm`));
      writeFileSync(join(dir, "shop.wasm"), await shopComponent());
      mkdirSync(join(dir, "data"));
      writeFileSync(join(dir, "data", "in.json"), '{"a": 1}\n');
      for (const { line, output } of examples) {
        const { stdout } = await runLine(`exec 2>&1\n${line}`, { dir, env: {}, stdin: "" });
        // The plain comparison shows the difference line by line.
        if (!isAsShown(stdout, output)) assert.equal(stdout, output.map((each) => `${each}\n`).join(""), line);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
}
