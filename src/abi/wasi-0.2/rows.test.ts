import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { featureNames } from "../../capabilities/index.ts";
import { createFixture } from "./wasi02-fixture.ts";
import { createWasi02, findWasi02, wasi02Interfaces } from "./index.ts";

/** Functions of the worlds `wasi:cli/imports` and `wasi:http/imports` of 0.2.12 with their types, as our own reader has them. */
const wanted = JSON.parse(readFileSync(new URL("functions.json", import.meta.url), "utf8")) as Record<
  string,
  Record<string, string>
>;
/** The packages whose interfaces are there whole. */
const packages = ["io", "cli", "clocks", "random", "filesystem", "sockets", "http"];
const whole = Object.entries(wanted).filter(([name]) => packages.some((each) => name.startsWith(`wasi:${each}/`)));

test("wasi02Interfaces has a row for each function of the worlds, and none beside them", () => {
  assert.ok(whole.length >= 21);
  for (const [name, functions] of whole)
    assert.deepEqual(
      Object.keys(wasi02Interfaces[name]?.rows ?? {}).toSorted(),
      Object.keys(functions).toSorted(),
      name,
    );
});

test("each row takes at most its function's parameters, and has an error where its function has a result", () => {
  for (const [name, functions] of whole) {
    const { rows = {}, errorOf } = wasi02Interfaces[name] ?? {};
    for (const [function_, type] of Object.entries(functions)) {
      const parameters = function_.startsWith("[resource-drop]") ? 1 : parameterCount(type);
      const { run, mayWait } = rows[function_] ?? assert.fail(`${name}#${function_}`);
      assert.ok(run.length <= 1 + parameters, `${name}#${function_} takes ${run.length - 1} of ${parameters} values`);
      if (type.includes("-> result<")) assert.ok(errorOf !== undefined, name);
      if (/blocking-|\.block$/.test(function_)) assert.equal(mayWait, true, `${name}#${function_} waits`);
    }
  }
});

/** Parameters of a printed function type: colons at the first level of its parentheses. */
function parameterCount(type: string): number {
  let depth = 0;
  let count = 0;
  for (const character of type.slice(0, type.lastIndexOf(")") + 1)) {
    if ("(<{".includes(character)) depth += 1;
    if (")>}".includes(character)) depth -= 1;
    if (character === ":" && depth === 1) count += 1;
  }
  return count;
}

test("findWasi02() takes every version of 0.2, and none of another track or a pre-release", () => {
  for (const version of ["0.2.0", "0.2.12", "0.2.99"])
    assert.ok(findWasi02(`wasi:cli/exit@${version}`, "exit-with-code") !== undefined, version);
  for (const name of ["wasi:cli/exit@0.3.0", "wasi:cli/exit", "wasi:cli/exit@0.2.0-rc-2023-12-05", "my:cli/exit@0.2.0"])
    assert.equal(findWasi02(name, "exit"), undefined, name);
  assert.equal(findWasi02("wasi:cli/exit@0.2.0", "constructor"), undefined);
});

test("createWasi02() refuses a function that is marked unstable with COMPONENT_FEATURE_OFF until its feature is named", () => {
  const { context } = createFixture();
  assert.throws(() => createWasi02({ context })("wasi:clocks/timezone@0.2.6", "utc-offset"), {
    code: "COMPONENT_FEATURE_OFF",
    hint: "allow it with --feature clocks-timezone",
  });
  const { call } = createFixture({ features: ["clocks-timezone"] });
  assert.equal(call("clocks/timezone#utc-offset", { seconds: 0n, nanoseconds: 0 }), 0);
  assert.equal((call("clocks/timezone#display", { seconds: 0n, nanoseconds: 0 }) as { name: string }).name, "UTC");
});

test("a trace has a line for each call with its values, its answer or its error", () => {
  const lines: string[] = [];
  const fixture = createFixture({ trace: (line) => lines.push(line) });
  const { call, root } = fixture;
  assert.throws(() => call("filesystem/types#[method]descriptor.stat-at", root, {}, "none"));
  assert.equal(lines[0], 'wasi:filesystem/preopens#get-directories() = [[<OpenFile>, "/data"]]');
  assert.equal(lines[1], 'wasi:filesystem/types#[method]descriptor.stat-at(<OpenFile>, {}, "none") = "no-entry"');
});

test("each feature of a row is one that can be named", () => {
  const named = Object.values(wasi02Interfaces).flatMap(({ rows }) =>
    Object.values(rows).map(({ feature }) => feature),
  );
  const features = new Set(named.filter((each) => each !== undefined));
  assert.ok(features.size > 0);
  for (const feature of features) assert.ok(featureNames.includes(feature), feature);
});
