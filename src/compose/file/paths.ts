import { relative, resolve } from "node:path";
import type { Lookup } from "./interpolate.ts";

/** A path of the host as a compose file has it, absolute: `~` is the home folder, the rest starts from the project's. */
export function hostPath(typed: string, { folder, lookup }: { folder: string; lookup: Lookup }): string {
  const home = lookup("HOME");
  if (home !== undefined && (typed === "~" || typed.startsWith("~/"))) return resolve(home, typed.slice(2));
  return resolve(folder, typed);
}

/** A path as people are told: from the working directory where it is below it. */
export function shownPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") ? path : short;
}

/** A guest path without dots and doubled slashes; undefined where it is not absolute. */
export function guestPath(typed: string): string | undefined {
  if (!typed.startsWith("/") || typed.includes("\0")) return undefined;
  const parts: string[] = [];
  for (const part of typed.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
