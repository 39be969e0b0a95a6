import assert from "node:assert/strict";
import { after, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { guestBytes, hoarderModule, keptStdio, spinModule } from "../engine-fixture.ts";
import { Engine } from "../engine.ts";
import type { Cordon } from "./pool.ts";

const engine = new Engine({ cache: false, threads: 2 });
after(() => engine.close());

const withCode = (code: string) => (error: unknown) => error instanceof SampanError && error.code === code;
const cordons: readonly Cordon[] = ["shared", "thread", "process"];

for (const cordon of cordons) {
  test(`Engine.instantiate() answers the same in the cordon ${cordon} as here: values, errors, streams, grants, usage`, async () => {
    const module = await engine.compile(spinModule);
    const instance = await engine.instantiate(module, { cordon });
    assert.equal(await instance.call("increment", 41), 42);
    assert.deepEqual(instance.functions, ["spin", "increment"]);
    await assert.rejects(instance.call("decrement"), withCode("GUEST_EXPORT_MISSING"));
    await instance.close();
    await assert.rejects(instance.call("increment", 1), withCode("INSTANCE_ENDED"));

    const command = await engine.compile(await guestBytes("args-env"), { name: "args-env" });
    const { stdio, output } = keptStdio();
    const run = await engine.instantiate(command, {
      cordon,
      stdio,
      args: ["guest", "one"],
      grants: { env: { A: "b" } },
    });
    assert.deepEqual(await run.run(), { kind: "exit", code: 0 });
    assert.match(output.stdout, /one[^]*A=b/);
    const usage = await run.usage();
    assert.ok(
      usage.calls > 0 && usage.bytesOut === output.stdout.length && usage.memory >= 65_536,
      JSON.stringify(usage),
    );
    await run.close();
    await assert.rejects(engine.instantiate(command, { cordon, grants: { colour: "red" } }), withCode("GRANT_UNKNOWN"));
  });

  test(`Instance.kill() ends a guest that keeps its ${cordon} busy, and its deadline does`, async () => {
    const module = await engine.compile(spinModule);
    const killed = await engine.instantiate(module, { cordon });
    const spinning = killed.call("spin");
    setImmediate(() => killed.kill());
    await assert.rejects(spinning, (error) => withCode("GUEST_EXITED")(error) || withCode("ENGINE_WORKER_LOST")(error));
    assert.equal(killed.isEnded, true);
    await killed.close();
    const late = await engine.instantiate(module, { cordon, limits: { deadline: 30 } });
    await assert.rejects(late.call("spin"), withCode("LIMIT_DEADLINE"));
    await late.close();
  });
}

test("Engine.warm() starts the thread that the first instance runs in, and no other", async () => {
  const own = new Engine({ cache: false, threads: 2 });
  own.warm();
  own.warm();
  const instance = await own.instantiate(await own.compile(spinModule), { cordon: "shared" });
  assert.equal(await instance.call("increment", 41), 42);
  assert.equal(own.workerCount, 1);
  await own.close();
  assert.throws(() => own.warm(), withCode("ENGINE_CLOSED"));
});

test("A stdin channel reaches a guest in another thread and in another process, piece by piece", async () => {
  const module = await engine.compile(await guestBytes("cat"), { name: "cat" });
  for (const cordon of cordons) {
    const pieces = ["first ", "second ", "third"].map((text) => Buffer.from(text));
    const { stdio, output } = keptStdio();
    const stdin = {
      async read(into: Uint8Array): Promise<number> {
        await new Promise<void>((resolve) => setImmediate(resolve));
        const piece = pieces.shift();
        if (piece === undefined) return 0;
        into.set(piece);
        return piece.length;
      },
      ready: () => true as const,
      cancel: () => {},
    };
    const instance = await engine.instantiate(module, { cordon, stdio: { ...stdio, stdin } });
    assert.deepEqual(await instance.run(), { kind: "exit", code: 0 });
    assert.equal(output.stdout, "first second third");
    await instance.close();
  }
});

test("Shared instances are spread over the threads by load, and threads of an engine are no more than it may have", async () => {
  const module = await engine.compile(spinModule);
  const own = new Engine({ cache: false, threads: 2 });
  const instances = await Promise.all(Array.from({ length: 6 }, () => own.instantiate(module, { cordon: "shared" })));
  assert.equal(own.workerCount, 2);
  const [spinning, ...others] = instances;
  const spin = spinning?.call("spin");
  // Two of the others are in the thread that is busy, and get their answers once it is free.
  const calls = others.map((each) => each.call("increment", 1));
  assert.equal(await Promise.any(calls), 2);
  spinning?.kill();
  await assert.rejects(spin ?? Promise.resolve(), SampanError);
  assert.deepEqual(await Promise.all(calls), [2, 2, 2, 2, 2]);
  await own.close();
});

test("A thread that dies takes its own guests along and no other's, and is replaced", async () => {
  const own = new Engine({ cache: false, threads: 2, threadHeap: 16 });
  const module = await own.compile(hoarderModule, { name: "hoarder" });
  const [victim, neighbour] = await Promise.all([
    own.instantiate(module, { cordon: "shared" }),
    own.instantiate(module, { cordon: "shared" }),
  ]);
  const here = await own.instantiate(module);
  assert.equal(own.workerCount, 2);
  await assert.rejects(victim.call("hoard"), withCode("ENGINE_WORKER_LOST"));
  assert.equal(victim.isEnded, true);
  assert.equal(await neighbour.call("answer"), 42);
  assert.equal(await here.call("answer"), 42);
  assert.equal(own.workerCount, 1);
  const next = await own.instantiate(module, { cordon: "shared" });
  assert.equal(await next.call("answer"), 42);
  assert.equal(own.workerCount, 2);
  await own.close();
});
