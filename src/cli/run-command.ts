import { basename, dirname } from "node:path";
import { printable, SampanError } from "../base/index.ts";
import {
  type AccessRequest,
  check,
  checkFeatures,
  type Grants,
  narrowToUsed,
  type Verdict,
} from "../capabilities/index.ts";
import {
  explainRefusal,
  type Frame,
  inThread,
  type RunEnding,
  type RunReport,
  type RunRequest,
} from "../engine/index.ts";
import { kindOf, readModule } from "../wasm/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { complainOf, complainOfBug } from "./complain.ts";
import { exitStatus } from "./exit-status.ts";
import { checkWritable, readArtifact, writeText } from "./files.ts";
import { grantGroups, grantsOf } from "./grant-options.ts";
import { limitGroup, limitsOf } from "./limits.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { printRefusals } from "./refusals.ts";

/** Runs a module or component where it can be run: here, or where it can be ended from here. */
export type ReportOf = (request: RunRequest, timeout: number | undefined) => Promise<RunReport>;

/** `sampan run`, which runs a module or component in the foreground by a function that is given. */
export function createRunCommand(reportOf: ReportOf): Command {
  return { spec: runSpec, execute: (parsed, surroundings) => executeRun(parsed, { surroundings, reportOf }) };
}

const runSpec: Command["spec"] = {
  name: "run",
  summary: "Run a WebAssembly module; it can do what the flags grant and nothing else",
  usage: "sampan run [options] FILE [args…]",
  example: "sampan run -v ./data:/data:ro app.wasm /data/input.json",
  operands: "file-and-args",
  groups: [
    ...grantGroups,
    limitGroup,
    {
      heading: "Running",
      options: [
        {
          long: "--invoke",
          value: "NAME",
          summary:
            "Call this export in place of _start, with args as its numbers; of a component 'interface#func(args)'",
        },
        {
          long: "--feature",
          value: "NAME",
          summary: "Give a component what its packages mark unstable under that name; may be repeated",
        },
        { long: "--name", value: "NAME", summary: "The program's name, which it sees as its argument 0" },
        { long: "--interactive", short: "-i", summary: "Accepted: stdin is always the real one" },
        { long: "--tty", short: "-t", summary: "Accepted: a terminal is always passed on as one" },
      ],
    },
    {
      heading: "Benchmarks",
      options: [
        { long: "--checks", value: "on|off", summary: "Whether its code looks up once a millisecond (default: off)" },
        {
          long: "--hot-loops",
          value: "on|off",
          summary: "Whether loops are optimised before they run (default: on)",
        },
      ],
    },
    {
      heading: "Watching",
      options: [
        { long: "--trace", summary: "Write a line for each guest call to stderr" },
        { long: "--learn", summary: "Write a grants file with what this run used of its grants" },
        {
          long: "--output",
          short: "-o",
          value: "FILE",
          summary: "Where --learn writes (default: stderr when the guest has ended)",
        },
        { long: "--audit", value: "FILE", summary: "Append a JSON line for each thing that was refused" },
      ],
    },
  ],
};

async function executeRun(
  parsed: ParsedCommand,
  { surroundings, reportOf }: { readonly surroundings: Surroundings; readonly reportOf: ReportOf },
): Promise<number> {
  const { cwd, complain } = surroundings;
  checkOutputs(parsed);
  const { grants, fromSurroundings } = await grantsOf(parsed, surroundings);
  const { timeout, ...limits } = limitsOf(parsed, grants);
  const request = readRequest(parsed, { grants, limits });
  const report = await reportOf(request, timeout);
  const isFromFile = lastValue(parsed, "--grants") !== undefined;
  const refusals = report.refusals.map((refused) => ({
    refused,
    verdict: verdictOn(refused, { grants, cwd, isFromFile }),
  }));
  const status = printEnding(report.ending, request, surroundings);
  if (request.learn) {
    const text = narrowToUsed(grants, { ...report, cwd, decide: explainRefusal, fromSurroundings });
    const file = lastValue(parsed, "--output");
    if (file === undefined) complain(text);
    else writeText(file, text);
  }
  if (status !== 0 && !request.trace) printRefusals(refusals, grants, surroundings);
  return status;
}

/** A flag can take the place of what a file has under the same guest name, and nothing else out of it. */
function verdictOn(
  refused: AccessRequest,
  { grants, cwd, isFromFile }: { grants: Grants; cwd: string; isFromFile: boolean },
): Verdict {
  const verdict = explainRefusal(grants, refused, { cwd });
  if (!isFromFile || verdict.allowed || verdict.fix.replaces === undefined) return verdict;
  const joining = check(grants, refused, { cwd, isAdding: true });
  return joining.allowed || joining.fix.replaces !== undefined ? verdict : joining;
}

/** Says before the guest runs what could not be written once it has run. */
function checkOutputs(parsed: ParsedCommand): void {
  const output = lastValue(parsed, "--output");
  if (output !== undefined && !hasSwitch(parsed, "--learn")) {
    throw new SampanError(
      "CLI_USAGE",
      `Cannot write "${output}": --output is where --learn writes, which is not asked for`,
      {
        hint: `for a grants file with what the run uses, type --learn -o ${output}; for what the guest prints, > ${output}`,
      },
    );
  }
  for (const file of [output, lastValue(parsed, "--audit")]) if (file !== undefined) checkWritable(file);
}

function readRequest(
  parsed: ParsedCommand,
  { grants, limits }: { grants: Grants; limits: RunRequest["limits"] },
): RunRequest {
  const [file = "", ...args] = parsed.operands;
  const invoke = lastValue(parsed, "--invoke");
  const features = parsed.options.flatMap(({ option, value }) =>
    option === "--feature" && value !== undefined ? [value] : [],
  );
  checkFeatures(features);
  const { bytes, stat } = readArtifact(file);
  return {
    bytes,
    file: stat,
    checks: isOn(parsed, "--checks", "off"),
    hotFunctions: isOn(parsed, "--hot-loops", "on"),
    name: basename(file),
    folder: dirname(file),
    args: [lastValue(parsed, "--name") ?? basename(file), ...args],
    grants,
    limits,
    features,
    invoke: invoke === undefined ? undefined : { name: invoke, args },
    trace: hasSwitch(parsed, "--trace"),
    learn: hasSwitch(parsed, "--learn"),
    audit: lastValue(parsed, "--audit"),
  };
}

/** Whether an option that takes `on` or `off` says on. @throws CLI_OPTION_INVALID */
function isOn(parsed: ParsedCommand, option: string, byDefault: "on" | "off"): boolean {
  const value = lastValue(parsed, option) ?? byDefault;
  if (value === "on" || value === "off") return value === "on";
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read ${option} "${value}": wanted "on" or "off"`);
}

/** Says how the guest ended where that is not its own affair, and answers the exit status. */
function printEnding(ending: RunEnding, request: RunRequest, surroundings: Surroundings): number {
  const { print, complain } = surroundings;
  switch (ending.kind) {
    case "exit":
      return ending.code & 0xff;
    case "values":
      for (const value of ending.values) print(`${value}\n`);
      return 0;
    case "signal":
      return exitStatus.signal + ending.signal;
    case "trap":
      complain(
        `sampan: ${printable(`"${request.name}" trapped${inThread(ending)}: ${ending.message}`)}${codeOf(ending)}\n`,
      );
      for (const line of backtraceLines(ending.backtrace, request)) complain(`  ${line}\n`);
      if (ending.hint !== undefined) complain(`  ${ending.hint}\n`);
      return exitStatus.trap;
    case "error":
      return complainOf(SampanError.fromData(ending.error), surroundings);
    case "bug":
      return complainOfBug(ending.stack, surroundings);
  }
}

function codeOf({ code }: Extract<RunEnding, { kind: "trap" }>): string {
  return code === undefined ? "" : ` [${code}]`;
}

/** One line for each frame, and how to see more; a recursion is told once, with its depth. */
function backtraceLines(frames: readonly Frame[], { name: file, bytes }: RunRequest): string[] {
  const lines: string[] = [];
  let repeated = 0;
  let group: string[] = [];
  for (const [at, frame] of frames.entries()) {
    group.push(frameLine(frame, file));
    // What was inlined belongs to the frame that follows.
    if (frame.isInlined === true) continue;
    const next = frames[at + 1];
    if (next?.index === frame.index && next.offset === frame.offset) {
      repeated += 1;
    } else {
      const last = group.pop() ?? "";
      lines.push(...group, repeated === 0 ? last : `${last} ${repeated + 1} times`);
      repeated = 0;
    }
    group = [];
  }
  if (frames.length > 0 && frames.every(({ source }) => source === undefined) && !hasDebugInfo(bytes))
    lines.push("compile it with -g to see source lines");
  return lines;
}

/** Of a component nobody knows without looking into its core modules. */
function hasDebugInfo(bytes: Uint8Array): boolean {
  return kindOf(bytes) === "module" && readModule(bytes).hasDebugInfo;
}

function frameLine({ name, index, offset, source, module = "" }: Frame, file: string): string {
  const place =
    source === undefined
      ? `${file}:${module}${module === "" ? "" : ":"}0x${offset.toString(16)}`
      : [source.file, source.line, ...(source.column === undefined ? [] : [source.column])].join(":");
  return `at ${printable(name ?? `function ${index}`)} (${printable(place)})`;
}
