import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** The sources and not the bundle, which is only as new as the last set-up. */
const sampan = join(import.meta.dirname, "../../src/cli/main.ts");

/** How a command line of Sampan's ended. */
export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line of Sampan's to its end; `cwd` is where it is typed. */
export async function runSampan(
  args: readonly string[],
  { stdin, cwd }: { stdin: string; cwd?: string },
): Promise<Ended> {
  const child = spawn(process.execPath, [sampan, ...args], { cwd, stdio: ["pipe", "pipe", "pipe"] });
  // A program that does not read its input closes it.
  child.stdin.on("error", () => {}).end(stdin);
  const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  const [stdout, stderr, exit] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { exit, stdout, stderr };
}
