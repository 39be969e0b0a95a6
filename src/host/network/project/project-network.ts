import type { Socket } from "node:net";
import { realpathSync } from "node:fs";
import { failure } from "../../../base/index.ts";
import type {
  BoundStream,
  Connection,
  Datagrams,
  InternetAddress,
  NetworkBackend,
  OwnNetwork,
  SocketAddress,
} from "../backend.ts";
import { directNetwork, socketModules } from "../direct.ts";
import { connectionOptions, NodeConnection, type SeenPlaces } from "../node-connection.ts";
import { familyOf, isLoopback, isUnspecified, loopback } from "../place.ts";
import { RefusedConnection } from "../refused-connection.ts";
import { type UnixRules, unixRulesOf } from "../unix-place.ts";
import type { ProjectNetworkConfig } from "./config.ts";
import { Members } from "./members.ts";
import { Peers } from "./peers.ts";
import { ProjectBound } from "./project-bound.ts";
import { ProjectDatagrams } from "./project-datagrams.ts";
import { type ProjectPort, Registry } from "./registry.ts";

/**
 * The network of one service instance in its project. The ports of the services are Unix sockets in the project's folder, under
 * the address that each has; what belongs to no network of the project goes to the machine's own, as the grants allow.
 *
 * @throws NETWORK_FOLDER
 */
export function projectNetwork(config: ProjectNetworkConfig, rules: UnixRules = unixRulesOf([])): NetworkBackend {
  return new ProjectNetwork(config, rules);
}

/** Where Docker has its name server too: programs look for it there. */
const nameServer: InternetAddress = { family: "ipv4", address: "127.0.0.11", port: 53 };

class ProjectNetwork implements NetworkBackend {
  readonly name = "project";
  readonly own: OwnNetwork;
  readonly #config: ProjectNetworkConfig;
  readonly #direct: NetworkBackend;
  readonly #members: Members;
  readonly #registry: Registry;
  readonly #peers: Peers;
  /** Where its own listeners are, by port: a guest reaches itself on loopback. */
  readonly #listeners = new Map<number, ProjectPort>();

  constructor(config: ProjectNetworkConfig, rules: UnixRules) {
    this.#config = config;
    const members = new Members(config);
    this.#members = members;
    this.#registry = new Registry(config.folder);
    const { folder } = this.#registry;
    this.#peers = new Peers(folder);
    this.own = {
      standing: (address) => members.standing(address),
      hasName: (name) => members.hasName(name),
      publishedPorts: config.published.flatMap(({ protocol, guestPort }) => (protocol === "tcp" ? [guestPort] : [])),
      nameServer,
      folders: config.root === undefined ? [folder] : [folder, realpathSync(config.root)],
    };
    // Guests share folders: a link at the end of a path may be another's.
    this.#direct = directNetwork({ ...rules, closed: this.own.folders, refusesLinks: true });
  }

  bindStream(address: SocketAddress): BoundStream {
    if (address.family === "unix") return this.#direct.bindStream(address);
    const taken = this.#registry.bindAll(this.#portsOf(address, "tcp"), (port) => this.#seen(port));
    const bound: BoundStream[] = taken.map((each) => each.bound);
    const port = taken[0]?.port ?? { ip: address.address, protocol: "tcp", port: address.port };
    try {
      for (const place of this.#published("tcp", port.port)) bound.push(this.#direct.bindStream(place));
    } catch (error) {
      for (const each of bound) each.close();
      throw error;
    }
    return new ProjectBound({
      address: { ...address, port: port.port },
      bound,
      connect: (to, fromPort) => this.#connect(to, fromPort),
      onListen: (isListening) => {
        if (isListening) this.#listeners.set(port.port, port);
        else if (this.#listeners.get(port.port) === port) this.#listeners.delete(port.port);
      },
    });
  }

  connect(to: SocketAddress): Connection {
    return this.#connect(to, 0);
  }

  bindDatagrams(address: InternetAddress, options: { readonly reusesAddress: boolean }): Datagrams {
    const taken = this.#registry.bindAll(this.#portsOf(address, "udp"));
    const port = taken[0]?.port.port ?? address.port;
    const closeAll = (): void => {
      for (const { bound } of taken) bound.close();
    };
    try {
      const published = this.#published("udp", port)[0];
      return new ProjectDatagrams({
        address: { ...address, port },
        bound: taken,
        members: this.#members,
        registry: this.#registry,
        published: published === undefined ? undefined : this.#direct.bindDatagrams(published, options),
        direct: (place) => this.#direct.bindDatagrams(place, { reusesAddress: false }),
      });
    } catch (error) {
      closeAll();
      throw error;
    }
  }

  resolve(name: string): Promise<readonly string[]> {
    if (!this.#members.hasName(name)) return this.#direct.resolve(name);
    const addresses = this.#members.addressesOf(name);
    return addresses.length === 0 ? Promise.reject(failure("ainoname")) : Promise.resolve(addresses);
  }

  #connect(to: SocketAddress, fromPort: number): Connection {
    if (to.family === "unix") return this.#direct.connect(to);
    const own = isLoopback(to.address) ? this.#listeners.get(to.port) : undefined;
    if (own !== undefined) return this.#connectInside(own, to, { address: loopback(to.family), port: fromPort });
    const standing = this.#members.standing(to.address);
    if (standing === "outside") return this.#direct.connect(to);
    const address = this.#members.ownFor(to.address);
    if (standing === "apart" || address === undefined) return new RefusedConnection(to, "hostunreach");
    return this.#connectInside({ ip: to.address, protocol: "tcp", port: to.port }, to, { address, port: fromPort });
  }

  #connectInside(
    port: ProjectPort,
    to: InternetAddress,
    from: { readonly address: string; readonly port: number },
  ): Connection {
    if (!this.#registry.has(port)) return new RefusedConnection(to, "connrefused");
    const { place, handle } = this.#peers.name(from.address, from.port);
    const { net } = socketModules;
    const socket = new net.Socket(handle === undefined ? connectionOptions : { ...connectionOptions, handle });
    const path = this.#registry.pathOf(port);
    return NodeConnection.to(socket, { family: "unix", path }, { local: place, remote: to });
  }

  /** The project's ports that a guest's place is. @throws HostError addrnotavail */
  #portsOf({ address, family, port }: InternetAddress, protocol: "tcp" | "udp"): readonly ProjectPort[] {
    const all = this.#members.own;
    const [first] = all;
    if (first === undefined) throw failure("addrnotavail");
    if (isLoopback(address)) return [{ ip: first, protocol, port, isOwn: true }];
    if (!isUnspecified(address)) {
      if (!all.includes(address)) throw failure("addrnotavail");
      return [{ ip: address, protocol, port }];
    }
    // Every address of IPv6 is every one of IPv4 as well.
    const reached = all.filter((own) => address === "::" || familyOf(own) === family);
    if (reached.length === 0) throw failure("addrnotavail");
    return reached.map((ip) => ({ ip, protocol, port }));
  }

  #published(protocol: "tcp" | "udp", port: number): InternetAddress[] {
    return this.#config.published
      .filter((each) => each.protocol === protocol && each.guestPort === port)
      .map(({ hostIp, hostPort }) => ({ family: familyOf(hostIp), address: hostIp, port: hostPort }));
  }

  /** Where the two ends of a connection are that comes to a port. One that has no name comes from the guest's own machine. */
  #seen({ ip, port, isOwn = false }: ProjectPort): (socket: Socket) => SeenPlaces {
    const family = familyOf(ip);
    const local = { family, address: isOwn ? loopback(family) : ip, port };
    return (socket) => {
      const remote = this.#peers.read(socket) ?? { family, address: loopback(family), port: 0 };
      return { local, remote };
    };
  }
}
