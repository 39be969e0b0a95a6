import { homedir, tmpdir } from "node:os";
import { isatty } from "node:tty";
import { printable, SampanError } from "../base/index.ts";
import { capabilityOfFlag, type CapabilityName } from "../capabilities/index.ts";
import { hostAndPort, placesOf } from "../runtime/index.ts";
import {
  cgiSettings,
  clientLimits,
  finish,
  flagOf,
  joinValues,
  placeText,
  readServeFile,
  readServeFlags,
  runSession,
  type ServeConfig,
  type Server,
  serverSettings,
  type ServeValues,
  type Setting,
  supervise,
  supervisedBy,
  trustSetting,
  workloadFlags,
  workloadSettings,
} from "../serve/index.ts";
import type {
  Command,
  CommandSpec,
  OptionGroup,
  OptionSpec,
  ParsedCommand,
  Surroundings,
  TypedOption,
} from "./command.ts";
import { grantGroups, grantsOf } from "./grant-options.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { columns } from "./text.ts";

type Table = Readonly<Record<string, Setting<unknown>>>;

function optionsOf(table: Table, except: readonly string[] = []): OptionSpec[] {
  return Object.entries(table)
    .filter(([key]) => !except.includes(key))
    .map(([key, setting]) => optionOf(key, setting));
}

function optionOf(key: string, setting: Setting<unknown>): OptionSpec {
  const { value, summary, byDefault } = setting;
  return { long: flagOf(key, setting), value, summary: `${summary} (default: ${byDefault})` };
}

/** Of what clients may take, these have flags; a file has all. */
const { body } = clientLimits;

/** Who serves is not asked for ports of the machine: there is one, and it is --addr. */
const unserved: readonly CapabilityName[] = ["net.publish"];

const servedGrants: readonly OptionGroup[] = grantGroups.map(({ heading, options }) => ({
  heading,
  options: options.filter(({ long }) => {
    const name = capabilityOfFlag(long);
    return name === undefined || !unserved.includes(name);
  }),
}));

const spec: CommandSpec = {
  name: "serve",
  summary: "Put HTTP in front of components: each request in a sandbox of its own",
  usage: "sampan serve [options] [FILE]",
  example: "sampan serve --addr 127.0.0.1:8080 app.wasm",
  operands: "word",
  groups: [
    {
      heading: "Serving",
      options: [
        ...optionsOf(serverSettings, ["worker-heap"]).slice(0, 1),
        { long: "--route", value: "[HOST]/PATH=FILE", summary: "Which requests a component gets; may be repeated" },
        { long: "--file", short: "-f", value: "FILE", summary: "Take all of this from a YAML file; flags come on top" },
        { long: "--watch", summary: "Take a file that changes without losing a request; SIGHUP does so once" },
        ...optionsOf(serverSettings).slice(1),
        optionOf("trust", trustSetting),
        optionOf("body", body),
        { long: "--no-supervisor", summary: "Serve in this process, which nobody starts again when it dies" },
        { long: "--json", summary: "Say where it listens as a line of JSON on stderr" },
      ],
    },
    {
      heading: "Workloads on the command line",
      options: [
        ...optionsOf(workloadSettings),
        {
          long: "--feature",
          value: "NAME",
          summary: "Give them what packages mark unstable under that name; may be repeated",
        },
        { long: "--cgi", summary: "They are CGI programs, such as php-cgi" },
        ...optionsOf(cgiSettings),
      ],
    },
    ...servedGrants,
  ],
};

/** `sampan serve`: HTTP in front of components. */
export const serveCommand: Command = { spec, execute: executeServe };

async function executeServe(typed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const parsed = withFile(typed);
  const { env, complain, print } = surroundings;
  const tell = (line: string): void => complain(`sampan: ${printable(line)}\n`);
  if (env[supervisedBy] === undefined && !hasSwitch(parsed, "--no-supervisor")) {
    return supervise({ args: [...process.execArgv, ...process.argv.slice(1)], env, tell });
  }
  const { run } = placesOf({ env, home: homedir(), temporary: tmpdir(), uid: process.getuid?.() ?? 0 });
  return runSession({
    run,
    print,
    tell,
    load: () => loadConfig(parsed, surroundings),
    onListening: (server) => complain(hasSwitch(parsed, "--json") ? jsonLine(server) : listeningText(server)),
  });
}

/** Elsewhere servers have `--config FILE`, which here grants a value NAME=VALUE: without one it can only be the file. */
function withFile({ options, operands }: ParsedCommand): ParsedCommand {
  const isFile = ({ option, value }: TypedOption): boolean => option === "--config" && value?.includes("=") === false;
  return { operands, options: options.map((each) => (isFile(each) ? { ...each, option: "--file" } : each)) };
}

/** What the command line and the file that it names come to. */
async function loadConfig(
  parsed: ParsedCommand,
  surroundings: Surroundings,
): Promise<{ config: ServeConfig; watch: boolean }> {
  const { cwd, env } = surroundings;
  const [file] = parsed.operands;
  const path = lastValue(parsed, "--file");
  const { grants } = await grantsOf(parsed, surroundings);
  const typed = readServeFlags({ flags: parsed.options, file, grants, cwd });
  const watch = hasSwitch(parsed, "--watch");
  if (path === undefined) {
    if (typed.workloads.length === 0) throw nothingToServe();
    return { config: finish(typed), watch };
  }
  if (typed.workloads.length === 0) checkWorkloadFlags(parsed, path);
  const read = await readServeFile(path, { cwd, lookup: (name) => env[name] });
  const values: ServeValues = joinValues(read, typed);
  return { config: finish(values), watch: watch || read.watch };
}

function nothingToServe(): SampanError {
  return new SampanError("CLI_USAGE", "Cannot serve without a FILE, a --route or a --file", {
    hint: `usage: ${spec.usage}`,
  });
}

/** What flags are called in a file, where that is another word. */
const keyOf: Readonly<Record<string, string>> = {
  "--cgi": "kind: cgi",
  "--dir": "volumes:",
  "--feature": "features:",
  "--volume": "volumes:",
};

/** Flags that would have no effect: the file says these things of each workload. */
function checkWorkloadFlags({ options }: ParsedCommand, path: string): void {
  const grants = options.flatMap(({ option }) => (capabilityOfFlag(option) === undefined ? [] : option));
  const [first] = [...workloadFlags(options), ...grants];
  if (first === undefined) return;
  throw new SampanError(
    "CLI_USAGE",
    `Cannot read ${first}: it is for workloads on the command line, and there is none`,
    {
      hint: `write it in "${path}" as ${keyOf[first] ?? `${first.slice(2)}:`} below the workload, or add a --route`,
    },
  );
}

function listeningText(server: Server): string {
  const { adminAddress } = server;
  const rows = server.routes();
  const lines = [`Serving ${urlOf(server)}`];
  const shown = rows.length > mostRows ? rows.slice(0, mostRows) : rows;
  if (rows.length > 1 || isatty(2)) {
    const table = shown.map(({ host, path, file, kind }): readonly [string, string] => [
      printable(placeText({ host, path })),
      printable(kind === "component" ? file : `${file} (${kind})`),
    ]);
    lines.push(...columns(table, { width: process.stderr.columns || 80 }));
  }
  if (shown.length < rows.length) lines.push(`  … and ${rows.length - shown.length} more routes`);
  if (adminAddress !== undefined) {
    const { host, port } = adminAddress;
    lines.push(`Metrics and health at http://${hostAndPort(shownHost(host), port)}/metrics, /healthz and /readyz`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** Most routes that are told. */
const mostRows = 20;

function urlOf({ address: { host, port }, isSecure }: Server): string {
  return `${isSecure ? "https" : "http"}://${hostAndPort(shownHost(host), port)}/`;
}

/** All addresses of a machine are none that somebody could type. */
function shownHost(host: string): string {
  return host === "0.0.0.0" || host === "::" ? "localhost" : host;
}

function jsonLine(server: Server): string {
  const { address, adminAddress, config } = server;
  const data = {
    url: urlOf(server),
    ...address,
    admin: adminAddress,
    workers: config.workers,
    routes: server.routes(),
  };
  return `${JSON.stringify(data)}\n`;
}
