import assert from "node:assert/strict";
import { test } from "node:test";
import { controlWord, EpochThread, epochWord } from "./epoch.ts";
import { createHooks } from "./hooks.ts";

const skip = process.platform !== "linux";

interface Thread {
  readonly epoch: EpochThread;
  readonly words: Int32Array;
  readonly control: Int32Array<SharedArrayBuffer>;
  /** How often the watcher's thread was asked to start. */
  readonly starts: () => number;
}

function threadThatStarts(startsLate: boolean): Thread {
  const control = new Int32Array(new SharedArrayBuffer(12));
  let starts = 0;
  const epoch = new EpochThread(control, () => (starts += 1), { startsLate });
  return { epoch, words: new Int32Array(epoch.memory.buffer), control, starts: () => starts };
}

test("EpochThread.enter() lets the first checks of a guest pass, and has ticks come behind them", { skip }, () => {
  const { epoch, words, starts } = threadThatStarts(true);
  for (let entries = 0; entries < 3; entries++) {
    epoch.enter();
    assert.equal(words[epochWord.epoch], 1);
    assert.ok((words[epochWord.passing] ?? 0) > 0);
  }
  assert.equal(epoch.clear(), false);
  assert.deepEqual([words[epochWord.epoch], epoch.isEarly, starts()], [0, false, 0]);
  // What comes now is a tick: a thread of Node's sets the epoch.
  const start = performance.now();
  while (Atomics.load(words, epochWord.epoch) === 0 && performance.now() - start < 60_000);
  assert.equal(words[epochWord.epoch], 1);
  assert.equal(epoch.clear(), true);
});

test("EpochThread.enter() lets no checks pass any more once guests began often", () => {
  const { epoch } = threadThatStarts(true);
  let entries = 0;
  for (; entries < 100_000 && epoch.isEarly; entries++) epoch.enter();
  assert.ok(entries > 10 && entries < 100_000, `it let in ${entries}`);
});

test("EpochThread.raise() and endEarly() leave no check to pass", () => {
  const { epoch, words } = threadThatStarts(true);
  epoch.enter();
  epoch.raise();
  assert.deepEqual([words[epochWord.epoch], words[epochWord.passing]], [1, 0]);
  const limited = threadThatStarts(true);
  limited.epoch.endEarly();
  limited.epoch.enter();
  assert.deepEqual([limited.words[epochWord.epoch], limited.words[epochWord.passing]], [0, 0]);
});

test("EpochThread.clear() wakes a watcher that has ticked before and sleeps", () => {
  const { epoch, control, starts } = threadThatStarts(true);
  Atomics.store(control, controlWord.ticks, 50);
  epoch.enter();
  assert.equal(epoch.clear(), true);
  assert.equal(starts(), 1);
  assert.equal(control[controlWord.armed], 1);
});

test("createHooks() lets the checks pass that are to pass, and looks for those that wait until time went by", () => {
  const { epoch, words } = threadThatStarts(true);
  const calls: string[] = [];
  let isTime = false;
  const hooks = createHooks(epoch, {
    look(id) {
      calls.push(`look ${id}`);
      return isTime;
    },
    lookAndYield: (id) => void calls.push(`yield ${id}`),
  });
  const call = (name: keyof typeof hooks): void => (hooks[name] as (id: number) => void)(7);
  words[epochWord.passing] = 3;
  for (const name of ["sync", "async", "stay"] as const) call(name);
  assert.deepEqual([calls, words[epochWord.passing]], [[], 0]);
  for (const name of ["sync", "async", "stay"] as const) call(name);
  assert.deepEqual(calls.splice(0), ["look 7", "look 7", "look 7"]);
  isTime = true;
  call("stay");
  assert.deepEqual(calls.splice(0), ["look 7"]);
  const yields = WebAssembly.promising(hooks.stay as (id: number) => void);
  return yields(7).then(() => {
    assert.deepEqual(calls.splice(0), ["yield 7"]);
    words[epochWord.stay] = 1;
    call("stay");
    assert.deepEqual(calls, ["look 7"]);
  });
});
