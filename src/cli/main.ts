import type { Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { loadCommand } from "./commands.ts";
import { hasSwitch, parseCommand } from "./parse.ts";
import { runProcess } from "./process.ts";

/** Runs a command line and answers the exit status. */
export async function main(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const [name = "--help", ...rest] = args;
    if (name === "--version" || name === "-V") {
      surroundings.print(`sampan ${(await import("./version.ts")).version}\n`);
      return 0;
    }
    if (name === "--help" || name === "-h")
      return (await loadCommand("help")).execute({ options: [], operands: [] }, surroundings);
    const command = await loadCommand(name);
    const parsed = parseCommand(command.spec, rest);
    if (hasSwitch(parsed, "--help")) {
      return (await loadCommand("help")).execute({ options: [], operands: [name] }, surroundings);
    }
    return await command.execute(parsed, surroundings);
  } catch (error) {
    return complainOf(error, surroundings);
  }
}

runProcess(main);
