import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { moduleOf, named, section } from "./engine-fixture.ts";
import { Engine } from "./engine.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

/** `count` adds 1 to a global and to a word of memory and answers their sum; `fail` traps. */
const counter = moduleOf(
  section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0),
  section(3, 2, 0, 1),
  section(5, 1, 0, 1),
  section(6, 1, 0x7f, 1, 0x41, 0, 0x0b),
  section(7, 2, ...named("count"), 0, 0, ...named("fail"), 0, 1),
  section(
    10,
    2,
    // count: the global, then the word, then their sum.
    30,
    0,
    0x23,
    0,
    0x41,
    1,
    0x6a,
    0x24,
    0,
    0x41,
    0,
    0x41,
    0,
    0x28,
    2,
    0,
    0x41,
    1,
    0x6a,
    0x36,
    2,
    0,
    0x23,
    0,
    0x41,
    0,
    0x28,
    2,
    0,
    0x6a,
    0x0b,
    // fail
    3,
    0,
    0,
    0x0b,
  ),
);

for (const mode of ["sync", "async"] as const) {
  for (const mechanism of ["new", "copy"] as const) {
    test(`FreshWorkload hands out the state of a new instance each time, by ${mechanism}, bound ${mode}`, async () => {
      const module = await engine.compile(counter, { restore: true });
      using workload = await engine.fresh(module, { mode, mechanism });
      assert.equal(workload.mechanism, mechanism);
      for (let round = 0; round < 5; round += 1) assert.equal(await workload.call("count"), 2);
      await workload.use(async (instance) => {
        assert.deepEqual([await instance.call("count"), await instance.call("count")], [2, 4]);
      });
      assert.equal(await workload.call("count"), 2);
    });
  }
}

test("FreshWorkload goes on after a guest trapped, with another", async () => {
  const module = await engine.compile(counter, { restore: true });
  using workload = await engine.fresh(module);
  await assert.rejects(
    workload.call("fail"),
    (error) => error instanceof SampanError && error.code === "GUEST_TRAPPED",
  );
  assert.equal(await workload.call("count"), 2);
});

test("Overlapping uses of a FreshWorkload have an instance each", async () => {
  const module = await engine.compile(counter, { restore: true });
  using workload = await engine.fresh(module, { mode: "async" });
  assert.deepEqual(await Promise.all(Array.from({ length: 20 }, () => workload.call("count"))), Array(20).fill(2));
});

test("Engine.fresh() makes new instances of what cannot be put back, and says so where another way is asked for", async () => {
  const module = await engine.compile(counter);
  using workload = await engine.fresh(module);
  assert.equal(workload.mechanism, "new");
  assert.deepEqual([await workload.call("count"), await workload.call("count")], [2, 2]);
  await assert.rejects(
    engine.fresh(module, { mechanism: "copy" }),
    (error) => error instanceof SampanError && error.code === "ENGINE_FRESH_STATE",
  );
});
