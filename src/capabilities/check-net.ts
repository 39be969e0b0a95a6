import {
  type Address,
  cidrContains,
  formatAddress,
  insideKind,
  normalName,
  parseAddress,
  parseCidr,
} from "./addresses.ts";
import { capability, type CapabilityName } from "./catalog.ts";
import { formatConnect, formatListen, formatPublish, typedFlag } from "./format-flags.ts";
import type { ConnectGrant, ListenGrant, NetGrants, PortRange } from "./grants.ts";
import { typedHost } from "./paths.ts";
import type { AccessRequest } from "./request.ts";
import { allow, type Fix, type FixContext, listLine, refuse, type Verdict } from "./verdict.ts";

type ConnectRequest = Extract<AccessRequest, { capability: "net.connect" }>;
type ListenRequest = Extract<AccessRequest, { capability: "net.listen" }>;
type DnsRequest = Extract<AccessRequest, { capability: "net.dns" }>;

function hasPort({ first, last }: PortRange, port: number): boolean {
  return port >= first && port <= last;
}

/** Whether a grant's host covers a name, whatever the name resolves to. */
export function coversName({ host }: ConnectGrant, name: string): boolean {
  switch (host.kind) {
    case "public":
      return true;
    case "name":
      return host.name === name;
    case "subdomains":
      return name.endsWith(`.${host.name}`);
    case "cidr":
    case "unix":
      return false;
  }
}

/** Whether a grant's host covers an address by itself, without a name. */
export function coversAddress({ host }: ConnectGrant, address: Address): boolean {
  if (host.kind === "public") return insideKind(address) === undefined;
  if (host.kind !== "cidr") return false;
  const cidr = parseCidr(`${host.address}/${host.prefix}`);
  return cidr !== undefined && cidrContains(cidr, address);
}

/** Whether a host grant is for this machine by name, which says loopback as plainly as its address does (RFC 6761). */
export function isLocalhost({ host }: ConnectGrant): boolean {
  return (host.kind === "name" || host.kind === "subdomains") && /(^|\.)localhost$/.test(host.name);
}

/** Decides about a connection; of the addresses that a name resolved to, every one has to be allowed. */
export function checkConnect(net: NetGrants, request: ConnectRequest, { cwd }: FixContext = {}): Verdict {
  const { host, port, addresses = [] } = request;
  if (host.startsWith("unix:")) {
    const grant = net.connect.find((each) => each.host.kind === "unix" && `unix:${each.host.path}` === host);
    if (grant) return allowConnect(grant);
    const path = host.slice(5);
    const flag = typedFlag("net.connect", `unix:${typedHost(path, cwd)}`);
    return refuse(`no grant names the socket "${path}"`, { ...fixConnect([host]), flag });
  }
  const grants = net.connect.filter((grant) => grant.host.kind !== "unix" && hasPort(grant.ports, port));
  const literal = parseAddress(host.replace(/^\[(.*)\]$/, "$1"));
  if (literal) {
    const grant = grants.find((each) => coversAddress(each, literal));
    return grant
      ? allowConnect(grant)
      : refuse(
          `no grant covers ${formatAddress(literal)} port ${port}`,
          fixConnect([targetText({ text: host, address: literal }, port)]),
        );
  }
  const name = normalName(host);
  const named = name === undefined ? [] : grants.filter((grant) => coversName(grant, name));
  const answers = addresses.map((text) => ({ text, address: parseAddress(text) }));
  const closed = answers.filter(({ address }) => !address || !isAnswerOpen(grants, named, address));
  const byName = named[0];
  const by = byName ?? grants.find((grant) => answers[0]?.address && coversAddress(grant, answers[0].address));
  if (by && closed.length === 0) return allowConnect(by);

  const fix = fixConnect([
    ...(byName || (name === undefined && closed.length > 0) ? [] : [`${name ?? host}:${port}`]),
    ...new Set(
      closed
        .filter(({ address }) => byName || !name || !opensByName(name, address))
        .map((answer) => targetText(answer, port)),
    ),
  ]);
  const [first] = closed;
  if (!byName || !first) return refuse(`no grant covers "${host}" port ${port}`, fix);
  const kind = (first.address && insideKind(first.address)) ?? "no valid";
  return refuse(`"${host}" is at ${kind} address (${first.text}), which a granted name does not open`, fix);
}

/** Whether a grant for the name would open this answer, too. */
function opensByName(name: string, address: Address | undefined): boolean {
  const kind = address && insideKind(address);
  return address !== undefined && (kind === undefined || (kind === "a loopback" && /(^|\.)localhost$/.test(name)));
}

function isAnswerOpen(grants: readonly ConnectGrant[], named: readonly ConnectGrant[], address: Address): boolean {
  if (grants.some((grant) => coversAddress(grant, address))) return true;
  const kind = insideKind(address);
  if (kind === undefined) return named.length > 0;
  return kind === "a loopback" && named.some(isLocalhost);
}

function allowConnect(grant: ConnectGrant): Verdict {
  return allow(() => typedFlag("net.connect", formatConnect(grant)));
}

function targetText({ text, address }: { text: string; address?: Address | undefined }, port: number): string {
  const shown = address ? formatAddress(address) : text;
  return address?.family === 6 ? `[${shown}]:${port}` : `${shown}:${port}`;
}

function fixConnect(values: readonly string[]): Fix {
  return fixList("net.connect", values);
}

function fixList(name: CapabilityName, values: readonly string[]): Fix {
  return {
    flag: values.map((value) => typedFlag(name, value)).join(" "),
    line: listLine(capability(name).key, values),
  };
}

/** Where the guest may listen, published ports included. */
export function listenGrants(net: NetGrants): readonly { readonly grant: ListenGrant; readonly by: () => string }[] {
  return [
    ...net.listen.map((grant) => ({
      grant,
      by: () => typedFlag("net.listen", formatListen(grant)),
    })),
    ...net.publish.map((publish) => ({
      grant: { ports: { first: publish.guestPort, last: publish.guestPort } },
      by: () => typedFlag("net.publish", formatPublish(publish)),
    })),
  ];
}

/** Decides about listening. */
export function checkListen(net: NetGrants, { address, port }: ListenRequest, { cwd }: FixContext = {}): Verdict {
  if (address?.startsWith("unix:") === true) return checkListenUnix(net, address, cwd);
  const bound = address === undefined ? undefined : parseAddress(address.replace(/^\[(.*)\]$/, "$1"));
  const text = bound === undefined || bound.bits === 0n ? undefined : formatAddress(bound);
  const found = listenGrants(net).find(
    ({ grant }) => hasPort(grant.ports, port) && (grant.address === undefined || grant.address === text),
  );
  if (found) return allow(found.by);
  const wanted: ListenGrant = {
    ...(text === undefined ? {} : { address: text }),
    ports: { first: port, last: port },
  };
  return refuse(`no grant covers listening on ${formatListen(wanted)}`, fixList("net.listen", [formatListen(wanted)]));
}

/** A path is granted by itself alone: any port is no path. */
function checkListenUnix(net: NetGrants, address: string, cwd: string | undefined): Verdict {
  const grant = net.listen.find((each) => each.address === address);
  if (grant) return allow(() => typedFlag("net.listen", formatListen(grant)));
  const wanted: ListenGrant = { address, ports: { first: 0, last: 0 } };
  return refuse(`no grant covers listening on ${formatListen(wanted)}`, {
    ...fixList("net.listen", [formatListen(wanted)]),
    flag: typedFlag("net.listen", formatListen(wanted, cwd)),
  });
}

/** Decides about resolving a name: granted names may be resolved, others take a grant for all. */
export function checkDns(net: NetGrants, { name }: DnsRequest): Verdict {
  if (net.dns) return allow(() => typedFlag("net.dns"));
  const normal = normalName(name);
  const grant = normal === undefined ? undefined : net.connect.find((each) => coversName(each, normal));
  if (grant) return allowConnect(grant);
  return refuse(`no grant covers resolving "${name}"`, {
    flag: typedFlag("net.dns"),
    line: "net: {dns: true}",
  });
}
