import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { failure, HostError } from "../../base/index.ts";
import { type NetworkFixture, networkFixture } from "./network-fixture.ts";
import { type IpSocketAddress, ipOfText, networkCode, networkFailures, textOfIp } from "./sockets-addresses.ts";

const place = (port: number, address: readonly number[] = [127, 0, 0, 1]): IpSocketAddress => ({
  tag: "ipv4",
  val: { port, address },
});
const six = (port: number, address: readonly number[]): IpSocketAddress => ({
  tag: "ipv6",
  val: { port, flowInfo: 0, address, scopeId: 0 },
});
const tcp = "sockets/tcp#[method]tcp-socket";
const udp = "sockets/udp#[method]udp-socket";
const incoming = "sockets/udp#[method]incoming-datagram-stream";
const outgoing = "sockets/udp#[method]outgoing-datagram-stream";
const input = "io/streams#[method]input-stream";
const output = "io/streams#[method]output-stream";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (came: Uint8Array): string => new TextDecoder().decode(came);

async function server(t: TestContext, accept: (socket: Socket) => void): Promise<number> {
  const all: Socket[] = [];
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    all.push(socket);
    socket.on("error", () => {});
    accept(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    for (const each of all) each.destroy();
    listener.close();
  });
  return (listener.address() as AddressInfo).port;
}

/** A port for datagrams that is free now. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

async function create(guest: NetworkFixture, kind: "tcp" | "udp", family = "ipv4"): Promise<unknown> {
  return guest.ask(`sockets/${kind}-create-socket#create-${kind}-socket`, family);
}

async function bound(guest: NetworkFixture, kind: "tcp" | "udp", address: IpSocketAddress): Promise<unknown> {
  const socket = await create(guest, kind);
  const network = await guest.ask("sockets/instance-network#instance-network");
  await guest.ask(`sockets/${kind}#[method]${kind}-socket.start-bind`, socket, network, address);
  await guest.ask(`sockets/${kind}#[method]${kind}-socket.finish-bind`, socket);
  return socket;
}

test("tcp-socket connects in two steps, and its streams carry bytes until each direction is ended", async (t) => {
  const port = await server(t, (socket) => {
    socket.on("data", (data) => void socket.write(data));
    socket.on("end", () => void socket.end());
  });
  const guest = networkFixture({ connect: ["127.0.0.1:1-65535"] });
  const socket = await create(guest, "tcp");
  assert.equal(await guest.failed(`${tcp}.finish-connect`, socket), "not-in-progress");
  await guest.ask(`${tcp}.start-connect`, socket, {}, place(port));
  assert.equal(await guest.failed(`${tcp}.finish-connect`, socket), "would-block");
  assert.equal(await guest.failed(`${tcp}.start-connect`, socket, {}, place(port)), "concurrency-conflict");
  await guest.ready(`${tcp}.subscribe`, socket);
  const [from, to] = await guest.ask<[unknown, unknown]>(`${tcp}.finish-connect`, socket);
  assert.deepEqual(await guest.ask(`${tcp}.remote-address`, socket), place(port));
  assert.equal(await guest.failed(`${tcp}.start-connect`, socket, {}, place(port)), "invalid-state");
  assert.equal((await guest.ask<Uint8Array>(`${input}.read`, from, 10n)).length, 0);
  await guest.ask(`${output}.blocking-write-and-flush`, to, bytes("hello"));
  assert.equal(textOf(await guest.ask<Uint8Array>(`${input}.blocking-read`, from, 10n)), "hello");
  await guest.ask(`${tcp}.shutdown`, socket, "send");
  assert.deepEqual(await guest.failed(`${output}.blocking-write-and-flush`, to, bytes("more")), { tag: "closed" });
  assert.deepEqual(await guest.failed(`${input}.blocking-read`, from, 10n), { tag: "closed" });
  await guest.ask("sockets/tcp#[resource-drop]tcp-socket", socket);
  assert.equal(guest.host.sockets.count, 1);
  await guest.ask("io/streams#[resource-drop]input-stream", from);
  await guest.ask("io/streams#[resource-drop]output-stream", to);
  assert.equal(guest.host.sockets.count, 0);
});

test("a guest that asks over and over is not kept from what it asks for", async (t) => {
  const port = await server(t, () => {});
  const guest = networkFixture({ connect: ["127.0.0.1:1-65535"] });
  const socket = await create(guest, "tcp");
  await guest.ask(`${tcp}.start-connect`, socket, {}, place(port));
  // Answers at once let the event loop go round as little as a suspended guest does, which waits for what is a promise alone.
  const spin = (): unknown => {
    for (;;) {
      try {
        return guest.call(`${tcp}.finish-connect`, socket);
      } catch (error) {
        assert.equal((error as { payload?: unknown }).payload, "would-block");
      }
    }
  };
  for (let turns = 0; ; turns++) {
    assert.ok(turns < 10_000);
    try {
      const streams = await (spin() as Promise<unknown[]>);
      assert.equal(streams.length, 2);
      break;
    } catch (error) {
      assert.equal((error as { payload?: unknown }).payload, "would-block");
    }
  }
});

test("shutdown of sending comes behind what is still on its way", async (t) => {
  let got = 0;
  const over = Promise.withResolvers<void>();
  const sockets: Socket[] = [];
  const port = await server(t, (socket) => {
    sockets.push(socket);
    socket.pause();
    socket.on("data", (data) => void (got += data.length));
    socket.on("end", () => over.resolve());
  });
  const guest = networkFixture({ connect: ["127.0.0.1:1-65535"] });
  const socket = await create(guest, "tcp");
  await guest.ask(`${tcp}.start-connect`, socket, {}, place(port));
  await guest.ready(`${tcp}.subscribe`, socket);
  const [, to] = await guest.ask<[unknown, unknown]>(`${tcp}.finish-connect`, socket);
  let sent = 0;
  for (;;) {
    const permit = Number(await guest.ask<bigint>(`${output}.check-write`, to));
    if (permit === 0 || sent > 64 * 1024 * 1024) break;
    await guest.ask(`${output}.write`, to, new Uint8Array(permit));
    sent += permit;
  }
  assert.ok(sent < 64 * 1024 * 1024, "the peer that does not read holds the guest up");
  await guest.ask(`${tcp}.shutdown`, socket, "send");
  sockets[0]?.resume();
  await over.promise;
  assert.equal(got, sent);
});

test("tcp-socket listens in steps and accepts connections with the listener's options", async () => {
  const guest = networkFixture({ listen: ["8000"] });
  const socket = await create(guest, "tcp");
  assert.equal(await guest.failed(`${tcp}.start-listen`, socket), "invalid-state");
  assert.equal(await guest.failed(`${tcp}.local-address`, socket), "invalid-state");
  const listener = await bound(guest, "tcp", place(8000));
  assert.equal(await guest.failed(`${tcp}.accept`, listener), "invalid-state");
  await guest.ask(`${tcp}.set-hop-limit`, listener, 17);
  await guest.ask(`${tcp}.set-keep-alive-enabled`, listener, true);
  await guest.ask(`${tcp}.start-listen`, listener);
  assert.equal(await guest.ask(`${tcp}.is-listening`, listener), false);
  await guest.ask(`${tcp}.finish-listen`, listener);
  assert.equal(await guest.ask(`${tcp}.is-listening`, listener), true);
  assert.equal(await guest.failed(`${tcp}.accept`, listener), "would-block");
  const address = await guest.ask<IpSocketAddress>(`${tcp}.local-address`, listener);
  // What a guest itself listens on takes no grant to connect to.
  const client = await create(guest, "tcp");
  await guest.ask(`${tcp}.start-connect`, client, {}, address);
  await guest.ready(`${tcp}.subscribe`, client);
  const [, to] = await guest.ask<unknown[]>(`${tcp}.finish-connect`, client);
  await guest.ask(`${output}.blocking-write-and-flush`, to, bytes("hi"));
  await guest.ready(`${tcp}.subscribe`, listener);
  const [accepted, from] = await guest.ask<unknown[]>(`${tcp}.accept`, listener);
  assert.equal(await guest.ask(`${tcp}.hop-limit`, accepted), 17);
  assert.equal(await guest.ask(`${tcp}.keep-alive-enabled`, accepted), true);
  assert.equal(textOf(await guest.ask<Uint8Array>(`${input}.blocking-read`, from, 10n)), "hi");
});

test("tcp-socket takes addresses that can be connected to alone, and asks the grants", async () => {
  const guest = networkFixture({ connect: ["127.0.0.1:80"], listen: ["8000"] });
  const cases: readonly [IpSocketAddress, string][] = [
    [place(0), "invalid-argument"],
    [place(80, [0, 0, 0, 0]), "invalid-argument"],
    [place(80, [224, 0, 0, 1]), "invalid-argument"],
    [place(80, [255, 255, 255, 255]), "invalid-argument"],
    [six(80, [0, 0, 0, 0, 0, 0, 0, 1]), "invalid-argument"],
    [place(81), "access-denied"],
    [place(80, [10, 0, 0, 1]), "access-denied"],
  ];
  for (const [address, code] of cases)
    assert.equal(await guest.failed(`${tcp}.start-connect`, await create(guest, "tcp"), {}, address), code);
  const wrapped = await create(guest, "tcp", "ipv6");
  for (const last of [0x7f00, 0x0a00])
    assert.equal(
      await guest.failed(`${tcp}.start-connect`, wrapped, {}, six(80, [0, 0, 0, 0, 0, 0xffff, last, 1])),
      "invalid-argument",
    );
  const socket = await create(guest, "tcp");
  assert.equal(await guest.failed(`${tcp}.start-bind`, socket, {}, place(8001)), "access-denied");
  await guest.ask(`${tcp}.start-bind`, socket, {}, place(8000));
  const other = await create(guest, "tcp");
  await guest.ask(`${tcp}.start-bind`, other, {}, place(8000));
  assert.equal(await guest.failed(`${tcp}.finish-bind`, other), "address-in-use");
  assert.equal(await guest.failed(`${tcp}.finish-bind`, other), "not-in-progress");
});

test("a connection that is refused is told by finish-connect, and the socket is used up", async (t) => {
  const port = await server(t, () => {});
  const guest = networkFixture({ connect: ["127.0.0.0/8:1-65535"] });
  const socket = await create(guest, "tcp");
  await guest.ask(`${tcp}.start-connect`, socket, {}, place(port, [127, 0, 0, 2]));
  await guest.ready(`${tcp}.subscribe`, socket);
  assert.equal(await guest.failed(`${tcp}.finish-connect`, socket), "connection-refused");
  assert.equal(await guest.failed(`${tcp}.start-connect`, socket, {}, place(port)), "invalid-state");
});

test("options refuse none and keep what they are given", async () => {
  const guest = networkFixture({});
  const socket = await create(guest, "tcp");
  for (const [name, value] of [
    ["keep-alive-idle-time", 5_000_000_000n],
    ["keep-alive-interval", 1_000_000_000n],
    ["keep-alive-count", 3],
    ["hop-limit", 10],
    ["receive-buffer-size", 4096n],
    ["send-buffer-size", 8192n],
  ] as const) {
    const none = typeof value === "bigint" ? 0n : 0;
    assert.equal(await guest.failed(`${tcp}.set-${name}`, socket, none), "invalid-argument", name);
    await guest.ask(`${tcp}.set-${name}`, socket, value);
    assert.equal(await guest.ask(`${tcp}.${name}`, socket), value, name);
  }
  assert.equal(await guest.failed(`${tcp}.set-listen-backlog-size`, socket, 0n), "invalid-argument");
  assert.equal(await guest.ask(`${tcp}.address-family`, socket), "ipv4");
});

test("udp-socket sends and receives datagrams, within what check-send permits", async () => {
  const guest = networkFixture({ connect: ["127.0.0.1:1-65535"], listen: ["127.0.0.1:1-65535"] });
  const one = await bound(guest, "udp", place(0));
  const two = await bound(guest, "udp", place(await freePort()));
  const at = await guest.ask<IpSocketAddress>(`${udp}.local-address`, two);
  const [from] = await guest.ask<unknown[]>(`${udp}.stream`, two, undefined);
  const [, to] = await guest.ask<unknown[]>(`${udp}.stream`, one, undefined);
  const datagram = { data: bytes("ping"), remoteAddress: at };
  assert.throws(() => guest.call(`${outgoing}.send`, to, [datagram]), /permitted were 0/);
  assert.ok((await guest.ask<bigint>(`${outgoing}.check-send`, to)) >= 2n);
  assert.equal(await guest.ask(`${outgoing}.send`, to, [datagram, datagram]), 2n);
  assert.equal(await guest.failed(`${outgoing}.send`, to, [{ data: bytes("x") }]), "invalid-argument");
  const came: { data: Uint8Array; remoteAddress: IpSocketAddress }[] = [];
  while (came.length < 2) {
    await guest.ready(`${incoming}.subscribe`, from);
    came.push(...(await guest.ask<typeof came>(`${incoming}.receive`, from, 10n)));
  }
  assert.deepEqual(
    came.map(({ data }) => textOf(data)),
    ["ping", "ping"],
  );
  assert.deepEqual(came[0]?.remoteAddress, await guest.ask(`${udp}.local-address`, one));
  assert.deepEqual(await guest.ask(`${incoming}.receive`, from, 10n), []);
});

test("udp-socket streams follow the latest association, and refuse other places while there is one", async () => {
  const guest = networkFixture({ connect: ["127.0.0.1:1-65535"], listen: ["127.0.0.1:1-65535"] });
  const one = await bound(guest, "udp", place(0));
  const two = await bound(guest, "udp", place(await freePort()));
  const at = await guest.ask<IpSocketAddress>(`${udp}.local-address`, two);
  const [oldIn, oldOut] = await guest.ask<unknown[]>(`${udp}.stream`, one, undefined);
  assert.equal(await guest.failed(`${udp}.remote-address`, one), "invalid-state");
  const [, out] = await guest.ask<unknown[]>(`${udp}.stream`, one, at);
  assert.deepEqual(await guest.ask(`${udp}.remote-address`, one), at);
  assert.equal(await guest.failed(`${incoming}.receive`, oldIn, 1n), "invalid-state");
  assert.equal(await guest.failed(`${outgoing}.check-send`, oldOut), "invalid-state");
  await guest.ask(`${outgoing}.check-send`, out);
  const elsewhere = [{ data: bytes("x"), remoteAddress: place(9) }];
  assert.equal(await guest.failed(`${outgoing}.send`, out, elsewhere), "invalid-argument");
  assert.equal(await guest.ask(`${outgoing}.send`, out, [{ data: bytes("x") }]), 1n);
  await guest.ask(`${udp}.stream`, one, undefined);
  assert.equal(await guest.failed(`${udp}.remote-address`, one), "invalid-state");
  const refused = await guest.failed(`${udp}.stream`, one, place(53, [192, 0, 2, 1]));
  assert.equal(refused, "access-denied");
});

test("resolve-addresses answers addresses one by one, for granted names alone", async () => {
  const network = {
    name: "test",
    resolve: (name: string) =>
      name === "a.test" ? Promise.resolve(["192.0.2.1", "2001:db8::1"]) : Promise.reject(failure("ainoname")),
    connect: () => assert.fail(),
    bindStream: () => assert.fail(),
    bindDatagrams: () => assert.fail(),
  };
  const guest = networkFixture({ connect: ["a.test", "missing.test"] }, { network });
  const resolve = async (name: string): Promise<unknown> => {
    const stream = await guest.ask("sockets/ip-name-lookup#resolve-addresses", {}, name);
    await guest.ready("sockets/ip-name-lookup#[method]resolve-address-stream.subscribe", stream);
    return stream;
  };
  const next = "sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address";
  const stream = await resolve("a.test");
  assert.deepEqual(await guest.ask(next, stream), { tag: "ipv4", val: [192, 0, 2, 1] });
  assert.deepEqual(await guest.ask(next, stream), { tag: "ipv6", val: [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1] });
  assert.equal(await guest.ask(next, stream), undefined);
  assert.deepEqual(await guest.ask(next, await resolve("10.0.0.1")), { tag: "ipv4", val: [10, 0, 0, 1] });
  assert.equal(await guest.failed(next, await resolve("missing.test")), "name-unresolvable");
  assert.equal(await guest.failed(next, await resolve("other.test")), "access-denied");
  for (const name of ["", "a b", "a/b", "-a", "[::1]"])
    assert.equal(await guest.failed("sockets/ip-name-lookup#resolve-addresses", {}, name), "invalid-argument", name);
});

test("addresses keep what they are from text to words and back", () => {
  for (const text of ["0.0.0.0", "127.0.0.1", "255.1.2.3", "::", "::1", "fe80::1", "2001:db8::8:800:200c:417a"])
    assert.equal(textOfIp(ipOfText(text)), text);
  assert.deepEqual(ipOfText("127.0.0.1", "ipv6"), { tag: "ipv6", val: [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1] });
});

test("networkCode() has a code for each failure that sockets come to", () => {
  assert.ok(networkFailures.length > 30);
  for (const errno of networkFailures)
    assert.notEqual(networkCode(new HostError(errno as HostError["errno"])), "unknown", errno);
  assert.equal(networkCode(failure("io")), "unknown");
});
