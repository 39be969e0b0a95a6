import assert from "node:assert/strict";
import { test } from "node:test";
import { planHotFunctions } from "./hot-functions.ts";
import {
  type Bytes,
  code,
  custom,
  end,
  exportOf,
  exports,
  functions,
  functionType,
  moduleOf,
  name,
  sized,
  types,
  u32,
  vector,
} from "./module-fixture.ts";

const nops = (count: number): Bytes => Array.from({ length: count }, () => 0x01);
const call = (index: number): Bytes => [0x10, index];
/** A loop that is entered again and repeats as many bytes of work. */
const loop = (work: number, ...body: readonly Bytes[]): Bytes => [
  0x03,
  0x40,
  ...nops(work),
  ...body.flat(),
  0x0c,
  0,
  end,
];

/** A module of functions without parameters; the first is exported, and named where a name is given. */
function moduleWith(
  bodies: readonly Bytes[],
  { exported = "_start", named }: { exported?: string; named?: string } = {},
) {
  const names = named === undefined ? [] : custom("name", [1, ...sized(vector([...u32(0), ...name(named)]))]);
  return moduleOf(
    types(functionType([], [])),
    functions(...bodies.map(() => 0)),
    exports(exportOf(exported, 0, 0)),
    code(...bodies),
    names,
  );
}

test("planHotFunctions() leaves out what a loop calls, and what that calls", () => {
  const bytes = moduleWith([[...loop(300, call(1)), ...call(3)], call(2), loop(300), loop(300)]);
  assert.deepEqual(planHotFunctions(bytes), [0, 3]);
});

test("planHotFunctions() leaves out what is far from the entry", () => {
  assert.deepEqual(planHotFunctions(moduleWith([call(1), call(2), call(3), loop(300)])), []);
  assert.deepEqual(planHotFunctions(moduleWith([call(1), call(2), loop(300)])), [2]);
});

test("planHotFunctions() counts from main where a module has names, and asks more of its callees", () => {
  const bodies = [[...nops(1000), ...loop(100), ...call(1)], [...nops(1000), ...loop(100)], loop(300)];
  for (const named of ["main", "main.main", "__main_argc_argv", "_ZN5hello4main17h0123456789abcdefE"]) {
    assert.deepEqual(planHotFunctions(moduleWith(bodies, { named })), [0], named);
  }
  assert.deepEqual(planHotFunctions(moduleWith(bodies, { named: "remain" })), [0, 1]);
});

test("planHotFunctions() takes every export of a library as its entry", () => {
  assert.deepEqual(planHotFunctions(moduleWith([loop(300)], { exported: "add" })), [0]);
});

test("planHotFunctions() takes the exports that are called for its entries where they are known", () => {
  const bytes = moduleWith([loop(300)], { exported: "add" });
  assert.deepEqual(planHotFunctions(bytes, ["add"]), [0]);
  assert.deepEqual(planHotFunctions(bytes, ["other"]), []);
  assert.deepEqual(planHotFunctions(bytes, []), []);
});

test("planHotFunctions() stays within its budget, the entry's own loops first", () => {
  const bytes = moduleWith([[...loop(5000), ...call(1), ...call(2)], loop(9000), loop(4000)]);
  assert.deepEqual(planHotFunctions(bytes), [0, 2]);
  assert.deepEqual(planHotFunctions(moduleWith([loop(20_000)])), []);
});

test("planHotFunctions() refuses what is no module", () => {
  assert.throws(() => planHotFunctions(Uint8Array.of(1, 2, 3)), { code: "WASM_MALFORMED" });
});
