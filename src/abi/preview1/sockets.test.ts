import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { listenOn, Loopback, textOf } from "../network-fixture.ts";
import { event, subscription } from "./poll-fixture.ts";
import {
  Bench,
  type BenchOptions,
  made,
  nonblocking,
  testDocumentedErrors,
  u32,
  utf8,
  withBench,
} from "./preview1-fixture.ts";

/** The bench's listener stands behind its two folders. */
const listener = 5;
const port = 80;
const end = 0x2_0000;
const [peek, waitall] = [1, 2];

/** A bench with a listening socket, and connections to it. */
class Server {
  readonly bench: Bench;
  readonly #loopback = new Loopback();
  readonly #peers: Socket[] = [];

  constructor(options: BenchOptions = {}) {
    const host = { ...options.host, network: this.#loopback.network };
    this.bench = new Bench({ ...options, mode: "async", listens: true, grants: listenOn(port), host });
  }

  async connect(): Promise<Socket> {
    const peer = await this.#loopback.connect(port);
    this.#peers.push(peer);
    return peer;
  }

  /** Connects and accepts. */
  async pair(flags = 0): Promise<{ peer: Socket; fd: number }> {
    const peer = await this.connect();
    const out = this.bench.place(4);
    const accept = (): ReturnType<Bench["callAsync"]> => this.bench.callAsync("sock_accept", listener, flags, out);
    let answer = await accept();
    // A listener that does not wait hears of the connection in a turn of the loop, later than who connected.
    for (; answer === "again"; answer = await accept()) await turn();
    assert.equal(answer, "success");
    const fd = this.bench.view.getUint32(out, true);
    this.bench.renew();
    this.bench.lines.splice(0);
    return { peer, fd };
  }

  close(): void {
    for (const peer of this.#peers) peer.destroy();
    this.bench.close();
  }
}

function serving(use: (server: Server, p: Bench) => Promise<void>, options: BenchOptions = {}) {
  return async (): Promise<void> => {
    const server = new Server(options);
    try {
      await use(server, server.bench);
    } finally {
      server.close();
    }
  };
}

/** Receives, and checks that this text comes and nothing else is written. */
async function receives(
  p: Bench,
  fd: number,
  { text, flags = 0, room = 8 }: { text: string; flags?: number; room?: number },
) {
  const [at, n, ro] = [p.place(room), p.place(4), p.place(2)];
  await p.expectAsync("sock_recv", [fd, p.iovecs([at, room]), flags, n, ro], {
    line: new RegExp(`^sock_recv\\(fd=${fd},ri_data=\\[${room}\\],ri_flags=\\w+\\) -> ${text.length},0$`),
    writes: [
      [at, utf8(text)],
      [n, u32(text.length)],
      [ro, new Uint8Array(2)],
    ],
  });
}

async function polls(p: Bench, fd: number, events: "read" | "write"): Promise<Uint8Array> {
  const [to, n] = [p.place(32), p.place(4)];
  const never = subscription({ clock: 1, timeout: 3_600_000_000_000n }, 1);
  const from = p.put(Buffer.concat([subscription({ fd, events }, 0), never]));
  const writes = [
    [to, 32],
    [n, u32(1)],
  ] as const;
  const view = await p.expectAsync("poll_oneoff", [from, to, 2, n], { writes });
  return new Uint8Array(view.buffer.slice(to, to + 32));
}

function hungUp(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[24] = 1;
  return copy;
}

test(
  "sock_accept() waits for a connection, or answers again where it must not",
  serving(async (server, p) => {
    const out = p.place(4);
    await p.expectAsync("sock_accept", [listener, 0, out], {
      during: () => server.connect(),
      line: "sock_accept(fd=5,flags=0) -> 6",
      writes: [[out, u32(6)]],
    });
    assert.equal(p.call("fd_fdstat_set_flags", listener, nonblocking.fdflags), "success");
    p.lines.splice(0);
    await p.expectAsync("sock_accept", [listener, 0, out], { errno: "again" });
    await p.expectAsync("sock_accept", [6, 0, out], { errno: "inval" });
    await p.expectAsync("sock_accept", [listener, 1, out], { errno: "inval" });
    const { fd } = await server.pair(nonblocking.fdflags);
    await p.expectAsync("sock_recv", [fd, p.iovecs([p.place(1), 1]), 0, p.place(4), p.place(2)], { errno: "again" });
  }),
);

test(
  "sock_accept() loses no connection where no descriptor is left",
  serving(
    async (server, p) => {
      const peer = await server.connect();
      await p.expectAsync("sock_accept", [listener, 0, p.place(4)], { errno: "mfile" });
      assert.equal(p.call("fd_close", 0), "success");
      const out = p.place(4);
      assert.equal(await p.callAsync("sock_accept", listener, 0, out), "success");
      assert.equal(p.view.getUint32(out, true), 0);
      peer.write("here");
      p.renew();
      p.lines.splice(0);
      await receives(p, 0, { text: "here" });
    },
    { host: { limits: { maxFiles: 6 } } },
  ),
);

test(
  "sock_recv() looks at bytes, takes them, waits for all of them and tells the end",
  serving(async (server, p) => {
    const { peer, fd } = await server.pair();
    peer.write("abcdef");
    await receives(p, fd, { text: "ab", flags: peek, room: 2 });
    await receives(p, fd, { text: "ab", room: 2 });
    assert.equal(p.host.meter.bytesIn, 2);
    const [at, n, ro] = [p.place(6), p.place(4), p.place(2)];
    await p.expectAsync("sock_recv", [fd, p.iovecs([at, 1], [at + 1, 5]), waitall, n, ro], {
      during: () => peer.write("gh"),
      line: `sock_recv(fd=${fd},ri_data=[1+5],ri_flags=waitall) -> 6,0`,
      writes: [
        [at, utf8("cdefgh")],
        [n, u32(6)],
        [ro, new Uint8Array(2)],
      ],
    });
    peer.end("z");
    await receives(p, fd, { text: "z" });
    await receives(p, fd, { text: "" });
    await receives(p, fd, { text: "", flags: waitall });
    await p.expectAsync("sock_recv", [fd, p.iovecs([p.place(1), 1]), 4, n, ro], { errno: "inval" });
    await p.expectAsync("sock_recv", [listener, p.iovecs([p.place(1), 1]), 0, n, ro], { errno: "notconn" });
  }),
);

test(
  "sock_send() sends, ends by sock_shutdown(), and counts its bytes",
  serving(async (server, p) => {
    const { peer, fd } = await server.pair();
    const text = textOf(peer);
    const n = p.place(4);
    const sent = { line: `sock_send(fd=${fd},si_data=[2+3],si_flags=0) -> 5`, writes: [[n, u32(5)]] as const };
    await p.expectAsync("sock_send", [fd, p.pieces("ab", "cde"), 0, n], sent);
    assert.equal(p.host.meter.bytesOut, 5);
    await p.expectAsync("sock_send", [fd, p.pieces("ab"), 1, n], { errno: "inval" });
    p.expect("sock_shutdown", [fd, 0], { errno: "inval" });
    p.expect("sock_shutdown", [fd, 4], { errno: "inval" });
    p.expect("sock_shutdown", [listener, 2], { errno: "notconn" });
    p.expect("sock_shutdown", [fd, 2], { line: `sock_shutdown(fd=${fd},how=wr) -> ok` });
    assert.equal(await text, "abcde");
    await p.expectAsync("sock_send", [fd, p.pieces("ab"), 0, n], { errno: "pipe" });
    await p.expectAsync("sock_send", [listener, p.pieces("ab"), 0, n], { errno: "notconn" });
  }),
);

test(
  "sock_send() waits for a peer that does not read, and answers again where it must not wait",
  serving(
    async (server, p) => {
      const { peer, fd } = await server.pair(nonblocking.fdflags);
      peer.pause();
      const [from, n] = [0x2_0000, p.place(4)];
      let errno: string;
      let calls = 0;
      do {
        errno = await p.callAsync("sock_send", fd, p.iovecs([from, 0x1_0000]), 0, n);
        p.renew();
      } while (errno === "success" && calls++ < 1000);
      assert.equal(errno, "again");
      assert.ok(calls > 0);
      let came = 0;
      peer.on("data", (bytes: Buffer) => (came += bytes.length)).resume();
      assert.deepEqual(Buffer.from(await polls(p, fd, "write")), Buffer.from(event(0, 2, { bytes: 1n })));
      assert.ok(came > 0);
    },
    { memory: { initial: 4 }, isTraced: false },
  ),
);

test(
  "fd_read(), fd_write() and fd_fdstat_get() work on a socket",
  serving(async (server, p) => {
    const { peer, fd } = await server.pair();
    peer.write("abc");
    const [at, n] = [p.place(8), p.place(4)];
    await p.expectAsync("fd_read", [fd, p.iovecs([at, 8]), n], {
      writes: [
        [at, utf8("abc")],
        [n, u32(3)],
      ],
    });
    await p.expectAsync("fd_write", [fd, p.pieces("xyz"), n], { writes: [[n, u32(3)]] });
    assert.equal(String((await once(peer, "data"))[0]), "xyz");
    const out = p.place(24);
    const view = p.expect("fd_fdstat_get", [fd, out], { writes: [[out, 24]] });
    assert.deepEqual([view.getUint8(out), view.getUint16(out + 2, true)], [6, 0]);
    const wanted = (1n << 1n) | (1n << 6n) | (1n << 27n) | (1n << 28n) | (1n << 29n);
    assert.equal(view.getBigUint64(out + 8, true) & wanted, wanted);
    p.expect("fd_seek", [fd, 0n, 0, p.place(8)], { errno: "spipe" });
  }),
);

test(
  "poll_oneoff() tells sockets' bytes exactly and again until they are read, and a peer's end as hanging up",
  serving(async (server, p) => {
    const accepting = polls(p, listener, "read");
    await server.connect();
    assert.deepEqual(Buffer.from(await accepting), Buffer.from(event(0, 1, { bytes: 1n })));
    assert.deepEqual(Buffer.from(await polls(p, listener, "read")), Buffer.from(event(0, 1, { bytes: 1n })));
    const out = p.place(4);
    assert.equal(await p.callAsync("sock_accept", listener, 0, out), "success");
    const { peer, fd } = await server.pair();
    const waiting = polls(p, fd, "read");
    peer.write("abc");
    const three = Buffer.from(event(0, 1, { bytes: 3n }));
    assert.deepEqual(Buffer.from(await waiting), three);
    assert.deepEqual(Buffer.from(await polls(p, fd, "read")), three);
    await receives(p, fd, { text: "ab", room: 2 });
    assert.deepEqual(Buffer.from(await polls(p, fd, "read")), Buffer.from(event(0, 1, { bytes: 1n })));
    await receives(p, fd, { text: "c" });
    peer.end();
    assert.deepEqual(Buffer.from(await polls(p, fd, "read")), Buffer.from(hungUp(event(0, 1))));
    assert.deepEqual(Buffer.from(await polls(p, fd, "write")), Buffer.from(event(0, 2, { bytes: 1n })));
  }),
);

test(
  "sock_shutdown() ends reading, writing or both, and leaves the rest as it is",
  serving(async (server, p) => {
    const { peer, fd } = await server.pair();
    const text = textOf(peer);
    p.expect("sock_shutdown", [fd, 1], { line: `sock_shutdown(fd=${fd},how=rd) -> ok` });
    await receives(p, fd, { text: "" });
    await p.expectAsync("fd_write", [fd, p.pieces("still"), p.place(4)], { writes: [[0x1_0010, u32(5)]] });
    p.expect("sock_shutdown", [fd, 3], { line: `sock_shutdown(fd=${fd},how=rd|wr) -> ok` });
    assert.equal(await text, "still");
  }),
);

const onOthers = [
  ["sock_accept", (p: Bench) => [0, p.place(4)]],
  ["sock_recv", (p: Bench) => [p.iovecs([p.place(4), 4]), 0, p.place(4), p.place(2)]],
  ["sock_send", (p: Bench) => [p.pieces("abc"), 0, p.place(4)]],
  ["sock_shutdown", () => [3]],
] as const;

for (const [call, args] of onOthers) {
  test(
    `${call}() answers notsock for what is no socket, and badf and fault`,
    withBench({}, (p) => {
      for (const fd of [1, 3, p.open("file", made)]) p.expect(call, [fd, ...args(p)], { errno: "notsock" });
      p.expect(call, [99, ...args(p)], { errno: "badf" });
      if (call !== "sock_recv" && call !== "sock_send") return;
      const rest = args(p).slice(1);
      p.expect(call, [3, p.iovecs([end - 1, 2]), ...rest], { errno: "fault", line: `${call}(fd=3) -> fault` });
    }),
  );
}

testDocumentedErrors("sockets.test.ts");
