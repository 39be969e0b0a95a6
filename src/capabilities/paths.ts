import { posix, win32 } from "node:path";

/** The parts of a guest path without what says nothing (empty ones and "."); ".." stays a part. */
export function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** How many levels the parts climb above where they start, at the highest point of the way. */
export function climbOf(parts: readonly string[]): number {
  let depth = 0;
  let lowest = 0;
  for (const part of parts) {
    depth += part === ".." ? -1 : 1;
    lowest = Math.min(lowest, depth);
  }
  return -lowest;
}

/** Whether `parts` begins with `prefix`. */
export function startsWithParts(parts: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= parts.length && prefix.every((part, index) => parts[index] === part);
}

/** A path of the host made absolute; drive letters are understood on every system. */
export function resolveHost(cwd: string, path: string): string {
  return hostRules(path, cwd).resolve(cwd, path);
}

/** A path below or above an absolute host path. */
export function joinHost(host: string, parts: readonly string[]): string {
  return hostRules(host).join(host, ...parts);
}

/** The names on the way to an absolute host path. */
export function hostParts(host: string): string[] {
  return host.split(hostRules(host) === win32 ? /[\\/]/ : "/").filter((part) => part !== "");
}

/** A host path as it is typed in `cwd`: from there on where it lies within, such as `./data`, else as it is. */
export function typedHost(host: string, cwd: string | undefined): string {
  if (cwd === undefined) return host;
  const [parts, start] = [hostParts(host), hostParts(cwd)];
  // In the root folder everything lies within, and the absolute path is the shorter one.
  if (start.length === 0 || !startsWithParts(parts, start)) return host;
  const typed = [".", ...parts.slice(start.length)].join("/");
  return resolveHost(cwd, typed) === resolveHost(cwd, host) ? typed : host;
}

function hostRules(...paths: readonly string[]): typeof posix {
  return paths.some((path) => /^([A-Za-z]:[\\/]|\\\\)/.test(path)) ? win32 : posix;
}
