import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identityOf, isOver } from "./processes.js";

const pollMs = 100;
const heartbeatMs = 2_000;
/** A holder on another host is known only by its heartbeat. */
const silenceMs = 30_000;

/**
 * Takes a lock between processes, waiting while a living process holds it; the lock of a dead one is taken over.
 *
 * @param {string} path the lock's file
 * @param {(pid: number) => void} onWait called once if another process holds it
 * @returns {Promise<() => void>} what gives the lock back
 */
export async function acquireLock(path, onWait) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = JSON.stringify({ ...identityOf(process.pid), id: randomUUID() });
  let hasWaited = false;
  while (!create(path, mine)) {
    const holder = read(path);
    if (holder === undefined) continue;
    if (isGone(holder)) {
      takeAway(path, holder.text);
      continue;
    }
    if (!hasWaited) onWait(holder.pid);
    hasWaited = true;
    await delay(pollMs);
  }
  const heartbeat = setInterval(() => touch(path), heartbeatMs).unref();
  return () => {
    clearInterval(heartbeat);
    if (read(path)?.text === mine) rmSync(path, { force: true });
  };
}

/** A hard link appears with its content or not at all, so no reader ever sees a lock without its holder. */
function create(path, text) {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function read(path) {
  try {
    const text = readFileSync(path, "utf8");
    return { text, heardAt: statSync(path).mtimeMs, ...JSON.parse(text) };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

function isGone(holder) {
  if (holder.host === hostname()) return isOver(holder);
  return Date.now() - holder.heardAt > silenceMs;
}

/** Removes the lock of a dead process by a rename, and puts it back when another process was faster to take over. */
function takeAway(path, text) {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, "utf8") !== text) linkSync(aside, path);
  } catch (error) {
    if (error.code !== "ENOENT" && error.code !== "EEXIST") throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // The lock is gone: nobody waits for it any more.
  }
}
