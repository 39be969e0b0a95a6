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
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  surroundings.complain(`sampan: this is a bug of Sampan's, please report it with the lines below\n${stack}\n`);
  return exitStatus.failed;
}
