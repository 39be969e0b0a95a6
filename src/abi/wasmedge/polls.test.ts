import assert from "node:assert/strict";
import { test } from "node:test";
import { createPipe } from "../../host/index.ts";
import { event, subscription, type Clock, type Watch } from "../preview1/poll-fixture.ts";
import { utf8 } from "../preview1/preview1-fixture.ts";
import { type SocketBench, withSockets } from "./wasmedge-fixture.ts";

const never: Clock = { clock: 1, timeout: 3_600_000_000_000n };

/** Starts a poll and answers what it will tell. */
async function poll(p: SocketBench, name: string, wanted: readonly (Clock | Watch)[]): Promise<Buffer> {
  const from = p.put(Buffer.concat(wanted.map((each, index) => subscription(each, index))));
  const [to, n] = [p.place(wanted.length * 32), p.place(4)];
  assert.equal(await p.callAsync(name, from, to, wanted.length, n), "success");
  const told = Buffer.from(p.bytes.slice(to, to + p.view.getUint32(n, true) * 32));
  p.renew();
  return told;
}

/** Polls a mixture of everything by one of the two calls. */
async function testMixture(name: string): Promise<void> {
  const { source, sink } = createPipe();
  const silent = { write: ({ length }: Uint8Array) => length, ready: () => true as const, close: () => {} };
  const stdio = { stdin: source, stdout: silent, stderr: silent };
  await withSockets({ version: 1, host: { stdio } }, async (p) => {
    p.write("w/file", "hello");
    const { client, server } = await p.pair();
    const other = await p.pair();
    const watched: (Clock | Watch)[] = [
      { fd: 0, events: "read" },
      { fd: server, events: "read" },
      never,
      { fd: other.server, events: "read" },
    ];
    const waiting = poll(p, name, watched);
    // Called from outside the guest: its own calls wait for this one.
    void sink.write(utf8("x"));
    assert.deepEqual(await waiting, Buffer.from(event(0, 1, { bytes: 1n })));
    await p.number("sock_send", client, p.pieces("abc"), 0);
    const [, ...sockets] = watched;
    for (let i = 0; i < 2; i++) assert.deepEqual(await poll(p, name, sockets), Buffer.from(event(0, 1, { bytes: 3n })));
    await p.number("sock_send", other.client, p.pieces("d"), 0);
    await poll(p, name, [{ fd: other.server, events: "read" }]);
    const both = Buffer.concat([event(0, 1, { bytes: 3n }), event(2, 1, { bytes: 1n })]);
    assert.deepEqual(await poll(p, name, sockets), both);
    const fd = p.open("file");
    const ready = [...sockets, { fd, events: "read" } as const, { fd: client, events: "write" } as const];
    const all = [both, event(3, 1, { bytes: 5n }), event(4, 2, { bytes: 1n })];
    assert.deepEqual(await poll(p, name, ready), Buffer.concat(all));
  });
}

test("poll_oneoff() tells among files, a pipe, clocks and sockets exactly those that are ready, until they are not", () =>
  testMixture("poll_oneoff"));

test("epoll_oneoff() tells what is ready in each call, as poll_oneoff does", () => testMixture("epoll_oneoff"));

test("poll_oneoff() finds the ready one among 501 sockets, and what it watched can be closed", () =>
  withSockets({ version: 1, memory: { initial: 4 }, isTraced: false }, async (p) => {
    const { client, server } = await p.pair();
    const idle: number[] = [];
    for (let i = 0; i < 500; i++) {
      const fd = await p.number("sock_open", 1, 1);
      await p.does("sock_bind", fd, p.address(127, 0, 0, 1), 0);
      idle.push(fd);
    }
    const watched = [...idle, server].map((fd) => ({ fd, events: "read" }) as const);
    await p.number("sock_send", client, p.pieces("x"), 0);
    assert.deepEqual(await poll(p, "poll_oneoff", watched), Buffer.from(event(500, 1, { bytes: 1n })));
    for (const fd of idle) await p.does("fd_close", fd);
    assert.deepEqual(
      await poll(p, "poll_oneoff", [{ fd: server, events: "read" }]),
      Buffer.from(event(0, 1, { bytes: 1n })),
    );
  }));
