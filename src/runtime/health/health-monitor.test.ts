import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClock, settle } from "../runtime-fixture.ts";
import { type Health, HealthMonitor, type HealthTiming } from "./health-monitor.ts";

const timing: HealthTiming = { interval: 10_000, timeout: 1000, retries: 3, startPeriod: 0 };

function watch(change: Partial<HealthTiming> = {}) {
  const clock = new FakeClock();
  const seen: Health[] = [];
  const probe = { isPassed: false, hangs: false, count: 0 };
  const monitor = new HealthMonitor({
    timing: { ...timing, ...change },
    clock,
    onChange: (health) => seen.push(health),
    probe: (signal) => {
      probe.count += 1;
      const output = `probe ${probe.count}`;
      if (!probe.hangs) return Promise.resolve({ isPassed: probe.isPassed, output });
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ isPassed: false, output: "hung" }));
      });
    },
  });
  return { clock, seen, probe, monitor, status: () => monitor.health.status };
}

test("HealthMonitor sees what gets ready soon without waiting for an interval", async () => {
  const { clock, probe, status, monitor } = watch();
  await settle();
  assert.equal(status(), "starting");
  probe.isPassed = true;
  await clock.advance(10);
  assert.equal(status(), "healthy");
  const { count } = probe;
  await clock.advance(9999);
  assert.equal(probe.count, count);
  await clock.advance(1);
  assert.equal(probe.count, count + 1);
  monitor.stop();
  assert.equal(clock.timerCount, 0);
});

test("HealthMonitor counts one failure an interval: unhealthy after so many, healthy again after one that passes", async () => {
  const { clock, probe, status, monitor, seen } = watch();
  await clock.advance(29_999);
  assert.equal(status(), "starting");
  await clock.advance(1000);
  assert.equal(status(), "unhealthy");
  assert.deepEqual([...new Set(seen.map(({ failingStreak }) => failingStreak))], [0, 1, 2, 3]);
  assert.match(monitor.health.lastOutput ?? "", /^probe \d+$/);
  probe.isPassed = true;
  await clock.advance(10_000);
  assert.deepEqual([status(), monitor.health.failingStreak], ["healthy", 0]);
  probe.isPassed = false;
  await clock.advance(20_000);
  assert.equal(status(), "healthy");
  await clock.advance(10_000);
  assert.equal(status(), "unhealthy");
  monitor.stop();
});

test("HealthMonitor counts no failure in the start period", async () => {
  const { clock, status, monitor } = watch({ startPeriod: 60_000 });
  await clock.advance(60_000);
  assert.deepEqual([status(), monitor.health.failingStreak], ["starting", 0]);
  await clock.advance(30_000);
  assert.equal(status(), "unhealthy");
  monitor.stop();
});

test("HealthMonitor gives up a probe that hangs, and stop() the one under way", async () => {
  const { clock, probe, seen, monitor } = watch();
  probe.hangs = true;
  await clock.advance(1010);
  assert.deepEqual(
    seen.map(({ lastOutput }) => lastOutput),
    ["probe 1", "hung"],
  );
  const before = seen.length;
  monitor.stop();
  await clock.advance(60_000);
  assert.equal(seen.length, before);
});
