import { writeAll } from "../base/index.ts";
import { nativeOrUndefined } from "../base/native.ts";
import type { Surroundings } from "./command.ts";
import { exitStatus } from "./exit-status.ts";

/** Runs this process's command line by a function that answers the exit status, and ends the process with it. */
export function runProcess(main: (args: readonly string[], surroundings: Surroundings) => Promise<number>): void {
  const surroundings: Surroundings = {
    command: process.argv[2],
    cwd: process.cwd(),
    env: process.env,
    print: (text) => writeAll(1, text),
    complain: (text) => writeAll(2, text),
  };
  void main(process.argv.slice(2), surroundings).then(endProcess);
}

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
