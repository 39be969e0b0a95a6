import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import {
  bytesOf,
  errnoOf,
  freePort,
  guestListener,
  loopback,
  netHost,
  nodeClient,
  nodeServer,
  readText,
  room,
  untilReady,
} from "./network-fixture.ts";
import { SocketCalls } from "./native/socket-calls.ts";

const anyLoopback = { connect: ["127.0.0.0/8"], listen: ["127.0.0.1:0-65535"] };

test("StreamSocket accepts a connection, reads and writes, and tells both addresses", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  const socket = await accepting;
  client.write("hello");
  assert.equal(await readText(socket), "hello");
  assert.equal(await socket.write(bytesOf("world")), 5);
  const [data] = (await once(client, "data")) as [Buffer];
  assert.equal(String(data), "world");
  assert.deepEqual(socket.localAddress, loopback(port));
  assert.deepEqual(socket.remoteAddress, loopback(client.localPort ?? 0));
  assert.equal(listener.getOption("acceptsConnections"), 1);
});

test("StreamSocket.connect() waits, then reads and writes; each half closes alone", async (t) => {
  const { host } = netHost(t, anyLoopback);
  const { port } = await nodeServer(t, (peer) => {
    let got = "";
    peer.setEncoding("utf8").on("data", (text: string) => (got += text));
    peer.on("end", () => peer.end(`you said ${got}`));
  });
  const socket = host.sockets.create("ipv4", "stream");
  await socket.connect(loopback(port));
  assert.deepEqual(socket.remoteAddress, loopback(port));
  await socket.write(bytesOf("ask"));
  socket.shutdown("write");
  assert.equal(await errnoOf(() => socket.write(bytesOf("more"))), "pipe");
  assert.equal(await readText(socket), "you said ask");
  assert.equal(await readText(socket), "");
  assert.equal(await readText(socket), "", "the end stays");
});

test("StreamSocket writes on after the peer has ended its half", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  const socket = await accepting;
  client.end("last words");
  assert.equal(await readText(socket), "last words");
  assert.equal(await readText(socket), "");
  await socket.write(bytesOf("answer"));
  socket.close();
  assert.equal(String((await once(client, "data"))[0]), "answer");
});

test("StreamSocket.connect() that does not wait says inprogress, is then writable, and SO_ERROR says how it went", async (t) => {
  const { host } = netHost(t, anyLoopback);
  const { port } = await nodeServer(t, () => {});
  const socket = host.sockets.create("ipv4", "stream");
  socket.setFlags({ append: false, nonblock: true });
  assert.equal(await errnoOf(() => socket.connect(loopback(port))), "inprogress");
  assert.equal(socket.isReady("write"), false);
  assert.equal(await errnoOf(() => socket.connect(loopback(port))), "already");
  await untilReady(socket, "write");
  assert.equal(socket.takeError(), undefined);
  assert.equal(await errnoOf(() => socket.connect(loopback(port))), "isconn");

  const refused = host.sockets.create("ipv4", "stream");
  refused.setFlags({ append: false, nonblock: true });
  const closed = await freePort();
  assert.equal(await errnoOf(() => refused.connect(loopback(closed))), "inprogress");
  await untilReady(refused, "write");
  assert.equal(refused.takeError()?.errno, "connrefused");
  assert.equal(refused.takeError(), undefined, "it is told once");
});

test("StreamSocket.connect() that waits throws connrefused", async (t) => {
  const { host } = netHost(t, anyLoopback);
  const closed = await freePort();
  const socket = host.sockets.create("ipv4", "stream");
  assert.equal(await errnoOf(() => socket.connect(loopback(closed))), "connrefused");
});

test("StreamSocket keeps its data at close: a megabyte written before it arrives whole, and then the end", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  client.pause();
  const socket = await accepting;
  socket.setFlags({ append: false, nonblock: true });
  const content = new Uint8Array(65_536).map((_, index) => index % 251);
  let written = 0;
  for (;;) {
    const errno = await errnoOf(async () => (written += await socket.write(bytesOf(content.subarray(written % 251)))));
    if (errno === "again") break;
    assert.equal(errno, "none");
  }
  host.close();
  let got = 0;
  let isSame = true;
  client.on("data", (data: Buffer) => {
    for (const byte of data) isSame &&= byte === got++ % 251;
  });
  client.resume();
  await once(client, "end");
  assert.equal(got, written);
  assert.ok(isSame, "in its order");
  client.end();
  await host.flushed(10_000);
});

test("StreamSocket holds up a guest whose peer never reads, and keeps a bounded part", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  client.pause();
  const socket = await accepting;
  const before = process.memoryUsage().arrayBuffers;
  let isOver = false;
  const written = Promise.resolve(socket.write(bytesOf(new Uint8Array(64 * 1024 * 1024)))).then(
    (count) => {
      isOver = true;
      return count;
    },
    () => {},
  );
  await untilFull(() => !socket.isReady("write"));
  assert.equal(isOver, false);
  assert.ok(process.memoryUsage().arrayBuffers - before < 72 * 1024 * 1024, "besides the guest's own");
  let got = 0;
  client.on("data", (data: Buffer) => (got += data.length));
  client.resume();
  assert.equal(await written, 64 * 1024 * 1024);
  socket.close();
  await once(client, "end");
  assert.equal(got, 64 * 1024 * 1024);
});

async function untilFull(isFull: () => boolean): Promise<void> {
  while (!isFull()) await new Promise(setImmediate);
}

test("StreamSocket reads ahead one chunk, once it is asked, whatever a peer sends", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  const socket = await accepting;
  const content = new Uint8Array(32 * 1024 * 1024);
  client.write(content);
  client.end();
  // Another connection that goes to and fro shows that the event loop went round.
  const accepted = listener.accept();
  const other = await nodeClient(t, port);
  const witness = await accepted;
  for (let i = 0; i < 20; i++) {
    other.write("x");
    assert.equal(await readText(witness), "x");
  }
  assert.equal(socket.bytesReady, 0, "nobody asked");
  assert.equal(socket.isReady("read"), false);
  await untilReady(socket, "read");
  for (let i = 0; i < 20; i++) {
    other.write("x");
    assert.equal(await readText(witness), "x");
  }
  assert.ok(socket.bytesReady > 0 && socket.bytesReady <= SocketCalls.chunk, `${socket.bytesReady} bytes are ahead`);
  let got = 0;
  for (let count = -1; count !== 0; got += count) count = await socket.read(room(1_000_000));
  assert.equal(got, content.length);
});

test("StreamSocket is ready as long as something is there, and only then", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  assert.equal(listener.isReady("read"), false);
  const client = await nodeClient(t, port);
  await untilReady(listener, "read");
  assert.equal(listener.isReady("read"), true, "until it is accepted");
  const socket = await listener.accept();
  assert.equal(listener.isReady("read"), false);
  assert.equal(socket.isReady("write"), true);
  client.write("abc");
  await untilReady(socket, "read");
  assert.equal(await readText(socket, 1), "a");
  assert.equal(socket.isReady("read"), true);
  assert.equal(socket.bytesReady, 2);
  const into = room(1, 1);
  assert.deepEqual(await socket.receive(into, { peek: true }), {
    count: 2,
    isTruncated: false,
    from: loopback(client.localPort ?? 0),
  });
  assert.equal(await readText(socket), "bc");
  assert.equal(socket.isReady("read"), false);
  client.end();
  await untilReady(socket, "read");
  assert.equal(socket.bytesReady, 0);
});

test("StreamSocket.receive() waits for all where it is asked to", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  const socket = await accepting;
  const into = room(3, 4);
  const received = socket.receive(into, { waitAll: true });
  client.write("one");
  await new Promise(setImmediate);
  client.write("two!");
  assert.equal((await received).count, 7);
  assert.equal(new TextDecoder().decode(into.memory), "onetwo!");
});

test("StreamSocket tells a reset once: connreset, then the end; writes answer pipe", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  const socket = await accepting;
  const reading = errnoOf(() => socket.read(room(8)));
  client.resetAndDestroy();
  assert.equal(await reading, "connreset");
  assert.equal(await readText(socket), "");
  assert.equal(await errnoOf(() => socket.write(bytesOf("x"))), "pipe");
});

test("StreamSocket that does not wait says again, and bytes come although the guest only asks and asks", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  listener.setFlags({ append: false, nonblock: true });
  assert.equal(await errnoOf(() => listener.accept()), "again");
  const client = await nodeClient(t, port);
  await untilReady(listener, "read");
  const socket = await listener.accept();
  assert.equal(socket.flags.nonblock, false);
  socket.setFlags({ append: false, nonblock: true });
  client.write("x");
  const spin = (async () => {
    for (;;) {
      try {
        const count = socket.read(room(1));
        return typeof count === "number" ? count : await count;
      } catch {
        // Nothing else runs between two asks, unless the socket lets it.
      }
    }
  })();
  assert.equal(await spin, 1);
});

test("StreamSocket gives up a read after its timeout", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  await nodeClient(t, port);
  const socket = await accepting;
  socket.setOption("receiveTimeout", 5);
  assert.equal(await errnoOf(() => socket.read(room(1))), "again");
});

test("StreamSocket in an instance that blocks its thread says NETWORK_WAITS where it would wait", async (t) => {
  const { host } = netHost(t, anyLoopback, { waits: "block" });
  const socket = host.sockets.create("ipv4", "stream");
  socket.bind(loopback(0));
  socket.listen(1);
  assert.throws(() => socket.accept(), { code: "NETWORK_WAITS" });
  assert.throws(() => socket.wait("read", -1), { code: "NETWORK_WAITS" });
  assert.equal(socket.wait("read", 0), false);
  socket.setFlags({ append: false, nonblock: true });
  assert.equal(await errnoOf(() => socket.accept()), "again");
});

test("StreamSocket options: what Node cannot set is kept, what can only be asked is refused", async (t) => {
  const { host } = netHost(t, anyLoopback);
  const socket = host.sockets.create("ipv4", "stream");
  for (const option of ["reuseAddress", "keepAlive", "noDelay", "sendBuffer", "linger"] as const) {
    socket.setOption(option, 1);
    assert.equal(socket.getOption(option), 1);
  }
  assert.equal(await errnoOf(() => socket.setOption("acceptsConnections", 1)), "noprotoopt");
  assert.equal(await errnoOf(() => socket.setOption("bindToDevice", 1)), "perm");
});

test("StreamSocket with linger 0 resets at close", async (t) => {
  const { host } = netHost(t, anyLoopback);
  let met: (error: NodeJS.ErrnoException) => void = () => {};
  const error = new Promise<NodeJS.ErrnoException>((resolve) => (met = resolve));
  const { port } = await nodeServer(t, (peer) => peer.on("error", met).resume());
  const socket = host.sockets.create("ipv4", "stream");
  await socket.connect(loopback(port));
  socket.setOption("linger", 0);
  socket.close();
  assert.equal((await error).code, "ECONNRESET");
});

test("StreamSocket over IPv6 and over IPv4 that IPv6 wraps", async (t) => {
  const { host } = netHost(t, { connect: ["127.0.0.1", "[::1]"], listen: ["*"] });
  const listener = host.sockets.create("ipv6", "stream");
  listener.bind({ family: "ipv6", address: "::", port: 0 });
  listener.listen(4);
  const place = listener.localAddress;
  const port = place.family === "unix" ? 0 : place.port;
  for (const address of ["::1", "::ffff:127.0.0.1"]) {
    const accepting = listener.accept();
    const socket = host.sockets.create("ipv6", "stream");
    await socket.connect({ family: "ipv6", address, port });
    const peer = await accepting;
    const from = peer.remoteAddress;
    assert.equal(from.family === "ipv6" ? from.address : "", address);
    await socket.write(bytesOf("six"));
    assert.equal(await readText(peer), "six");
  }
  const wrong = host.sockets.create("ipv4", "stream");
  assert.equal(await errnoOf(() => wrong.connect({ family: "ipv6", address: "::1", port })), "afnosupport");
});
