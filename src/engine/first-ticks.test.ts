import assert from "node:assert/strict";
import { test } from "node:test";
import { FirstTicks } from "./first-ticks.ts";

const skip = process.platform !== "linux";

function epochMemory(): { readonly memory: WebAssembly.Memory; readonly words: Int32Array } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  return { memory, words: new Int32Array(memory.buffer) };
}

/** Looks at the epoch and nothing else, until it is set or all hope is lost. */
function spinUntilSet(words: Int32Array): void {
  const start = performance.now();
  while (Atomics.load(words, 0) === 0 && performance.now() - start < 60_000);
}

test("FirstTicks sets the epoch while its thread is busy, in its time and as often as it is asked", { skip }, () => {
  const ms = 5;
  const { memory, words } = epochMemory();
  const ticks = new FirstTicks(memory, ms);
  for (let i = 0; i < 3; i++) {
    words.set([0, 1, 7]);
    const start = performance.now();
    assert.equal(ticks.ask(), true);
    assert.equal(ticks.ask(), true);
    spinUntilSet(words);
    // A timer of the system's may be late, and never early.
    assert.ok(performance.now() - start >= ms * 0.9);
    assert.deepEqual([...words.subarray(0, 3)], [1, 0, 7]);
    ticks.came();
  }
});

test("FirstTicks gives up where ticks are asked for again and again", { skip }, () => {
  const ticks = new FirstTicks(epochMemory().memory, 1);
  let given = 0;
  for (; given < 1_000 && ticks.ask(); given++) ticks.came();
  assert.ok(given > 3 && given < 100, `it gave ${given}`);
});

test("FirstTicks has none where a program chose how many of Node's threads read files", { skip }, (t) => {
  const { UV_THREADPOOL_SIZE: before } = process.env;
  t.after(() => {
    if (before === undefined) delete process.env["UV_THREADPOOL_SIZE"];
    else process.env["UV_THREADPOOL_SIZE"] = before;
  });
  process.env["UV_THREADPOOL_SIZE"] = "1";
  assert.equal(new FirstTicks(epochMemory().memory, 1).ask(), false);
});
