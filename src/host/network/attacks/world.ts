import type { Errno } from "../../../base/index.ts";
import type {
  BoundStream,
  Connection,
  ConnectionHandlers,
  InternetAddress,
  NetworkBackend,
  SocketAddress,
} from "../backend.ts";

/** A connection that nobody is at the other end of: it takes bytes and says nothing. */
export class SilentConnection implements Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  pending = 0;
  isClosed = false;
  readonly #isRefused: boolean;

  constructor(remote: SocketAddress, { isRefused = false }: { isRefused?: boolean } = {}) {
    this.remote = remote;
    this.local = { family: "ipv4", address: "192.0.2.200", port: 40_000 };
    this.#isRefused = isRefused;
  }

  tell(handlers: ConnectionHandlers): void {
    if (this.#isRefused) setImmediate(() => handlers.failed("connrefused"));
  }
  read(): void {}
  /** The peer never reads: what is written stays here. */
  write(bytes: Uint8Array): boolean {
    this.pending += bytes.length;
    return false;
  }
  end(): void {}
  close(done: () => void): void {
    this.isClosed = true;
    done();
  }
  reset(): void {
    this.isClosed = true;
  }
  setNoDelay(): void {}
  setKeepAlive(): void {}
}

/** A network that reaches nothing and notes all that is asked of it: what an attack reached is what stands here. */
export class World {
  /** Addresses that were connected and sent to. */
  readonly reached: string[] = [];
  /** Places that were listened on, `ADDRESS PORT`. */
  readonly listened: string[] = [];
  /** Answers for names, one list after the other; the last stays. */
  readonly names: Record<string, readonly (readonly string[])[]> = {};
  readonly connections: SilentConnection[] = [];
  readonly #asked = new Map<string, number>();
  #accepted: ((connection: Connection) => void) | undefined;
  #freePort = 50_000;

  readonly network: NetworkBackend = {
    name: "attacked",
    connect: (to) => this.#connect(to),
    resolve: (name) => {
      const turn = this.#asked.get(name) ?? 0;
      this.#asked.set(name, turn + 1);
      const answers = this.names[name];
      return Promise.resolve(answers?.[Math.min(turn, answers.length - 1)] ?? []);
    },
    bindStream: (address) => this.#bind(address),
    bindDatagrams: (address) => ({
      address: { ...address, port: address.port === 0 ? this.#freePort++ : address.port },
      pending: 0,
      tell: () => {},
      send: (_bytes: Uint8Array, to: InternetAddress) => void this.reached.push(to.address),
      setBroadcast: () => {},
      close: () => {},
    }),
  };

  /** A stranger connects to what the guest listens on. */
  arrive(): SilentConnection {
    const connection = new SilentConnection({ family: "ipv4", address: "192.0.2.7", port: 1000 });
    this.connections.push(connection);
    this.#accepted?.(connection);
    return connection;
  }

  #connect(to: SocketAddress): Connection {
    this.reached.push(to.family === "unix" ? to.path : to.address);
    return new SilentConnection(to, { isRefused: true });
  }

  #bind(address: SocketAddress): BoundStream {
    const place = address.family !== "unix" && address.port === 0 ? { ...address, port: this.#freePort++ } : address;
    return {
      address: place,
      listen: (_backlog, accepted) => {
        this.listened.push(place.family === "unix" ? place.path : `${place.address} ${place.port}`);
        this.#accepted = accepted;
      },
      connect: (to) => this.#connect(to),
      close: () => {},
    };
  }
}

/** What came of a call: `ok`, or how it was refused. */
export type Answer = Errno | "ok";
