import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  forever,
  type HostileBodies,
  hostileComponent,
  tablesComponent,
  thenComponent,
} from "../../../guests/hostile-component.ts";
import { SampanError } from "../../base/index.ts";
import { Engine } from "../engine.ts";
import type { ComponentInstance } from "./component-instance.ts";
import type { ComponentOptions } from "./components.ts";

type Answer<T> = T | Promise<T>;

interface Hostile {
  make(): Answer<Item>;
  take(item: Item, numbers: readonly unknown[]): Answer<void>;
  lend(item: Item, numbers: readonly unknown[]): Answer<void>;
  text(text: string): Answer<string>;
  flood(): Answer<void>;
}
type Item = Disposable & AsyncDisposable;

const engine = new Engine({ cache: false });
after(() => engine.close());

async function make(bodies: HostileBodies = {}, options: ComponentOptions = {}): Promise<[Hostile, ComponentInstance]> {
  const component = await engine.compileComponent(hostileComponent(bodies), { name: "hostile" });
  const instance = await engine.instantiateComponent(component, options);
  return [instance.exports as unknown as Hostile, instance];
}

async function errorOf(run: () => unknown): Promise<SampanError> {
  try {
    await run();
  } catch (error) {
    assert.ok(error instanceof SampanError, String(error));
    return error;
  }
  return assert.fail("nothing was thrown");
}

for (const mode of ["sync", "async"] as const) {
  describe(`a hostile component that is bound ${mode}`, () => {
    const ends: Record<string, [bodies: HostileBodies, run: (guest: Hostile) => unknown]> = {
      "its allocator": [{ realloc: forever }, (guest) => guest.text("a")],
      "the function that frees a result": [{ free: forever }, (guest) => guest.text("a")],
      "a destructor": [{ drop: forever }, async (guest) => (await guest.make())[Symbol.asyncDispose]()],
    };
    for (const [where, [bodies, run]] of Object.entries(ends)) {
      test(`ends at its deadline in ${where}`, async () => {
        const [guest, instance] = await make(bodies, { mode, limits: { deadline: 20 } });
        assert.equal((await errorOf(() => run(guest))).code, "LIMIT_DEADLINE");
        assert.ok(instance.isEnded);
        const late = await errorOf(() => guest.text(""));
        assert.equal(late.code, "INSTANCE_ENDED");
        assert.match(late.message, /^Cannot call "text": the instance has ended: /);
      });
    }

    test("ends at its deadline in its start function, and leaves nothing behind", async () => {
      const before = engine.instanceCount;
      const failed = await errorOf(() => make({ start: forever }, { mode, limits: { deadline: 20 } }));
      assert.equal(failed.code, "LIMIT_DEADLINE");
      assert.equal(engine.instanceCount, before);
    });

    const pointers: Record<string, [realloc: HostileBodies["realloc"], reason: string]> = {
      "outside of its memory": [[0x41, 0x80, 0x80, 0x7c], "realloc-out-of-bounds"],
      "one byte before its memory's end": [[0x41, 0xff, 0xff, 3], "realloc-out-of-bounds"],
      "by which the end wraps": [[0x41, 0x7c], "realloc-out-of-bounds"],
      "in a memory that it has just grown": [[0x41, 1, 0x40, 0, 0x1a, 0x41, 0x80, 0x80, 4], ""],
    };
    for (const [what, [realloc = [], reason]] of Object.entries(pointers)) {
      test(`is held to its memory where its allocator answers a pointer ${what}`, async () => {
        const [guest] = await make({ realloc }, { mode });
        if (reason === "") {
          assert.equal(await guest.text("four"), "");
          return;
        }
        const trap = await errorOf(() => guest.text("four"));
        assert.deepEqual([trap.code, trap.data?.["reason"]], ["GUEST_TRAPPED", reason]);
        assert.match(trap.message, /^Component "hostile" trapped in "text": realloc return/);
      });
    }

    test("traps where it makes more resources than the host has room for", { timeout: 60_000 }, async () => {
      const [guest] = await make({}, { mode });
      const trap = await errorOf(() => guest.flood());
      assert.equal(trap.data?.["reason"], "handle-table-full");
    });

    test("gets back what was passed where a later value does not fit, and lives on", async () => {
      const [guest, instance] = await make({}, { mode });
      const item = await guest.make();
      for (const name of ["lend", "take"] as const) {
        const refused = await errorOf(() => guest[name](item, [1, "two"]));
        assert.equal(refused.code, "COMPONENT_VALUE");
        assert.match(refused.message, /argument "numbers"\[1\]: wanted u32, got "two"$/);
        assert.ok(!instance.isEnded);
      }
      await guest.lend(item, [1, 2]);
      await guest.take(item, [1, 2]);
      const given = await errorOf(() => guest.take(item, []));
      assert.match(given.message, /it was dropped or given away$/);
    });

    test("has nothing to drop any more once it is closed", async () => {
      const [guest, instance] = await make({ drop: [0x00] }, { mode });
      const item = await guest.make();
      await instance.close();
      await item[Symbol.asyncDispose]();
      item[Symbol.dispose]();
    });

    test("tells later calls of the trap of a destructor that nobody waited for", async () => {
      const [guest] = await make({ drop: [0x00] }, { mode });
      (await guest.make())[Symbol.dispose]();
      await turn();
      const late = await errorOf(() => guest.text(""));
      assert.equal(late.code, "INSTANCE_ENDED");
      assert.match(late.message, /has ended: Component "hostile" trapped in "\[resource-drop\]item": unreachable$/);
    });
  });
}

test("a record with a field that is called then is no promise, and an object with such a method is one", async () => {
  const component = await engine.compileComponent(thenComponent());
  const make = (given: unknown): Promise<ComponentInstance> =>
    engine.instantiateComponent(component, { mode: "async", imports: { make: () => given } });
  // oxlint-disable-next-line unicorn/no-thenable -- what it is about
  assert.equal(await (await make({ then: 5 })).invoke("call"), 5);
  // oxlint-disable-next-line unicorn/no-thenable -- the same
  const thenable = { then: (resolve: (value: unknown) => void) => resolve({ then: 6 }) };
  assert.equal(await (await make(thenable)).invoke("call"), 6);
});

test("compileComponent() counts the tables of all core instances together", async () => {
  await engine.compileComponent(tablesComponent(4, 1 << 20));
  await engine.compileComponent(tablesComponent(1_000, 4_000));
  await assert.rejects(engine.compileComponent(tablesComponent(1_000, 5_000)), { code: "LIMIT_TABLE" });
});
