import { basename } from "node:path";
import { formatBytes, printable, SampanError } from "../base/index.ts";
import { compileGuest, isProvided } from "../engine/index.ts";
import { type ComponentType, decodeComponent } from "../wasm/component/index.ts";
import { type ComponentInfo, type ModuleInfo, type Producers } from "../wasm/index.ts";
import { printResolution, witFeatures } from "../wasm/wit/index.ts";
import { describeArtifact, externText, functionText } from "./artifact.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { hasFunctions, lackedOf } from "./lacked-imports.ts";
import { type Need, needsOf } from "./needs.ts";
import { hasSwitch } from "./parse.ts";
import { witOfBinary } from "./wit-files.ts";
import { readArtifact } from "./files.ts";
import { stdoutStyle, type Style } from "./style.ts";
import { columns, joinLines, jsonText, leftWidth } from "./text.ts";

const spec: CommandSpec = {
  name: "inspect",
  summary: "Show what a module or component imports, exports and will ask for",
  usage: "sampan inspect FILE [--json]",
  example: "sampan inspect app.wasm",
  operands: "file",
  groups: [{ heading: "Output", options: [{ long: "--json", summary: "Print it as data" }] }],
};

/** `sampan inspect`: says what a file declares, without running any of it. */
export const inspectCommand: Command = { spec, execute: inspect };

function inspect(parsed: ParsedCommand, { print, env }: Surroundings): number {
  const [file = ""] = parsed.operands;
  const { bytes } = readArtifact(file);
  const info = describeArtifact(bytes, file);
  const inspection = info.kind === "module" ? inspectModule(info, bytes, file) : inspectComponent(info, bytes, file);
  print(hasSwitch(parsed, "--json") ? jsonText(inspection) : joinLines(report(inspection, stdoutStyle(env))));
  return 0;
}

/**
 * What `sampan inspect --json` prints. The keys stay as they are; new ones may join them.
 *
 * A module has all of these; a component lacks `start`, `role`, `functions`, `memories`, `features`, `targetFeatures` and
 * `debugInfo`, and has `coreModules`, `components` and `wit` instead. Sizes are in bytes, and `null` says that there is none.
 */
export interface Inspection {
  readonly file: string;
  readonly kind: "module" | "component";
  readonly size: number;
  /** The binary format's version. */
  readonly version: number;
  /** From the name section. */
  readonly name: string | null;
  /** Whether `sampan run` can start it, or else the reason. */
  readonly runnable: boolean;
  readonly obstacle: string | null;
  readonly producers: Producers;
  /** What it is made for: `wasi_snapshot_preview1`, `wasi_unstable`, `wasmedge-sockets`, `emscripten`, `wasi-0.2` … */
  readonly abis: readonly string[];
  readonly imports: readonly InspectedImport[];
  readonly exports: readonly InspectedExport[];
  /** Capabilities that it will ask for, each with the form of the flag to type; `byDefault` ones need no flag. */
  readonly grants: readonly Need[];
  readonly customSections: readonly { readonly name: string; readonly size: number }[];
  /** `command` has a `_start`, `reactor` an `_initialize`, `library` neither. */
  readonly role?: "command" | "reactor" | "library";
  /** Number of functions, imported ones included. */
  readonly functions?: number;
  readonly memories?: readonly InspectedMemory[];
  /** The function that runs at instantiation. */
  readonly start?: { readonly index: number; readonly name: string | null } | null;
  readonly debugInfo?: boolean;
  /** Proposals that the declarations use. */
  readonly features?: readonly string[];
  /** Features that the compiler was allowed to use. */
  readonly targetFeatures?: readonly string[];
  readonly coreModules?: number;
  readonly components?: number;
  /** A component's world, or a package of WIT in its binary form, as WIT that is complete in itself. */
  readonly wit?: string | null;
}

/** One import: `module` is null in a component, whose names have no such part. */
export interface InspectedImport {
  readonly module: string | null;
  readonly name: string;
  readonly kind: string;
  readonly type: string;
  /** Whether Sampan provides it. */
  readonly provided: boolean;
}

/** One export. */
export interface InspectedExport {
  readonly name: string;
  readonly kind: string;
  readonly type: string;
}

/** One memory; `max` is null where it says none. */
export interface InspectedMemory {
  readonly min: number;
  readonly max: number | null;
  readonly shared: boolean;
  readonly is64: boolean;
  readonly imported: boolean;
}

function inspectModule(info: ModuleInfo, bytes: Uint8Array<ArrayBuffer>, file: string): Inspection {
  const obstacle = obstacleOf(info, bytes, file) ?? null;
  const hasFunction = (wanted: string): boolean =>
    info.exports.some(({ name, kind }) => kind === "function" && name === wanted);
  return {
    file: basename(file),
    kind: "module",
    size: info.size,
    version: info.version,
    name: info.moduleName ?? null,
    runnable: obstacle === null,
    obstacle,
    role: hasFunction("_start") ? "command" : hasFunction("_initialize") ? "reactor" : "library",
    producers: info.producers,
    abis: abisOf(info),
    imports: info.imports.map((each) => ({
      module: each.module,
      name: each.name,
      kind: each.kind,
      type: externText(each),
      provided: isProvided(each),
    })),
    exports: info.exports.map(({ name, kind, type }) => ({
      name,
      kind,
      type: type === undefined ? kind : `${kind} ${functionText(type)}`,
    })),
    functions: info.functionCount,
    memories: info.memories.map(({ min, max, pageSize, shared, is64, imported }) => ({
      min: min * pageSize,
      max: max === undefined ? null : max * pageSize,
      shared,
      is64,
      imported,
    })),
    start: info.start === undefined ? null : { index: info.start, name: info.functionName(info.start) ?? null },
    debugInfo: info.hasDebugInfo,
    features: info.features,
    targetFeatures: info.targetFeatures,
    grants: needsOf(info),
    customSections: info.customSections,
  };
}

/** Why `sampan run` would not start a module, or undefined. */
function obstacleOf(info: ModuleInfo, bytes: Uint8Array<ArrayBuffer>, file: string): string | undefined {
  const missing = info.imports.filter((each) => !isProvided(each));
  if (missing.length > 0) {
    const names = missing.slice(0, 5).map(({ module, name }) => `${module}.${name}`);
    return `nobody provides ${names.join(", ")}${missing.length > 5 ? ` and ${missing.length - 5} more` : ""}`;
  }
  try {
    compileGuest(bytes, { name: basename(file) });
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    return error.message.replace(/^Cannot run ".*?": /, "");
  }
  const hasFunction = info.exports.some(({ kind }) => kind === "function");
  return hasFunction ? undefined : "it exports no function";
}

const socketCalls =
  /^sock_(open|bind|listen|connect|recv_from|send_to|getaddrinfo|getlocaladdr|getpeeraddr|[gs]etsockopt)/;

function abisOf({ imports }: ModuleInfo): string[] {
  const abis = new Set<string>();
  for (const { module, name } of imports) {
    if (module === "wasi_snapshot_preview1" && socketCalls.test(name)) abis.add("wasmedge-sockets");
    else if (module === "env" && /^(emscripten_|__syscall_|_emscripten_|__cxa_|invoke_)/.test(name))
      abis.add("emscripten");
    else if (module === "gojs" || module === "go") abis.add("gojs");
    else if (module === "__wbindgen_placeholder__" || module === "wbg") abis.add("wasm-bindgen");
    else if (module.startsWith("wasi")) abis.add(module);
  }
  return [...abis].sort();
}

function inspectComponent(info: ComponentInfo, bytes: Uint8Array<ArrayBuffer>, file: string): Inspection {
  const abis = [...info.imports, ...info.exports].flatMap(abiOf);
  const { wit, type, problem } = componentWit(bytes);
  const lacking = (name: string): string[] => (type === undefined ? [name] : lackedOf(name, type.imports.get(name)));
  const obstacle = problem ?? obstacleOfComponent(type, lacking);
  return {
    file: basename(file),
    kind: "component",
    size: info.size,
    version: info.version,
    name: null,
    runnable: obstacle === null,
    obstacle,
    producers: info.producers,
    abis: [...new Set(abis)].sort(),
    imports: info.imports.map(({ name, kind }) => ({
      module: null,
      name,
      kind,
      type: kind,
      provided: lacking(name).length === 0,
    })),
    exports: info.exports.map(({ name, kind }) => ({ name, kind, type: kind })),
    coreModules: info.coreModules,
    components: info.components,
    grants: needsOf(info),
    customSections: info.customSections,
    wit,
  };
}

/** The packages of WASI that have a version in common. */
const releasedTogether = /^wasi:(?:cli|clocks|filesystem|http|io|random|sockets)\//;

/** What of WASI an import or export belongs to: a release such as `wasi-0.2`, or a draft such as `wasi:keyvalue`. */
function abiOf({ name, version }: { readonly name: string; readonly version?: string | undefined }): string[] {
  if (!name.startsWith("wasi:")) return [];
  if (!releasedTogether.test(name)) return [name.replace(/[/@].*$/, "")];
  return [`wasi-${/^\d+\.\d+/.exec(version ?? "")?.[0] ?? "unversioned"}`];
}

interface ReadComponent {
  readonly wit: string | null;
  readonly type: ComponentType | undefined;
  readonly problem: string | null;
}

/** A component's WIT, or why it has none: it is not valid, needs what this build does not have, or is too large to write. */
function componentWit(bytes: Uint8Array<ArrayBuffer>): ReadComponent {
  let type: ComponentType | undefined;
  try {
    type = decodeComponent(bytes, { features: witFeatures }).type;
    return { wit: printResolution(witOfBinary(bytes)), type, problem: null };
  } catch (error) {
    const isKnown = error instanceof SampanError && /^(?:COMPONENT_|WIT_)/.test(error.code);
    if (!isKnown) throw error;
    return { wit: null, type, problem: type === undefined ? error.message : null };
  }
}

function obstacleOfComponent(type: ComponentType | undefined, lacking: (name: string) => string[]): string | null {
  if (type === undefined) return null;
  const missing = [...type.imports.keys()].flatMap(lacking);
  if (missing.length > 0) {
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    return `nobody provides ${missing.slice(0, 5).join(", ")}${more}`;
  }
  return [...type.exports.values()].some(hasFunctions) ? null : "it exports no function";
}

/** The lines for people. */
function report(inspection: Inspection, { width, heading }: Style): string[] {
  const facts = factsOf(inspection);
  const left = leftWidth(facts.map(([name]) => name));
  return [
    ...columns(facts, { width, indent: 0, left }),
    ...section(heading("Imports"), importLines(inspection.imports)),
    ...section(
      heading("Exports"),
      columns(
        inspection.exports.map(({ name, type }) => [printable(name), type]),
        { width },
      ),
    ),
    ...section(heading("Grants it will ask for"), grantLines(inspection.grants, width)),
    ...(typeof inspection.wit === "string" ? section(heading("WIT"), witLines(inspection.wit)) : []),
  ];
}

/** The WIT without the packages of WASI, which are the same in every component. */
function witLines(wit: string): string[] {
  const [own = "", ...others] = wit.split(/\n(?=package )/);
  const isWasi = (each: string): boolean => each.startsWith("package wasi:");
  const left = others.filter(isWasi).map((each) => / (\S+)/.exec(each)?.[1] ?? "");
  const shown = [own, ...others.filter((each) => !isWasi(each))].join("\n").trimEnd().split("\n");
  const note = left.length === 0 ? [] : ["", `// ${left.join(", ")}: in --json`];
  return [...shown, ...note].map((line) => (line === "" ? "" : `  ${printable(line)}`));
}

function section(title: string, lines: readonly string[]): string[] {
  return ["", title, ...(lines.length === 0 ? ["  none"] : lines)];
}

function factsOf(inspection: Inspection): [string, string][] {
  const { file, kind, size, role, exports, producers, abis, runnable, obstacle } = inspection;
  const tools = [...producers.language, ...producers.processedBy, ...producers.sdk].map(({ name, version }) =>
    // What stands in brackets, such as an address, is for --json.
    printable(`${name} ${version}`.replace(/ \(.*\)$/, "").trim()),
  );
  const roles = {
    command: ", a command (it has _start)",
    reactor: ", a reactor (it has _initialize, and functions to call)",
    library: exports.some((each) => each.kind === "function")
      ? ", a library (it has functions to call)"
      : ", a library without a function to call",
  } as const;
  const facts: [string, string][] = [
    ["File", `${printable(file)}, ${formatBytes(size)}`],
    ["Kind", `${kind}${role === undefined ? "" : roles[role]}`],
    ["Runs here", runnable ? howToRun(inspection) : `no: ${printable(obstacle ?? "")}`],
    ["Made by", tools.length === 0 ? "not said" : tools.join(", ")],
    ["ABI", abis.length === 0 ? "none" : printable(abis.join(", "))],
  ];
  if (kind === "component") {
    const parts = [counted(inspection.coreModules, "core module"), counted(inspection.components, "component")];
    facts.push(["Contains", parts.join(", ")]);
    return facts;
  }
  const memories = inspection.memories ?? [];
  const { start, features = [], targetFeatures = [] } = inspection;
  facts.push(
    ["Functions", String(inspection.functions ?? 0)],
    ["Memory", memories.length === 0 ? "none" : memories.map(memoryText).join("; ")],
    ["Start", start ? printable(start.name ?? `function ${start.index}`) : "no start function"],
    ["Debug info", inspection.debugInfo === true ? "yes" : "no"],
    [
      "Features",
      [...new Set([...features, ...targetFeatures.map(printable)])].join(", ") || "none beyond the first edition",
    ],
  );
  return facts;
}

function counted(count = 0, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function howToRun({ kind, role, exports }: Inspection): string {
  if (kind === "module") return role === "command" ? "yes" : "yes, with --invoke NAME";
  const has = (name: RegExp): boolean => exports.some((each) => name.test(each.name));
  const ways = [
    ...(has(/^wasi:cli\/run(@|$)/) ? ["yes"] : []),
    ...(has(/^wasi:http\/incoming-handler@0\.2\./) ? ["yes, with sampan serve"] : []),
  ];
  return ways.length === 0 ? "yes, with --invoke 'INTERFACE#FUNCTION(ARGUMENTS)'" : ways.join("; ");
}

function memoryText({ min, max, shared, is64, imported }: InspectedMemory): string {
  const most = max === null ? "without a limit of its own" : `at most ${formatBytes(max)}`;
  const traits = [shared ? "shared" : "", is64 ? "64-bit" : "", imported ? "imported" : ""].filter(
    (text) => text !== "",
  );
  return [`${formatBytes(min)} to begin with, ${most}`, ...traits].join(", ");
}

function importLines(imports: readonly InspectedImport[]): string[] {
  const modules = new Map<string, InspectedImport[]>();
  for (const each of imports) {
    const key = each.module ?? "";
    modules.set(key, [...(modules.get(key) ?? []), each]);
  }
  return [...modules].flatMap(([module, list]) => {
    const left = Math.max(...list.map(({ name }) => printable(name).length));
    const note = (provided: boolean): string => (provided ? "" : "  not provided");
    return [
      ...(list[0]?.module === null ? [] : [`  ${printable(module)}`]),
      ...list.map(({ name, type, provided }) => `    ${printable(name).padEnd(left)}  ${type}${note(provided)}`),
    ];
  });
}

function grantLines(needs: readonly Need[], width: number): string[] {
  return columns(
    needs.map(({ flag, byDefault, imports }) => {
      const why = imports.map(printable).join(", ");
      const [name = ""] = flag.split(" ");
      return byDefault ? [name, `${why} (granted by default; ${name} none takes it away)`] : [flag, why];
    }),
    { width },
  );
}
