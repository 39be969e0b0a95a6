import { failure, SampanError } from "../../base/index.ts";
import { Scratch } from "../channel-stream.ts";
import type { Waits } from "../waits.ts";
import type { InternetAddress, NetworkBackend, SocketAddress, SocketFamily, SocketKind } from "./backend.ts";
import { DatagramSocket } from "./datagram-socket.ts";
import { isUnspecified, samePlace } from "./place.ts";
import type { NetworkPolicy } from "./policy.ts";
import { Rate } from "./rate.ts";
import { ResolverConnection } from "./resolver-connection.ts";
import type { Socket, SocketWaits } from "./socket.ts";
import type { SocketHost } from "./socket-host.ts";
import { StreamSocket } from "./stream-socket.ts";
import { Turns } from "./turns.ts";
import { UsedChunks } from "./used-chunks.ts";

/** How much one instance may do on the network. */
export interface NetworkLimits {
  /** Sockets that it may have open at once, 4096 by default. */
  readonly maxConnections?: number | undefined;
  /** Connections that it may begin and accept in a second, as many at once. */
  readonly maxConnectionRate?: number | undefined;
  /** Bytes that its sockets may move in a second, both directions together. */
  readonly maxNetworkRate?: number | undefined;
}

/** What {@link Sockets} are made from. */
export interface SocketsOptions {
  readonly backend: NetworkBackend;
  /** What it lets through, and the addresses that were got for names. */
  readonly policy: NetworkPolicy;
  readonly limits?: NetworkLimits | undefined;
  readonly waits: Waits | undefined;
  /** Where the guest thinks that a name server is: Sampan answers there. */
  readonly nameServer?: InternetAddress | undefined;
}

const defaultConnections = 4096;

/** The sockets of one instance: what it may have of the network, checked against its grants and counted. */
export class Sockets {
  /** Called whenever a socket may have become ready. */
  readonly changes: Set<(socket: Socket) => void> = new Set();
  readonly #options: SocketsOptions;
  readonly #waiting: SocketWaits;
  readonly #host: SocketHost;
  readonly #open = new Set<Socket>();
  /** Those that the guest closed and whose last bytes are still on their way. */
  readonly #leaving = new Set<() => void>();
  readonly #claims = new Set<{ readonly kind: SocketKind; readonly at: InternetAddress }>();
  readonly #listeners = new Map<StreamSocket, readonly SocketAddress[]>();
  /** How many of them have bytes that the host keeps. */
  #heavy = 0;
  #emptied: (() => void) | undefined;

  constructor(options: SocketsOptions) {
    this.#options = options;
    const { waits, limits = {} } = options;
    this.#waiting = { waits, turns: new Turns(), changes: this.changes };
    this.#host = this.#createHost(limits);
  }

  /**
   * Counts an answer that nothing is ready, and says whether the event loop has to go round before the guest asks again: what
   * it asks for could never come otherwise.
   */
  isSpinning(): boolean {
    return this.#waiting.turns.isDue();
  }

  /** How many sockets the guest has open, connections that it has not accepted among them. */
  get count(): number {
    return this.#open.size;
  }

  /** A new socket. @throws HostError mfile at the limit, afnosupport for Unix datagrams */
  create(family: SocketFamily, kind: SocketKind): Socket {
    this.#host.reserve();
    if (kind === "stream") return new StreamSocket(this.#waiting, this.#host, { family });
    if (family === "unix") throw failure("afnosupport");
    return new DatagramSocket(this.#waiting, this.#host, { family });
  }

  /**
   * The addresses of a name; an address is its own. Rejects with HostError acces where no grant covers it, noent for no such
   * name, again where asking later may help, io.
   */
  resolve(name: string): Promise<readonly string[]> {
    const { waits } = this.#options;
    const answer = this.#options.policy.resolve(name, this.#options.backend);
    return waits === undefined ? answer : waits.forSignal(answer);
  }

  /** Lets what goes to a name through, at all of the addresses that it has. @throws HostError acces */
  checkName(name: string, port: number, addresses: readonly string[]): void {
    this.#options.policy.connectByName(name, port, { addresses });
  }

  /**
   * Listens on every single port that is granted or published, for a guest that cannot do so by itself (preview 1 alone: its
   * `sock_accept` takes descriptors that are there from the start), in the grants' order, each port once.
   *
   * @throws NETWORK_PORT where one cannot be had
   */
  openListeners(): Socket[] {
    const sockets: Socket[] = [];
    for (const place of this.#options.policy.listenPlaces()) {
      const socket = this.create(place.family, "stream");
      sockets.push(socket);
      try {
        socket.bind(place);
        socket.listen(128);
      } catch (cause) {
        for (const each of sockets) each.close();
        const text = place.family === "unix" ? `"${place.path}"` : `port ${place.port}`;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new SampanError("NETWORK_PORT", `Cannot listen on ${text} for the guest: ${why}`, { cause });
      }
    }
    return sockets;
  }

  /** Closes all. What was written still goes out: {@link flushed} tells when it has. */
  close(): void {
    for (const socket of this.#open) socket.close();
  }

  /** Resolves once all that was written before a close is with the system; after `ms` what is left is dropped. */
  flushed(ms: number): Promise<void> {
    if (this.#leaving.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const drop of this.#leaving) drop();
        resolve();
      }, ms);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #createHost({ maxConnections = defaultConnections, maxConnectionRate, maxNetworkRate }: NetworkLimits): SocketHost {
    const { backend, policy, waits, nameServer } = this.#options;
    const nameServers = [nameServer, backend.own?.nameServer].filter((server) => server !== undefined);
    return {
      backend,
      policy,
      connections: new Rate(maxConnectionRate, waits?.alarms),
      scratch: new Scratch(),
      used: new UsedChunks(),
      bytes: new Rate(maxNetworkRate, waits?.alarms),
      reserve: () => {
        // A connection whose bytes the host still keeps counts, although it is closed.
        if (this.#open.size + this.#heavy >= maxConnections) throw failure("mfile");
      },
      opened: (socket) => void this.#open.add(socket),
      closed: (socket) => {
        this.#open.delete(socket);
        if (socket instanceof StreamSocket) this.#listeners.delete(socket);
      },
      leave: (drop, bytes) => {
        const weight = bytes > 0 ? 1 : 0;
        this.#leaving.add(drop);
        this.#heavy += weight;
        return () => {
          if (!this.#leaving.delete(drop)) return;
          this.#heavy -= weight;
          if (this.#leaving.size === 0) this.#emptied?.();
        };
      },
      claim: (kind, at) => this.#claim(kind, at),
      listens: (socket, places) => void this.#listeners.set(socket, places),
      ownListener: (to) => this.#ownListener(to),
      isNameServer: (to) => nameServers.some((server) => samePlace(server, to)),
      connectNameServer: (to) => new ResolverConnection(to, (name) => policy.resolve(name, backend)),
      resolve: (name) => policy.resolve(name, backend),
    };
  }

  #claim(kind: SocketKind, at: InternetAddress): () => void {
    for (const other of this.#claims) {
      if (other.kind !== kind || other.at.port !== at.port || other.at.family !== at.family) continue;
      if (other.at.address === at.address || isUnspecified(other.at.address) || isUnspecified(at.address))
        throw failure("addrinuse");
    }
    const claim = { kind, at };
    this.#claims.add(claim);
    return () => void this.#claims.delete(claim);
  }

  /** Where a listener of the instance's own is on the host, if the address means this machine. */
  #ownListener(to: InternetAddress): SocketAddress | undefined {
    if (to.address !== "127.0.0.1" && to.address !== "::1") return undefined;
    for (const [socket, places] of this.#listeners) {
      const local = socket.localAddress;
      const place = places.find(({ family }) => family === to.family) ?? places[0];
      if (local.family === "unix" || local.port !== to.port || !reaches(local, to) || place?.family === "unix")
        continue;
      if (place === undefined || !isUnspecified(place.address)) return place;
      return place.family === "ipv4" ? { ...place, address: "127.0.0.1" } : { ...to, port: place.port };
    }
    return undefined;
  }
}

function reaches(listener: InternetAddress, to: InternetAddress): boolean {
  if (listener.address === to.address || listener.address === "::") return true;
  return listener.address === "0.0.0.0" && to.family === "ipv4";
}
