/** An IP address as a number. IPv6 addresses that only wrap an IPv4 one (`::ffff:1.2.3.4`) are that IPv4 address. */
export interface Address {
  readonly family: 4 | 6;
  readonly bits: bigint;
}

/** All addresses that share their first `prefix` bits. */
export interface Cidr {
  readonly address: Address;
  readonly prefix: number;
}

/** Reads an IPv4 or IPv6 address, without brackets; undefined for anything else, forms such as `127.1` included. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const bits = parseV4(text);
    return bits === undefined ? undefined : { family: 4, bits };
  }
  const bits = parseV6(text.replace(/%[\w.-]+$/, ""));
  if (bits === undefined) return undefined;
  return bits >> 32n === 0xffffn ? { family: 4, bits: bits & 0xffffffffn } : { family: 6, bits };
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  let bits = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...tail];
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}

function groupsOf(text: string, isLast: boolean): bigint[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: bigint[] = [];
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const v4 = isLast && index === parts.length - 1 ? parseV4(part) : undefined;
    if (v4 === undefined) return undefined;
    groups.push(v4 >> 16n, v4 & 0xffffn);
  }
  return groups;
}

/** Writes an address in its shortest usual form (RFC 5952 for IPv6), without brackets. */
export function formatAddress({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
  const groups = [7, 6, 5, 4, 3, 2, 1, 0].map((index) => ((bits >> BigInt(index * 16)) & 0xffffn).toString(16));
  const text = groups.join(":");
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0(?![0-9a-f]))+/g)];
  const longest = runs.reduce((best, run) => (run[0].length > best.length ? run[0] : best), "");
  if (longest === "") return text;
  const at = runs.find((run) => run[0] === longest)?.index ?? 0;
  return `${text.slice(0, at).replace(/:$/, "")}::${text.slice(at + longest.length).replace(/^:/, "")}`;
}

/** Reads `ADDRESS` or `ADDRESS/PREFIX`, and clears the bits after the prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  const width = address.family === 4 ? 32 : 128;
  if (slash < 0) return { address, prefix: width };
  const suffix = text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(suffix)) return undefined;
  // A wrapped IPv4 address counts its prefix from the start of the IPv6 one.
  const prefix = Number(suffix) - (address.family === 4 && text.includes(":") ? 96 : 0);
  if (prefix < 0 || prefix > width) return undefined;
  const drop = BigInt(width - prefix);
  return { address: { family: address.family, bits: (address.bits >> drop) << drop }, prefix };
}

/** Whether a range contains an address, or a whole other range. */
export function cidrContains(outer: Cidr, inner: Address | Cidr): boolean {
  const address = "address" in inner ? inner.address : inner;
  if (address.family !== outer.address.family) return false;
  if ("address" in inner && inner.prefix < outer.prefix) return false;
  const drop = BigInt((address.family === 4 ? 32 : 128) - outer.prefix);
  return address.bits >> drop === outer.address.bits >> drop;
}

/** Ranges that a granted name never opens, and what they are. */
const inside: readonly (readonly [kind: string, ...ranges: string[]])[] = [
  ["a loopback", "127.0.0.0/8", "::1"],
  ["a cloud metadata", "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"],
  ["a private", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"],
  ["a link-local", "169.254.0.0/16", "fe80::/10"],
  ["a multicast", "224.0.0.0/4", "ff00::/8"],
  ["a reserved", "0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "::/96", "2001::/32", "64:ff9b:1::/48"],
];
const insideRanges = lazily(() =>
  inside.flatMap(([kind, ...ranges]) => ranges.map((text) => ({ kind, range: knownCidr(text) }))),
);

/** IPv6 ranges whose addresses carry an IPv4 one (NAT64, 6to4), with the place of its last bit. */
const carriers = lazily(() => [
  { range: knownCidr("64:ff9b::/96"), shift: 0n },
  { range: knownCidr("2002::/16"), shift: 80n },
]);

/** A value that is made when it is first asked for: most runs never look at an address. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function knownCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new TypeError(`not a CIDR: ${text}`);
  return cidr;
}

/** What an address is that only a CIDR grant opens ("a loopback", "a private", …), or undefined for a public one. */
export function insideKind(address: Address): string | undefined {
  const carrier = carriers().find(({ range }) => cidrContains(range, address));
  if (carrier) return insideKind({ family: 4, bits: (address.bits >> carrier.shift) & 0xffffffffn });
  return insideRanges().find(({ range }) => cidrContains(range, address))?.kind;
}

/** Whether a range holds public addresses only. */
export function isPublicRange(cidr: Cidr): boolean {
  const others = [...insideRanges(), ...carriers()].map(({ range }) => range);
  return others.every((range) => !cidrContains(range, cidr) && !cidrContains(cidr, range));
}

/**
 * A DNS name in the one spelling that grants compare (lower case, no dot at the end, ASCII), or undefined for what is no
 * name. What a resolver could take for a number (`127.1`, `0x7f.1`) is none.
 */
export function normalName(text: string): string | undefined {
  let name = text.toLowerCase().replace(/\.$/, "");
  if (/[\u0080-\uffff]/.test(name)) name = URL.parse(`http://${name}`)?.hostname ?? "";
  if (
    name.length > 253 ||
    !/^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/.test(name)
  )
    return undefined;
  return /(^|\.)(\d+|0x[0-9a-f]*)$/.test(name) ? undefined : name;
}
