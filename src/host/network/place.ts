import { failure } from "../../base/index.ts";
import { formatAddress, parseAddress } from "../../capabilities/index.ts";
import type { InternetAddress, SocketAddress, SocketFamily } from "./backend.ts";

/** Reads `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`; undefined for anything else. */
export function parsePlace(text: string, defaultPort: number): InternetAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text);
  const parsed = parseAddress(match?.[1] ?? match?.[2] ?? text);
  const port = Number(match?.[3] ?? defaultPort);
  if (parsed === undefined || port > 65_535) return undefined;
  return { family: parsed.family === 4 ? "ipv4" : "ipv6", address: formatAddress(parsed), port };
}

/** Takes only an address and port that there can be, of a family. @throws HostError afnosupport, inval */
export function checkPlace(place: SocketAddress, family: SocketFamily): void {
  if (place.family !== family) throw failure("afnosupport");
  if (place.family === "unix") return;
  const isPort = Number.isInteger(place.port) && place.port >= 0 && place.port <= 65_535;
  const isAddress = parseAddress(place.address) !== undefined && familyOf(place.address) === family;
  if (!isPort || !isAddress) throw failure("inval");
}

/** The address that a socket has before it is bound. */
export function nowhere(family: SocketFamily): SocketAddress {
  if (family === "unix") return { family, path: "" };
  return { family, address: unspecified(family), port: 0 };
}

/** The address of a family that means every one of the machine's. */
export function unspecified(family: "ipv4" | "ipv6"): string {
  return family === "ipv4" ? "0.0.0.0" : "::";
}

/** The address of a family that means the machine itself. */
export function loopback(family: "ipv4" | "ipv6"): string {
  return family === "ipv4" ? "127.0.0.1" : "::1";
}

/** Whether an address means the machine itself. */
export function isLoopback(address: string): boolean {
  return address === "::1" || /^(::ffff:)?127\./.test(address);
}

/** The family that an address belongs to. */
export function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** Whether an address means every one of the machine's. */
export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** Whether two addresses are the same place. */
export function samePlace(a: InternetAddress, b: InternetAddress): boolean {
  return a.port === b.port && a.address === b.address && a.family === b.family;
}

const wrapped = "::ffff:";

/** An address as a socket of IPv6 sees it, where IPv4 ones are wrapped. */
export function seenFrom(family: SocketFamily, place: SocketAddress): SocketAddress {
  if (place.family === "unix" || family === place.family || family === "unix") return place;
  if (family === "ipv6") return { family, address: `${wrapped}${place.address}`, port: place.port };
  const { address, family: real, port } = unwrapped(place);
  // An address of IPv6 has no form in IPv4: its port alone is told.
  return { family, address: real === "ipv4" ? address : unspecified(family), port };
}

/** The same place without the wrapping: what is behind `::ffff:127.0.0.1` is the address of IPv4. */
export function unwrapped(place: InternetAddress): InternetAddress {
  if (place.family === "ipv4") return place;
  const parsed = parseAddress(place.address);
  return parsed?.family === 4 ? { family: "ipv4", address: formatAddress(parsed), port: place.port } : place;
}
