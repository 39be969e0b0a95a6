import { existsSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { become } from "./become.js";
import { Complaint, ownFailure, report } from "./complaint.js";
import { findNode26, isNewEnough, missingNode26, platformNode, platformPackage } from "./node26.js";
import { bundledMain, isClone, readyMarker, root, sourceMain } from "./paths.js";

/**
 * Starts the command in this process if its Node.js is new enough, else in Node 26, setting up a clone first.
 *
 * @param {string} running the version of Node.js to reckon with
 */
export async function launch(running = process.versions.node) {
  try {
    const main = isClone() && !looksReady(running) ? await prepareClone(running) : bundledMain;
    if (isNewEnough(running) && isChosen(process.execPath)) {
      await import(pathToFileURL(main).href);
      return;
    }
    const node = await findNode26(running);
    if (node === undefined) throw missingAfterInstall();
    await become(node, [...nodeFlags, main, ...process.argv.slice(2)]);
  } catch (error) {
    report(error);
    process.exitCode = ownFailure;
  }
}

/** As the shell half has it: src/base/native.ts says what for, and behind `--` no argument is one of Node.js. */
const nodeFlags = ["--expose-internals", "--min-semi-space-size=4", "--"];

/** The same glance that the shell half takes: the whole check belongs to the set-up. */
function looksReady(running) {
  if (platformNode() === undefined && !isNewEnough(running)) return false;
  const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const ready = modified(readyMarker);
  const moved = Math.max(modified(join(root, "package-lock.json")), modified(join(root, ".git", "logs", "HEAD")));
  return ready > 0 && ready >= moved;
}

/** Only a clone has the set-up itself, so it is loaded only there. */
async function prepareClone(running) {
  const { setUp } = await import("./set-up.js");
  try {
    await setUp(running);
    return bundledMain;
  } catch (error) {
    const canRunSource = error instanceof Complaint && error.isUnreachable && (await findNode26(running)) !== undefined;
    if (!canRunSource) throw error;
    process.stderr.write(`sampan: ${error.message}; running from source, which starts more slowly\n`);
    return sourceMain;
  }
}

function isChosen(node) {
  const named = process.env.SAMPAN_NODE;
  return !named || (existsSync(named) && realpathSync(named) === realpathSync(node));
}

function missingAfterInstall() {
  const what = isClone() ? "run npm ci --include=optional" : "install Sampan again, with npm's --include=optional";
  return missingNode26(`the optional package "${platformPackage()?.name}" is not installed`, {
    again: `Connect to the network and ${what}`,
  });
}
