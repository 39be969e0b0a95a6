import { printable, SampanError } from "../base/index.ts";
import type { Surroundings } from "./command.ts";
import { exitStatus, statusOf } from "./exit-status.ts";

interface FileProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
  readonly code: string;
}

function isProblem(value: unknown): value is FileProblem {
  return typeof value === "object" && value !== null && "file" in value && "line" in value && "message" in value;
}

function lineOf({ file, line, column, message, hint, code }: FileProblem): {
  message: string;
  hint: string | undefined;
  code: string;
} {
  return { message: `${file}:${line}:${column}: ${message}`, hint, code };
}

/** What a compose file says without effect, with its place and what to type. */
export function warningText({ file, line, column, message, hint }: Omit<FileProblem, "code">): string {
  const what = `sampan: warning: ${file}:${line}:${column}: ${message}`;
  return `${printable(what)}\n${hint === undefined ? "" : `  ${printable(hint)}\n`}`;
}

/** Tells what went wrong and what to type next; the answer is the exit status. */
export function complainOf(error: unknown, surroundings: Surroundings): number {
  if (error instanceof SampanError) {
    const problems: unknown = error.data?.["problems"];
    // What reads whole files tells all that is wrong with them; the error itself is about the first.
    const all = Array.isArray(problems) ? problems.filter(isProblem) : [];
    const told =
      all.length === 0
        ? [{ message: error.message, code: error.code, hint: error.hint ?? helpOf(error, surroundings) }]
        : all.map(lineOf);
    for (const { message, hint, code } of told) {
      surroundings.complain(`sampan: ${printable(message)} [${code}]\n`);
      if (hint !== undefined) surroundings.complain(`  ${printable(hint)}\n`);
    }
    return statusOf(error);
  }
  return complainOfBug(error instanceof Error ? (error.stack ?? error.message) : String(error), surroundings);
}

/** Where what was typed wrong is written down. */
function helpOf({ code }: SampanError, { command }: Surroundings): string | undefined {
  const isTyped = code.startsWith("CLI_") || code === "UNIT_INVALID" || code === "TIME_INVALID";
  return isTyped && command !== undefined ? `see sampan ${command} --help` : undefined;
}

/** Tells of a bug with its stack: the message's first line and the frames of Sampan's own. */
export function complainOfBug(stack: string, { complain }: Surroundings): number {
  const [message = "", ...rest] = stack.split("\n");
  // A guest chooses its functions' names, line breaks and all: what is in a frame of WebAssembly is not told.
  const frames = rest.filter((line) => /^ {4}at /.test(line) && !/\bwasm(:\/\/|-function\[)/.test(line));
  const lines = [message, ...frames].map((line) => `${printable(line)}\n`);
  complain(`sampan: this is a bug of Sampan's, please report it with the lines below\n${lines.join("")}`);
  return exitStatus.failed;
}
