import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import type { HttpField } from "../../engine/index.ts";
import type { ServedRequest } from "./served-request.ts";
import { answerBody, FakeExchange, FakeRunner, servedRequest, settled, testWorkload } from "./served-fixture.ts";

const runnerOf = (runners: readonly unknown[], at = 0): FakeRunner => {
  const runner = runners[at];
  assert.ok(runner instanceof FakeRunner);
  return runner;
};
const ok = { status: 200, fields: [] };

test("Workload starts with the first request, once for all that come meanwhile", async () => {
  const { workload, runners, take } = testWorkload();
  assert.equal(workload.report().state, "zero");
  take();
  take();
  assert.equal(workload.report().state, "starting");
  await settled();
  assert.equal(runners.length, 1);
  assert.equal(runnerOf(runners).begun.length, 2);
  assert.deepEqual([workload.report().state, workload.report().inUse], ["warm", 2]);
});

test("Workload answers so many requests at once, has so many wait in turn, and refuses the rest", async () => {
  const { runners, failures, take, workload } = testWorkload({ limits: { maxConcurrent: 2, maxQueue: 2 } });
  const [one, two, three, four, five] = [1, 2, 3, 4, 5].map((number) => take(new FakeExchange({ path: `/${number}` })));
  await settled();
  const runner = runnerOf(runners);
  assert.deepEqual(five?.answered?.status, 503);
  assert.ok(five.answered.fields.includes("retry-after: 1"));
  assert.deepEqual(failures, ["queue_full"]);
  assert.equal(workload.queued, 2);
  runner.begun[0]?.respond(ok);
  runner.settle();
  await settled();
  assert.deepEqual(
    runner.begun.map(({ path }) => path),
    ["/1", "/2", "/3"],
  );
  three?.leave();
  four?.leave();
  runner.settle();
  await settled();
  // The one that left while it waited is not begun.
  assert.equal(runner.begun.length, 3);
  assert.equal(one?.answered?.status, 200);
  assert.equal(two?.answered?.status, 500);
});

test("Workload that answers at once takes a long queue without a deep stack", async () => {
  const gate = Promise.withResolvers<undefined>();
  const { take, runners } = testWorkload({ limits: { maxConcurrent: 1, maxQueue: 50_000 } }, async () => {
    await gate.promise;
    const runner = new FakeRunner();
    Object.assign(runner, { answer: (request: ServedRequest) => request.respond(ok) });
    return runner;
  });
  const all = Array.from({ length: 50_000 }, () => take());
  gate.resolve(undefined);
  await settled();
  assert.equal(runners.length, 1);
  assert.ok(all.every(({ answered }) => answered?.status === 200));
});

test("Workload goes to zero after a while without a request, and starts again with the next", async () => {
  const { workload, runners, take } = testWorkload({ idle: 20 });
  take();
  await settled();
  runnerOf(runners).begun[0]?.respond(ok);
  runnerOf(runners).settle();
  while (workload.report().state !== "zero") await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(runnerOf(runners).isClosed, true);
  assert.equal(workload.report().usage.calls, 1);
  take();
  await settled();
  assert.equal(runners.length, 2);
  assert.equal(workload.report().usage.calls, 2);
});

test("Workload.warm() has instances ready before the first request", async () => {
  const { workload, runners } = testWorkload({ warm: 3 });
  await workload.warm();
  assert.equal(runnerOf(runners).warmed, 3);
  assert.equal(workload.report().state, "warm");
  const cold = testWorkload({ warm: 1 }, () => Promise.reject(new SampanError("GUEST_NOT_RUNNABLE", "Cannot run it")));
  await cold.workload.warm();
  assert.deepEqual(cold.failures, ["Cannot run it"]);
});

test("Workload that is retired ends with its last request", async () => {
  const { workload, runners, take, isClosed } = testWorkload({ limits: { maxConcurrent: 1, maxQueue: 5 } });
  const [one, two] = [take(), take()];
  await settled();
  workload.retire();
  for (const index of [0, 1]) {
    assert.equal(isClosed(), false);
    runnerOf(runners).begun[index]?.respond(ok);
    runnerOf(runners).settle();
    await settled();
  }
  assert.deepEqual([one.answered?.status, two.answered?.status], [200, 200]);
  assert.equal(isClosed(), true);
  assert.equal(runnerOf(runners).isClosed, true);
});

test("Workload that cannot start answers 500, and does not try again with each request", async () => {
  let starts = 0;
  const { take, failures } = testWorkload({}, () => {
    starts += 1;
    return Promise.reject(new SampanError("GUEST_NOT_RUNNABLE", "Cannot run it"));
  });
  const one = take();
  await settled();
  const two = take();
  await settled();
  assert.deepEqual([one.answered?.status, two.answered?.status, starts], [500, 500, 1]);
  assert.deepEqual(failures, ["error", "error"]);
});

test("Workload ends a request whose time is over, wherever it is", async () => {
  const { take, runners, failures } = testWorkload({ limits: { maxConcurrent: 1, maxQueue: 5, requestDeadline: 30 } });
  const [running, waiting] = [take(), take()];
  await settled();
  while (waiting.answered === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([running.answered?.status, waiting.answered.status], [504, 504]);
  assert.deepEqual(failures, ["deadline", "deadline"]);
  assert.equal(runnerOf(runners).begun[0]?.signal.aborted, true);

  // Long enough for a slow machine to begin the answer before.
  const other = testWorkload({ limits: { maxConcurrent: 1, maxQueue: 5, requestDeadline: 1000 } });
  const streaming = other.take();
  await settled();
  runnerOf(other.runners).begun[0]?.respond({ ...ok, body: answerBody() });
  while (streaming.broken === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(streaming.answered?.status, 200);
});

test("Workload gives a request its time when it has started, and lets nobody wait for a start without end", async () => {
  const gate = Promise.withResolvers<FakeRunner>();
  const limits = { maxConcurrent: 5, maxQueue: 5, requestDeadline: 20, startDeadline: 60_000 };
  const { take, runners, failures, workload } = testWorkload({ limits }, () => gate.promise);
  const front = take();
  const begin = performance.now();
  while (performance.now() - begin < 60) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(typeof front.answered, "undefined");
  gate.resolve(new FakeRunner());
  while (front.answered === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(runnerOf(runners).begun.length, 1);
  assert.deepEqual([front.answered.status, failures, workload.report().state], [504, ["deadline"], "warm"]);

  const stuck = testWorkload({ limits: { ...limits, startDeadline: 20 } }, () => new Promise(() => {}));
  const waiting = stuck.take();
  while (waiting.answered === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([waiting.answered.status, stuck.failures], [504, ["deadline"]]);
});

test("Workload ends what is done for a client that is gone", async () => {
  const { take, runners, failures, sent, workload } = testWorkload();
  const front = take();
  await settled();
  const request = runnerOf(runners).begun[0];
  assert.equal(request?.isAborted, false);
  front.leave();
  assert.equal(request?.signal.aborted, true);
  runnerOf(runners).settle(new SampanError("GUEST_ABORTED", "It was ended"));
  await settled();
  assert.deepEqual(failures, ["client_gone"]);
  assert.equal(sent.length, 1);
  assert.equal(workload.metrics.active, 0);
});

test("ServedRequest answers 500 for a guest that gave none, and breaks off what it left unfinished", async () => {
  const { take, runners, failures } = testWorkload();
  const [none, half, trapped, late] = [take(), take(), take(), take()];
  await settled();
  const runner = runnerOf(runners);
  const bodies = [answerBody(), answerBody()];
  runner.begun[0]?.fail({ tag: "internal-error", val: "a guest gave no response" });
  runner.settle();
  runner.begun[1]?.respond({ ...ok, ...(bodies[0] && { body: bodies[0] }) });
  runner.settle();
  runner.begun[2]?.respond({ ...ok, ...(bodies[1] && { body: bodies[1] }) });
  runner.settle(new SampanError("GUEST_TRAPPED", "It trapped"));
  runner.begun[3]?.fail({ tag: "configuration-error" });
  assert.equal(late.answered?.status, 502);
  runner.begun[3]?.respond(ok);
  runner.settle();
  await settled();
  assert.equal(none.answered?.status, 500);
  assert.match(none.answered.text ?? "", /^The application failed\nRequest id: r\d+\n$/);
  assert.ok(half.broken instanceof Error && trapped.broken instanceof Error);
  assert.deepEqual(failures, ["guest_error", "no_answer", "no_answer", "trap"]);
  assert.equal(late.answered.status, 502);
});

test("ServedRequest gives guest and client its id, and what the guest says of it does not count", () => {
  const front = new FakeExchange({ fields: [["x-request-id", Buffer.from("forged")]] });
  const request = servedRequest(front);
  const id = (fields: readonly HttpField[]): string[] =>
    fields.filter(([name]) => name === "x-request-id").map(([, value]) => String(value));
  assert.deepEqual(id(request.fields), [request.id]);
  request.inform(103, []);
  request.respond({ status: 200, fields: [["x-request-id", Buffer.from("other")]] });
  assert.deepEqual(front.answered?.fields, [`x-request-id: ${request.id}`]);
  assert.deepEqual(front.informed, [103]);
});
