import type { Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { hasSwitch, parseCommand } from "./parse.ts";
import { runProcess } from "./process.ts";
import { runCommand } from "./run.ts";

/**
 * `sampan run` alone, which starts in half the time that all commands take to be read. What it has no use for is in `main.ts`, which
 * begins anew with the same command line.
 */
async function main([, ...args]: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const parsed = parseCommand(runCommand.spec, args);
    if (!hasSwitch(parsed, "--help")) return await runCommand.execute(parsed, surroundings);
  } catch (error) {
    return complainOf(error, surroundings);
  }
  await import("./main.ts");
  return new Promise(() => {});
}

runProcess(main);
