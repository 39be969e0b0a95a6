import { closeSync, openSync } from "node:fs";
import { systemOpen } from "./system.ts";

/** O_PATH: a hold on the working directory even where it may not be listed. */
const hold = 0o10000000 | systemOpen.directory;

/**
 * Runs `use` with the folder at `path` as the process's working directory, so that names in it need no path, and answers
 * whether it ran: not in a Worker, where the working directory cannot be changed, and not where it could not be put back.
 * It is for a process that runs one guest and nothing else: whatever is done by relative paths meanwhile would go astray.
 * `use` runs to its end at once, so no JavaScript of ours is in between, and libuv's pool is given no relative paths.
 */
export function inFolder(path: string, use: () => void): boolean {
  let home = -1;
  try {
    home = openSync(".", hold);
    // Going where we are shows that the way back is open: a process can be in a folder that it may not enter.
    process.chdir(`/proc/self/fd/${home}`);
    process.chdir(path);
  } catch {
    if (home >= 0) closeSync(home);
    return false;
  }
  try {
    use();
  } finally {
    goBack(home);
  }
  return true;
}

function goBack(home: number): void {
  try {
    process.chdir(`/proc/self/fd/${home}`);
  } catch (cause) {
    // Nothing that the guest asks for can lead here, and going on would resolve the host's own paths in a guest's folder.
    throw new TypeError("The working directory could not be put back", { cause });
  } finally {
    closeSync(home);
  }
}
