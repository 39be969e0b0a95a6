import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { wasi02Component } from "../../../guests/wasi02.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
let folder = "";
let file = "";

before(() => {
  folder = mkdtempSync(join(tmpdir(), "sampan-run-component-"));
  file = join(folder, "sayer.wasm");
  writeFileSync(file, wasi02Component());
});
after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `sampan run` in a process of its own, which a component that is alone in it blocks. */
function sampanRun(...args: readonly string[]): Promise<Ended> {
  const [outFile, errorFile] = [join(folder, "stdout"), join(folder, "stderr")];
  const [stdout, stderr] = [openSync(outFile, "w"), openSync(errorFile, "w")];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, "run", ...args], { stdio: ["ignore", stdout, stderr] });
    child.once("error", reject);
    child.once("exit", (status) => {
      closeSync(stdout);
      closeSync(stderr);
      resolve({ status, stdout: readFileSync(outFile, "utf8"), stderr: readFileSync(errorFile, "utf8") });
    });
  });
}

test("sampan run of a command component calls wasi:cli/run on the process's streams", async () => {
  assert.deepEqual(await sampanRun(file), { status: 0, stdout: "hell", stderr: "" });
});

test("sampan run answers the status that a component exits with", async () => {
  assert.equal((await sampanRun("--invoke", "leave(33)", file)).status, 33);
});

test("sampan run ends a component that sleeps, and one that spins, at --timeout with status 124", async () => {
  for (const call of ["sleep(3600000000000)", "spin()"]) {
    const { status, stderr } = await sampanRun("--timeout", "50ms", "--invoke", call, file);
    assert.equal(status, 124, call);
    assert.match(stderr, /LIMIT_DEADLINE/, call);
  }
});

test("sampan run --trace has a line for each of a component's calls", async () => {
  const { stderr } = await sampanRun("--trace", file);
  assert.deepEqual(stderr.trim().split("\n"), [
    "wasi:cli/stdout#get-stdout() = <OutputStream>",
    "wasi:io/streams#[method]output-stream.blocking-write-and-flush(<OutputStream>, 4 bytes) = none",
  ]);
});

test("sampan run says what a component was refused, and the flag that grants it", async () => {
  const grants = join(folder, "grants.yaml");
  writeFileSync(grants, "random: none\n");
  const { status, stderr } = await sampanRun("--grants", grants, "--invoke", "draw()", file);
  assert.equal(status, 134);
  assert.match(stderr, /get-random-u64 failed: EPERM/);
  assert.match(stderr, /--random/);
});
