import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileOwnGuest } from "../guests/toolchain.ts";
import { command } from "./measure.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The command as it is installed: the launcher and the bundle. */
export const sampan: string = join(root, "bin", "sampan.js");

/** A guest of guests/bench compiled to Wasm. */
export function wasmGuest(name: string): Promise<string> {
  return compileOwnGuest(name);
}

/** The same source compiled by gcc -O2, or undefined where there is no gcc. */
export function nativeGuest(name: string): string | undefined {
  const folder = join(root, ".cache", "bench");
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, name.replace("/", "-"));
  try {
    command("gcc", ["-O2", "-o", binary, join(root, "guests", `${name}.c`)]);
    return binary;
  } catch {
    return undefined;
  }
}
