import { printable, SampanError, writeAll } from "../base/index.ts";
import type { Surroundings } from "./command.ts";
import { loadCommand } from "./commands.ts";
import { exitStatus, statusOf } from "./exit-status.ts";
import { hasSwitch, parseCommand } from "./parse.ts";

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
    return complain(error, surroundings);
  }
}

function complain(error: unknown, surroundings: Surroundings): number {
  if (error instanceof SampanError) {
    surroundings.complain(`sampan: ${printable(error.message)} [${error.code}]\n`);
    if (error.hint !== undefined) surroundings.complain(`  ${printable(error.hint)}\n`);
    return statusOf(error);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  surroundings.complain(`sampan: this is a bug of Sampan's, please report it with the lines below\n${stack}\n`);
  return exitStatus.failed;
}

void main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  print: (text) => writeAll(1, text),
  complain: (text) => writeAll(2, text),
}).then((status) => process.exit(status));
