import type { Command, Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { hasSwitch, parseCommand } from "./parse.ts";
import { runProcess } from "./process.ts";

/**
 * Runs this process's command line by one `sampan run`, which starts in half the time that all commands take to be read. What it
 * has no use for is in `main.ts`, which begins anew with the same command line.
 */
export function runAlone(command: Command): void {
  runProcess(([, ...args], surroundings) => executeAlone(command, { args, surroundings }));
}

async function executeAlone(
  command: Command,
  { args, surroundings }: { readonly args: readonly string[]; readonly surroundings: Surroundings },
): Promise<number> {
  try {
    const parsed = parseCommand(command.spec, args);
    if (!hasSwitch(parsed, "--help")) return await command.execute(parsed, surroundings);
  } catch (error) {
    return complainOf(error, surroundings);
  }
  await import("./main.ts");
  return new Promise(() => {});
}
