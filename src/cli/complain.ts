import { printable, SampanError } from "../base/index.ts";
import type { Surroundings } from "./command.ts";
import { exitStatus, statusOf } from "./exit-status.ts";

/** Tells what went wrong and what to type next; the answer is the exit status. */
export function complainOf(error: unknown, surroundings: Surroundings): number {
  if (error instanceof SampanError) {
    surroundings.complain(`sampan: ${printable(error.message)} [${error.code}]\n`);
    if (error.hint !== undefined) surroundings.complain(`  ${printable(error.hint)}\n`);
    return statusOf(error);
  }
  return complainOfBug(error instanceof Error ? (error.stack ?? error.message) : String(error), surroundings);
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
