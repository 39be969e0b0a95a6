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

test("poll_oneoff() lets what is not ready become so for a guest that asks over and over what is", () =>
  withSockets({ version: 1, isTraced: false }, async (p) => {
    const { client, server } = await p.pair();
    const watched: Watch[] = [
      { fd: client, events: "write" },
      { fd: server, events: "read" },
    ];
    await p.number("sock_send", client, p.pieces("x"), 0);
    let asked = 0;
    for (let told = 0; told < 2 * 32; asked++) told = (await poll(p, "poll_oneoff", watched)).length;
    assert.ok(asked < 1_000, `${asked} times`);
  }));

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

test("poll_oneoff() tells what is ready however its list changes from call to call", () =>
  withSockets({ version: 1, memory: { initial: 4 }, isTraced: false }, async (p) => {
    const pick = below(20_261_121);
    /** What waits in each server's socket, by its number. */
    const waiting = new Map<number, number>();
    const clients = new Map<number, number>();
    let order: number[] = [];
    let told = 0;
    for (let step = 0; step < 400; step++) {
      const fd = order[pick(Math.max(1, order.length))];
      const kind = pick(6);
      if (fd === undefined || (kind === 0 && order.length < 24)) {
        const { client, server } = await p.pair();
        clients.set(server, client);
        waiting.set(server, 0);
        order.splice(pick(order.length + 1), 0, server);
      } else if (kind === 1 && order.length > 4) {
        order = order.filter((each) => each !== fd);
        await p.does("fd_close", fd);
        await p.does("fd_close", clients.get(fd) ?? assert.fail("every server has a client"));
      } else if (kind < 4 && waiting.get(fd) === 0) {
        await p.number("sock_send", clients.get(fd) ?? assert.fail("every server has a client"), p.pieces("ab"), 0);
        waiting.set(fd, 2);
        assert.deepEqual(
          await poll(p, "poll_oneoff", [{ fd, events: "read" }]),
          Buffer.from(event(0, 1, { bytes: 2n })),
        );
      } else if (waiting.get(fd) !== 0) {
        assert.equal(
          await p.callAsync("sock_recv", fd, p.iovecs([p.place(256), 256]), 0, p.place(4), p.place(4)),
          "success",
        );
        p.renew();
        waiting.set(fd, 0);
      }
      const watched = order.map((each) => ({ fd: each, events: "read" }) as const);
      const now: Clock = { clock: 1, timeout: 0n };
      const ready = order.map((each, index) => event(index, 1, { bytes: BigInt(waiting.get(each) ?? 0) }));
      const expected = ready.filter((_, index) => waiting.get(order[index] ?? -1) !== 0);
      const isLast = pick(2) === 0;
      const clock = event(isLast ? order.length : 0, 0);
      if (!isLast) for (const each of expected) each[0] = (each[0] ?? 0) + 1;
      const events = isLast ? [...expected, clock] : [clock, ...expected];
      const list = isLast ? [...watched, now] : [now, ...watched];
      assert.deepEqual(await poll(p, "poll_oneoff", list), Buffer.concat(events), `step ${step}`);
      told += expected.length;
    }
    assert.ok(told > 400, `only ${told} events`);
  }));

/** Whole numbers below what is asked for, the same ones for a seed. */
function below(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
