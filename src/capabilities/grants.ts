/**
 * What a workload may do, as data: structured clone carries it, YAML and JSON spell it (`readGrants`), flags build it.
 * What is not in it is not allowed.
 */
export interface Grants {
  readonly clock: ClockGrant;
  readonly random: RandomGrant;
  readonly stdio: readonly StdioName[];
  /** Environment variables, exactly these. */
  readonly env: Readonly<Record<string, string>>;
  readonly files: readonly FolderGrant[];
  /** The guest's working directory as an absolute guest path that a folder grant covers. */
  readonly workdir?: string | undefined;
  /** Configuration values that a component reads by their keys, exactly these. */
  readonly config: Readonly<Record<string, string>>;
  /** Stores for keys and values, each with a name of its own. */
  readonly keyvalue: readonly StoreGrant[];
  readonly log: LogGrant;
  readonly net: NetGrants;
}

/** `real` exact, `coarse` in steps of 1 ms, `none` refused, `fixed` always the same instant (monotonic 1). */
export type ClockGrant =
  | { readonly kind: "real" | "coarse" | "none" }
  /** Nanoseconds since 1970, as a decimal string, because JSON has no 64-bit integers. */
  | { readonly kind: "fixed"; readonly unixNanoseconds: string };

/** `system` cryptographic randomness, `none` refused, `seed` a reproducible stream. */
export type RandomGrant = { readonly kind: "system" | "none" } | { readonly kind: "seed"; readonly seed: string };

/** One of the three standard streams. */
export type StdioName = "stdin" | "stdout" | "stderr";

/** What may be done in a granted folder. */
export type FolderAccess = "read-only" | "read-write";

/** One folder of the host that the guest sees under a name of its own. */
export interface FolderGrant {
  /** Absolute path on the host. */
  readonly host: string;
  /**
   * Where the guest sees it, as typed: an absolute path, or a relative one such as ".". The guest's libc looks a path's
   * beginning up among these names letter by letter, so ".." in one is a name like any other.
   */
  readonly guest: string;
  readonly access: FolderAccess;
}

/** A store that the guest opens by its name. */
export interface StoreGrant {
  readonly name: string;
  /** Absolute path of its file on the host; left out, it is kept in memory. */
  readonly file?: string | undefined;
}

/** How serious a log line is. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "critical";

/** Where a component's log lines go, from a level on: this process's standard stream, whether that is granted to the guest or not. */
export type LogGrant = { readonly kind: "none" } | { readonly kind: "stdout" | "stderr"; readonly level: LogLevel };

/** Network grants; all empty by default. */
export interface NetGrants {
  readonly connect: readonly ConnectGrant[];
  readonly listen: readonly ListenGrant[];
  readonly publish: readonly PublishGrant[];
  /** Whether any name may be resolved; the names that `connect` grants always may. */
  readonly dns: boolean;
}

/** Inclusive range of ports, 0 to 65535. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Whom the guest may connect and send to. A name opens the public addresses it resolves to; the inside takes a CIDR. */
export interface ConnectGrant {
  readonly host:
    /** Every name and every public address. */
    | { readonly kind: "public" }
    | { readonly kind: "name"; readonly name: string }
    /** `*.name`: every name below it, not itself. */
    | { readonly kind: "subdomains"; readonly name: string }
    | { readonly kind: "cidr"; readonly address: string; readonly prefix: number }
    | { readonly kind: "unix"; readonly path: string };
  readonly ports: PortRange;
}

/** Where the guest may listen, in its own (virtual) ports. */
export interface ListenGrant {
  /** Address to bind, or undefined for any; or `unix:` and the absolute path of a Unix socket, whose port is 0. */
  readonly address?: string | undefined;
  readonly ports: PortRange;
}

/** A guest port that is reachable on a port of the host; the guest may listen on it. */
export interface PublishGrant {
  readonly address?: string | undefined;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** Nothing but clocks, randomness and stdio. */
export const defaultGrants: Grants = {
  clock: { kind: "real" },
  random: { kind: "system" },
  stdio: ["stdin", "stdout", "stderr"],
  env: {},
  files: [],
  config: {},
  keyvalue: [],
  log: { kind: "none" },
  net: { connect: [], listen: [], publish: [], dns: false },
};

/** Nothing at all. */
export const noGrants: Grants = {
  clock: { kind: "none" },
  random: { kind: "none" },
  stdio: [],
  env: {},
  files: [],
  config: {},
  keyvalue: [],
  log: { kind: "none" },
  net: { connect: [], listen: [], publish: [], dns: false },
};
