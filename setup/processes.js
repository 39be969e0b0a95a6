import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** What tells a process from every other, also from a later one with its number. */
export function identityOf(pid) {
  return { pid, host: hostname(), began: beginningOf(pid) };
}

/** Tells whether a process of this host is over; of another host (a container that shares the folder) it cannot tell. */
export function isOver({ pid, host, began }) {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code === "ESRCH") return true;
  }
  return began !== beginningOf(pid);
}

/** The kernel's tick at which a process began; undefined where there is no /proc, and for a zombie. */
function beginningOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
