import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { AccessRequest, Grants } from "../../../capabilities/index.ts";
import { MemorySink } from "../../../host/index.ts";
import type { HostLimits } from "../../../host/index.ts";
import { Answered, createFixture } from "../wasi02-fixture.ts";
import { findWasi02 } from "../index.ts";
import { draftCalls } from "./drafts-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-drafts-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Made {
  readonly call: (name: string, ...values: readonly unknown[]) => unknown;
  readonly refused: AccessRequest[];
}

function make(
  grants: Partial<Grants>,
  options: { limits?: HostLimits; stderr?: MemorySink; learned?: AccessRequest[] } = {},
): Made {
  const refused: AccessRequest[] = [];
  const observer = {
    isLearning: options.learned !== undefined,
    used: (request: AccessRequest) => void options.learned?.push(request),
    refused: (request: AccessRequest) => void refused.push(request),
  };
  const stdio = options.stderr === undefined ? {} : { stdio: { stderr: options.stderr } };
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const fixture = createFixture({ grants, host: { observer, ...stdio, ...limits } });
  return { call: draftCalls(fixture), refused };
}

function payloadOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    if (error instanceof Answered) return error.payload;
    throw error;
  }
  return assert.fail("it went well");
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (value: unknown): string => new TextDecoder().decode(value as Uint8Array);
const draft = "wasi:keyvalue/store@0.2.0-draft";
const draft2 = "wasi:keyvalue/store@0.2.0-draft2";

for (const name of [
  "wasi:config/store@0.2.0-draft",
  "wasi:config/store@0.2.0-draft-2024-09-27",
  "wasi:config/store@0.2.0-rc.1",
  "wasi:config/runtime@0.2.0-draft",
]) {
  test(`${name} answers what was granted and nothing else, and the observer hears of the rest`, () => {
    const { call, refused } = make({ config: { region: "eu", empty: "" } });
    assert.equal(call(`${name}#get`, "region"), "eu");
    assert.equal(call(`${name}#get`, "empty"), "");
    assert.deepEqual(call(`${name}#get-all`), [
      ["region", "eu"],
      ["empty", ""],
    ]);
    for (const key of ["secret", "__proto__", "constructor", "toString"])
      assert.equal(call(`${name}#get`, key), undefined);
    assert.deepEqual(refused[0], { capability: "config", name: "secret" });
    assert.equal(refused.length, 4);
  });
}

test("drafts are found by their exact versions alone", () => {
  assert.ok(findWasi02(`${draft}`, "open") !== undefined);
  for (const name of [
    "wasi:config/store@0.2.0",
    "wasi:config/store",
    "wasi:keyvalue/store@0.2.0",
    "wasi:keyvalue/store@0.2.0-draft3",
    "wasi:logging/logging@0.1.0",
    "spin:postgres/postgres@4.3.0",
    "spin:postgres/postgres",
  ])
    assert.equal(
      findWasi02(name, "open") ??
        findWasi02(name, "get") ??
        findWasi02(name, "log") ??
        findWasi02(name, "[static]connection.open"),
      undefined,
      name,
    );
  assert.equal(findWasi02("wasi:keyvalue/atomics@0.2.0-draft", "swap"), undefined);
});

test("open answers no-such-store without a grant, whatever the name looks like", () => {
  const { call, refused } = make({ keyvalue: [{ name: "default" }] });
  const names = [
    "other",
    "",
    "..",
    "../default",
    "default/../../etc/passwd",
    "file:/etc/passwd",
    ":memory:",
    "default\0",
    "__proto__",
    "x".repeat(100_000),
  ];
  for (const name of names)
    assert.deepEqual(
      payloadOf(() => call(`${draft}#open`, name)),
      { tag: "no-such-store" },
    );
  assert.deepEqual(
    refused.map((each) => (each.capability === "keyvalue" ? each.name : "")),
    names,
  );
  assert.ok(call(`${draft}#open`, "default"));
});

for (const place of ["memory", "file"] as const) {
  const keyvalue = [place === "memory" ? { name: "default" } : { name: "default", file: join(folder, "rows.db") }];
  test(`a bucket in ${place} keeps, finds, lists and forgets`, () => {
    const { call } = make({ keyvalue });
    const bucket = call(`${draft2}#open`, "default");
    const method = (name: string, ...values: unknown[]): unknown =>
      call(`${draft2}#[method]bucket.${name}`, bucket, ...values);
    assert.equal(method("get", "a"), undefined);
    assert.equal(method("exists", "a"), false);
    method("set", "a", bytes("1"));
    method("set", "a", bytes("2"));
    method("set", "", Uint8Array.of());
    assert.equal(textOf(method("get", "a")), "2");
    assert.deepEqual(method("get", ""), Uint8Array.of());
    assert.equal(method("exists", ""), true);
    assert.deepEqual(method("list-keys", undefined), { keys: ["a", ""], cursor: undefined });
    method("delete", "a");
    method("delete", "a");
    assert.equal(method("exists", "a"), false);
  });

  test(`keys in ${place} are only keys: SQL, NUL, wildcards and other alphabets stay apart`, () => {
    const { call } = make({ keyvalue });
    const bucket = call(`${draft}#open`, "default");
    const method = (name: string, ...values: unknown[]): unknown =>
      call(`${draft}#[method]bucket.${name}`, bucket, ...values);
    const keys = [
      "'; drop table entries; --",
      "a\0b",
      "a\0c",
      "a",
      "%",
      "_",
      "é",
      "e\u0301",
      "\u{1f600}",
      "🚢".repeat(100),
      "\\",
      '"',
    ];
    for (const key of keys) method("set", key, bytes(key));
    for (const key of keys) assert.equal(textOf(method("get", key)), key);
    const { keys: listed } = method("list-keys", undefined) as { keys: string[] };
    assert.deepEqual(new Set(listed.filter((key) => key !== "")), new Set(keys));
    for (const key of keys) method("delete", key);
  });
}

test("list-keys answers a thousand at a time, by number in the first draft and by text in the second", () => {
  const { call } = make({ keyvalue: [{ name: "many" }] });
  const bucket = call(`${draft}#open`, "many");
  const names = Array.from({ length: 2500 }, (_, index) => `key${index}`);
  call(
    "wasi:keyvalue/batch@0.2.0-draft#set-many",
    bucket,
    names.map((name) => [name, bytes("x")]),
  );
  for (const version of [draft, draft2]) {
    const seen: string[] = [];
    let pages = 0;
    let cursor: unknown;
    do {
      const answer = call(`${version}#[method]bucket.list-keys`, bucket, cursor) as { keys: string[]; cursor: unknown };
      seen.push(...answer.keys);
      cursor = answer.cursor;
      assert.equal(typeof cursor, cursor === undefined ? "undefined" : version === draft ? "bigint" : "string");
      pages += 1;
    } while (cursor !== undefined);
    assert.deepEqual([seen, pages], [names, 3]);
  }
  for (const hostile of ["-1", "x", "", "1e9", "99999999999999999999", "1; drop table entries"])
    assert.equal(
      (payloadOf(() => call(`${draft2}#[method]bucket.list-keys`, bucket, hostile)) as { tag: string }).tag,
      "other",
    );
  for (const far of [(1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n])
    assert.deepEqual(call(`${draft}#[method]bucket.list-keys`, bucket, far), { keys: [], cursor: undefined });
});

test("increment counts in decimal digits, within what each draft's type can say", () => {
  const { call } = make({ keyvalue: [{ name: "n" }] });
  const bucket = call(`${draft}#open`, "n");
  const unsigned = (key: string, delta: bigint): unknown =>
    call("wasi:keyvalue/atomics@0.2.0-draft#increment", bucket, key, delta);
  const signed = (key: string, delta: bigint): unknown =>
    call("wasi:keyvalue/atomics@0.2.0-draft2#increment", bucket, key, delta);
  assert.equal(unsigned("u", 5n), 5n);
  assert.equal(unsigned("u", (1n << 64n) - 6n), (1n << 64n) - 1n);
  const codeOf = (run: () => unknown): string => String((payloadOf(run) as { val: string }).val);
  assert.match(
    codeOf(() => unsigned("u", 1n)),
    /^KEYVALUE_NUMBER: /,
  );
  assert.match(
    codeOf(() => signed("u", 0n)),
    /^KEYVALUE_NUMBER: /,
  );
  assert.equal(signed("s", -7n), -7n);
  assert.equal(textOf(call(`${draft}#[method]bucket.get`, bucket, "s")), "-7");
  assert.match(
    codeOf(() => unsigned("s", 1n)),
    /^KEYVALUE_NUMBER: /,
  );
  call(`${draft}#[method]bucket.set`, bucket, "t", bytes("12a"));
  assert.match(
    codeOf(() => signed("t", 1n)),
    /no number/,
  );
});

test("swap changes what nobody else changed, and else answers what there is", () => {
  const { call } = make({ keyvalue: [{ name: "n" }] });
  const atomics = "wasi:keyvalue/atomics@0.2.0-draft2";
  const bucket = call(`${draft2}#open`, "n");
  const take = (): unknown => call(`${atomics}#[static]cas.new`, bucket, "k");
  const first = take();
  assert.equal(call(`${atomics}#[method]cas.current`, first), undefined);
  call(`${atomics}#swap`, first, bytes("1"));
  const [one, two] = [take(), take()];
  call(`${atomics}#swap`, one, bytes("2"));
  const failure = payloadOf(() => call(`${atomics}#swap`, two, bytes("3"))) as { tag: string; val: unknown };
  assert.equal(failure.tag, "cas-failed");
  assert.equal(textOf(call(`${atomics}#[method]cas.current`, failure.val)), "2");
  call(`${atomics}#swap`, failure.val, bytes("3"));
  // Taken away and put back as it was is changed all the same.
  const before = take();
  call(`${draft2}#[method]bucket.delete`, bucket, "k");
  call(`${draft2}#[method]bucket.set`, bucket, "k", bytes("3"));
  assert.equal((payloadOf(() => call(`${atomics}#swap`, before, bytes("4"))) as { tag: string }).tag, "cas-failed");
  const large = payloadOf(() => call(`${atomics}#swap`, take(), new Uint8Array(17 * 1024 * 1024))) as { tag: string };
  assert.equal(large.tag, "store-error");
});

test("get-many answers in the form that the component's type has", () => {
  const { call } = make({ keyvalue: [{ name: "n" }] });
  const bucket = call(`${draft2}#open`, "n");
  const batch = "wasi:keyvalue/batch@0.2.0-draft2";
  call(`${batch}#set-many`, bucket, [["a", bytes("1")]]);
  assert.deepEqual(call(`${batch}#get-many`, bucket, ["b", "a"]), [undefined, ["a", bytes("1")]]);
  const run = findWasi02(batch, "get-many")?.runFor?.({
    kind: "function",
    params: [],
    isAsync: false,
    result: {
      kind: "result",
      ok: { kind: "list", length: undefined, element: { kind: "tuple", types: [] } },
      error: undefined,
    },
  });
  assert.deepEqual((run as ((...values: unknown[]) => unknown) | undefined)?.(undefined, bucket, ["b", "a"]), [
    ["b", undefined],
    ["a", bytes("1")],
  ]);
  call(`${batch}#delete-many`, bucket, ["a", "zz"]);
  assert.deepEqual(call(`${batch}#get-many`, bucket, ["a"]), [undefined]);
});

test("a store stays within its limits, each by a named error, and takes more once something is gone", () => {
  const limits = { maxStore: 10_000, maxStoreKeys: 5, maxStoreValue: 4_000 };
  const { call } = make({ keyvalue: [{ name: "n" }] }, { limits });
  const bucket = call(`${draft}#open`, "n");
  const set = (key: string, size: number): unknown =>
    call(`${draft}#[method]bucket.set`, bucket, key, new Uint8Array(size));
  const refuses = (run: () => unknown, pattern: RegExp): void => {
    const { tag, val } = payloadOf(run) as { tag: string; val: string };
    assert.equal(tag, "other");
    assert.match(val, pattern);
  };
  refuses(() => set("k".repeat(4097), 1), /^KEYVALUE_LIMIT: .*a key/);
  refuses(() => set("é".repeat(2049), 1), /^KEYVALUE_LIMIT: .*a key/);
  refuses(() => set("k", 4_001), /^KEYVALUE_LIMIT: .*a value/);
  set("a", 4_000);
  set("b", 4_000);
  refuses(() => set("c", 4_000), /^KEYVALUE_LIMIT: .*a store/);
  set("b", 0);
  for (const key of ["c", "d", "e"]) set(key, 0);
  refuses(() => set("f", 0), /^KEYVALUE_LIMIT: .*another key/);
  // What is refused in the middle leaves nothing of the whole.
  const many = [
    ["a", new Uint8Array(1)],
    ["f", new Uint8Array(1)],
  ];
  refuses(() => call("wasi:keyvalue/batch@0.2.0-draft#set-many", bucket, many), /^KEYVALUE_LIMIT: /);
  assert.equal((call(`${draft}#[method]bucket.get`, bucket, "a") as Uint8Array).length, 4_000);
  call(`${draft}#[method]bucket.delete`, bucket, "e");
  set("f", 0);
});

for (const name of ["wasi:logging/logging", "wasi:logging/logging@0.1.0-draft"]) {
  test(`${name} writes lines from the granted level on, as one line each`, () => {
    const stderr = new MemorySink();
    const { call } = make({ log: { kind: "stderr", level: "warn" }, stdio: [] }, { stderr });
    call(`${name}#log`, "info", "", "not this");
    call(`${name}#log`, "warn", "db", "slow");
    call(`${name}#log`, "critical", "", "two\nlines \x1b[31m");
    assert.equal(stderr.text, "WARN db: slow\nCRITICAL two\\nlines \\u001b[31m\n");
  });
}

test("a log without a grant goes nowhere, and the observer hears of it", () => {
  const stderr = new MemorySink();
  const { call, refused } = make({}, { stderr });
  call("wasi:logging/logging#log", "error", "a", "b");
  assert.deepEqual([stderr.text, refused], ["", [{ capability: "log" }]]);
});

test("a log counts as output, and a line of any length ends", () => {
  const stderr = new MemorySink();
  const { call } = make({ log: { kind: "stderr", level: "trace" } }, { stderr, limits: { maxOutput: 70_000 } });
  call("wasi:logging/logging#log", "info", "", "x".repeat(1_000_000));
  assert.equal(stderr.text.length, "INFO ".length + 65_536 + 2);
  assert.throws(() => call("wasi:logging/logging#log", "info", "", "x".repeat(10_000)), { name: "GuestEnd" });
});

test("a learning observer hears of each value, store and log that is used", () => {
  const learned: AccessRequest[] = [];
  const { call } = make(
    { config: { a: "1", b: "2" }, keyvalue: [{ name: "s" }], log: { kind: "stderr", level: "trace" } },
    { learned, stderr: new MemorySink() },
  );
  call("wasi:config/store@0.2.0-rc.1#get", "a");
  call(`${draft}#open`, "s");
  call("wasi:logging/logging#log", "info", "", "x");
  assert.deepEqual(learned, [
    { capability: "config", name: "a" },
    { capability: "keyvalue", name: "s" },
    { capability: "log" },
  ]);
});
