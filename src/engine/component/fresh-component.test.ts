import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { composedComponent } from "../../../guests/composed.ts";
import { wasi02Component } from "../../../guests/wasi02.ts";
import { hostileComponent } from "../../../guests/hostile-component.ts";
import { SampanError } from "../../base/index.ts";
import { nativeOrUndefined } from "../../base/native.ts";
import { defaultGrants, type Grants } from "../../capabilities/index.ts";
import type { RestoreStep } from "../../wasm/index.ts";
import { keptStdio } from "../engine-fixture.ts";
import { Engine } from "../engine.ts";
import { EpochThread, EpochWatcher } from "../epoch.ts";
import type { FreshMechanism } from "../fresh-state/fresh-instances.ts";
import type { FreshStep } from "../fresh-state/reset-memory.ts";
import { GuestThread } from "../guest-thread.ts";
import { MapBudget } from "../map-budget.ts";
import { compileComponent } from "./component-module.ts";
import { Components } from "./components.ts";
import { FreshComponent, type FreshComponentOptions } from "./fresh-component.ts";
import {
  askingComponent,
  type ComponentState,
  componentStates,
  countingComponent,
  startingComponent,
} from "../../../guests/fresh-components.ts";
import { UseControl } from "./use-control.ts";

const engine = new Engine({ cache: false });
const watcher = new EpochWatcher();
const components = new Components({
  thread: new GuestThread(new EpochThread(watcher.control, () => {})),
  maps: new MapBudget(),
  checkPlace: () => {},
});
after(async () => {
  await engine.close();
  await components.close();
  await watcher.close();
});

const reusing: readonly FreshMechanism[] = nativeOrUndefined() === undefined ? ["copy"] : ["copy", "copy-on-write"];
const rewriteSteps: readonly RestoreStep[] = ["pages", "tables", "globals", "dataSegments", "elementSegments"];
const freshSteps: readonly FreshStep[] = ["memory", "zeroing", "host"];
const grants: Grants = { ...defaultGrants, random: { kind: "seed", seed: "test" } };
/** More than are looked at before usual pages are copied back. */
const rounds = 12;

interface PoolOptions extends FreshComponentOptions {
  readonly omit?: RestoreStep | FreshStep;
}

/** Instances of a component, put back without the step `omit`. */
function poolOf(bytes: Uint8Array<ArrayBuffer>, { omit, ...options }: PoolOptions): FreshComponent {
  const component = compileComponent(bytes, {
    restore: { isShared: true, omit: rewriteSteps.filter((step) => step === omit) },
  });
  const { share } = components;
  const fresh: FreshComponent = new FreshComponent({
    component,
    options,
    grants,
    share,
    onClose: () => {},
    omit: freshSteps.filter((step) => step === omit),
  });
  after(() => fresh.close());
  return fresh;
}

/** What `read` answers, or the code of its error. */
async function readOf(pool: FreshComponent): Promise<string> {
  try {
    return String(await pool.use((instance) => instance.invoke("read")));
  } catch (error) {
    assert.ok(error instanceof SampanError);
    return error.code;
  }
}

/** What `read` answers in a new instance, and in one whose predecessors have called `mutate`. */
async function roundsOf(
  kind: ComponentState,
  options: PoolOptions,
): Promise<{ fresh: string; again: string; instances: number }> {
  const bytes = kind.bytes();
  const clean = poolOf(bytes, { mechanism: "new" });
  const fresh = await readOf(clean);
  const pool = poolOf(bytes, options);
  for (let round = 0; round < rounds; round++) await pool.use((instance) => instance.invoke("mutate"));
  const instances = pool.idle;
  return { fresh, again: await readOf(pool), instances };
}

for (const mechanism of ["new", ...reusing] as const) {
  for (const [name, kind] of Object.entries(componentStates)) {
    test(`FreshComponent, "${mechanism}": ${name} is changed in one use and as new in the next`, async () => {
      const { fresh, again, instances } = await roundsOf(kind, { mechanism });
      assert.equal(again, fresh);
      assert.equal(instances, mechanism === "new" || kind.isThrownAway === true ? 0 : 1);
    });
  }
}

for (const mechanism of reusing) {
  for (const omit of [...rewriteSteps, ...freshSteps]) {
    test(`FreshComponent, "${mechanism}" without the step "${omit}": what depends on it fails, and nothing else`, async () => {
      const failing: string[] = [];
      for (const [name, kind] of Object.entries(componentStates)) {
        const { fresh, again } = await roundsOf(kind, { mechanism, omit });
        if (again !== fresh) failing.push(name);
      }
      const expected = Object.entries(componentStates).filter(([, { step }]) => step === omit);
      assert.deepEqual(
        failing,
        expected.map(([name]) => name),
      );
      assert.ok(failing.length > 0);
    });
  }

  describe(`FreshComponent, "${mechanism}"`, () => {
    test("runs a start function that calls the host again for each use, and makes no new instance", async () => {
      let ticks = 0;
      const options = { mechanism, imports: { tick: () => (ticks += 1) } };
      const pool = poolOf(startingComponent(), options);
      for (let round = 1; round <= rounds; round++) {
        const read = await pool.use(async (instance) => {
          const before = await instance.invoke("read");
          await instance.invoke("mutate");
          return before;
        });
        assert.equal(read, round);
        assert.equal(pool.count, 1);
      }
      assert.equal(pool.mechanism, mechanism);
    });

    test("runs a start function that calls nobody once", async () => {
      const pool = poolOf(countingComponent(), { mechanism });
      for (let round = 0; round < rounds; round++) {
        assert.equal(await pool.use((instance) => instance.invoke("read")), 5);
        await pool.use((instance) => instance.invoke("mutate"));
      }
      assert.equal(pool.count, 1);
    });

    test("puts back a component in which one calls another", async () => {
      const component = await engine.compileComponent(composedComponent("string"), { restore: true });
      const imports = { wait: async (text: string) => Promise.resolve(text) };
      const pool = await engine.freshComponent(component, { mechanism, imports });
      const text = "wörds".repeat(100);
      for (let round = 0; round < rounds; round++)
        assert.equal(await pool.use((instance) => instance.invoke("run", text)), text);
      assert.equal(pool.count, 1);
      assert.equal(pool.mechanism, mechanism);
      pool.close();
    });

    test("gives each use all of its output limit, and the streams that are everybody's", async () => {
      const component = await engine.compileComponent(wasi02Component(), { restore: true });
      const { stdio, output } = keptStdio();
      const pool = await engine.freshComponent(component, { mechanism, stdio, limits: { maxOutput: 4 } });
      for (let round = 0; round < rounds; round++)
        assert.equal(await pool.use((instance) => instance.invoke("say")), 0);
      assert.equal(output.stdout, "hell".repeat(rounds));
      assert.equal(pool.count, 1);
      const twice = pool.use(async (instance) => {
        await instance.invoke("say");
        await instance.invoke("say");
      });
      await assert.rejects(twice, { code: "LIMIT_OUTPUT" });
      assert.equal(pool.count, 0);
      assert.ok(pool.usage().bytesOut >= 4 * rounds);
      pool.close();
    });

    test("never uses an instance again that trapped, or that was left while it waited", async () => {
      let isAnswering = true;
      const wait = (): number | Promise<number> => (isAnswering ? 4 : new Promise<number>(() => {}));
      const component = await engine.compileComponent(askingComponent(), { restore: true });
      const imports = { wait: async () => wait() };
      const pool = await engine.freshComponent(component, { mechanism, imports });
      const answers = async (): Promise<void> => {
        assert.equal(await pool.use((instance) => instance.invoke("read")), 4);
        assert.deepEqual([pool.idle, pool.count, pool.inUse], [1, 1, 0]);
      };
      await answers();
      await assert.rejects(
        pool.use((instance) => instance.invoke("mutate")),
        { code: "GUEST_TRAPPED" },
      );
      assert.equal(pool.count, 0);
      await answers();
      isAnswering = false;
      let left: Promise<unknown> | undefined;
      await pool.use((instance) => void (left = instance.invoke("read")));
      assert.equal(pool.count, 0);
      await assert.rejects(async () => left, { code: "GUEST_EXITED" });
      isAnswering = true;
      await answers();
      pool.close();
    });
  });
}

describe("FreshComponent", () => {
  test("gives each of the uses that overlap an instance of its own, within the engine's limit", async () => {
    const small = new Engine({ cache: false, limits: { instances: 2 } });
    const component = await small.compileComponent(askingComponent(), { restore: true });
    const asked: ((value: number) => void)[] = [];
    const wait = async (): Promise<number> => new Promise((resolve) => asked.push(resolve));
    const pool = await small.freshComponent(component, { imports: { wait } });
    const read = (): Promise<unknown> => pool.use((instance) => instance.invoke("read"));
    const first = read();
    while (asked.length < 1) await new Promise(setImmediate);
    const second = read();
    while (asked.length < 2) await new Promise(setImmediate);
    assert.deepEqual([pool.inUse, pool.count, small.instanceCount], [2, 2, 2]);
    await assert.rejects(read(), { code: "LIMIT_INSTANCES" });
    asked[1]?.(8);
    assert.equal(await second, 8);
    asked[0]?.(9);
    assert.equal(await first, 9);
    assert.deepEqual([pool.inUse, pool.idle], [0, 2]);
    pool.close();
    assert.equal(small.instanceCount, 0);
    await assert.rejects(read(), { code: "ENGINE_CLOSED" });
    await small.close();
  });

  test("ends a use at its deadline while it waits, and by a signal or a control, and no other", async () => {
    const component = await engine.compileComponent(askingComponent(), { restore: true });
    let isAnswering = false;
    const wait = async (): Promise<number> => (isAnswering ? 3 : new Promise<number>(() => {}));
    const pool = await engine.freshComponent(component, { imports: { wait }, limits: { deadline: 30 } });
    const patient = await engine.freshComponent(component, { imports: { wait } });
    await assert.rejects(
      pool.use((instance) => instance.invoke("read")),
      { code: "LIMIT_DEADLINE" },
    );
    const [signal, control] = [new AbortController(), new UseControl()];
    const ended = [
      patient.use((instance) => instance.invoke("read"), { signal: signal.signal }),
      patient.use((instance) => instance.invoke("read"), { control }),
    ];
    const over = Promise.allSettled(ended);
    await new Promise(setImmediate);
    signal.abort(new Error("enough"));
    control.end("enough");
    for (const result of await over)
      assert.equal(result.status === "rejected" && (result.reason as { code: string }).code, "GUEST_ABORTED");
    isAnswering = true;
    const late = new UseControl();
    assert.equal(await patient.use((instance) => instance.invoke("read"), { control: late }), 3);
    late.end("too late");
    assert.equal(await patient.use((instance) => instance.invoke("read")), 3);
    const early = new UseControl();
    early.end("too early");
    await assert.rejects(
      patient.use((instance) => instance.invoke("read"), { control: early }),
      {
        code: "GUEST_ABORTED",
      },
    );
    assert.deepEqual([pool.count, patient.idle], [0, 1]);
    pool.close();
    patient.close();
  });

  test("lets nothing of one use into the next: neither its resources nor its functions", async () => {
    const component = await engine.compileComponent(hostileComponent(), { restore: true });
    const pool = await engine.freshComponent(component, { mechanism: "copy" });
    let kept: { invoke(name: string, ...args: readonly unknown[]): Promise<unknown> } | undefined;
    const item = await pool.use(async (instance) => {
      kept = instance;
      return (await instance.invoke("make")) as AsyncDisposable & { readonly constructor: new () => unknown };
    });
    await assert.rejects(async () => kept?.invoke("make"), { code: "INSTANCE_ENDED" });
    await pool.use(async (instance) => {
      const own = await instance.invoke("make");
      await assert.rejects(instance.invoke("take", item, []), { code: "COMPONENT_VALUE" });
      await item[Symbol.asyncDispose]();
      await instance.invoke("take", own, []);
    });
    assert.deepEqual([pool.count, pool.mechanism], [1, "copy"]);
    pool.close();
  });

  test("makes instances beforehand, keeps so many, and sums up what they use", async () => {
    const component = await engine.compileComponent(askingComponent(), { restore: true });
    const pool = await engine.freshComponent(component, { imports: { wait: () => 4 }, mostIdle: 3 });
    await pool.warm(2);
    assert.deepEqual([pool.idle, pool.count], [2, 2]);
    await pool.warm(5);
    assert.equal(pool.idle, 3);
    for (let i = 0; i < 4; i++) await pool.use((instance) => instance.invoke("read"));
    const { calls, memory, cpu } = pool.usage();
    assert.deepEqual([calls, memory], [4, 65_536]);
    assert.ok(cpu > 0);
    pool.close();
    assert.equal(pool.count, 0);
  });

  test("says why a component cannot be put back, and makes new instances where nothing else is asked for", async () => {
    const plain = await engine.compileComponent(askingComponent());
    const options = { imports: { wait: () => 4 } };
    await assert.rejects(engine.freshComponent(plain, { ...options, mechanism: "copy" }), {
      code: "ENGINE_FRESH_STATE",
    });
    const pool = await engine.freshComponent(plain, options);
    assert.equal(pool.mechanism, "new");
    assert.equal(await pool.use((instance) => instance.invoke("read")), 4);
    assert.equal(pool.count, 0);
    pool.close();
  });
});

test('FreshComponent with the isolation "reuse" keeps the state, for so many uses', async () => {
  const component = await engine.compileComponent(countingComponent());
  const pool = await engine.freshComponent(component, { isolation: "reuse", mostReuses: 3 });
  const read = (): Promise<unknown> => pool.use((instance) => instance.invoke("read"));
  assert.equal(await read(), 5);
  await pool.use((instance) => instance.invoke("mutate"));
  assert.equal(await read(), 99);
  assert.equal(pool.idle, 0);
  assert.equal(await read(), 5);
  pool.close();
});

test('FreshComponent with the isolation "reuse" gives each use all of its output limit', async () => {
  const component = await engine.compileComponent(wasi02Component());
  const { stdio, output } = keptStdio();
  const pool = await engine.freshComponent(component, { isolation: "reuse", stdio, limits: { maxOutput: 4 } });
  for (let round = 0; round < 3; round++) await pool.use((instance) => instance.invoke("say"));
  assert.deepEqual([output.stdout, pool.count], ["hellhellhell", 1]);
  pool.close();
});
