import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import type { FromWorker, ToWorker, WorkerConfig, WorkerReport } from "../protocol.ts";
import { FakeClock } from "./fake-clock-fixture.ts";
import type { WorkerHandle } from "./worker-handle.ts";
import { WorkerSlot } from "./worker-slot.ts";

/** A worker that does what a test says. */
class FakeWorker implements WorkerHandle {
  readonly got: ToWorker[] = [];
  say: (message: FromWorker) => void = () => {};
  die: (why: string) => void = () => {};
  isEnded = false;

  post(message: ToWorker): void {
    this.got.push(message);
  }

  listen(listener: (message: FromWorker) => void): void {
    this.say = listener;
  }

  onGone(listener: (why: string) => void): void {
    this.die = listener;
  }

  end(): Promise<void> {
    this.isEnded = true;
    this.die("ended");
    return Promise.resolve();
  }

  get kinds(): string[] {
    return this.got.map(({ kind }) => kind);
  }
}

const address = { host: "127.0.0.1", port: 1 };
const config = (generation: number): WorkerConfig => ({
  generation,
  listen: address,
  routes: [],
  workloads: [],
  limits: {} as WorkerConfig["limits"],
  trusted: [],
  accessLog: "off",
});
const report = (generation: number): WorkerReport => ({ generation, connections: 0, metrics: [], workloads: [] });

function makeSlot() {
  const workers: FakeWorker[] = [];
  const told: string[] = [];
  const retired: WorkerReport[] = [];
  const clock = new FakeClock();
  const slot = new WorkerSlot(config(1), {
    name: "worker 1",
    clock,
    start: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    },
    onLines: () => {},
    onDeath: () => {},
    tell: (line) => told.push(line),
    onRetired: (each) => retired.push(each),
  });
  return {
    slot,
    workers,
    told,
    retired,
    clock,
    worker: (at: number): FakeWorker => workers[at] ?? assert.fail(`${at}`),
  };
}

test("WorkerSlot replaces a worker that dies, after a wait that grows, with the configuration that holds now", async () => {
  const { slot, workers, told, clock, worker } = makeSlot();
  const started = slot.start();
  worker(0).say({ kind: "ready", address });
  assert.deepEqual(await started, address);
  const configured = slot.configure(config(2));
  worker(0).say({ kind: "configured", generation: 2 });
  await configured;
  worker(0).die("it used up its JavaScript heap");
  assert.equal(slot.isReady, false);
  assert.match(told[0] ?? "", /^worker 1 is gone.*heap; a new one starts in 10 ms$/);
  clock.move(10);
  assert.deepEqual(worker(1).got, [{ kind: "configure", config: config(2) }]);
  worker(1).die("it failed");
  assert.match(told[1] ?? "", /in 20 ms$/);
  clock.move(20);
  worker(2).say({ kind: "ready", address });
  assert.equal(slot.isReady, true);
  clock.move(60_000);
  worker(2).die("it failed");
  assert.match(told[2] ?? "", /in 10 ms$/);
  assert.equal(workers.length, 3);
});

test("WorkerSlot.configure() holds over a death, and hands on what a worker cannot take", async () => {
  const { slot, clock, worker } = makeSlot();
  const started = slot.start();
  worker(0).say({ kind: "ready", address });
  await started;
  const second = slot.configure(config(2));
  worker(0).die("it failed");
  clock.move(10);
  worker(1).say({ kind: "ready", address });
  assert.deepEqual(worker(1).kinds, ["configure", "configure"]);
  worker(1).say({ kind: "configured", generation: 2 });
  await second;
  const third = slot.configure(config(3));
  const error = new SampanError("SERVE_CONFIG_INVALID", "Cannot").toData();
  worker(1).say({ kind: "failed", generation: 3, error });
  await assert.rejects(third, { code: "SERVE_CONFIG_INVALID" });
});

test("WorkerSlot.start() fails by what the first worker says, and by its death", async () => {
  const one = makeSlot();
  const failing = one.slot.start();
  one.worker(0).say({ kind: "failed", error: new SampanError("SERVE_PORT_TAKEN", "Cannot listen").toData() });
  await assert.rejects(failing, { code: "SERVE_PORT_TAKEN" });
  assert.equal(one.worker(0).isEnded, true);
  const other = makeSlot();
  const dying = other.slot.start();
  other.worker(0).die("it failed");
  await assert.rejects(dying, { code: "SERVE_WORKER_LOST", message: /Cannot start worker 1: it failed/ });
  other.clock.move(60_000);
  assert.equal(other.workers.length, 1);
});

test("WorkerSlot.report() answers the last report of a worker that does not answer, and retires it at its death", async () => {
  const { slot, clock, worker, retired } = makeSlot();
  const started = slot.start();
  assert.equal(await slot.report(), undefined);
  worker(0).say({ kind: "ready", address });
  await started;
  const first = slot.report();
  worker(0).say({ kind: "report", id: 1, report: report(1) });
  assert.deepEqual(await first, report(1));
  const second = slot.report();
  clock.move(2_000);
  assert.deepEqual(await second, report(1));
  const third = slot.report();
  worker(0).die("it failed");
  assert.deepEqual(await third, report(1));
  assert.deepEqual(retired, [report(1)]);
});

test("WorkerSlot.drain() waits for the worker to say so, or for its time, and starts no other", async () => {
  for (const way of ["drained", "time", "death"] as const) {
    const { slot, workers, clock, worker } = makeSlot();
    const started = slot.start();
    worker(0).say({ kind: "ready", address });
    await started;
    const draining = slot.drain(5_000);
    assert.deepEqual(worker(0).got.at(-1), { kind: "drain", ms: 5_000 });
    if (way === "drained") {
      worker(0).say({ kind: "report", id: 1, report: report(1) });
      worker(0).say({ kind: "drained" });
    } else if (way === "time") clock.move(6_000);
    else worker(0).die("it failed");
    await draining;
    clock.move(60_000);
    assert.equal(workers.length, 1, way);
    assert.equal(slot.isReady, false);
  }
});
