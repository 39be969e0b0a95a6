import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../../base/index.ts";
import { brokenKeys } from "./broken-keys-fixture.ts";
import { brokenValues } from "./broken-values-fixture.ts";
import { goodProjects, goodText } from "./good-projects-fixture.ts";
import type { Problem } from "./model.ts";
import { inProject } from "./project-fixture.ts";
import { readProject } from "./read-project.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const texts = [
  ...goodProjects.map(goodText),
  ...brokenKeys.map(({ text }) => text),
  ...brokenValues.map(({ text }) => text),
];

/** Texts in which letters were lost, added, changed or moved, as YAML's own signs above all. */
const damaged = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat(6),
        fc.oneof(
          fc.constantFrom(...Array.from("\n\t :-[]{}\"'&*!|>#%@`$,?~0\\")),
          fc.constantFrom("<<: ", "- ", "null", "${", "\u2028", "\ud800", "__proto__: ", "*env", "&env "),
        ),
      ),
      { maxLength: 6 },
    ),
  )
  .map(([text, changes]) =>
    changes.reduce((changed, [place, lost, added]) => {
      const at = changed.length === 0 ? 0 : place % changed.length;
      return changed.slice(0, at) + added + changed.slice(at + lost);
    }, text),
  );

test("readProject() reads damaged files or tells what is wrong at places that the file has", () =>
  inProject({}, async (cwd) => {
    let read = 0;
    let refused = 0;
    fc.assert(
      fc.property(damaged, (text) => {
        writeFileSync(join(cwd, "compose.yaml"), text);
        const lines = text.split("\n").length;
        try {
          readProject({ cwd, env: { HOME: "/home/me" } });
          read += 1;
        } catch (error) {
          assert.ok(error instanceof SampanError && /^COMPOSE_(INVALID|UNSUPPORTED)$/.test(error.code), String(error));
          const problems = error.data?.["problems"] as readonly Problem[];
          assert.ok(problems.length > 0);
          for (const { line, column, message, hint } of problems) {
            assert.ok(line >= 1 && line <= lines && column >= 1, `${line}:${column}`);
            assert.ok(message.startsWith("Cannot ") && (hint ?? "") !== "", message);
          }
          refused += 1;
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(read > 0 && refused > 100, `${read} read, ${refused} refused`);
  }));

test("readProject() ends on what is meant to keep it from ending", () =>
  inProject({}, async (cwd) => {
    const base = "services:\n  web:\n    image: app.wasm\n";
    const texts: readonly (readonly [text: string, most: number])[] = [
      [`${base}    command: ${"${A:-".repeat(20_000)}\n`, 1],
      [`${base}    environment:\n      "\\ud800": 1\n    "\\udc00": 1\nx-a:\n  "\\ud800": 2\n`, 3],
      [`${base}    command: ${"'a' ".repeat(20_000)}\n`, 10],
      [`${base}x-a: ${"[".repeat(20_000)}\n`, 10],
      [`${base}x-a: ${"[".repeat(300)}${"]".repeat(300)}\n`, 1],
    ];
    for (const [text, most] of texts) {
      writeFileSync(join(cwd, "compose.yaml"), text);
      assert.throws(
        () => readProject({ cwd, env: {} }),
        (error: unknown) => {
          assert.ok(error instanceof SampanError && error.code === "COMPOSE_INVALID", String(error));
          const problems = error.data?.["problems"] as readonly Problem[];
          assert.ok(
            problems.length > 0 && problems.length <= most,
            `${problems.length} problems of ${text.slice(0, 80)}`,
          );
          return true;
        },
      );
    }
  }));
