import assert from "node:assert/strict";
import { test } from "node:test";
import { failure } from "../base/index.ts";
import { createPipe, MemorySink, sinkToWeb, sourceFrom, sourceFromWeb } from "./channels.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads once and answers the text. */
async function read(source: ReturnType<typeof sourceFrom>, length = 8): Promise<string> {
  const into = new Uint8Array(length);
  return Buffer.from(into.subarray(0, await source.read(into))).toString();
}

async function isPending(promise: unknown): Promise<boolean> {
  assert.ok(promise instanceof Promise);
  for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve));
  return (await Promise.race([promise.then(() => "over"), Promise.resolve("pending")])) === "pending";
}

test("sourceFrom() gives its bytes piece by piece, then the end", () => {
  const source = sourceFrom("héllo");
  const into = new Uint8Array(4);
  assert.equal(source.ready(), true);
  assert.deepEqual([source.read(into), Buffer.from(into).toString()], [4, "hél"]);
  assert.equal(source.read(into), 2);
  assert.equal(source.read(into), 0);
  const given = sourceFrom(bytes("abc"));
  given.cancel();
  assert.equal(given.read(into), 0);
});

test("MemorySink keeps what is written up to its bound, to the byte", () => {
  const sink = new MemorySink({ bound: 5 });
  const reused = bytes("abc");
  assert.equal(sink.write(reused), 3);
  reused.fill(0);
  assert.equal(sink.write(bytes("defg")), 2);
  assert.equal(sink.write(bytes("")), 0);
  assert.throws(() => sink.write(bytes("h")), failure("nospc"));
  assert.deepEqual([sink.text, sink.bytes, sink.isClosed], ["abcde", bytes("abcde"), false]);
  sink.close();
  assert.equal(sink.isClosed, true);
});

test("createPipe() hands bytes over in order through a small buffer, each side waiting for the other", async () => {
  const { source, sink } = createPipe({ capacity: 7 });
  const content = Uint8Array.from({ length: 1000 }, (_, index) => index % 251);
  const write = async (): Promise<void> => {
    for (let at = 0; at < content.length;) at += await sink.write(content.subarray(at, at + 1 + (at % 11)));
    sink.close();
  };
  const writing = write();
  const got: number[] = [];
  const into = new Uint8Array(5);
  for (let count = -1; count !== 0;) {
    count = await source.read(into);
    got.push(...into.subarray(0, count));
  }
  await writing;
  assert.deepEqual(got, [...content]);
});

test("createPipe() holds its capacity, and says when a side would not wait", async () => {
  const { source, sink } = createPipe({ capacity: 3 });
  const readable = source.ready();
  assert.equal(await isPending(readable), true);
  assert.equal(sink.ready(), true);
  assert.equal(sink.write(bytes("abcd")), 3);
  await readable;
  assert.equal(source.ready(), true);
  const writable = sink.ready();
  const late = sink.write(bytes("de"));
  assert.equal(await isPending(writable), true);
  assert.equal(await read(source, 2), "ab");
  await writable;
  assert.equal(await late, 2);
  assert.equal(await read(source), "cde");
  sink.close();
  assert.equal(source.ready(), true);
  assert.equal(await read(source), "");
});

test("createPipe() tells the writer that nobody reads any more, also one that waits", async () => {
  const { source, sink } = createPipe({ capacity: 1 });
  void sink.write(bytes("a"));
  const late = sink.write(bytes("b"));
  source.cancel();
  await assert.rejects(Promise.resolve(late), failure("pipe"));
  assert.throws(() => sink.write(bytes("c")), failure("pipe"));
  assert.equal(sink.ready(), true);
});

test("createPipe() forgets a wait that is given up, and loses no byte by it", async () => {
  const { source, sink } = createPipe();
  const reason = new Error("given up");
  const controller = new AbortController();
  const waits = [source.ready(controller.signal), source.read(new Uint8Array(4), controller.signal)];
  controller.abort(reason);
  for (const wait of waits) await assert.rejects(Promise.resolve(wait), reason);
  await assert.rejects(Promise.resolve(source.ready(controller.signal)), reason);
  void sink.write(bytes("abc"));
  assert.equal(await read(source), "abc");
});

test("sourceFromWeb() reads a stream in pieces of any size, and waits for it", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const source = sourceFromWeb(new ReadableStream({ start: (made) => void (controller = made) }));
  const given = new AbortController();
  const ready = source.ready(given.signal);
  given.abort(new Error("given up"));
  await assert.rejects(Promise.resolve(ready), /given up/);
  const late = read(source, 2);
  assert.equal(await isPending(late), true);
  controller?.enqueue(bytes("abcde"));
  assert.equal(await late, "ab");
  assert.equal(source.ready(), true);
  assert.equal(await read(source), "cde");
  controller?.close();
  assert.equal(await read(source), "");
  assert.equal(source.ready(), true);
});

test("sourceFromWeb() answers io where the stream fails, and cancels it when it is given up", async () => {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const failing = sourceFromWeb(new ReadableStream({ start: (made) => void (controller = made) }));
  controller?.enqueue(bytes("a"));
  controller?.error(new Error("lost"));
  await assert.rejects(
    (async () => {
      for (;;) assert.notEqual(await read(failing), "");
    })(),
    failure("io"),
  );
  let reason: unknown = "none";
  const given = sourceFromWeb(new ReadableStream({ cancel: (why) => void (reason = why) }));
  given.cancel();
  assert.equal(reason, undefined);
  assert.equal(given.read(new Uint8Array(1)), 0);
});

test("sinkToWeb() writes copies, waits while the stream is full, and closes it", async () => {
  const got: string[] = [];
  let release: (() => void) | undefined;
  let isClosed = false;
  const sink = sinkToWeb(
    new WritableStream({
      write: (chunk: Uint8Array) => {
        got.push(Buffer.from(chunk).toString());
        return new Promise<void>((resolve) => (release = resolve));
      },
      close: () => void (isClosed = true),
    }),
  );
  await new Promise((resolve) => void setImmediate(resolve));
  const reused = bytes("abc");
  assert.equal(sink.write(reused), 3);
  reused.fill(0x7a);
  const late = sink.write(bytes("de"));
  const ready = sink.ready();
  assert.equal(await isPending(late), true);
  release?.();
  assert.equal(await late, 2);
  await ready;
  assert.deepEqual(got, ["abc", "de"]);
  release?.();
  sink.close();
  assert.throws(() => sink.write(reused), failure("pipe"));
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(isClosed, true);
});

test("sinkToWeb() answers pipe once the stream has failed, also to a write that waits", async () => {
  let controller: WritableStreamDefaultController | undefined;
  const sink = sinkToWeb(
    new WritableStream({ start: (made) => void (controller = made), write: () => new Promise(() => {}) }),
  );
  await new Promise((resolve) => void setImmediate(resolve));
  assert.equal(sink.write(bytes("a")), 1);
  const late = sink.write(bytes("b"));
  controller?.error(new Error("lost"));
  await assert.rejects(Promise.resolve(late), failure("pipe"));
  assert.throws(() => sink.write(bytes("c")), failure("pipe"));
});
