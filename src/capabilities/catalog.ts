import { nearest, SampanError } from "../base/index.ts";

/** One flag of the command line: its names, the form of its value (none for a switch) and an example of one. */
export interface CapabilityFlag {
  readonly long: string;
  readonly short?: string;
  readonly value?: string;
  readonly example?: string;
}

/** One row of {@link capabilityCatalog}. */
export interface CapabilityEntry {
  /** Where a grants file spells it: keys from the outside in, joined by dots. */
  readonly key: string;
  /** The first is the one that fixes suggest. */
  readonly flags: readonly [CapabilityFlag, ...CapabilityFlag[]];
  /** One sentence for `--help` and the docs, without a period. */
  readonly summary: string;
}

/**
 * Every capability that a workload can be granted. `--help`, the errors for unknown keys, `explain` and the fixes that a
 * refusal suggests are all made from it.
 */
export const capabilityCatalog = {
  clock: {
    key: "clock",
    flags: [
      {
        long: "--clock",
        value: "real|coarse|none|fixed=TIME",
        example: "fixed=2026-01-01T00:00:00Z",
      },
    ],
    summary: "Read the clocks: exactly (the default), in steps of 1 ms, always the same instant, or not at all",
  },
  random: {
    key: "random",
    flags: [{ long: "--random", value: "system|none|seed=TEXT", example: "seed=42" }],
    summary: "Get random bytes: from the system (the default), a stream that a seed repeats, or none",
  },
  stdio: {
    key: "stdio",
    flags: [{ long: "--stdio", value: "all|none|NAME[,NAME]", example: "stdout,stderr" }],
    summary: "Use the standard streams stdin, stdout and stderr (the default: all three)",
  },
  env: {
    key: "env",
    flags: [{ long: "--env", short: "-e", value: "NAME[=VALUE]", example: "LANG=C" }],
    summary: "See an environment variable; without a value, with the one that sampan itself sees",
  },
  files: {
    key: "files",
    flags: [
      { long: "--volume", short: "-v", value: "HOST:GUEST[:ro|rw]", example: "./data:/data:ro" },
      { long: "--dir", value: "HOST[::GUEST]", example: "./data::/data" },
    ],
    summary: "Open files in a folder of the host, under a name of the guest's own",
  },
  workdir: {
    key: "workdir",
    flags: [{ long: "--workdir", short: "-w", value: "PATH", example: "/data" }],
    summary: "Start in this folder of the guest, which a granted folder must contain",
  },
  config: {
    key: "config",
    flags: [{ long: "--config", value: "KEY=VALUE", example: "region=eu" }],
    summary: "Read a configuration value (wasi:config)",
  },
  keyvalue: {
    key: "keyvalue",
    flags: [{ long: "--keyvalue", value: "NAME=memory|FILE", example: "default=./data.db" }],
    summary: "Use a store for keys and values (wasi:keyvalue), in memory or in a file",
  },
  log: {
    key: "log",
    flags: [{ long: "--log", value: "none|stdout[=LEVEL]|stderr[=LEVEL]", example: "stderr=warn" }],
    summary: "Write log lines (wasi:logging) to a standard stream, from a level on (the default: none)",
  },
  "net.connect": {
    key: "net.connect",
    flags: [{ long: "--allow-net", value: "HOST[:PORT[-PORT]]", example: "api.example.com:443" }],
    summary: "Connect and send to a name, *.name, an address or CIDR, unix:PATH, or * (everything public)",
  },
  "net.listen": {
    key: "net.listen",
    flags: [{ long: "--allow-listen", value: "[IP:]PORT|RANGE|*|unix:PATH", example: "8080" }],
    summary: "Listen on the guest's own ports, which nobody outside reaches unless they are published",
  },
  "net.publish": {
    key: "net.publish",
    flags: [{ long: "--publish", short: "-p", value: "[IP:]HOST:GUEST", example: "8080:80" }],
    summary: "Listen on a port of the guest that is reachable on a port of the host",
  },
  "net.dns": {
    key: "net.dns",
    flags: [{ long: "--allow-dns" }],
    summary: "Resolve any name (those that --allow-net grants can be resolved anyway)",
  },
} as const satisfies Record<string, CapabilityEntry>;

/** The name of a capability: a key of {@link capabilityCatalog}. */
export type CapabilityName = keyof typeof capabilityCatalog;

/** The names of all capabilities, in the catalog's order. */
export const capabilityNames = Object.keys(capabilityCatalog) as readonly CapabilityName[];

/** The rows of the catalog, under a type that has all optional fields. */
export function capability(name: CapabilityName): CapabilityEntry {
  return capabilityCatalog[name];
}

/** What a flag's value should look like, for the end of an error: `wanted "A", such as "B"`. */
export function wantedForm(flag: CapabilityFlag): string {
  return flag.value === undefined ? "no value" : `wanted ${flag.value}, such as "${flag.example ?? flag.value}"`;
}

/** The GRANT_INVALID for a value of a flag; `data.problem` says the same without the flag, for other spellings. */
export function invalidGrant(flag: CapabilityFlag, value: string, why: string): SampanError {
  const problem = `${why}; ${wantedForm(flag)}`;
  const example = flag.example === undefined ? undefined : `${flag.short ?? flag.long} ${flag.example}`;
  const near = nearestValue(flag, value);
  return new SampanError("GRANT_INVALID", `Cannot read ${flag.long} "${value}": ${problem}`, {
    hint: near === undefined ? example : `did you mean ${flag.long} ${near}`,
    data: { flag: flag.long, value, problem },
  });
}

/** A mistyped value with its word put right, where a flag takes one of some words: `sed=1` is `seed=1`. */
function nearestValue(flag: CapabilityFlag, value: string): string | undefined {
  const words = (flag.value ?? "").split("|").flatMap((form) => /^[a-z]+/.exec(form)?.[0] ?? []);
  const [typed = "", ...rest] = value.split("=");
  const word = nearest(typed, words);
  return word === undefined || word === typed ? undefined : [word, ...rest].join("=");
}
