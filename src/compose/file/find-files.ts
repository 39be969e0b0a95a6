import { existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { nearest, SampanError } from "../../base/index.ts";
import type { Lookup } from "./interpolate.ts";

const names = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/** Where to look for a project's files. */
export interface FileSearch {
  /** As typed after `-f`. */
  readonly files: readonly string[];
  readonly cwd: string;
  readonly lookup: Lookup;
}

/**
 * The files of a project, absolute: those named, those of `COMPOSE_FILE`, or the first of the usual names from `cwd` upward
 * with the override beside it.
 *
 * @throws COMPOSE_FILE_NOT_FOUND
 */
export function findFiles({ files, cwd, lookup }: FileSearch): string[] {
  const variable = lookup("COMPOSE_FILE") ?? "";
  const separator = lookup("COMPOSE_PATH_SEPARATOR") || delimiter;
  const typed = files.length > 0 ? files : variable.split(separator).filter((name) => name !== "");
  if (typed.length > 0) return typed.map((name) => namedFile(name, cwd));
  for (let folder = cwd; ; folder = dirname(folder)) {
    const found = names.find((name) => isFile(join(folder, name)));
    if (found !== undefined) return withOverride(folder, found);
    if (folder === dirname(folder)) break;
  }
  throw new SampanError("COMPOSE_FILE_NOT_FOUND", `Cannot find a compose file in "${cwd}" or a folder above it`, {
    hint: `write one called compose.yaml, or name it with -f FILE`,
  });
}

function namedFile(name: string, cwd: string): string {
  const path = resolve(cwd, name);
  if (isFile(path)) return path;
  const inside = names.find((each) => isFile(join(path, each)));
  const near = inside === undefined ? nearFile(path) : undefined;
  const problem = existsSync(path) ? "it is not a file" : "there is none of that name";
  throw new SampanError("COMPOSE_FILE_NOT_FOUND", `Cannot read the compose file "${name}": ${problem}`, {
    hint:
      inside !== undefined
        ? `did you mean -f ${join(name, inside)}`
        : near === undefined
          ? "look at the path after -f, or leave -f out"
          : `did you mean -f ${join(dirname(name), near)}`,
  });
}

function nearFile(path: string): string | undefined {
  try {
    return nearest(path.slice(dirname(path).length + 1), readdirSync(dirname(path)));
  } catch {
    return undefined;
  }
}

function withOverride(folder: string, name: string): string[] {
  const base = name.replace(/\.ya?ml$/, "");
  const override = [`${base}.override.yml`, `${base}.override.yaml`].find((each) => isFile(join(folder, each)));
  return [join(folder, name), ...(override === undefined ? [] : [join(folder, override)])];
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}
