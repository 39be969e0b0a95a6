import type { Socket } from "node:net";
import type { Errno } from "../../../base/index.ts";
import type { Connection, DatagramHandlers, Datagrams, InternetAddress } from "../backend.ts";
import { socketModules } from "../direct.ts";
import type { NodeBound } from "../node-bound.ts";
import { familyOf, unspecified } from "../place.ts";
import { DatagramReader, writeDatagram } from "./datagram-frames.ts";
import type { Members } from "./members.ts";
import type { ProjectPort, Registry } from "./registry.ts";

/** Most bytes that wait for one receiver; more is dropped, as a kernel drops it. */
const mostWaiting = 262_144;
/** Most receivers that a way is kept open to, the latest ones. */
const mostWays = 64;
/** Most senders that are heard at once, the latest ones. */
const mostIncoming = 256;
/** Most places outside whose answers are let through, the latest ones. */
const mostPeers = 1024;

/** What {@link ProjectDatagrams} are made from. */
export interface ProjectDatagramsParts {
  readonly address: InternetAddress;
  readonly bound: readonly { readonly port: ProjectPort; readonly bound: NodeBound }[];
  readonly members: Members;
  readonly registry: Registry;
  /** The machine's port that is published for this one. */
  readonly published: Datagrams | undefined;
  readonly direct: (at: InternetAddress) => Datagrams;
}

/**
 * A UDP socket in a project. Node has no Unix sockets for datagrams, and the machine's loopback is open to everybody: they go
 * over streams, each behind its length and its sender.
 */
export class ProjectDatagrams implements Datagrams {
  readonly address: InternetAddress;
  readonly #parts: ProjectDatagramsParts;
  readonly #ways = new Map<string, Socket>();
  readonly #incoming = new Set<Connection>();
  readonly #asked = new Set<string>();
  #handlers: DatagramHandlers | undefined;
  #outside: Datagrams | undefined;
  #isBroadcast = false;

  constructor(parts: ProjectDatagramsParts) {
    this.#parts = parts;
    this.address = parts.address;
    for (const { bound } of parts.bound) bound.listen(mostWays, (connection) => this.#receive(connection));
    if (parts.published !== undefined) this.#hear(parts.published, () => true);
  }

  get pending(): number {
    return (this.#outside?.pending ?? 0) + (this.#parts.published?.pending ?? 0);
  }

  tell(handlers: DatagramHandlers): void {
    this.#handlers = handlers;
  }

  send(bytes: Uint8Array, to: InternetAddress): void {
    const { members, registry } = this.#parts;
    const standing = members.standing(to.address);
    if (standing === "outside") return this.#sendOutside(bytes, to);
    const from = members.ownFor(to.address);
    const port: ProjectPort = { ip: to.address, protocol: "udp", port: to.port };
    if (standing === "inside" && from !== undefined && registry.has(port)) this.#sendInside(bytes, port, from);
  }

  setBroadcast(isOn: boolean): void {
    this.#isBroadcast = isOn;
    this.#outside?.setBroadcast(isOn);
  }

  close(): void {
    this.#handlers = undefined;
    for (const { bound } of this.#parts.bound) bound.close();
    for (const each of this.#incoming) each.reset();
    // What was sent still goes out.
    for (const way of this.#ways.values()) way.destroySoon();
    this.#outside?.close();
    this.#parts.published?.close();
  }

  #sendInside(bytes: Uint8Array, port: ProjectPort, from: string): void {
    const way = this.#wayTo(this.#parts.registry.pathOf(port));
    if (way.writableLength + bytes.length > mostWaiting) return;
    way.write(writeDatagram(bytes, { family: familyOf(from), address: from, port: this.address.port }));
  }

  #wayTo(path: string): Socket {
    const known = this.#ways.get(path);
    if (known !== undefined && !known.destroyed) return known;
    const way = socketModules.net.connect({ path });
    way.on("error", () => {});
    way.on("close", () => {
      if (this.#ways.get(path) === way) this.#ways.delete(path);
    });
    way.resume();
    this.#ways.set(path, way);
    const [oldest] = this.#ways;
    if (this.#ways.size > mostWays && oldest !== undefined) {
      this.#ways.delete(oldest[0]);
      oldest[1].destroySoon();
    }
    return way;
  }

  #receive(connection: Connection): void {
    const reader = new DatagramReader();
    this.#incoming.add(connection);
    const end = (): void => {
      this.#incoming.delete(connection);
      connection.reset();
    };
    connection.tell({
      connected: () => {},
      data: (bytes) => {
        const isSound = reader.take(bytes, (datagram, from) => this.#arrive(datagram, from));
        if (!isSound) end();
        return isSound;
      },
      ended: end,
      drained: () => {},
      failed: end,
    });
    connection.read();
    const [oldest] = this.#incoming;
    if (this.#incoming.size <= mostIncoming || oldest === undefined) return;
    this.#incoming.delete(oldest);
    oldest.reset();
  }

  #arrive(bytes: Uint8Array, from: InternetAddress): void {
    if (this.#parts.members.standing(from.address) === "inside") this.#handlers?.message(bytes, from);
  }

  #sendOutside(bytes: Uint8Array, to: InternetAddress): void {
    const key = keyOf(to);
    this.#asked.delete(key);
    this.#asked.add(key);
    const [oldest] = this.#asked;
    if (this.#asked.size > mostPeers && oldest !== undefined) this.#asked.delete(oldest);
    this.#wayOut(to).send(bytes, to);
  }

  #wayOut(to: InternetAddress): Datagrams {
    const { published, direct } = this.#parts;
    if (published !== undefined && published.address.family === to.family) return published;
    if (this.#outside === undefined) {
      const outside = direct({ family: to.family, address: unspecified(to.family), port: 0 });
      if (this.#isBroadcast) outside.setBroadcast(true);
      // The port is the machine's, and everybody may send there.
      this.#hear(outside, (from) => this.#asked.has(keyOf(from)));
      this.#outside = outside;
    }
    return this.#outside;
  }

  #hear(from: Datagrams, isWanted: (sender: InternetAddress) => boolean): void {
    from.tell({
      message: (bytes, sender) => {
        if (isWanted(sender)) this.#handlers?.message(bytes, sender);
      },
      drained: () => this.#handlers?.drained(),
      failed: (errno: Errno) => this.#handlers?.failed(errno),
    });
  }
}

function keyOf({ address, port }: InternetAddress): string {
  return `${port} ${address}`;
}
