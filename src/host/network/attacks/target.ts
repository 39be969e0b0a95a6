import { HostError } from "../../../base/index.ts";
import { Buffers } from "../../filesystem/file-calls.ts";
import { type HostLimits, HostWorkload } from "../../workload.ts";
import { type NetFlags, netGrants } from "../network-fixture.ts";
import type { InternetAddress, SocketFamily, SocketKind } from "../backend.ts";
import { Socket } from "../socket.ts";
import { type Answer, SilentConnection, type World } from "./world.ts";

/** A guest's calls in no ABI's terms, by its own numbers. Each says how it was refused. */
export interface Target {
  open(family: "ipv4" | "ipv6", kind: SocketKind): Promise<number>;
  bind(fd: number, at: InternetAddress): Promise<Answer>;
  listen(fd: number): Promise<Answer>;
  connect(fd: number, to: InternetAddress): Promise<Answer>;
  accept(fd: number): Promise<number | Answer>;
  send(fd: number, length: number, to?: InternetAddress): Promise<Answer>;
  resolve(name: string): Promise<readonly string[]>;
  close(fd: number): Promise<Answer>;
  dispose(): void;
}

/** What a target is made with. */
export interface TargetParts {
  readonly world: World;
  readonly flags: NetFlags;
  readonly limits: HostLimits;
}

async function answerOf(operation: () => unknown): Promise<Answer> {
  try {
    await operation();
    return "ok";
  } catch (error) {
    if (error instanceof HostError) return error.errno;
    throw error;
  }
}

function zeros(length: number): Buffers {
  const buffers = new Buffers();
  buffers.reset(new Uint8Array(length));
  buffers.add(0, length);
  return buffers;
}

/** The host itself. */
export function hostTarget({ world, flags, limits }: TargetParts): Target {
  const workload = new HostWorkload(netGrants(flags), { network: world.network, limits, waits: "suspend" });
  const { sockets, descriptors, ...rest } = parts(workload.createInstance());
  const socket = (fd: number): Socket => {
    const found = descriptors.get(fd);
    if (!(found instanceof Socket)) throw new TypeError(`${fd} is no socket`);
    return found;
  };
  return {
    open: (family, kind) => {
      const made = sockets.create(family, kind);
      made.flags.nonblock = true;
      return Promise.resolve(descriptors.insert(made));
    },
    bind: (fd, at) => answerOf(() => socket(fd).bind(at)),
    listen: (fd) => answerOf(() => socket(fd).listen(8)),
    connect: (fd, to) => answerOf(() => socket(fd).connect(to)),
    accept: async (fd) => {
      let got = -1;
      const answer = await answerOf(async () => {
        const accepted = await socket(fd).accept();
        accepted.flags.nonblock = true;
        got = descriptors.insert(accepted);
      });
      return answer === "ok" ? got : answer;
    },
    send: (fd, length, to) => answerOf(() => socket(fd).send(zeros(length), to)),
    resolve: (name) => sockets.resolve(name).catch(() => []),
    close: (fd) => answerOf(() => descriptors.close(fd)),
    dispose: () => {
      rest.close();
      workload.close();
    },
  };
}

function parts(instance: ReturnType<HostWorkload["createInstance"]>) {
  return { sockets: instance.sockets, descriptors: instance.descriptors, close: () => instance.close() };
}

interface WeakSocket {
  readonly family: SocketFamily;
  connection?: SilentConnection;
  readonly queue: SilentConnection[];
}

/**
 * A host with the mistakes that real ones made: it looks at names and not at what they stand for, takes whatever port comes,
 * keeps whatever arrives, buffers whatever is written and does not forget what was closed.
 */
export function weakTarget({ world }: TargetParts): Target {
  const sockets: WeakSocket[] = [];
  return {
    open: (family) => Promise.resolve(sockets.push({ family, queue: [] }) - 1),
    bind: (fd, at) => {
      world.network.bindStream(at).listen(8, (connection) => {
        if (connection instanceof SilentConnection) sockets[fd]?.queue.push(connection);
      });
      return Promise.resolve("ok");
    },
    listen: () => Promise.resolve("ok"),
    connect: (_fd, to) => {
      world.network.connect(to);
      return Promise.resolve("ok");
    },
    accept: (fd) => {
      const connection = sockets[fd]?.queue.shift();
      if (connection === undefined) return Promise.resolve("again");
      return Promise.resolve(sockets.push({ family: "ipv4", connection, queue: [] }) - 1);
    },
    send: (fd, length, to) => {
      if (to !== undefined) world.reached.push(to.address);
      sockets[fd]?.connection?.write(new Uint8Array(length));
      return Promise.resolve("ok");
    },
    resolve: (name) => world.network.resolve(name),
    close: () => Promise.resolve("ok"),
    dispose: () => {},
  };
}
