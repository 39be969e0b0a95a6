import { existsSync, renameSync, rmSync } from "node:fs";

/** Moves what was made to its place in the cache; where another process was faster with the same content, its work stays. */
export function moveInto(fresh: string, target: string): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
    rmSync(fresh, { recursive: true, force: true });
  }
}
