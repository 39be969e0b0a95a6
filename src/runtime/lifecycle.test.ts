import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import type { Container } from "./container.ts";
import type { ReceivedEvent } from "./events.ts";
import type { RestartPolicy } from "./restart.ts";
import { type FakeClock, type FakeProcess, type FakeRunner, fakeRuntime, settle } from "./runtime-fixture.ts";
import { signalNumber } from "./signals.ts";

/** What somebody may do to a container, or what may happen to it. */
type Operation =
  | { readonly do: "start" }
  | { readonly do: "stop" }
  | { readonly do: "kill"; readonly signal: "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGWINCH" }
  | { readonly do: "delete"; readonly force: boolean }
  /** The process ends by itself. */
  | { readonly do: "exit"; readonly code: number }
  /** The next start fails, for good or for the moment. */
  | { readonly do: "fail"; readonly code: "FILE_NOT_FOUND" | "LOG_UNWRITABLE" }
  /** Processes that start from now on handle signals, or not. */
  | { readonly do: "handle"; readonly signals: boolean };

interface Job {
  readonly operation: Operation;
  /** `pending`, what it answered, or the code of its error. */
  result: string;
}

interface Real {
  readonly container: Container;
  readonly runner: FakeRunner;
  readonly clock: FakeClock;
  readonly jobs: Job[];
}

const grace = 1000;

/** The lifecycle said once more, as plainly as can be: one thing at a time, no promises. */
class Model {
  status: "created" | "running" | "restarting" | "exited" | "removed" = "created";
  exitCode = 0;
  restartCount = 0;
  manual = false;
  starts = 0;
  now = 0;
  readonly policy: RestartPolicy;
  readonly results: string[] = [];
  /** The wait before the last restart. */
  delay = 0;
  #streak = 0;
  #handlesNext = false;
  #handles = false;
  #began = 0;
  #restartAt = 0;
  readonly #failures: ("FILE_NOT_FOUND" | "LOG_UNWRITABLE")[] = [];
  /** How the process that runs is going to end, once the batch is through. */
  #exit: { code: number; signal?: number } | undefined;
  readonly #sent = new Set<number>();
  #isRemoving = false;
  /** Stops that wait for the grace period, by the index of their results, and when it is over. */
  #stops: { index: number; at: number }[] = [];
  /** Kills and removals that wait for the end. */
  #enders: { index: number; removes: boolean }[] = [];

  constructor(policy: RestartPolicy) {
    this.policy = policy;
  }

  batch(operations: readonly Operation[]): void {
    // A process ends at once; all that was asked for in the same moment is dealt with before its end is.
    for (const operation of operations) {
      if (operation.do === "exit" && this.status === "running") this.#exit ??= { code: operation.code };
      if (operation.do === "handle") this.#handlesNext = operation.signals;
      if (operation.do === "fail") this.#failures.push(operation.code);
    }
    for (const operation of operations) this.results.push(this.#apply(operation, this.results.length));
    this.#finish();
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const stop = this.status === "running" ? Math.min(...this.#stops.map(({ at }) => at)) : Number.POSITIVE_INFINITY;
      const next = this.status === "restarting" ? this.#restartAt : stop;
      if (next > end) break;
      this.now = next;
      if (this.status === "restarting") this.#restart();
      else this.#kill("SIGKILL");
      this.#finish();
    }
    this.now = end;
  }

  #apply(operation: Operation, index: number): string {
    const isDue = this.status === "restarting";
    if (operation.do === "exit" || operation.do === "fail" || operation.do === "handle") return "done";
    if (this.status === "removed") return "CONTAINER_NOT_FOUND";
    if (operation.do === "start") return this.#start();
    if (operation.do === "stop") {
      if (!isDue && this.status !== "running") return "false";
      this.manual = true;
      if (isDue) this.status = "exited";
      if (isDue) return "true";
      this.#kill("SIGTERM");
      this.#stops.push({ index, at: this.now + grace });
      return "pending";
    }
    if (operation.do === "kill") {
      const asksToEnd = operation.signal === "SIGTERM" || operation.signal === "SIGKILL";
      if (this.status !== "running" && !(isDue && asksToEnd)) return "CONTAINER_NOT_RUNNING";
      if (asksToEnd) this.manual = true;
      if (isDue) this.status = "exited";
      if (isDue) return "undefined";
      this.#kill(operation.signal);
      if (operation.signal !== "SIGKILL") return "undefined";
      this.#enders.push({ index, removes: false });
      return "pending";
    }
    if (!operation.force && (isDue || this.status === "running")) return "CONTAINER_RUNNING";
    if (this.status !== "running") {
      this.status = "removed";
      return "undefined";
    }
    this.manual = true;
    this.#isRemoving = true;
    this.#kill("SIGKILL");
    this.#enders.push({ index, removes: true });
    return "pending";
  }

  #start(): string {
    if (this.#isRemoving) return "CONTAINER_NOT_FOUND";
    if (this.status === "running") return "false";
    const failure = this.#failures.shift();
    if (failure === undefined) {
      this.#run();
      [this.restartCount, this.#streak, this.delay, this.manual] = [0, 0, 0, false];
      return "true";
    }
    if (this.status !== "created") this.status = "exited";
    this.exitCode = failure === "FILE_NOT_FOUND" ? 127 : 125;
    return failure;
  }

  #run(): void {
    this.status = "running";
    this.exitCode = 0;
    this.starts += 1;
    this.#began = this.now;
    this.#handles = this.#handlesNext;
    this.#sent.clear();
  }

  #restart(): void {
    const failure = this.#failures.shift();
    if (failure === undefined) {
      this.#run();
      return;
    }
    this.exitCode = failure === "FILE_NOT_FOUND" ? 127 : 125;
    this.#decide(0, failure === "LOG_UNWRITABLE");
  }

  #kill(signal: "SIGTERM" | "SIGKILL" | "SIGHUP" | "SIGWINCH"): void {
    const number = signalNumber(signal);
    this.#sent.add(number);
    if (signal !== "SIGKILL" && (this.#handles || signal === "SIGWINCH")) return;
    this.#exit ??= { code: 128 + number, signal: number };
  }

  #finish(): void {
    if (this.#exit === undefined || this.status !== "running") return;
    const { code, signal } = this.#exit;
    this.#exit = undefined;
    this.exitCode = code;
    if (signal !== undefined && this.#sent.has(signal)) this.manual = true;
    this.#decide(this.now - this.#began, !this.#isRemoving);
    for (const { index } of this.#stops) this.results[index] = "true";
    for (const { index, removes } of this.#enders) {
      this.results[index] = "undefined";
      if (removes) this.status = "removed";
    }
    this.#stops = [];
    this.#enders = [];
    this.#isRemoving = false;
  }

  #decide(ran: number, mayRestart: boolean): void {
    const { policy } = this;
    const max = policy.name === "on-failure" ? (policy.max ?? 1e9) : 1e9;
    const wants = policy.name === "on-failure" ? this.exitCode !== 0 && this.restartCount < max : policy.name !== "no";
    this.status = wants && mayRestart && !this.manual ? "restarting" : "exited";
    if (this.status === "exited") return;
    this.#streak = ran >= 10_000 ? 1 : this.#streak + 1;
    this.restartCount += 1;
    this.delay = Math.min(10 * 2 ** (this.#streak - 1), 60_000);
    this.#restartAt = this.now + this.delay;
  }
}

/** Several operations in the same moment. */
class Batch implements fc.AsyncCommand<Model, Real> {
  readonly #operations: readonly Operation[];

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    for (const operation of this.#operations) real.jobs.push(perform(operation, real));
    model.batch(this.#operations);
    await settle();
    compare(model, real);
  }

  toString(): string {
    return `at once ${JSON.stringify(this.#operations)}`;
  }
}

class Advance implements fc.AsyncCommand<Model, Real> {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    await real.clock.advance(this.#ms);
    model.advance(this.#ms);
    compare(model, real);
  }

  toString(): string {
    return `${this.#ms} ms`;
  }
}

function perform(operation: Operation, { container, runner }: Real): Job {
  const job: Job = { operation, result: "pending" };
  const note = (result: Promise<unknown>): void => {
    result.then(
      (value) => (job.result = String(value)),
      (error: unknown) => (job.result = error instanceof SampanError ? error.code : String(error)),
    );
  };
  switch (operation.do) {
    case "start":
      note(container.start());
      break;
    case "stop":
      note(container.stop());
      break;
    case "kill":
      note(container.kill(operation.signal));
      break;
    case "delete":
      note(container.delete({ force: operation.force }));
      break;
    case "exit":
      runner.processes.at(-1)?.exit(operation.code);
      job.result = "done";
      break;
    case "fail":
      runner.failures.push(new SampanError(operation.code, "Cannot start"));
      job.result = "done";
      break;
    case "handle":
      runner.onStart = (process: FakeProcess) => (operation.signals ? process.handleSignals() : undefined);
      job.result = "done";
      break;
  }
  return job;
}

function compare(model: Model, { container, runner, jobs }: Real): void {
  const { state } = container.inspect();
  assert.deepEqual(
    jobs.map(({ result }) => result),
    model.results,
  );
  assert.equal(runner.processes.length, model.starts, "starts");
  assert.equal(runner.running, model.status === "running" ? 1 : 0, "processes that run");
  assert.equal(state.exitCode, model.exitCode, "exit code");
  if (model.status === "removed") return;
  assert.equal(state.status, model.status);
  const { restartCount, restartDelay, manuallyStopped } = state;
  assert.deepEqual([restartCount, restartDelay, manuallyStopped], [model.restartCount, model.delay, model.manual]);
}

const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Operation>({ do: "start" }) },
  { weight: 2, arbitrary: fc.constant<Operation>({ do: "stop" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("kill" as const),
      signal: fc.constantFrom("SIGTERM", "SIGKILL", "SIGHUP", "SIGWINCH"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), force: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("exit" as const), code: fc.constantFrom(0, 1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("fail" as const),
      code: fc.constantFrom("FILE_NOT_FOUND", "LOG_UNWRITABLE"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("handle" as const), signals: fc.boolean() }) },
);

const anyCommands = fc.commands(
  [
    fc.array(anyOperation, { minLength: 1, maxLength: 4 }).map((operations) => new Batch(operations)),
    fc.constantFrom(50, 100, 400, 999, 1000, 11_000, 70_000).map((ms) => new Advance(ms)),
  ],
  { maxCommands: 25 },
);

const anyPolicy: fc.Arbitrary<RestartPolicy> = fc.constantFrom(
  { name: "no" },
  { name: "always" },
  { name: "unless-stopped" },
  { name: "on-failure" },
  { name: "on-failure", max: 2 },
);

/** What holds for the events of one container, whatever happened to it. */
function checkEvents(events: readonly ReceivedEvent[]): void {
  let isRunning = false;
  for (const [index, { action, attributes }] of events.entries()) {
    assert.equal(action === "create", index === 0);
    assert.equal(action === "destroy", index === events.length - 1);
    if (action === "start") assert.equal(isRunning, false);
    if (action === "kill") assert.equal(isRunning, true);
    // A restart that cannot start has an end and no beginning, and says why.
    if (action === "die") assert.ok(isRunning || attributes["error"] !== undefined);
    if (action === "start" || action === "die") isRunning = action === "start";
  }
}

test("Container does what a model of one thing at a time does, whatever is asked for at once", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(anyPolicy, anyCommands, async (policy, commands) => {
      const { runtime, runner, clock } = fakeRuntime({ events: { behind: 10_000 } });
      const found: ReceivedEvent[] = [];
      const events = (async () => {
        for await (const event of runtime.events()) found.push(event);
      })();
      const container = await runtime.create({
        workload: { kind: "fake" },
        restart: policy,
        stopTimeout: grace,
      });
      const waits = Promise.all([container.wait("removed"), container.wait("next-exit"), container.wait()]);
      const real: Real = { container, runner, clock, jobs: [] };
      await fc.asyncModelRun(() => ({ model: new Model(policy), real }), commands);
      await container.delete({ force: true }).catch(() => {});
      await waits;
      await settle();
      assert.deepEqual([runner.running, clock.timerCount, runtime.list().length], [0, 0, 0]);
      for (const { operation, result } of real.jobs) {
        const what = `${operation.do} ${result}`;
        seen.set(what, (seen.get(what) ?? 0) + 1);
        assert.notEqual(result, "pending");
      }
      await runtime.close();
      await events;
      checkEvents(found);
    }),
    { numRuns: 1000 },
  );
  // The model has been where it matters.
  for (const what of [
    "start true",
    "start false",
    "stop true",
    "stop false",
    "kill undefined",
    "kill CONTAINER_NOT_RUNNING",
  ]) {
    assert.ok((seen.get(what) ?? 0) > 20, `${what}: ${seen.get(what)}`);
  }
  for (const what of [
    "delete CONTAINER_RUNNING",
    "delete undefined",
    "start FILE_NOT_FOUND",
    "start CONTAINER_NOT_FOUND",
  ]) {
    assert.ok((seen.get(what) ?? 0) > 5, `${what}: ${seen.get(what)}`);
  }
});
