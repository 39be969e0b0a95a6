import { failure } from "../../base/index.ts";
import { formatAddress, parseAddress } from "../../capabilities/index.ts";
import type { InternetAddress, SocketAddress, SocketFamily } from "../../host/index.ts";
import type { Parameter } from "../bind.ts";
import type { GuestMemory } from "../memory.ts";
import type { Room } from "../preview1-types.ts";

/** Families by their numbers in a guest's memory. */
export const families = { unspec: 0, ipv4: 1, ipv6: 2, unix: 3 } as const;

/** Bytes of an address that says its own family: 16 bits for that, the address behind it. */
export const taggedSize = 128;
const tagSize = 2;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** An address record, `{buf, len}`, that the guest has filled: the bytes it leads to. */
export const addressBytes: Parameter<Uint8Array> = {
  core: ["i32"],
  lift: "c.memory.slice(c.memory.getU32($0 >>> 0), c.memory.getU32(($0 >>> 0) + 4))",
  show: (bytes) => {
    try {
      return showAddress(addressOf(bytes, 0));
    } catch {
      return `[${bytes.length}]`;
    }
  },
};

/** An address record whose bytes the host writes. */
export const addressRoom: Parameter<Room> = {
  core: ["i32"],
  lift: "{ at: c.memory.getU32($0 >>> 0), length: c.memory.getU32(($0 >>> 0) + 4) }",
  show: ({ at, length }) => `0x${at.toString(16)}+${length}`,
};

/** An address without its port, as a trace line writes it. */
export function showAddress(address: SocketAddress): string {
  return address.family === "unix" ? JSON.stringify(address.path) : address.address;
}

/**
 * The address that bytes and a port stand for: 4 bytes are IPv4, 16 are IPv6, 128 begin with their family. The port is the
 * number itself.
 *
 * @throws HostError inval for another length or a port beyond 65535, afnosupport for a family that there is none of
 */
export function addressOf(bytes: Uint8Array, port: number): SocketAddress {
  if (port > 0xffff) throw failure("inval");
  if (bytes.length === 4) return ipv4(bytes, port);
  if (bytes.length === 16) return ipv6(bytes, port);
  if (bytes.length !== taggedSize) throw failure("inval");
  const family = (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8);
  const rest = bytes.subarray(tagSize);
  if (family === families.ipv4) return ipv4(rest.subarray(0, 4), port);
  if (family === families.ipv6) return ipv6(rest.subarray(0, 16), port);
  if (family !== families.unix) throw failure("afnosupport");
  const end = rest.indexOf(0);
  // A view of a shared memory cannot be decoded, its copy can.
  return { family: "unix", path: decoder.decode(rest.slice(0, end < 0 ? rest.length : end)) };
}

function ipv4(bytes: Uint8Array, port: number): SocketAddress {
  return { family: "ipv4", address: formatAddress({ family: 4, bits: bitsOf(bytes) }), port };
}

function ipv6(bytes: Uint8Array, port: number): SocketAddress {
  const bits = bitsOf(bytes);
  const isWrapped = bits >> 32n === 0xffffn;
  const text = isWrapped ? `::ffff:${formatAddress({ family: 4, bits: bits & 0xffffffffn })}` : undefined;
  return { family: "ipv6", address: text ?? formatAddress({ family: 6, bits }), port };
}

function bitsOf(bytes: Uint8Array): bigint {
  return bytes.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
}

/** The 4 or 16 bytes of an IP address. */
export function bytesOfIp(address: InternetAddress): Uint8Array {
  const parsed = parseAddress(address.address);
  if (parsed === undefined) throw new TypeError(`The host answered "${address.address}" for an address`);
  const isWrapped = address.family === "ipv6" && parsed.family === 4;
  let bits = isWrapped ? parsed.bits | (0xffffn << 32n) : parsed.bits;
  const bytes = new Uint8Array(address.family === "ipv6" ? 16 : 4);
  for (let at = bytes.length - 1; at >= 0; at--) {
    bytes[at] = Number(bits & 0xffn);
    bits >>= 8n;
  }
  return bytes;
}

/** The port, which a Unix socket has none of: 0 then. */
export function portOf(address: SocketAddress): number {
  return address.family === "unix" ? 0 : address.port;
}

/**
 * Whether a record has room for the addresses of a family: they stand in 128 bytes with their family in front, or an IP
 * address alone in what it takes.
 *
 * @throws HostError inval, fault
 */
export function checkRoom(memory: GuestMemory, { at, length }: Room, family: SocketFamily): void {
  if (length < (family === "ipv4" ? 4 : family === "ipv6" ? 16 : taggedSize)) throw failure("inval");
  memory.check(at, length);
}

/** Writes an address into room that was found to be enough. */
export function writeAddress(memory: GuestMemory, { at, length }: Room, address: SocketAddress): void {
  const bytes = address.family === "unix" ? pathBytes(address.path) : bytesOfIp(address);
  if (length >= taggedSize) memory.setU16(at, families[address.family]);
  memory.setBytes(length >= taggedSize ? at + tagSize : at, bytes);
}

/** A path with the NUL behind it, cut off where the room ends. */
function pathBytes(path: string): Uint8Array {
  const most = taggedSize - tagSize;
  const bytes = new Uint8Array(most);
  encoder.encodeInto(path, bytes.subarray(0, most - 1));
  return bytes;
}
