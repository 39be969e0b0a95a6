import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { check } from "../../capabilities/index.ts";
import { freshFolder } from "../host-fixture.ts";
import { directNetwork } from "./direct.ts";
import {
  bytesOf,
  errnoOf,
  freePort,
  guestListener,
  loopback,
  netGrants,
  netHost,
  networkWithNames,
  nodeClient,
  nodeServer,
  readText,
  untilReady,
} from "./network-fixture.ts";

test("Sockets.create() opens nothing without a grant: connect and bind are refused, and the observer hears what", async (t) => {
  const { host, observer } = netHost(t, {});
  const { port } = await nodeServer(t, () => assert.fail("nobody may connect"));
  const socket = host.sockets.create("ipv4", "stream");
  assert.equal(await errnoOf(() => socket.connect(loopback(port))), "acces");
  assert.equal(await errnoOf(() => socket.bind(loopback(8080))), "acces");
  assert.equal(await errnoOf(() => socket.listen(1)), "acces");
  assert.equal(await errnoOf(() => host.sockets.resolve("db.test")), "acces");
  assert.deepEqual(observer.refusals, [
    { capability: "net.connect", host: "127.0.0.1", port },
    { capability: "net.listen", address: "127.0.0.1", port: 8080 },
    { capability: "net.listen", port: 0 },
    { capability: "net.dns", name: "db.test" },
  ]);
});

test("what is no address or port is inval, and an address needs no looking up", async (t) => {
  const { host } = netHost(t, { connect: ["*", "127.0.0.1"], listen: ["*"] });
  for (const kind of ["stream", "datagram"] as const) {
    for (const place of [
      loopback(65_536),
      loopback(-1),
      { ...loopback(1), address: "127.1" },
      { ...loopback(1), address: "::1" },
    ]) {
      const socket = host.sockets.create("ipv4", kind);
      assert.equal(await errnoOf(() => socket.bind(place)), "inval");
      assert.equal(await errnoOf(() => socket.connect(place)), "inval");
    }
  }
  const socket = host.sockets.create("ipv4", "datagram");
  assert.equal(await errnoOf(() => socket.send(bytesOf("x"), loopback(0))), "destaddrreq");
  assert.deepEqual(await netHost(t, {}).host.sockets.resolve("::ffff:10.0.0.1"), ["10.0.0.1"]);
});

test("each refusal names flags that then allow it", async (t) => {
  const { host, observer } = netHost(
    t,
    { connect: ["db.test"] },
    { network: networkWithNames({ "db.test": ["127.0.0.1"] }) },
  );
  const { port } = await nodeServer(t, () => {});
  await host.sockets.resolve("db.test");
  const socket = host.sockets.create("ipv4", "stream");
  assert.equal(await errnoOf(() => socket.connect(loopback(port))), "acces");
  const [request] = observer.refusals;
  assert.deepEqual(request, { capability: "net.connect", host: "db.test", port, addresses: ["127.0.0.1"] });
  const verdict = check(netGrants({ connect: ["db.test"] }), request);
  assert.match(verdict.allowed ? "" : verdict.reason, /loopback/);
  assert.equal(verdict.allowed ? "" : verdict.fix.flag, `--allow-net 127.0.0.1:${port}`);
  const wider = netHost(t, { connect: ["db.test", `127.0.0.1:${port}`] });
  await wider.host.sockets.create("ipv4", "stream").connect(loopback(port));
});

test("a granted name opens the addresses that the workload got for it, and no others", async (t) => {
  const answers = { "api.test": ["192.0.2.1"], "other.test": ["192.0.2.2"] };
  const { host } = netHost(t, { connect: ["api.test:443"], dns: true }, { network: unreachable(answers) });
  const connect = (address: string, port: number): Promise<string> =>
    errnoOf(() => host.sockets.create("ipv4", "stream").connect({ family: "ipv4", address, port }));
  assert.equal(await connect("192.0.2.1", 443), "acces", "before it was asked for");
  assert.deepEqual(await host.sockets.resolve("API.test."), ["192.0.2.1"]);
  assert.deepEqual(await host.sockets.resolve("other.test"), ["192.0.2.2"]);
  assert.equal(await connect("192.0.2.1", 443), "netunreach", "it may, and gets as far as the network");
  assert.equal(await connect("192.0.2.1", 80), "acces", "at another port");
  assert.equal(await connect("192.0.2.2", 443), "acces", "resolved, and not granted");
  assert.equal(await connect("192.0.2.3", 443), "acces", "never an answer");
  assert.equal(await errnoOf(() => host.sockets.resolve("gone.test")), "ainoname");
});

/** The test's names on a network in which nothing is reached. */
function unreachable(names: Readonly<Record<string, readonly string[]>>) {
  const direct = directNetwork();
  return {
    ...networkWithNames(names),
    // A closed port of the machine's stands for what cannot be reached: no test leaves the machine.
    connect: () => {
      const connection = direct.connect(loopback(1));
      const tell = connection.tell.bind(connection);
      connection.tell = (handlers) => tell({ ...handlers, failed: () => handlers.failed("netunreach") });
      return connection;
    },
  };
}

test("an answer that changes between check and use opens nothing inside", async (t) => {
  const inside = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fe80::1", "::ffff:127.0.0.1"];
  const names: Record<string, readonly string[]> = { "rebind.test": ["192.0.2.1"] };
  const network = networkWithNames(names);
  const reached: string[] = [];
  const { host, observer } = netHost(
    t,
    { connect: ["rebind.test"] },
    {
      network: {
        ...network,
        connect: (to) => {
          reached.push(to.family === "unix" ? to.path : to.address);
          return network.connect(to);
        },
      },
    },
  );
  await host.sockets.resolve("rebind.test");
  names["rebind.test"] = inside;
  assert.deepEqual(await host.sockets.resolve("rebind.test"), inside);
  for (const address of inside) {
    const family = address.includes(":") ? "ipv6" : "ipv4";
    const socket = host.sockets.create(family, "stream");
    assert.equal(await errnoOf(() => socket.connect({ family, address, port: 80 })), "acces", address);
    const datagrams = host.sockets.create(family, "datagram");
    const sending = errnoOf(() => datagrams.send(bytesOf("x"), { family, address, port: 80 }));
    assert.equal(await sending, "acces", address);
  }
  assert.deepEqual(reached, []);
  assert.equal(observer.refusals.length, inside.length * 2);
});

test("two guests have port 8080, each on a port of the host's own", async (t) => {
  const ports = [await freePort(), await freePort()];
  for (const [index, port] of ports.entries()) {
    const { host } = netHost(t, { publish: [`127.0.0.1:${port}:8080`] });
    const listener = await guestListener(host, 8080);
    const accepting = listener.accept();
    const client = await nodeClient(t, port);
    const socket = await accepting;
    assert.deepEqual(socket.localAddress, loopback(8080));
    await socket.write(bytesOf(String(index)));
    assert.equal(String((await once(client, "data"))[0]), String(index));
  }
});

test("two guests have a port that is granted and not published, in one of which the host's number is another", async (t) => {
  const port = await freePort();
  const listeners = [];
  for (const name of ["first", "second"]) {
    const { host } = netHost(t, { listen: [String(port)] });
    const listener = host.sockets.create("ipv4", "stream");
    listener.bind({ family: "ipv4", address: "0.0.0.0", port });
    listener.listen(4);
    listeners.push(listener);
    const again = host.sockets.create("ipv4", "stream");
    assert.equal(await errnoOf(() => again.bind(loopback(port))), "addrinuse", "within the guest it is taken");
    // A guest reaches what it listens on itself by its own number, without a grant to connect.
    const own = host.sockets.create("ipv4", "stream");
    const accepting = listener.accept();
    await own.connect(loopback(port));
    await own.write(bytesOf(name));
    assert.equal(await readText(await accepting), name);
  }
  const [first] = listeners;
  const accepting = first?.accept();
  await nodeClient(t, port);
  assert.ok(await accepting, "the first has the number on the host's loopback");
});

test("binding outside a grant is refused, below it, beside it, and on another address", async (t) => {
  const { host } = netHost(t, { listen: ["127.0.0.1:9000-9001"] });
  const places = [
    loopback(80),
    loopback(8999),
    loopback(9002),
    { family: "ipv4", address: "0.0.0.0", port: 9000 },
    { family: "ipv4", address: "127.0.0.2", port: 9000 },
    { family: "ipv6", address: "::", port: 9000 },
    { family: "unix", path: "/tmp/x" },
  ] as const;
  for (const place of places) {
    const socket = host.sockets.create(place.family, "stream");
    assert.equal(await errnoOf(() => socket.bind(place)), "acces", JSON.stringify(place));
    if (place.family === "unix") continue;
    const datagrams = host.sockets.create(place.family, "datagram");
    assert.equal(await errnoOf(() => datagrams.bind(place)), "acces", JSON.stringify(place));
  }
});

test("Sockets takes maxConnections at most: a flood that sends nothing is cut off, and each closed one makes room", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] }, { limits: { maxConnections: 50 } });
  const listener = await guestListener(host, port);
  let closed = 0;
  await new Promise<void>((cutOff) => {
    for (let i = 0; i < 200; i++) {
      const client = connect({ port, host: "127.0.0.1" }).resume();
      t.after(() => client.destroy());
      // One that is cut off at once may hear of it before it is connected.
      client.on("error", () => {});
      client.on("close", () => {
        closed += 1;
        if (closed === 151) cutOff();
      });
    }
  });
  assert.equal(host.sockets.count, 50);
  assert.throws(() => host.sockets.create("ipv4", "stream"), { errno: "mfile" });
  for (let i = 0; i < 49; i++) (await listener.accept()).close();
  assert.equal(host.sockets.count, 1);
  const accepting = listener.accept();
  await nodeClient(t, port);
  assert.ok(await accepting);
});

test("thousands of connections that never send cost little, and close with the instance", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepted = (async () => {
    const sockets = [];
    while (sockets.length < 2000) sockets.push(await listener.accept());
    return sockets;
  })();
  const clients = [];
  for (let i = 0; i < 20; i++)
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => nodeClient(t, port)))));
  const sockets = await accepted;
  assert.equal(host.sockets.count, 2001);
  assert.equal(sockets.filter((socket) => socket.isReady("read")).length, 0);
  const [some] = clients;
  const ended = Promise.all(clients.map((client) => once(client.resume(), "end")));
  some?.write("one");
  await Promise.any(sockets.map((socket) => untilReady(socket, "read")));
  assert.equal(sockets.filter((socket) => socket.isReady("read")).length, 1);
  host.close();
  await ended;
  assert.equal(host.sockets.count, 0);
});

test("a peer that never reads keeps its place after the close, until it reads or is given up", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] }, { limits: { maxConnections: 2 } });
  const listener = await guestListener(host, port);
  const accepting = listener.accept();
  const client = await nodeClient(t, port);
  client.pause();
  const socket = await accepting;
  socket.setFlags({ append: false, nonblock: true });
  const fill = async (): Promise<void> => {
    while ((await errnoOf(() => socket.write(bytesOf(new Uint8Array(65_536))))) === "none");
  };
  await fill();
  socket.close();
  assert.equal(host.sockets.count, 1);
  assert.throws(() => host.sockets.create("ipv4", "stream"), { errno: "mfile" });
  assert.equal(host.sockets.isSpinning(), false);
  await host.flushed(1);
  await new Promise((closed) => client.resume().on("close", closed));
  host.sockets.create("ipv4", "stream").close();
});

test("Sockets keeps its rates: bytes and connections wait until there is some again", async (t) => {
  const { host } = netHost(
    t,
    { connect: ["127.0.0.1"] },
    { limits: { maxConnectionRate: 100, maxNetworkRate: 40_000 } },
  );
  let got = 0;
  const { port } = await nodeServer(t, (peer) => peer.on("data", (data) => (got += data.length)));
  const socket = host.sockets.create("ipv4", "stream");
  await socket.connect(loopback(port));
  const start = performance.now();
  await socket.write(bytesOf(new Uint8Array(42_000)));
  assert.ok(performance.now() - start > 25, "2,000 bytes more than a second's took 50 ms");
  assert.ok(got <= 42_000);
  const before = performance.now();
  for (let i = 0; i < 104; i++) await host.sockets.create("ipv4", "stream").connect(loopback(port));
  assert.ok(performance.now() - before > 20, "5 connections more than a second's took 50 ms");
});

test("Sockets.openListeners() listens on each single port of the grants, behind the folders", async (t) => {
  const [one, two] = [await freePort(), await freePort()];
  const flags = { listen: [`127.0.0.1:${two}`, "9000-9010"], publish: [`127.0.0.1:${one}:80`] };
  const { host } = netHost(t, flags, { listens: true });
  const listeners = [3, 4].map((fd) => host.descriptors.get(fd));
  assert.throws(() => host.descriptors.get(5));
  for (const [index, port] of [one, two].entries()) {
    const accepting = listeners[index]?.accept();
    await nodeClient(t, port);
    assert.ok(await accepting);
  }
  const { port } = await nodeServer(t, () => {});
  assert.throws(() => netHost(t, { publish: [`127.0.0.1:${port}:80`] }, { listens: true }), {
    code: "NETWORK_PORT",
    message: "Cannot listen on port 80 for the guest: EADDRINUSE",
  });
});

test("Unix sockets listen and connect where a grant names the path, which lives as long as the listener", async (t) => {
  const path = join(freshFolder(), "app.sock");
  const { host } = netHost(t, { listen: [`unix:${path}`], connect: [`unix:${path}`] });
  const listener = host.sockets.create("unix", "stream");
  listener.bind({ family: "unix", path });
  listener.listen(4);
  const socket = host.sockets.create("unix", "stream");
  const accepting = listener.accept();
  await socket.connect({ family: "unix", path });
  const peer = await accepting;
  await socket.write(bytesOf("by path"));
  socket.shutdown("write");
  assert.equal(await readText(peer), "by path");
  assert.equal(await readText(peer), "");
  assert.deepEqual(listener.localAddress, { family: "unix", path });
  const other = host.sockets.create("unix", "stream");
  assert.equal(await errnoOf(() => other.connect({ family: "unix", path: `${path}.other` })), "acces");
  assert.throws(() => host.sockets.create("unix", "datagram"), { errno: "afnosupport" });
  assert.ok(existsSync(path));
  listener.close();
  assert.ok(!existsSync(path));
});

test("HostInstance.cancel() gives up what waits for a socket, and a closed socket wakes those who wait", async (t) => {
  const port = await freePort();
  const { host } = netHost(t, { listen: [`127.0.0.1:${port}`] });
  const listener = await guestListener(host, port);
  const accepting = errnoOf(() => listener.accept());
  listener.close();
  assert.equal(await accepting, "badf");
  const next = await guestListener(host, port);
  let isSettled = false;
  Promise.resolve(next.accept()).then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  host.cancel();
  await nodeClient(t, port);
  await untilReady(next, "read");
  assert.equal(isSettled, false);
  assert.ok(await next.accept(), "the connection is still there");
});
