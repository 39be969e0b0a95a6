import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { collect, fakeRuntime, settle } from "./runtime-fixture.ts";

const workload = { kind: "fake" };

function hinted(code: string, hint: RegExp) {
  return (error: unknown): true => {
    assert.ok(error instanceof SampanError);
    assert.equal(error.code, code);
    assert.match(error.hint ?? "", hint);
    return true;
  };
}

test("Runtime.create() gives each container an id of 64 digits and a name of its own", async () => {
  const { runtime } = fakeRuntime();
  const made = await Promise.all(Array.from({ length: 300 }, () => runtime.create({ workload })));
  for (const { id, name } of made) {
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.match(name, /^[a-z]+_[a-z]+\d*$/);
  }
  assert.equal(new Set(made.map(({ id }) => id)).size, 300);
  assert.equal(new Set(made.map(({ name }) => name)).size, 300);
});

test("Runtime.create() refuses a name that is in use, even by one that is being made", async () => {
  const { runtime } = fakeRuntime();
  const results = await Promise.allSettled([
    runtime.create({ workload, name: "web" }),
    runtime.create({ workload, name: "web" }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected"],
  );
  await assert.rejects(runtime.create({ workload, name: "web" }), hinted("CONTAINER_NAME_USED", /sampan rm web/));
  await runtime.find("web").delete();
  await runtime.create({ workload, name: "web" });
});

test("Runtime.create() refuses what cannot be, and leaves the name free", async () => {
  const { runtime } = fakeRuntime();
  const invalid = { code: "CONTAINER_INVALID" };
  for (const name of ["", "a", "-web", "we b", "wéb", "a/b"])
    await assert.rejects(runtime.create({ workload, name }), invalid);
  await assert.rejects(runtime.create({ workload: { kind: "fak" } }), hinted("CONTAINER_INVALID", /"fake"/));
  await assert.rejects(runtime.create({ workload: { kind: "constructor" } }), invalid);
  await assert.rejects(runtime.create({ workload, autoRemove: true, restart: { name: "always" } }), invalid);
  await assert.rejects(runtime.create({ workload, name: "web", log: { maxSize: 10 } }), invalid);
  await assert.rejects(runtime.create({ workload, name: "web", stopSignal: "SIGFOO" }), { code: "SIGNAL_UNKNOWN" });
  await runtime.create({ workload, name: "web" });
});

test("Runtime.find() takes a name, an id and the beginning of one, in this order", async () => {
  let next = 0;
  // Ids that share their first digits, and a name that looks like the beginning of one.
  const random = (into: Uint8Array): void => void into.fill(0xab).fill(0xc0 + next++, 2, 3);
  const { runtime } = fakeRuntime({ random });
  const first = await runtime.create({ workload, name: "first" });
  const second = await runtime.create({ workload, name: "ababc0" });
  assert.equal(runtime.find("first"), first);
  assert.equal(runtime.find(second.id), second);
  assert.equal(runtime.find("ababc1"), second);
  assert.equal(runtime.find("ababc0"), second);
  assert.equal(runtime.find("ababc0a"), first);
  assert.throws(
    () => runtime.find("abab"),
    hinted("CONTAINER_AMBIGUOUS", /ababc0ababab \(first\), ababc1ababab \(ababc0\)/),
  );
  assert.throws(() => runtime.find("frist"), hinted("CONTAINER_NOT_FOUND", /"first"/));
  assert.throws(() => runtime.find(""), { code: "CONTAINER_NOT_FOUND" });
  assert.throws(() => runtime.find("constructor"), { code: "CONTAINER_NOT_FOUND" });
});

test("Container.rename() frees the old name and takes the new one, or neither", async () => {
  const { runtime } = fakeRuntime();
  const [a] = [await runtime.create({ workload, name: "aa" }), await runtime.create({ workload, name: "bb" })];
  await assert.rejects(a.rename("bb"), { code: "CONTAINER_NAME_USED" });
  await assert.rejects(a.rename("/"), { code: "CONTAINER_INVALID" });
  assert.equal(runtime.find("aa"), a);
  await a.rename("cc");
  assert.equal(runtime.find("cc"), a);
  assert.equal(a.name, "cc");
  assert.throws(() => runtime.find("aa"), { code: "CONTAINER_NOT_FOUND" });
});

test("Runtime.close() ends all, takes nothing new, and leaves it to the policies what comes back", async () => {
  const { runtime, runner, clock } = fakeRuntime();
  const made = await Promise.all(
    (["always", "no", "unless-stopped"] as const).map((name) => runtime.create({ workload, name, restart: { name } })),
  );
  for (const container of made) await container.start();
  const waiting = await runtime.create({ workload, name: "waiting", restart: { name: "always" } });
  await waiting.start();
  runner.last.exit(1);
  await settle();
  runner.processes[0]?.handleSignals();
  const events = collect(runtime.events());
  const logs = collect(waiting.logs({ follow: true }));
  const closing = runtime.close({ timeout: 3000 });
  await assert.rejects(runtime.create({ workload }), { code: "RUNTIME_CLOSED" });
  await assert.rejects(waiting.start(), { code: "RUNTIME_CLOSED" });
  await clock.advance(3000);
  await closing;
  assert.equal(runner.running, 0);
  assert.equal(clock.timerCount, 0);
  assert.equal((await events).filter(({ action }) => action === "die").length, 3);
  assert.deepEqual(await logs, []);
  assert.deepEqual(await collect(runtime.events()), []);

  const next = fakeRuntime();
  const records = structuredClone(runtime.list().map((container) => container.record()));
  for (const record of records) await next.runtime.restore(record);
  assert.deepEqual(await next.runtime.resume(), []);
  const running = next.runtime.list().filter((container) => container.inspect().state.status === "running");
  assert.deepEqual(
    running.map(({ name }) => name),
    ["always", "unless-stopped", "waiting"],
  );
});

test("Runtime.restore() says that what ran has ended, and keeps stopped what somebody stopped", async () => {
  const { runtime } = fakeRuntime();
  for (const name of ["always", "unless-stopped", "on-failure"] as const) {
    for (const stopped of [true, false]) {
      const container = await runtime.create({ workload, name: `${name}-${stopped}`, restart: { name } });
      await container.start();
      if (stopped) await container.stop();
    }
  }
  await runtime.create({ workload, name: "fresh", restart: { name: "always" } });
  // As a crash leaves them: nobody closed the runtime.
  const records = structuredClone(runtime.list().map((container) => container.record()));
  const { runtime: next, runner } = fakeRuntime();
  for (const record of records) await next.restore(record);
  const state = (name: string) => next.find(name).inspect().state;
  assert.deepEqual([state("always-false").status, state("always-false").exitCode], ["exited", 255]);
  assert.deepEqual([state("always-true").status, state("always-true").exitCode], ["exited", 143]);
  assert.equal(state("fresh").status, "created");
  runner.failures.push(new SampanError("FILE_NOT_FOUND", "Cannot read"));
  const failed = await next.resume();
  assert.deepEqual(
    failed.map(({ container }) => container.name),
    ["always-true"],
  );
  const running = next.list().filter((container) => container.inspect().state.status === "running");
  assert.deepEqual(
    running.map(({ name }) => name),
    ["always-false", "unless-stopped-false", "on-failure-false"],
  );
  const [record] = records;
  assert.ok(record !== undefined);
  await assert.rejects(next.restore(record), { code: "CONTAINER_INVALID" });
  await assert.rejects(next.restore({ ...record, id: "0".repeat(64) }), { code: "CONTAINER_NAME_USED" });
});
