import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import type { ContainerConfig } from "./container-record.ts";
import { collect, fakeRuntime, settle } from "./runtime-fixture.ts";

const workload = { kind: "fake", image: "registry.example/app:1" };

async function started(config: Partial<ContainerConfig> = {}) {
  const made = fakeRuntime();
  const container = await made.runtime.create({ workload, name: "web", ...config });
  await container.start();
  const status = (): string => container.inspect().state.status;
  const actions = async (): Promise<string[]> => {
    const kept = made.runtime.events({ since: 0 });
    const found: string[] = [];
    for (;;) {
      const next = await Promise.race([kept.next(), settle().then(() => undefined)]);
      if (next === undefined || next.done === true) break;
      const { action, attributes } = next.value;
      const detail = attributes["signal"] ?? attributes["exitCode"];
      found.push(detail === undefined ? action : `${action} ${detail}`);
    }
    await kept.return?.();
    return found;
  };
  return { ...made, container, status, actions };
}

test("Container.start() runs the workload with its data, and is content where it runs already", async () => {
  const { container, runner, status } = await started();
  assert.equal(status(), "running");
  assert.equal(await container.start(), false);
  assert.equal(runner.processes.length, 1);
  assert.deepEqual(runner.last.workload, workload);
  assert.equal(runner.last.io.stdin, undefined);
});

test("Container.start() called twice at once starts one process", async () => {
  const { runtime, runner } = fakeRuntime();
  const container = await runtime.create({ workload });
  assert.deepEqual(await Promise.all([container.start(), container.start()]), [true, false]);
  assert.equal(runner.processes.length, 1);
});

test("Container.inspect() shows state, code, times and ending as data that stays as it is", async () => {
  const { container, runner, clock } = await started();
  const before = container.inspect();
  await clock.advance(1500);
  runner.last.exit(3);
  assert.deepEqual(await container.wait(), { exitCode: 3, ending: { kind: "exit", code: 3 } });
  const { state } = container.inspect();
  assert.equal(before.state.status, "running");
  assert.equal(state.status, "exited");
  assert.deepEqual([state.exitCode, state.restartCount, state.manuallyStopped], [3, 0, false]);
  assert.equal(Date.parse(state.finishedAt ?? "") - Date.parse(state.startedAt ?? ""), 1500);
  assert.deepEqual(structuredClone(container.inspect()), container.inspect());
});

test("Container.stop() ends at once, with 143, a workload that handles no signals", async () => {
  const { container, runner, clock, actions } = await started();
  assert.equal(await container.stop(), true);
  assert.deepEqual(runner.last.ends, ["SIGTERM"]);
  assert.equal(container.inspect().state.exitCode, 143);
  assert.equal(clock.timerCount, 0);
  assert.deepEqual(await actions(), ["create", "start", "kill 15", "die 143", "stop"]);
  assert.equal(await container.stop(), false);
});

test("Container.stop() kills a workload that handles SIGTERM only after the grace period of 10 s", async () => {
  const { container, runner, clock, status, actions } = await started();
  runner.last.handleSignals();
  const stopped = container.stop();
  await clock.advance(9_999);
  assert.deepEqual([runner.last.delivered, runner.last.ends], [["SIGTERM"], []]);
  assert.equal(status(), "running");
  await clock.advance(1);
  assert.equal(await stopped, true);
  assert.deepEqual(runner.last.ends, ["SIGKILL"]);
  assert.deepEqual(await actions(), ["create", "start", "kill 15", "kill 9", "die 137", "stop"]);
});

test("Container.stop() takes the stop signal and the grace period that were configured or asked for", async () => {
  const { container, runner, clock } = await started({ stopSignal: "int", stopTimeout: 500 });
  runner.last.handleSignals();
  const stopped = container.stop();
  await clock.advance(500);
  await stopped;
  assert.deepEqual([runner.last.delivered, runner.last.ends], [["SIGINT"], ["SIGKILL"]]);
  await container.start();
  runner.last.handleSignals();
  const endless = container.stop({ timeout: -1 });
  await clock.advance(3_600_000);
  assert.deepEqual(runner.last.ends, []);
  runner.last.exit(0);
  assert.equal(await endless, true);
});

test("Container.stop() answers at once for a workload that ends by itself when it is asked to", async () => {
  const { container, runner } = await started();
  runner.last.handleSignals();
  const stopped = container.stop();
  await settle();
  runner.last.exit(7);
  await stopped;
  assert.equal(container.inspect().state.exitCode, 7);
});

test("Container.kill() gets through while a stop waits", async () => {
  const { container, runner } = await started();
  runner.last.handleSignals();
  const stopped = container.stop();
  await settle();
  await container.kill();
  assert.equal(await stopped, true);
  assert.equal(container.inspect().state.exitCode, 137);
});

test("Container.kill() hands signals to workloads that handle them and does the default for the others", async () => {
  const { container, runner, status } = await started();
  await container.kill("SIGWINCH");
  await container.kill("SIGCHLD");
  assert.deepEqual(runner.last.ends, []);
  runner.last.handleSignals("SIGUSR2");
  await container.kill("hup");
  await container.kill(10);
  await settle();
  assert.deepEqual(runner.last.delivered, ["SIGHUP", "SIGUSR1"]);
  assert.equal(status(), "running");
  await container.kill("SIGUSR2");
  await container.wait();
  assert.equal(container.inspect().state.exitCode, 128 + 12);
});

test("Container.kill() is refused where nothing runs", async () => {
  const { container, runner } = await started();
  runner.last.exit(0);
  await settle();
  await assert.rejects(container.kill(), { code: "CONTAINER_NOT_RUNNING" });
});

test("Container.kill() and stop() say so where a workload does not end", async () => {
  const { container, runner, clock } = await started();
  runner.last.isImmortal = true;
  const results = [container.kill(), container.stop({ timeout: 0 }), container.delete({ force: true })].map((each) =>
    assert.rejects(each, { code: "CONTAINER_STUCK" }),
  );
  await clock.advance(30_000);
  await Promise.all(results);
  runner.last.finish({ kind: "exit", code: 0 });
  await container.wait();
  await container.delete();
});

test("Container.delete() is refused while it runs, and kills first where it is forced", async () => {
  const { container, runner, runtime, actions } = await started();
  await assert.rejects(container.delete(), (error) => {
    assert.ok(error instanceof SampanError);
    assert.equal(error.code, "CONTAINER_RUNNING");
    assert.match(error.hint ?? "", /sampan rm -f web/);
    return true;
  });
  const removed = container.wait("removed");
  await container.delete({ force: true });
  assert.equal((await removed).exitCode, 137);
  assert.deepEqual(runner.last.ends, ["SIGKILL"]);
  assert.deepEqual(runtime.list(), []);
  assert.deepEqual(await actions(), ["create", "start", "kill 9", "die 137", "destroy"]);
});

test("Container refuses everything once it is removed, but tells that it is", async () => {
  const { container } = await started();
  await container.delete({ force: true });
  const gone = { code: "CONTAINER_NOT_FOUND" };
  await assert.rejects(container.start(), gone);
  await assert.rejects(container.stop(), gone);
  await assert.rejects(container.kill(), gone);
  await assert.rejects(container.delete(), gone);
  await assert.rejects(container.rename("other"), gone);
  await assert.rejects(container.wait(), gone);
  assert.throws(() => container.logs(), gone);
  assert.equal((await container.wait("removed")).exitCode, 137);
});

test("Container.start() is refused between a forced removal's kill and its end", async () => {
  const { container, runner } = await started();
  runner.last.isImmortal = true;
  const removed = container.delete({ force: true });
  const start = assert.rejects(container.start(), { code: "CONTAINER_NOT_FOUND" });
  await start;
  runner.last.exit(0);
  await removed;
  assert.equal(runner.processes.length, 1);
});

test("Container.restart() stops, starts and tells it last, for one that is removed at its end too", async () => {
  const { container, runner, actions } = await started({ autoRemove: true });
  await container.restart();
  assert.equal(runner.processes.length, 2);
  assert.equal(container.inspect().state.status, "running");
  assert.deepEqual(await actions(), ["create", "start", "kill 15", "die 143", "stop", "start", "restart"]);
  runner.last.exit(0);
  await container.wait("removed");
});

test("Container.wait() tells not-running, next-exit and removed apart", async () => {
  const { container, runner, clock } = await started({ restart: { name: "on-failure", max: 1 } });
  const order: string[] = [];
  const waits = (["not-running", "next-exit", "removed"] as const).map(async (condition) => {
    const { exitCode } = await container.wait(condition);
    order.push(`${condition} ${exitCode}`);
  });
  runner.last.exit(1);
  await settle();
  assert.deepEqual(order, ["next-exit 1"]);
  await clock.advance(100);
  runner.last.exit(2);
  await settle();
  assert.deepEqual(order, ["next-exit 1", "not-running 2"]);
  assert.equal((await container.wait()).exitCode, 2);
  await container.delete();
  await Promise.all(waits);
  assert.deepEqual(order, ["next-exit 1", "not-running 2", "removed 2"]);
});

test("Container.wait() ends when its signal is aborted", async () => {
  const { container } = await started();
  const [before, later] = [AbortSignal.abort(new Error("before")), new AbortController()];
  await assert.rejects(container.wait("not-running", { signal: before }), /before/);
  const waiting = container.wait("removed", { signal: later.signal });
  later.abort(new Error("later"));
  await assert.rejects(waiting, /later/);
});

test("Container.wait() answers at once for one that was never started", async () => {
  const { runtime } = fakeRuntime();
  const container = await runtime.create({ workload });
  assert.equal((await container.wait()).exitCode, 0);
});

test("Container keeps why a start failed, stays created and can be started again", async () => {
  const { runtime, runner } = fakeRuntime();
  const container = await runtime.create({ workload });
  runner.failures.push(new SampanError("GUEST_NOT_RUNNABLE", "Cannot run it"));
  await assert.rejects(container.start(), { code: "GUEST_NOT_RUNNABLE" });
  const { state } = container.inspect();
  assert.deepEqual([state.status, state.exitCode], ["created", 126]);
  assert.deepEqual(state.ending, {
    kind: "error",
    error: { code: "GUEST_NOT_RUNNABLE", message: "Cannot run it" },
  });
  assert.equal(await container.start(), true);
  assert.deepEqual([container.inspect().state.exitCode, container.inspect().state.ending], [0, undefined]);
});

test("Container with autoRemove is removed when it ends, when it is stopped and when it cannot start", async () => {
  for (const end of ["exit", "stop", "failure"]) {
    const { runtime, runner } = fakeRuntime();
    const container = await runtime.create({ workload, autoRemove: true });
    if (end === "failure") runner.failures.push(new Error("no"));
    if (end === "failure") await assert.rejects(container.start(), /no/);
    else await container.start();
    if (end === "exit") runner.last.exit(0);
    if (end === "stop") await container.stop();
    await container.wait("removed");
    assert.deepEqual(runtime.list(), [], end);
  }
});

test("Container tells limits before the end that they brought", async () => {
  for (const [code, action] of [
    ["LIMIT_MEMORY", "oom"],
    ["LIMIT_DEADLINE", "limit"],
  ] as const) {
    const { container, runner, runtime } = await started();
    const events = collect(runtime.events());
    runner.last.finish({ kind: "error", error: { code, message: "Cannot go on" } });
    await container.wait();
    await runtime.close();
    const found = await events;
    assert.deepEqual(
      found.map(({ action: each }) => each),
      [action, "die"],
    );
    assert.equal(found[1]?.attributes["error"], code);
    assert.equal(found[1]?.attributes["exitCode"], code === "LIMIT_DEADLINE" ? "124" : "125");
    if (action === "limit") assert.equal(found[0]?.attributes["limit"], code);
  }
});

test("Container takes a rejected exit for a defect", async () => {
  const { runtime } = fakeRuntime({
    runners: { fake: { start: () => ({ exited: Promise.reject(new Error("host bug")), end: () => {} }) } },
  });
  const container = await runtime.create({ workload });
  await container.start();
  const { exitCode, ending } = await container.wait();
  assert.equal(exitCode, 125);
  assert.ok(ending?.kind === "bug");
  assert.match(ending.stack, /host bug/);
});

test("Container.kill() during a start that takes its time ends what was started", async () => {
  const { runtime, runner } = fakeRuntime();
  const container = await runtime.create({ workload });
  const { promise, resolve } = Promise.withResolvers<void>();
  runner.gate = promise;
  const starting = container.start();
  const killing = container.kill();
  await settle();
  assert.equal(container.inspect().state.status, "created");
  resolve();
  assert.equal(await starting, true);
  await killing;
  assert.equal(container.inspect().state.exitCode, 137);
});
