/**
 * Tools that npm and PyPI have, by the pins in `packages/`, unpacked into the user's cache: jco, which builds JavaScript and TypeScript and
 * makes components of modules, and componentize-py. Their packages carry the WIT of WASI as well. Nothing is installed beside that.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { moveInto } from "./move-into.ts";
import { cacheFolder, needTool, type Progress, Skipped } from "./rust.ts";

const execute = promisify(execFile);
const pins = join(import.meta.dirname, "packages");

/** How tools are come by: only where a build was asked for are they downloaded. */
export interface Bringing {
  readonly progress: Progress;
  /** Whether what is not in the cache yet is downloaded. */
  readonly isAllowed: boolean;
}

/** jco and what it carries. */
export interface JavaScriptTools {
  /** Its command, a script for Node. */
  readonly jco: string;
  /** Adapters of preview 1, as `jco new --adapt` takes them. */
  readonly adapters: { readonly command: string; readonly reactor: string };
  /** A folder of WASI 0.2.12's packages, each a folder, as `deps/` has them. */
  readonly wasi: string;
  /** WIT of the version that StarlingMonkey answers HTTP requests with, and its world. */
  readonly http: { readonly wit: string; readonly world: string };
}

/** componentize-py and what it is given. */
export interface PythonTools {
  /** A command line that its arguments follow. */
  readonly componentize: readonly [program: string, ...args: string[]];
  /** What that line needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** A folder of WIT with WASI 0.2.6 in it. */
  readonly wit: string;
}

/** Brings what JavaScript is built with. @throws Skipped where it cannot be had */
export async function javaScriptTools(bringing: Bringing): Promise<JavaScriptTools> {
  const folder = await packages("npm", ["package.json", "package-lock.json"], bringing, async (fresh) => {
    needTool("npm");
    bringing.progress("npm brings jco");
    // Not `ci`: it refuses a lock file where a mirror lacks what is optional on other systems.
    await execute("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], {
      cwd: fresh,
    });
  });
  const modules = join(folder, "node_modules");
  const jco = join(modules, "@bytecodealliance", "jco");
  const adapter = (kind: string): string => join(jco, "lib", `wasi_snapshot_preview1.${kind}.wasm`);
  return {
    jco: join(jco, "dist", "jco.js"),
    adapters: { command: adapter("command"), reactor: adapter("reactor") },
    wasi: join(jco, "lib", "wit", "builtin", "0.2.12"),
    http: { wit: join(modules, "@spinframework", "wasi-http-proxy", "wit"), world: "http-trigger" },
  };
}

/** Brings what Python is built with. @throws Skipped where it cannot be had */
export async function pythonTools(bringing: Bringing): Promise<PythonTools> {
  const folder = await packages("python", ["requirements.txt", "wasi.txt"], bringing, async (fresh) => {
    needTool("python3");
    bringing.progress("pip brings componentize-py");
    await execute("python3", ["-m", "venv", join(fresh, "tools")]);
    const pip = join(fresh, "tools", "bin", "pip");
    const line = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:"];
    // Not into the environment of the tools: componentize-py would take it for a part of each program.
    const install = (target: string, file: string) =>
      execute(pip, [...line, "--no-deps", "--target", join(fresh, target), "--requirement", join(fresh, file)]);
    await install("tool", "requirements.txt");
    await install("wasi", "wasi.txt");
  });
  return {
    // Its own script names the folder that pip put it into, which has moved since.
    componentize: [join(folder, "tools", "bin", "python3"), "-c", "from componentize_py import script; script()"],
    environment: { PYTHONPATH: join(folder, "tool") },
    wit: join(folder, "wasi", "spin_sdk", "wit"),
  };
}

/** A folder of the cache named by the files that pin its content; `fill` gets copies of them. */
async function packages(
  name: string,
  files: readonly string[],
  { isAllowed }: Bringing,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(pins, file)));
  const folder = join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 32)}`);
  if (existsSync(folder)) return folder;
  if (!isAllowed) throw new Skipped(`the tools of ${name} are not here: node examples/languages/build.ts brings them`);
  mkdirSync(cacheFolder(), { recursive: true });
  const fresh = mkdtempSync(`${folder}.`);
  try {
    for (const file of files) copyFileSync(join(pins, file), join(fresh, file));
    await fill(fresh).catch((error: unknown) => {
      throw error instanceof Skipped
        ? error
        : new Skipped(`the tools of ${name} cannot be brought: ${reasonOf(error)}`);
    });
    moveInto(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** The first line that a package manager calls an error. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
  return /^(?:npm error(?! code)|ERROR:) *(.*\S)/m.exec(text)?.[1] ?? text.trim();
}
