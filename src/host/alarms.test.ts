import assert from "node:assert/strict";
import { test } from "node:test";
import { Alarms } from "./alarms.ts";

const ms = 1_000_000n;

test("Alarms.set() wakes in the order of the times, however late the event loop is, and none too early", async () => {
  const alarms = new Alarms();
  const start = process.hrtime.bigint();
  const woken: number[] = [];
  const count = 500;
  const done = new Promise<void>((resolve) => {
    for (let i = 0; i < count; i++) {
      const place = (i * 137) % count;
      const due = start + BigInt(place) * (ms / 20n);
      alarms.set(due, () => {
        assert.ok(process.hrtime.bigint() >= due);
        if (woken.push(place) === count) resolve();
      });
    }
  });
  // The thread is busy when half of them are due.
  while (process.hrtime.bigint() < start + 12n * ms);
  await done;
  assert.deepEqual(
    woken,
    Array.from({ length: count }, (_, index) => index),
  );
  assert.equal(alarms.size, 0);
});

test("Alarms.set() answers how to take it back: random ones are, and the others come in order", async () => {
  const alarms = new Alarms();
  const start = process.hrtime.bigint();
  let state = 12_345;
  const random = (): number => (state = (state * 48_271) % 0x7fffffff);
  const kept = new Map<number, boolean>();
  const woken: bigint[] = [];
  const stops: (() => void)[] = [];
  let left = 0;
  let finish: () => void = () => {};
  for (let i = 0; i < 400; i++) {
    const due = start + BigInt(random() % 10_000_000);
    const isKept = random() % 2 === 0;
    kept.set(i, isKept);
    const stop = alarms.set(due, () => {
      assert.ok(isKept, "it was taken back");
      woken.push(due);
      if (woken.length === left) finish();
    });
    if (isKept) left += 1;
    else stops.push(stop);
  }
  for (const stop of stops) {
    stop();
    stop();
  }
  assert.equal(alarms.size, left);
  await new Promise<void>((resolve) => (finish = resolve));
  assert.deepEqual(
    woken,
    woken.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  );
});

test("Alarms keep no timer once nobody sleeps, and one that is woken may sleep again", async () => {
  const alarms = new Alarms();
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  const stops = [1, 2, 3].map((hours) =>
    alarms.set(process.hrtime.bigint() + BigInt(hours) * 3_600_000n * ms, assert.fail),
  );
  assert.equal(timers(), before + 1);
  for (const stop of stops) stop();
  assert.equal(timers(), before);
  let rounds = 0;
  await new Promise<void>((resolve) => {
    const again = (): void => {
      rounds += 1;
      if (rounds === 5) resolve();
      else alarms.set(process.hrtime.bigint() + ms / 10n, again);
    };
    again();
  });
  assert.equal(alarms.size, 0);
});
