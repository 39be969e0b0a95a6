import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { greeterComponent, waitingComponent } from "../../../guests/greeter.ts";
import { SampanError } from "../../base/index.ts";
import { Engine } from "../engine.ts";
import type { ComponentInstance } from "./component-instance.ts";
import type { ComponentModule } from "./component-module.ts";
import type { ComponentOptions } from "./components.ts";

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

/** What an instance that is bound sync answers at once, and one that is bound async as a promise. */
type Answer<T> = T | Promise<T>;

interface Greeter {
  addOne(value: number): Answer<number>;
  greet(name: string): Answer<string>;
  useThing(value: number): Answer<number>;
  dropped(): Answer<number>;
  boom(): Answer<number>;
  spin(): Answer<void>;
  readonly counters: { readonly Counter: CounterClass };
}

interface CounterClass {
  new (start: number): Answer<Counter>;
  eat(counter: Counter): Answer<void>;
}

interface Counter extends Disposable, AsyncDisposable {
  read(): Answer<number>;
}

let engine: Engine;
let component: ComponentModule;
const said: string[] = [];
const calls = { add: (a: number, b: number) => a + b, log: (text: string) => void said.push(text), Thing };
const imports = { "test:host/calls@1.2.0": calls };

before(async () => {
  engine = new Engine({ cache: false });
  component = await engine.compileComponent(await greeterComponent(), { name: "greeter" });
});
after(() => engine.close());

async function make(options: ComponentOptions = {}): Promise<[Greeter, ComponentInstance]> {
  const instance = await engine.instantiateComponent(component, { imports, ...options });
  return [instance.exports as unknown as Greeter, instance];
}

async function codeOf(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error instanceof SampanError ? error.code : error;
  }
  return undefined;
}

for (const mode of ["sync", "async"] as const) {
  describe(`a component that is bound ${mode}`, () => {
    test("calls exports and the host's functions with numbers, strings and resources", async () => {
      const [greeter, instance] = await make({ mode });
      said.length = 0;
      Thing.dropped = 0;
      assert.equal(await greeter.addOne(41), 42);
      assert.equal(await greeter.greet("wörld"), "Hello wörld");
      assert.deepEqual(said, ["Hello wörld"]);
      assert.equal(await greeter.useThing(21), 42);
      assert.equal(Thing.dropped, 1);
      assert.equal(await instance.invoke("add-one", 1), 2);
      for (const name of ["counters", "test:greeter/counters", "test:greeter/counters@0.2.9"])
        assert.ok(await instance.invoke(`${name}#[constructor]counter`, 1), name);
      await assert.rejects(instance.invoke("test:greeter/counters@0.3.0#[constructor]counter", 1), {
        code: "GUEST_EXPORT_MISSING",
      });
      assert.equal((await instance.usage()).calls, 6);
    });

    test("has classes for its resources, whose destructor runs once", async () => {
      const [greeter] = await make({ mode });
      const { Counter } = greeter.counters;
      const counter = await new Counter(7);
      assert.ok(counter instanceof Counter);
      assert.equal(await counter.read(), 7);
      await counter[Symbol.asyncDispose]();
      await counter[Symbol.asyncDispose]();
      assert.equal(await greeter.dropped(), 1);
      assert.equal(await codeOf(() => counter.read()), "COMPONENT_VALUE");
      const eaten = await new Counter(8);
      await Counter.eat(eaten);
      assert.equal(await greeter.dropped(), 2);
      eaten[Symbol.dispose]();
      assert.equal(await greeter.dropped(), 2, "what was given away is not dropped");
      (await new Counter(9))[Symbol.dispose]();
      assert.equal(await greeter.dropped(), 3, "a call begins after the destructor");
    });

    test("names component, function and core functions of a trap, and is not called again", async () => {
      const [greeter, instance] = await make({ mode });
      const trap = await Promise.resolve()
        .then(() => greeter.boom())
        .catch((error: unknown) => error);
      assert.ok(trap instanceof SampanError);
      assert.equal(trap.code, "GUEST_TRAPPED");
      assert.equal(trap.message, 'Component "greeter" trapped in "boom": unreachable');
      const backtrace = trap.data?.["backtrace"] as { name: string; module: string }[];
      assert.deepEqual(
        backtrace.map(({ name, module }) => `${module} ${name}`),
        ["module 2 fault", "module 2 boom"],
      );
      assert.ok(instance.isEnded);
      assert.equal(await codeOf(() => greeter.addOne(1)), "INSTANCE_ENDED");
    });

    test("traps where its code names a handle that it does not have", async () => {
      const [, instance] = await make({ mode });
      await assert.rejects(instance.invoke("forge"), {
        code: "GUEST_TRAPPED",
        message: 'Component "greeter" trapped in "forge": unknown handle index 77',
      });
    });

    test("lives on where a caller gives a value that is none of the type", async () => {
      const [greeter, instance] = await make({ mode });
      assert.equal(await codeOf(() => greeter.addOne("1" as never)), "COMPONENT_VALUE");
      assert.ok(!instance.isEnded);
      assert.equal(await greeter.addOne(1), 2);
    });

    test("ends with what a function of the host's threw", async () => {
      const error = new Error("mine");
      const add = (): never => {
        throw error;
      };
      const [greeter, instance] = await make({ mode, imports: { "test:host/calls@1.2.0": { ...calls, add } } });
      assert.equal(await codeOf(() => greeter.addOne(1)), error);
      assert.ok(instance.isEnded);
    });

    test("ends at its deadline, though its code never ends", async () => {
      const [greeter, instance] = await make({ mode, limits: { deadline: 20 } });
      assert.equal(await codeOf(() => greeter.spin()), "LIMIT_DEADLINE");
      assert.ok(instance.isEnded);
    });
  });
}

test("instantiateComponent() binds async where the caller gives an async function, and its guest waits for it", async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const [greeter, instance] = await make({
    imports: { "test:host/calls@1.2.0": { ...calls, add: async () => promise } },
  });
  assert.equal(instance.mode, "async");
  const first = Promise.resolve(greeter.addOne(1));
  assert.equal(await codeOf(() => greeter.addOne(2)), "INSTANCE_BUSY");
  resolve(5);
  assert.equal(await first, 5);
});

test("instantiateComponent() refuses a promise in an instance that is bound sync", async () => {
  const add = (): Promise<number> => Promise.resolve(1);
  const [greeter] = await make({ mode: "sync", imports: { "test:host/calls@1.2.0": { ...calls, add } } });
  assert.equal(await codeOf(() => greeter.addOne(1)), "INSTANCE_ASYNC");
});

test("a signal ends an instance that waits", async () => {
  const abort = new AbortController();
  const [greeter] = await make({
    signal: abort.signal,
    imports: { "test:host/calls@1.2.0": { ...calls, add: async () => new Promise<number>(() => {}) } },
  });
  const waiting = codeOf(() => greeter.addOne(1));
  await turn();
  abort.abort(new Error("enough"));
  assert.equal(await waiting, "GUEST_ABORTED");
});

test("instantiateComponent() takes imports of a compatible version and names with its type what is missing", async () => {
  const [greeter] = await make({ imports: { "test:host/calls@1.9.3": calls } });
  assert.equal(greeter.addOne(1), 2);
  const { add, ...others } = calls;
  assert.equal(add(1, 1), 2);
  await assert.rejects(make({ imports: { "test:host/calls@1.2.0": others } }), {
    code: "COMPONENT_IMPORT_MISSING",
    message: /its import test:host\/calls@1\.2\.0#add: func\(a: u32, b: u32\) -> u32$/,
  });
  await assert.rejects(make({ imports: { "test:host/calls@2.0.0": calls } }), {
    message: /test:host\/calls@1\.2\.0 \(add, log, \[constructor\]thing, \[method\]thing\.get\)$/,
  });
});

test("a provider gives what the caller does not, and hears of dropped resources", async () => {
  const heard: string[] = [];
  const dropped: unknown[] = [];
  const thing = { it: "the thing" };
  const [greeter, instance] = await make({
    imports: { "test:host/calls": { add: calls.add } },
    provider(interfaceName, name) {
      heard.push(`${interfaceName}#${name}`);
      if (name === "log") return { call: (text: string) => void said.push(text) };
      if (name === "[constructor]thing") return { call: () => thing };
      if (name === "[method]thing.get") return { call: (self: unknown) => (self === thing ? 5 : 6) };
      return name === "[resource-drop]thing" ? { call: (value: unknown) => void dropped.push(value) } : undefined;
    },
  });
  assert.equal(instance.mode, "sync");
  assert.equal(greeter.useThing(1), 5);
  assert.deepEqual(dropped, [thing]);
  const names = ["log", "[constructor]thing", "[method]thing.get", "[resource-drop]thing"];
  assert.deepEqual(
    heard,
    names.map((name) => `test:host/calls@1.2.0#${name}`),
  );
});

test("a destructor that is asked for within a call runs after it", async () => {
  let greeter: Greeter | undefined;
  let counter: Counter | undefined;
  const add = (a: number, b: number): number => {
    counter?.[Symbol.dispose]();
    return a + b;
  };
  [greeter] = await make({ imports: { "test:host/calls@1.2.0": { ...calls, add } } });
  counter = await new greeter.counters.Counter(1);
  assert.equal(greeter.addOne(1), 2);
  assert.equal(greeter.dropped(), 1);
});

test("an asynchronous built-in traps where the instance must not be left, and is refused by its name elsewhere", async () => {
  const waiting = await engine.compileComponent(waitingComponent(), { name: "waiting" });
  await assert.rejects((await engine.instantiateComponent(waiting)).invoke("call"), {
    code: "COMPONENT_ASYNC_UNSUPPORTED",
    message: /it uses waitable-set\.new,/,
  });
  await assert.rejects((await engine.instantiateComponent(waiting)).invoke("leave"), {
    code: "GUEST_TRAPPED",
    message: /trapped in "leave": cannot leave component instance/,
  });
});

test("the memory limit counts all memories of a component together", async () => {
  const bytes = await greeterComponent();
  await assert.rejects(engine.compileComponent(bytes, { memory: 3 * 65_536 }), { code: "LIMIT_MEMORY" });
  const small = await engine.compileComponent(bytes, { memory: 4 * 65_536 });
  await assert.rejects(engine.instantiateComponent(small, { imports, limits: { memory: 65_536 } }), {
    code: "LIMIT_MEMORY",
  });
  const instance = await engine.instantiateComponent(small, { imports, limits: { memory: 4 * 65_536 } });
  assert.equal((await instance.usage()).memory, 4 * 65_536);
});

test("an engine counts instances of components, and gives the place of a closed one back", async () => {
  await using few = new Engine({ cache: false, limits: { instances: 1 } });
  const compiled = await few.compileComponent(await greeterComponent());
  const first = await few.instantiateComponent(compiled, { imports });
  await assert.rejects(few.instantiateComponent(compiled, { imports }), { code: "LIMIT_INSTANCES" });
  await first.close();
  assert.equal(few.instanceCount, 0);
  await few.instantiateComponent(compiled, { imports });
  assert.equal(few.instanceCount, 1);
});

test("an instance for whose memories the process has no room is refused by name", async () => {
  let maps = 0;
  await using full = new Engine({ cache: false }, { maps: { limit: () => 4_096 + 20, count: () => maps } });
  const compiled = await full.compileComponent(await greeterComponent());
  const kept: ComponentInstance[] = [];
  await assert.rejects(
    async () => {
      for (; kept.length < 100; maps += 2) kept.push(await full.instantiateComponent(compiled, { imports }));
    },
    { code: "LIMIT_MEMORIES" },
  );
  assert.equal(kept.length, 10);
  assert.equal(full.instanceCount, 10);
});

test("instances that nobody can reach are collected, closed or not", { timeout: 120_000 }, async () => {
  const registered = engine.instanceCount;
  let most = 0;
  for (let made = 0; made < 3_000; made++) {
    await make();
    if (made % 50 === 0) await turn();
    most = Math.max(most, engine.instanceCount - registered);
  }
  assert.ok(most < 2_900, `${most} of 3,000 instances were there at once`);
});
