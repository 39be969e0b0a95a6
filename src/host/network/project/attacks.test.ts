import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { HostError, SampanError } from "../../../base/index.ts";
import { defaultGrants } from "../../../capabilities/index.ts";
import { HostWorkload } from "../../workload.ts";
import { bytesOf, freePort, type NetFlags, nodeServer, readText } from "../network-fixture.ts";
import type { InternetAddress, SocketAddress } from "../backend.ts";
import { type ProjectNetworkConfig, projectSocket } from "./config.ts";
import { at, configOf, listenOn, networkFolder, projectHost, type Services } from "./project-fixture.ts";

const services: Services = {
  guest: { front: "10.89.0.2" },
  peer: { front: "10.89.0.3" },
  hidden: { back: "10.90.0.3" },
};
const other: Services = { secret: { default: "10.91.0.2" } };

/** Two projects on a machine that has servers of its own; each says who it is, and what was sent to it. */
class World {
  readonly root: string;
  readonly config: ProjectNetworkConfig;
  readonly otherFolder: string;
  /** A folder that the guest may be granted for writing. */
  readonly shared: string;
  machinePort = 0;
  /** Names of the servers that a guest got through to. */
  readonly reached: string[] = [];

  constructor(t: TestContext) {
    this.root = networkFolder(t);
    this.shared = realpathSync(mkdtempSync(join(tmpdir(), "shared-")));
    t.after(() => rmSync(this.shared, { recursive: true }));
    const [folder, otherFolder] = ["one", "two"].map((name) => join(this.root, name));
    for (const each of [folder, otherFolder]) mkdirSync(String(each), { mode: 0o700 });
    this.otherFolder = String(otherFolder);
    this.config = { ...configOf(String(folder), { services, name: "guest" }), root: this.root };
    for (const name of ["peer", "hidden"]) this.#serve(t, configOf(String(folder), { services, name }), name);
    this.#serve(t, configOf(this.otherFolder, { services: other, name: "secret" }), "secret");
  }

  #serve(t: TestContext, config: ProjectNetworkConfig, name: string): void {
    const { host } = projectHost(t, config);
    const listener = listenOn(host, 80);
    const datagrams = host.sockets.create("ipv4", "datagram");
    datagrams.bind(at("0.0.0.0", 80));
    listener.watch("read", () => void this.reached.push(name));
    datagrams.watch("read", () => void this.reached.push(name));
  }

  async open(t: TestContext): Promise<void> {
    const { port } = await nodeServer(t, () => void this.reached.push("machine"));
    this.machinePort = port;
    const system = createServer((socket) => {
      this.reached.push("system socket");
      socket.destroy();
    });
    system.listen(join(this.shared, "system.sock"));
    await once(system, "listening");
    t.after(() => void system.close());
  }

  get secretSocket(): string {
    return projectSocket(this.otherFolder, { ip: "10.91.0.2", protocol: "tcp", port: 80 });
  }

  get hiddenSocket(): string {
    return projectSocket(this.config.folder, { ip: "10.90.0.3", protocol: "tcp", port: 80 });
  }
}

type Guest = ReturnType<typeof projectHost>["host"];

interface Attack {
  readonly name: string;
  readonly flags?: (world: World) => NetFlags;
  readonly attempt: (guest: Guest, world: World) => Promise<void>;
}

const wide: NetFlags = { connect: ["*", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], dns: true };

async function reach(guest: Guest, to: SocketAddress): Promise<void> {
  const socket = guest.sockets.create(to.family, "stream");
  try {
    await socket.connect(to);
    await socket.write(bytesOf("GET"));
    await readText(socket);
  } finally {
    socket.close();
  }
}

async function reachName(guest: Guest, name: string): Promise<void> {
  for (const address of await guest.sockets.resolve(name)) await reach(guest, at(address, 80));
}

async function send(guest: Guest, to: InternetAddress): Promise<void> {
  await guest.sockets.create(to.family, "datagram").send(bytesOf("x"), to);
}

const attacks: Attack[] = [
  ...["hidden", "HIDDEN.", "secret", "secret.two", "hidden.one", "10.90.0.3"].map((name): Attack => ({
    name: `reaching "${name}" by that name, with everything granted`,
    flags: () => wide,
    attempt: (guest) => reachName(guest, name),
  })),
  ...["10.90.0.3", "10.91.0.2"].map((address): Attack => ({
    name: `connecting to ${address} of another network`,
    attempt: (guest) => reach(guest, at(address, 80)),
  })),
  {
    name: "connecting to a hidden service's address, wrapped in IPv6, with its range granted",
    flags: () => wide,
    attempt: (guest) => reach(guest, { family: "ipv6", address: "::ffff:10.90.0.3", port: 80 }),
  },
  {
    name: "sending a datagram to a hidden service with its range granted",
    flags: () => wide,
    attempt: (guest) => send(guest, at("10.90.0.3", 80)),
  },
  ...["127.0.0.1", "127.0.0.11", "0.0.0.0", "10.89.0.1", "10.89.0.2"].map((address): Attack => ({
    name: `connecting to a server of the machine's by ${address}`,
    attempt: (guest, world) => reach(guest, at(address, world.machinePort)),
  })),
  {
    name: "connecting to the machine by the guest's own name and the names of loopback",
    attempt: async (guest, world) => {
      for (const name of ["guest-1", "guest", "peer"])
        for (const address of await guest.sockets.resolve(name))
          await reach(guest, at(address, world.machinePort)).catch(() => {});
    },
  },
  {
    name: "connecting from a place that was bound on the guest's loopback to the machine's",
    attempt: async (guest, world) => {
      const socket = guest.sockets.create("ipv4", "stream");
      socket.bind(at("127.0.0.1", 0));
      await socket.connect(at("127.0.0.1", world.machinePort));
    },
  },
  {
    name: "listening on an address of a peer's",
    attempt: (guest, world) => {
      listenOn(guest, 8080, "10.89.0.3");
      world.reached.push("peer's address");
      return Promise.resolve();
    },
  },
  {
    name: "listening on an address of the machine's",
    attempt: (guest, world) => {
      listenOn(guest, 8080, "192.0.2.1");
      world.reached.push("machine's address");
      return Promise.resolve();
    },
  },
  {
    name: "an address with a path in it",
    attempt: (guest) => reach(guest, at("../two/10.91.0.2", 80)),
  },
  {
    name: "a name with a path in it",
    flags: () => wide,
    attempt: (guest) => reachName(guest, "../two/10.91.0.2"),
  },
  {
    name: "a port with a path in it",
    attempt: (guest) =>
      reach(guest, { family: "ipv4", address: "10.89.0.3", port: "80/../../10.90.0.3/tcp-80" as never }),
  },
  ...(["hiddenSocket", "secretSocket"] as const).map((which): Attack => ({
    name: `the ${which} of another service by its path`,
    attempt: (guest, world) => reach(guest, { family: "unix", path: world[which] }),
  })),
  ...(["hiddenSocket", "secretSocket"] as const).map((which): Attack => ({
    name: `the ${which} of another service by its path, which is granted`,
    flags: (world) => ({ connect: [`unix:${world[which]}`] }),
    attempt: (guest, world) => reach(guest, { family: "unix", path: world[which] }),
  })),
  {
    name: "a link to another project's socket in place of a granted one",
    flags: (world) => ({ connect: [`unix:${join(world.shared, "app.sock")}`] }),
    attempt: (guest, world) => {
      symlinkSync(world.secretSocket, join(world.shared, "app.sock"));
      return reach(guest, { family: "unix", path: join(world.shared, "app.sock") });
    },
  },
  {
    name: "a link to the machine's own socket in place of a granted one",
    flags: (world) => ({ connect: [`unix:${join(world.shared, "app.sock")}`] }),
    attempt: (guest, world) => {
      symlinkSync(join(world.shared, "system.sock"), join(world.shared, "app.sock"));
      return reach(guest, { family: "unix", path: join(world.shared, "app.sock") });
    },
  },
  {
    name: "a link to another project's folder in place of a granted socket's",
    flags: (world) => ({ connect: [`unix:${join(world.shared, "run/tcp-80")}`] }),
    attempt: (guest, world) => {
      symlinkSync(join(world.otherFolder, "10.91.0.2"), join(world.shared, "run"));
      return reach(guest, { family: "unix", path: join(world.shared, "run/tcp-80") });
    },
  },
  {
    name: "listening in another project's folder by a granted path that leads there",
    flags: (world) => ({ listen: [`unix:${join(world.shared, "run/tcp-81")}`] }),
    attempt: (guest, world) => {
      symlinkSync(join(world.otherFolder, "10.91.0.2"), join(world.shared, "run"));
      const socket = guest.sockets.create("unix", "stream");
      socket.bind({ family: "unix", path: join(world.shared, "run/tcp-81") });
      socket.listen(1);
      world.reached.push("another project's folder");
      return Promise.resolve();
    },
  },
  {
    name: "a file of the peer's where its socket was",
    attempt: (guest, world) => {
      const path = projectSocket(world.config.folder, { ip: "10.89.0.3", protocol: "tcp", port: 81 });
      writeFileSync(path, "");
      return reach(guest, at("10.89.0.3", 81));
    },
  },
  {
    name: "a link where the peer's socket was",
    attempt: (guest, world) => {
      const path = projectSocket(world.config.folder, { ip: "10.89.0.3", protocol: "tcp", port: 81 });
      symlinkSync(world.secretSocket, path);
      return reach(guest, at("10.89.0.3", 81));
    },
  },
  {
    name: "a link where the peer's folder was",
    attempt: (guest, world) => {
      const folder = join(world.config.folder, "10.89.0.3");
      renameSync(folder, `${folder}.old`);
      symlinkSync(join(world.otherFolder, "10.91.0.2"), folder);
      return reach(guest, at("10.89.0.3", 80));
    },
  },
];

async function withstands(t: TestContext, attack: Attack): Promise<readonly string[]> {
  const world = new World(t);
  await world.open(t);
  const { host } = projectHost(t, world.config, { flags: attack.flags?.(world) ?? {} });
  try {
    await attack.attempt(host, world);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
  }
  // What is on its way arrives meanwhile.
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  return world.reached;
}

for (const attack of attacks) {
  test(`a project's network withstands ${attack.name}`, async (t) => {
    assert.deepEqual(await withstands(t, attack), []);
  });
}

test("a project's network lets through what is the guest's, so that the attacks are real", async (t) => {
  const ways: Attack[] = [
    { name: "a peer's datagrams", attempt: (guest) => send(guest, at("10.89.0.3", 80)) },
    { name: "a peer by name", attempt: (guest) => void reachName(guest, "peer").catch(() => {}) as never },
    {
      name: "the machine",
      flags: () => ({ connect: ["127.0.0.1"] }),
      attempt: (guest, world) => void reach(guest, at("127.0.0.1", world.machinePort)).catch(() => {}) as never,
    },
    {
      name: "a socket",
      flags: (world) => ({ connect: [`unix:${join(world.shared, "system.sock")}`] }),
      attempt: (guest, world) => reach(guest, { family: "unix", path: join(world.shared, "system.sock") }),
    },
  ];
  for (const way of ways) {
    const reached = await withstands(t, way);
    const deadline = AbortSignal.timeout(10_000);
    while (reached.length === 0 && !deadline.aborted) await new Promise(setImmediate);
    assert.equal(reached.length, 1, way.name);
  }
});

test("a project's network gives no grant of files for writing in which its sockets are", async (t) => {
  const world = new World(t);
  await world.open(t);
  const open = (host: string, access: "read-only" | "read-write"): void => {
    const files = [{ host, guest: "/data", access }];
    new HostWorkload({ ...defaultGrants, files }, { network: world.config }).close();
  };
  const link = join(world.shared, "link");
  symlinkSync(world.otherFolder, link);
  for (const host of ["/", tmpdir(), world.root, world.config.folder, world.otherFolder, link]) {
    assert.throws(
      () => open(host, "read-write"),
      (error) => error instanceof SampanError && error.code === "GRANT_INVALID",
      host,
    );
    open(host, "read-only");
  }
  open(world.shared, "read-write");
});

test("a project's network takes no datagram that came in another's name, and none that is broken", async (t) => {
  const world = new World(t);
  const { host } = projectHost(t, world.config);
  const socket = host.sockets.create("ipv4", "datagram");
  socket.bind(at("0.0.0.0", 5000));
  const { connect } = await import("node:net");
  const path = projectSocket(world.config.folder, { ip: "10.89.0.2", protocol: "udp", port: 5000 });
  const frame = (from: string, text: string): Buffer =>
    Buffer.concat([Buffer.from([0, 0, 0, text.length, from.length]), Buffer.from(from), Buffer.from(text)]);
  const post = async (bytes: Buffer): Promise<void> => {
    const way = connect({ path });
    way.on("error", () => {});
    way.end(bytes);
    way.resume();
    await once(way, "close");
  };
  await post(frame("10.90.0.3:80", "hidden"));
  await post(frame("127.0.0.1:80", "machine"));
  await post(frame("nobody", "nobody"));
  await post(Buffer.alloc(5000, 0xff));
  assert.equal(socket.isReady("read"), false);
  await post(frame("10.89.0.3:80", "peer"));
  assert.equal(socket.isReady("read"), true);
});

test("the port of the machine that a guest's free port would be stays free", async (t) => {
  const world = new World(t);
  const free = await freePort();
  const { host } = projectHost(t, world.config);
  listenOn(host, free);
  const server = createServer();
  server.listen(free, "127.0.0.1");
  await once(server, "listening");
  server.close();
});
