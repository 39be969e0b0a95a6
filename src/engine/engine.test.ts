import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { guestBytes, keptStdio, spinModule } from "./engine-fixture.ts";
import type { InstanceOptions } from "./engine-options.ts";
import { Engine } from "./engine.ts";
import type { Instance } from "./instance.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

/** Whether an error is of the catalog, with this code. */
const withCode = (code: string) => (error: unknown) => error instanceof SampanError && error.code === code;

test("Engine keeps a thousand interleaved instances of two engines apart: memory, arguments, environment, streams", async () => {
  const engines = [engine, new Engine({ cache: false })];
  const bytes = await guestBytes("args-env");
  const modules = await Promise.all(engines.map((each) => each.compile(bytes, { name: "args-env" })));
  const runs = Array.from({ length: 1_000 }, async (_, index) => {
    const { stdio, output } = keptStdio();
    const which = index % 2;
    const [each, module] = [engines[which], modules[which]];
    assert.ok(each !== undefined && module !== undefined);
    const grants = { env: { NUMBER: String(index) }, clock: index % 3 === 0 ? "none" : "real" };
    const instance = await each.instantiate(module, { args: ["guest", `a${index}`], grants, stdio });
    assert.deepEqual(await instance.run(), { kind: "exit", code: 0 });
    await instance.close();
    return output.stdout;
  });
  for (const [index, stdout] of (await Promise.all(runs)).entries()) {
    assert.match(stdout, new RegExp(`\\ba${index}\\b`));
    assert.match(stdout, new RegExp(`\\bNUMBER=${index}\\b`));
  }
  assert.deepEqual(
    engines.map(({ instanceCount }) => instanceCount),
    [0, 0],
  );
  await engines[1]?.close();
});

test("Engine.instantiate() binds async what imports a call that may wait, sync what does not, and either if asked", async () => {
  const spin = await engine.compile(spinModule);
  const hello = await engine.compile(await guestBytes("hello"));
  const modeOf = async (module: typeof spin, options: InstanceOptions & { cordon?: undefined } = {}) => {
    await using instance = await engine.instantiate(module, options);
    return instance.mode;
  };
  assert.deepEqual(
    [
      await modeOf(spin),
      await modeOf(hello),
      await modeOf(spin, { mode: "async" }),
      await modeOf(hello, { mode: "sync" }),
    ],
    ["sync", "async", "async", "sync"],
  );
});

test("Instance.call() answers values; an async instance refuses callSync() and names both ways out", async () => {
  const module = await engine.compile(spinModule);
  await using sync = await engine.instantiate(module);
  assert.equal(await sync.call("increment", 41), 42);
  assert.equal(sync.callSync("increment", 1), 2);
  assert.deepEqual(sync.functions, ["spin", "increment"]);
  await using waiting = await engine.instantiate(module, { mode: "async" });
  assert.equal(await waiting.call("increment", 41), 42);
  assert.throws(() => waiting.callSync("increment", 1), withCode("INSTANCE_ASYNC"));
  for (const name of ["decrement", "sampan:engine/check", "sampan:engine/hook"])
    await assert.rejects(waiting.call(name), withCode("GUEST_EXPORT_MISSING"));
});

test("Instance.call() refuses a second call while one runs, and any after its end", async () => {
  const module = await engine.compile(spinModule);
  const instance = await engine.instantiate(module, { mode: "async" });
  const spinning = instance.call("spin");
  await assert.rejects(instance.call("increment", 1), withCode("INSTANCE_BUSY"));
  instance.kill(15);
  await assert.rejects(
    spinning,
    (error) => withCode("GUEST_EXITED")(error) && (error as SampanError).data?.["signal"] === 15,
  );
  await assert.rejects(instance.call("increment", 1), withCode("INSTANCE_ENDED"));
  await instance.close();
  assert.equal(engine.instanceCount, 0);
});

for (const name of ["catch-all", "catch-all-legacy"]) {
  for (const kind of ["exit", "spin", "sleep", "trap"]) {
    for (const mode of ["async", "sync"] as const) {
      // A guest that is bound sync sleeps in its thread, where nobody but a thread of its own ends it.
      const cordon = kind === "sleep" && mode === "sync" ? "thread" : undefined;
      test(`Engine ends ${name} ${kind} for good, bound ${mode}, whatever it catches in an endless loop`, async () => {
        const module = await engine.compile(await guestBytes(name), { name });
        const { stdio, output } = keptStdio();
        const options: InstanceOptions = { args: [name, kind, "forever"], limits: { deadline: 60 }, mode };
        const instance: Instance =
          cordon === undefined
            ? await engine.instantiate(module, { ...options, stdio })
            : await engine.instantiate(module, { ...options, cordon });
        const ending = await instance.run();
        await instance.close();
        if (kind === "exit") assert.deepEqual(ending, { kind: "exit", code: 9 });
        else if (kind === "trap") assert.equal(ending.kind, "trap");
        else assert.ok(ending.kind === "error" && ending.error.code === "LIMIT_DEADLINE", JSON.stringify(ending));
        assert.equal(output.stdout, "");
      });
    }
  }
}

test("An AbortSignal ends the instance that it was given to, waiting or running", async () => {
  const module = await engine.compile(await guestBytes("catch-all"));
  for (const kind of ["sleep", "spin"]) {
    const controller = new AbortController();
    const instance = await engine.instantiate(module, { args: ["guest", kind, "forever"], signal: controller.signal });
    const running = instance.run();
    setImmediate(() => controller.abort());
    assert.deepEqual(await running, { kind: "signal", signal: 9 });
    await instance.close();
  }
  const signal = AbortSignal.abort(new Error("too late"));
  await assert.rejects(engine.instantiate(module, { signal }), /too late/);
});

test("Engine gives byte-identical runs where clocks and randomness are seeded, and different ones where they are not", async () => {
  const module = await engine.compile(await guestBytes("nondeterminism"));
  const runWith = async (grants: InstanceOptions["grants"]) => {
    const { stdio, output } = keptStdio();
    await using instance = await engine.instantiate(module, { ...(grants === undefined ? {} : { grants }), stdio });
    assert.deepEqual(await instance.run(), { kind: "exit", code: 0 });
    return output.stdout;
  };
  const seeded = { random: "seed=42", clock: "fixed=2026-01-01T00:00:00Z" };
  const first = await runWith(seeded);
  assert.equal(await runWith(seeded), first);
  assert.notEqual(await runWith({ ...seeded, random: "seed=43" }), first);
  assert.notEqual(await runWith({ clock: seeded.clock }), await runWith({ clock: seeded.clock }));
});

test("A function of the embedder's is called in place of an import, may answer late, and ends the guest by throwing", async () => {
  const module = await engine.compile(importingModule);
  const late = await engine.instantiate(module, {
    mode: "async",
    imports: { env: { twice: async (value: number) => (await Promise.resolve(value)) * 2 } },
  });
  assert.equal(await late.call("run", 21), 42);
  const failing = await engine.instantiate(module, {
    imports: {
      env: {
        twice() {
          throw new RangeError("not today");
        },
      },
    },
  });
  await assert.rejects(failing.call("run", 1), /not today/);
  assert.equal(failing.isEnded, true);
  const blocking = await engine.instantiate(module, {
    mode: "sync",
    imports: { env: { twice: () => Promise.resolve(1) } },
  });
  await assert.rejects(blocking.call("run", 1), withCode("INSTANCE_ASYNC"));
  await assert.rejects(engine.instantiate(module), withCode("GUEST_IMPORT_UNKNOWN"));
});

test("Engine.close() ends what runs and takes nothing any more", async () => {
  const own = new Engine({ cache: false });
  const module = await own.compile(spinModule);
  const instance = await own.instantiate(module, { mode: "async" });
  const ended = assert.rejects(instance.call("spin"), withCode("GUEST_EXITED"));
  await own.close();
  await ended;
  await assert.rejects(own.compile(spinModule), withCode("ENGINE_CLOSED"));
  await assert.rejects(own.instantiate(module), withCode("ENGINE_CLOSED"));
});

/** `(import "env" "twice" (func (param i32) (result i32))) (func (export "run") (param i32) (result i32) local.get 0 call 0)`. */
const importingModule = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 2, 13, 1, 3, 0x65, 0x6e, 0x76, 5, 0x74, 0x77, 0x69,
  0x63, 0x65, 0, 0, 3, 2, 1, 0, 7, 7, 1, 3, 0x72, 0x75, 0x6e, 0, 1, 10, 8, 1, 6, 0, 0x20, 0, 0x10, 0, 0x0b,
]);
