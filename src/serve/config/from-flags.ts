import { basename, resolve } from "node:path";
import { SampanError } from "../../base/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { ServeValues, WorkloadValues } from "./finish.ts";
import type { RouteConfig } from "./model.ts";
import { parseRoute } from "./route.ts";
import {
  cgiSettings,
  clientLimits,
  flagOf,
  serverSettings,
  type Setting,
  trustSetting,
  type ValuesOf,
  workloadSettings,
} from "./settings.ts";

/** A flag by its long name, and its value unless it is a switch. */
export interface ServeFlag {
  readonly option: string;
  readonly value?: string;
}

/** What a command line says beside the grants. */
export interface ServeCommandLine {
  readonly flags: readonly ServeFlag[];
  /** The operand: the component or module for all requests. */
  readonly file: string | undefined;
  /** What all workloads of the command line may do. */
  readonly grants: Grants;
  readonly cwd: string;
}

/** Reads a command line; `workloads` is empty where it names none. @throws SERVE_CONFIG_INVALID, CLI_USAGE */
export function readServeFlags({ flags, file, grants, cwd }: ServeCommandLine): ServeValues {
  const routes: RouteConfig[] = [];
  const files = new Map<string, string>();
  const add = (path: string, place: Omit<RouteConfig, "to">): void => {
    const name = files.get(path) ?? freeName(path, [...files.values()]);
    files.set(path, name);
    routes.push({ ...place, to: name });
  };
  if (file !== undefined) add(file, { host: undefined, path: "/" });
  for (const typed of valuesOf(flags, "--route")) {
    const { file: path, ...place } = named("--route", () => parseRoute(typed));
    add(path, place);
  }
  const common = {
    folder: cwd,
    kind: flags.some(({ option }) => option === "--cgi") ? ("cgi" as const) : undefined,
    args: [],
    features: valuesOf(flags, "--feature"),
    grants,
    settings: read(flags, workloadSettings),
    cgi: read(flags, cgiSettings),
    defaultWarm: 1,
  };
  const workloads = [...files].map(([path, name]): WorkloadValues => ({ ...common, name, file: path }));
  return {
    server: serverValues(flags, cwd),
    limits: read(flags, clientLimits),
    trusted: valuesOf(flags, "--trust").map((typed) => named("--trust", () => trustSetting.parse(typed))),
    workloads,
    routes,
    sources: [],
    folder: cwd,
  };
}

/** What is said of the server; its audit log is where the command is typed. */
function serverValues(flags: readonly ServeFlag[], cwd: string): ServeValues["server"] {
  const server = read(flags, serverSettings);
  return server.audit === undefined ? server : { ...server, audit: resolve(cwd, server.audit) };
}

/** The flags among these that say something of workloads, which a file has for each of its own. */
export function workloadFlags(flags: readonly ServeFlag[]): string[] {
  const known = new Set(["--cgi", "--feature", ...[workloadSettings, cgiSettings].flatMap((table) => flagsOf(table))]);
  return flags.flatMap(({ option }) => (known.has(option) ? option : []));
}

/** A file's settings with what the command line says on top: its workloads and routes come beside the file's. */
export function joinValues(file: ServeValues, typed: ServeValues): ServeValues {
  const taken = new Set(file.workloads.map(({ name }) => name));
  const clash = typed.workloads.find(({ name }) => taken.has(name));
  if (clash !== undefined)
    throw new SampanError(
      "SERVE_CONFIG_INVALID",
      `Cannot serve "${clash.file}": the file has a workload "${clash.name}"`,
      {
        hint: `add a route to "${clash.name}" to the file`,
      },
    );
  const { "tls-cert": cert, "tls-key": key, ...server } = typed.server;
  const isTlsTyped = cert !== undefined || key !== undefined;
  const { "tls-cert": _cert, "tls-key": _key, ...fileServer } = file.server;
  return {
    server: { ...(isTlsTyped ? { ...fileServer, ...tls(cert, key) } : file.server), ...server },
    folder: isTlsTyped ? typed.folder : file.folder,
    limits: { ...file.limits, ...typed.limits },
    trusted: [...file.trusted, ...typed.trusted],
    workloads: [...file.workloads, ...typed.workloads],
    routes: [...file.routes, ...typed.routes],
    sources: file.sources,
  };
}

function tls(cert: string | undefined, key: string | undefined): Record<string, string> {
  return { ...(cert === undefined ? {} : { "tls-cert": cert }), ...(key === undefined ? {} : { "tls-key": key }) };
}

type Table = Readonly<Record<string, Setting<unknown>>>;

function flagsOf(table: Table): string[] {
  return Object.entries(table).map(([key, setting]) => flagOf(key, setting));
}

function valuesOf(flags: readonly ServeFlag[], name: string): string[] {
  return flags.flatMap(({ option, value }) => (option === name && value !== undefined ? [value] : []));
}

function read<T extends Table>(flags: readonly ServeFlag[], table: T): ValuesOf<T> {
  const entries = Object.entries(table).flatMap(([key, setting]) => {
    const typed = valuesOf(flags, flagOf(key, setting)).at(-1);
    return typed === undefined ? [] : [[key, named(flagOf(key, setting), () => setting.parse(typed), typed)] as const];
  });
  return Object.fromEntries(entries) as ValuesOf<T>;
}

/** Says which flag it was. */
function named<T>(flag: string, parse: () => T, typed?: string): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    const problem = error.data?.["problem"];
    const value = typed ?? /"([^"]*)"/.exec(error.message)?.[1] ?? "";
    const hint = error.hint?.replace(/^did you mean (?!-)/, `did you mean ${flag} `);
    const message = `Cannot read ${flag} "${value}": ${typeof problem === "string" ? problem : error.message}`;
    throw new SampanError("CLI_OPTION_INVALID", message, { hint });
  }
}

/** A name for a workload that the command line names by its file alone. */
function freeName(path: string, taken: readonly string[]): string {
  const stem = basename(path)
    .replace(/\.(wasm|wat)$/i, "")
    .replaceAll(/[^\w.-]+/g, "-")
    .replace(/^[^a-z0-9]+/i, "");
  const name = stem.slice(0, 60) || "app";
  let free = name;
  for (let count = 2; taken.includes(free); count++) free = `${name}-${count}`;
  return free;
}
