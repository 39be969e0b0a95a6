import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Script } from "node:vm";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { planHotFunctions, readModule, rewrite } from "../wasm/index.ts";
import { compileWithEager, isOptimized, tierUp } from "./hot-functions.ts";

test("planHotFunctions() names main of a program that computes there, and nothing of its library's output", async () => {
  const bytes = readFileSync(await compileOwnGuest("bench/cpu/sha256"));
  const module = readModule(bytes);
  const names = planHotFunctions(bytes).map((index) => module.functionName(index));
  assert.equal(names[0], "main");
  assert.ok(!names.includes("printf_core"), names.join());
});

test("planHotFunctions() names nothing of a program that only prints", async () => {
  assert.deepEqual(planHotFunctions(readFileSync(await compileOwnGuest("hello"))), []);
});

/** An instance of a program that computes in main, all its planned functions exported. */
function instanceOf(bytes: Uint8Array<ArrayBuffer>, compile = (make: () => WebAssembly.Module) => make()) {
  const rewritten = rewrite(bytes, { exportFunctions: planHotFunctions(bytes) });
  const module = compile(() => new WebAssembly.Module(rewritten.bytes));
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of readModule(bytes).imports) (imports[from] ??= {})[name] = () => 0;
  const instance = new WebAssembly.Instance(module, imports);
  const names = rewritten.layout.functions.map((each) => each.name);
  const exported = (key: string): CallableFunction => {
    const value = instance.exports[key];
    assert.ok(typeof value === "function", `wanted a function "${key}"`);
    return value;
  };
  return { instance, names, main: exported(names[0] ?? ""), start: exported("_start") };
}

test("compileWithEager() gives the one function optimised code before it runs, and modules compiled later none", async () => {
  const bytes = readFileSync(await compileOwnGuest("bench/cpu/empty-loop"));
  const [index = -1] = planHotFunctions(bytes);
  const { main, start } = instanceOf(bytes, (make) => compileWithEager(index, make));
  assert.deepEqual([isOptimized(main), isOptimized(start)], [true, false]);
  // Other bytes: V8 keeps the code of those that it knows.
  const other = Uint8Array.of(...bytes, 0, 2, 1, 0x61);
  assert.equal(isOptimized(instanceOf(other).main), false);
});

test("tierUp() gives main optimised code before it runs, and nothing else", async () => {
  const { instance, names, main, start } = instanceOf(readFileSync(await compileOwnGuest("bench/cpu/sha256")));
  assert.equal(isOptimized(main), false);
  tierUp(instance.exports, names);
  assert.equal(isOptimized(main), true);
  assert.equal(isOptimized(start), false);
  tierUp(instance.exports, names);
  assert.equal(isOptimized(main), true);
});

test("tierUp() passes over names that are no function's", async () => {
  const { instance } = instanceOf(readFileSync(await compileOwnGuest("bench/cpu/empty-loop")));
  tierUp(instance.exports, ["memory", "nothing"]);
});

test("tierUp() leaves no syntax of V8's own behind, in what is parsed at once or later", async () => {
  const { instance, names } = instanceOf(readFileSync(await compileOwnGuest("bench/cpu/empty-loop")));
  tierUp(instance.exports, names);
  const line = "%IsTurboFanFunction(f)";
  assert.throws(() => new Script(line), SyntaxError);
  assert.throws(() => new Script(`(function () { function inner(f) { return ${line} } })`), SyntaxError);
});
