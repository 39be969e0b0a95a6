import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { HostWorkload } from "../host/index.ts";
import { planHotFunctions, rewrite } from "../wasm/index.ts";
import { CompileCache } from "./cache/index.ts";
import { guestBytes, moduleOf, named, section, silent } from "./engine-fixture.ts";
import { compileGuest } from "./guest-module.ts";
import { Guest } from "./guest.ts";
import { isOptimized } from "./hot-functions.ts";

/** A module with one memory whose only function, of no parameter, has this body; V8 refuses it. */
const withBody = (...body: readonly number[]): Uint8Array<ArrayBuffer> =>
  moduleOf(
    section(1, 1, 0x60, 0, 0),
    section(3, 1, 0),
    section(5, 1, 0, 1),
    section(7, 1, ...named("run"), 0, 0),
    section(10, 1, body.length + 2, 0, ...body, 0x0b),
  );

// What rewriting adds comes behind the last of each index: there a module may not reach it.
for (const [what, body] of Object.entries({
  "stores into a second memory, which would be the epoch": [0x41, 0, 0x41, 1, 0x36, 0x42, 1, 0],
  "calls a second function, which would be the check": [0x10, 1],
  "sets a global, which would be the instance's number": [0x41, 5, 0x24, 0],
  "gets from a table, which would be a shadow": [0x41, 0, 0x25, 0, 0x1a],
})) {
  test(`compileGuest() refuses a module that ${what}`, () => {
    const bytes = withBody(...body);
    for (const options of [{}, { checks: true }, { restore: true }, { checks: true, restore: true, memory: 1 << 20 }]) {
      assert.throws(
        () => compileGuest(bytes, options),
        (error) => error instanceof SampanError && error.code === "GUEST_NOT_RUNNABLE",
      );
    }
  });
}

test("an instance of a module that computes in main has main optimised before it runs, unless that is switched off", async () => {
  const bytes = await guestBytes("bench/cpu/sha256");
  const optimized = (hotFunctions: boolean): boolean[] => {
    const module = compileGuest(bytes, { hotFunctions, name: "sha256" });
    const workload = new HostWorkload(silent);
    const guest = new Guest(module, { host: workload.createInstance(), args: ["sha256"] });
    guest.instantiate();
    // Of a module that has none named, its entry tells what V8 does by itself.
    const names = module.layout.functions.map(({ name }) => name);
    const functions = (names.length > 0 ? names : ["_start"]).map((name) => guest.exports[name]);
    const answer = functions.map((each) => typeof each === "function" && isOptimized(each));
    guest.close();
    workload.close();
    return answer;
  };
  const withIt = optimized(true);
  assert.ok(withIt.length > 0 && withIt.every(Boolean), JSON.stringify(withIt));
  assert.deepEqual(optimized(false), [false]);
});

test("compileGuest() leaves a module as it is that needs one function optimised here, and has it optimised", async (t) => {
  const program = await guestBytes("bench/cpu/empty-loop");
  const [index = -1] = planHotFunctions(program);
  // Only what is exported can be looked at.
  const { bytes, layout } = rewrite(program, { exportFunctions: [index] });
  const folder = mkdtempSync(join(tmpdir(), "sampan-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "loop.wasm");
  writeFileSync(path, bytes);
  const file = statSync(path, { bigint: true });
  for (const round of ["found", "remembered"]) {
    const cache = new CompileCache(join(folder, "cache"), { now: () => Date.now() + 60_000 });
    const guest = compileGuest(bytes, { hotFunctions: "here", file, cache });
    assert.equal(guest.code, bytes, round);
    const imports: Record<string, Record<string, () => number>> = {};
    for (const { module, name } of WebAssembly.Module.imports(guest.module)) (imports[module] ??= {})[name] = () => 0;
    const main = new WebAssembly.Instance(guest.module, imports).exports[layout.functions[0]?.name ?? ""];
    assert.ok(typeof main === "function" && isOptimized(main), round);
  }
});

test("compileGuest() puts a module together again from what the cache kept of it", async (t) => {
  const bytes = await guestBytes("bench/cpu/sha256");
  const folder = mkdtempSync(join(tmpdir(), "sampan-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const options of [{ hotFunctions: true }, { checks: true, hotFunctions: true }, { memory: 1 << 24 }] as const) {
    const [first, second] = [1, 2].map(() => compileGuest(bytes, { ...options, cache: new CompileCache(folder) }));
    assert.notEqual(first?.code, bytes);
    assert.deepEqual(second?.code, first?.code);
    assert.deepEqual(second?.layout, first?.layout);
    assert.deepEqual(second?.offsets.toBytes(), first?.offsets.toBytes());
  }
});

test("compileGuest() keeps nothing of a module that V8 refuses: with other flags it would be taken, and had no checks", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "sampan-refused-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const cache = new CompileCache(folder);
  for (const options of [{ checks: true }, { memory: 1 << 20 }]) {
    assert.throws(() => compileGuest(withBody(0x10, 1), { ...options, cache }), SampanError);
  }
  assert.deepEqual(readdirSync(folder), ["secret"]);
  compileGuest(withBody(), { checks: true, cache });
  assert.equal(readdirSync(folder).length, 2);
});
