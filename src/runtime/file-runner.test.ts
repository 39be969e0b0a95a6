import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { handlerComponent } from "../../guests/http-handler.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { wasi02Component } from "../../guests/wasi02.ts";
import { FileRunner, moduleStamp } from "./file-runner.ts";
import { collect } from "./runtime-fixture.ts";
import { Runtime } from "./runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-files-"));
const runner = new FileRunner();
after(async () => {
  await runner.close();
  rmSync(folder, { recursive: true });
});
const runtime = new Runtime({ runners: { wasm: runner } });

async function run(path: string, ...args: string[]): Promise<string> {
  const data = { module: path, args: ["guest", ...args], cordon: "shared" };
  const container = await runtime.create({ workload: { kind: "wasm", data } });
  await container.start();
  const { exitCode } = await container.wait();
  const text = (await collect(container.logs())).map((entry) => entry.text).join("");
  return `${exitCode} ${text.trim()}`;
}

test("FileRunner runs a module by its path beside others in shared threads, and another once the file has changed", async () => {
  const path = join(folder, "app.wasm");
  copyFileSync(await compileOwnGuest("small-service"), path);
  await runner.prepare(path);
  const before = await moduleStamp(path);
  assert.deepEqual(await Promise.all([run(path, "exit", "0"), run(path, "exit", "3")]), [
    "0 exits with 0",
    "3 exits with 3",
  ]);
  copyFileSync(await compileOwnGuest("hello"), path);
  assert.notEqual(await moduleStamp(path), before);
  assert.match(await run(path), /^0 hello/i);
});

test("FileRunner runs a component that is a command, and says what is none", async () => {
  const path = join(folder, "sayer.wasm");
  writeFileSync(path, wasi02Component());
  assert.equal(await run(path), "0 hell");
  const served = join(folder, "served.wasm");
  writeFileSync(served, handlerComponent());
  await assert.rejects(run(served), { code: "GUEST_EXPORT_MISSING", hint: /sampan serve served\.wasm/ });
});

test("FileRunner says which module is not there, ahead of a start only by doing nothing", async () => {
  const path = join(folder, "none.wasm");
  await runner.prepare(path);
  await assert.rejects(run(path), { code: "FILE_NOT_FOUND", message: /no such file/ });
  await assert.rejects(moduleStamp(path), { code: "FILE_NOT_FOUND" });
  await assert.rejects(run(folder), { code: "FILE_UNREADABLE" });
});
