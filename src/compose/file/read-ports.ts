import { parseAddress } from "../../capabilities/index.ts";
import { type At, at, itemsAt, refuse, text } from "./at.ts";
import type { PublishedPort } from "./model.ts";
import type { Problems } from "./problems.ts";

const everywhere = "0.0.0.0";

/** The ports of a service, ranges taken apart, each with the place that says it. */
export function readPorts(ports: At | undefined, problems: Problems): { port: PublishedPort; place: At }[] {
  return itemsAt(ports).flatMap((place) => {
    const read = place.tree.kind === "map" ? readLong(place, problems) : readShort(place, problems);
    return (read ?? []).map((port) => ({ port, place }));
  });
}

interface Range {
  readonly first: number;
  readonly last: number;
}

function rangeOf(typed: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(typed);
  if (match === null) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= 65_535 ? { first, last } : undefined;
}

function readShort(place: At, problems: Problems): PublishedPort[] | undefined {
  const typed = text(place);
  if (typed === undefined) return undefined;
  const match = /^(?:(?:(\[[^\]]*\]|.*):)?([^:]*):)?([^:/]+)(?:\/(.*))?$/s.exec(typed);
  const hint = 'write "8080:80", "127.0.0.1:8080:80" or "80", each with /udp if it is';
  if (match === null) {
    refuse(problems, place, `found "${typed}", wanted [[IP:]HOST:]GUEST[/tcp|/udp]`, hint);
    return undefined;
  }
  const [, ip = "", host = "", guest = "", protocol = "tcp"] = match;
  return portsOf({ ip: ip.replace(/^\[|\]$/g, ""), host, guest, protocol, typed, hint }, place, problems);
}

function readLong(place: At, problems: Problems): PublishedPort[] | undefined {
  const target = at(place, "target");
  if (target === undefined) {
    refuse(problems, place, 'it lacks the key "target"', "add target: and the guest's port");
    return undefined;
  }
  const part = (key: string): string => text(at(place, key)) ?? "";
  const [ip, host, guest] = [part("host_ip"), part("published"), part("target")];
  if (/-/.test(guest)) {
    refuse(
      problems,
      target,
      `found "${guest}", wanted one port`,
      'write one item for each port, or the short form "80-90"',
    );
    return undefined;
  }
  const typed = [ip, host, guest].filter((each) => each !== "").join(":");
  const hint = "write target: 80, published: 8080 and, if you like, host_ip: 127.0.0.1";
  return portsOf({ ip, host, guest, protocol: part("protocol") || "tcp", typed, hint }, place, problems);
}

interface PortParts {
  readonly ip: string;
  readonly host: string;
  readonly guest: string;
  readonly protocol: string;
  /** The whole, for errors. */
  readonly typed: string;
  readonly hint: string;
}

function portsOf(
  { ip, host, guest, protocol, typed, hint }: PortParts,
  place: At,
  problems: Problems,
): PublishedPort[] | undefined {
  const tell = (problem: string, what = hint): undefined => {
    refuse(problems, place, problem, what);
    return undefined;
  };
  if (protocol !== "tcp" && protocol !== "udp")
    return tell(
      `found the protocol "${protocol}" in "${typed}", wanted tcp or udp`,
      "write /tcp or /udp, or leave it out",
    );
  const guests = rangeOf(guest);
  const hosts = host === "" ? undefined : rangeOf(host);
  if (guests === undefined || guests.first === 0)
    return tell(`"${guest}" in "${typed}" is not a port from 1 to 65535, or a range of them`);
  if (host !== "" && hosts === undefined)
    return tell(`"${host}" in "${typed}" is not a port from 0 to 65535, or a range of them`);
  if (ip !== "" && parseAddress(ip) === undefined)
    return tell(`"${ip}" in "${typed}" is not an address of this machine`, "write an address, such as 127.0.0.1");
  const hostIp = ip === "" ? everywhere : ip;
  const count = guests.last - guests.first + 1;
  const hostCount = hosts === undefined ? count : hosts.last - hosts.first + 1;
  if (count > 1 && hostCount !== count)
    return tell(
      `"${typed}" has ${hostCount} ports of the host for ${count} of the guest`,
      "make both ranges equally long",
    );
  return Array.from({ length: count }, (_, index): PublishedPort => {
    const guestPort = guests.first + index;
    if (hosts === undefined) return { hostIp, hostPort: 0, guestPort, protocol };
    const last = count === 1 && hosts.last > hosts.first ? { hostPortLast: hosts.last } : {};
    return { hostIp, hostPort: hosts.first + index, ...last, guestPort, protocol };
  });
}
