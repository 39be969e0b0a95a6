import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { refusal } from "../base/index.ts";
import type { ClockGrant } from "../capabilities/index.ts";
import { type ClockId, createClocks } from "./clocks.ts";
import { Listener } from "./host-fixture.ts";

const ids: readonly ClockId[] = ["realtime", "monotonic", "process-cputime", "thread-cputime"];
const fixed: ClockGrant = { kind: "fixed", unixNanoseconds: "1234567890123456789" };

test("createClocks() of real follows the system's time and never goes back", () => {
  const clocks = createClocks({ kind: "real" }, new Listener());
  const before = BigInt(Date.now() - 1) * 1_000_000n;
  const now = clocks.now("realtime");
  assert.ok(now >= before && now <= BigInt(Date.now() + 1) * 1_000_000n);
  for (const id of ids.slice(1)) {
    let last = clocks.now(id);
    for (let i = 0; i < 2000; i++) {
      const next = clocks.now(id);
      assert.ok(next >= last, `${id} went back from ${last} to ${next}`);
      last = next;
    }
    assert.ok(clocks.resolution(id) >= 1n);
  }
});

test("createClocks() of real counts the time that this process works", () => {
  const clocks = createClocks({ kind: "real" }, new Listener());
  const [start, wall] = [clocks.now("process-cputime"), process.hrtime.bigint()];
  while (process.hrtime.bigint() - wall < 20_000_000n) continue;
  assert.ok(clocks.now("process-cputime") > start);
});

test("createClocks() of coarse gives whole milliseconds and never goes back", () => {
  const clocks = createClocks({ kind: "coarse" }, new Listener());
  for (const id of ids) {
    assert.equal(clocks.resolution(id), 1_000_000n);
    let last = 0n;
    for (let i = 0; i < 5000; i++) {
      const now = clocks.now(id);
      assert.equal(now % 1_000_000n, 0n, `${id} told ${now}`);
      if (id !== "realtime") assert.ok(now >= last);
      last = now;
    }
  }
});

test("createClocks() of fixed stands still, monotonic at 1", () => {
  const clocks = createClocks(fixed, new Listener());
  for (let i = 0; i < 3; i++)
    assert.deepEqual(
      ids.map((id) => clocks.now(id)),
      [1234567890123456789n, 1n, 1n, 1n],
    );
});

test("createClocks() of none refuses each question and says so", () => {
  const listener = new Listener();
  const clocks = createClocks({ kind: "none" }, listener);
  for (const id of ids) {
    assert.throws(() => clocks.now(id), refusal);
    assert.throws(() => clocks.resolution(id), refusal);
  }
  assert.equal(listener.refusals.length, 8);
  assert.deepEqual(listener.refusals[0], { capability: "clock" });
});

test("createClocks() tells a learning observer of each use, whatever the kind", () => {
  for (const grant of [{ kind: "real" }, { kind: "coarse" }, fixed] as const) {
    const [learning, deaf] = [new Listener({ isLearning: true }), new Listener()];
    for (const listener of [learning, deaf]) {
      const clocks = createClocks(grant, listener);
      clocks.now("monotonic");
      clocks.resolution("realtime");
    }
    assert.deepEqual(learning.uses, [{ capability: "clock" }, { capability: "clock" }], grant.kind);
    assert.deepEqual(deaf.uses, []);
  }
});

test("createClocks() does without native calls", () => {
  const url = JSON.stringify(new URL("clocks.ts", import.meta.url).href);
  const script = `
    const { createClocks } = await import(${url});
    const clocks = createClocks({ kind: "real" }, { isLearning: false });
    let last = clocks.now("monotonic"), wentBack = 0, far = 0;
    for (let i = 0; i < 20000; i++) {
      const now = clocks.now("monotonic");
      if (now < last) wentBack++;
      last = now;
      const distance = clocks.now("realtime") - BigInt(Date.now()) * 1000000n;
      // A busy machine stops the thread in between the two now and then.
      if (distance > 5000000n || distance < -5000000n) far++;
    }
    console.log(wentBack, far < 200, clocks.now("process-cputime") > 0n, clocks.resolution("thread-cputime"));`;
  const env = { ...process.env, SAMPAN_FFI: "0" };
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" });
  assert.equal(child.stdout, "0 true true 1000n\n", child.stderr);
});
