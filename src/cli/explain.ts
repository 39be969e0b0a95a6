import { basename } from "node:path";
import { printable } from "../base/index.ts";
import { explain, type Explanation, type Finding, findings, grantToFlags } from "../capabilities/index.ts";
import { isProvided } from "../engine/index.ts";
import { decodeComponent } from "../wasm/component/index.ts";
import { witFeatures } from "../wasm/wit/index.ts";
import { describeArtifact } from "./artifact.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { readArtifact } from "./files.ts";
import { grantGroups, grantsOf } from "./grant-options.ts";
import { lackedOf } from "./lacked-imports.ts";
import { leftOut, type Need, needsOf } from "./needs.ts";
import { hasSwitch } from "./parse.ts";
import { stdoutStyle, type Style } from "./style.ts";
import { columns, joinLines, jsonText, wrap } from "./text.ts";

const spec: CommandSpec = {
  name: "explain",
  summary: "Say what a guest with these grants can do, and what it cannot",
  usage: "sampan explain [grants] [FILE] [--json]",
  example: "sampan explain -v ./data:/data:ro app.wasm",
  operands: "word",
  groups: [...grantGroups, { heading: "Output", options: [{ long: "--json", summary: "Print it as data" }] }],
};

/** `sampan explain`: predicts what the grants of a command line let a guest do. */
export const explainCommand: Command = { spec, execute: explainGrants };

/** What `sampan explain --json` prints. The keys stay as they are; new ones may join them. */
export interface GrantsReport extends Explanation {
  /** The grants again, as flags that give exactly them; defaults are left out. */
  readonly flags: readonly string[];
  /** Each sentence as data, in their order: what was asked, whether it is allowed, and the words to type if not. */
  readonly probes: readonly Finding[];
  /** What stands against a file; null where none was named. */
  readonly file: FileReport | null;
}

/** What a file's imports ask for beyond the grants. */
export interface FileReport {
  readonly name: string;
  readonly kind: "module" | "component";
  /** What no grant covers, with the form of the flag that would. */
  readonly leftOut: readonly Need[];
  /** Imports that nobody provides, whatever is granted. */
  readonly notProvided: readonly string[];
}

async function explainGrants(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const { grants } = await grantsOf(parsed, surroundings);
  const [file] = parsed.operands;
  const { print, env, cwd } = surroundings;
  const isData = hasSwitch(parsed, "--json");
  const report: GrantsReport = {
    // Data may be read elsewhere: its paths are absolute.
    ...explain(grants, isData ? {} : { cwd }),
    flags: grantToFlags(grants),
    probes: findings(grants),
    file: file === undefined ? null : reportOf(file, grants),
  };
  print(isData ? jsonText(report) : joinLines(linesOf(report, stdoutStyle(env))));
  return 0;
}

function reportOf(file: string, grants: Parameters<typeof leftOut>[1]): FileReport {
  const { bytes } = readArtifact(file);
  const info = describeArtifact(bytes, file);
  return {
    name: basename(file),
    kind: info.kind,
    leftOut: leftOut(needsOf(info), grants),
    notProvided:
      info.kind === "component"
        ? lackedByComponent(bytes)
        : info.imports.filter((each) => !isProvided(each)).map(({ module, name }) => `${module}.${name}`),
  };
}

function lackedByComponent(bytes: Uint8Array<ArrayBuffer>): string[] {
  const { imports } = decodeComponent(bytes, { features: witFeatures }).type;
  return [...imports].flatMap(([name, extern]) => lackedOf(name, extern));
}

function linesOf({ can, cannot, file }: GrantsReport, { width, heading }: Style): string[] {
  const whose = file === null ? "A guest" : `"${printable(file.name)}"`;
  const list = (sentences: readonly string[]): string[] =>
    sentences.flatMap((sentence) =>
      wrap(printable(sentence), width - 6).map((line, at) => `${at === 0 ? "  " : "      "}${line}`),
    );
  return [
    heading(`${whose} can`),
    ...(can.length === 0 ? ["  Compute, and nothing else"] : list(can)),
    "",
    heading(`${whose} cannot`),
    ...list(cannot),
    ...(file === null ? [] : fileLines(file, { width, heading })),
  ];
}

function fileLines({ leftOut: needs, notProvided }: FileReport, { width, heading }: Style): string[] {
  const asked =
    needs.length === 0
      ? ["  Nothing: what it imports is covered, as far as imports tell"]
      : columns(
          needs.map(({ flag, imports }) => [flag, imports.map(printable).join(", ")]),
          { width },
        );
  const missing =
    notProvided.length === 0
      ? []
      : ["", heading("It imports what nobody provides"), ...notProvided.map((name) => `  ${printable(name)}`)];
  return ["", heading("It imports calls that these grants leave out; what would allow them"), ...asked, ...missing];
}
