import type { ServiceWorkload } from "./service-workload.ts";

type Addresses = ServiceWorkload["addresses"];

const firstNetwork = 64;
const mostNetworks = 128;

/**
 * Hands out addresses in a project's networks, 10.N.x.y with a number N for each network: those of containers that are there
 * stay, so that one that is made again may get others but never one that is in use.
 */
export class AddressBook {
  readonly #networks = new Map<string, number>();
  readonly #hosts = new Set<number>();

  constructor(taken: Iterable<Addresses>) {
    for (const addresses of taken) this.#note(addresses);
  }

  /** Addresses for one more instance on these networks. */
  allot(networks: readonly string[]): Addresses {
    let host = 2;
    while (this.#hosts.has(host) || (host & 0xff) === 0xff || (host & 0xff) === 0) host += 1;
    this.#hosts.add(host);
    return networks.map((network) => ({
      network,
      ip: `10.${this.#numberOf(network)}.${host >> 8}.${host & 0xff}`,
    }));
  }

  #note(addresses: Addresses): void {
    for (const { network, ip } of addresses) {
      const [, number = 0, high = 0, low = 0] = ip.split(".").map(Number);
      this.#networks.set(network, number);
      this.#hosts.add(high * 256 + low);
    }
  }

  #numberOf(network: string): number {
    const known = this.#networks.get(network);
    if (known !== undefined) return known;
    const used = new Set(this.#networks.values());
    let number = firstNetwork;
    while (used.has(number) && number < firstNetwork + mostNetworks) number += 1;
    this.#networks.set(network, number);
    return number;
  }
}
