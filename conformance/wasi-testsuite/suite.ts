import { spawn } from "node:child_process";
import { cp, glob, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { SampanError } from "../../src/base/index.ts";

/** What a test's JSON file says; the suite's own schema, preview 1's part of it. */
interface TestCase {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly root?: string;
  readonly exit_code?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

const command = fileURLToPath(new URL("../../bin/sampan.js", import.meta.url));
const expectedFile = new URL("expected-failures.json", import.meta.url);
const timeout = 60_000;

/**
 * Runs the preview 1 tests of WebAssembly/wasi-testsuite (branch `prod/testsuite-base`, which holds them compiled). Each
 * case gets a fresh copy of its folder. A case that fails and is not listed in expected-failures.json fails the run, and so
 * does a listed one that passes.
 *
 * @throws FILE_NOT_FOUND where the folder has no test
 */
export async function runWasiTestsuite(folder: string): Promise<boolean> {
  const expected = JSON.parse(await readFile(expectedFile, "utf8")) as Record<string, string>;
  const files = (await Array.fromAsync(glob(join(folder, "tests/*/testsuite/wasm32-wasip1/*.wasm")))).toSorted();
  if (files.length === 0) {
    const problem = "no preview 1 test is in it; wanted a checkout of its branch prod/testsuite-base";
    throw new SampanError("FILE_NOT_FOUND", `Cannot run the suite in "${folder}": ${problem}`);
  }
  const unseen = new Set(Object.keys(expected));
  let passed = 0;
  let wrong = 0;
  for (const file of files) {
    const name = `${basename(dirname(dirname(dirname(file))))}/${basename(file, ".wasm")}`;
    const failure = await runCase(file);
    const reason = expected[name];
    unseen.delete(name);
    if (failure === undefined) passed += 1;
    if (failure === undefined && reason !== undefined) {
      wrong += 1;
      console.log(`${name}: passes, but expected-failures.json lists it (${reason}): take it out`);
    } else if (failure !== undefined && reason === undefined) {
      wrong += 1;
      console.log(`${name}: ${failure}`);
    }
  }
  for (const name of unseen) console.log(`${name}: expected-failures.json lists it, but there is no such test`);
  console.log(
    `wasi-testsuite preview 1: ${passed} of ${files.length} pass, ${Object.keys(expected).length} expected to fail`,
  );
  return wrong === 0 && unseen.size === 0;
}

async function runCase(file: string): Promise<string | undefined> {
  const test = JSON.parse(await readFile(file.replace(/\.wasm$/, ".json"), "utf8").catch(() => "{}")) as TestCase;
  const scratch = await mkdtemp(join(tmpdir(), "sampan-conformance-"));
  try {
    const flags = Object.entries(test.env ?? {}).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    if (test.root !== undefined) {
      await cp(join(dirname(file), test.root), join(scratch, "root"), { recursive: true });
      flags.push("--dir", `${join(scratch, "root")}::/`);
    }
    const result = await spawnSampan([...flags, file, ...(test.args ?? [])]);
    return verdict(test, result);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

interface Result {
  readonly status: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function spawnSampan(args: readonly string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ["run", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ status: code ?? signal ?? "none", stdout, stderr }));
  });
}

function verdict(test: TestCase, { status, stdout, stderr }: Result): string | undefined {
  const wanted = test.exit_code ?? 0;
  if (status !== wanted) return `exit status ${status}, wanted ${wanted}\n${stderr.trim().replace(/^/gm, "    ")}`;
  if (test.stdout !== undefined && stdout !== test.stdout)
    return `stdout ${JSON.stringify(stdout)}, wanted ${JSON.stringify(test.stdout)}`;
  if (test.stderr !== undefined && stderr !== test.stderr)
    return `stderr ${JSON.stringify(stderr)}, wanted ${JSON.stringify(test.stderr)}`;
  return undefined;
}
