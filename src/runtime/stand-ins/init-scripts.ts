import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { configError, hostPathOf, type StandInMount } from "./workload.ts";

const folder = "/docker-entrypoint-initdb.d";

/** A script that a database runs when its folder is new. */
export interface InitScript {
  readonly name: string;
  readonly text: string;
}

/**
 * The scripts of the image's folder for them, in the order of their names.
 *
 * @throws STAND_IN_CONFIG for one that a shell would have to run
 */
export async function readInitScripts(mounts: readonly StandInMount[]): Promise<readonly InitScript[]> {
  const scripts: InitScript[] = [];
  for (const [name, path] of scriptFiles(mounts)) {
    const text = await textOf(name, path);
    if (text !== undefined) scripts.push({ name, text });
  }
  return scripts;
}

/** Single files may be mounted into the folder as well. */
function scriptFiles(mounts: readonly StandInMount[]): readonly (readonly [name: string, path: string])[] {
  const files = new Map<string, string>();
  const whole = hostPathOf(mounts, folder);
  if (whole !== undefined) for (const name of namesIn(whole)) files.set(name, join(whole, name));
  for (const { target, source } of mounts)
    if (target.startsWith(`${folder}/`)) files.set(target.slice(folder.length + 1), source);
  return [...files].toSorted(([a], [b]) => (a < b ? -1 : 1)).filter(([, path]) => isFile(path));
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function textOf(name: string, path: string): Promise<string | undefined> {
  switch (extname(name)) {
    case ".sql":
      return readFileSync(path, "utf8");
    case ".gz": {
      if (!name.endsWith(".sql.gz")) return undefined;
      const unpacked = new Blob([readFileSync(path)]).stream().pipeThrough(new DecompressionStream("gzip"));
      return new Response(unpacked).text();
    }
    case ".sh":
    case ".xz":
    case ".zst":
      throw configError(`it cannot run the init script "${name}"`, "write it as .sql or .sql.gz");
    default:
      return undefined;
  }
}
