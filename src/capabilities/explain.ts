import { check } from "./check.ts";
import type { AccessRequest } from "./request.ts";
import { formatConnect, formatListen, formatPublish } from "./format-flags.ts";
import { type ConnectGrant, type Grants, noGrants } from "./grants.ts";
import { stdioNames } from "./parse-flags.ts";
import { typedHost } from "./paths.ts";
import { formatPlace } from "./store-flags.ts";
import { typedWords } from "./typed-words.ts";
import type { FixContext } from "./verdict.ts";

/** What a guest with some grants can do, and what it cannot, in sentences. */
export interface Explanation {
  readonly can: readonly string[];
  readonly cannot: readonly string[];
}

/** A sentence and the request whose verdict decides on which side of an {@link Explanation} it stands. */
export interface Probe {
  readonly sentence: string;
  readonly request: AccessRequest;
}

/** What becomes of a {@link Probe}, as data. */
export interface Finding {
  readonly sentence: string;
  readonly capability: AccessRequest["capability"];
  readonly operation?: "read" | "write";
  readonly request: AccessRequest;
  readonly allowed: boolean;
  /** The words to type that would allow it, and those whose place they take. */
  readonly fix?: { readonly argv: readonly string[]; readonly replaces?: readonly string[] };
}

/** Says what a guest with these grants can and cannot do; every sentence is decided by {@link check}. */
export function explain(grants: Grants, context: FixContext = {}): Explanation {
  const can: string[] = [];
  const cannot: string[] = [];
  for (const { sentence, request } of probes(grants, context)) {
    const verdict = check(grants, request, context);
    if (verdict.allowed) can.push(sentence);
    else cannot.push(`${sentence} (${verdict.fix.flag} would allow it)`);
  }
  return { can, cannot };
}

/** The same as {@link explain}, as data. */
export function findings(grants: Grants, context: FixContext = {}): Finding[] {
  return probes(grants, context).map(({ sentence, request }): Finding => {
    const verdict = check(grants, request, context);
    const asked = {
      sentence,
      capability: request.capability,
      ...(request.capability === "files" ? { operation: request.operation } : {}),
      request,
    };
    if (verdict.allowed) return { ...asked, allowed: true };
    const { flag, replaces } = verdict.fix;
    const fix = { argv: argvOf(flag), ...(replaces === undefined ? {} : { replaces: argvOf(replaces) }) };
    return { ...asked, allowed: false, fix };
  });
}

function argvOf(typed: string): string[] {
  return typedWords(typed).flatMap(({ flag, value }) => (value === undefined ? [flag] : [flag, value]));
}

/** The requests that {@link explain} asks about: each thing granted, and of each capability something that may not be. */
export function probes(grants: Grants, context: FixContext = {}): Probe[] {
  return [
    ...ownProbes(grants),
    ...folderProbes(grants, context),
    ...storeProbes(grants, context),
    ...networkProbes(grants, context),
  ];
}

function ownProbes({ clock, random, env }: Grants): Probe[] {
  const time = {
    real: "Read the clocks, exactly",
    coarse: "Read the clocks, in steps of 1 ms",
    fixed: "Read the clocks, which always say the same",
    none: "Read the clocks",
  } as const;
  const bytes = {
    system: "Get random bytes from the system",
    seed: "Get random bytes, the same in every run",
    none: "Get random bytes",
  } as const;
  const streams = {
    stdin: "Read standard input",
    stdout: "Write to standard output",
    stderr: "Write to standard error",
  } as const;
  const names = Object.keys(env);
  const other = unused(
    ["HOME", "PATH", "USER"],
    (name) => Object.hasOwn(env, name),
    (n) => `VARIABLE_${n}`,
  );
  return [
    { sentence: time[clock.kind], request: { capability: "clock" } },
    { sentence: bytes[random.kind], request: { capability: "random" } },
    ...stdioNames.map((stream): Probe => ({
      sentence: streams[stream],
      request: { capability: "stdio", stream },
    })),
    ...names.map((name): Probe => ({
      sentence: `See the environment variable ${name}`,
      request: { capability: "env", name },
    })),
    {
      sentence: `See ${names.length === 0 ? "any" : "another"} environment variable, such as ${other}`,
      request: { capability: "env", name: other },
    },
  ];
}

/** The first of some usual things, or a made-up one where all of them are granted. */
function unused(usual: readonly string[], isGranted: (name: string) => boolean, made: (n: number) => string): string {
  const found = usual.find((name) => !isGranted(name));
  if (found !== undefined) return found;
  let n = 1;
  while (isGranted(made(n))) n += 1;
  return made(n);
}

function folderProbes(grants: Grants, { cwd }: FixContext): Probe[] {
  const { files } = grants;
  const own = files.flatMap(({ host, guest }): Probe[] => {
    const path = guest.endsWith("/") ? guest : `${guest}/`;
    const shown = guest === host ? guest : `${guest} (${typedHost(host, cwd)} on the host)`;
    return [
      {
        sentence: `Read files in ${shown}`,
        request: { capability: "files", operation: "read", path },
      },
      {
        sentence: `Make, change and remove files in ${shown}`,
        request: { capability: "files", operation: "write", path },
      },
    ];
  });
  const isOpen = (path: string): boolean => check(grants, { capability: "files", operation: "read", path }).allowed;
  const outside =
    ["/etc/passwd", "/home/user/.ssh/id_ed25519", "/tmp/file"].find((path) => !isOpen(path)) ?? "/../file";
  const rest = files.length === 0 ? "Open any file" : "Open a file anywhere else";
  return [
    ...own,
    {
      sentence: `${rest}, such as ${outside}`,
      request: { capability: "files", operation: "read", path: outside },
    },
  ];
}

function storeProbes({ config, keyvalue, log }: Grants, { cwd }: FixContext): Probe[] {
  const keys = Object.keys(config);
  const key = unused(
    ["region", "level"],
    (name) => Object.hasOwn(config, name),
    (n) => `key${n}`,
  );
  const name = unused(
    ["default", "cache"],
    (each) => keyvalue.some((store) => store.name === each),
    (n) => `store${n}`,
  );
  const lines = {
    none: "Write log lines",
    stdout: "Write log lines to standard output",
    stderr: "Write log lines to standard error",
  } as const;
  const from = log.kind === "none" || log.level === "trace" ? "" : `, from ${log.level} on`;
  return [
    ...keys.map((each): Probe => ({
      sentence: `Read the configuration value ${each}`,
      request: { capability: "config", name: each },
    })),
    {
      sentence: `Read ${keys.length === 0 ? "any" : "another"} configuration value, such as ${key}`,
      request: { capability: "config", name: key },
    },
    ...keyvalue.map((store): Probe => ({
      sentence: `Use the store ${store.name} (${store.file === undefined ? "in memory" : formatPlace(store, cwd)})`,
      request: { capability: "keyvalue", name: store.name },
    })),
    {
      sentence: `Use ${keyvalue.length === 0 ? "any" : "another"} store, such as ${name}`,
      request: { capability: "keyvalue", name },
    },
    { sentence: `${lines[log.kind]}${from}`, request: { capability: "log" } },
  ];
}

/** Someone whom a grant covers. */
function representative({ host, ports }: ConnectGrant): AccessRequest {
  const port = ports.first === 0 && ports.last > 0 ? Math.min(443, ports.last) : ports.first;
  switch (host.kind) {
    case "unix":
      return { capability: "net.connect", host: `unix:${host.path}`, port: 0 };
    case "public":
      return { capability: "net.connect", host: "example.com", port };
    case "name":
      return { capability: "net.connect", host: host.name, port };
    case "subdomains":
      return { capability: "net.connect", host: `a.${host.name}`, port };
    case "cidr":
      return { capability: "net.connect", host: host.address, port };
  }
}

/** A name that no grant names, so that it stands for all the others. */
function otherName({ net }: Grants): string {
  const usual = ["example.com", "example.org", "example.net"] as const;
  if (net.connect.some(({ host }) => host.kind === "public")) return usual[0];
  const named = { ...noGrants, net: { ...net, dns: false } };
  const isNamed = (name: string): boolean => check(named, { capability: "net.dns", name }).allowed;
  return unused(usual, isNamed, (n) => `example.host${n}`);
}

function networkProbes(grants: Grants, { cwd }: FixContext): Probe[] {
  const { net } = grants;
  const connect = (sentence: string, host: string, port: number): Probe => ({
    sentence,
    request: { capability: "net.connect", host, port },
  });
  const where = net.connect.length === 0 ? "any host" : "other hosts";
  const name = otherName(grants);
  const ports = ["8080", "80", "443"].filter(
    (text) => !check({ ...noGrants, net }, { capability: "net.listen", port: Number(text) }).allowed,
  );
  const port = Number(ports[0] ?? 8080);
  const shown = (grant: ConnectGrant): string =>
    grant.host.kind === "public" ? `every public host, ${formatConnect(grant)}` : formatConnect(grant, cwd);
  return [
    ...net.connect.map((grant): Probe => ({
      sentence: `Connect to ${shown(grant)}`,
      request: representative(grant),
    })),
    connect(`Connect to ${where}, such as ${name}:443`, name, 443),
    connect("Connect to services of this machine, such as 127.0.0.1:5432", "127.0.0.1", 5432),
    connect("Connect to private networks, such as 10.0.0.1:80", "10.0.0.1", 80),
    connect("Connect to the cloud's metadata service, 169.254.169.254:80", "169.254.169.254", 80),
    ...net.listen.map((grant): Probe => ({
      sentence: `Listen on ${grant.address?.startsWith("unix:") === true ? "" : "the guest's own port "}${formatListen(grant, cwd)}`,
      request: { capability: "net.listen", address: grant.address, port: grant.ports.first },
    })),
    ...net.publish.map((grant): Probe => ({
      sentence: `Listen on a published port, ${formatPublish(grant)}`,
      request: { capability: "net.listen", port: grant.guestPort },
    })),
    {
      sentence: `Listen on ${net.listen.length + net.publish.length === 0 ? "any port" : "other ports"}, such as ${port}`,
      request: { capability: "net.listen", port },
    },
    {
      sentence: `Resolve any name, such as ${name}`,
      request: { capability: "net.dns", name },
    },
  ];
}
