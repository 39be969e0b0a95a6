import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { handlerComponent } from "../../../guests/http-handler.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-session-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "app.wasm"), handlerComponent());
const main = fileURLToPath(new URL("./serve-process-fixture.ts", import.meta.url));

/** A server below its supervisor, and the lines that the two have told. */
class Served {
  readonly process: ChildProcess;
  readonly file: string;
  readonly exited: Promise<number | string | null>;
  #told = "";
  #isOver = false;
  readonly #wakes = new Set<() => void>();

  constructor(t: TestContext, name: string, settings: string) {
    this.file = join(folder, `${name}.yaml`);
    this.write(settings);
    this.process = spawn(process.execPath, [main, join(folder, "run"), this.file], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.#told += chunk;
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      this.process.once("close", (code, signal) => {
        this.#isOver = true;
        this.#wake();
        resolve(code ?? signal);
      });
    });
    t.after(() => this.process.kill("SIGKILL"));
  }

  write(settings: string): void {
    const draft = `${this.file}.draft`;
    writeFileSync(draft, `addr: ":0"\nworkers: 1\n${settings}\nworkloads: { app: { file: app.wasm } }\n`);
    renameSync(draft, this.file);
  }

  /** The first match in what is told from now on, or was told and not looked for yet. */
  async told(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#told);
      if (match !== null) {
        this.#told = this.#told.slice(match.index + match[0].length);
        return match;
      }
      if (this.#isOver) assert.fail(`it ended before it told ${String(pattern)}: ${this.#told}`);
      await new Promise<void>((resolve) => this.#wakes.add(resolve));
    }
  }

  async listening(): Promise<{ port: number; pid: number }> {
    const [, port, pid] = await this.told(/listening (\d+) (\d+)\n/);
    return { port: Number(port), pid: Number(pid) };
  }

  #wake(): void {
    for (const wake of this.#wakes) wake();
    this.#wakes.clear();
  }
}

function ask(port: number, path = "/"): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => resolve(text(response))).on("error", reject);
  });
}

test("supervise() starts the serving process again when it is killed, on the port that it had", async (t) => {
  const served = new Served(t, "killed", "");
  const first = await served.listening();
  assert.match(await ask(first.port), /^app@/);
  process.kill(first.pid, "SIGKILL");
  await served.told(
    /The serving process was ended by SIGKILL, and its connections are lost; another starts in 10 ms\n/,
  );
  const second = await served.listening();
  assert.equal(second.port, first.port);
  assert.notEqual(second.pid, first.pid);
  assert.match(await ask(second.port), /^app@/);
  served.process.kill("SIGHUP");
  await served.told(/Reloaded: nothing has changed\n/);
  served.process.kill("SIGTERM");
  assert.equal(await served.exited, 0);
  await assert.rejects(ask(first.port), { code: "ECONNREFUSED" });
});

test("supervise() hands on the end of a process that never listened, and of one that was asked to end", async (t) => {
  const broken = new Served(t, "broken", "workers: many");
  assert.equal(await broken.exited, 1);
  const served = new Served(t, "asked", "");
  const { pid } = await served.listening();
  process.kill(pid, "SIGTERM");
  assert.equal(await served.exited, 0);
});

test("runSession() ends with its supervisor", async (t) => {
  const served = new Served(t, "orphan", "");
  const { port } = await served.listening();
  served.process.kill("SIGKILL");
  // Its output is closed once the last process that has it is gone.
  await served.exited;
  await assert.rejects(ask(port), { code: "ECONNREFUSED" });
});

test("runSession() drains at the first signal, and ends at once at the second", async (t) => {
  const served = new Served(t, "signals", "drain: 1h");
  const { port } = await served.listening();
  const waiting = ask(port, "/hold");
  const failed = assert.rejects(waiting);
  await ask(port);
  served.process.kill("SIGINT");
  await served.told(/Draining: requests have 3600 s; once more ends at once/);
  served.process.kill("SIGINT");
  assert.equal(await served.exited, 130);
  await failed;
});

test("runSession() reloads at SIGHUP, and goes on with what it had where the file is broken", async (t) => {
  const served = new Served(t, "hangup", "");
  const { port } = await served.listening();
  const before = await ask(port);
  served.write("routes: [{ to: ap }]");
  served.process.kill("SIGHUP");
  await served.told(
    /hangup\.yaml:\d+:\d+: Cannot read routes\[0\]\.to: there is no workload "ap".*\n {2}did you mean app\n/,
  );
  await served.told(/The configuration before goes on/);
  assert.equal(await ask(port), before);
  served.write("routes: [{ to: app, path: /x }]");
  served.process.kill("SIGHUP");
  await served.told(/Reloaded: routes/);
  assert.equal(await ask(port), "nothing");
  assert.equal(await ask(port, "/x"), before);
});

test("runSession() reloads by itself when a file changes, with watch: true", async (t) => {
  const served = new Served(t, "watched", "watch: true");
  const { port } = await served.listening();
  const before = await ask(port);
  const draft = join(folder, "draft.wasm");
  writeFileSync(draft, handlerComponent());
  renameSync(draft, join(folder, "app.wasm"));
  await served.told(/Reloaded: app\n/);
  assert.notEqual(await ask(port), before);
});
