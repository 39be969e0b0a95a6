import { errnoTable, type HostError } from "../../base/index.ts";
import { formatAddress, parseAddress } from "../../capabilities/index.ts";
import type { InternetAddress, SocketAddress } from "../../host/index.ts";
import { WasiError } from "./errors.ts";

/** `ip-address` of `wasi:sockets/network`: four bytes, or eight words of 16 bits. */
export interface IpAddress {
  readonly tag: "ipv4" | "ipv6";
  readonly val: readonly number[] | Uint8Array | Uint16Array;
}

/** `ip-socket-address` of `wasi:sockets/network`. */
export type IpSocketAddress =
  | { readonly tag: "ipv4"; readonly val: { readonly port: number; readonly address: IpAddress["val"] } }
  | {
      readonly tag: "ipv6";
      readonly val: {
        readonly port: number;
        readonly flowInfo: number;
        readonly address: IpAddress["val"];
        readonly scopeId: number;
      };
    };

type Family = "ipv4" | "ipv6";

/** Words of an address of IPv6 in which one of IPv4 is wrapped. */
const wrapped = [0, 0, 0, 0, 0, 0xffff];

/** `error-code` of `wasi:sockets/network` for a failure of the host's: what is not here is `unknown`. */
const codes: Readonly<Partial<Record<HostError["errno"], string>>> = {
  acces: "access-denied",
  perm: "access-denied",
  notcapable: "access-denied",
  notsup: "not-supported",
  noprotoopt: "not-supported",
  protonosupport: "not-supported",
  afnosupport: "invalid-argument",
  inval: "invalid-argument",
  destaddrreq: "invalid-argument",
  nomem: "out-of-memory",
  nobufs: "out-of-memory",
  aimemory: "out-of-memory",
  timedout: "timeout",
  already: "concurrency-conflict",
  inprogress: "would-block",
  again: "would-block",
  isconn: "invalid-state",
  notconn: "invalid-state",
  badf: "invalid-state",
  mfile: "new-socket-limit",
  nfile: "new-socket-limit",
  addrnotavail: "address-not-bindable",
  addrinuse: "address-in-use",
  hostunreach: "remote-unreachable",
  netunreach: "remote-unreachable",
  netdown: "remote-unreachable",
  connrefused: "connection-refused",
  connreset: "connection-reset",
  netreset: "connection-reset",
  pipe: "connection-reset",
  connaborted: "connection-aborted",
  msgsize: "datagram-too-large",
  noent: "name-unresolvable",
  ainoname: "name-unresolvable",
  ainodata: "name-unresolvable",
  aiaddrfamily: "name-unresolvable",
  aiagain: "temporary-resolver-failure",
  aifail: "permanent-resolver-failure",
  aisystem: "permanent-resolver-failure",
};

/** The `error-code` of `wasi:sockets/network` for a failure of the host's. */
export function networkCode({ errno }: HostError): string {
  return codes[errno] ?? "unknown";
}

/** Names of failures that have a code of their own. */
export const networkFailures: readonly string[] = Object.keys(codes).filter((name) => Object.hasOwn(errnoTable, name));

/** An address in its usual text form. */
export function textOfIp({ tag, val }: IpAddress): string {
  if (tag === "ipv4") return Array.from(val).join(".");
  const words = Array.from(val, (word) => word.toString(16));
  const parsed = parseAddress(words.join(":"));
  return parsed === undefined || parsed.family === 4 ? words.join(":") : formatAddress(parsed);
}

/** An address from its text form, as a socket of a family sees it. */
export function ipOfText(text: string, family?: Family): IpAddress {
  const parsed = parseAddress(text);
  const bits = parsed?.bits ?? 0n;
  const part = (width: bigint, at: number): number => Number((bits >> (BigInt(at) * width)) & ((1n << width) - 1n));
  if (parsed?.family !== 6 && family !== "ipv6") return { tag: "ipv4", val: [3, 2, 1, 0].map((at) => part(8n, at)) };
  if (parsed?.family !== 6) {
    // An unspecified place before it is bound is one of the family's own.
    const start = text.includes(":") || bits !== 0n ? wrapped : [0, 0, 0, 0, 0, 0];
    return { tag: "ipv6", val: [...start, part(16n, 1), part(16n, 0)] };
  }
  return { tag: "ipv6", val: [7, 6, 5, 4, 3, 2, 1, 0].map((at) => part(16n, at)) };
}

/** A place of the host's as guests have it. */
export function placeToWasi(place: SocketAddress, family: Family): IpSocketAddress {
  if (place.family === "unix") throw new TypeError("A socket of the internet is at a Unix path");
  const { tag, val: address } = ipOfText(place.address, family);
  const { port } = place;
  return tag === "ipv4" ? { tag, val: { port, address } } : { tag, val: { port, flowInfo: 0, address, scopeId: 0 } };
}

/**
 * A place that a guest names, for one machine alone.
 *
 * @throws WasiError invalid-argument for another family, addresses of many, and addresses of IPv4 wrapped in IPv6
 */
export function unicastPlace({ tag, val }: IpSocketAddress, family: Family): InternetAddress {
  if (tag !== family) throw new WasiError("invalid-argument");
  const address = Array.from(val.address);
  if (isOfMany(tag, address) || isWrapped(tag, address)) throw new WasiError("invalid-argument");
  return { family, address: textOfIp({ tag, val: address }), port: val.port };
}

/**
 * A place that a guest connects or sends to.
 *
 * @throws WasiError invalid-argument as {@link unicastPlace}, and for the unspecified address and port 0
 */
export function remotePlace(address: IpSocketAddress, family: Family): InternetAddress {
  const place = unicastPlace(address, family);
  if (place.port === 0 || Array.from(address.val.address).every((part) => part === 0))
    throw new WasiError("invalid-argument");
  return place;
}

function isOfMany(family: Family, address: readonly number[]): boolean {
  const [first = 0] = address;
  if (family === "ipv6") return first >= 0xff00;
  return (first >= 224 && first < 240) || address.every((part) => part === 255);
}

function isWrapped(family: Family, address: readonly number[]): boolean {
  return family === "ipv6" && wrapped.every((word, at) => address[at] === word);
}
