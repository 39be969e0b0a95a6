import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { capability, capabilityNames } from "./catalog.ts";
import { anyGrants } from "./grants-arbitrary.ts";
import { defaultGrants, type Grants } from "./grants.ts";
import { grantsFromValue, grantsSchema, readGrants } from "./schema.ts";
import { writeGrants } from "./write-grants.ts";
import { parse } from "yaml";

const source = {
  file: "grants.yaml",
  cwd: "/app",
  lookup: (name: string) => (name === "HOME" ? "/root" : undefined),
};
const read = (text: string): Grants => readGrants(text, source);

function failsWith(text: string, code: string, message: string, hint?: string): void {
  assert.throws(
    () => read(text),
    (error) => {
      assert.ok(error instanceof SampanError, String(error));
      assert.deepEqual([error.code, error.message, error.hint], [code, message, hint]);
      return true;
    },
  );
}

/** Whether a value keeps to a JSON Schema, as far as {@link grantsSchema} uses the language. */
function accepts(schema: unknown, value: unknown): boolean {
  assert.ok(typeof schema === "object" && schema !== null);
  const {
    anyOf,
    type,
    enum: words,
    properties,
    additionalProperties,
    required,
    items,
  } = schema as Record<string, unknown>;
  if (Array.isArray(anyOf)) return anyOf.some((each) => accepts(each, value));
  const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  const kinds = [kind, ...(Number.isInteger(value) ? ["integer"] : [])];
  if (type !== undefined && ![type].flat().some((each) => kinds.some((known) => known === each))) return false;
  if (Array.isArray(words) && !words.includes(value)) return false;
  if (Array.isArray(value)) return items === undefined || value.every((each) => accepts(items, each));
  if (typeof value !== "object" || value === null) return true;
  const known = new Map(Object.entries((properties ?? {}) as object));
  if (Array.isArray(required) && required.some((name) => !Object.hasOwn(value, String(name)))) return false;
  return Object.entries(value).every(([key, each]) => {
    const inner: unknown = known.get(key) ?? additionalProperties;
    return inner === undefined || (inner !== false && accepts(inner, each));
  });
}

test("writeGrants() writes YAML that readGrants() reads back as the same, wherever the file lies", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      const text = writeGrants(grants);
      assert.deepEqual(readGrants(text, { cwd: "/elsewhere" }), grants);
      assert.deepEqual(grantsFromValue(parse(text), { cwd: "/elsewhere" }), grants);
    }),
    { numRuns: 1000 },
  );
});

test("grantsSchema accepts what writeGrants() writes and has every key of the catalog", () => {
  fc.assert(fc.property(anyGrants, (grants) => assert.ok(accepts(grantsSchema, parse(writeGrants(grants))))));
  for (const name of capabilityNames) {
    const found = capability(name)
      .key.split(".")
      .reduce<unknown>((schema, key) => {
        const { properties } = schema as { properties: Record<string, unknown> };
        assert.ok(properties[key], `${name} at ${key}`);
        return properties[key];
      }, grantsSchema);
    assert.ok(found);
  }
  for (const wrong of [
    { clok: "real" },
    { net: { conect: [] } },
    { files: [{ host: "a" }] },
    { files: [{ host: "a", guest: "b", access: "x" }] },
  ]) {
    assert.ok(!accepts(grantsSchema, wrong), JSON.stringify(wrong));
    assert.throws(() => grantsFromValue(wrong, source), SampanError);
  }
});

test("readGrants() reads short and long spellings alike", () => {
  const short = read(`
clock: fixed=2026-01-01T00:00:00Z
random: seed=7
stdio: stdout,stderr
env: [A=1, PORT=8080, VERSION=1.10, HOME, UNSET]
files: ./data:/data:ro
workdir: /data
net: { connect: db:5432, listen: 8080, publish: "8080:80", dns: true }
`);
  const long = read(`
clock: { fixed: 2026-01-01 }
random:
  seed: 7
stdio: [stderr, stdout]
env: { A: "1", PORT: 8080, VERSION: 1.10, HOME: , UNSET: }
files:
  - host: data
    guest: /data
    access: read-only
workdir: /data
net:
  connect: ["db:5432"]
  listen: ["8080"]
  publish: [8080:80]
  dns: true
`);
  assert.deepEqual(short, long);
  assert.deepEqual(short.env, { A: "1", PORT: "8080", VERSION: "1.10", HOME: "/root" });
  assert.deepEqual(short.files, [{ host: "/app/data", guest: "/data", access: "read-only" }]);
  assert.deepEqual(read('{"stdio": [], "env": {"A": "x"}}'), {
    ...defaultGrants,
    stdio: [],
    env: { A: "x" },
  });
});

test("readGrants() takes what is left out from the defaults", () => {
  for (const text of ["", "# nothing\n", "{}", "files:\n", "net: {}"])
    assert.deepEqual(read(text), defaultGrants, text);
});

test("readGrants() takes nothing behind a capability's own key for none of it", () => {
  const { clock, random, stdio, net } = read("clock:\nrandom:\nstdio:\nnet:\n");
  assert.deepEqual([clock, random, stdio, net], [{ kind: "none" }, { kind: "none" }, [], defaultGrants.net]);
});

test("readGrants() joins a folder that is named twice, with the wider access", () => {
  const folder = { host: "/app/data", guest: "/data", access: "read-write" };
  for (const items of ["./data:/data:ro, ./data:/data", "./data:/data, data:/data:ro"])
    assert.deepEqual(read(`files: [${items}]`).files, [folder]);
  assert.throws(() => read("files: [a:/a, b:/a]"), /two folders have the guest name "\/a"/);
});

test("readGrants() names an unknown key, its line and what was meant", () => {
  const keys = "clock, random, stdio, env, files, workdir, config, keyvalue, log, net";
  failsWith(
    "env: []\nclok: real\n",
    "GRANT_UNKNOWN",
    `Cannot read "clok" (in "grants.yaml", line 2): nothing is called "clok" here; wanted one of ${keys}`,
    'Did you mean "clock"',
  );
  failsWith(
    "net:\n  conect: [a]\n",
    "GRANT_UNKNOWN",
    'Cannot read "net.conect" (in "grants.yaml", line 2): nothing is called "conect" here; wanted one of connect, listen, publish, dns',
    'Did you mean "connect"',
  );
  const hints = {
    volumes: "files",
    connect: "net.connect",
    "net.connect": "net.connect",
    "allow-net": "net.connect",
    __proto__: undefined,
  };
  for (const [key, hint] of [...Object.entries(hints), ["__proto__", undefined] as const]) {
    const message = `Cannot read "${key}" (in "grants.yaml", line 1): nothing is called "${key}" here; wanted one of ${keys}`;
    failsWith(`${key}: a`, "GRANT_UNKNOWN", message, hint === undefined ? undefined : `Did you mean "${hint}"`);
  }
});

test("readGrants() names the place of a wrong value and the form that is wanted", () => {
  const at = (path: string, line: number) => `Cannot read "${path}" (in "grants.yaml", line ${line}): `;
  const volume = 'wanted HOST:GUEST[:ro|rw], such as "./data:/data:ro"';
  const cases: [string, string][] = [
    ["files:\n  - a:/a\n  - /data", `${at("files[1]", 3)}"/data": it does not name both folders; ${volume}`],
    ["files: [{host: a}]", `${at("files[0]", 1)}it lacks "guest"`],
    ["files: [[a]]", `${at("files[0]", 1)}it is a list; ${volume}, or a map of host, guest, access`],
    [
      "files: [{host: a, guest: /a, access: rx}]",
      `${at("files[0].access", 1)}"rx": it is no kind of access; wanted ro or rw`,
    ],
    ["net:\n  dns: maybe", `${at("net.dns", 2)}it is "maybe"; wanted true or false`],
    ["env:\n  A: [1]", `${at("env.A", 2)}it is a list; wanted text, or nothing`],
    ["net: [a]", `${at("net", 1)}it is a list; wanted a map of connect, listen, publish, dns, or nothing`],
    ["env:\n  A B: x", `${at("env.A B", 2)}a name has no blanks, no = and no control characters`],
    ['env: {"": x}', `${at("env.", 1)}it does not name a variable`],
    ['env: {A: "\\0"}', `${at("env.A", 1)}a value cannot hold a NUL`],
  ];
  for (const [text, message] of cases) failsWith(text, "GRANT_INVALID", message);
  for (const text of [
    "clock: 1\nclock: 2",
    "a: [",
    "- a",
    "just text",
    "--- a\n--- b",
    "*x",
    "clock: *x",
    "? [a]\n: b",
    "<<: {}",
  ]) {
    assert.throws(() => read(text), SampanError, text);
  }
});

test("readGrants() ends in grants or a catalogued error for every text", () => {
  const word = fc.constantFrom(
    "clock",
    "files",
    "net",
    "env",
    "connect",
    "[",
    "]",
    "{",
    "}",
    ":",
    " ",
    "\n",
    "- ",
    "&a",
    "*a",
    "a=b",
    "'",
    "!!int",
    "|",
    "<<",
    "0",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join("")),
  );
  fc.assert(
    fc.property(text, (each) => {
      try {
        read(each);
      } catch (error) {
        assert.ok(error instanceof SampanError, String(error));
      }
    }),
    { numRuns: 5000 },
  );
});
