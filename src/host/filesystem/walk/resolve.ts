import { readlinkSync } from "node:fs";
import { failure, failureOfNode, refusal } from "../../../base/index.ts";
import { hasWindowsNames, isPlainWindowsName } from "./system.ts";
import type { Ground, Trail } from "./trail.ts";

/** Most links that one path leads through, as on Linux. */
const mostLinks = 40;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Says that a path's last component is a link that is to be followed. */
export const followIt = Symbol("follow the link");

/** What the last component of a path is, its folder having been reached. */
export interface Last {
  /** Leads to it without a link on the way: the folder's prefix and the name. Never ends with a slash. */
  readonly path: string;
  /** The name, `.` for the folder itself; after `..` as well, its folder having been gone back to. */
  readonly name: string;
  /** Whether the component is written `..`. */
  readonly isBack: boolean;
  /** Whether slashes follow, so that it has to be a folder. */
  readonly slash: boolean;
}

/**
 * Goes along a path from an open folder, one component at a time, following links by hand, and calls `use` with the last
 * component. Where that answers {@link followIt}, the walk goes on at the link's target.
 *
 * @throws HostError perm where the path, or a link on it, is absolute or leads above the folder
 */
export function resolve<T>(ground: Ground, dir: number, path: string, use: (last: Last) => T | typeof followIt): T {
  if (path.length === 0) throw failure("noent");
  const rest = componentsOf(path);
  let slash = path.endsWith("/");
  let links = 0;
  const trail = ground.trailFrom(dir);
  try {
    for (;;) {
      const name = rest.pop() ?? ".";
      const isLast = rest.length === 0;
      checkName(name);
      if (!isLast) {
        if (step(trail, name)) continue;
      } else {
        const result = use(takeLast(trail, name, slash));
        if (result !== followIt) return result;
      }
      if (++links > mostLinks) throw failure("loop");
      const target = readTarget(trail.prefix + name);
      if (target.length === 0) throw failure("noent");
      if (isLast) slash ||= target.endsWith("/");
      rest.push(...componentsOf(target));
    }
  } finally {
    trail.close();
  }
}

/** Components in reverse, so that the next one is popped; `.` stands only where it is the last. */
function componentsOf(path: string): string[] {
  if (path.startsWith("/")) throw refusal;
  const parts = path.split("/").filter((part) => part !== "");
  return parts.filter((part, index) => part !== "." || index === parts.length - 1).toReversed();
}

function checkName(name: string): void {
  if (hasWindowsNames && name !== "." && name !== ".." && !isPlainWindowsName(name)) throw failure("inval");
}

/** Goes through a component that others follow; false where it is a link. */
function step(trail: Trail, name: string): boolean {
  if (name === "..") trail.leave();
  else if (name !== ".") {
    try {
      trail.enter(name);
    } catch (error) {
      const failed = failureOfNode(error);
      if (failed?.errno !== "notdir" && failed?.errno !== "loop") throw error;
      if (isLink(trail.prefix + name)) return false;
      throw failure("notdir");
    }
  }
  return true;
}

function takeLast(trail: Trail, name: string, slash: boolean): Last {
  const isBack = name === "..";
  if (isBack) trail.leave();
  const own = isBack ? "." : name;
  return { path: trail.prefix + own, name: own, isBack, slash };
}

function readTarget(path: string): string {
  const target = readlinkSync(path, "buffer");
  try {
    return strictUtf8.decode(target);
  } catch {
    throw failure("ilseq");
  }
}

/** Whether a name is a link at this moment. */
export function isLink(path: string): boolean {
  try {
    readlinkSync(path, "buffer");
    return true;
  } catch {
    return false;
  }
}
