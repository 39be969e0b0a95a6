import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";

/** The path of a program as a shell would find it, or undefined; empty entries of PATH are left out. */
export function findProgram(name: string, path: string): string | undefined {
  const endings = process.platform === "win32" ? [".exe", ".com"] : [""];
  const candidates = path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => endings.map((ending) => join(folder, name + ending)));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Go and Rust would fetch a compiler that a file in the current folder asks for. */
const withoutFetching = { GOTOOLCHAIN: "local", RUSTUP_AUTO_INSTALL: "0" };

/** What a program prints to stdout, or undefined where it fails or is not done when the signal aborts. */
export function outputOf(file: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    try {
      const env = { ...process.env, ...withoutFetching };
      const options = { env, signal, killSignal: "SIGKILL", windowsHide: true, maxBuffer: 1024 * 1024 } as const;
      const child = execFile(file, args, options, (error, stdout) => {
        child.stdout?.destroy();
        resolve(error === null ? stdout : undefined);
      });
      child.stdin?.end();
    } catch {
      resolve(undefined);
    }
  });
}

/** Whether somebody answers on a Unix socket, or the code of the error that said otherwise. */
export function reachSocket(path: string, signal: AbortSignal): Promise<"reachable" | (string & {})> {
  return new Promise((resolve) => {
    const socket = connect({ path, signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve("reachable");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
