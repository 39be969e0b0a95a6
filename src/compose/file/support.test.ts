import assert from "node:assert/strict";
import { test } from "node:test";
import { composeSchema, resolved, type SchemaNode } from "./compose-schema.ts";
import { supportTable } from "./support.ts";
import { load, toldOf } from "./project-fixture.ts";

const keys = new Set(supportTable.map(({ key }) => key));

function propertiesOf(node: SchemaNode | undefined): string[] {
  if (node === undefined) return [];
  const { oneOf = [], properties = {}, items } = resolved(node);
  return [...Object.keys(properties), ...oneOf.flatMap(propertiesOf), ...propertiesOf(items)];
}

test("supportTable has a row for each key of the specification's schema and no others", () => {
  const { properties = {}, definitions = {} } = composeSchema();
  const own = definitions["service"]?.properties ?? {};
  const wanted = [
    ...Object.keys(properties),
    ...Object.keys(own).map((key) => `services.*.${key}`),
    ...["network", "volume", "secret"].flatMap((name) =>
      propertiesOf(definitions[name]).map((key) => `${name}s.*.${key}`),
    ),
  ];
  assert.ok(wanted.length > 100);
  assert.deepEqual(
    wanted.filter((key) => !keys.has(key)),
    [],
  );
  const known = new Set([...wanted, "services.*.pre_start", "services.*.x-sampan"]);
  const isDeeper = (key: string): boolean => key.split(".").length > 3;
  assert.deepEqual(
    [...keys].filter((key) => !known.has(key) && !isDeeper(key)),
    [],
  );
});

test("every key of a service that is refused is an error by name, and one that has no effect is told", async () => {
  const values: Readonly<Record<string, string>> = {
    devices: "[/dev/x]",
    extends: "web",
    gpus: "all",
    models: "[a]",
    provider: "{ type: x }",
    credential_spec: "{ file: x }",
    build: ".",
    ipc: "host",
    pid: "host",
    privileged: "true",
    use_api_socket: "true",
  };
  const hooks = "[{ command: x }]";
  const rows = supportTable.filter(({ key, support }) => support === "refused" && /^services\.\*\.\w+$/.test(key));
  assert.ok(rows.length > 15);
  for (const { key, hint } of rows) {
    const name = key.slice("services.*.".length);
    const value = values[name] ?? (/^(post|pre)_/.test(name) ? hooks : "['a:b']");
    const { code, told } = await toldOf(load(`services:\n  web:\n    image: app.wasm\n    ${name}: ${value}\n`));
    assert.equal(code, "COMPOSE_UNSUPPORTED", told.join("\n"));
    assert.ok(told[0]?.startsWith(`compose.yaml:4:5: Cannot run with services.web.${name}: `), told.join("\n"));
    assert.equal(told[1], `  ${hint}`);
  }
});
