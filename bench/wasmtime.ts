import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, timeCommand } from "./measure.ts";

const runner = fileURLToPath(new URL("run-in-wasmtime.py", import.meta.url));
const root = fileURLToPath(new URL("..", import.meta.url));

/** Another runtime to compare with: it prepares a module once and answers how to time a run of it, in milliseconds. */
export interface Wasmtime {
  readonly name: string;
  readonly prepare: (wasm: string, args: readonly string[]) => () => number;
}

/** The `wasmtime` on the PATH, else Python's package of that name where one is there; nothing is ever installed. */
export function findWasmtime(): Wasmtime | undefined {
  if (works("wasmtime", ["--version"])) return { name: "wasmtime run", prepare: prepareCommand };
  if (works("python3", ["-c", "import wasmtime"])) return { name: "wasmtime for Python", prepare: preparePython };
  return undefined;
}

function works(file: string, args: readonly string[]): boolean {
  try {
    command(file, args);
    return true;
  } catch {
    return false;
  }
}

function prepareCommand(wasm: string, args: readonly string[]): () => number {
  const compiled = join(root, ".cache", "bench", "wasmtime.cwasm");
  return () => {
    command("wasmtime", ["compile", "-o", compiled, wasm]);
    return timeCommand("wasmtime", ["run", "--allow-precompiled", compiled, ...args]);
  };
}

function preparePython(wasm: string, args: readonly string[]): () => number {
  const copy = join(root, ".cache", "bench", "wasmtime.wasm");
  return () => {
    copyFileSync(wasm, copy);
    command("python3", [runner, "compile", copy]);
    return Number(command("python3", [runner, "run", copy, ...args]).stderr);
  };
}
