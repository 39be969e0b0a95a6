import { SampanError } from "../base/index.ts";
import { cidrContains, isPublicRange, parseCidr } from "./addresses.ts";
import { check } from "./check.ts";
import type { AccessRequest } from "./request.ts";
import { guestParts, locate } from "./check-files.ts";
import { coversName, isLocalhost, listenGrants } from "./check-net.ts";
import {
  folderFlag,
  formatClock,
  formatConnect,
  formatListen,
  formatPublish,
  formatRandom,
  typedFlag,
} from "./format-flags.ts";
import { checkedGrants } from "./grants-from-flags.ts";
import type {
  ClockGrant,
  ConnectGrant,
  FolderGrant,
  Grants,
  ListenGrant,
  NetGrants,
  PortRange,
  PublishGrant,
} from "./grants.ts";
import { formatConfigValue, formatLog, formatStore, isLogged } from "./store-flags.ts";
import { stdioNames } from "./parse-flags.ts";
import { climbOf, joinHost, startsWithParts } from "./paths.ts";

/**
 * Hands on less: returns `narrower` where every part of it lies within `grants`.
 *
 * @throws GRANT_WIDENED, naming the flag of what is wider
 */
export function attenuate(grants: Grants, narrower: Grants): Grants {
  const wider = firstWider(grants, narrower);
  if (wider === undefined) return checkedGrants(narrower);
  const [flag, why] = wider;
  throw new SampanError("GRANT_WIDENED", `Cannot narrow the grants to "${flag}": ${why}`, {
    data: { flag },
  });
}

type Wider = readonly [flag: string, why: string];

function firstWider(grants: Grants, narrower: Grants): Wider | undefined {
  const { clock, random, env, files } = narrower;
  if (!isClockWithin(grants.clock, clock))
    return [typedFlag("clock", formatClock(clock)), "it is more than the clock granted"];
  const isRandomWithin = random.kind === "none" || grants.random.kind === "system" || isSame(random, grants.random);
  if (!isRandomWithin) return [typedFlag("random", formatRandom(random)), "it is more than the randomness granted"];
  for (const stream of stdioNames.filter((name) => narrower.stdio.includes(name))) {
    const wider = refusal(grants, { capability: "stdio", stream }, typedFlag("stdio", stream));
    if (wider) return wider;
  }
  for (const [name, value] of Object.entries(env)) {
    const wider = refusal(grants, { capability: "env", name }, typedFlag("env", name));
    if (wider) return wider;
    if (grants.env[name] !== value) return [typedFlag("env", name), "its value differs from the one granted"];
  }
  for (const folder of files) {
    const why = whyFolderWider(grants, folder, narrower);
    if (why !== undefined) return [folderFlag(folder), why];
  }
  return firstWiderStore(grants, narrower) ?? firstWiderNet(grants.net, narrower.net);
}

function firstWiderStore(outer: Grants, { config, keyvalue, log }: Grants): Wider | undefined {
  for (const [name, value] of Object.entries(config)) {
    const flag = typedFlag("config", formatConfigValue(name, value));
    const wider = refusal(outer, { capability: "config", name }, flag);
    if (wider) return wider;
    if (outer.config[name] !== value) return [flag, "its value differs from the one granted"];
  }
  for (const store of keyvalue) {
    const flag = typedFlag("keyvalue", formatStore(store));
    const wider = refusal(outer, { capability: "keyvalue", name: store.name }, flag);
    if (wider) return wider;
    if (outer.keyvalue.find(({ name }) => name === store.name)?.file !== store.file)
      return [flag, "the granted store of that name is kept elsewhere"];
  }
  const isLogWithin = log.kind === "none" || (outer.log.kind === log.kind && isLogged(outer.log, log.level));
  return isLogWithin ? undefined : [typedFlag("log", formatLog(log)), "it is more than the log granted"];
}

function refusal(grants: Grants, request: AccessRequest, flag: string): Wider | undefined {
  const verdict = check(grants, request);
  return verdict.allowed ? undefined : [flag, verdict.reason];
}

function isClockWithin(outer: ClockGrant, inner: ClockGrant): boolean {
  if (inner.kind === "none" || isSame(outer, inner)) return true;
  return outer.kind === "real" || (outer.kind === "coarse" && inner.kind === "fixed");
}

/** Whether two flat grants have the same fields. */
function isSame(a: object, b: object): boolean {
  const other = new Map<string, unknown>(Object.entries(b));
  const own = Object.entries(a);
  return own.length === other.size && own.every(([key, value]) => other.get(key) === value);
}

/**
 * A folder lies within the granted one that the same guest path leads to. One granted below it has to stay: without it
 * the guest would see there what the host has at that place.
 */
function whyFolderWider(grants: Grants, folder: FolderGrant, narrower: Grants): string | undefined {
  const name = guestParts(narrower, folder.guest);
  const outer = locate(grants, `/${name.join("/")}`);
  if (outer === undefined) return "no granted folder contains it";
  const { grant, rest, climb } = outer;
  if (climb > 0) return `it climbs out of the granted folder "${grant.guest}"`;
  if (joinHost(grant.host, rest) !== joinHost(folder.host, []))
    return `"${grant.guest}" has another folder of the host there`;
  if (grant.access === "read-only" && folder.access !== "read-only")
    return `the granted folder "${grant.guest}" is read-only`;
  const kept = narrower.files.map(({ guest }) => guestParts(narrower, guest).join("/"));
  const gone = hiddenBelow(grants, name).find(({ guest }) => !kept.includes(guestParts(grants, guest).join("/")));
  return gone && `it uncovers what the granted folder "${gone.guest}" hides`;
}

/** The granted folders that hide what the host has below a folder with this name. */
export function hiddenBelow(grants: Grants, name: readonly string[]): FolderGrant[] {
  return grants.files.filter(({ guest }) => {
    const parts = guestParts(grants, guest);
    return parts.length > name.length && startsWithParts(parts, name) && climbOf(parts.slice(name.length)) === 0;
  });
}

function firstWiderNet(outer: NetGrants, inner: NetGrants): Wider | undefined {
  const connect = inner.connect.find((grant) => !isConnectWithin(outer.connect, grant));
  if (connect) return [typedFlag("net.connect", formatConnect(connect)), "no grant covers all of it"];
  const listen = inner.listen.find((grant) => !isListenWithin(outer, grant));
  if (listen) return [typedFlag("net.listen", formatListen(listen)), "no grant covers all of it"];
  const publish = inner.publish.find((grant) => !outer.publish.some((other) => isPublishWithin(other, grant)));
  if (publish) return [typedFlag("net.publish", formatPublish(publish)), "no grant publishes that port"];
  const isDnsWithin = !inner.dns || outer.dns || outer.connect.some(({ host }) => host.kind === "public");
  return isDnsWithin ? undefined : [typedFlag("net.dns"), "only granted names may be resolved"];
}

function isConnectWithin(outer: readonly ConnectGrant[], inner: ConnectGrant): boolean {
  const hosts = outer.filter((grant) => isHostWithin(grant, inner));
  return inner.host.kind === "unix" ? hosts.length > 0 : arePortsWithin(hosts, inner.ports);
}

function isHostWithin(outer: ConnectGrant, inner: ConnectGrant): boolean {
  const { host } = inner;
  switch (host.kind) {
    case "unix":
      return outer.host.kind === "unix" && outer.host.path === host.path;
    case "public":
      return outer.host.kind === "public";
    case "name":
      return coversName(outer, host.name) && (!isLocalhost(inner) || isLocalhost(outer));
    case "subdomains": {
      if (outer.host.kind === "subdomains" && outer.host.name === host.name) return true;
      const isCovered = outer.host.kind !== "name" && coversName(outer, host.name);
      return isCovered && (!isLocalhost(inner) || isLocalhost(outer));
    }
    case "cidr": {
      const range = parseCidr(`${host.address}/${host.prefix}`);
      if (range === undefined) return false;
      if (outer.host.kind === "public") return isPublicRange(range);
      const around = outer.host.kind === "cidr" ? parseCidr(`${outer.host.address}/${outer.host.prefix}`) : undefined;
      return around !== undefined && cidrContains(around, range);
    }
  }
}

function arePortsWithin(outer: readonly { readonly ports: PortRange }[], inner: PortRange): boolean {
  let next = inner.first;
  for (const { ports } of outer.toSorted((a, b) => a.ports.first - b.ports.first)) {
    if (ports.first <= next && ports.last >= next) next = ports.last + 1;
  }
  return next > inner.last;
}

function isListenWithin(outer: NetGrants, inner: ListenGrant): boolean {
  const grants = listenGrants(outer).map(({ grant }) => grant);
  return arePortsWithin(
    grants.filter(({ address }) => address === inner.address || (address === undefined && !isUnix(inner))),
    inner.ports,
  );
}

function isUnix({ address }: ListenGrant): boolean {
  return address?.startsWith("unix:") === true;
}

function isPublishWithin(outer: PublishGrant, inner: PublishGrant): boolean {
  const isAddressWithin = outer.address === undefined || outer.address === inner.address;
  return isAddressWithin && outer.hostPort === inner.hostPort && outer.guestPort === inner.guestPort;
}
