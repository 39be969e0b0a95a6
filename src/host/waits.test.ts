import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import type { ByteSink } from "../base/index.ts";
import { defaultGrants } from "../capabilities/index.ts";
import { MemorySink } from "./channels.ts";
import { buffersOf } from "./host-fixture.ts";
import { HostWorkload } from "./workload.ts";

const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** The head of a script that has an instance's standard streams, which are its process's own, and says on stderr what it found. */
const head = `
  import { HostWorkload } from ${url("workload.ts")};
  import { Buffers } from ${url("filesystem/file-calls.ts")};
  import { defaultGrants } from ${url("../capabilities/index.ts")};
  import { writeSync } from "node:fs";
  const host = new HostWorkload(defaultGrants, { waits: "suspend" }).createInstance();
  const [stdin, stdout] = [0, 1].map((fd) => host.descriptors.get(fd));
  const pieces = (bytes) => { const b = new Buffers(); b.reset(bytes); b.add(0, bytes.length); return b; };
  const say = (text) => writeSync(2, text + "\\n");
  let ticks = 0;
  const ticking = setInterval(() => (ticks += 1), 1);
`;

/** Runs a script in a process of its own, by way of a shell where its streams are pipes: Node gives a child sockets. */
function start(script: string, { line, env }: { line: string; env: NodeJS.ProcessEnv }) {
  const child = spawn("sh", ["-c", line.replace("NODE", '"$NODE" --input-type=module -e "$SCRIPT"')], {
    env: { ...process.env, ...env, NODE: process.execPath, SCRIPT: head + script },
  });
  let said = "";
  const waiting: (() => void)[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    for (const wake of waiting.splice(0)) wake();
  });
  const ended = new Promise<string>((resolve) => void child.on("close", () => resolve(said)));
  const untilSaid = async (text: string): Promise<void> => {
    while (!said.includes(text)) {
      await Promise.race([ended, new Promise<void>((resolve) => waiting.push(resolve))]);
      assert.ok(said.includes(text) || child.exitCode === null, said);
    }
  };
  return { child, ended, untilSaid };
}

for (const env of [{}, { SAMPAN_FFI: "0" }]) {
  const how = "SAMPAN_FFI" in env ? "without native calls" : "with native calls";

  test(`StdioStream.read() that suspends leaves the thread to others until bytes are there (${how})`, async () => {
    const script = `
      const bytes = new Uint8Array(8);
      for (let n = -1; n !== 0;) {
        const before = ticks, read = stdin.read(pieces(bytes));
        if (read instanceof Promise) {
          while (ticks < before + 3) await new Promise((resolve) => setTimeout(resolve, 1));
          say("waiting");
        }
        n = await read;
        say("got " + n);
      }
      clearInterval(ticking);`;
    const { child, ended, untilSaid } = start(script, { line: "cat | NODE", env });
    await untilSaid("waiting\n");
    child.stdin.write("abc");
    await untilSaid("got 3\nwaiting\n");
    child.stdin.write("0123456789");
    await untilSaid("got 2\nwaiting\n");
    child.stdin.end();
    assert.equal(await ended, "waiting\ngot 3\nwaiting\ngot 8\ngot 2\nwaiting\ngot 0\n");
  });
}

test("StdioStream.write() that suspends waits for room without the thread, and all arrives in order", async (t) => {
  const script = `
    if (host.calls.name === "walk") { say("skip"); process.exit(); }
    const bytes = new Uint8Array(1 << 20);
    for (let i = 0; i < bytes.length; i++) bytes[i] = i % 251;
    let waited = 0;
    for (let at = 0; at < bytes.length;) {
      const before = ticks, written = stdout.write(pieces(bytes.subarray(at, at + 100_000)));
      if (written instanceof Promise && waited++ === 0) {
        while (ticks < before + 3) await new Promise((resolve) => setTimeout(resolve, 1));
        say("waiting");
      }
      at += await written;
    }
    say("done");
    clearInterval(ticking);`;
  // The second cat reads nothing before a line comes on the shell's own input.
  const { child, ended, untilSaid } = start(script, {
    line: "exec 3<&0; NODE < /dev/null | (read line <&3; exec cat)",
    env: {},
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  await Promise.race([untilSaid("waiting"), untilSaid("skip")]);
  child.stdin.end("go\n");
  const said = await ended;
  if (said === "skip\n") return t.skip("it takes native calls");
  assert.equal(said, "waiting\ndone\n");
  const whole = Buffer.concat(chunks);
  assert.equal(whole.length, 1 << 20);
  assert.ok(whole.every((byte, index) => byte === index % 251));
});

test("HostWorkload.createInstance() closes channels of the instance's own, once for all of its streams, and no others", async () => {
  const shared = new MemorySink();
  const workload = new HostWorkload(defaultGrants, { stdio: { stdout: shared }, waits: "suspend" });
  let cancelled = 0;
  const stdin = { read: () => 0, ready: () => true as const, cancel: () => void (cancelled += 1) };
  const own = new MemorySink();
  const instance = workload.createInstance({ stdio: { stdin, stdout: own, stderr: own } });
  instance.descriptors.close(1);
  assert.equal(own.isClosed, false);
  assert.equal(await instance.descriptors.get(2).write(buffersOf("still")), 5);
  instance.descriptors.close(2);
  assert.deepEqual([own.isClosed, own.text, cancelled], [true, "still", 0]);
  instance.close();
  assert.equal(cancelled, 1);
  const plain = workload.createInstance();
  assert.equal(await plain.descriptors.get(1).write(buffersOf("a")), 1);
  plain.close();
  assert.deepEqual([shared.text, shared.isClosed], ["a", false]);
  workload.close();
});

test("HostInstance.close() gives up what its operations wait for", async () => {
  const workload = new HostWorkload(defaultGrants, { waits: "suspend" });
  let signal: AbortSignal | undefined;
  const stdout: ByteSink = {
    write: ({ length }) => length,
    ready: (given) => {
      signal = given;
      return new Promise(() => {});
    },
    close: () => {},
  };
  const instance = workload.createInstance({ stdio: { stdout } });
  assert.ok(instance.descriptors.get(1).write(buffersOf("a")) instanceof Promise);
  assert.equal(signal?.aborted, false);
  instance.close();
  assert.equal(signal?.aborted, true);
  workload.close();
});
