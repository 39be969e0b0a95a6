import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { greeterComponent } from "../../../../guests/greeter.ts";
import { SampanError } from "../../../base/index.ts";
import { Engine } from "../../engine.ts";
import { instantiate, type Instantiated } from "../../instantiate.ts";

class Thing {
  static dropped = 0;
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  get(): number {
    return this.value * 2;
  }
  [Symbol.dispose](): void {
    Thing.dropped += 1;
  }
}

interface Greeter {
  addOne(value: number): Promise<number>;
  greet(name: string): Promise<string>;
  useThing(value: number): Promise<number>;
  dropped(): Promise<number>;
  boom(): Promise<number>;
  spin(): Promise<void>;
  readonly counters: { readonly Counter: CounterClass };
}

interface CounterClass {
  new (start: number): Promise<Counter>;
  eat(counter: unknown): Promise<void>;
}

interface Counter extends Disposable, AsyncDisposable {
  read(): Promise<number>;
}

let engine: Engine;
let bytes: Uint8Array;
const said: string[] = [];
const calls = { add: (a: number, b: number): unknown => a + b, log: (text: string) => void said.push(text), Thing };

before(async () => {
  engine = new Engine({ cache: false });
  bytes = await greeterComponent();
});
after(() => engine.close());

for (const cordon of ["thread", "process"] as const) {
  const make = (
    more: Parameters<typeof instantiate>[1] = {},
    imports: object = calls,
  ): Promise<Instantiated<Greeter>> => {
    const options = { engine, cordon, name: "greeter", imports: { "test:host/calls@1.2.0": imports }, ...more };
    return instantiate(bytes, options) as unknown as Promise<Instantiated<Greeter>>;
  };

  describe(`instantiate() with the cordon "${cordon}"`, () => {
    test("carries numbers, strings and the host's functions, sync and async ones", async () => {
      await using instance = await make({}, { ...calls, add: async (a: number, b: number) => Promise.resolve(a + b) });
      assert.equal(instance.mode, "async");
      said.length = 0;
      assert.equal(await instance.exports.addOne(41), 42);
      assert.equal(await instance.exports.greet("wörld"), "Hello wörld");
      assert.deepEqual(said, ["Hello wörld"]);
      assert.equal(await instance.invoke("add-one", 1), 2);
      await assert.rejects(instance.invoke("nothing"), { code: "GUEST_EXPORT_MISSING" });
      const { calls: count, memory } = await instance.usage();
      assert.equal(count, 3);
      assert.ok(memory > 0);
    });

    test("makes objects of the caller's for the guest, which it drops once", async () => {
      await using instance = await make();
      Thing.dropped = 0;
      assert.equal(await instance.exports.useThing(21), 42);
      await instance.exports.dropped();
      assert.equal(Thing.dropped, 1);
    });

    test("has classes for the guest's resources: own, borrow, given away, dropped", async () => {
      await using instance = await make();
      const { Counter } = instance.exports.counters;
      const counter = await new Counter(7);
      assert.ok(counter instanceof Counter);
      assert.equal(await counter.read(), 7);
      await counter[Symbol.asyncDispose]();
      await counter[Symbol.asyncDispose]();
      assert.equal(await instance.exports.dropped(), 1);
      await assert.rejects(counter.read(), { code: "COMPONENT_VALUE" });
      const eaten = await new Counter(8);
      await Counter.eat(eaten);
      assert.equal(await instance.exports.dropped(), 2);
      eaten[Symbol.dispose]();
      await assert.rejects(Counter.eat(eaten), { code: "COMPONENT_VALUE" });
      assert.equal(await instance.exports.dropped(), 2, "what was given away is not dropped");
      const last = await new Counter(9);
      last[Symbol.dispose]();
      assert.equal(await instance.exports.dropped(), 3, "a call begins after the destructor");
      await using other = await make();
      const foreign = await new other.exports.counters.Counter(1);
      await assert.rejects(Counter.eat(foreign), { code: "COMPONENT_VALUE", message: /none of this instance's/ });
    });

    test("lives on where a caller gives a value that is none of the type, and the resource is the caller's still", async () => {
      await using instance = await make();
      await assert.rejects(instance.exports.addOne("1" as never), {
        code: "COMPONENT_VALUE",
        message: 'add-one(): argument "value": wanted u32, got "1"',
      });
      await assert.rejects(instance.exports.addOne((() => 1) as never), {
        code: "COMPONENT_VALUE",
        message: /got a function$/,
      });
      assert.equal(instance.isEnded, false);
      const counter = await new instance.exports.counters.Counter(3);
      await assert.rejects(instance.exports.counters.Counter.eat(7), { code: "COMPONENT_VALUE" });
      assert.equal(await counter.read(), 3);
    });

    test("names component, function and core functions of a trap, and is not called again", async () => {
      const instance = await make();
      const trap = await instance.exports.boom().catch((error: unknown) => error);
      assert.ok(trap instanceof SampanError);
      assert.equal(trap.code, "GUEST_TRAPPED");
      assert.equal(trap.message, 'Component "greeter" trapped in "boom": unreachable');
      const backtrace = trap.data?.["backtrace"] as { name: string; module: string }[];
      assert.deepEqual(
        backtrace.map(({ name, module }) => `${module} ${name}`),
        ["module 2 fault", "module 2 boom"],
      );
      assert.equal(instance.isEnded, true);
      await assert.rejects(instance.exports.addOne(1), { code: "INSTANCE_ENDED", message: /trapped in "boom"/ });
      await instance.close();
    });

    test("ends with the very error that a function of the caller's threw", async () => {
      const error = new Error("mine");
      const instance = await make({}, { ...calls, add: () => Promise.reject(error) });
      const thrown = await instance.exports.addOne(1).catch((each: unknown) => each);
      assert.equal(thrown, error);
      assert.equal(instance.isEnded, true);
      await instance.close();
    });

    test("ends with COMPONENT_VALUE where a function of the caller's answers what is none of the type", async () => {
      const instance = await make({}, { ...calls, add: () => "three" });
      await assert.rejects(instance.exports.addOne(1), { code: "COMPONENT_VALUE", message: /wanted u32, got "three"/ });
      assert.equal(instance.isEnded, true);
      await instance.close();
    });

    test("ends with what an object of the caller's threw when it was dropped", async () => {
      const error = new Error("not mine to drop");
      class Stubborn extends Thing {
        override [Symbol.dispose](): void {
          throw error;
        }
      }
      const instance = await make({}, { ...calls, Thing: Stubborn });
      const used = instance.exports.useThing(1);
      // It is told of by and by, where in this thread it is thrown at once.
      await used.catch((thrown: unknown) => assert.equal(thrown, error));
      await assert.rejects(
        async () => {
          for (;;) await instance.exports.dropped();
        },
        (thrown) => thrown === error || (thrown instanceof SampanError && thrown.cause === error),
      );
      assert.equal(instance.isEnded, true);
      await instance.close();
    });

    test("takes one call at a time", async () => {
      const { promise, resolve } = Promise.withResolvers<number>();
      await using instance = await make({}, { ...calls, add: () => promise });
      const first = instance.exports.addOne(1);
      await assert.rejects(instance.exports.addOne(2), { code: "INSTANCE_BUSY" });
      resolve(5);
      assert.equal(await first, 5);
    });

    test("ends at its deadline, and by kill(), close() and a signal, though its code never ends", async () => {
      const late = await make({ limits: { time: 500 } });
      await assert.rejects(late.exports.spin(), { code: "LIMIT_DEADLINE" });
      assert.equal(late.isEnded, true);
      await late.close();

      const killed = await make();
      const spinning = killed.exports.spin();
      setImmediate(() => killed.kill());
      await assert.rejects(spinning, { code: "GUEST_EXITED" });
      await assert.rejects(killed.exports.addOne(1), { code: "INSTANCE_ENDED" });
      await killed.close();

      const closed = await make();
      const endless = assert.rejects(closed.exports.spin(), { code: "GUEST_EXITED" });
      await turn();
      await closed.close();
      await endless;
      await closed.close();

      const abort = new AbortController();
      const reason = new Error("no longer wanted");
      const aborted = await make({ signal: abort.signal });
      const aborting = aborted.exports.spin();
      setImmediate(() => abort.abort(reason));
      await assert.rejects(aborting, { code: "GUEST_ABORTED", cause: reason });
      await assert.rejects(aborted.exports.addOne(1), { code: "INSTANCE_ENDED", message: /no longer wanted/ });
      await aborted.close();
      await assert.rejects(make({ signal: abort.signal }), reason);
    });

    test("refuses what is missing by its type, and what cannot cross, as it does here", async () => {
      await assert.rejects(make({}, { log: calls.log, Thing }), {
        code: "COMPONENT_IMPORT_MISSING",
        message: /its import test:host\/calls@1\.2\.0#add: func\(a: u32, b: u32\) -> u32$/,
      });
      const network = { name: "mine" } as never;
      await assert.rejects(make({ network }), { code: "NETWORK_CORDON" });
    });
  });
}
