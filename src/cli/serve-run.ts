import type { Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { parseCommand } from "./parse.ts";
import { runProcess } from "./process.ts";
import { serveCommand } from "./serve.ts";

/** `sampan serve` in the process that serves, without the code of all other commands. */
async function main([, ...args]: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await serveCommand.execute(parseCommand(serveCommand.spec, args), surroundings);
  } catch (error) {
    return complainOf(error, surroundings);
  }
}

runProcess(main);
