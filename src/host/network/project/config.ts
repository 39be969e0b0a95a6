import { join } from "node:path";
import { formatAddress, parseAddress } from "../../../capabilities/index.ts";

/** An address that a service instance has in one network of its project, and only there. */
export interface ProjectAddress {
  readonly network: string;
  readonly ip: string;
}

/** What one service instance is told of its project's networks: data that structured clone carries. */
export interface ProjectNetworkConfig {
  /**
   * Where the project's sockets are: `FOLDER/<ip>/tcp-<port>` and `udp-<port>`. It exists, belongs to this user alone (mode 0700)
   * and has a path of 80 bytes at most.
   */
  readonly folder: string;
  /** The folder that holds those of all projects, where there is one: no grant of a guest's opens anything in it. */
  readonly root?: string | undefined;
  readonly self: { readonly addresses: readonly ProjectAddress[]; readonly names: readonly string[] };
  /**
   * Names of all service instances and where they are; those that share no network with `self` are kept apart from it. A file
   * `hosts.json` in the folder with the same as JSON goes before it, whenever it changes.
   */
  readonly hosts: readonly (ProjectAddress & { readonly name: string })[];
  /** Ports of the guest that are on the machine as well. */
  readonly published: readonly PublishedPort[];
}

/** A port of a guest's that is on the machine as well. */
export interface PublishedPort {
  readonly guestPort: number;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: "tcp" | "udp";
}

/** The path of the Unix socket that a port in a project's network is. */
export function projectSocket(
  folder: string,
  { ip, protocol, port }: { readonly ip: string; readonly protocol: "tcp" | "udp"; readonly port: number },
): string {
  return join(folder, normalAddress(ip), `${protocol}-${port}`);
}

/** The one way that an address is written; what is none stays as it is. */
export function normalAddress(text: string): string {
  const parsed = parseAddress(text);
  return parsed === undefined ? text : formatAddress(parsed);
}
