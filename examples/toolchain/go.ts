/** Builds programs in Go for `wasip1` with the Go that is on the PATH. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { moveInto } from "./move-into.ts";
import { cacheFolder, needTool, type Progress, Skipped } from "./rust.ts";

const run = promisify(execFile);

/**
 * Builds the module in a folder and answers the path of its Wasm in the cache, whose name is the hash of the sources and
 * of Go's version.
 *
 * @throws Skipped where there is no Go, or the modules that it needs cannot be brought
 */
export async function buildGo(folder: string, progress: Progress): Promise<string> {
  needTool("go");
  const { stdout: version } = await run("go", ["version"]);
  const hash = createHash("sha256").update(JSON.stringify([basename(folder), version]));
  const names = readdirSync(folder).filter((name) => name.endsWith(".go") || /^go\.(mod|sum)$/.test(name));
  for (const name of names.sort()) {
    const bytes = readFileSync(join(folder, name));
    hash.update(JSON.stringify([name, bytes.length])).update(bytes);
  }
  const module = join(dirname(cacheFolder()), "go", `${hash.digest("hex")}.wasm`);
  if (existsSync(module)) return module;
  mkdirSync(dirname(module), { recursive: true });
  await run("go", ["mod", "download"], { cwd: folder }).catch((error: unknown) => {
    throw new Skipped(`go cannot bring the modules: ${String(error)}`);
  });
  progress(`building ${basename(folder)} with ${version.trim()}`);
  const fresh = `${module}.${process.pid}`;
  await run("go", ["build", "-trimpath", "-ldflags", "-s -w", "-o", fresh, "."], {
    cwd: folder,
    env: { ...process.env, GOOS: "wasip1", GOARCH: "wasm" },
  });
  moveInto(fresh, module);
  return module;
}
