import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import type { SocketAddress } from "./backend.ts";
import { bytesOf, errnoOf, freePort, loopback, netHost, room, untilReady } from "./network-fixture.ts";

async function nodePeer(t: TestContext): Promise<{ peer: ReturnType<typeof createSocket>; port: number }> {
  const peer = createSocket("udp4");
  peer.bind(0, "127.0.0.1");
  await once(peer, "listening");
  t.after(() => peer.close());
  return { peer, port: peer.address().port };
}

function portOf(place: SocketAddress): number {
  return place.family === "unix" ? 0 : place.port;
}

test("DatagramSocket sends and receives, tells the sender, and cuts what there is no room for", async (t) => {
  const { host } = netHost(t, { connect: ["127.0.0.1"] });
  const { peer, port } = await nodePeer(t);
  peer.on("message", (bytes, { port: back }) => peer.send(`${String(bytes)} yourself`, back, "127.0.0.1"));
  const socket = host.sockets.create("ipv4", "datagram");
  assert.equal(await socket.send(bytesOf("you"), loopback(port)), 3);
  const into = room(4, 20);
  assert.deepEqual(await socket.receive(into, { peek: true }), { count: 12, isTruncated: false, from: loopback(port) });
  const short = room(3);
  assert.deepEqual(await socket.receive(short), { count: 3, isTruncated: true, from: loopback(port) });
  assert.equal(new TextDecoder().decode(short.memory), "you");
  assert.equal(socket.isReady("read"), false, "the rest of a datagram is gone");
  assert.equal(await errnoOf(() => socket.send(bytesOf("x"))), "destaddrreq");
  assert.equal(await errnoOf(() => socket.send(bytesOf(new Uint8Array(65_508)), loopback(port))), "msgsize");
});

test("DatagramSocket without a grant to listen hears those alone that it has sent to", async (t) => {
  const { host } = netHost(t, { connect: ["127.0.0.1"] });
  const [friend, stranger] = [await nodePeer(t), await nodePeer(t)];
  const socket = host.sockets.create("ipv4", "datagram");
  await socket.send(bytesOf("hello"), loopback(friend.port));
  await once(friend.peer, "message");
  const port = portOf(socket.localAddress);
  assert.notEqual(port, 0);
  await new Promise((sent) => stranger.peer.send("unasked", port, "127.0.0.1", sent));
  await new Promise((sent) => friend.peer.send("answer", port, "127.0.0.1", sent));
  const into = room(20);
  const { count, from } = await socket.receive(into);
  assert.equal(new TextDecoder().decode(into.memory.subarray(0, count)), "answer");
  assert.deepEqual(from, loopback(friend.port));
  assert.equal(socket.isReady("read"), false);
});

test("DatagramSocket on a published port hears everyone, in the guest's own port; connected, its peer alone", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { publish: [`127.0.0.1:${port}:53`], connect: ["127.0.0.1"] });
  const socket = host.sockets.create("ipv4", "datagram");
  socket.bind(loopback(53));
  assert.deepEqual(socket.localAddress, loopback(53));
  const [one, other] = [await nodePeer(t), await nodePeer(t)];
  one.peer.send("first", port, "127.0.0.1");
  assert.equal((await socket.receive(room(10))).count, 5);
  await socket.connect(loopback(one.port));
  await new Promise((sent) => other.peer.send("other", port, "127.0.0.1", sent));
  await new Promise((sent) => one.peer.send("again!", port, "127.0.0.1", sent));
  await untilReady(socket, "read");
  assert.deepEqual(await socket.receive(room(10)), { count: 6, isTruncated: false, from: loopback(one.port) });
  assert.equal(await socket.write(bytesOf("back")), 4);
  assert.equal(String((await once(one.peer, "message"))[0]), "back");
});

test("DatagramSocket drops what a guest does not receive, beyond a bound", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const socket = host.sockets.create("ipv4", "datagram");
  socket.bind(loopback(port));
  const { peer } = await nodePeer(t);
  const datagram = new Uint8Array(1000);
  // The kernel's own buffer holds some dozens: the event loop takes them out in between.
  for (let i = 0; i < 1000; i++) {
    await new Promise((sent) => peer.send(datagram, port, "127.0.0.1", sent));
    if (i % 20 === 0) await new Promise(setImmediate);
  }
  await untilReady(socket, "read");
  for (let i = 0; i < 100; i++) await new Promise(setImmediate);
  socket.setFlags({ append: false, nonblock: true });
  let got = 0;
  while ((await errnoOf(() => socket.receive(room(2000)))) === "none") got += 1;
  assert.ok(got > 100 && got <= 262_144 / 1256, `${got} of 1,000 were kept`);
});

test("DatagramSocket.bind() says addrinuse where the place is taken, in the guest or on the host", async (t) => {
  const { peer, port } = await nodePeer(t);
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`, "8080"] });
  const bind = (to: number): Promise<string> =>
    errnoOf(() => host.sockets.create("ipv4", "datagram").bind(loopback(to)));
  assert.equal(await bind(port), "addrinuse", "granted by its address, it is to be exactly there");
  assert.equal(await bind(8080), "none");
  assert.equal(await bind(8080), "addrinuse");
  assert.equal(peer.address().port, port);
});

test("DatagramSocket says no to calls of streams, and closes while somebody waits", async (t) => {
  const { host } = netHost(t, { connect: ["127.0.0.1"] });
  const socket = host.sockets.create("ipv4", "datagram");
  assert.equal(await errnoOf(() => socket.listen(1)), "notsup");
  assert.equal(await errnoOf(() => socket.accept()), "notsup");
  assert.equal(await errnoOf(() => socket.shutdown("both")), "notconn");
  assert.equal(await errnoOf(() => socket.bind({ family: "ipv6", address: "::1", port: 0 })), "afnosupport");
  const receiving = errnoOf(() => socket.receive(room(1)));
  socket.close();
  assert.equal(await receiving, "badf");
  assert.equal(host.sockets.count, 0);
});
