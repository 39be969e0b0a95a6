import { once } from "node:events";
import { connect, createServer, type Server, type Socket as NodeSocket } from "node:net";
import type { TestContext } from "node:test";
import { failure, HostError } from "../../base/index.ts";
import { defaultGrants, type Grants, parseConnect, parseListen, parsePublish } from "../../capabilities/index.ts";
import { Buffers } from "../filesystem/file-calls.ts";
import { Listener } from "../host-fixture.ts";
import type { HostInstance } from "../instance.ts";
import { type HostLimits, HostWorkload } from "../workload.ts";
import type { InternetAddress, NetworkBackend } from "./backend.ts";
import { directNetwork } from "./direct.ts";
import type { Socket } from "./socket.ts";

/** Grants as flags spell them. */
export interface NetFlags {
  readonly connect?: readonly string[];
  readonly listen?: readonly string[];
  readonly publish?: readonly string[];
  readonly dns?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

const context = { cwd: "/" };

/** The grants that flags give. */
export function netGrants({ connect: to = [], listen = [], publish = [], dns = false, env = {} }: NetFlags): Grants {
  const net = {
    connect: to.map((text) => parseConnect(text, context)),
    listen: listen.map((text) => parseListen(text, context)),
    publish: publish.map(parsePublish),
    dns,
  };
  return { ...defaultGrants, env, net };
}

/** The machine's network with names of the test's own, so that no outside name is ever looked up. */
export function networkWithNames(names: Readonly<Record<string, readonly string[]>>): NetworkBackend {
  const direct = directNetwork();
  return {
    name: "test",
    bindStream: (address) => direct.bindStream(address),
    connect: (to) => direct.connect(to),
    bindDatagrams: (address, options) => direct.bindDatagrams(address, options),
    resolve: (name) => {
      const found = names[name];
      return found === undefined ? Promise.reject(failure("ainoname")) : Promise.resolve(found);
    },
  };
}

/** What a test's instance is made with besides its grants. */
export interface HostParts {
  readonly limits?: HostLimits;
  readonly network?: NetworkBackend;
  readonly waits?: "suspend" | "block";
  readonly listens?: boolean;
}

/** An instance with grants for the network, closed with its test. */
export function netHost(
  t: TestContext,
  flags: NetFlags,
  { limits = {}, network = networkWithNames({}), waits = "suspend", listens = false }: HostParts = {},
): { host: HostInstance; observer: Listener } {
  const observer = new Listener();
  const workload = new HostWorkload(netGrants(flags), { observer, limits, network, waits });
  const host = workload.createInstance({ listens });
  t.after(() => {
    host.close();
    workload.close();
  });
  return { host, observer };
}

/** Loopback of IPv4. */
export function loopback(port: number): InternetAddress {
  return { family: "ipv4", address: "127.0.0.1", port };
}

/** Pieces with room for so many bytes. */
export function room(...lengths: readonly number[]): Buffers {
  const buffers = new Buffers();
  buffers.reset(new Uint8Array(lengths.reduce((sum, length) => sum + length, 0)));
  let at = 0;
  for (const length of lengths) {
    buffers.add(at, length);
    at += length;
  }
  return buffers;
}

/** Pieces with these bytes. */
export function bytesOf(bytes: Uint8Array | string): Buffers {
  const buffers = new Buffers();
  const content = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  buffers.reset(content);
  buffers.add(0, content.length);
  return buffers;
}

/** What a socket has next, as text; "" at its end. */
export async function readText(socket: Socket, most = 65_536): Promise<string> {
  const into = room(most);
  const count = await socket.read(into);
  return new TextDecoder().decode(into.memory.subarray(0, count));
}

/** The name of the error that an operation ends in, at once or later. */
export async function errnoOf(operation: () => unknown): Promise<string> {
  try {
    await operation();
    return "none";
  } catch (error) {
    if (error instanceof HostError) return error.errno;
    throw error;
  }
}

/** Resolves once a socket is ready. */
export function untilReady(socket: Socket, events: "read" | "write"): Promise<void> {
  return new Promise((resolve) => {
    const turn = (): void => {
      if (socket.isReady(events)) resolve();
      else {
        const watch = socket.watch(events, () => {
          if (watch !== true) watch();
          turn();
        });
        if (watch === true) resolve();
      }
    };
    turn();
  });
}

/** A server of Node's on a free port of loopback, closed with its test. */
export async function nodeServer(
  t: TestContext,
  accept: (socket: NodeSocket) => void,
): Promise<{ server: Server; port: number }> {
  const sockets = new Set<NodeSocket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    accept(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

/** A client of Node's that is connected, and is destroyed with its test. */
export async function nodeClient(t: TestContext, port: number, host = "127.0.0.1"): Promise<NodeSocket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  t.after(() => void socket.destroy());
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  server.close();
  await once(server, "close");
  return port;
}

/** A listener of the guest's, and the port of the host that it is on. */
export async function guestListener(host: HostInstance, port: number): Promise<Socket> {
  const socket = host.sockets.create("ipv4", "stream");
  socket.bind(loopback(port));
  socket.listen(16);
  return Promise.resolve(socket);
}
