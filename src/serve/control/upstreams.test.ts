import assert from "node:assert/strict";
import { test } from "node:test";
import { workloadSettings } from "../front/served-fixture.ts";
import { FakeClock } from "./fake-clock-fixture.ts";
import type { ListenerGuests } from "./listener-guest.ts";
import type { ServePlace } from "./place.ts";
import type { PlannedWorkload } from "./plan.ts";
import { Upstreams } from "./upstreams.ts";

const common = { generation: 1, limits: {}, trusted: [], accessLog: "off" } as unknown as Parameters<
  Upstreams["start"]
>[1];
const [one, other] = [{}, {}];

function listener(idle: number): PlannedWorkload {
  const served = workloadSettings({ id: "app@1", kind: "listener", idle });
  return { config: { name: "app" }, served } as unknown as PlannedWorkload;
}

/** Upstreams of guests that do nothing, and what became of them. */
function make() {
  const clock = new FakeClock();
  const seen: string[] = [];
  let fails = false;
  const guests = {
    start: (_config: unknown, folder: string) => {
      if (fails) return Promise.reject(new Error("no"));
      seen.push(`start ${folder}`);
      return Promise.resolve({ path: `${folder}/s`, close: () => Promise.resolve(void seen.push("end")) });
    },
  };
  let folders = 0;
  const place = { folder: () => `f${(folders += 1)}`, socket: () => "" } as unknown as ServePlace;
  const upstreams = new Upstreams({
    place,
    clock,
    startWorker: () => assert.fail("there is no worker"),
    limits: {},
    guests: () => Promise.resolve(guests as unknown as ListenerGuests),
    onDeath: () => {},
    onLines: () => {},
    tell: () => {},
    onRetired: () => {},
  });
  return { upstreams, clock, seen, fail: (now: boolean) => (fails = now) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("Upstreams ends what no worker wants any more, and starts it at the same place when one asks", async () => {
  const { upstreams, seen } = make();
  assert.equal((await upstreams.start([listener(1000)], common)).get("app@1"), "f1/s");
  await upstreams.wake("app@1", one);
  await upstreams.wake("app@1", other);
  upstreams.rest("app@1", one);
  await settled();
  assert.deepEqual(seen, ["start f1"]);
  // A worker that died wants nothing.
  upstreams.gone(other);
  await settled();
  await upstreams.wake("app@1", one);
  assert.deepEqual(seen, ["start f1", "end", "start f1"]);
  // One that is wanted again in the same moment goes on.
  upstreams.rest("app@1", one);
  await upstreams.wake("app@1", one);
  assert.equal(seen.length, 3);
  assert.equal((await upstreams.start([listener(1000)], common)).get("app@1"), "f1/s");
  await upstreams.keep(new Set(), 0);
  assert.deepEqual(seen, ["start f1", "end", "start f1", "end"]);
  await assert.rejects(upstreams.wake("app@1", one), { code: "RUNTIME_CLOSED" });
});

test("Upstreams ends what nobody ever asked for after its time, and nothing that is to stay", async () => {
  for (const [idle, expected] of [
    [1000, ["start f1", "end"]],
    [0, ["start f1"]],
  ] as const) {
    const { upstreams, clock, seen } = make();
    await upstreams.start([listener(idle)], common);
    clock.move(999);
    await settled();
    assert.deepEqual(seen, ["start f1"]);
    clock.move(1);
    await settled();
    assert.deepEqual(seen, expected);
    await upstreams.wake("app@1", one);
    upstreams.rest("app@1", one);
    await settled();
    assert.equal(seen.at(-1), idle === 0 ? "start f1" : "end");
  }
});

test("Upstreams tells who asks why it does not start, and tries again for the next", async () => {
  const { upstreams, clock, seen, fail } = make();
  await upstreams.start([listener(10)], common);
  clock.move(10);
  await settled();
  fail(true);
  await assert.rejects(upstreams.wake("app@1", one), /^Error: no$/);
  fail(false);
  await upstreams.wake("app@1", one);
  assert.deepEqual(seen, ["start f1", "end", "start f1"]);
});
