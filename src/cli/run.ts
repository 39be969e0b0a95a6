import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseBytes, parseDuration, printable, SampanError } from "../base/index.ts";
import { type AccessRequest, check, type Grants, narrowToUsed, type Verdict } from "../capabilities/index.ts";
import {
  explainRefusal,
  type Frame,
  run,
  type RunEnding,
  type RunReport,
  type RunRequest,
  runWithDeadline,
} from "../engine/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { exitStatus } from "./exit-status.ts";
import { grantGroups, grantsOf } from "./grant-options.ts";
import { hasSwitch, lastValue } from "./parse.ts";

/** `sampan run`: runs a module in the foreground. */
export const runCommand: Command = {
  spec: {
    name: "run",
    summary: "Run a WebAssembly module; it can do what the flags grant and nothing else",
    usage: "sampan run [options] FILE [args…]",
    example: "sampan run -v ./data:/data:ro app.wasm /data/input.json",
    operands: "file-and-args",
    groups: [
      ...grantGroups,
      {
        heading: "Limits",
        options: [
          { long: "--memory", value: "SIZE", summary: "Most memory, such as 64m; growing past it answers -1" },
          {
            long: "--timeout",
            value: "TIME",
            summary: "Longest time to run, such as 5s; then it ends with status 124",
          },
          {
            long: "--max-files",
            value: "N",
            summary: "Most files open at once, standard streams and folders included",
          },
          { long: "--max-output", value: "SIZE", summary: "Most bytes to stdout and stderr together" },
        ],
      },
      {
        heading: "Running",
        options: [
          { long: "--invoke", value: "NAME", summary: "Call this export in place of _start, with args as its numbers" },
          { long: "--name", value: "NAME", summary: "The program's name, which it sees as its argument 0" },
          { long: "--interactive", short: "-i", summary: "Accepted: stdin is always the real one" },
          { long: "--tty", short: "-t", summary: "Accepted: a terminal is always passed on as one" },
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
            summary: "Where --learn writes (default: stdout when it ends)",
          },
          { long: "--audit", value: "FILE", summary: "Append a JSON line for each thing that was refused" },
        ],
      },
    ],
  },
  execute: executeRun,
};

async function executeRun(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const [file = "", ...args] = parsed.operands;
  const request = readRequest(parsed, { file, args, grants: await grantsOf(parsed, surroundings) });
  const timeout = lastValue(parsed, "--timeout");
  const report = timeout === undefined ? run(request) : await runWithDeadline(request, parseDuration(timeout));
  const { cwd } = surroundings;
  const refusals = report.refusals.map((refused) => ({
    refused,
    verdict: explainRefusal(request.grants, refused, { cwd }),
  }));
  const status = printEnding(report.ending, request, surroundings);
  if (request.learn) learn(parsed, { request, report, surroundings });
  if (status !== 0 && !request.trace) printRefusals(refusals, request.grants, surroundings);
  return status;
}

function readRequest(
  parsed: ParsedCommand,
  { file, args, grants }: { file: string; args: readonly string[]; grants: Grants },
): RunRequest {
  const memory = lastValue(parsed, "--memory");
  const maxFiles = lastValue(parsed, "--max-files");
  const maxOutput = lastValue(parsed, "--max-output");
  const invoke = lastValue(parsed, "--invoke");
  return {
    bytes: readArtifact(file),
    name: basename(file),
    args: [lastValue(parsed, "--name") ?? basename(file), ...args],
    grants,
    limits: {
      memory: memory === undefined ? undefined : parseBytes(memory),
      maxFiles: maxFiles === undefined ? undefined : parseCount("--max-files", maxFiles),
      maxOutput: maxOutput === undefined ? undefined : parseBytes(maxOutput),
    },
    invoke: invoke === undefined ? undefined : { name: invoke, args },
    trace: hasSwitch(parsed, "--trace"),
    learn: hasSwitch(parsed, "--learn"),
    audit: lastValue(parsed, "--audit"),
  };
}

function parseCount(option: string, text: string): number {
  if (!/^\d{1,7}$/.test(text)) {
    throw new SampanError("CLI_OPTION_INVALID", `Cannot read ${option} "${text}": wanted a whole number, such as 64`);
  }
  return Number(text);
}

/**
 * Reads the file of a module.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE
 */
export function readArtifact(file: string): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(file);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "ENOENT" || code === "ENOTDIR") {
      throw new SampanError("FILE_NOT_FOUND", `Cannot find "${file}": there is no such file`, { cause });
    }
    const reason = code === "EISDIR" ? "it is a folder" : code;
    throw new SampanError("FILE_UNREADABLE", `Cannot read "${file}": ${reason}`, { cause });
  }
}

function writeFile(file: string, text: string, flag: "a" | "w"): void {
  try {
    writeFileSync(file, text, { flag });
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new SampanError("FILE_UNREADABLE", `Cannot write "${file}": ${reason}`, { cause });
  }
}

interface Refusal {
  readonly refused: AccessRequest;
  readonly verdict: Verdict;
}

function learn(
  parsed: ParsedCommand,
  { request, report, surroundings }: { request: RunRequest; report: RunReport; surroundings: Surroundings },
): void {
  const text = narrowToUsed(request.grants, { ...report, cwd: surroundings.cwd });
  const file = lastValue(parsed, "--output");
  if (file === undefined) surroundings.print(text);
  else writeFile(file, text, "w");
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
      complain(`sampan: "${request.name}" trapped: ${ending.message}\n`);
      for (const line of backtraceLines(ending.backtrace, request.name)) complain(`  ${line}\n`);
      return exitStatus.trap;
    case "error":
      return complainOf(SampanError.fromData(ending.error), surroundings);
    case "bug":
      complain(`sampan: this is a bug of Sampan's, please report it with the lines below\n${ending.stack}\n`);
      return exitStatus.failed;
  }
}

/** One line for each frame; a recursion is told once, with its depth. */
function backtraceLines(frames: readonly Frame[], file: string): string[] {
  const lines: string[] = [];
  let repeated = 0;
  for (const [at, { name, index, offset }] of frames.entries()) {
    const line = `at ${printable(name ?? `function ${index}`)} (${file}:0x${offset.toString(16)})`;
    const next = frames[at + 1];
    if (next?.index === index && next.offset === offset) {
      repeated += 1;
      continue;
    }
    lines.push(repeated === 0 ? line : `${line} ${repeated + 1} times`);
    repeated = 0;
  }
  return lines;
}

const mostPrinted = 5;

/** The summary for a guest that failed: what it was refused, and the flags that together would have allowed it. */
function printRefusals(refusals: readonly Refusal[], grants: Grants, { complain }: Surroundings): void {
  const fixes = joinFixes(refusals, grants);
  if (fixes.length === 0) return;
  complain(`sampan: the guest was refused what its grants do not cover\n`);
  for (const { reasons, flag, replaces } of fixes.slice(0, mostPrinted)) {
    for (const reason of reasons.slice(0, mostPrinted)) complain(`  ${printable(reason)}\n`);
    if (reasons.length > mostPrinted) complain(`  and ${reasons.length - mostPrinted} more like it\n`);
    complain(
      `    allow it with ${printable(flag)}${replaces === undefined ? "" : ` instead of ${printable(replaces)}`}\n`,
    );
  }
  if (fixes.length > mostPrinted)
    complain(`  and ${fixes.length - mostPrinted} more: see them all with --trace or --audit FILE\n`);
}

interface JoinedFix {
  readonly reasons: string[];
  readonly flag: string;
  readonly replaces: string | undefined;
}

/** Each flag once with all it would allow, so that whoever types them all contradicts none of them. */
function joinFixes(refusals: readonly Refusal[], grants: Grants): JoinedFix[] {
  const denied = refusals.flatMap(({ refused, verdict }) =>
    verdict.allowed
      ? []
      : [{ ...verdict, fix: { ...verdict.fix, flag: stdioTogether(refused, refusals, grants) ?? verdict.fix.flag } }],
  );
  const flags = new Set(denied.map(({ fix }) => fix.flag));
  const joined = new Map<string, JoinedFix>();
  for (const { reason, fix } of denied) {
    // A folder that is also to be written is granted once, for both.
    const wider = fix.flag.replace(/:ro('?)$/, "$1");
    const flag = flags.has(wider) ? wider : fix.flag;
    const known = joined.get(flag);
    if (known === undefined) joined.set(flag, { reasons: [reason], flag, replaces: fix.replaces });
    else if (!known.reasons.includes(reason)) known.reasons.push(reason);
  }
  return [...joined.values()];
}

/** The last flag for the standard streams counts: one has to name all that were refused. */
function stdioTogether(refused: AccessRequest, refusals: readonly Refusal[], grants: Grants): string | undefined {
  if (refused.capability !== "stdio") return undefined;
  const others = refusals.flatMap(({ refused: other }) =>
    other.capability === "stdio" && other.stream !== refused.stream ? [other.stream] : [],
  );
  const verdict = check({ ...grants, stdio: [...grants.stdio, ...others] }, refused);
  return verdict.allowed ? undefined : verdict.fix.flag;
}
