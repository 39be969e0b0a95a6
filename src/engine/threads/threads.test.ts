import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { guestBytes, keptStdio, moduleOf, named, requestOf, section } from "../engine-fixture.ts";
import type { InstanceOptions } from "../engine-options.ts";
import { Engine } from "../engine.ts";
import { runThreads } from "./run-threads.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-threads-"));
const engine = new Engine({ cache: false });
after(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});
const bytes = await guestBytes("threads");
const module = await engine.compile(bytes, { name: "threads.wasm" });

/** Whether an error is of the catalog, with this code. */
const withCode = (code: string) => (error: unknown) => error instanceof SampanError && error.code === code;

/** Runs the guest in a cordon of its own and answers how it ended and what it wrote. */
async function runGuest(args: readonly string[], options: InstanceOptions = {}) {
  const { stdio, output } = keptStdio();
  await using instance = await engine.instantiate(module, {
    args: ["threads", ...args],
    cordon: "thread",
    stdio,
    ...options,
  });
  return { ending: await instance.run(), ...output };
}

const success = { kind: "exit", code: 0 } as const;

test("A guest's threads count together in one memory, each under its own number", async () => {
  const { ending, stdout } = await runGuest(["counter"]);
  assert.deepEqual([ending, stdout], [success, "counted 800000, numbers agree\n"]);
});

test("Two threads wake one another by memory.atomic.wait32 and notify", async () => {
  const { ending, stdout } = await runGuest(["ping-pong"]);
  assert.deepEqual([ending, stdout], [success, "1000 turns\n"]);
});

test("A module with threads runs in a process of its own as well", async () => {
  const { ending, stdout } = await runGuest(["counter"], { cordon: "process" });
  assert.deepEqual([ending, stdout], [success, "counted 800000, numbers agree\n"]);
});

for (const busy of ["spin", "block", "sleep", "read"]) {
  test(`An exit in one thread ends the others, which ${busy}`, async () => {
    // Nothing ever comes.
    const stdin = { read: () => new Promise<number>(() => {}), ready: () => true as const, cancel: () => {} };
    const options = { stdio: { ...keptStdio().stdio, stdin } };
    assert.deepEqual((await runGuest(["thread", "exit", busy], options)).ending, { kind: "exit", code: 7 });
    assert.deepEqual((await runGuest(["main", "exit", busy], options)).ending, { kind: "exit", code: 9 });
    assert.deepEqual((await runGuest(["main", "return", busy], options)).ending, success);
  });
}

test("A trap in a thread ends all, and its backtrace says in which thread it was", async () => {
  const { ending } = await runGuest(["thread", "trap", "spin"]);
  assert.ok(ending.kind === "trap");
  assert.deepEqual([ending.message, ending.thread], ["unreachable", 1]);
  assert.deepEqual(
    ending.backtrace.map(({ name }) => name),
    ["fall", "run_thread", "wasi_thread_start"],
  );
  const main = await runGuest(["main", "trap", "block"]);
  assert.ok(main.ending.kind === "trap" && main.ending.thread === undefined);
});

test("A thread whose stack is used up ends all with LIMIT_STACK", async () => {
  const { ending } = await runGuest(["deep"]);
  assert.ok(ending.kind === "trap");
  assert.deepEqual([ending.message, ending.code, ending.thread], ["call stack exhausted", "LIMIT_STACK", 1]);
});

test("thread-spawn answers -1 past maxThreads, and a thread that is over makes room for another", async () => {
  const limited = await runGuest(["limit", "5"], { limits: { maxThreads: 3 } });
  assert.deepEqual([limited.ending, limited.stdout], [success, "started 3\n"]);
  const many = await runGuest(["many", "40"], { limits: { maxThreads: 8 } });
  assert.deepEqual([many.ending, many.stdout], [success, "40 threads\n"]);
});

test("A process with no maps left refuses the guest by LIMIT_THREADS, and thread-spawn by -1", async () => {
  let maps = 1_000;
  const files = { limit: () => 10_000, count: () => maps };
  await using crowded = new Engine({ cache: false }, { maps: files, isPooled: true });
  const { stdio, output } = keptStdio();
  maps = 10_000 - 4_096 - 200;
  await using instance = await crowded.instantiate(module, { args: ["t", "limit", "5"], stdio });
  maps = 10_000;
  assert.deepEqual(await instance.run(), success);
  assert.match(output.stdout, /^started [0-4]\n$/);
  maps = 10_000 - 4_096 - 4;
  await assert.rejects(crowded.instantiate(module), withCode("LIMIT_THREADS"));
  assert.equal(crowded.instanceCount, 1);
});

test("A file that one thread opened and wrote is read by another", async () => {
  const grants = { files: [{ host: folder, guest: "/d", access: "read-write" }] };
  const { ending, stdout } = await runGuest(["files"], { grants });
  assert.deepEqual([ending, stdout], [success, 'read "from a thread"\n']);
  assert.equal(readFileSync(join(folder, "between"), "utf8"), "from a thread");
});

test("Memory that one thread grew is there for the host calls of another, forwarded or not", async () => {
  const { ending, stdout } = await runGuest(["grow"]);
  assert.deepEqual([ending, stdout], [success, "in grown memory\n"]);
});

test("Clocks, sleep, yield and randomness work in a thread", async () => {
  const { ending, stdout } = await runGuest(["local"]);
  assert.deepEqual([ending, stdout], [success, "slept and drew 1\n"]);
});

test("One thread waits for input while another goes on with calls of its own", async () => {
  const { stdio, output } = keptStdio();
  let input: (count: number) => void = () => {};
  const stdin = {
    read: (into: Uint8Array) =>
      new Promise<number>((resolve) => {
        into[0] = 120;
        input = resolve;
        if (output.stdout.endsWith("\n")) resolve(1);
      }),
    ready: () => true as const,
    cancel: () => {},
  };
  const stdout = {
    ...stdio.stdout,
    write(part: Uint8Array): number {
      const count = stdio.stdout?.write(part) as number;
      if (output.stdout.endsWith(".\n")) input(1);
      return count;
    },
    ready: () => true as const,
    close: () => {},
  };
  const { ending } = await runGuest(["beside"], { stdio: { ...stdio, stdin, stdout } });
  assert.deepEqual([ending, output.stdout], [success, `${".".repeat(100)}\ninput came\n`]);
});

test("A deadline and a limit of processor time end threads that spin", async () => {
  for (const [limits, code] of [
    [{ deadline: 300 }, "LIMIT_DEADLINE"],
    [{ cpu: 300 }, "LIMIT_CPU"],
  ] as const) {
    const { ending } = await runGuest(["main", "never", "spin"], { limits });
    assert.ok(ending.kind === "error");
    assert.equal(ending.error.code, code);
  }
});

test("Instance.kill() ends all threads, and so does closing the engine", async () => {
  await using instance = await engine.instantiate(module, { args: ["t", "main", "never", "spin"], cordon: "thread" });
  const run = instance.run();
  // A kill that overtakes the call would find nothing to end.
  await instance.usage();
  instance.kill(15);
  assert.deepEqual(await run, { kind: "signal", signal: 15 });
  const other = new Engine({ cache: false });
  const left = await other.instantiate(await other.compile(bytes), {
    args: ["t", "main", "never", "block"],
    cordon: "thread",
  });
  const lost = left.run().catch((error: unknown) => error);
  await left.usage();
  await other.close();
  const end = await lost;
  assert.ok(withCode("ENGINE_WORKER_LOST")(end) || (end as { kind: string }).kind === "signal", String(end));
});

test("An instance that is aborted before its first thread is there ends with it", async () => {
  const controller = new AbortController();
  const making = engine.instantiate(module, { cordon: "thread", signal: controller.signal });
  setImmediate(() => controller.abort());
  const instance = await making.catch(() => undefined);
  if (instance !== undefined) {
    await assert.rejects(instance.call("add", 1, 1), SampanError);
    await instance.close();
  }
  await using pooled = new Engine({ cache: false }, { isPooled: true });
  const here = new AbortController();
  const ended = pooled.instantiate(module, { signal: here.signal });
  setImmediate(() => here.abort());
  await assert.rejects(ended, withCode("GUEST_EXITED"));
  assert.equal(pooled.instanceCount, 0);
});

test("Threads go on between calls of exports, until the instance is closed", async () => {
  await using instance = await engine.instantiate(module, { cordon: "thread" });
  assert.equal(await instance.call("begin"), 1);
  assert.equal(await instance.call("add", 2, 3), 5);
  const before = await instance.usage();
  assert.equal(before.memory % 65_536, 0);
  while ((await instance.usage()).cpu <= before.cpu) await instance.call("add", 1, 1);
  await assert.rejects(instance.call("missing"), withCode("GUEST_EXPORT_MISSING"));
  assert.equal(await instance.call("add", 1, 1), 2);
  const spinning = instance.call("begin");
  await assert.rejects(instance.call("add", 1, 1), withCode("INSTANCE_BUSY"));
  assert.equal(await spinning, 2);
});

test("A module that starts threads is refused where it would share a thread, with the cordon to ask for", async () => {
  for (const options of [{}, { cordon: "shared" }] as const) {
    await assert.rejects(engine.instantiate(module, options), (error: unknown) => {
      assert.ok(error instanceof SampanError && error.code === "GUEST_THREADS");
      assert.equal(
        error.message,
        'Cannot run "threads.wasm" in a thread that others use: it starts threads of its own',
      );
      assert.match(error.hint ?? "", /cordon: "thread"/);
      return true;
    });
  }
  await assert.rejects(engine.fresh(module), withCode("GUEST_THREADS"));
});

test("A module that starts threads has to import a shared memory", async () => {
  const type = section(1, 1, 0x60, 1, 0x7f, 1, 0x7f);
  const wanted = [
    [...named("wasi"), ...named("thread-spawn"), 0, 0],
    [...named("env"), ...named("memory"), 2, 0, 1],
  ];
  for (const count of [1, 2]) {
    const made = moduleOf(type, section(2, count, ...wanted.slice(0, count).flat()));
    await assert.rejects(
      engine.instantiate(await engine.compile(made, { name: "a.wasm" }), { cordon: "thread" }),
      (error: unknown) => {
        assert.ok(error instanceof SampanError && error.code === "GUEST_NOT_RUNNABLE");
        assert.equal(error.message, 'Cannot run "a.wasm": it starts threads, but imports no shared memory');
        return true;
      },
    );
  }
});

test("Functions of the embedder's are called from threads, and what one throws ends all", async () => {
  const types = [
    [0x60, 1, 0x7f, 1, 0x7f],
    [0x60, 2, 0x7f, 0x7e, 1, 0x7e],
    [0x60, 2, 0x7f, 0x7f, 0],
  ];
  const imports = [
    [...named("wasi"), ...named("thread-spawn"), 0, 0],
    [...named("env"), ...named("told"), 0, 1],
    [...named("env"), ...named("memory"), 2, 3, 1, 1],
  ];
  const bodies = [
    // start(arg): spawns, waits until the i32 at 0 is no longer 0, and answers it.
    [0x20, 0, 0x10, 0, 0x1a, 0x41, 0, 0x41, 0, 0x42, 0x7f, 0xfe, 1, 2, 0, 0x1a, 0x41, 0, 0xfe, 0x10, 2, 0],
    // wasi_thread_start(tid, arg): stores at 0 what told(tid, arg) answers, and notifies.
    [0x41, 0, 0x20, 0, 0x20, 1, 0xac, 0x10, 1, 0xa7, 0xfe, 0x17, 2, 0, 0x41, 0, 0x41, 1, 0xfe, 0, 2, 0, 0x1a],
  ];
  const made = moduleOf(
    section(1, 3, ...types.flat()),
    section(2, 3, ...imports.flat()),
    section(3, 2, 0, 2),
    section(7, 2, ...named("start"), 0, 2, ...named("wasi_thread_start"), 0, 3),
    section(10, 2, ...bodies.flatMap((code) => [code.length + 2, 0, ...code, 0x0b])),
  );
  const compiled = await engine.compile(made);
  const told: unknown[] = [];
  const answering = {
    env: {
      told: async (tid: number, arg: bigint) => {
        told.push([tid, arg]);
        return Promise.resolve(arg * 2n);
      },
    },
  };
  await using instance = await engine.instantiate(compiled, { cordon: "thread", imports: answering });
  assert.equal(await instance.call("start", 21), 42);
  assert.deepEqual(told, [[1, 21n]]);
  const throwing = { env: { told: () => assert.fail("told") } };
  await using other = await engine.instantiate(compiled, { cordon: "thread", imports: throwing });
  await assert.rejects(other.call("start", 1), /told/);
  await assert.rejects(other.call("start", 1), withCode("INSTANCE_ENDED"));
  await assert.rejects(engine.instantiate(compiled, { cordon: "thread" }), withCode("GUEST_IMPORT_UNKNOWN"));
});

test("A thread of a module without wasi_thread_start ends the guest, with the name of what is missing", async () => {
  const made = moduleOf(
    section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
    section(2, 2, ...named("wasi"), ...named("thread-spawn"), 0, 0, ...named("env"), ...named("memory"), 2, 3, 1, 1),
    section(3, 1, 0),
    section(7, 1, ...named("start"), 0, 1),
    // start(arg): spawns and goes on for ever.
    section(10, 1, 13, 0, 0x20, 0, 0x10, 0, 0x1a, 0x03, 0x40, 0x0c, 0, 0x0b, 0, 0x0b),
  );
  await using instance = await engine.instantiate(await engine.compile(made), { cordon: "thread" });
  await assert.rejects(instance.call("start", 0), /Cannot call "wasi_thread_start" of "module": it exports start/);
});

test("A limit of memory holds for the memory that threads share", async () => {
  const limited = await engine.compile(bytes, { memory: 4 << 20 });
  await using instance = await engine.instantiate(limited, { cordon: "thread", args: ["t", "grow"] });
  await assert.rejects(engine.compile(bytes, { memory: 65_536 }), withCode("LIMIT_MEMORY"));
  await assert.rejects(
    engine.instantiate(module, { cordon: "thread", limits: { memory: 65_536 } }),
    withCode("LIMIT_MEMORY"),
  );
  assert.equal(await instance.call("add", 1, 1), 2);
});

test("runThreads() gives reports: endings, the deadline, what was refused and used", async () => {
  const runWith = (args: readonly string[], more: Partial<Parameters<typeof runThreads>[0]> = {}, timeout?: number) =>
    runThreads(requestOf(bytes, { args, ...more }), timeout);
  const refused = await runWith(["counter"], { learn: true });
  assert.deepEqual(refused.ending, success);
  assert.deepEqual(refused.refusals, [{ capability: "stdio", stream: "stdout" }]);
  const learned = await runWith(["local"], { learn: true });
  assert.deepEqual(learned.uses, [{ capability: "clock" }, { capability: "random" }]);
  const late = await runWith(["main", "never", "spin"], {}, 300);
  assert.ok(late.ending.kind === "error" && late.ending.error.code === "LIMIT_DEADLINE");
  const added = await runWith([], { invoke: { name: "add", args: ["2", "40"] } });
  assert.deepEqual(added.ending, { kind: "values", values: ["42"] });
  const limits = await runWith(["limit", "9"], { limits: { maxThreads: 2 } });
  assert.deepEqual(limits.ending, success);
});

test("sampan run serves a guest's threads, writes their trace and names the thread of a trap", async () => {
  const run = async (...line: readonly string[]) => {
    const file = await compileOwnGuest("threads");
    const main = join(import.meta.dirname, "../../cli/main.ts");
    const at = line.indexOf("--");
    const child = spawn(process.execPath, [main, "run", ...line.slice(0, at), file, ...line.slice(at + 1)]);
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
    child.stdin.end("x");
    const code = await new Promise((resolve) => child.on("close", resolve));
    return { code, ...output };
  };
  const traced = await run("--trace", "--", "counter");
  assert.deepEqual([traced.code, traced.stdout], [0, "counted 800000, numbers agree\n"]);
  assert.match(traced.stderr, /^thread-spawn\(start_arg=\d+\) -> 8$/m);
  const trapped = await run("--", "thread", "trap", "block");
  assert.equal(trapped.code, 134);
  assert.match(trapped.stderr, / trapped in thread 1: unreachable\n {2}at fall \(.*main\.c:\d+:\d+\)\n/);
  const late = await run("--timeout", "300ms", "--", "main", "never", "spin");
  assert.equal(late.code, 124);
  const few = await run("--max-threads", "2", "--", "limit", "5");
  assert.deepEqual([few.code, few.stdout], [0, "started 2\n"]);
  const beside = await run("--", "beside");
  assert.deepEqual([beside.code, beside.stdout], [0, `${".".repeat(100)}\ninput came\n`]);
});
