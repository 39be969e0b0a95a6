import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { test } from "node:test";
import { failure, SampanError } from "../../base/index.ts";
import { createPipe, MemorySink } from "../../host/index.ts";
import type { CallRow } from "../bind.ts";
import { event, subscription, type Clock, type Watch } from "./poll-fixture.ts";
import { type Argument, Bench, type BenchOptions, nonblocking, subjects, utf8 } from "./preview1-fixture.ts";
import { trapError } from "./guest-fixture.ts";
import { preview1 } from "./index.ts";
import { rights } from "../preview1-types.ts";

const ms = 1_000_000n;
const never: Clock = { clock: 1, timeout: 3_600_000n * ms };

async function withAsync(options: BenchOptions, use: (bench: Bench) => Promise<void>): Promise<void> {
  const bench = new Bench({ ...options, mode: "async" });
  try {
    await use(bench);
  } finally {
    bench.close();
  }
}

/** Starts a poll and answers what it will tell. */
async function poll(p: Bench, wanted: readonly (Clock | Watch)[]): Promise<Buffer> {
  const from = p.put(Buffer.concat(wanted.map((each, index) => subscription(each, index))));
  const [to, n] = [p.place(wanted.length * 32), p.place(4)];
  assert.equal(await p.callAsync("poll_oneoff", from, to, wanted.length, n), "success");
  return Buffer.from(p.bytes.slice(to, to + p.view.getUint32(n, true) * 32));
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Whether a promise is settled after some turns of the event loop. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let i = 0; i < 3; i++) await turn();
  return settled;
}

test("poll_oneoff() bound async waits for a clock without the thread, and tells the first alone", () =>
  withAsync({}, async (p) => {
    const start = performance.now();
    const polled = poll(p, [never, { clock: 0, timeout: 20n * ms }, { clock: 1, timeout: (1n << 64n) - 1n }]);
    assert.equal(p.lines.length, 0, "the call came back before it was over");
    assert.deepEqual(await polled, Buffer.from(event(1, 0)));
    assert.ok(performance.now() - start >= 19.5);
  }));

test("poll_oneoff() bound async waits for absolute times and less than a timer's step", () =>
  withAsync({}, async (p) => {
    const start = process.hrtime.bigint();
    await poll(p, [{ clock: 1, timeout: start + 15n * ms, isAbsolute: true }]);
    assert.ok(process.hrtime.bigint() >= start + 15n * ms);
    const now = process.hrtime.bigint();
    assert.deepEqual(await poll(p, [{ clock: 1, timeout: 100_000n }]), Buffer.from(event(0, 0)));
    assert.ok(process.hrtime.bigint() >= now + 100_000n);
    assert.deepEqual(await poll(p, [{ clock: 1, timeout: 1n, isAbsolute: true }]), Buffer.from(event(0, 0)));
  }));

test("poll_oneoff() bound async answers at once what is ready, without a promise of the host's", () =>
  withAsync({}, async (p) => {
    p.write("w/file", "hello");
    const fd = p.open("file");
    const done = poll(p, [never, { fd, events: "read" }, { clock: 1, timeout: 0n }, { fd: 99, events: "read" }]);
    assert.equal(p.lines.length, 2, "the call was over before anything could wait");
    const told = [event(1, 1, { bytes: 5n }), event(2, 0), event(3, 1, { errno: "badf" })];
    assert.deepEqual(await done, Buffer.concat(told));
  }));

test("poll_oneoff() decides by the lengths of sleeps alone where the clock stands still", async () => {
  const clock = { kind: "fixed", unixNanoseconds: "1000000000" } as const;
  const wanted = [
    { clock: 1, timeout: 5n * ms },
    { clock: 1, timeout: 5n * ms + 1n },
    { clock: 0, timeout: 1_000_000_000n + 5n * ms, isAbsolute: true },
  ];
  const expected = Buffer.concat([event(0, 0), event(2, 0)]);
  await withAsync({ grants: { clock } }, async (p) => assert.deepEqual(await poll(p, wanted), expected));
  const sync = new Bench({ grants: { clock } });
  const from = sync.put(Buffer.concat(wanted.map((each, index) => subscription(each, index))));
  const [to, n] = [sync.place(96), sync.place(4)];
  sync.expect("poll_oneoff", [from, to, 3, n], {
    writes: [
      [to, expected],
      [n, new Uint8Array([2, 0, 0, 0])],
    ],
  });
  sync.close();
});

for (const subject of subjects) {
  test(`fd_read() and poll_oneoff() bound async wait for a FIFO without the thread (${subject.label})`, () =>
    withAsync({ subject }, async (p) => {
      execFileSync("mkfifo", [p.at("w/pipe")]);
      const writer = openSync(p.at("w/pipe"), constants.O_RDWR | constants.O_NONBLOCK);
      const fd = p.open("pipe", { rights: rights.fdRead });
      const [at, n] = [p.place(8), p.place(4)];
      const read = p.callAsync("fd_read", fd, p.iovecs([at, 8]), n);
      assert.equal(await isSettled(read), false);
      writeSync(writer, "ab");
      assert.equal(await read, "success");
      assert.equal(p.view.getUint32(n, true), 2);
      assert.deepEqual(p.bytes.slice(at, at + 2), utf8("ab"));
      const polled = poll(p, [never, { fd, events: "read" }]);
      assert.equal(await isSettled(polled), false);
      writeSync(writer, "c");
      assert.deepEqual(await polled, Buffer.from(event(1, 1, { bytes: 1n })));
      assert.equal(await p.callAsync("fd_read", fd, p.iovecs([at, 8]), n), "success");
      const quick = p.open("pipe", { rights: rights.fdRead, ...nonblocking });
      assert.equal(await p.callAsync("fd_read", quick, p.iovecs([at, 8]), n), "again");
      closeSync(writer);
    }));

  test(`fd_write() bound async waits for room in a FIFO without the thread (${subject.label})`, () =>
    withAsync({ subject, memory: { initial: 4 } }, async (p) => {
      execFileSync("mkfifo", [p.at("w/pipe")]);
      const reader = openSync(p.at("w/pipe"), constants.O_RDWR | constants.O_NONBLOCK);
      const fd = p.open("pipe", { rights: rights.fdWrite });
      const n = p.place(4);
      const write = (): Promise<string> => p.callAsync("fd_write", fd, p.iovecs([0x2_0000, 0x1_0000]), n);
      assert.equal(await write(), "success");
      const waiting = write();
      assert.equal(await isSettled(waiting), false);
      const taken = Buffer.alloc(0x1_0000);
      assert.equal(readSync(reader, taken), 0x1_0000);
      assert.equal(await waiting, "success");
      closeSync(reader);
    }));

  test(`Preview1Context.interrupt() gives up a read: what comes later is for others (${subject.label})`, () =>
    withAsync({ subject }, async (p) => {
      execFileSync("mkfifo", [p.at("w/pipe")]);
      const writer = openSync(p.at("w/pipe"), constants.O_RDWR | constants.O_NONBLOCK);
      const fd = p.open("pipe", { rights: rights.fdRead });
      const read = p.callAsync("fd_read", fd, p.iovecs([p.place(8), 8]), p.place(4));
      const error = trapError();
      assert.equal(p.context.interrupt(error), true);
      assert.equal(p.context.interrupt(error), false);
      await assert.rejects(read, error);
      writeSync(writer, "ab");
      for (let i = 0; i < 3; i++) await new Promise((resolve) => void setTimeout(resolve, 10));
      assert.equal(readSync(writer, Buffer.alloc(8)), 2);
      closeSync(writer);
    }));
}

test("fd_read() bound async gives a channel's bytes to the memory as it is after the wait", async () => {
  const { source, sink } = createPipe();
  await withAsync({ host: { stdio: { stdin: source } } }, async (p) => {
    const [at, n] = [p.place(4), p.place(4)];
    const [first, second] = [at, at + 2];
    const read = p.callAsync("fd_read", 0, p.iovecs([first, 2], [second, 2]), n);
    assert.equal(await isSettled(read), false);
    const old = p.memory.buffer;
    p.memory.grow(3);
    assert.equal(old.byteLength, 0);
    p.bytes.fill(7);
    void sink.write(utf8("abc"));
    assert.equal(await read, "success");
    assert.deepEqual(p.bytes.slice(at, at + 4), Uint8Array.from([...utf8("abc"), 7]));
    assert.equal(p.view.getUint32(n, true), 3);
    assert.deepEqual(p.host.meter, { calls: 1, bytesIn: 3, bytesOut: 0 });
    sink.close();
    assert.equal(await p.callAsync("fd_read", 0, p.iovecs([at, 2]), n), "success");
  });
});

test("fd_write() bound async waits for room, and writes what the memory holds then", async () => {
  const { source, sink } = createPipe({ capacity: 4 });
  await withAsync({ host: { stdio: { stdout: sink } } }, async (p) => {
    const n = p.place(4);
    const pieces = p.pieces("ab", "cdef");
    assert.equal(await p.callAsync("fd_write", 1, pieces, n), "success");
    assert.equal(p.view.getUint32(n, true), 4);
    const write = p.callAsync("fd_write", 1, pieces, n);
    assert.equal(await isSettled(write), false);
    p.memory.grow(1);
    const bytes = new Uint8Array(8);
    assert.equal(source.read(bytes), 4);
    assert.equal(await write, "success");
    assert.equal(source.read(bytes.subarray(4)), 4);
    assert.equal(Buffer.from(bytes).toString(), "abcdabcd");
    assert.deepEqual(p.host.meter, { calls: 2, bytesIn: 0, bytesOut: 8 });
  });
});

test("fd_read() and fd_write() bound async answer again where a channel is not ready and the guest does not wait", async () => {
  const [input, output] = [createPipe(), createPipe({ capacity: 1 })];
  await withAsync({ host: { stdio: { stdin: input.source, stdout: output.sink } } }, async (p) => {
    const n = p.place(4);
    for (const fd of [0, 1]) assert.equal(p.call("fd_fdstat_set_flags", fd, 4), "success");
    assert.equal(await p.callAsync("fd_read", 0, p.iovecs([p.place(4), 4]), n), "again");
    assert.equal(await p.callAsync("fd_write", 1, p.pieces("ab"), n), "success");
    assert.equal(await p.callAsync("fd_write", 1, p.pieces("b"), n), "again");
  });
});

test("fd_write() bound async tells a broken pipe once after a wait, and then ends the guest as SIGPIPE does", async () => {
  const { source, sink } = createPipe({ capacity: 1 });
  await withAsync({ host: { stdio: { stdout: sink } } }, async (p) => {
    const n = p.place(4);
    assert.equal(await p.callAsync("fd_write", 1, p.pieces("a"), n), "success");
    const write = p.callAsync("fd_write", 1, p.pieces("a"), n);
    assert.equal(await isSettled(write), false);
    source.cancel();
    assert.equal(await write, "pipe");
    await assert.rejects(p.callAsync("fd_write", 1, p.pieces("a"), n));
    assert.deepEqual(p.outcome, { kind: "signal", signal: 13 });
  });
});

test("Preview1Context.interrupt() ends each kind of wait, cancels what is behind it and says whether there was one", async () => {
  const signals: AbortSignal[] = [];
  const wait = (signal?: AbortSignal): Promise<never> => {
    if (signal !== undefined) signals.push(signal);
    return new Promise(() => {});
  };
  const channel = { read: () => wait(), write: () => wait(), ready: wait, cancel: () => {}, close: () => {} };
  const calls: ((p: Bench) => Promise<unknown>)[] = [
    (p) => p.callAsync("fd_read", 0, p.iovecs([p.place(4), 4]), p.place(4)),
    (p) => p.callAsync("fd_write", 1, p.pieces("a"), p.place(4)),
    (p) => poll(p, [never, { fd: 0, events: "read" }]),
    (p) => poll(p, [never]),
    (p) => p.callAsync("sched_yield"),
  ];
  for (const [index, call] of calls.entries()) {
    await withAsync({ host: { stdio: { stdin: channel, stdout: channel } } }, async (p) => {
      const error = trapError();
      assert.equal(p.context.interrupt(error), false);
      const waiting = call(p);
      assert.equal(p.context.interrupt(error), true);
      await assert.rejects(waiting, (thrown) => thrown === error);
      const calledWith = signals.splice(0);
      assert.equal(calledWith.length, index < 3 ? 1 : 0);
      assert.ok(calledWith.every(({ aborted }) => aborted));
      assert.equal(p.outcome, undefined);
    });
  }
});

test("Preview1Context lets nothing of a wait happen that ends after an interruption", async () => {
  let give: ((count: number) => void) | undefined;
  const stdin = {
    read: (into: Uint8Array) =>
      new Promise<number>((resolve) => (give = (count) => resolve(into.fill(1, 0, count).length))),
    ready: () => true as const,
    cancel: () => {},
  };
  const heard: string[] = [];
  const waits = { pause: () => void heard.push("pause"), resume: () => void heard.push("resume") };
  await withAsync({ host: { stdio: { stdin } }, waits }, async (p) => {
    const read = p.callAsync("fd_read", 0, p.iovecs([p.place(4), 4]), p.place(4));
    p.context.interrupt(trapError());
    await assert.rejects(read);
    const before = p.bytes.slice();
    give?.(4);
    await turn();
    assert.deepEqual(p.bytes.slice(), before);
    assert.deepEqual(heard, ["pause"]);
  });
});

test("Preview1Context tells who listens of each wait, and lets a guest go on when it is scheduled", async () => {
  const heard: string[] = [];
  const turns: (() => void)[] = [];
  const waits = {
    pause: () => void heard.push("pause"),
    resume: () => void heard.push("resume"),
    schedule: (go: () => void) => void turns.push(go),
  };
  await withAsync({ waits }, async (p) => {
    const yielded = p.callAsync("sched_yield");
    assert.equal(await isSettled(yielded), false);
    assert.deepEqual([heard, turns.length], [["pause"], 1]);
    turns[0]?.();
    assert.equal(await yielded, "success");
    assert.deepEqual(heard, ["pause", "resume"]);
  });
});

test("sched_yield() bound async lets what is due run first", () =>
  withAsync({}, async (p) => {
    let ran = false;
    setImmediate(() => (ran = true));
    assert.equal(await p.callAsync("sched_yield"), "success");
    assert.equal(ran, true);
  }));

test("fd_read(), fd_write() and poll_oneoff() bound sync name the error where a channel would have to be waited for", () => {
  const isWaits = ({ outcome }: { outcome?: unknown }, fails: () => unknown): void => {
    assert.equal(outcome, undefined);
    assert.throws(
      fails,
      (error) => error instanceof SampanError && error.code === "CHANNEL_WAITS" && /async/.test(error.hint ?? ""),
    );
  };
  const [input, output] = [createPipe(), createPipe({ capacity: 1 })];
  const p = new Bench({ host: { stdio: { stdin: input.source, stdout: output.sink, stderr: new MemorySink() } } });
  isWaits(p, () => p.call("fd_read", 0, p.iovecs([p.place(4), 4]), p.place(4)));
  assert.equal(p.call("fd_write", 1, p.pieces("a"), p.place(4)), "success");
  isWaits(p, () => p.call("fd_write", 1, p.pieces("a"), p.place(4)));
  const from = p.put(subscription({ fd: 0, events: "read" }, 0));
  isWaits(p, () => p.call("poll_oneoff", from, p.place(32), 1, p.place(4)));
  assert.equal(p.call("fd_write", 2, p.pieces("a", "bc"), p.place(4)), "success");
  assert.deepEqual(p.host.meter, { calls: 5, bytesIn: 0, bytesOut: 4 });
  p.close();
});

test("a stream's own error reaches the guest after a wait", async () => {
  let fail: ((error: unknown) => void) | undefined;
  const stdin = {
    read: () => new Promise<number>((_, reject) => (fail = reject)),
    ready: () => true as const,
    cancel: () => {},
  };
  await withAsync({ host: { stdio: { stdin } } }, async (p) => {
    const read = p.callAsync("fd_read", 0, p.iovecs([p.place(4), 4]), p.place(4));
    fail?.(failure("io"));
    assert.equal(await read, "io");
    assert.match(p.lines.at(-1) ?? "", /-> io$/);
  });
});

test("preview 1's rows say which calls may wait, and which count bytes", () => {
  const names = (is: (row: CallRow<never>) => boolean): string[] =>
    Object.entries(preview1).flatMap(([name, row]) => (is(row) ? [name] : []));
  const waiting = ["fd_read", "fd_write", "poll_oneoff", "sched_yield", "sock_accept", "sock_recv", "sock_send"];
  assert.deepEqual(names(({ mayWait }) => mayWait).toSorted(), waiting);
  assert.deepEqual(names(({ moves }) => moves === "in").toSorted(), ["fd_pread", "fd_read"]);
  assert.deepEqual(names(({ moves }) => moves === "out").toSorted(), ["fd_pwrite", "fd_write", "sock_send"]);
});

test("a fixed clock and seeded randomness make runs alike to the byte, bound sync and async", async () => {
  const clock = { kind: "fixed", unixNanoseconds: "1700000000123456789" } as const;
  const grants = { clock, random: { kind: "seed", seed: "alike" } } as const;
  const memories: string[] = [];
  for (const mode of ["sync", "async", "async"] as const) {
    const p = new Bench({ grants, mode, args: ["a", "b"] });
    const call = (name: string, ...args: Argument[]): Promise<string> =>
      mode === "sync" ? Promise.resolve(p.call(name, ...args)) : p.callAsync(name, ...args);
    for (let id = 0; id < 4; id++) {
      assert.equal(await call("clock_time_get", id, 0n, p.place(8)), "success");
      assert.equal(await call("clock_res_get", id, p.place(8)), "success");
    }
    const sleeps = [3n * ms, 2n * ms, 2n * ms + 1n, 2n * ms].map((timeout) => ({ clock: 1, timeout }));
    const from = p.put(Buffer.concat(sleeps.map(subscription)));
    assert.equal(await call("poll_oneoff", from, p.place(128), sleeps.length, p.place(4)), "success");
    assert.equal(await call("sched_yield"), "success");
    assert.equal(await call("random_get", p.place(100), 100), "success");
    assert.equal(await call("args_get", p.place(8), p.place(4)), "success");
    memories.push(Buffer.from(p.bytes).toString("base64"));
    p.close();
  }
  assert.equal(new Set(memories).size, 1);
});
