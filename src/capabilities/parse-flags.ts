import { nearest } from "../base/index.ts";
import { formatAddress, normalName, parseAddress, parseCidr } from "./addresses.ts";
import { capability, type CapabilityFlag, type CapabilityName, invalidGrant } from "./catalog.ts";
import type {
  ClockGrant,
  ConnectGrant,
  FolderGrant,
  ListenGrant,
  PortRange,
  PublishGrant,
  RandomGrant,
  StdioName,
} from "./grants.ts";
import { hostParts, resolveHost } from "./paths.ts";

/** What a flag's value may refer to besides itself. */
export interface FlagContext {
  /** Absolute folder that relative host paths start from. */
  readonly cwd: string;
  /** Value of a variable in the surrounding environment, for `-e NAME`. */
  readonly lookup?: ((name: string) => string | undefined) | undefined;
}

/** The standard streams, in the order of their descriptors. */
export const stdioNames = ["stdin", "stdout", "stderr"] as const satisfies readonly StdioName[];

/** Every port. */
export const allPorts: PortRange = { first: 0, last: 65535 };

/**
 * Reads `HOST:GUEST[:ro|rw]`, Docker's form.
 *
 * @throws GRANT_INVALID
 */
export function parseVolume(text: string, { cwd }: FlagContext): FolderGrant {
  const flag = capability("files").flags[0];
  const mode = /^(.+:.+):(ro|rw)$/s.exec(text);
  const names = mode?.[1] ?? text;
  const match = /^(?:([A-Za-z]:[\\/][^:]*):([/.][^:]*)|([^:]+):([^:]+))$/s.exec(names);
  const [host, guest] = [match?.[1] ?? match?.[3] ?? "", match?.[2] ?? match?.[4] ?? ""];
  if (host === "" || guest === "" || (mode === null && /^(ro|rw)$/.test(guest))) {
    const parts = names.split(":");
    const last = parts[parts.length - 1] ?? "";
    if (parts.length === 3 && match === null && !last.includes("/"))
      throw invalidGrant(flag, text, `"${last}" is neither "ro" nor "rw"`);
    throw invalidGrant(flag, text, parts.length > 2 ? "it has too many parts" : "it does not name both folders");
  }
  return folder(flag, text, {
    host: resolveHost(cwd, host),
    guest,
    access: mode?.[2] === "ro" ? "read-only" : "read-write",
  });
}

/**
 * Reads `HOST[::GUEST]`, Wasmtime's form: without a name of its own the guest sees the folder as HOST was typed. A
 * further `::ro` makes it read-only.
 *
 * @throws GRANT_INVALID
 */
export function parseDir(text: string, { cwd }: FlagContext): FolderGrant {
  const flag = capability("files").flags[1] ?? capability("files").flags[0];
  const [host = "", guest = host, mode = "rw", ...more] = text.split("::");
  if (host === "" || guest === "") throw invalidGrant(flag, text, "it lacks a folder");
  if (more.length > 0 || !/^r[ow]$/.test(mode)) throw invalidGrant(flag, text, "it has too many parts");
  return folder(flag, text, {
    host: resolveHost(cwd, host),
    guest,
    access: mode === "ro" ? "read-only" : "read-write",
  });
}

function folder(flag: CapabilityFlag, text: string, grant: FolderGrant): FolderGrant {
  if (text.includes("\0")) throw invalidGrant(flag, text.replaceAll("\0", "\\0"), "a path cannot hold a NUL");
  return grant;
}

/**
 * Reads `NAME=VALUE`, or `NAME` with the value of the surroundings; undefined where those have none.
 *
 * @throws GRANT_INVALID
 */
export function parseEnv(text: string, { lookup }: FlagContext): { name: string; value: string } | undefined {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  const problem = variableProblem(name, text.slice(name.length));
  if (problem !== undefined) throw invalidGrant(capability("env").flags[0], text, problem);
  const value = at < 0 ? lookup?.(name) : text.slice(at + 1);
  return value === undefined ? undefined : { name, value };
}

/** What is wrong with a variable's name or value, if anything: a guest has to be able to take them apart again. */
export function variableProblem(name: string, value = ""): string | undefined {
  if (name === "") return "it does not name a variable";
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\s=\u0000-\u001f\u007f-\u009f]/.test(name)) return "a name has no blanks, no = and no control characters";
  return value.includes("\0") ? "a value cannot hold a NUL" : undefined;
}

/**
 * Reads `real`, `coarse`, `none` or `fixed=TIME`, where TIME is an ISO 8601 date (UTC unless it says otherwise), seconds
 * since 1970 with up to nine decimals, or nanoseconds (`123ns`).
 *
 * @throws GRANT_INVALID
 */
export function parseClock(text: string): ClockGrant {
  if (text === "real" || text === "coarse" || text === "none") return { kind: text };
  const flag = capability("clock").flags[0];
  if (!text.startsWith("fixed=")) throw invalidGrant(flag, text, `"${text}" is not a kind of clock`);
  const time = parseInstant(text.slice("fixed=".length));
  if (time === undefined) throw invalidGrant(flag, text, "TIME is neither an ISO date nor seconds since 1970");
  if (time < 0n || time >= 1n << 64n) throw invalidGrant(flag, text, "TIME lies outside 1970 to 2554");
  return { kind: "fixed", unixNanoseconds: String(time) };
}

function parseInstant(text: string): bigint | undefined {
  const number = /^(\d{1,20})(?:\.(\d{1,9})|(ns))?$/.exec(text);
  if (number) {
    const whole = BigInt(number[1] ?? 0);
    // So many digits can only be nanoseconds; between the two it could be milliseconds, which is not guessed.
    if (number[3] || (number[2] === undefined && text.length >= 17)) return whole;
    return text.length > 12 && number[2] === undefined ? undefined : whole * 1_000_000_000n + fraction(number[2]);
  }
  const date = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (!date) return undefined;
  const day = date[1] ?? "";
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const ms = Date.parse(`${day}T${date[2] ?? "00:00"}${date[3] ?? ":00"}${date[5] ?? "Z"}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + fraction(date[4]);
}

function fraction(digits = ""): bigint {
  return BigInt(digits.padEnd(9, "0"));
}

/**
 * Reads `system`, `none` or `seed=TEXT`.
 *
 * @throws GRANT_INVALID
 */
export function parseRandom(text: string): RandomGrant {
  if (text === "system" || text === "none") return { kind: text };
  if (text.startsWith("seed=") && text.length > 5) return { kind: "seed", seed: text.slice(5) };
  throw invalidGrant(capability("random").flags[0], text, `"${text}" is not a kind of randomness`);
}

/**
 * Reads `all`, `none` or names of streams with commas between them.
 *
 * @throws GRANT_INVALID
 */
export function parseStdio(text: string): readonly StdioName[] {
  if (text === "all") return stdioNames;
  if (text === "none") return [];
  const asked = text.split(",").map((name) => name.trim());
  const wrong = asked.find((name) => !stdioNames.some((known) => known === name));
  if (wrong !== undefined) {
    const near = nearest(wrong, stdioNames);
    throw invalidGrant(
      capability("stdio").flags[0],
      text,
      `"${wrong}" is not a standard stream${near === undefined ? "" : `, did you mean "${near}"`}`,
    );
  }
  return stdioNames.filter((name) => asked.includes(name));
}

/**
 * Reads the guest's working directory, an absolute guest path.
 *
 * @throws GRANT_INVALID
 */
export function parseWorkdir(text: string): string {
  if (!text.startsWith("/")) throw invalidGrant(capability("workdir").flags[0], text, "it is not an absolute path");
  return text;
}

/**
 * Reads whom the guest may connect to: `HOST[:PORT[-PORT]]`, where HOST is a name, `*.name`, an address or CIDR (IPv6 in
 * brackets where a port follows), or `*`; or `unix:PATH`.
 *
 * @throws GRANT_INVALID
 */
export function parseConnect(text: string, { cwd }: FlagContext): ConnectGrant {
  const flag = capability("net.connect").flags[0];
  if (text.startsWith("unix:")) {
    if (text.length === 5 || text.includes("\0")) throw invalidGrant(flag, text, "it lacks the socket's path");
    return { host: { kind: "unix", path: resolveHost(cwd, text.slice(5)) }, ports: allPorts };
  }
  if (text.includes("://")) throw invalidGrant(flag, text, "it is a URL, not a host and a port");
  const { host: hostText, ports: portsText } = splitHost(text);
  const ports = portsText === undefined ? allPorts : parsePorts(portsText);
  if (ports === undefined)
    throw invalidGrant(flag, text, `"${portsText}" is not a port or a range of ports from 0 to 65535`);
  if (hostText === "*") return { host: { kind: "public" }, ports };
  const cidr = parseCidr(hostText);
  if (cidr)
    return {
      host: { kind: "cidr", address: formatAddress(cidr.address), prefix: cidr.prefix },
      ports,
    };
  const isBelow = hostText.startsWith("*.");
  const name = normalName(isBelow ? hostText.slice(2) : hostText);
  if (name === undefined) throw invalidGrant(flag, text, `"${hostText}" is neither a name nor an address`);
  return { host: { kind: isBelow ? "subdomains" : "name", name }, ports };
}

/** Takes `HOST:REST` apart, with the brackets of an IPv6 address gone; a bare IPv6 address has no rest. */
function splitHost(text: string): { host: string; ports?: string } {
  const bracketed = /^\[([^\]]*)\](\/\d+)?(?::(.*))?$/s.exec(text);
  if (bracketed)
    return {
      host: `${bracketed[1]}${bracketed[2] ?? ""}`,
      ...(bracketed[3] === undefined ? {} : { ports: bracketed[3] }),
    };
  const at = text.indexOf(":");
  if (at < 0 || text.includes(":", at + 1)) return { host: text };
  return { host: text.slice(0, at), ports: text.slice(at + 1) };
}

function parsePorts(text: string): PortRange | undefined {
  if (text === "*") return allPorts;
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
  return first <= last && last <= 65535 ? { first, last } : undefined;
}

/**
 * Reads where the guest may listen: `[IP:]PORT`, `[IP:]PORT-PORT` or `*`; or `unix:PATH`.
 *
 * @throws GRANT_INVALID
 */
export function parseListen(text: string, { cwd }: FlagContext): ListenGrant {
  const flag = capability("net.listen").flags[0];
  if (text.startsWith("unix:")) {
    if (text.length === 5 || text.includes("\0")) throw invalidGrant(flag, text, "it lacks the socket's path");
    return { address: `unix:${resolveHost(cwd, text.slice(5))}`, ports: { first: 0, last: 0 } };
  }
  const { address, rest } = splitAddress(flag, text);
  const ports = parsePorts(rest);
  if (ports === undefined)
    throw invalidGrant(flag, text, `"${rest}" is not a port or a range of ports from 0 to 65535`);
  return address === undefined ? { ports } : { address, ports };
}

/**
 * Reads a port of the host and the port of the guest behind it: `[IP:]HOST:GUEST`.
 *
 * @throws GRANT_INVALID
 */
export function parsePublish(text: string): PublishGrant {
  const flag = capability("net.publish").flags[0];
  const match = /^(.*:)?(\d{1,5}:\d{1,5})$/s.exec(text);
  const { address, rest } = splitAddress(flag, `${match?.[1] ?? ""}${match?.[2]?.replace(":", "-") ?? text}`, text);
  const ports = rest.split("-").map(Number);
  const [hostPort = -1, guestPort = -1] = ports;
  if (!match || ports.some((port) => port > 65535))
    throw invalidGrant(flag, text, "it does not name two ports from 0 to 65535");
  return address === undefined ? { hostPort, guestPort } : { address, hostPort, guestPort };
}

/** Takes `[IP:]REST` apart; the addresses that mean every one (`0.0.0.0`, `[::]`) are none. */
function splitAddress(flag: CapabilityFlag, text: string, typed = text): { address?: string; rest: string } {
  if (!text.includes(":")) return { rest: text };
  const at = text.lastIndexOf(":");
  const host = text.slice(0, at);
  const address = parseAddress(host.replace(/^\[(.*:.*)\]$/, "$1"));
  const isBare = host.includes(":") && !host.startsWith("[");
  if (address === undefined || isBare)
    throw invalidGrant(flag, typed, `"${host}" is not an address${isBare ? " in brackets" : ""}`);
  const rest = text.slice(at + 1);
  return address.bits === 0n ? { rest } : { address: formatAddress(address), rest };
}

/** The flag of a catalog row that a name such as `-v` or `--volume` belongs to. */
export function flagNamed(name: CapabilityName, flag: string): CapabilityFlag | undefined {
  return capability(name).flags.find(({ long, short }) => flag === long || flag === short);
}

/** Whether a folder is a whole file system or drive of the host, which no fix should suggest. */
export function isHostRoot(host: string): boolean {
  return hostParts(host).length === 0 || /^[A-Za-z]:[\\/]?$/.test(host);
}
