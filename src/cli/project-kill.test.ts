import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { mainFile, type Outcome, runLine } from "./spec-runner.ts";

/** How many moments are tried: `SAMPAN_SOAK=50 npm run unit -- src/cli/project-kill.test.ts` is the long form. */
const moments = Number(process.env["SAMPAN_SOAK"] ?? 5);

/** Three services: one writes numbered lines and notes after each which it was, one serves, one is a stand-in with a process of its own. */
const composeFile = `
name: kill
services:
  count:
    image: ./small.wasm
    command: [count, /data/last]
    restart: always
    volumes: ["./data:/data"]
  web:
    image: ./small.wasm
    command: [serve, "8080", hello]
    depends_on: [count]
    healthcheck: { test: "curl -f http://localhost:8080/", interval: 1s }
  page:
    image: nginx:1
    volumes: ["kept:/kept"]
volumes: { kept: {} }
`;

class World {
  readonly dir = mkdtempSync(join(tmpdir(), "sampan-kill-"));
  readonly env: Readonly<Record<string, string>> = {
    PATH: process.env["PATH"] ?? "",
    XDG_STATE_HOME: join(this.dir, "state"),
    XDG_RUNTIME_DIR: join(this.dir, "run"),
  };

  run(args: string): Promise<Outcome> {
    return runLine(`sampan ${args}`, { dir: this.dir, env: this.env, stdin: "" });
  }

  /** Processes that were started here: they have its folder in their environment, and are no command of the moment. */
  processes(): number[] {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && readOr(`/proc/${name}/environ`).includes(this.dir))
      .map(Number);
  }

  /** Files that are left of the project. */
  files(): string[] {
    return [this.env["XDG_STATE_HOME"] ?? "", this.env["XDG_RUNTIME_DIR"] ?? ""].flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => !isFolder(join(folder, name)))
        : [],
    );
  }

  /** The number of the line that the guest wrote last, as it noted behind the write. */
  lastNumber(): number {
    return Number(readOr(join(this.dir, "data", "last")) || 0);
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Ends whoever holds the project by SIGKILL a while after `up` was typed; answers what was killed. */
async function killAfter(world: World, ms: number, kind: "foreground" | "engine"): Promise<void> {
  const args = [mainFile(), "up", ...(kind === "engine" ? ["-d"] : [])];
  const up = spawn(process.execPath, args, { cwd: world.dir, env: world.env, stdio: "ignore" });
  const ended = once(up, "exit");
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (kind === "engine") {
    const engine = world.processes().filter((pid) => /engine-main/.test(readOr(`/proc/${pid}/cmdline`)));
    for (const pid of engine) process.kill(pid, "SIGKILL");
    // The command finds that out by itself, and may have started another one where none was there yet.
    await ended;
    return;
  }
  up.kill("SIGKILL");
  await ended;
}

/** Children die right behind the one that started them: until they are gone, or a time in which nothing takes so long. */
async function onlyHolders(world: World): Promise<number[]> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const left = world.processes().filter((pid) => !/engine-main/.test(readOr(`/proc/${pid}/cmdline`)));
    const hasEngine = left.length !== world.processes().length;
    if (left.length === 0 || hasEngine || Date.now() > deadline) return hasEngine ? [] : left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function checkLog(text: string, last: number): void {
  const numbers = [...text.matchAll(/^number (\d+)$/gm)].map(([, number]) => Number(number));
  // A run that goes on begins with 1 again: the last one has to be whole.
  const begin = numbers.lastIndexOf(1);
  const run = numbers.slice(Math.max(begin, 0));
  assert.deepEqual(
    run,
    Array.from({ length: run.length }, (_, at) => at + 1),
    "lines are missing in between",
  );
  assert.ok(run.length >= last, `the guest wrote ${last} lines, and the log has ${run.length}`);
}

test(
  `kill -9 of up and of the engine process at ${moments} moments loses no line, leaves no child, and down leaves nothing`,
  { skip: process.platform !== "linux", timeout: 60_000 + moments * 60_000 },
  async (context) => {
    const small = await compileOwnGuest("small-service");
    let lines = 0;
    for (let moment = 0; moment < moments; moment++) {
      const kind = moment % 2 === 0 ? "foreground" : "engine";
      // Spread over the time that it takes to come up and somewhat more, each with chance.
      const ms = Math.round(((moment + Math.random()) / moments) * 3000);
      const world = new World();
      const what = `${kind} after ${ms} ms`;
      context.diagnostic(what);
      try {
        writeFileSync(join(world.dir, "compose.yaml"), composeFile);
        copyFileSync(small, join(world.dir, "small.wasm"));
        mkdirSync(join(world.dir, "data"));
        await killAfter(world, ms, kind);
        assert.deepEqual(await onlyHolders(world), [], what);
        const last = world.lastNumber();
        const logs = await world.run("logs --no-log-prefix count");
        // Killed before it wrote itself down: there is no project, and nothing may have run.
        const isUnknown = last === 0 && /the project "kill" is not up/.test(logs.stderr);
        assert.equal(logs.exit, isUnknown ? 1 : 0, logs.stderr);
        if (world.processes().length === 0) {
          lines += last;
          checkLog(logs.stdout, last);
        }
        assert.equal((await world.run("ps -a")).exit, 0, what);
        if (moment % 3 === 1) {
          const again = await world.run("up -d --wait");
          assert.equal(again.exit, 0, `${what}: ${again.stderr}`);
          const ps = await world.run("ps --format json");
          assert.equal(ps.stdout.trim().split("\n").length, 3, `${what}: ${ps.stdout}`);
        }
        const down = await world.run("down");
        assert.equal(down.exit, 0, `${what}: ${down.stderr}`);
        assert.deepEqual(world.files(), [], what);
        assert.deepEqual(world.processes(), [], what);
      } finally {
        for (const pid of world.processes()) process.kill(pid, "SIGKILL");
        rmSync(world.dir, { recursive: true, force: true });
      }
    }
    // A run in which no guest ever wrote would have shown nothing.
    assert.ok(lines > 0);
  },
);
