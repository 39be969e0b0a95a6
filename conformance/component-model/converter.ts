import { spawn, spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { access, constants, mkdir } from "node:fs/promises";
import { SampanError } from "../../src/base/index.ts";

/** The version whose JSON the runner reads. */
const version = "1.257.0";
const timeout = 120_000;

/**
 * Finds `wasm-tools`, which turns the text form of the suite into JSON and binaries: what SAMPAN_WASM_TOOLS names, what is on the
 * path, or what Cargo installs into the user's cache once.
 *
 * @returns the command, or what to install
 */
export async function findConverter(): Promise<{ readonly command: string } | { readonly missing: string }> {
  const named = process.env["SAMPAN_WASM_TOOLS"];
  if (named !== undefined && named !== "") {
    if (versionOf(named) !== undefined) return { command: named };
    throw new SampanError("FILE_NOT_FOUND", `Cannot run SAMPAN_WASM_TOOLS, "${named}": it is no wasm-tools`);
  }
  if (versionOf("wasm-tools") === version) return { command: "wasm-tools" };
  const root = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sampan", `wasm-tools-${version}`);
  const cached = join(root, "bin", process.platform === "win32" ? "wasm-tools.exe" : "wasm-tools");
  if (versionOf(cached) === version) return { command: cached };
  if (!(await isOnPath("cargo")))
    return {
      missing: `install wasm-tools ${version}, or Cargo, which then installs it; or name one in SAMPAN_WASM_TOOLS`,
    };
  console.log(`installing wasm-tools ${version} into ${root} once, by cargo; this takes some minutes`);
  await mkdir(root, { recursive: true });
  await run("cargo", ["install", "--quiet", "--locked", "--version", version, "--root", root, "wasm-tools"]);
  return { command: cached };
}

function versionOf(command: string): string | undefined {
  const { status, stdout } = spawnSync(command, ["--version"], { encoding: "utf8", timeout });
  return status === 0 ? /^wasm-tools (\S+)/.exec(stdout)?.[1] : undefined;
}

async function isOnPath(name: string): Promise<boolean> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const found = await access(join(folder, name), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** Runs a command to its end. @throws FILE_UNREADABLE with what it says where it fails */
export async function run(command: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await outcomeOf(command, args);
  if (status !== 0)
    throw new SampanError("FILE_UNREADABLE", `Cannot run "${[command, ...args].join(" ")}": ${stderr.trim()}`);
}

/** Runs a command to its end and answers its exit status and what it wrote to stderr. */
export function outcomeOf(
  command: string,
  args: readonly string[],
): Promise<{ status: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stderr }));
  });
}
