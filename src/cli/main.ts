import { writeAll } from "../base/index.ts";
import { nativeOrUndefined } from "../base/native.ts";
import type { Surroundings } from "./command.ts";
import { complainOf } from "./complain.ts";
import { loadCommand } from "./commands.ts";
import { exitStatus } from "./exit-status.ts";
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
    return complainOf(error, surroundings);
  }
}

void main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  print: (text) => writeAll(1, text),
  complain: (text) => writeAll(2, text),
}).then(endProcess);

/**
 * Ends the process: at once after a deadline, when the guest's thread may still be in a call that nothing interrupts and that
 * `process.exit` would wait for. Without native calls another program takes this one's place, and threads end with that.
 */
function endProcess(status: number): void {
  if (status === exitStatus.deadline) {
    nativeOrUndefined()?.c._exit(status);
    process.emitWarning = () => {};
    if (process.platform !== "win32") process.execve?.("/bin/sh", ["sh", "-c", `exit ${status}`]);
  }
  process.exit(status);
}
