import { SampanError } from "../../../base/index.ts";
import { normalAddress, type ProjectNetworkConfig } from "./config.ts";

/** What networks of one's own are made of (RFC 1918, RFC 4193). */
const privateAddress = /^(?:10\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|f[cd][\da-f]{2}:)/;

/** Who is in the networks that a service instance is in, and who is in others of its project. */
export class Members {
  /** Addresses of its own, in the networks' order. */
  readonly own: readonly string[];
  readonly #names = new Map<string, string[]>();
  readonly #apart = new Set<string>();
  readonly #inside = new Set<string>();
  /** How often each name was asked for: the addresses of replicas are answered in turn. */
  readonly #asked = new Map<string, number>();

  /** @throws NETWORK_FOLDER for an address that is not a private one */
  constructor({ self, hosts }: Pick<ProjectNetworkConfig, "self" | "hosts">) {
    const networks = new Set(self.addresses.map(({ network }) => network));
    this.own = self.addresses.map(({ ip }) => checked(ip));
    const named = self.names.flatMap((name) => self.addresses.map((address) => ({ name, ...address })));
    const apart: string[] = [];
    for (const { name, network, ip } of [...named, ...hosts]) {
      const address = checked(ip);
      const key = name.toLowerCase();
      const addresses = this.#names.get(key) ?? [];
      this.#names.set(key, addresses);
      if (!networks.has(network)) apart.push(address);
      else if (!addresses.includes(address)) addresses.push(address);
    }
    for (const addresses of this.#names.values()) for (const address of addresses) this.#inside.add(address);
    for (const address of this.own) this.#inside.add(address);
    for (const address of apart) if (!this.#inside.has(address)) this.#apart.add(address);
  }

  /** Whether an address is in one of its networks, in another of the project's, or in none. */
  standing(address: string): "inside" | "apart" | "outside" {
    if (this.#inside.has(address)) return "inside";
    return this.#apart.has(address) ? "apart" : "outside";
  }

  /** Whether a name is one of the project's, reachable or not. */
  hasName(name: string): boolean {
    return this.#names.has(name.toLowerCase());
  }

  /** The addresses of one of the project's names, each time beginning with the next; none where it is kept apart. */
  addressesOf(name: string): readonly string[] {
    const key = name.toLowerCase();
    const addresses = this.#names.get(key) ?? [];
    const turn = this.#asked.get(key) ?? 0;
    this.#asked.set(key, turn + 1);
    return addresses.map((_, index) => addresses[(index + turn) % addresses.length] ?? "");
  }

  /** The address of its own that faces another one: where a connection to that comes from. */
  ownFor(address: string): string | undefined {
    return this.own.find((own) => own === address) ?? this.#facing(address);
  }

  #facing(address: string): string | undefined {
    const sameFamily = this.own.filter((own) => own.includes(":") === address.includes(":"));
    // Networks are ranges of addresses: the longest common beginning is in the same one.
    return sameFamily.toSorted((a, b) => commonLength(b, address) - commonLength(a, address))[0] ?? this.own[0];
  }
}

function commonLength(a: string, b: string): number {
  const [left, right] = [a.split(/[.:]/), b.split(/[.:]/)];
  const different = left.findIndex((part, index) => part !== right[index]);
  return different === -1 ? left.length : different;
}

function checked(ip: string): string {
  const address = normalAddress(ip);
  if (!privateAddress.test(address)) {
    const message = `Cannot use "${ip}" in a project's network: it is not a private address`;
    throw new SampanError("NETWORK_FOLDER", message, { hint: "give each service an address such as 10.89.0.2" });
  }
  return address;
}
