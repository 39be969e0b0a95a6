/** Whether a path begins at a root, of either kind of system. */
function isAbsolute(path: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** A path within a folder. */
export function joinPath(folder: string | undefined, path: string): string {
  if (folder === undefined || folder === "" || isAbsolute(path)) return path;
  return /[/\\]$/.test(folder) ? folder + path : `${folder}/${path}`;
}

/** A path without the folders that it leaves again by `..`. */
function withoutDetours(path: string): string {
  const kept: string[] = [];
  for (const part of path.split("/")) {
    const last = kept.at(-1);
    if (part === ".." && last !== undefined && last !== "" && last !== "." && last !== "..") kept.pop();
    else if (part !== "." || kept.length === 0) kept.push(part);
  }
  return kept.join("/");
}

/**
 * A source's path as people are shown it: beneath the folder that was compiled in, that folder goes. Where a version ends
 * the folder's name it is a dependency's (`serde-1.0.2`) and its name stays.
 */
export function shownPath(given: string, compileFolder: string): string {
  const path = withoutDetours(given);
  const folder = compileFolder.replace(/[/\\]+$/, "");
  const name = /(?:^|[/\\])([^/\\]+-\d+\.\d[^/\\]*)$/.exec(folder)?.[1] ?? "";
  const isInside = folder !== "" && path.startsWith(folder) && /^[/\\]/.test(path.slice(folder.length));
  if (isAbsolute(path) && !isInside) return path;
  return joinPath(name, (isInside ? path.slice(folder.length + 1) : path).replace(/^(?:\.[/\\])+/, ""));
}
