import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brokenKeys } from "./broken-keys-fixture.ts";
import { brokenRelations } from "./broken-relations-fixture.ts";
import { brokenSyntax } from "./broken-syntax-fixture.ts";
import { brokenUnsupported } from "./broken-unsupported-fixture.ts";
import { brokenValues } from "./broken-values-fixture.ts";
import { loadProject } from "./load-project.ts";
import { inProject, toldOf } from "./project-fixture.ts";

const topics = { brokenSyntax, brokenKeys, brokenValues, brokenRelations, brokenUnsupported };
const all = Object.values(topics).flat();

test("there are more than 40 broken projects, each tells file, line and what to type", () => {
  assert.ok(all.length > 40);
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
  for (const { name, told } of all) {
    assert.match(told[0] ?? "", /^[\w.]+:\d+:\d+: Cannot .* \[COMPOSE_(INVALID|UNSUPPORTED)\]$/, name);
    assert.match(told[1] ?? "", /^ {2}\S/, name);
  }
});

for (const [topic, projects] of Object.entries(topics)) {
  describe(`loadProject() tells of ${topic}`, () => {
    for (const { name, text, files = {}, told } of projects) {
      test(name, () =>
        inProject({ "compose.yaml": text, ...files }, async (cwd) => {
          const found = await toldOf(loadProject({ cwd, env: { HOME: "/home/me" } }));
          assert.deepEqual(
            found.told.map((line) => line.replaceAll(cwd, "{{DIR}}")),
            told,
          );
          assert.equal(found.code, told.join().includes("COMPOSE_INVALID") ? "COMPOSE_INVALID" : "COMPOSE_UNSUPPORTED");
        }),
      );
    }
  });
}
