import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this package: a clone, or where npm installed it. */
export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");

/** Where the set-up keeps what it knows, beside nothing that npm or the bundler replaces. */
export const cache = join(root, ".cache", "setup");

/** The marker of a finished set-up: it exists only in a complete bundle whose dependencies are complete. */
export const readyMarker = join(root, "dist", "ready");

/** The bundled command. */
export const bundledMain = join(root, "dist", "main.js");

/** The command's source, which Node 26 runs too, more slowly. */
export const sourceMain = join(root, "src", "cli", "main.ts");

/** Tells whether this is a clone, which sets itself up, or an installed package, which arrives complete. */
export function isClone() {
  return existsSync(join(root, "src"));
}
