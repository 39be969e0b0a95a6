import { failure, HostError } from "../../base/index.ts";
import type { InternetAddress, SocketAddress, SocketKind } from "./backend.ts";
import { unwrapped } from "./place.ts";
import type { SocketHost } from "./socket-host.ts";

/** How often another free port is tried where the guest has the one that the host gave. */
const mostTries = 16;

/** What is bound, and by what. */
interface Binding<T> {
  readonly kind: SocketKind;
  readonly address: InternetAddress;
  readonly bind: (at: InternetAddress) => T;
}

/** What was bound for a place of the guest's. */
export interface PlaceBound<T> {
  readonly bound: readonly T[];
  /** In the guest's own ports. */
  readonly place: InternetAddress;
  /** Gives the guest's port back. */
  readonly release: () => void;
}

/** Something that has a port of the host's. */
interface Bound {
  readonly address: SocketAddress;
  close(): void;
}

/**
 * Binds what a guest's place is on the host. Where nobody outside is to reach it, a number that the host has in use gives way to
 * a free one: the guest's ports are its own.
 *
 * @throws HostError addrinuse, addrnotavail, acces
 */
export function bindPlace<T extends Bound>(host: SocketHost, binding: Binding<T>): PlaceBound<T> {
  return binding.address.port === 0 ? bindFree(host, binding) : bindNumber(host, binding);
}

function bindNumber<T extends Bound>(host: SocketHost, { kind, address, bind }: Binding<T>): PlaceBound<T> {
  const release = host.claim(kind, address);
  const bound: T[] = [];
  try {
    const { places, isExact } = host.policy.hostPlaces(unwrapped(address));
    // Datagrams leave from one socket alone.
    const wanted = kind === "datagram" ? places.slice(0, 1) : places;
    for (const place of wanted) bound.push(isExact ? bind(place) : bindOrFree(place, bind));
  } catch (error) {
    for (const each of bound) each.close();
    release();
    throw error;
  }
  return { bound, place: address, release };
}

function bindOrFree<T>(place: InternetAddress, bind: (at: InternetAddress) => T): T {
  try {
    return bind(place);
  } catch (error) {
    if (!(error instanceof HostError) || (error.errno !== "addrinuse" && error.errno !== "acces")) throw error;
    return bind({ ...place, port: 0 });
  }
}

/** The guest gets the number that the host gave. */
function bindFree<T extends Bound>(host: SocketHost, { kind, address, bind }: Binding<T>): PlaceBound<T> {
  const [at = address, ...others] = host.policy.hostPlaces(unwrapped(address)).places;
  for (let tries = 0; tries < mostTries; tries++) {
    const bound = bind(at);
    const got = bound.address;
    const place = { ...address, port: got.family === "unix" ? 0 : got.port };
    try {
      const release = host.claim(kind, place);
      const more = kind === "datagram" ? [] : others.map((other) => bindOrFree({ ...other, port: place.port }, bind));
      return { bound: [bound, ...more], place, release };
    } catch {
      bound.close();
    }
  }
  throw failure("addrinuse");
}
