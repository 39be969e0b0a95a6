import { shellWord } from "../base/index.ts";
import { type CapabilityFlag, type CapabilityName, capability } from "./catalog.ts";
import {
  type ClockGrant,
  type ConnectGrant,
  defaultGrants,
  type FolderGrant,
  type Grants,
  type ListenGrant,
  type PortRange,
  type PublishGrant,
  type RandomGrant,
  type StdioName,
} from "./grants.ts";
import { parseVolume, stdioNames } from "./parse-flags.ts";
import { formatConfigValue, formatLog, formatStore } from "./store-flags.ts";
import { resolveHost, typedHost } from "./paths.ts";

/**
 * Writes a folder grant as `HOST:GUEST[:ro]`, or undefined where a colon in a path makes that mean something else. A
 * relative HOST starts from `cwd`.
 */
export function formatVolume({ host, guest, access }: FolderGrant, cwd = "/"): string | undefined {
  const text = `${host}:${guest}${access === "read-only" ? ":ro" : ""}`;
  try {
    const read = parseVolume(text, { cwd });
    return read.host === resolveHost(cwd, host) && read.guest === guest && read.access === access ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a variable as `NAME=VALUE`. */
export function formatEnv(name: string, value: string): string {
  return `${name}=${value}`;
}

/** Writes a clock grant as `parseClock` reads it. */
export function formatClock(clock: ClockGrant): string {
  return clock.kind === "fixed" ? `fixed=${formatInstant(BigInt(clock.unixNanoseconds))}` : clock.kind;
}

function formatInstant(time: bigint): string {
  const second = 1_000_000_000n;
  return time % second === 0n
    ? new Date(Number(time / second) * 1000).toISOString().replace(".000Z", "Z")
    : `${time}ns`;
}

/** Writes a random grant as `parseRandom` reads it. */
export function formatRandom(random: RandomGrant): string {
  return random.kind === "seed" ? `seed=${random.seed}` : random.kind;
}

/** Writes standard streams as `parseStdio` reads them. */
export function formatStdio(stdio: readonly StdioName[]): string {
  if (stdio.length === 0) return "none";
  return stdioNames.every((name) => stdio.includes(name)) ? "all" : stdio.join(",");
}

/** Writes whom the guest may connect to as `parseConnect` reads it, in `cwd` where that is given. */
export function formatConnect({ host, ports }: ConnectGrant, cwd?: string): string {
  const suffix = formatPortsAfter(ports);
  switch (host.kind) {
    case "unix":
      return `unix:${typedHost(host.path, cwd)}`;
    case "public":
      return `*${suffix}`;
    case "name":
      return `${host.name}${suffix}`;
    case "subdomains":
      return `*.${host.name}${suffix}`;
    case "cidr": {
      const isV6 = host.address.includes(":");
      const text = host.prefix === (isV6 ? 128 : 32) ? host.address : `${host.address}/${host.prefix}`;
      return isV6 ? `[${text}]${suffix}` : `${text}${suffix}`;
    }
  }
}

/** Writes where the guest may listen as `parseListen` reads it. */
export function formatListen({ address, ports }: ListenGrant, cwd?: string): string {
  if (address?.startsWith("unix:") === true) return `unix:${typedHost(address.slice(5), cwd)}`;
  return `${formatAddressBefore(address)}${formatPorts(ports)}`;
}

/** Writes a published port as `parsePublish` reads it. */
export function formatPublish({ address, hostPort, guestPort }: PublishGrant): string {
  return `${formatAddressBefore(address)}${hostPort}:${guestPort}`;
}

function formatAddressBefore(address: string | undefined): string {
  if (address === undefined) return "";
  return address.includes(":") ? `[${address}]:` : `${address}:`;
}

/** Writes a range of ports as `80`, `80-90` or `*`. */
export function formatPorts({ first, last }: PortRange): string {
  if (first === 0 && last === 65535) return "*";
  return first === last ? String(first) : `${first}-${last}`;
}

function formatPortsAfter(ports: PortRange): string {
  const text = formatPorts(ports);
  return text === "*" ? "" : `:${text}`;
}

/** One flag as it is typed into a shell, by the first name that its capability has: `-v ./a:/a`. */
export function typedFlag(name: CapabilityName, value?: string): string {
  const [flag] = capability(name).flags;
  return typed(value === undefined ? { flag } : { flag, value });
}

/** The flag that gives a folder, as it is typed into a shell, in `cwd` where that is given. */
export function folderFlag(grant: FolderGrant, cwd?: string): string {
  return typed(flagOfFolder(grant, cwd));
}

function flagOfFolder(grant: FolderGrant, cwd?: string): GrantFlag {
  const host = typedHost(grant.host, cwd);
  const [flag, other = flag] = capability("files").flags;
  const volume = formatVolume({ ...grant, host }, cwd);
  if (volume !== undefined) return { flag, value: volume };
  const { guest, access } = grant;
  return { flag: other, value: `${host}::${guest}${access === "read-only" ? "::ro" : ""}` };
}

/** A flag and its value, unless it is a switch. */
export interface GrantFlag {
  readonly flag: CapabilityFlag;
  readonly value?: string;
}

/** How {@link flagsOf} writes grants. */
export interface FlagsOptions {
  /** The folder that host paths are written from; absolute where it is left out. */
  readonly cwd?: string | undefined;
  /** Variables that take their value from the surroundings again, so that it does not stand there. */
  readonly fromSurroundings?: ReadonlySet<string> | undefined;
}

/** The flags that give exactly these grants, in the order of the catalog; defaults are left out. */
export function flagsOf(grants: Grants, { cwd, fromSurroundings = new Set() }: FlagsOptions = {}): GrantFlag[] {
  const { clock, random, stdio, env, files, workdir, config, keyvalue, log, net } = grants;
  const flags: GrantFlag[] = [];
  const add = (name: CapabilityName, value?: string): void => {
    const [flag] = capability(name).flags;
    flags.push(value === undefined ? { flag } : { flag, value });
  };
  if (clock.kind !== defaultGrants.clock.kind) add("clock", formatClock(clock));
  if (random.kind !== defaultGrants.random.kind) add("random", formatRandom(random));
  if (formatStdio(stdio) !== formatStdio(defaultGrants.stdio)) add("stdio", formatStdio(stdio));
  for (const [name, value] of Object.entries(env))
    add("env", fromSurroundings.has(name) ? name : formatEnv(name, value));
  for (const grant of files) flags.push(flagOfFolder(grant, cwd));
  if (workdir !== undefined) add("workdir", workdir);
  for (const [key, value] of Object.entries(config)) add("config", formatConfigValue(key, value));
  for (const store of keyvalue) add("keyvalue", formatStore(store, cwd));
  if (formatLog(log) !== formatLog(defaultGrants.log)) add("log", formatLog(log));
  for (const grant of net.connect) add("net.connect", formatConnect(grant, cwd));
  for (const grant of net.listen) add("net.listen", formatListen(grant, cwd));
  for (const grant of net.publish) add("net.publish", formatPublish(grant));
  if (net.dns) add("net.dns");
  return flags;
}

/** The flags that give exactly these grants, as they are typed into a shell, each with its value; defaults are left out. */
export function grantToFlags(grants: Grants): string[] {
  return flagsOf(grants).map(typed);
}

function typed({ flag: { long, short }, value }: GrantFlag): string {
  return value === undefined ? (short ?? long) : `${short ?? long} ${shellWord(value)}`;
}
