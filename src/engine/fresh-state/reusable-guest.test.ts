import assert from "node:assert/strict";
import { test } from "node:test";
import { defaultGrants } from "../../capabilities/index.ts";
import { HostWorkload } from "../../host/index.ts";
import { guestBytes, keptStdio } from "../engine-fixture.ts";
import { EpochThread } from "../epoch.ts";
import { Clock } from "../guest-clock.ts";
import { compileGuest } from "../guest-module.ts";
import { GuestThread } from "../guest-thread.ts";
import { FreshInstances } from "./fresh-instances.ts";
import { ReusableGuest } from "./reusable-guest.ts";
import { i32, stateModule } from "./state-fixture.ts";

/** A thread whose epoch nobody but the test raises. */
function quietThread(): GuestThread {
  return new GuestThread(new EpochThread(new Int32Array(new SharedArrayBuffer(12)), () => {}));
}

test("ReusableGuest goes on being watched after it was put back: a stop ends its next call, and it is thrown away", async () => {
  const module = compileGuest(
    stateModule({
      memories: [[0, 1]],
      functions: {
        spin: { code: [0x03, 0x40, 0x0c, 0, 0x0b] },
        size: { results: [i32], code: [0x3f, 0] },
      },
    }),
    { checks: true, restore: true },
  );
  const workload = new HostWorkload(defaultGrants);
  const thread = quietThread();
  const make = (): ReusableGuest =>
    new ReusableGuest(module, { createHost: () => workload.createInstance(), args: [], thread });
  const pool = new FreshInstances({ layout: module.layout, make });
  const guest = await pool.acquire();
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(guest.call("size"), { kind: "returned", values: [1] });
    pool.release(guest);
    assert.equal(pool.acquireNow(), guest);
  }
  guest.guest.stop({ kind: "signal", signal: 9 });
  assert.deepEqual(guest.call("spin"), { kind: "signal", signal: 9 });
  pool.release(guest);
  assert.deepEqual([pool.idleCount, thread.guestCount], [0, 0]);
  pool.close();
  workload.close();
});

test("ReusableGuest writes to the streams of the use it is in, with a C library that begins as new, and its meter goes on", async () => {
  const module = compileGuest(await guestBytes("invoke"), { restore: true });
  const { stdio, output } = keptStdio();
  const workload = new HostWorkload(defaultGrants, { stdio });
  const make = (): ReusableGuest =>
    new ReusableGuest(module, { createHost: () => workload.createInstance(), args: ["invoke"] });
  const pool = new FreshInstances({ layout: module.layout, make });
  let calls = 0;
  for (let round = 1; round < 12; round++) {
    const guest = await pool.acquire();
    assert.deepEqual(guest.call("was_started"), { kind: "returned", values: [1] });
    assert.equal(guest.call("greet").kind, "returned");
    assert.equal(output.stdout, "Hello from a reactor\n".repeat(round));
    assert.ok(guest.hostCalls > calls);
    calls = guest.hostCalls;
    pool.release(guest);
  }
  assert.equal(pool.idleCount, 1);
  pool.close();
  workload.close();
});

test("Clock.renew() gives a use all the time of the limits, and goes on counting", () => {
  let now = 0;
  const clock = new Clock({ cpu: 10, deadline: 100 }, () => now);
  const run = (ms: number): void => {
    clock.start();
    clock.resume();
    now += ms;
  };
  run(8);
  assert.equal(clock.overdue(), undefined);
  clock.pause();
  clock.renew();
  run(8);
  assert.equal(clock.overdue(), undefined);
  now += 3;
  assert.equal(clock.overdue()?.kind, "limit");
  assert.equal(clock.cpu, 19);
});
