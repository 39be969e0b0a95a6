import { readdirSync, readFileSync } from "node:fs";
import {
  coreParameters,
  draftInterfaces,
  preview1Modules,
  wasi02Interfaces,
  wasmedgeVersions,
} from "../src/abi/index.ts";
import { errorCatalog, type ErrorCode, SampanError } from "../src/base/index.ts";
import { boundaries, type Boundary, freeModules, type Room, rooms } from "../src/boundaries.ts";
import { statusOf } from "../src/cli/exit-status.ts";
import { supportDocument } from "../src/compose/index.ts";
import { serveSchema } from "../src/serve/config/form.ts";
import { settingsDocument } from "../src/serve/index.ts";
import { lintConfig } from "../src/lint-config.ts";

/** A file of the repository that is made from a table. */
export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: () => string;
}

const notice = "<!-- Made by docs/generate.ts: edit the table that it is made from. -->";
const root = new URL("../", import.meta.url);

/** Every generated file, as it should be now. */
export function generatedFiles(): GeneratedFile[] {
  return [
    { path: ".oxlintrc.json", text: () => `${JSON.stringify(lintConfig(), undefined, 2)}\n` },
    { path: "docs/ERRORS.md", text: errorsDocument },
    { path: "docs/PREVIEW1.md", text: preview1Document },
    { path: "docs/WASI02.md", text: wasi02Document },
    { path: "docs/ARCHITECTURE.md", text: architectureDocument },
    { path: "docs/guides/compose-support.md", text: () => `${notice}\n\n${supportDocument(table)}` },
    { path: "docs/guides/serve-settings.md", text: () => `${notice}\n\n${settingsDocument(table)}` },
    { path: "docs/guides/serve.schema.json", text: () => `${JSON.stringify(serveSchema(), undefined, 2)}\n` },
  ];
}

/** A Markdown table; a bar within a cell is escaped. */
function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(head), row(head.map(() => "---")), ...lines.map(row)].join("\n");
}

const kindMeanings = {
  user: "what was asked for cannot be done; the message says what would work",
  denied: "a grant is missing or too narrow; the message says which flag gives it",
  unavailable: "this system or build lacks something",
  bug: "a defect of Sampan's; it has no code and prints its stack",
};

function errorsDocument(): string {
  const codes = Object.keys(errorCatalog) as ErrorCode[];
  const areas = [...new Set(codes.map((code) => code.split("_", 1)[0] ?? ""))];
  const sections = areas.map((area) => {
    const ofArea = codes.filter((code) => code.startsWith(`${area}_`));
    const lines = ofArea.map((code) => {
      const { kind, meaning } = errorCatalog[code];
      return [`\`${code}\``, kind, String(statusOf(new SampanError(code, ""))), meaning];
    });
    return `## ${area}\n\n${table(["code", "kind", "exit", "meaning"], lines)}`;
  });
  const kinds = Object.entries(kindMeanings).map(([kind, meaning]) => `- \`${kind}\`: ${meaning}`);
  return `${notice}

# Errors

Every error that Sampan raises on purpose has a code. A code never changes its meaning and is never used again. The
command prints it behind the message; what to type next, where there is something, stands in the line below.

Each code has a kind:

${kinds.join("\n")}

\`exit\` is the status with which \`sampan\` ends for it.

${sections.join("\n\n")}
`;
}

const olderName = "wasi_unstable";

/** Folders of `src/abi/` with tests of calls. */
const testFolders = ["preview1", "wasmedge"];

/** The files that test a call, from `src/abi/`: those with a test whose name has the call's name and "()". */
export function testsOf(call: string): string[] {
  return testFolders.flatMap((part) => {
    const folder = new URL(`src/abi/${part}/`, root);
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    const isTested = (name: string): boolean => {
      const titles = readFileSync(new URL(name, folder), "utf8").matchAll(/\b(?:test|it)\(\s*(["'`])(.*?)\1/g);
      return [...titles].some(([, , title = ""]) => new RegExp(`(?<!\\w)${call}\\(\\)`).test(title));
    };
    return files
      .toSorted()
      .filter(isTested)
      .map((name) => `${part}/${name}`);
  });
}

function testLinks(call: string): string {
  return testsOf(call)
    .map((file) => `[${file}](../src/abi/${file})`)
    .join(", ");
}

function preview1Document(): string {
  const { wasi_snapshot_preview1: current = {}, [olderName]: older = {} } = preview1Modules;
  const lines = Object.entries(current)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { docs }]) => {
      return [`\`${name}\``, docs.effect, docs.errors.join(", "), docs.instead ?? "", testLinks(name)];
    });
  const missing = Object.keys(current).filter((name) => !Object.hasOwn(older, name));
  const differing = Object.keys(older).filter((name) => Object.hasOwn(current, name) && older[name] !== current[name]);
  return `${notice}

# Preview 1

Sampan provides the ${Object.keys(current).length} calls of \`wasi_snapshot_preview1\` and the ${Object.keys(older).length} of the older \`${olderName}\`. The older one lacks
${listed(missing)}; ${listed(differing)} have its own layouts and numbers there.

"errors" are those that a call produces by itself, in preview 1's names; the system's errors come beside them (a full
disk is \`nospc\`). A guest that lacks a grant sees \`perm\`, or \`notcapable\` where no granted folder begins its path:
\`sampan run --trace\` tells which grant that is.
"instead" says what happens where the specification's effect cannot be had. "test" names the files with tests of the
call.

${table(["call", "effect", "errors", "instead", "test"], lines)}

## WasmEdge's socket calls

Guests import them from \`wasi_snapshot_preview1\` as well. WasmEdge has had two versions of some under one name: the type of
a guest's import tells which one it means, and a guest may mean both. Addresses, names and options are laid out as
WasmEdge lays them out. A guest that lacks a grant sees \`acces\`, or \`aifail\` for a name.

${table(["call", "parameters", "effect", "errors", "instead", "test"], wasmedgeLines())}
`;
}

function wasi02Document(): string {
  const types = JSON.parse(readFileSync(new URL("src/abi/wasi-0.2/functions.json", root), "utf8")) as Record<
    string,
    Record<string, string>
  >;
  const sections = Object.entries(wasi02Interfaces).map(([name, { rows }]) => {
    const lines = Object.entries(rows).map(([function_, { docs, mayWait, feature }]) => {
      const type = types[name]?.[function_] ?? "";
      const notes = [
        ...(mayWait === true ? ["may wait"] : []),
        ...(feature === undefined ? [] : [`\`--feature ${feature}\``]),
      ];
      return [`\`${function_}\``, type === "" ? "" : `\`${type}\``, docs, notes.join(", ")];
    });
    return `## \`${name}\`\n\n${table(["function", "type", "effect", "notes"], lines)}`;
  });
  return `${notice}

# WASI 0.2

Sampan provides these interfaces under each version from 0.2.0 on: a function that came later than the version that a
component names is there all the same. A component is granted what a preview 1 module is granted, by the same flags; what
it was not granted fails with \`not-permitted\`, and \`sampan run --trace\` tells which flag would allow it. Functions
without an error to answer (clocks, randomness) end a guest that was not granted them.

A function that "may wait" suspends an instance that is bound async, and blocks the thread of one that is bound sync. One
with \`--feature\` is marked unstable by its package, and refused with \`COMPONENT_FEATURE_OFF\` until that is typed.

${sections.join("\n\n")}

## Drafts and others' interfaces

These are provided under exactly these names and versions: what a draft's next version means nobody knows. Each takes a grant
of its own: \`--config\`, \`--keyvalue\`, \`--log\`, and for databases \`--allow-net\`.

${draftSections().join("\n\n")}
`;
}

/** A section for each table of drafts, with all the names that it has. */
function draftSections(): string[] {
  const tables = Map.groupBy(Object.keys(draftInterfaces), (name) => draftInterfaces[name]);
  return [...tables].map(([itsInterface, names]) => {
    const lines = Object.entries(itsInterface?.rows ?? {}).map(([function_, { docs, mayWait }]) => {
      return [`\`${function_}\``, docs, mayWait === true ? "may wait" : ""];
    });
    const title = names.map((name) => `\`${name}\``).join(", ");
    return `### ${title}\n\n${table(["function", "effect", "notes"], lines)}`;
  });
}

/** A line for each call, with every name that it has. */
function wasmedgeLines(): string[][] {
  const { wasi_snapshot_preview1: own = {} } = preview1Modules;
  const names = new Map<(typeof own)[string], string[]>();
  for (const [name, rows] of Object.entries(wasmedgeVersions))
    for (const row of rows) names.set(row, [...(names.get(row) ?? []), name]);
  const lines = [...names].map(([row, called]) => {
    const { docs, params, result } = row;
    const parameters = params.flatMap(([label, { core }]) => (core.length === 2 ? [label, "…"] : [label]));
    const results = Array.from({ length: result?.pointers ?? 0 }, () => "→");
    const count = coreParameters(row).length;
    const as = Object.keys(own).find((name) => own[name] === row);
    const effect = as === undefined ? docs.effect : `\`${as}\` of preview 1.`;
    const errors = as === undefined ? docs.errors.join(", ") : "";
    const shown = `${count}: ${[...parameters, ...results].join(" ")}`;
    const [tested = ""] = as === undefined ? called : [as];
    return [
      called.map((name) => `\`${name}\``).join(", "),
      shown,
      effect,
      errors,
      docs.instead ?? "",
      testLinks(tested),
    ];
  });
  return lines.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
}

function listed(names: readonly string[]): string {
  const quoted = names.map((name) => `\`${name}\``);
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} and ${quoted.at(-1)}`;
}

const begin = "<!-- import table: made by docs/generate.ts from src/boundaries.ts -->";
const end = "<!-- end of the import table -->";

/** The document as it stands, with its import table made anew. */
function architectureDocument(): string {
  const text = readFileSync(new URL("docs/ARCHITECTURE.md", root), "utf8");
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/ARCHITECTURE.md lacks "${begin}" or "${end}"`);
  return `${before}${begin}\n\n${importTable()}\n\n${end}${after}`;
}

function importTable(): string {
  const free = freeModules.join(", ");
  const lines = rooms.map((room) => [
    `\`${room}\``,
    importedRooms(boundaries[room]),
    importedModules(boundaries[room]),
  ]);
  return table(["room", "may import, besides base", `modules of Node's, besides ${free}`], lines);
}

function importedRooms(boundary: Boundary): string {
  const parts: readonly Room[] = boundary.rooms;
  const types = (boundary.types ?? []).map((room) => `types of ${room}`);
  const apart = boundary.apart === undefined ? [] : [`its folders ${boundary.apart.join(", ")} not one another`];
  return (
    [...parts, ...types, ...(boundary.native === true ? ["base/native.ts"] : []), ...apart].join(", ") || "nothing"
  );
}

function importedModules({ node, packages = [], alone = {} }: Boundary): string {
  const modules = node === "any" ? ["any"] : node === "none" ? ["none, nor those"] : node;
  const single = Object.entries(alone).map(([file, names]) => `${names.join(", ")} in ${file} alone`);
  return [...modules, ...single, ...packages.map((name) => `the package ${name}`)].join(", ");
}
