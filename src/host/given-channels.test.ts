import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Writable } from "node:stream";
import type { ByteSink, ByteSource } from "../base/index.ts";
import { lentSinkFor, sinkFor, sourceFor } from "./given-channels.ts";

async function readAll(source: ByteSource | undefined): Promise<string> {
  assert.ok(source);
  const chunks: Buffer[] = [];
  for (;;) {
    const into = new Uint8Array(3);
    const count = await source.read(into);
    if (count === 0) return Buffer.concat(chunks).toString();
    chunks.push(Buffer.from(into.subarray(0, count)));
  }
}

async function writeAll(sink: ByteSink | undefined, text: string): Promise<void> {
  assert.ok(sink);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await sink.write(bytes.subarray(at, at + 4));
  await sink.ready();
}

test("sourceFor() reads text, bytes, streams of the Web's and whatever iterates over chunks", async () => {
  const bytes = new TextEncoder().encode("tea, cups");
  async function* later(): AsyncGenerator<Uint8Array | string> {
    yield "tea";
    await turn();
    yield new Uint8Array();
    yield bytes.subarray(3);
  }
  for (const given of [
    "tea, cups",
    bytes,
    bytes.buffer,
    new DataView(bytes.buffer),
    new Blob([bytes]).stream(),
    ["tea", ", cups"],
    later(),
  ])
    assert.equal(await readAll(sourceFor(given)), "tea, cups");
  const source = sourceFor("x");
  assert.equal(sourceFor(source), source);
  for (const wrong of [7, null, undefined, {}, () => {}]) assert.equal(sourceFor(wrong), undefined);
});

test("sourceFor() answers io where what it reads from fails, and ends an iterator that is given up", async () => {
  // oxlint-disable-next-line require-yield -- it fails before it has anything
  async function* failing(): AsyncGenerator<string> {
    await turn();
    throw new Error("cut");
  }
  await assert.rejects(readAll(sourceFor(failing())), { errno: "io" });
  await assert.rejects(readAll(sourceFor([7])), { errno: "io" });
  let isOver = false;
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) yield "tea";
    } finally {
      isOver = true;
    }
  }
  const source = sourceFor(endless());
  await source?.read(new Uint8Array(1));
  source?.cancel();
  await turn();
  assert.ok(isOver);
});

test("sinkFor() writes to functions, streams of the Web's and of Node's, one chunk at a time", async () => {
  const chunks: Uint8Array[] = [];
  const push = (chunk: Uint8Array): void => void chunks.push(chunk);
  let running = 0;
  const slowly = async (chunk: Uint8Array): Promise<void> => {
    running += 1;
    assert.equal(running, 1);
    await turn();
    running -= 1;
    push(chunk);
  };
  const node = new Writable({ write: (chunk: Uint8Array, _, done) => (push(chunk), done()) });
  for (const taken of [push, slowly, new WritableStream({ write: push }), node]) {
    chunks.length = 0;
    await writeAll(sinkFor(taken), "tea and cups");
    for (let turns = 0; turns < 10; turns++) await turn();
    assert.equal(Buffer.concat(chunks).toString(), "tea and cups");
  }
  assert.ok(!node.writableEnded);
  for (const wrong of [7, null, undefined, {}, "x"]) assert.equal(sinkFor(wrong), undefined);
});

test("sinkFor() answers pipe once a function has failed, and throws on what one throws", async () => {
  const sink = sinkFor(() => Promise.reject(new Error("full")));
  await writeAll(sink, "tea");
  assert.throws(() => sink?.write(new Uint8Array(1)), { errno: "pipe" });
  const error = new Error("mine");
  const throwing = sinkFor(() => {
    throw error;
  });
  assert.throws(() => throwing?.write(new Uint8Array(1)), error);
});

test("lentSinkFor() lets go of a stream without closing it", async () => {
  const chunks: Uint8Array[] = [];
  const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  for (const text of ["tea", "cups"]) {
    const sink = lentSinkFor(stream);
    assert.ok(stream.locked);
    await writeAll(sink, text);
    sink?.close();
    assert.ok(!stream.locked);
  }
  await stream.close();
  assert.equal(Buffer.concat(chunks).toString(), "teacups");
});
