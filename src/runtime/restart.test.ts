import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { formatRestartPolicy, nextDelay, parseRestartPolicy, restartsAfter, startsWithEngine } from "./restart.ts";
import { collect, fakeRuntime, settle } from "./runtime-fixture.ts";

const workload = { kind: "fake" };

test("parseRestartPolicy() reads what formatRestartPolicy() writes", () => {
  for (const text of ["no", "always", "unless-stopped", "on-failure", "on-failure:3"]) {
    assert.equal(formatRestartPolicy(parseRestartPolicy(text)), text);
  }
  assert.deepEqual(parseRestartPolicy("on-failure:0"), { name: "on-failure" });
});

test("parseRestartPolicy() refuses everything else and names the nearest policy", () => {
  for (const text of [
    "",
    "alway",
    "always:3",
    "on-failure:",
    "on-failure:x",
    "on-failure:-1",
    "on-failure:1:2",
    "no:1",
  ]) {
    assert.throws(() => parseRestartPolicy(text), { code: "CONTAINER_INVALID" }, text);
  }
  assert.throws(() => parseRestartPolicy("unless-stoped"), /"unless-stopped"/);
  assert.throws(() => parseRestartPolicy("whatever"), /wanted one of no, on-failure/);
});

test("nextDelay() doubles from 10 ms to a minute and begins anew after a run of 10 s", () => {
  const delays = [0];
  for (let i = 0; i < 15; i++) delays.push(nextDelay(delays.at(-1) ?? 0, 0));
  assert.deepEqual(delays.slice(1, 7), [10, 20, 40, 80, 160, 320]);
  assert.deepEqual(delays.slice(12, 15), [20_480, 40_960, 60_000]);
  assert.equal(nextDelay(60_000, 9_999), 60_000);
  assert.equal(nextDelay(60_000, 10_000), 10);
});

test("restartsAfter() never undoes a stop, startsWithEngine() does for always alone", () => {
  const stopped = { exitCode: 1, restartCount: 0, manuallyStopped: true };
  for (const text of ["no", "on-failure", "always", "unless-stopped"]) {
    assert.equal(restartsAfter(parseRestartPolicy(text), stopped), false, text);
    assert.equal(startsWithEngine(parseRestartPolicy(text), stopped), text === "always", text);
    assert.equal(
      startsWithEngine(parseRestartPolicy(text), { ...stopped, manuallyStopped: false }),
      text !== "no",
      text,
    );
  }
});

test("restartsAfter() looks at code and count for on-failure, for any of them", () => {
  fc.assert(
    fc.property(fc.nat(3), fc.nat(5), fc.option(fc.integer({ min: 1, max: 4 })), (exitCode, restartCount, max) => {
      const policy = { name: "on-failure" as const, max: max ?? undefined };
      const restarts = restartsAfter(policy, { exitCode, restartCount, manuallyStopped: false });
      assert.equal(restarts, exitCode > 0 && (max === null || restartCount < max));
    }),
  );
});

async function restarting(restart: string) {
  const made = fakeRuntime();
  const container = await made.runtime.create({ workload, name: "web", restart: parseRestartPolicy(restart) });
  await container.start();
  const state = () => container.inspect().state;
  return { ...made, container, state };
}

test("Container restarts after 10 ms, 20 ms, … and from 10 ms again once it ran for 10 s", async () => {
  const { runner, clock, state } = await restarting("always");
  for (const [count, delay] of [10, 20, 40].entries()) {
    runner.last.exit(0);
    await settle();
    assert.deepEqual([state().status, state().restartCount, state().restartDelay], ["restarting", count + 1, delay]);
    await clock.advance(delay - 1);
    assert.equal(runner.processes.length, count + 1);
    await clock.advance(1);
    assert.equal(runner.processes.length, count + 2);
    assert.equal(state().status, "running");
  }
  await clock.advance(10_000);
  runner.last.exit(0);
  await settle();
  assert.equal(state().restartDelay, 10);
});

test("Container with on-failure:2 gives up after two restarts, and counts anew when somebody starts it", async () => {
  const { runner, clock, container, state } = await restarting("on-failure:2");
  for (let round = 0; round < 2; round++) {
    for (let run = 0; run < 3; run++) {
      runner.last.exit(1);
      await settle();
      await clock.advance(1000);
    }
    assert.deepEqual([state().status, state().restartCount, runner.processes.length], ["exited", 2, 3 * (round + 1)]);
    if (round === 0) await container.start();
  }
});

test("Container with on-failure is left alone once it succeeds", async () => {
  const { runner, clock, state } = await restarting("on-failure");
  runner.last.exit(0);
  await clock.advance(60_000);
  assert.deepEqual([state().status, runner.processes.length], ["exited", 1]);
});

test("Container.stop() calls off a restart that is due, kill() too, delete() wants force", async () => {
  for (const end of ["stop", "kill", "delete"] as const) {
    const { runner, clock, container, state } = await restarting("always");
    runner.last.exit(1);
    await settle();
    await assert.rejects(container.delete(), { code: "CONTAINER_RUNNING" });
    const waiting = container.wait();
    await (end === "delete" ? container.delete({ force: true }) : container[end]());
    assert.equal((await waiting).exitCode, 1);
    if (end !== "delete") assert.deepEqual([state().status, state().manuallyStopped], ["exited", true]);
    await clock.advance(120_000);
    assert.equal(runner.processes.length, 1, end);
    assert.equal(clock.timerCount, 0, end);
  }
});

test("Container.start() does not wait for a restart that is due, and the delay begins anew", async () => {
  const { runner, clock, container, state } = await restarting("always");
  for (const delay of [10, 20]) {
    runner.last.exit(1);
    await clock.advance(delay);
  }
  runner.last.exit(1);
  await settle();
  assert.equal(await container.start(), true);
  assert.deepEqual([state().status, state().restartCount, runner.processes.length], ["running", 0, 4]);
  await clock.advance(60_000);
  assert.equal(runner.processes.length, 4);
});

test("Container is not restarted after a signal that somebody sent, and is after one of its own", async () => {
  for (const signal of ["SIGTERM", "SIGKILL", "SIGINT", "SIGHUP", "SIGUSR1"]) {
    const { runner, clock, container, state } = await restarting("always");
    await container.kill(signal);
    await clock.advance(1000);
    assert.deepEqual([state().status, runner.processes.length], ["exited", 1], signal);
  }
  const { runner, clock } = await restarting("always");
  runner.last.finish({ kind: "signal", signal: 6 });
  await clock.advance(10);
  assert.equal(runner.processes.length, 2);
});

test("Container is restarted after a crash that follows a signal which only told it something", async () => {
  const { runner, clock, container } = await restarting("always");
  runner.last.handleSignals();
  await container.kill("SIGHUP");
  runner.last.finish({ kind: "trap", message: "unreachable", backtrace: [] });
  await clock.advance(10);
  assert.equal(runner.processes.length, 2);
});

test("Container.kill() with a signal that only tells something leaves a restart due", async () => {
  const { runner, clock, container } = await restarting("always");
  runner.last.exit(1);
  await settle();
  await assert.rejects(container.kill("SIGHUP"), { code: "CONTAINER_NOT_RUNNING" });
  await clock.advance(10);
  assert.equal(runner.processes.length, 2);
});

test("Container gives up a restart that fails for good and tries again where something is lacking for the moment", async () => {
  const { runner, clock, container, state, runtime } = await restarting("always");
  runner.failures.push(
    new SampanError("WASM_FEATURE", "Cannot compile"),
    new SampanError("FILE_NOT_FOUND", "Cannot read"),
  );
  const events = collect(runtime.events());
  runner.last.exit(1);
  await settle();
  const waiting = container.wait();
  await clock.advance(10);
  assert.deepEqual([state().status, state().restartCount, state().exitCode], ["restarting", 2, 126]);
  await clock.advance(20);
  assert.deepEqual([state().status, state().exitCode, state().manuallyStopped], ["exited", 127, false]);
  assert.equal((await waiting).exitCode, 127);
  await runtime.close();
  assert.deepEqual(
    (await events).map(({ action, attributes }) => [action, attributes["error"]]),
    [
      ["die", undefined],
      ["die", "WASM_FEATURE"],
      ["die", "FILE_NOT_FOUND"],
    ],
  );
});
