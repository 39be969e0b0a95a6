import { failure, HostError } from "../../base/index.ts";
import { parseAddress } from "../../capabilities/index.ts";
import type { InternetAddress } from "../../host/index.ts";
import { call, type Parameter } from "../bind.ts";
import type { GuestMemory } from "../memory.ts";
import type { Preview1Context } from "../preview1-context.ts";
import { pointer, resultU32, u32 } from "../preview1-types.ts";
import { bytesOfIp, families } from "./addresses.ts";

/** Bits of `ai_flags`. */
const aiflags = { passive: 1, canonname: 2, numericHost: 4, numericService: 8, all: 127 } as const;
const kinds = { any: 0, datagram: 1, stream: 2 } as const;
const protocols = { any: 0, tcp: 1, udp: 2 } as const;

/** Where the fields of an `addrinfo` lie, in its 28 bytes, and those of a `sockaddr`, in its 12. */
const info = {
  flags: 0,
  family: 2,
  kind: 3,
  protocol: 4,
  addressLength: 8,
  address: 12,
  name: 16,
  nameLength: 20,
  next: 24,
};
const infoSize = 28;
const socketAddress = { family: 0, dataLength: 4, data: 8 };
const socketAddressSize = 12;
/** Bytes that a record's address may take: two for the port, and an IPv6 address. */
const dataSize = 18;
/** More records than any name has addresses are not looked at. */
const mostAnswers = 256;

/** Ports of services that programs ask for by name (IANA's registry). */
const services: Readonly<Record<string, number>> = {
  domain: 53,
  ftp: 21,
  http: 80,
  https: 443,
  imap: 143,
  ldap: 389,
  mysql: 3306,
  postgresql: 5432,
  redis: 6379,
  smtp: 25,
  ssh: 22,
};

interface Hints {
  readonly flags: number;
  readonly family: number;
  readonly kind: number;
  readonly protocol: number;
}

/** A text with its length, which counts a NUL behind it where a program put one there. */
const text: Parameter<string> = {
  core: ["i32", "i32"],
  lift: "c.memory.text($0 >>> 0, $1 >>> 0)",
  show: (value) => JSON.stringify(value),
};

/** `sock_getaddrinfo`: fills records that the guest has linked up beforehand. */
export const addressInfoCall = call(
  {
    effect: "Resolves a name, where a grant covers it, into the records that the guest hands over.",
    errors: [
      "aiagain",
      "aibadflag",
      "aifail",
      "aifamily",
      "aimemory",
      "ainodata",
      "ainoname",
      "aiservice",
      "aisocktype",
      "fault",
    ],
  },
  {
    params: [
      ["node", text],
      ["service", text],
      ["hints", pointer],
      ["res", pointer],
      ["max_len", u32],
    ],
    result: resultU32,
    mayWait: true,
    run(context: Preview1Context, node, service, hintsAt, list, most) {
      const { memory } = context;
      const hints = readHints(memory, hintsAt);
      const name = withoutNul(node);
      if (name === "" && withoutNul(service) === "") throw failure("ainoname");
      if (most === 0) throw failure("aimemory");
      const records = linkedRecords(memory, memory.getU32(list), most);
      const port = portOfService(service, hints);
      const write = (addresses: readonly string[]): number => {
        const wanted = answersOf(addresses, hints, port);
        for (const [index, at] of records.entries()) {
          const answer = wanted[index];
          if (answer !== undefined) writeRecord(memory, at, { answer, hints });
        }
        return Math.min(wanted.length, records.length);
      };
      const known = addressesWithoutName(name, hints);
      return known === undefined
        ? context.host.sockets.resolve(name).then(write, (error: unknown) => failToResolve(error))
        : write(known);
    },
  },
);

function readHints(memory: GuestMemory, at: number): Hints {
  memory.check(at, infoSize);
  const hints = {
    flags: memory.getU16(at + info.flags),
    family: memory.getU8(at + info.family),
    kind: memory.getU8(at + info.kind),
    protocol: memory.getU8(at + info.protocol),
  };
  if ((hints.flags & ~aiflags.all) !== 0) throw failure("aibadflag");
  if (hints.family > families.ipv6) throw failure("aifamily");
  if (hints.kind > kinds.stream) throw failure("aisocktype");
  if (hints.protocol > protocols.udp) throw failure("aiservice");
  return hints;
}

/** The guest's records from the first on, each of them checked as far as it will be written. */
function linkedRecords(memory: GuestMemory, first: number, most: number): number[] {
  const records: number[] = [];
  for (let at = first; at !== 0 && records.length < Math.min(most, mostAnswers); at = memory.getU32(at + info.next)) {
    memory.check(at, infoSize);
    const address = memory.getU32(at + info.address);
    memory.check(address, socketAddressSize);
    memory.check(memory.getU32(address + socketAddress.data), dataSize);
    records.push(at);
  }
  return records;
}

function portOfService(service: string, { flags }: Hints): number {
  const name = withoutNul(service);
  if (name === "") return 0;
  if (/^\d{1,5}$/.test(name) && Number(name) <= 0xffff) return Number(name);
  const known = (flags & aiflags.numericService) === 0 && Object.hasOwn(services, name) ? services[name] : undefined;
  if (known === undefined) throw failure("aiservice");
  return known;
}

/** What needs no resolver: no name at all, which is this machine, or an address. */
function addressesWithoutName(name: string, { flags }: Hints): string[] | undefined {
  if (name === "") return (flags & aiflags.passive) !== 0 ? ["0.0.0.0", "::"] : ["127.0.0.1", "::1"];
  if (parseAddress(name) !== undefined) return [name];
  if ((flags & aiflags.numericHost) !== 0) throw failure("ainoname");
  return undefined;
}

interface Answer {
  readonly address: InternetAddress;
  readonly kind: number;
}

/** The records that the addresses make: one for each type of socket that is asked for. */
function answersOf(addresses: readonly string[], hints: Hints, port: number): Answer[] {
  const asked =
    hints.kind === kinds.any && hints.protocol !== protocols.any ? kindOfProtocol(hints.protocol) : hints.kind;
  const wanted = asked === kinds.any ? [kinds.stream, kinds.datagram] : [asked];
  const answers = addresses.flatMap((text): Answer[] => {
    const family = parseAddress(text)?.family === 4 ? "ipv4" : "ipv6";
    if (hints.family !== families.unspec && hints.family !== families[family]) return [];
    return wanted.map((kind) => ({ address: { family, address: text, port }, kind }));
  });
  if (answers.length === 0) throw failure("ainodata");
  return answers;
}

function kindOfProtocol(protocol: number): number {
  return protocol === protocols.tcp ? kinds.stream : kinds.datagram;
}

/** Writes one record and its `sockaddr`: the port, its high byte first, and behind it the bytes of the address. */
function writeRecord(memory: GuestMemory, at: number, { answer, hints }: { answer: Answer; hints: Hints }): void {
  const { address, kind } = answer;
  const place = memory.getU32(at + info.address);
  const data = memory.getU32(place + socketAddress.data);
  const bytes = bytesOfIp(address);
  memory.setU16(at + info.flags, hints.flags);
  memory.setU8(at + info.family, families[address.family]);
  memory.setU8(at + info.kind, kind);
  memory.setU8(at + info.protocol, kind === kinds.stream ? protocols.tcp : protocols.udp);
  memory.setU32(at + info.addressLength, bytes.length === 4 ? 16 : 28);
  memory.setU32(at + info.nameLength, 0);
  memory.setU8(place + socketAddress.family, families[address.family]);
  memory.setU32(place + socketAddress.dataLength, 2 + bytes.length);
  memory.setU8(data, address.port >> 8);
  memory.setU8(data + 1, address.port & 0xff);
  memory.setBytes(data + 2, bytes);
}

/** What a resolver's failure is called among those of names. */
function failToResolve(error: unknown): never {
  if (!(error instanceof HostError)) throw error;
  if (error.errno.startsWith("ai")) throw error;
  throw failure(error.errno === "noent" ? "ainoname" : error.errno === "again" ? "aiagain" : "aifail");
}

function withoutNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}
