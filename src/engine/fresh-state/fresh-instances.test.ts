import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { nativeOrUndefined } from "../../base/native.ts";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import { HostWorkload } from "../../host/index.ts";
import type { RestoreStep } from "../../wasm/index.ts";
import { keptStdio } from "../engine-fixture.ts";
import { compileGuest } from "../guest-module.ts";
import type { HostFunctions } from "../import-plan.ts";
import { type FreshMechanism, FreshInstances, type FreshOptions } from "./fresh-instances.ts";
import type { FreshStep } from "./reset-memory.ts";
import { InitializerEnded, ReusableGuest } from "./reusable-guest.ts";
import { constant, i32, stateModule, type StateSource } from "./state-fixture.ts";
import { type StateKind, stateKinds } from "./state-kinds-fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-fresh-"));
writeFileSync(join(folder, "file"), "content");
after(() => rmSync(folder, { recursive: true }));

const native = nativeOrUndefined();
const reusing: readonly FreshMechanism[] = native === undefined ? ["copy"] : ["copy", "copy-on-write"];
/** More than are looked at before usual pages are copied back. */
const rounds = 12;
const rewriteSteps: readonly RestoreStep[] = ["pages", "tables", "globals", "dataSegments", "elementSegments"];
const freshSteps: readonly FreshStep[] = ["memory", "zeroing", "host"];

interface PoolOptions extends Omit<FreshOptions<ReusableGuest>, "make" | "layout" | "omit"> {
  readonly omit?: RestoreStep | FreshStep;
  readonly imports?: HostFunctions;
  readonly mode?: "sync" | "async";
}

function poolOf(source: StateSource, options: PoolOptions = {}): FreshInstances<ReusableGuest> & { made(): number } {
  const { omit, imports, mode = "sync", ...rest } = options;
  const rewritten = rewriteSteps.filter((step) => step === omit);
  const module = compileGuest(stateModule(source), { restore: { omit: rewritten } });
  const grants: Grants = {
    ...defaultGrants,
    random: { kind: "seed", seed: "test" },
    files: [{ host: folder, guest: "/data", access: "read-only" }],
  };
  // Room for a write of six bytes, but not after one byte has been written in each round.
  const workload = new HostWorkload(grants, { stdio: keptStdio().stdio, limits: { maxOutput: rounds + 2 } });
  let made = 0;
  const make = (): ReusableGuest => {
    made += 1;
    return new ReusableGuest(module, { createHost: () => workload.createInstance(), args: ["guest"], mode, imports });
  };
  const pool = new FreshInstances({
    ...rest,
    layout: module.layout,
    make,
    omit: freshSteps.filter((step) => step === omit),
  });
  after(() => {
    pool.close();
    workload.close();
  });
  return Object.assign(pool, { made: () => made });
}

const read = (guest: ReusableGuest): string => {
  const result = guest.call("read");
  return result.kind === "returned" ? String(result.values[0]) : result.kind;
};

/** What `read` answers in a new instance, and in one whose predecessors have called `mutate`. */
async function roundsOf(
  kind: StateKind,
  options: PoolOptions,
): Promise<{ fresh: string; again: string; made: number }> {
  const clean = poolOf(kind, { mechanism: "new" });
  const first = await clean.acquire();
  const fresh = read(first);
  clean.release(first);
  const pool = poolOf(kind, options);
  for (let round = 0; round < rounds; round++) {
    const guest = await pool.acquire();
    assert.equal(guest.call("mutate", kind.args).kind, "returned");
    pool.release(guest);
  }
  const again = read(await pool.acquire());
  return { fresh, again, made: pool.made() };
}

for (const mechanism of ["new", ...reusing] as const) {
  for (const [name, kind] of Object.entries(stateKinds)) {
    test(`FreshInstances, "${mechanism}": ${name} is changed in one round and as new in the next`, async () => {
      const { fresh, again, made } = await roundsOf(kind, { mechanism });
      assert.equal(again, fresh);
      assert.equal(made, mechanism === "new" || kind.isThrownAway === true ? rounds + 1 : 1);
    });
  }
}

for (const mechanism of reusing) {
  for (const omit of [...rewriteSteps, ...freshSteps]) {
    test(`FreshInstances, "${mechanism}" without the step "${omit}": what depends on it fails, and nothing else`, async () => {
      const failing: string[] = [];
      for (const [name, kind] of Object.entries(stateKinds)) {
        const { fresh, again } = await roundsOf(kind, { mechanism, omit });
        if (again !== fresh) failing.push(name);
      }
      const expected = Object.entries(stateKinds).filter(([, { step }]) => step === omit);
      assert.deepEqual(
        failing,
        expected.map(([name]) => name),
      );
      assert.ok(failing.length > 0);
    });
  }
}

const ending: StateSource = {
  imports: [
    { module: "wasi_snapshot_preview1", name: "proc_exit", params: [i32], results: [] },
    { module: "env", name: "wait", params: [], results: [] },
  ],
  memories: [[0, 1]],
  functions: {
    trap: { code: [0x00] },
    exit: { code: [...constant(0), 0x10, 0] },
    wait: { code: [0x10, 1] },
    rest: { code: [] },
  },
};

for (const mechanism of reusing) {
  test(`FreshInstances, "${mechanism}", never uses an instance again that trapped, exited, or is suspended in a call`, async () => {
    const pool = poolOf(ending, { mechanism, mode: "async", imports: { env: { wait: () => new Promise(() => {}) } } });
    const kept = await pool.acquire();
    await kept.callAsync("rest");
    pool.release(kept);
    assert.equal(await pool.acquire(), kept);
    pool.release(kept);
    for (const way of ["trap", "exit", "wait"]) {
      const guest = await pool.acquire();
      const call = guest.callAsync(way);
      if (way !== "wait") await call;
      pool.release(guest);
      assert.equal(pool.idleCount, 0, way);
      const next = await pool.acquire();
      assert.notEqual(next, guest);
      assert.equal((await next.callAsync("rest")).kind, "returned");
      pool.release(next);
    }
  });
}

/** `_initialize` adds `seed` of the embedder, or 1, to the word at 0 and to a global, which `read` answers both, times 100 and 1. */
function initializing(from: "embedder" | "nobody"): StateSource {
  const added = from === "embedder" ? [0x10, 0] : constant(1);
  const imports = [{ module: "env", name: "seed", params: [], results: [i32] }];
  return {
    ...(from === "embedder" ? { imports } : {}),
    memories: [[0, 1]],
    globals: [[i32, 1, ...constant(0), 0x0b]],
    functions: {
      _initialize: {
        code: [...constant(0), ...constant(0), 40, 0, 0, ...added, 106, 54, 0, 0, 35, 0, ...constant(1), 106, 36, 0],
      },
      mutate: { code: [...constant(0), ...constant(55), 0x36, 0, 0] },
      read: { results: [i32], code: [...constant(0), 0x28, 0, 0, ...constant(100), 0x6c, 0x23, 0, 0x6a] },
    },
  };
}

for (const mechanism of reusing) {
  test(`FreshInstances, "${mechanism}", puts back to after an initialisation that called nothing outside, once for each instance`, async () => {
    const pool = poolOf(initializing("nobody"), { mechanism });
    const pair = [await pool.acquire(), await pool.acquire()];
    for (let round = 0; round < 4; round++) {
      for (const guest of pair) {
        assert.equal(read(guest), "101");
        guest.call("mutate");
        pool.release(guest);
      }
      assert.ok(pair.includes(pool.acquireNow() as ReusableGuest) && pair.includes(pool.acquireNow() as ReusableGuest));
    }
    assert.equal(pool.made(), 2);
  });

  test(`FreshInstances, "${mechanism}", initialises anew each time where that calls outside`, async () => {
    let seed = 0;
    const pool = poolOf(initializing("embedder"), { mechanism, imports: { env: { seed: () => ++seed } } });
    for (let round = 1; round < 6; round++) {
      assert.equal(pool.acquireNow(), undefined);
      const guest = await pool.acquire();
      assert.equal(read(guest), String(round * 100 + 1));
      guest.call("mutate");
      pool.release(guest);
    }
    assert.equal(pool.made(), 1);
  });
}

test("FreshInstances.acquire() makes one first instance at a time, and tells what ended one that was initialised", async () => {
  let seed = 0;
  const seedOf = (): number => {
    seed += 1;
    if (seed === 1) throw new Error("not yet");
    return seed;
  };
  const pool = poolOf(initializing("embedder"), { imports: { env: { seed: seedOf } } });
  const asked = [pool.acquire(), pool.acquire(), pool.acquire()];
  await assert.rejects(asked[0] ?? Promise.resolve(), InitializerEnded);
  const others = await Promise.all(asked.slice(1));
  assert.deepEqual(others.map(read).toSorted(), ["201", "301"]);
});

test("FreshInstances chooses by what the module and the system have, and refuses by name what they have not", () => {
  const sized = (pages: number, flags: readonly number[] = [0]): StateSource => ({
    memories: [[...flags, pages, ...(flags[0] === 3 ? [pages] : [])]],
    functions: { read: { results: [i32], code: [0x3f, 0] } },
  });
  assert.equal(poolOf({ functions: { rest: { code: [] } } }).mechanism, "copy");
  assert.equal(poolOf(sized(100)).mechanism, native === undefined ? "copy" : "copy-on-write");
  assert.equal(poolOf(sized(100), { native: undefined }).mechanism, "copy");
  assert.equal(poolOf(sized(1, [3])).mechanism, "new");
  const isRefusal = (error: unknown): boolean => error instanceof SampanError && error.code === "ENGINE_FRESH_STATE";
  assert.throws(() => poolOf(sized(1, [3]), { mechanism: "copy" }), isRefusal);
  assert.throws(() => poolOf(sized(100), { mechanism: "copy-on-write", native: undefined }), isRefusal);
});

test("FreshInstances.close() ends what is ready, and what comes back later; nothing is handed out any more", async () => {
  const pool = poolOf(initializing("nobody"), { mostIdle: 1 });
  const [first, second, third] = [await pool.acquire(), await pool.acquire(), await pool.acquire()];
  pool.release(first);
  pool.release(first);
  pool.release(second);
  assert.deepEqual([pool.idleCount, first.isReusable, second.isReusable], [1, true, false]);
  pool.close();
  pool.release(third);
  assert.deepEqual([pool.idleCount, first.isReusable, third.isReusable], [0, false, false]);
  await assert.rejects(pool.acquire(), (error) => error instanceof SampanError && error.code === "ENGINE_CLOSED");
});
