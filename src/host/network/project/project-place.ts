import type { Server, Socket } from "node:net";
import { failure, SampanError } from "../../../base/index.ts";
import { socketModules } from "../direct.ts";
import { normalAddress, type ProjectNetworkConfig } from "./config.ts";
import { Members } from "./members.ts";
import { Peers } from "./peers.ts";
import { Registry } from "./registry.ts";

/** A place in a project's network for a program of the host's own, such as a stand-in: with sockets of Node's. */
export class ProjectPlace {
  readonly #config: ProjectNetworkConfig;
  readonly #members: Members;
  readonly #registry: Registry;
  readonly #peers: Peers;

  /** @throws NETWORK_FOLDER */
  constructor(config: ProjectNetworkConfig) {
    this.#config = config;
    this.#members = new Members(config);
    this.#registry = new Registry(config.folder);
    this.#peers = new Peers(this.#registry.folder);
  }

  /**
   * Listens on a TCP port on each address that the service has, and on the machine where the port is published. `remote` is who
   * connected; it may have said all that it says, and still listen. What it answers ends that.
   *
   * @throws NETWORK_PORT
   */
  async listen(port: number, accepted: (socket: Socket, remote: string) => void): Promise<() => void> {
    const { net } = socketModules;
    const servers: Server[] = [];
    const close = (): void => {
      for (const server of servers) server.close();
    };
    const serve = (remoteOf: (socket: Socket) => string): Server => {
      const server = net.createServer({ allowHalfOpen: true }, (socket) => accepted(socket, remoteOf(socket)));
      server.on("error", () => {});
      servers.push(server);
      return server;
    };
    const taken = this.#bindAll(port);
    for (const { bound } of taken)
      bound.give((handle) => void serve((socket) => this.#peers.read(socket)?.address ?? "127.0.0.1").listen(handle));
    try {
      for (const { guestPort, hostIp, hostPort, protocol } of this.#config.published) {
        if (protocol !== "tcp" || guestPort !== port) continue;
        const server = serve(({ remoteAddress }) => remoteAddress ?? "127.0.0.1");
        await new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen({ host: hostIp, port: hostPort, exclusive: true }, resolve);
        });
      }
    } catch (error) {
      close();
      throw portTaken(port, error);
    }
    return close;
  }

  #bindAll(port: number): ReturnType<Registry["bindAll"]> {
    try {
      return this.#registry.bindAll(this.#members.own.map((ip) => ({ ip, protocol: "tcp", port })));
    } catch (error) {
      throw portTaken(port, error);
    }
  }

  /** Connects to a service by a name or address of the project's; no other place is reached. @throws HostError ainoname, connrefused */
  connect(name: string, port: number): Socket {
    const literal = normalAddress(name);
    const addresses = this.#members.standing(literal) === "inside" ? [literal] : this.#members.addressesOf(name);
    const found = addresses.find((ip) => this.#registry.has({ ip, protocol: "tcp", port }));
    if (addresses.length === 0) throw failure("ainoname");
    const from = found === undefined ? undefined : this.#members.ownFor(found);
    if (found === undefined || from === undefined) throw failure("connrefused");
    const { handle } = this.#peers.name(from);
    const socket = new socketModules.net.Socket(handle === undefined ? {} : { handle });
    return socket.connect({ path: this.#registry.pathOf({ ip: found, protocol: "tcp", port }) });
  }

  /** Whether a name is the project's and reachable from there. */
  knows(name: string): boolean {
    return this.#members.standing(normalAddress(name)) === "inside" || this.#members.addressesOf(name).length > 0;
  }

  /** The path of a port's socket on an address of its own, whose folder is there, and which nobody has. @throws NETWORK_PORT */
  freePath(port: number, ip: string): string {
    const place = { ip: normalAddress(ip), protocol: "tcp", port } as const;
    try {
      this.#registry.bind(place).close();
    } catch (error) {
      throw portTaken(port, error);
    }
    return this.#registry.pathOf(place);
  }

  /** The addresses that the service has. */
  get addresses(): readonly string[] {
    return this.#members.own;
  }
}

function portTaken(port: number, cause: unknown): SampanError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new SampanError("NETWORK_PORT", `Cannot listen on port ${port}: ${why}`, { cause });
}
