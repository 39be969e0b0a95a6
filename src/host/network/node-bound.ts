import type net from "node:net";
import type { BoundSocket, BoundSocketOptions, Server, Socket } from "node:net";
import { failure, failureOfNode } from "../../base/index.ts";
import type { BoundStream, Connection, SocketAddress } from "./backend.ts";
import { connectionOptions, NodeConnection, type SeenPlaces } from "./node-connection.ts";

type Net = typeof net;

/** A place that Node has bound. */
export class NodeBound implements BoundStream {
  readonly address: SocketAddress;
  readonly #net: Net;
  /** Gone once it listens or connects. */
  #bound: BoundSocket | undefined;
  #server: Server | undefined;
  readonly #seen: ((socket: Socket) => SeenPlaces) | undefined;

  /** `seen` says where a connection that comes is in a network of which the system knows nothing. @throws HostError */
  constructor(from: Net, at: SocketAddress, seen?: (socket: Socket) => SeenPlaces) {
    this.#net = from;
    this.#seen = seen;
    try {
      const options: BoundSocketOptions =
        at.family === "unix" ? pathOption(at.path) : { host: at.address, port: at.port };
      const bound = new from.BoundSocket(options);
      this.#bound = bound;
      const got = bound.address();
      this.address = at.family === "unix" || typeof got === "string" ? at : { ...at, port: got.port };
    } catch (error) {
      throw failureOfNode(error) ?? error;
    }
  }

  listen(backlog: number, accepted: (connection: Connection) => void): void {
    const handle = this.#take();
    const server = this.#net.createServer({
      allowHalfOpen: true,
      pauseOnConnect: true,
      highWaterMark: 1,
      noDelay: true,
    });
    server.on("connection", (socket) => accepted(new NodeConnection(socket, this.#seen?.(socket))));
    // What went wrong with one that came is told to nobody: it is gone, and the next may be well.
    server.on("error", () => {});
    this.#server = server;
    server.listen({ handle, backlog });
  }

  connect(to: SocketAddress): Connection {
    const handle = this.#take();
    const socket = new this.#net.Socket({ ...connectionOptions, handle });
    return NodeConnection.to(socket, to);
  }

  /** Hands the place over to somebody else. @throws HostError inval where it has been used */
  give(to: (handle: BoundSocket) => void): void {
    to(this.#take());
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#bound?.close();
    this.#bound = undefined;
  }

  #take(): BoundSocket {
    const bound = this.#bound;
    if (bound === undefined) throw failure("inval");
    this.#bound = undefined;
    return bound;
  }
}

/** The option that binds a Unix socket's path, which the declarations of Node's modules do not know yet. */
export function pathOption(path: string): BoundSocketOptions & { readonly path: string } {
  return { path };
}
