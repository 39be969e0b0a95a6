import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../../base/index.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { createPipe, GuestEnd, HostWorkload, MemorySink } from "../../host/index.ts";
import { planCalls } from "../bind.ts";
import { forward } from "../forwarder-fixture.ts";
import { Preview1Context } from "../preview1-context.ts";
import { AsyncGuest, moduleOf, trapError } from "./guest-fixture.ts";
import { preview1 } from "./index.ts";
import { subscription } from "./poll-fixture.ts";

const ms = 1_000_000n;

for (const name of ["catch-all", "catch-all-legacy"]) {
  test(`${name}: no catch_all catches what ends a guest that sleeps or has waited`, async () => {
    const module = await moduleOf(name);
    const stdout = new MemorySink();
    const sleeping = new AsyncGuest(module, { args: ["sleep", "forever"], stdio: { stdout } });
    const error = trapError();
    assert.equal(sleeping.context.interrupt(error), true);
    assert.equal(await sleeping.ended, error);
    assert.equal(sleeping.context.interrupt(error), false);
    assert.equal(stdout.text, "");
    const poll = (): Promise<never> =>
      new Promise((_, reject) => void setImmediate(() => reject(new GuestEnd({ kind: "exit", code: 7 }))));
    const ending = new AsyncGuest(module, { args: ["sleep", "forever"], stdio: { stdout }, poll });
    assert.ok((await ending.ended) instanceof WebAssembly.RuntimeError);
    assert.deepEqual(ending.outcome, { kind: "exit", code: 7 });
    assert.equal(stdout.text, "");
    // The same module catches what is no trap: it is the mark of the error that counts.
    const woken = new AsyncGuest(module, { args: ["sleep"], stdio: { stdout } });
    woken.context.interrupt(new WebAssembly.RuntimeError("not of a trap"));
    await woken.ended;
    assert.equal(stdout.text, "still here: caught\n");
    assert.deepEqual(woken.outcome, { kind: "exit", code: 1 });
  });
}

test("a guest that exits after it has waited ends with its code", async () => {
  const { source, sink } = createPipe();
  const stdout = new MemorySink();
  const guest = new AsyncGuest(await moduleOf("cat"), { stdio: { stdin: source, stdout } });
  for (const text of ["late ", "bytes"]) {
    await new Promise((resolve) => void setImmediate(resolve));
    void sink.write(new TextEncoder().encode(text));
  }
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(stdout.isClosed, false);
  sink.close();
  await guest.ended;
  assert.equal(stdout.text, "late bytes");
  assert.equal(stdout.isClosed, true);
  const { bytesIn, bytesOut } = guest.context.host.meter;
  assert.deepEqual([bytesIn, bytesOut], [10, 10]);
});

test("two guests in one thread work on one pipe, and a producer whose consumer is gone ends as by SIGPIPE", async () => {
  const module = await moduleOf("cat");
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
  const [into, between] = [createPipe({ capacity: 1000 }), createPipe({ capacity: 777 })];
  const stdout = new MemorySink();
  const producer = new AsyncGuest(module, { stdio: { stdin: into.source, stdout: between.sink } });
  const consumer = new AsyncGuest(module, { stdio: { stdin: between.source, stdout } });
  for (let at = 0; at < bytes.length;) at += await into.sink.write(bytes.subarray(at));
  into.sink.close();
  await Promise.all([producer.ended, consumer.ended]);
  assert.deepEqual(Buffer.compare(stdout.bytes, bytes), 0);

  const [first, second] = [createPipe(), createPipe()];
  const lonely = new AsyncGuest(module, { stdio: { stdin: first.source, stdout: second.sink } });
  second.source.cancel();
  void first.sink.write(bytes.subarray(0, 100));
  await lonely.ended;
  assert.notDeepEqual(lonely.outcome, undefined);
  assert.throws(() => first.sink.write(bytes), failure("pipe"));
});

test("1,000 guests that sleep at once wake in the order of their times", async () => {
  const workload = new HostWorkload({ ...defaultGrants, stdio: [] }, { waits: "suspend" });
  const row = preview1["poll_oneoff"] ?? assert.fail();
  const rows = [["poll_oneoff", row]] as const;
  const plan = planCalls(rows, { mode: "async" });
  const guests = Array.from({ length: 1000 }, (_, index) => {
    const host = workload.createInstance();
    const context = new Preview1Context({ host, args: [], end: () => assert.fail() });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
    context.memory.attach(memory);
    const time = 20 + ((index * 7) % 50) * 2;
    new Uint8Array(memory.buffer).set(subscription({ clock: 1, timeout: BigInt(time) * ms }, 0), 64);
    const poll = WebAssembly.promising(forward(rows, plan(context))["poll_oneoff"] ?? assert.fail());
    return { host, memory, time, poll };
  });
  // When a guest's time begins, lies between the two moments around its call.
  const woken: { earliest: number; latest: number }[] = [];
  const sleeping = guests.map(async ({ host, memory, time, poll }) => {
    const before = performance.now();
    const polled = poll(64, 128, 1, 0);
    const after = performance.now();
    assert.equal(await polled, 0);
    assert.ok(performance.now() >= before + time);
    woken.push({ earliest: before + time, latest: after + time });
    assert.equal(new DataView(memory.buffer).getUint32(0, true), 1);
    host.close();
  });
  await Promise.all(sleeping);
  workload.close();
  assert.equal(woken.length, 1000);
  for (const [index, { latest }] of woken.entries()) assert.ok(latest >= (woken[index - 1]?.earliest ?? 0), `${index}`);
});
