import { rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "./bundle.js";
import { hasDependencies, installDependencies } from "./dependencies.js";
import { isBundleOf, sourceStamp } from "./freshness.js";
import { acquireLock } from "./lock.js";
import { cache, readyMarker } from "./paths.js";
import { Progress } from "./progress.js";

/**
 * Makes a clone ready: dependencies, Node 26, bundle. Does only what is missing or out of date, one process at a time,
 * and leaves the marker that later starts look at.
 *
 * @param {string} running the version of Node.js to reckon with
 */
export async function setUp(running = process.versions.node) {
  if (isReady()) return;
  const progress = new Progress();
  try {
    const release = await acquireLock(join(cache, "lock"), (pid) => {
      progress.step(`waiting for another set-up (process ${pid})`);
    });
    try {
      const isDone = isReady();
      if (!isDone) await makeReady(progress, running);
      progress.end(isDone ? "ready, set up by the other process" : "ready");
    } finally {
      release();
    }
  } finally {
    progress.end();
  }
}

async function makeReady(progress, running) {
  if (!hasDependencies()) {
    // No start may meet the old marker beside half of the new packages.
    rmSync(readyMarker, { force: true });
    progress.step("installing dependencies and Node.js 26 with npm (once, some 400 MB on disk)");
    await installDependencies(running);
  }
  const stamp = sourceStamp();
  if (isBundleOf(stamp)) return;
  progress.step("bundling the command");
  await bundle(stamp);
}

/** The whole check, in milliseconds. What it finds in order becomes newer than whatever made it look. */
function isReady() {
  if (!isBundleOf(sourceStamp()) || !hasDependencies()) return false;
  try {
    utimesSync(readyMarker, new Date(), new Date());
  } catch {
    // Somebody else's clone: the next start takes this check again.
  }
  return true;
}
