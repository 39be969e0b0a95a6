import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { SampanError } from "../../../base/index.ts";
import { bytesOf, errnoOf, freePort, nodeClient, nodeServer, readText, room, untilReady } from "../network-fixture.ts";
import { projectSocket } from "./config.ts";
import { at, configOf, connectTo, listenOn, networkFolder, projectHost, type Services } from "./project-fixture.ts";
import { projectNetwork } from "./project-network.ts";

const services: Services = {
  web: { front: "10.89.0.2", back: "10.90.0.2" },
  api: { front: ["10.89.0.3", "10.89.0.4"] },
  db: { back: "10.90.0.3" },
};

test("projectNetwork() connects services of one network by name, each at the address that it has there", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const listener = listenOn(db.host, 5432);
  const [address] = await web.host.sockets.resolve("DB.");
  assert.equal(address, "10.90.0.3");
  const client = await connectTo(web.host, at("10.90.0.3", 5432));
  const server = await listener.accept();
  assert.deepEqual(client.remoteAddress, at("10.90.0.3", 5432));
  assert.deepEqual(server.localAddress, at("10.90.0.3", 5432));
  assert.deepEqual(server.remoteAddress, client.localAddress);
  assert.deepEqual(server.remoteAddress, { ...client.localAddress, address: "10.90.0.2" });
  await client.write(bytesOf("hello"));
  client.shutdown("write");
  assert.equal(await readText(server), "hello");
  assert.equal(await readText(server), "");
  await server.write(bytesOf("answer"));
  server.close();
  assert.equal(await readText(client), "answer");
  assert.equal(await readText(client), "");
  assert.deepEqual(web.observer.refusals, []);
});

test("projectNetwork() keeps its sockets to this user, and takes them away when they are closed", (t) => {
  const folder = networkFolder(t);
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  listenOn(db.host, 5432);
  const path = projectSocket(folder, { ip: "10.90.0.3", protocol: "tcp", port: 5432 });
  assert.ok(lstatSync(path).isSocket());
  assert.equal(lstatSync(join(folder, "10.90.0.3")).mode & 0o777, 0o700);
  db.close();
  assert.equal(existsSync(path), false);
});

test("projectNetwork() listens on every network that the service is in", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const api = projectHost(t, configOf(folder, { services, name: "api" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const listener = listenOn(web.host, 80);
  for (const [peer, to, from] of [
    [api, "10.89.0.2", "10.89.0.3"],
    [db, "10.90.0.2", "10.90.0.3"],
  ] as const) {
    await connectTo(peer.host, at(to, 80));
    const accepted = await listener.accept();
    assert.deepEqual(accepted.localAddress, at(to, 80));
    assert.equal((accepted.remoteAddress as { address: string }).address, from);
  }
});

test("projectNetwork() answers the addresses of a service's replicas in turn", async (t) => {
  const folder = networkFolder(t);
  const { host } = projectHost(t, configOf(folder, { services, name: "web" }));
  assert.deepEqual(await host.sockets.resolve("api"), ["10.89.0.3", "10.89.0.4"]);
  assert.deepEqual(await host.sockets.resolve("api"), ["10.89.0.4", "10.89.0.3"]);
  assert.deepEqual(await host.sockets.resolve("api"), ["10.89.0.3", "10.89.0.4"]);
});

test("projectNetwork() follows the file of hosts, as services come and go", async (t) => {
  const folder = networkFolder(t);
  const config = configOf(folder, { services, name: "web" });
  const { host } = projectHost(t, config);
  assert.deepEqual(await host.sockets.resolve("db"), ["10.90.0.3"]);
  const added = { name: "db", network: "back", ip: "10.90.0.9" };
  writeFileSync(join(folder, "hosts.json"), JSON.stringify([...config.hosts, added]));
  assert.deepEqual((await host.sockets.resolve("db")).toSorted(), ["10.90.0.3", "10.90.0.9"]);
  for (const broken of ["{", "{}", '[{"name":"db","network":"back","ip":"127.0.0.1"}]']) {
    writeFileSync(join(folder, "hosts.json"), broken);
    assert.equal((await host.sockets.resolve("db")).length, 2);
  }
  writeFileSync(join(folder, "hosts.json"), "[]");
  assert.equal(await errnoOf(() => host.sockets.resolve("db")), "acces");
});

test("projectNetwork() hides services of other networks: no name, no address, whatever is granted", async (t) => {
  const folder = networkFolder(t);
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  listenOn(db.host, 5432);
  const flags = { connect: ["10.0.0.0/8", "*"], dns: true };
  const { host, observer } = projectHost(t, configOf(folder, { services, name: "api" }), { flags });
  assert.equal(await errnoOf(() => host.sockets.resolve("db")), "ainoname");
  assert.equal(await errnoOf(() => connectTo(host, at("10.90.0.3", 5432))), "acces");
  assert.equal(observer.refusals.length, 1);
});

test("projectNetwork() refuses what is not granted, and connects to the machine where it is", async (t) => {
  const folder = networkFolder(t);
  const { port } = await nodeServer(t, (socket) => socket.end("machine"));
  const config = configOf(folder, { services, name: "web" });
  const bare = projectHost(t, config);
  for (const address of ["127.0.0.1", "10.89.0.77", "192.0.2.1"])
    assert.equal(await errnoOf(() => connectTo(bare.host, at(address, port))), "acces");
  const granted = projectHost(t, config, { flags: { connect: ["127.0.0.1"] } });
  assert.equal(await readText(await connectTo(granted.host, at("127.0.0.1", port))), "machine");
});

test("projectNetwork() refuses a connection where nobody listens, and an address that nobody has started", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  listenOn(db.host, 5432);
  assert.equal(await errnoOf(() => connectTo(web.host, at("10.90.0.3", 5433))), "connrefused");
  assert.equal(await errnoOf(() => connectTo(web.host, at("10.89.0.4", 80))), "connrefused");
  db.close();
  assert.equal(await errnoOf(() => connectTo(web.host, at("10.90.0.3", 5432))), "connrefused");
});

test("projectNetwork() takes over what a process left that was killed, and nothing that somebody has", async (t) => {
  const folder = networkFolder(t);
  const path = projectSocket(folder, { ip: "10.90.0.3", protocol: "tcp", port: 5432 });
  mkdirSync(join(folder, "10.90.0.3"), { mode: 0o700 });
  const code = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  assert.equal(spawnSync(process.execPath, ["-e", code]).signal, "SIGKILL");
  assert.ok(lstatSync(path).isSocket());
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  assert.equal(await errnoOf(() => connectTo(web.host, at("10.90.0.3", 5432))), "connrefused");
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  listenOn(db.host, 5432);
  await connectTo(web.host, at("10.90.0.3", 5432));
  const other = projectHost(t, configOf(folder, { services, name: "db" }));
  assert.equal(await errnoOf(() => listenOn(other.host, 5432)), "addrinuse");
  assert.deepEqual(readdirSync(join(folder, "10.90.0.3")), ["tcp-5432"]);
});

test("projectNetwork() puts a published port on the machine too, and no other", async (t) => {
  const folder = networkFolder(t);
  const hostPort = await freePort();
  const published = [{ guestPort: 8080, hostIp: "127.0.0.1", hostPort, protocol: "tcp" }] as const;
  const web = projectHost(t, configOf(folder, { services, name: "web", published }));
  const listener = listenOn(web.host, 8080);
  const client = await nodeClient(t, hostPort);
  const accepted = await listener.accept();
  client.end("from outside");
  assert.equal(await readText(accepted), "from outside");
  assert.equal((accepted.remoteAddress as { address: string }).address, "127.0.0.1");
  const free = await freePort();
  listenOn(web.host, free);
  await assert.rejects(nodeClient(t, free));
});

test("projectNetwork() says that a published port is taken, and keeps nothing of the try", async (t) => {
  const folder = networkFolder(t);
  const { port: hostPort } = await nodeServer(t, () => {});
  const published = [{ guestPort: 8080, hostIp: "127.0.0.1", hostPort, protocol: "tcp" }] as const;
  const web = projectHost(t, configOf(folder, { services, name: "web", published }));
  assert.equal(await errnoOf(() => listenOn(web.host, 8080)), "addrinuse");
  assert.deepEqual(readdirSync(join(folder, "10.89.0.2")), []);
});

test("projectNetwork() lets a guest reach itself on loopback, where no peer does", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const own = listenOn(web.host, 9000, "127.0.0.1");
  await connectTo(web.host, at("127.0.0.1", 9000));
  assert.equal(((await own.accept()).remoteAddress as { address: string }).address, "127.0.0.1");
  assert.equal(await errnoOf(() => connectTo(db.host, at("10.90.0.2", 9000))), "connrefused");
  listenOn(web.host, 9001);
  await connectTo(web.host, at("127.0.0.1", 9001));
  await connectTo(web.host, at("10.89.0.2", 9001));
});

test("projectNetwork() serves a guest of IPv6, which sees wrapped addresses", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const listener = db.host.sockets.create("ipv6", "stream");
  listener.bind({ family: "ipv6", address: "::", port: 5432 });
  listener.listen(8);
  await connectTo(web.host, { family: "ipv6", address: "::ffff:10.90.0.3", port: 5432 });
  const accepted = await listener.accept();
  assert.equal((accepted.remoteAddress as { address: string }).address, "::ffff:10.90.0.2");
});

test("projectNetwork() shows a peer without a name as the guest's own machine", async (t) => {
  const folder = networkFolder(t);
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const listener = listenOn(db.host, 5432);
  const path = projectSocket(folder, { ip: "10.90.0.3", protocol: "tcp", port: 5432 });
  const { connect } = await import("node:net");
  const client = connect({ path });
  t.after(() => void client.destroy());
  await once(client, "connect");
  assert.deepEqual((await listener.accept()).remoteAddress, at("127.0.0.1", 0));
});

test("projectNetwork() reaches a server that another program has in the registry, such as a stand-in", async (t) => {
  const folder = networkFolder(t);
  mkdirSync(join(folder, "10.90.0.3"), { mode: 0o700 });
  const server = createServer((socket) => socket.end("stand-in"));
  server.listen(projectSocket(folder, { ip: "10.90.0.3", protocol: "tcp", port: 5432 }));
  await once(server, "listening");
  t.after(() => void server.close());
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  assert.equal(await readText(await connectTo(web.host, at("10.90.0.3", 5432))), "stand-in");
});

test("projectNetwork() answers a guest that resolves by itself, by its own name server and by DNS_SERVER", async (t) => {
  const folder = networkFolder(t);
  const env = { DNS_SERVER: "192.0.2.53:53" };
  const web = projectHost(t, configOf(folder, { services, name: "web" }), { flags: { env } });
  const query = Uint8Array.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x64, 0x62, 0, 0, 1, 0, 1]);
  for (const server of ["127.0.0.11", "192.0.2.53"]) {
    const datagrams = web.host.sockets.create("ipv4", "datagram");
    await datagrams.send(bytesOf(query), at(server, 53));
    const into = room(512);
    const { count } = await datagrams.receive(into);
    assert.deepEqual([...into.memory.subarray(count - 4, count)], [10, 90, 0, 3]);
    const stream = await connectTo(web.host, at(server, 53));
    await stream.write(bytesOf(Uint8Array.from([0, query.length, ...query])));
    const length = await stream.read(into);
    assert.deepEqual([...into.memory.subarray(length - 4, length)], [10, 90, 0, 3]);
  }
});

test("projectNetwork() carries hundreds of connections at once, whole", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const listener = listenOn(db.host, 5432);
  const serve = async (): Promise<void> => {
    const accepted = await listener.accept();
    const text = await readText(accepted);
    await accepted.write(bytesOf(text.repeat(1000)));
    accepted.close();
  };
  const ask = async (id: number): Promise<string> => {
    const client = await connectTo(web.host, at("10.90.0.3", 5432));
    await client.write(bytesOf(`<${id}>`));
    let all = "";
    for (let part = await readText(client); part !== ""; part = await readText(client)) all += part;
    client.close();
    return all;
  };
  const ids = Array.from({ length: 300 }, (_, id) => id);
  const [answers] = await Promise.all([Promise.all(ids.map(ask)), Promise.all(ids.map(serve))]);
  for (const id of ids) assert.equal(answers[id], `<${id}>`.repeat(1000));
});

test("projectNetwork() sends datagrams between services, each at its address, and to the sender itself", async (t) => {
  const folder = networkFolder(t);
  const web = projectHost(t, configOf(folder, { services, name: "web" }));
  const db = projectHost(t, configOf(folder, { services, name: "db" }));
  const server = db.host.sockets.create("ipv4", "datagram");
  server.bind(at("0.0.0.0", 5000));
  const client = web.host.sockets.create("ipv4", "datagram");
  for (const size of [0, 1, 1400, 65_507]) {
    await client.send(bytesOf(new Uint8Array(size).fill(size & 255)), at("10.90.0.3", 5000));
    const into = room(70_000);
    const { count, from } = await server.receive(into);
    assert.equal(count, size);
    assert.ok(into.memory.subarray(0, count).every((byte) => byte === (size & 255)));
    assert.equal((from as { address: string }).address, "10.90.0.2");
    await server.send(bytesOf("back"), from);
    const back = await client.receive(into);
    assert.deepEqual([back.count, back.from], [4, at("10.90.0.3", 5000)]);
  }
  await server.send(bytesOf("self"), at("10.90.0.3", 5000));
  assert.deepEqual((await server.receive(room(10))).from, at("10.90.0.3", 5000));
  // A datagram to nobody is lost, as it is anywhere.
  await client.send(bytesOf("lost"), at("10.90.0.3", 5001));
  assert.equal(await errnoOf(() => client.send(bytesOf("out"), at("127.0.0.1", 5001))), "acces");
});

test("projectNetwork() publishes datagrams, and hears nobody else of the machine", async (t) => {
  const folder = networkFolder(t);
  const hostPort = await freePort();
  const published = [{ guestPort: 5000, hostIp: "127.0.0.1", hostPort, protocol: "udp" }] as const;
  const web = projectHost(t, configOf(folder, { services, name: "web", published }));
  const socket = web.host.sockets.create("ipv4", "datagram");
  socket.bind(at("0.0.0.0", 5000));
  const { createSocket } = await import("node:dgram");
  const outside = createSocket("udp4");
  t.after(() => void outside.close());
  outside.send("hello", hostPort, "127.0.0.1");
  await untilReady(socket, "read");
  assert.equal((await socket.receive(room(10))).count, 5);
});

test("projectNetwork() refuses a folder that others may enter, that is none, or whose path is too long", (t) => {
  const folder = networkFolder(t);
  const config = (path: string) => configOf(path, { services, name: "web" });
  const refused = (path: string, what: RegExp): void => {
    assert.throws(
      () => projectNetwork(config(path)),
      (error) => error instanceof SampanError && error.code === "NETWORK_FOLDER" && what.test(error.message),
    );
  };
  const open = join(folder, "open");
  mkdirSync(open);
  chmodSync(open, 0o750);
  refused(open, /others may enter/);
  refused(join(folder, "none"), /no such folder/);
  writeFileSync(join(folder, "file"), "");
  refused(join(folder, "file"), /no such folder/);
  const long = join(folder, "x".repeat(80));
  mkdirSync(long, { mode: 0o700 });
  refused(long, /bytes/);
  const strange = { ...services, db: { back: "127.0.0.1" } };
  assert.throws(() => projectNetwork(configOf(folder, { services: strange, name: "web" })), /"127\.0\.0\.1".*private/);
});
