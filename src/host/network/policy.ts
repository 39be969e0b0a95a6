import { failure } from "../../base/index.ts";
import {
  type AccessRequest,
  check,
  formatAddress,
  type Grants,
  type ListenGrant,
  parseAddress,
} from "../../capabilities/index.ts";
import type { Observer } from "../observer.ts";
import type { InternetAddress, NetworkBackend, OwnNetwork, SocketAddress } from "./backend.ts";
import { familyOf, isUnspecified, loopback, unspecified, unwrapped } from "./place.ts";

/** Where on the host a guest's place is. */
export interface HostPlaces {
  readonly places: readonly InternetAddress[];
  /** Whether it has to be there: else another port does as well. */
  readonly isExact: boolean;
}

/** Most addresses that a workload's names are remembered for; the oldest are forgotten first. */
const mostRemembered = 4096;
/** Most names that one address is remembered for. */
const mostNames = 16;

/**
 * Asks {@link check} what a workload may do on the network, and remembers which addresses it got for which granted name: a
 * guest connects by address, and the grant of a name covers that. A refusal is HostError acces, of which the observer hears.
 */
export class NetworkPolicy {
  readonly #grants: Grants;
  readonly #observer: Observer;
  readonly #own: OwnNetwork | undefined;
  readonly #names = new Map<string, string[]>();

  /** `own` is the network in which no grant is asked for. */
  constructor(grants: Grants, observer: Observer, own?: OwnNetwork) {
    this.#grants = grants;
    this.#observer = observer;
    this.#own = own;
  }

  /** The same, which remembers no address. */
  fork(): NetworkPolicy {
    return new NetworkPolicy(this.#grants, this.#observer, this.#own);
  }

  /** Lets a connection or datagram to an address through. @throws HostError acces */
  connect(to: SocketAddress): void {
    if (to.family === "unix") return this.#decide({ capability: "net.connect", host: `unix:${to.path}`, port: 0 });
    const { address, port } = unwrapped(to);
    const literal = { capability: "net.connect", host: address, port } as const;
    const standing = this.#own?.standing(address) ?? "outside";
    if (standing === "inside") return;
    if (standing === "apart") this.#refuse(literal);
    if (this.#allows(literal)) return;
    // The latest name is what a refusal is about: the guest asked for it, and got this address.
    const names = this.#names.get(address)?.toReversed() ?? [];
    const byName = names.map((host) => ({ ...literal, host, addresses: [address] }));
    if (byName.some((request) => this.#allows(request))) return;
    this.#refuse(byName[0] ?? literal);
  }

  /**
   * Lets what goes to a name through, at these addresses where anybody here knows them: behind a proxy nobody does.
   *
   * @throws HostError acces
   */
  connectByName(host: string, port: number, { addresses }: { readonly addresses?: readonly string[] } = {}): void {
    if (this.#own?.hasName(host) !== true) this.#decide({ capability: "net.connect", host, port, addresses });
  }

  /** Whether a guest may ask what a name stands for; nobody hears of it. */
  mayResolve(host: string): boolean {
    return this.#own?.hasName(host) === true || check(this.#grants, { capability: "net.dns", name: host }).allowed;
  }

  /** Whether a grant is for a name, wherever that is; nobody hears of it. */
  isNamed(host: string, port: number): boolean {
    return check(this.#grants, { capability: "net.connect", host, port }).allowed;
  }

  /** Whether a guest may listen there, without saying so to anyone. */
  mayListen(at: InternetAddress): boolean {
    return this.#own !== undefined || check(this.#grants, listenRequest(at)).allowed;
  }

  /** Lets a guest listen there, in its own ports. @throws HostError acces */
  listen(at: SocketAddress): void {
    if (this.#own === undefined || at.family === "unix") this.#decide(listenRequest(at));
  }

  /**
   * Where on the host a guest's place is: where it says, in a network of its own; its published ports, whatever address the guest binds, because that is one of the
   * guest's; the address that a grant names; or else loopback, because nobody outside reaches the guest's own ports.
   */
  hostPlaces(at: InternetAddress): HostPlaces {
    if (this.#own !== undefined) return { places: [at], isExact: true };
    const { family, address, port } = at;
    const { publish, listen } = this.#grants.net;
    const published = publish.filter(({ guestPort }) => port !== 0 && guestPort === port);
    if (published.length > 0) {
      const places = published.map(({ address: on = unspecified(family), hostPort }) => ({
        family: familyOf(on),
        address: on,
        port: hostPort,
      }));
      return { places, isExact: true };
    }
    const isNamed = ({ address: named, ports }: ListenGrant): boolean =>
      named === address && ports.first <= port && port <= ports.last;
    if (listen.some(isNamed)) return { places: [at], isExact: true };
    // Every address of IPv6 is every one of IPv4 as well.
    const families = address === "::" ? (["ipv6", "ipv4"] as const) : [family];
    return { places: families.map((each) => ({ family: each, address: loopback(each), port })), isExact: false };
  }

  /** Each single port that the guest may listen on, published ones first, each once. */
  listenPlaces(): SocketAddress[] {
    const { publish, listen } = this.#grants.net;
    const ports = new Set<number>();
    const places: SocketAddress[] = [];
    const add = (address: string, port: number): void => {
      if (!ports.has(port)) places.push({ family: familyOf(address), address, port });
      ports.add(port);
    };
    const published = [...publish.map(({ guestPort }) => guestPort), ...(this.#own?.publishedPorts ?? [])];
    for (const guestPort of published) add(unspecified("ipv4"), guestPort);
    for (const { address = unspecified("ipv4"), ports: range } of listen) {
      if (address.startsWith("unix:")) places.push({ family: "unix", path: address.slice(5) });
      else if (range.first === range.last) add(address, range.first);
    }
    return places;
  }

  /** The addresses of a name, which are remembered; an address is its own. Rejects with HostError acces without a grant, and as the backend does. */
  async resolve(name: string, backend: NetworkBackend): Promise<readonly string[]> {
    const literal = parseAddress(name);
    if (literal !== undefined) return [formatAddress(literal)];
    const host = name.toLowerCase().replace(/\.$/, "");
    if (this.#own?.hasName(host) !== true) this.#decide({ capability: "net.dns", name: host });
    const addresses = host === "localhost" ? ["127.0.0.1", "::1"] : await backend.resolve(host);
    for (const address of addresses) this.#remember(address, host);
    return addresses;
  }

  #remember(address: string, name: string): void {
    const names = this.#names.get(address)?.filter((other) => other !== name) ?? [];
    this.#names.delete(address);
    this.#names.set(address, [...names.slice(1 - mostNames), name]);
    const [oldest] = this.#names.keys();
    if (this.#names.size > mostRemembered && oldest !== undefined) this.#names.delete(oldest);
  }

  #decide(request: AccessRequest): void {
    if (!this.#allows(request)) this.#refuse(request);
  }

  #allows(request: AccessRequest): boolean {
    if (!check(this.#grants, request).allowed) return false;
    if (this.#observer.isLearning) this.#observer.used(request);
    return true;
  }

  #refuse(request: AccessRequest): never {
    this.#observer.refused(request);
    throw failure("acces");
  }
}

function listenRequest(at: SocketAddress): AccessRequest {
  if (at.family === "unix") return { capability: "net.listen", address: `unix:${at.path}`, port: 0 };
  const { address, port } = unwrapped(at);
  return isUnspecified(address) ? { capability: "net.listen", port } : { capability: "net.listen", address, port };
}
