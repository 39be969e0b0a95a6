import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ByteSink } from "../base/index.ts";
import { failure, refusal } from "../base/index.ts";
import { Buffers, FileStat } from "./filesystem/file-calls.ts";
import { createWalkCalls } from "./filesystem/walk-calls.ts";
import { GuestEnd } from "./guest-end.ts";
import { buffersOf, freshFolder, Listener } from "./host-fixture.ts";
import { Alarms } from "./alarms.ts";
import { ChannelStream, Scratch } from "./channel-stream.ts";
import { OutputBudget } from "./output.ts";
import { RefusedStream, StdioStream } from "./streams.ts";
import { Readiness, Waits } from "./waits.ts";

const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** The head of a script that has the three streams of its process, unlimited, and says on stderr what it found. */
const head = `
  import { createFileCalls } from ${url("workload.ts")};
  import { StdioStream } from ${url("streams.ts")};
  import { OutputBudget } from ${url("output.ts")};
  import { Buffers, FileStat } from ${url("filesystem/file-calls.ts")};
  import { writeSync } from "node:fs";
  const calls = createFileCalls(), observer = { isLearning: false, used() {}, refused() {} };
  const open = (name, budget = new OutputBudget()) => new StdioStream(() => calls, name, { budget, observer });
  const pieces = (bytes) => { const b = new Buffers(); b.reset(bytes); b.add(0, bytes.length); return b; };
  const say = (text) => writeSync(2, text + "\\n");
  const attempt = (call) => { try { return String(call()); } catch (e) { return e.errno ?? JSON.stringify(e.reason) ?? String(e); } };
`;

function start(script: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", head + script], {
    env: { ...process.env, ...env },
  });
  let said = "";
  const waiting: (() => void)[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = new Promise<string>((resolve) => void child.on("close", () => resolve(said)));
  const untilSaid = async (text: string): Promise<void> => {
    while (!said.includes(text)) {
      await Promise.race([ended, new Promise<void>((resolve) => waiting.push(resolve))]);
      assert.ok(said.includes(text) || child.exitCode === null, said);
    }
  };
  return { child, ended, untilSaid };
}

for (const env of [{}, { SAMPAN_FFI: "0" }]) {
  const how = "SAMPAN_FFI" in env ? "without native calls" : "with native calls";

  test(`StdioStream.read() waits for bytes, and ends with 0 when the other side closes (${how})`, async () => {
    const script = `
      const stdin = open("stdin"), bytes = new Uint8Array(8);
      for (let n = -1; n !== 0;) { say("reading"); n = stdin.read(pieces(bytes)); say("got " + n); }`;
    const { child, ended, untilSaid } = start(script, env);
    await untilSaid("reading");
    child.stdin.write("abc");
    await untilSaid("got 3");
    child.stdin.write("0123456789");
    await untilSaid("got 2");
    child.stdin.end();
    assert.equal(await ended, "reading\ngot 3\nreading\ngot 8\nreading\ngot 2\nreading\ngot 0\n");
  });

  test(`StdioStream.write() waits for room, and all arrives in order (${how})`, async () => {
    const script = `
      const stdout = open("stdout"), bytes = new Uint8Array(1 << 20);
      for (let i = 0; i < bytes.length; i++) bytes[i] = i % 251;
      say("writing");
      for (let at = 0; at < bytes.length;) at += stdout.write(pieces(bytes.subarray(at)));
      say("done");`;
    const { child, ended, untilSaid } = start(script, env);
    await untilSaid("writing");
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    assert.equal(await ended, "writing\ndone\n");
    const whole = Buffer.concat(chunks);
    assert.equal(whole.length, 1 << 20);
    assert.ok(whole.every((byte, index) => byte === index % 251));
  });

  test(`StdioStream.write() tells a closed pipe once, and then ends the guest as SIGPIPE does (${how})`, async () => {
    const script = `
      const stdout = open("stdout"), stdin = open("stdin"), bytes = new Uint8Array(4);
      stdin.read(pieces(bytes));
      for (let i = 0; i < 2; i++) say(attempt(() => stdout.write(pieces(bytes))));`;
    const { child, ended } = start(script, env);
    child.stdout.destroy();
    child.stdin.end("go");
    assert.equal(await ended, 'pipe\n{"kind":"signal","signal":13}\n');
  });
}

test("StdioStream.read() answers again where nothing is there and the guest asked not to wait", async (t) => {
  const script = `
    if (calls.name === "walk") { say("skip"); process.exit(); }
    const stdin = open("stdin"), bytes = new Uint8Array(8);
    stdin.setFlags({ append: false, nonblock: true });
    say(attempt(() => stdin.read(pieces(bytes))));
    say("waits " + stdin.wait("read", 0));
    stdin.setFlags({ append: false, nonblock: false });
    say("got " + stdin.read(pieces(bytes)));
    stdin.setFlags({ append: false, nonblock: true });
    say("waits " + stdin.wait("read", -1) + " " + attempt(() => stdin.read(pieces(bytes))));`;
  const { child, ended, untilSaid } = start(script);
  await Promise.race([untilSaid("waits false"), untilSaid("skip")]);
  child.stdin.end("ab");
  const said = await ended;
  if (said === "skip\n") return t.skip("it takes native calls");
  assert.equal(said, "again\nwaits false\ngot 2\nwaits true 0\n");
});

test("StdioStream.write() answers again where the pipe is full and the guest asked not to wait", async (t) => {
  const script = `
    if (calls.name === "walk") { say("skip"); process.exit(); }
    const stdout = open("stdout", new OutputBudget(10 << 20)), bytes = new Uint8Array(4096);
    stdout.setFlags({ append: false, nonblock: true });
    let written = 0, last;
    for (let i = 0; i < 100000 && last !== "again"; i++) { last = attempt(() => stdout.write(pieces(bytes))); if (last !== "again") written += Number(last); }
    say(last + " " + (written > 0));`;
  const { child, ended } = start(script);
  child.stdout.pause();
  const said = await ended;
  if (said === "skip\n") return t.skip("it takes native calls");
  assert.equal(said, "again true\n");
});

test("StdioStream is what its descriptor is: a pipe, a file, a device", () => {
  const file = join(freshFolder(), "out");
  const script = `
    say([open("stdin"), open("stdout")].map((s) => s.type() + s.access.read + s.access.write).join(" "));
    const stat = new FileStat(); open("stdout").stat(stat); say(stat.size + " " + stat.nlink);
    say([attempt(() => open("stdin").write(pieces(new Uint8Array(1)))), attempt(() => open("stdout").read(pieces(new Uint8Array(1))))].join(" "));
    say(attempt(() => open("stdout").seek(0n, "current")));
    open("stdout").write(pieces(new TextEncoder().encode("hello")));`;
  const [input, output] = [openSync("/dev/null", "r"), openSync(file, "w")];
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", head + script], {
    stdio: [input, output, "pipe"],
    encoding: "utf8",
  });
  closeSync(input);
  closeSync(output);
  assert.equal(child.stderr, "character-devicetruefalse regular-filefalsetrue\n0 1\nbadf badf\n0\n");
  assert.equal(readFileSync(file, "utf8"), "hello");
});

/** A sink that takes at most so many bytes at a time. */
class SlowSink implements ByteSink {
  taken = "";
  readonly #most: number;
  readonly #isWaiting: boolean;

  constructor(most: number, options: { isWaiting?: boolean } = {}) {
    this.#most = most;
    this.#isWaiting = options.isWaiting === true;
  }

  write(bytes: Uint8Array): number | Promise<number> {
    const part = bytes.subarray(0, this.#most);
    this.taken += Buffer.from(part).toString();
    return this.#isWaiting ? Promise.resolve(part.length) : part.length;
  }
  ready(): true {
    return true;
  }
  close(): void {}
}

function isLimit(error: unknown): boolean {
  return error instanceof GuestEnd && error.reason.kind === "limit" && error.reason.error.code === "LIMIT_OUTPUT";
}

test("OutputBudget lets a guest write its limit to the byte, on all its streams together", () => {
  const budget = new OutputBudget(10);
  const sinks = [new SlowSink(100), new SlowSink(100)];
  const [stdout, stderr] = sinks.map((sink) => new ChannelStream({ sink }, { name: "stdout", budget }));
  assert.equal(stdout?.write(buffersOf("abc", "de")), 5);
  assert.equal(stderr?.write(buffersOf("12345")), 5);
  assert.equal(stdout?.write(buffersOf("")), 0);
  assert.throws(() => stdout?.write(buffersOf("x")), isLimit);
  assert.throws(() => stderr?.write(buffersOf("x")), isLimit);
  assert.deepEqual([sinks[0]?.taken, sinks[1]?.taken], ["abcde", "12345"]);
});

test("OutputBudget counts what was written, not what was tried", async () => {
  for (const isWaiting of [false, true]) {
    const sink = new SlowSink(2, { isWaiting });
    const waits = {
      waits: new Waits({ alarms: new Alarms(), readiness: new Readiness(() => createWalkCalls()) }),
      scratch: new Scratch(),
    };
    const stream = new ChannelStream(
      { sink },
      { name: "stdout", budget: new OutputBudget(8), ...(isWaiting ? { waits } : {}) },
    );
    const text = "abcdefgh";
    for (let at = 0; at < text.length;) at += await stream.write(buffersOf(text.slice(at)));
    assert.equal(sink.taken, text);
    assert.throws(() => stream.write(buffersOf("i")), isLimit);
  }
});

test("ChannelStream.write() stops where the sink takes a part, and answers how much that was", () => {
  const sink = new SlowSink(3);
  assert.equal(
    new ChannelStream({ sink }, { name: "stdout", budget: new OutputBudget() }).write(buffersOf("ab", "cdef", "gh")),
    5,
  );
  assert.equal(sink.taken, "abcde");
});

test("ChannelStream.read() fills the first piece that has room", async () => {
  const source = { read: (into: Uint8Array) => into.fill(0x61).length, ready: () => true as const, cancel: () => {} };
  const stream = new ChannelStream({ source }, { name: "stdin", budget: new OutputBudget() });
  const into = buffersOf("", "...", "..");
  assert.equal(await stream.read(into), 3);
  assert.equal(Buffer.from(into.memory).toString(), "aaa..");
  assert.equal(await stream.read(new Buffers()), 0);
  assert.throws(() => stream.write(into), failure("badf"));
  const stat = new FileStat();
  stream.stat(stat);
  assert.deepEqual([stream.type(), stat.type, stat.size], ["unknown", "unknown", 0n]);
});

test("RefusedStream refuses each use and names its stream", () => {
  const listener = new Listener();
  for (const name of ["stdin", "stdout", "stderr"] as const) {
    const stream = new RefusedStream(name, listener);
    assert.throws(() => (name === "stdin" ? stream.read() : stream.write()), refusal);
    assert.equal(stream.type(), "unknown");
    assert.deepEqual(listener.refusals.at(-1), { capability: "stdio", stream: name });
  }
});

test("StdioStream tells a learning observer which stream was used", () => {
  const listener = new Listener({ isLearning: true });
  const stream = new StdioStream(createWalkCalls, "stdout", { budget: new OutputBudget(), observer: listener });
  assert.equal(stream.write(buffersOf("")), 0);
  assert.deepEqual(listener.uses, [{ capability: "stdio", stream: "stdout" }]);
});
