import { createWasi02, Wasi02Context } from "../../../abi/index.ts";
import type { Errno } from "../../../base/index.ts";
import { parseAddress } from "../../../capabilities/index.ts";
import { HostWorkload } from "../../workload.ts";
import type { InternetAddress } from "../backend.ts";
import { netGrants } from "../network-fixture.ts";
import type { Target, TargetParts } from "./target.ts";
import type { Answer } from "./world.ts";

/** The error case of a call. */
class Answered extends Error {
  readonly payload: unknown;

  constructor(payload: unknown) {
    super("The call answers an error");
    this.payload = payload;
  }
}

/** Names of failures that attacks look at; every other refusal is as good as any. */
const errnos: Readonly<Record<string, Errno>> = { "access-denied": "acces", "would-block": "again" };

/** What a guest has for one number. */
interface Entry {
  readonly kind: "tcp" | "udp";
  readonly family: "ipv4" | "ipv6";
  readonly socket: unknown;
  /** What it came with: an output stream, and others that are only dropped. */
  readonly streams: readonly (readonly [resource: string, stream: unknown])[];
}

/** Calls of WASI 0.2 as a component makes them, with resources by numbers. */
class Guest {
  readonly host: ReturnType<HostWorkload["createInstance"]>;
  readonly entries = new Map<number, Entry>();
  readonly #provide: ReturnType<typeof createWasi02>;
  readonly #workload: HostWorkload;
  #next = 3;

  constructor({ world, flags, limits }: TargetParts) {
    this.#workload = new HostWorkload(netGrants(flags), { network: world.network, limits, waits: "suspend" });
    this.host = this.#workload.createInstance();
    const context = new Wasi02Context({ args: [], makeError: (payload) => new Answered(payload) });
    context.attach(this.host, { suspends: true });
    this.#provide = createWasi02({ context });
  }

  /** Calls `interface#function`. */
  async call<T>(name: string, ...values: readonly unknown[]): Promise<T> {
    const [itsInterface = "", function_ = ""] = name.split("#");
    const found = this.#provide(`wasi:${itsInterface}@0.2.0`, function_);
    if (found === undefined) throw new TypeError(`There is no ${name}`);
    return (await (found.call as (...given: readonly unknown[]) => unknown)(...values)) as T;
  }

  /** Calls a method of a socket. */
  on<T>({ kind, socket }: Entry, method: string, ...values: readonly unknown[]): Promise<T> {
    return this.call(`sockets/${kind}#[method]${kind}-socket.${method}`, socket, ...values);
  }

  keep(entry: Entry): number {
    this.entries.set(this.#next, entry);
    return this.#next++;
  }

  async drop({ kind, socket, streams }: Entry): Promise<void> {
    for (const [resource, stream] of streams) {
      const [itsInterface, name] = resource.split("#");
      await this.call(`${itsInterface}#[resource-drop]${name}`, stream);
    }
    await this.call(`sockets/${kind}#[resource-drop]${kind}-socket`, socket);
  }

  close(): void {
    this.host.close();
    this.#workload.close();
  }
}

const network = {};

function wasiPlace({ family, address, port }: InternetAddress): unknown {
  const parsed = parseAddress(address);
  const isWrapped = family === "ipv6" && parsed?.family === 4;
  const bits = (parsed?.bits ?? 0n) | (isWrapped ? 0xffffn << 32n : 0n);
  const parts = (count: number, width: number): number[] =>
    Array.from({ length: count }, (_, at) => Number(BigInt.asUintN(width, bits >> BigInt((count - 1 - at) * width))));
  if (family === "ipv4") return { tag: family, val: { port, address: parts(4, 8) } };
  return { tag: family, val: { port, flowInfo: 0, address: parts(8, 16), scopeId: 0 } };
}

async function answerOf(operation: () => Promise<unknown>): Promise<Answer> {
  try {
    await operation();
    return "ok";
  } catch (error) {
    if (!(error instanceof Answered)) throw error;
    return errnos[String(error.payload)] ?? "io";
  }
}

/** A guest of WASI 0.2. */
export function wasi02Target(parts: TargetParts): Target {
  const guest = new Guest(parts);
  const on = (fd: number, operate: (entry: Entry) => Promise<unknown>): Promise<Answer> => {
    const entry = guest.entries.get(fd);
    // A component has no numbers of its own: what it dropped it cannot name.
    return entry === undefined ? Promise.resolve("badf") : answerOf(() => operate(entry));
  };
  return {
    open: async (family, type) => {
      const kind = type === "stream" ? "tcp" : "udp";
      const socket = await guest.call(`sockets/${kind}-create-socket#create-${kind}-socket`, family);
      return guest.keep({ kind, family, socket, streams: [] });
    },
    bind: (fd, at) =>
      on(fd, async (entry) => {
        await guest.on(entry, "start-bind", network, wasiPlace(at));
        await guest.on(entry, "finish-bind");
      }),
    listen: (fd) =>
      on(fd, async (entry) => {
        await guest.on(entry, "start-listen");
        await guest.on(entry, "finish-listen");
      }),
    connect: async (fd, to) => {
      const answer = await on(fd, async (entry) => {
        await guest.on(entry, "start-connect", network, wasiPlace(to));
        await guest.on(entry, "finish-connect");
      });
      return answer === "again" ? "inprogress" : answer;
    },
    accept: async (fd) => {
      let got = -1;
      const answer = await on(fd, async (entry) => {
        const [socket, input, output] = await guest.on<unknown[]>(entry, "accept");
        const streams = [
          ["io/streams#output-stream", output],
          ["io/streams#input-stream", input],
        ] as const;
        got = guest.keep({ ...entry, socket, streams });
      });
      return answer === "ok" ? got : answer;
    },
    send: (fd, length, to) =>
      on(fd, (entry) => (entry.kind === "udp" ? sendTo(guest, entry, length, to) : write(guest, entry, length))),
    resolve: (name) => resolve(guest, name),
    close: async (fd) => {
      const answer = await on(fd, (entry) => guest.drop(entry));
      guest.entries.delete(fd);
      return answer;
    },
    dispose: () => guest.close(),
  };
}

async function write(guest: Guest, { streams }: Entry, length: number): Promise<void> {
  const output = streams[0]?.[1];
  const method = "io/streams#[method]output-stream";
  const permit = await guest.call<bigint>(`${method}.check-write`, output);
  if (permit === 0n) throw new Answered("would-block");
  await guest.call(`${method}.write`, output, new Uint8Array(Math.min(length, Number(permit))));
}

async function sendTo(guest: Guest, entry: Entry, length: number, to?: InternetAddress): Promise<void> {
  const place: InternetAddress = { family: entry.family, address: entry.family === "ipv4" ? "0.0.0.0" : "::", port: 0 };
  await guest.on(entry, "start-bind", network, wasiPlace(place));
  await guest.on(entry, "finish-bind");
  const [, output] = await guest.on<unknown[]>(entry, "stream", undefined);
  await guest.call("sockets/udp#[method]outgoing-datagram-stream.check-send", output);
  const datagram = { data: new Uint8Array(length), remoteAddress: to === undefined ? undefined : wasiPlace(to) };
  await guest.call("sockets/udp#[method]outgoing-datagram-stream.send", output, [datagram]);
}

async function resolve(guest: Guest, name: string): Promise<readonly string[]> {
  const lookup = "sockets/ip-name-lookup#[method]resolve-address-stream";
  const found: string[] = [];
  await answerOf(async () => {
    const stream = await guest.call("sockets/ip-name-lookup#resolve-addresses", network, name);
    await guest.call("io/poll#[method]pollable.block", await guest.call(`${lookup}.subscribe`, stream));
    for (;;) {
      const ip = await guest.call<{ tag: string; val: readonly number[] } | undefined>(
        `${lookup}.resolve-next-address`,
        stream,
      );
      if (ip === undefined) return;
      found.push(ip.tag === "ipv4" ? ip.val.join(".") : ip.val.map((word) => word.toString(16)).join(":"));
    }
  });
  return found;
}
