import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { Worker } from "node:worker_threads";
import { directNetwork } from "../direct.ts";
import { NativeBound } from "./native-bound.ts";
import { NativeConnection } from "./native-connection.ts";
import { nativeLoop, type NativeLoop } from "./native-loop.ts";
import { type NativeSockets, nativeSockets } from "./native-sockets.ts";

const flag = "--expose-internals";
const isInner = process.execArgv.includes(flag);
const canHave = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
const skip = isInner && canHave ? false : `only in a Node started with ${flag}, on Linux`;
const here = import.meta.dirname;
const alsoHere = [
  "stream-socket.test.ts",
  "sockets.test.ts",
  "attacks/attacks.test.ts",
  "attacks/unix-attacks.test.ts",
].map((file) => join(dirname(here), file));

test(
  "native sockets pass what the sockets of Node pass: the same tests in a Node that has them",
  { skip: isInner || !canHave, timeout: 300_000 },
  () => {
    const files = [import.meta.filename, ...alsoHere];
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const run = spawnSync(process.execPath, [flag, "--test", "--test-reporter=tap", ...files], {
      encoding: "utf8",
      env,
    });
    assert.equal(run.status, 0, run.stdout);
    assert.match(run.stdout, /^ok \d+ - NativeLoop waits in Node's place$/m);
    assert.doesNotMatch(run.stdout, /NativeLoop waits in Node's place # SKIP/);
  },
);

function sockets(): NativeSockets {
  const found = nativeSockets();
  assert.ok(found);
  return found;
}

/** A listener, so that the loop has something to watch. */
function watching(t: TestContext): NativeLoop {
  const bound = new NativeBound(sockets(), { family: "ipv4", address: "127.0.0.1", port: 0 });
  bound.listen(1, () => {});
  t.after(() => bound.close());
  const loop = nativeLoop();
  assert.ok(loop);
  return loop;
}

test("NativeLoop waits in Node's place", { skip }, async (t) => {
  const loop = watching(t);
  await readFile(import.meta.filename);
  const before = loop.looks;
  // Without waiting it would look some hundred thousand times.
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.ok(loop.seesNode);
  assert.ok(loop.looks - before < 200, `${loop.looks - before} looks`);
});

test("NativeLoop ends its waiting for timers, files, threads and immediates", { skip }, async (t) => {
  const loop = watching(t);
  while (!loop.seesNode) await new Promise((resolve) => setTimeout(resolve, 5));
  // Grown to its longest, a wait that these did not end would add up to far more than its share of looks.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const worker = new Worker(
    "require('worker_threads').parentPort.on('message', (m) => m === 0 ? process.exit() : require('worker_threads').parentPort.postMessage(m))",
    { eval: true },
  );
  const order: string[] = [];
  for (let i = 0; i < 20; i++) {
    await readFile(import.meta.filename);
    order.push("file");
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 1));
    const answer = new Promise((resolve) => worker.once("message", resolve));
    worker.postMessage(i + 1);
    assert.equal(await answer, i + 1);
  }
  worker.postMessage(0);
  assert.equal(order.length, 20);
});

test("a process ends when the loop has nothing left to watch", { skip }, () => {
  const script = `
    const { NativeBound } = await import(${JSON.stringify(join(here, "native-bound.ts"))});
    const { nativeSockets } = await import(${JSON.stringify(join(here, "native-sockets.ts"))});
    const bound = new NativeBound(nativeSockets(), { family: "ipv4", address: "127.0.0.1", port: 0 });
    bound.listen(1, () => {});
    setTimeout(() => bound.close(), 20);
    process.on("exit", () => console.log("ended"));`;
  const run = spawnSync(process.execPath, [flag, "--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(run.stdout, "ended\n", run.stderr);
  assert.equal(run.stderr, "");
});

test("a chunk that comes back is received into again, and never two at once", { skip }, async (t) => {
  const { chunks } = sockets();
  const network = directNetwork();
  const bound = network.bindStream({ family: "ipv4", address: "127.0.0.1", port: 0 });
  t.after(() => bound.close());
  const size = 1 << 20;
  const got: Uint8Array[] = [];
  const buffers = new Set<ArrayBufferLike>();
  const { promise, resolve } = Promise.withResolvers<void>();
  bound.listen(8, (connection) => {
    let count = 0;
    connection.tell({
      connected: () => {},
      data: (bytes) => {
        count += bytes.length;
        got.push(bytes.slice());
        buffers.add(bytes.buffer);
        chunks.give(bytes);
        return true;
      },
      ended: () => {
        assert.equal(count, size);
        connection.close(() => resolve());
      },
      drained: () => {},
      failed: assert.fail,
    });
    connection.read();
  });
  const client = network.connect(bound.address);
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 31) & 255);
  client.tell({
    connected: () => {
      for (let at = 0; at < size; at += 65_536) client.write(bytes.subarray(at, at + 65_536));
      client.end();
    },
    data: () => true,
    ended: () => client.close(() => {}),
    drained: () => {},
    failed: assert.fail,
  });
  client.read();
  await promise;
  assert.deepEqual(Buffer.concat(got), Buffer.from(bytes));
  assert.ok(buffers.size < got.length, `${buffers.size} buffers for ${got.length} chunks`);
});

test(
  "NativeConnection.send() takes a message of parts before it returns, whatever the system takes",
  { skip },
  async (t) => {
    const bound = new NativeBound(sockets(), { family: "ipv4", address: "127.0.0.1", port: 0 });
    t.after(() => bound.close());
    const message = (size: number, pieces: number) => ({
      before: "h\u00e9ad ".repeat(3),
      pieces: Array.from({ length: pieces }, (_, at): Uint8Array => Buffer.alloc(size, `${at} and its bytes, `)),
      behind: "\r\n",
    });
    // Short, of many parts, long, and far more than the system takes.
    const messages = [message(3, 2), message(9000, 40), message(65_536, 1), message(4 << 20, 3), message(0, 0)];
    const expected = Buffer.concat(
      messages.flatMap(({ before, pieces, behind }) => [Buffer.from(before, "latin1"), ...pieces, Buffer.from(behind)]),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    bound.listen(8, (connection) => {
      t.after(() => connection.reset());
      connection.tell({
        connected: () => {},
        data: () => true,
        ended: () => {},
        drained: resolve,
        failed: assert.fail,
      });
      const sent = messages.map(({ before, pieces, behind }) => {
        const isSent = connection.send(before, pieces, behind);
        for (const piece of pieces) piece.fill(0);
        return isSent;
      });
      assert.deepEqual(sent, [true, true, true, false, false]);
      assert.ok(connection.pending > 0);
      connection.end();
    });
    const client = directNetwork().connect(bound.address);
    const got: Uint8Array[] = [];
    const ended = Promise.withResolvers<void>();
    client.tell({
      connected: () => client.read(),
      data: (bytes) => {
        got.push(bytes);
        return true;
      },
      ended: () => client.close(ended.resolve),
      drained: () => {},
      failed: assert.fail,
    });
    await Promise.all([promise, ended.promise]);
    assert.ok(Buffer.concat(got).equals(expected));
  },
);

test("NativeLoop tells nobody what was of a descriptor that had their number before", { skip }, async () => {
  const { loop, calls } = sockets();
  const { native } = loop;
  const { bytes, address } = native.allocate(8);
  const pair = (): readonly [number, number] => {
    assert.equal(native.c.socketpair(1, 1 | 0o4000 | 0o2_000_000, 0, address), 0);
    const [ours = -1, other = -1] = new Int32Array(bytes.buffer);
    return [ours, other];
  };
  const message = native.allocate(1);
  const [first, second] = [pair(), pair()];
  const told: number[] = [];
  const open = new Set([first[1], second[1]]);
  const done = Promise.withResolvers<void>();
  let release = (): void => {};
  /** Closes the other one, of which an event is there already, and has its number taken by somebody else. */
  const replace = (own: number, other: number): void => {
    for (const fd of [own, other]) loop.remove(fd);
    calls.close(own);
    calls.close(other);
    const [ours, peer] = pair();
    // The number itself, wherever the system has put the new one.
    const taken = [ours, peer].find((fd) => fd === other) ?? native.c.fcntl(ours, 1030, other);
    assert.equal(taken, other);
    for (const fd of [ours, peer, taken]) open.add(fd);
    loop.add(taken, {
      ready: (events) => {
        told.push(events);
        // What else there is of it is told by then.
        loop.later(() => loop.later(done.resolve));
      },
    });
    release = () => loop.remove(taken);
  };
  loop.add(first[0], { ready: (events) => (events & 1) === 1 && replace(first[0], second[0]) });
  loop.add(second[0], { ready: (events) => (events & 1) === 1 && replace(second[0], first[0]) });
  for (const [, peer] of [first, second]) assert.equal(calls.send(peer, message.address, 1), 1);
  await done.promise;
  release();
  for (const fd of open) calls.close(fd);
  assert.ok(told.length > 0);
  // It can be written to, and nothing is there to be read.
  for (const events of told) assert.equal(events & 1, 0);
});

test("NativeConnection asks nothing of a descriptor that it has given back", { skip }, (t) => {
  const all = sockets();
  const bound = new NativeBound(all, { family: "ipv4", address: "127.0.0.1", port: 0 });
  bound.listen(8, (connection) => t.after(() => connection.reset()));
  t.after(() => bound.close());
  const fd = all.calls.open("ipv4");
  const connection = NativeConnection.to(all, fd, bound.address);
  connection.reset();
  const others = Array.from(
    { length: 4 },
    () => new NativeBound(all, { family: "ipv4", address: "127.0.0.1", port: 0 }),
  );
  t.after(() => {
    for (const other of others) other.close();
  });
  const { local } = connection;
  assert.ok(
    others.every(({ address }) => address.family === "unix" || local.family === "unix" || address.port !== local.port),
  );
  connection.setKeepAlive(true);
  connection.end();
  connection.reset();
  // None of the others lost its descriptor by that.
  for (const other of others) assert.doesNotThrow(() => other.listen(1, () => {}));
});
