import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../../base/index.ts";
import { createPipe, MemorySink, sourceFrom } from "../../host/index.ts";
import { InputStream, type InputSource } from "./input-stream.ts";
import { type OutputSink, OutputStream } from "./output-stream.ts";
import { Answered, createFixture } from "./wasi02-fixture.ts";

const streams = "io/streams#[method]";
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content);
const text = (bytes: unknown): string => new TextDecoder().decode(bytes as Uint8Array);

function payloadOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    if (error instanceof Answered) return error.payload;
    throw error;
  }
  return undefined;
}

/** A sink that takes bytes when it is told to. */
class SlowSink implements OutputSink {
  readonly taken: number[] = [];
  #waiting: { resolve: (count: number) => void; reject: (error: unknown) => void; bytes: Uint8Array } | undefined;

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject, bytes }));
  }

  take(count: number): void {
    const { resolve, bytes } = this.#waiting ?? assert.fail("nobody writes");
    this.taken.push(...bytes.subarray(0, count));
    resolve(count);
  }

  fail(error: unknown): void {
    this.#waiting?.reject(error);
  }

  isReady(): boolean {
    return true;
  }

  watch(): true {
    return true;
  }
}

test("stdin and stdout move bytes of the host's channels, and the end is closed", () => {
  const stdout = new MemorySink();
  const { call, host } = createFixture({ host: { stdio: { stdin: sourceFrom("some input"), stdout } } });
  const input = call("cli/stdin#get-stdin");
  const output = call("cli/stdout#get-stdout");
  assert.equal((call(`${streams}input-stream.read`, input, 0n) as Uint8Array).length, 0);
  assert.equal(text(call(`${streams}input-stream.blocking-read`, input, 4n)), "some");
  assert.equal(call(`${streams}input-stream.skip`, input, 1n), 1n);
  assert.equal(call(`${streams}output-stream.blocking-splice`, output, input, 100n), 5n);
  assert.deepEqual(
    payloadOf(() => call(`${streams}input-stream.read`, input, 1n)),
    { tag: "closed" },
  );
  call(`${streams}output-stream.blocking-write-zeroes-and-flush`, output, 2n);
  assert.equal(stdout.text, "input\0\0");
  assert.deepEqual([host.meter.bytesIn, host.meter.bytesOut], [10, 7]);
});

test("a write beyond what check-write permitted traps, and one without it", () => {
  const { call } = createFixture({ host: { stdio: { stdout: new MemorySink() } } });
  const output = call("cli/stdout#get-stdout");
  const write = (count: number): unknown => call(`${streams}output-stream.write`, output, new Uint8Array(count));
  assert.throws(() => write(1), { name: "WasiTrap" });
  const permit = Number(call(`${streams}output-stream.check-write`, output));
  assert.ok(permit >= 4096);
  write(permit - 10);
  write(10);
  assert.throws(() => write(1), { name: "WasiTrap" });
  assert.throws(() => call(`${streams}output-stream.write-zeroes`, output, 1n), { name: "WasiTrap" });
});

test("while bytes are on their way check-write permits none, and the pollable is ready once they are gone", async () => {
  const { call, context } = createFixture({ host: { waits: "suspend" } });
  const sink = new SlowSink();
  const output = new OutputStream(context, sink);
  assert.ok(output.checkWrite() > 0n);
  const bytes = Uint8Array.of(1, 2, 3);
  output.write(bytes);
  // The guest goes on and changes its memory.
  bytes.fill(9);
  assert.equal(output.checkWrite(), 0n);
  const pollable = call(`${streams}output-stream.subscribe`, output);
  assert.equal(call("io/poll#[method]pollable.ready", pollable), false);
  const blocked = call("io/poll#[method]pollable.block", pollable) as Promise<void>;
  sink.take(2);
  await Promise.resolve();
  await Promise.resolve();
  sink.take(1);
  await blocked;
  assert.deepEqual(sink.taken, [1, 2, 3]);
  assert.ok(output.checkWrite() > 0n);
  assert.equal(context.host.meter.bytesOut, 3);
});

test("what became of bytes on their way is told by the next call, once; then the stream is closed", async () => {
  const { context, call } = createFixture({ host: { waits: "suspend" } });
  const sink = new SlowSink();
  const output = new OutputStream(context, sink);
  output.checkWrite();
  output.write(new Uint8Array(1));
  sink.fail(failure("nospc"));
  await context.flushed();
  const told = payloadOf(() => call(`${streams}output-stream.check-write`, output)) as { tag: string; val: unknown };
  assert.equal(told.tag, "last-operation-failed");
  assert.equal(call("filesystem/types#filesystem-error-code", told.val), "insufficient-space");
  assert.deepEqual(
    payloadOf(() => call(`${streams}output-stream.flush`, output)),
    { tag: "closed" },
  );
});

test("a blocking write waits for what is on its way, writes all and flushes", async () => {
  const { context } = createFixture({ host: { waits: "suspend" } });
  const pipe = createPipe({ capacity: 4 });
  let flushes = 0;
  const sink: OutputSink = {
    write: (bytes) => pipe.sink.write(bytes),
    flush: () => void (flushes += 1),
    isReady: () => pipe.sink.ready() === true,
    watch: () => true,
  };
  const output = new OutputStream(context, sink);
  output.checkWrite();
  output.write(bytesOf("first "));
  const written = output.blockingWriteAndFlush(bytesOf("second"));
  const came: string[] = [];
  const part = new Uint8Array(5);
  while (came.join("").length < 12) came.push(text(part.subarray(0, await pipe.source.read(part))));
  await written;
  assert.equal(came.join(""), "first second");
  assert.equal(flushes, 1);
});

test("a read of a stream with nothing in it answers nothing, a blocking one waits, and splice moves nothing", async () => {
  const { context } = createFixture({ host: { waits: "suspend" } });
  const pipe = createPipe({ capacity: 16 });
  const source: InputSource = {
    read: (into) => pipe.source.read(into),
    isReady: () => pipe.source.ready() === true,
    watch(wake) {
      const ready = pipe.source.ready();
      if (ready === true) return true;
      void ready.then(wake);
      return () => {};
    },
  };
  const input = new InputStream(context, source);
  const output = new OutputStream(context, new SlowSink());
  assert.equal((input.read(10n) as Uint8Array).length, 0);
  assert.equal(output.splice(input, 10n), 0n);
  const pollable = input.subscribe();
  assert.equal(pollable.isReady(), false);
  const blocked = context.polls.poll([pollable]) as Promise<Uint32Array>;
  await pipe.sink.write(bytesOf("abc"));
  assert.deepEqual(await blocked, Uint32Array.of(0));
  assert.equal(text(await input.blockingRead(10n)), "abc");
  const waiting = input.blockingRead(10n) as Promise<Uint8Array>;
  pipe.sink.close();
  await assert.rejects(waiting, (error: { payload?: { tag?: string } }) => error.payload?.tag === "closed");
});

test("flush begins and blocking-flush waits; both tell closed of a stream that is gone", () => {
  const stdout = new MemorySink();
  const { call } = createFixture({ host: { stdio: { stdout } } });
  const output = call("cli/stdout#get-stdout");
  assert.equal(call(`${streams}output-stream.flush`, output), undefined);
  assert.equal(call(`${streams}output-stream.blocking-flush`, output), undefined);
  call("io/streams#[resource-drop]output-stream", output);
  assert.deepEqual(
    payloadOf(() => call(`${streams}output-stream.blocking-flush`, output)),
    { tag: "closed" },
  );
  assert.equal(stdout.isClosed, false);
});

test("stdout that was taken away fails as refused, and the observer hears of it", () => {
  const refused: unknown[] = [];
  const observer = { isLearning: false, used: () => {}, refused: (request: unknown) => refused.push(request) };
  const { call } = createFixture({ grants: { stdio: ["stdin"] }, host: { observer } });
  const output = call("cli/stdout#get-stdout");
  const { val } = payloadOf(() => call(`${streams}output-stream.blocking-write-and-flush`, output, bytesOf("x"))) as {
    val: unknown;
  };
  assert.equal(call("filesystem/types#filesystem-error-code", val), "not-permitted");
  assert.deepEqual(refused, [{ capability: "stdio", stream: "stdout" }]);
});
