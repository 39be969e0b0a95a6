import type { Socket } from "node:net";
import { type Errno, failureOfNode } from "../../base/index.ts";
import type { Connection, ConnectionHandlers, SocketAddress } from "./backend.ts";

/** Where the two ends of a connection are in a network that its system knows nothing of. */
export interface SeenPlaces {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
}

/** How a missing socket and a full one look in such a network. */
const seenErrors: Partial<Record<Errno, Errno>> = {
  noent: "connrefused",
  again: "connrefused",
  notsock: "connrefused",
};

/** What a socket is made with that becomes a {@link NodeConnection}; with so low a mark each write ends in a `drain`. */
export const connectionOptions = { allowHalfOpen: true, writableHighWaterMark: 1 } as const;

/** How long in ms a closed connection may take to send what was written before. */
const lingerTime = 60_000;

/**
 * A connection of Node's. Its `push` is taken over, so that what comes goes straight to whoever has it, one chunk for each
 * `_read`: the stream in between would read ahead as it likes.
 */
export class NodeConnection implements Connection {
  readonly #socket: Socket;
  #handlers: ConnectionHandlers | undefined;
  #isOver = false;
  #wantsRead = false;
  #local: SocketAddress | undefined;
  #remote: SocketAddress | undefined;

  /** `socket` has been told to pause, and to allow half-open connections. */
  constructor(socket: Socket, seen?: SeenPlaces) {
    this.#socket = socket;
    this.#local = seen?.local;
    this.#remote = seen?.remote;
    socket.push = (chunk: Uint8Array | null): boolean => {
      if (chunk !== null) return this.#handlers?.data(chunk) ?? false;
      this.#handlers?.ended();
      return false;
    };
    socket.on("error", (error) => {
      const errno = failureOfNode(error)?.errno ?? "io";
      this.#fail(seen === undefined ? errno : (seenErrors[errno] ?? errno));
    });
    socket.on("drain", () => this.#handlers?.drained());
  }

  /** Connects a new socket. */
  static to(socket: Socket, to: SocketAddress, seen?: SeenPlaces): NodeConnection {
    socket.pause();
    const connection = new NodeConnection(socket, seen);
    connection.#remote ??= to;
    socket.once("connect", () => {
      connection.#handlers?.connected();
      if (connection.#wantsRead) socket._read(0);
    });
    if (to.family === "unix") socket.connect({ path: to.path });
    else socket.connect({ host: to.address, port: to.port });
    return connection;
  }

  get local(): SocketAddress {
    return (this.#local ??= placeOf(this.#socket.localAddress, this.#socket.localPort));
  }

  get remote(): SocketAddress {
    return (this.#remote ??= placeOf(this.#socket.remoteAddress, this.#socket.remotePort));
  }

  get pending(): number {
    return this.#isOver ? 0 : this.#socket.writableLength;
  }

  tell(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  read(): void {
    this.#wantsRead = true;
    if (!this.#socket.connecting && !this.#isOver) this.#socket._read(0);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOver) return true;
    this.#socket.write(bytes);
    return this.#socket.writableLength === 0;
  }

  end(): void {
    if (!this.#isOver) this.#socket.end();
  }

  close(done: () => void): void {
    const socket = this.#socket;
    this.#handlers = undefined;
    if (this.#isOver || socket.destroyed) return done();
    const timer = setTimeout(() => this.reset(), lingerTime);
    timer.unref();
    socket.once("close", () => {
      clearTimeout(timer);
      done();
    });
    socket.destroySoon();
  }

  reset(): void {
    this.#handlers = undefined;
    this.#isOver = true;
    const isInternet = this.#socket.remoteFamily !== undefined;
    if (isInternet && !this.#socket.connecting) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  setNoDelay(isOn: boolean): void {
    this.#socket.setNoDelay(isOn);
  }

  setKeepAlive(isOn: boolean): void {
    this.#socket.setKeepAlive(isOn);
  }

  #fail(errno: Errno): void {
    this.#isOver = true;
    this.#handlers?.failed(errno);
  }
}

function placeOf(address: string | undefined, port: number | undefined): SocketAddress {
  if (address === undefined || port === undefined) return { family: "unix", path: "" };
  return { family: address.includes(":") ? "ipv6" : "ipv4", address, port };
}
