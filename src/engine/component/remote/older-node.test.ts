import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { greeterComponent } from "../../../../guests/greeter.ts";
import { wasi02Component } from "../../../../guests/wasi02.ts";
import { guestBytes } from "../../engine-fixture.ts";
import { olderNodeFile, olderNodes, whyNoOlderNode } from "./older-node-fixture.ts";

const root = resolve(import.meta.dirname, "../../../..");
const library = libraryFile();
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "sampan-older-"));
  writeFileSync(join(folder, "greeter.wasm"), await greeterComponent());
  writeFileSync(join(folder, "wasi.wasm"), wasi02Component());
  writeFileSync(join(folder, "hello.wasm"), await guestBytes("hello"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** The bundle where it is newer than every source, or else the sources: these are what the threads and processes would run. */
function libraryFile(): string {
  const bundle = join(root, "dist", "index.mjs");
  const sources = join(root, "src");
  const isFresh =
    existsSync(join(root, "dist", "index.cjs")) &&
    readdirSync(sources, { recursive: true, encoding: "utf8" }).every(
      (name) => !name.endsWith(".ts") || statSync(join(sources, name)).mtimeMs < statSync(bundle).mtimeMs,
    );
  return isFresh ? bundle : join(sources, "index.ts");
}

/** What every program begins with. */
const beginning = `
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { instantiate, MemorySink } from ${JSON.stringify(pathToFileURL(library).href)};
const children = () => readFileSync("/proc/self/task/" + process.pid + "/children", "utf8").split(" ").filter(Boolean);
const isOlder = !("Suspending" in WebAssembly);
class Thing {
  constructor(value) { this.value = value; }
  get() { return this.value * 2; }
}
const calls = { add: (a, b) => a + b, log() {}, Thing };
const greeter = (more = {}, own = {}) =>
  instantiate("greeter.wasm", { imports: { "test:host/calls": { ...calls, ...own } }, ...more });
`;

interface Program {
  readonly node: string;
  readonly onOutput?: (pid: number, text: string) => void;
}

/** Runs a program to its end, and to that of whatever has its streams: its text, and how it ended. */
async function run(
  code: string,
  { node, onOutput }: Program,
): Promise<{ ended: unknown; stdout: string; stderr: string }> {
  const file = join(folder, `program-${process.pid}-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(file, beginning + code);
  // Sources are stripped of their types with a warning, which the bundle does not have.
  const flags = library.endsWith(".ts") ? ["--disable-warning=ExperimentalWarning"] : [];
  const child = spawn(node, [...flags, file], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  if (onOutput !== undefined) child.stdout.once("data", (data: Buffer) => onOutput(child.pid ?? 0, String(data)));
  const ended = new Promise((settle) => child.once("close", (status, signal) => settle(status ?? signal)));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { ended: await ended, stdout, stderr };
}

for (const older of olderNodes) {
  const skip = whyNoOlderNode(older) ?? false;
  const node = olderNodeFile(older);
  const passes = async (code: string): Promise<void> => {
    const { ended, stderr } = await run(code, { node });
    assert.equal(stderr, "");
    assert.equal(ended, 0);
  };

  describe(`import "sampan" under Node.js ${older.version}`, { skip, timeout: 120_000 }, () => {
    test("runs a component in place that nothing lets wait, and starts no process", () =>
      passes(`
        const instance = await greeter();
        assert.equal(instance.mode, "sync");
        assert.equal(instance.exports.addOne(41), 42);
        assert.equal(instance.exports.greet("wörld"), "Hello wörld");
        assert.equal(instance.exports.useThing(21), 42);
        const counter = new instance.exports.counters.Counter(7);
        assert.equal(counter.read(), 7);
        counter[Symbol.dispose]();
        assert.equal(instance.exports.dropped(), 1);
        assert.throws(() => instance.exports.addOne("1"), { code: "COMPONENT_VALUE" });
        assert.throws(() => instance.exports.boom(), { code: "GUEST_TRAPPED" });
        const late = await greeter({ limits: { time: 500 } });
        assert.throws(() => late.exports.spin(), { code: "LIMIT_DEADLINE" });
        assert.deepEqual(children(), []);
      `));

    test("runs those that may wait behind the same API, in one process for all where V8 cannot suspend them", () =>
      passes(`
        const first = await greeter({}, { add: async (a, b) => a + b });
        assert.equal(first.mode, "async");
        assert.equal(await first.exports.addOne(41), 42);
        const counter = await new first.exports.counters.Counter(7);
        assert.equal(await counter.read(), 7);
        await counter[Symbol.asyncDispose]();
        assert.equal(await first.exports.dropped(), 1);
        const mine = new Error("mine");
        const failing = await greeter({}, { add: async () => { throw mine; } });
        await assert.rejects(failing.exports.addOne(1), mine);
        const stdout = new MemorySink();
        const wasi = await instantiate("wasi.wasm", { stdout });
        await wasi.exports.sleep(1000000n);
        assert.equal(await wasi.exports.say(), 0);
        assert.equal(stdout.text, "hell");
        await assert.rejects(first.exports.boom(), { code: "GUEST_TRAPPED" });
        assert.equal(await wasi.exports.say(), 0);
        assert.equal(children().length, isOlder ? 1 : 0);
      `));

    test("puts components and core modules behind either cordon", () =>
      passes(`
        for (const cordon of ["thread", "process"]) {
          const instance = await greeter({ cordon }, { add: async (a, b) => a + b });
          assert.equal(await instance.exports.addOne(41), 42);
          await assert.rejects(instance.exports.boom(), { code: "GUEST_TRAPPED" });
          await instance.close();
        }
        const stdout = new MemorySink();
        const hello = await instantiate("hello.wasm", { stdout });
        await hello.invoke("_start").catch((error) => assert.equal(error.code, "GUEST_EXITED"));
        assert.match(stdout.text, /Hello/);
        await hello.close();
      `));

    test("says what is missing where no Node.js can be had that suspends guests", () =>
      passes(`
        process.env.SAMPAN_NODE = "no-such-node";
        const making = greeter({}, { add: async (a, b) => a + b });
        if (isOlder) await assert.rejects(making, { code: "ENGINE_UNSUPPORTED", message: /SAMPAN_NODE="no-such-node"/ });
        else assert.equal(await (await making).exports.addOne(1), 2);
        assert.equal((await greeter()).exports.addOne(1), 2);
      `));

    test("ends its guests' process with itself, also where it is killed while a guest spins", async () => {
      const { ended, stdout } = await run(
        `
        const instance = await greeter({ mode: "async" });
        await instance.exports.addOne(1);
        process.stdout.write("spins");
        await instance.exports.spin();
      `,
        // The process of the guests has the streams as well: the end of these is the end of both.
        { node, onOutput: (pid) => process.kill(pid, "SIGKILL") },
      );
      assert.equal(stdout, "spins");
      assert.equal(ended, "SIGKILL");
    });
  });
}
