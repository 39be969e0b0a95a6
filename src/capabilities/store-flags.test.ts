import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { attenuate } from "./attenuate.ts";
import { check } from "./check.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants, type Grants, noGrants } from "./grants.ts";
import { readGrants } from "./schema.ts";
import { formatLog, isLogged, logLevels, parseConfigValue, parseLog, parseStore } from "./store-flags.ts";
import { typedWords } from "./typed-words.ts";

const context = { cwd: "/app" };
const typed = (line: string, base?: Grants): Grants => grantsFromFlags(typedWords(line), context, base);

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SampanError && error.code === "GRANT_INVALID")
      return `${error.message} ${error.data?.["problem"] as string}`;
    throw error;
  }
  return assert.fail("it was taken");
}

test("parseStore() reads memory, a file from the working folder on, and a file called memory", () => {
  assert.deepEqual(parseStore("default=memory", context), { name: "default" });
  assert.deepEqual(parseStore("a.b-c=data/x.db", context), { name: "a.b-c", file: "/app/data/x.db" });
  assert.deepEqual(parseStore("m=./memory", context), { name: "m", file: "/app/memory" });
  assert.deepEqual(parseStore("m=a=b.db", context), { name: "m", file: "/app/a=b.db" });
});

test("parseStore() says what is wrong with a name or a place", () => {
  assert.match(
    problemOf(() => parseStore("default", context)),
    /does not say where the store is/,
  );
  assert.match(
    problemOf(() => parseStore("default=", context)),
    /does not say where the store is/,
  );
  assert.match(
    problemOf(() => parseStore("=x.db", context)),
    /does not name anything/,
  );
  assert.match(
    problemOf(() => parseStore("a b=x.db", context)),
    /no blanks/,
  );
  assert.match(
    problemOf(() => parseStore("a=x\0.db", context)),
    /NUL/,
  );
});

test("parseConfigValue() keeps everything behind the first =, and wants one", () => {
  assert.deepEqual(parseConfigValue("db.url=a=b"), { key: "db.url", value: "a=b" });
  assert.deepEqual(parseConfigValue("empty="), { key: "empty", value: "" });
  assert.match(
    problemOf(() => parseConfigValue("region")),
    /lacks a value/,
  );
});

test("parseLog() reads a place and a level, and formatLog() writes what it reads", () => {
  for (const text of ["none", "stderr", "stdout", "stderr=warn", "stdout=critical"])
    assert.equal(formatLog(parseLog(text)), text);
  assert.match(
    problemOf(() => parseLog("file")),
    /no place for lines/,
  );
  assert.match(
    problemOf(() => parseLog("stderr=loud")),
    /no level/,
  );
  assert.match(
    problemOf(() => parseLog("stderr=warn=x")),
    /no level/,
  );
});

test("isLogged() takes the level that was granted and what is more serious", () => {
  const log = parseLog("stderr=warn");
  assert.deepEqual(
    logLevels.filter((level) => isLogged(log, level)),
    ["warn", "error", "critical"],
  );
  assert.equal(isLogged({ kind: "none" }, "critical"), false);
});

test("grantsFromFlags() lets the last store, value and log of a name count", () => {
  const base = readGrants("config: {a: 1, b: 2}\nkeyvalue: {s: memory, t: x.db}\nlog: stdout", context);
  const grants = typed("--config a=9 --keyvalue s=y.db --log stderr=error", base);
  assert.deepEqual(grants.config, { a: "9", b: "2" });
  assert.deepEqual(
    grants.keyvalue.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: "s", file: "/app/y.db" },
      { name: "t", file: "/app/x.db" },
    ],
  );
  assert.deepEqual(grants.log, { kind: "stderr", level: "error" });
});

test("readGrants() reads stores and values as maps and as lists, and nothing as none", () => {
  const expected = { config: { a: "1" }, keyvalue: [{ name: "s" }], log: { kind: "none" } };
  for (const text of ["config: {a: 1}\nkeyvalue: {s: memory}\nlog:", "config: [a=1]\nkeyvalue: s=memory\nlog: none"]) {
    const { config, keyvalue, log } = readGrants(text, context);
    assert.deepEqual({ config, keyvalue, log }, expected);
  }
});

test("check() refuses each without a grant, and names the flag for it", () => {
  const fixOf = (request: Parameters<typeof check>[1]): string => {
    const verdict = check(defaultGrants, request);
    return verdict.allowed ? assert.fail("it is allowed") : verdict.fix.flag;
  };
  assert.equal(fixOf({ capability: "config", name: "region" }), "--config region=VALUE");
  assert.equal(fixOf({ capability: "keyvalue", name: "default" }), "--keyvalue default=memory");
  assert.equal(fixOf({ capability: "log" }), "--log stderr");
});

test("check() suggests a name that there can be where a guest asks for a hostile one", () => {
  for (const name of ["", "a=b", "\0", "a b"]) {
    const store = check(defaultGrants, { capability: "keyvalue", name });
    assert.ok(
      !store.allowed && store.fix.flag === "--keyvalue default=memory" && /none can have that name/.test(store.reason),
    );
    const value = check(defaultGrants, { capability: "config", name });
    assert.ok(!value.allowed && value.fix.flag === "--config KEY=VALUE", name);
  }
  // What looks like a path is a name like any other: it leads nowhere.
  const path = check(defaultGrants, { capability: "keyvalue", name: "../../etc" });
  assert.ok(!path.allowed && path.fix.flag === "--keyvalue ../../etc=memory");
});

test("attenuate() hands on stores, values and logs as they are or less, and nothing else", () => {
  const grants = typed("--config a=1 --keyvalue s=x.db --keyvalue m=memory --log stderr=info");
  for (const narrower of [
    "--config a=1",
    "--keyvalue s=x.db --log stderr=info",
    "--log stderr=error",
    "--keyvalue m=memory",
  ])
    assert.ok(attenuate(grants, typed(narrower)), narrower);
  for (const wider of [
    "--config a=2",
    "--config b=1",
    "--keyvalue s=y.db",
    "--keyvalue s=memory",
    "--keyvalue m=x.db",
    "--keyvalue z=memory",
    "--log stderr",
    "--log stdout=info",
  ])
    assert.throws(() => attenuate(grants, typed(wider)), { code: "GRANT_WIDENED" }, wider);
  assert.throws(() => attenuate(noGrants, typed("--log stderr", noGrants)), { code: "GRANT_WIDENED" });
});
