import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { MapBudget, processMaps } from "./map-budget.ts";

test("MapBudget.take() refuses by name before the process has as many maps as it may", () => {
  for (const [what, code] of [
    ["memory", "LIMIT_MEMORIES"],
    ["stack", "LIMIT_STACKS"],
    ["thread", "LIMIT_THREADS"],
  ] as const) {
    const each = what === "thread" ? 40 : 2;
    let maps = 1_000;
    const budget = new MapBudget({ limit: () => 10_000, count: () => maps });
    let taken = 0;
    assert.throws(
      () => {
        for (;;) {
          budget.take(what);
          taken += 1;
          maps += each;
        }
      },
      (error) => error instanceof SampanError && error.code === code && error.data?.["limit"] === 10_000,
    );
    assert.ok(maps < 10_000 && taken > 3_000 / each, `${taken} of ${what} with ${maps} maps`);
  }
});

test("MapBudget.take() goes on once maps are given back, and asks the system seldom while there are many left", () => {
  let counted = 0;
  let now = 0;
  let maps = 9_000;
  const files = {
    limit: () => 10_000,
    count() {
      counted += 1;
      return maps;
    },
  };
  const budget = new MapBudget(files, () => (now += 1));
  assert.throws(() => budget.take("stack"), SampanError);
  now += 100;
  maps = 0;
  for (let taken = 0; taken < 20_000; taken += 1) {
    budget.take("stack");
    budget.give("stack");
  }
  assert.ok(counted < 5, `counted ${counted} times`);
});

test("MapBudget.take() refuses without counting for a while after there was nothing left", () => {
  let now = 0;
  let counted = 0;
  let maps = 10_000;
  const budget = new MapBudget(
    {
      limit: () => 10_000,
      count() {
        counted += 1;
        now += 5;
        return maps;
      },
    },
    () => now,
  );
  for (let asked = 0; asked < 10; asked += 1) assert.throws(() => budget.take("memory"), SampanError);
  assert.equal(counted, 1);
  maps = 0;
  now += 1_000;
  budget.take("memory");
  assert.equal(counted, 2);
});

test("MapBudget asks for nothing where the system has no such limit", () => {
  const budget = new MapBudget({ limit: () => undefined, count: () => assert.fail("asked") });
  budget.take("memory");
});

test("processMaps counts what one more memory takes", { skip: process.platform !== "linux" }, () => {
  const before = processMaps.count();
  const memories = Array.from({ length: 20 }, () => new WebAssembly.Memory({ initial: 1 }));
  const grown = processMaps.count() - before;
  assert.ok(grown >= 20 && grown <= 80, `${grown} maps for ${memories.length} memories`);
  assert.ok((processMaps.limit() ?? 0) > before);
});
