import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { SampanError } from "../../../base/index.ts";
import { normalAddress, type ProjectNetworkConfig } from "./config.ts";

/** What networks of one's own are made of (RFC 1918, RFC 4193). */
const privateAddress = /^(?:10\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|f[cd][\da-f]{2}:)/;

/** Who is in the networks that a service instance is in, and who is in others of its project. */
export class Members {
  /** Addresses of its own, in the networks' order. */
  readonly own: readonly string[];
  readonly #self: ProjectNetworkConfig["self"];
  readonly #networks: ReadonlySet<string>;
  readonly #file: string;
  #read = "";
  #known: Known;
  /** How often each name was asked for: the addresses of replicas are answered in turn. */
  readonly #asked = new Map<string, number>();

  /** @throws NETWORK_FOLDER for an address that is not a private one */
  constructor({ folder, self, hosts }: Pick<ProjectNetworkConfig, "folder" | "self" | "hosts">) {
    this.#self = self;
    this.#networks = new Set(self.addresses.map(({ network }) => network));
    this.#file = join(folder, "hosts.json");
    this.own = self.addresses.map(({ ip }) => checked(ip));
    this.#known = this.#knownOf(hosts);
  }

  /** Whether an address is in one of its networks, in another of the project's, or in none. */
  standing(address: string): "inside" | "apart" | "outside" {
    const { inside, apart } = this.#now();
    if (inside.has(address)) return "inside";
    return apart.has(address) ? "apart" : "outside";
  }

  /** Whether a name is one of the project's, reachable or not. */
  hasName(name: string): boolean {
    return this.#now().names.has(name.toLowerCase());
  }

  /** The addresses of one of the project's names, each time beginning with the next; none where it is kept apart. */
  addressesOf(name: string): readonly string[] {
    const key = name.toLowerCase();
    const addresses = this.#now().names.get(key) ?? [];
    const turn = this.#asked.get(key) ?? 0;
    this.#asked.set(key, turn + 1);
    return addresses.map((_, index) => addresses[(index + turn) % addresses.length] ?? "");
  }

  /** The address of its own that faces another one: where a connection to that comes from. */
  ownFor(address: string): string | undefined {
    return this.own.find((own) => own === address) ?? this.#facing(address);
  }

  /** What is known now: the file of hosts goes before what was given, because services come and go while others run. */
  #now(): Known {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    const read = found === undefined ? "" : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (read === this.#read) return this.#known;
    this.#read = read;
    const hosts = readHosts(this.#file);
    if (hosts !== undefined) this.#known = this.#knownOf(hosts);
    return this.#known;
  }

  #knownOf(hosts: ProjectNetworkConfig["hosts"]): Known {
    const names = new Map<string, string[]>();
    const others: string[] = [];
    const own = this.#self.names.flatMap((name) => this.#self.addresses.map((address) => ({ name, ...address })));
    for (const { name, network, ip } of [...own, ...hosts]) {
      const address = checked(ip);
      const key = name.toLowerCase();
      const addresses = names.get(key) ?? [];
      names.set(key, addresses);
      if (!this.#networks.has(network)) others.push(address);
      else if (!addresses.includes(address)) addresses.push(address);
    }
    const inside = new Set([...this.own, ...[...names.values()].flat()]);
    return { names, inside, apart: new Set(others.filter((address) => !inside.has(address))) };
  }

  #facing(address: string): string | undefined {
    const sameFamily = this.own.filter((own) => own.includes(":") === address.includes(":"));
    // Networks are ranges of addresses: the longest common beginning is in the same one.
    return sameFamily.toSorted((a, b) => commonLength(b, address) - commonLength(a, address))[0] ?? this.own[0];
  }
}

interface Known {
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly inside: ReadonlySet<string>;
  readonly apart: ReadonlySet<string>;
}

/** The hosts of a file; undefined where it is no such file, and what was known before stays. */
function readHosts(file: string): ProjectNetworkConfig["hosts"] | undefined {
  try {
    const hosts: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(hosts) && hosts.every(isHost) ? hosts : undefined;
  } catch {
    return undefined;
  }
}

function isHost(value: unknown): value is ProjectNetworkConfig["hosts"][number] {
  if (typeof value !== "object" || value === null) return false;
  const { name, network, ip } = value as Partial<Record<string, unknown>>;
  return typeof name === "string" && typeof network === "string" && typeof ip === "string" && isPrivate(ip);
}

function isPrivate(ip: string): boolean {
  return privateAddress.test(normalAddress(ip));
}

function commonLength(a: string, b: string): number {
  const [left, right] = [a.split(/[.:]/), b.split(/[.:]/)];
  const different = left.findIndex((part, index) => part !== right[index]);
  return different === -1 ? left.length : different;
}

function checked(ip: string): string {
  if (!isPrivate(ip)) {
    const message = `Cannot use "${ip}" in a project's network: it is not a private address`;
    throw new SampanError("NETWORK_FOLDER", message, { hint: "give each service an address such as 10.89.0.2" });
  }
  return normalAddress(ip);
}
