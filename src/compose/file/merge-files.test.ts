import assert from "node:assert/strict";
import { test } from "node:test";
import type { Project, Service } from "./model.ts";
import { load } from "./project-fixture.ts";

async function merged(web: string, over: string, rest = ""): Promise<{ web: Service | undefined; project: Project }> {
  const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, "    ");
  const project = await load(`services:\n  web:\n    image: app.wasm\n${indent(web)}\n${rest}`, {
    others: { "over.yaml": `services:\n  web:\n${indent(over)}\n` },
    files: ["compose.yaml", "over.yaml"],
  });
  return { web: project.services.get("web"), project };
}

test("a further file replaces commands and health checks, and joins maps whatever their form", async () => {
  const { web } = await merged(
    "command: [a, b]\nenvironment: { A: 1, B: 1 }\nlabels: [x=1]\nhealthcheck: { test: [CMD, a, b], retries: 9 }",
    "command: c\nenvironment: [B=2, C=2]\nlabels: { x: 2, y: 2 }\nhealthcheck: { test: d }",
  );
  assert.deepEqual(web?.args, ["c"]);
  assert.deepEqual(web?.env, { A: "1", B: "2", C: "2" });
  assert.deepEqual(web?.labels, { x: "2", y: "2" });
  assert.deepEqual([web?.healthcheck?.kind, web?.healthcheck?.command, web?.healthcheck?.retries], ["shell", ["d"], 9]);
});

test("a further file adds to lists, and replaces ports and volumes of one place", async () => {
  const { web } = await merged(
    'ports: ["8080:80", "9:9"]\nvolumes: ["/a", "data:/b"]\nnetworks: [x]\ndepends_on: [db]',
    'ports: ["8080:80/tcp", { target: 9, published: 9 }, "10:10"]\nvolumes: ["data:/a:ro"]\nnetworks: { y: { aliases: [z] } }\ndepends_on: { db: { condition: service_healthy } }',
    "  db:\n    image: postgres\nvolumes:\n  data:\nnetworks:\n  x:\n  y:\n",
  );
  assert.deepEqual(
    web?.ports.map(({ hostPort, guestPort }) => [hostPort, guestPort]),
    [
      [8080, 80],
      [9, 9],
      [10, 10],
    ],
  );
  assert.deepEqual(web?.mounts, [
    { kind: "volume", volume: "data", target: "/a", readOnly: true },
    { kind: "volume", volume: "data", target: "/b", readOnly: false },
  ]);
  assert.deepEqual(web?.networks, [
    { name: "x", aliases: [] },
    { name: "y", aliases: ["z"] },
  ]);
  assert.deepEqual(web?.dependsOn, [{ service: "db", condition: "service_healthy", restart: false, required: true }]);
});

test("!reset takes away and !override replaces", async () => {
  const { web } = await merged(
    'ports: ["8080:80"]\nenvironment: { A: 1, B: 2 }\nvolumes: ["/a"]',
    'ports: !override ["81:81"]\nenvironment: { A: !reset null }\nvolumes: !reset []',
  );
  assert.deepEqual(
    web?.ports.map(({ hostPort }) => hostPort),
    [81],
  );
  assert.deepEqual(web?.env, { B: "2" });
  assert.deepEqual(web?.mounts, []);
});

test("a problem of a further file has the place in that file", async () => {
  await assert.rejects(merged("command: a", "ports: [x]"), /^SampanError: over\.yaml:3:13: /);
});
