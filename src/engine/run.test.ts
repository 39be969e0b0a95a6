import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { defaultGrants } from "../capabilities/index.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { guestBytes, moduleOf, named, requestOf, section, silent } from "./engine-fixture.ts";
import type { RunEnding } from "./ending.ts";
import { run } from "./run.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-engine-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "data"));
mkdirSync(join(folder, "other"));
writeFileSync(join(folder, "data/in"), "hello");

function codeOf(ending: RunEnding): string {
  return ending.kind === "error" ? ending.error.code : ending.kind;
}

test("run() answers the guest's exit code, whole", async () => {
  const bytes = await guestBytes("exit-code");
  for (const code of [0, 1, 7, 255]) {
    assert.deepEqual(run(requestOf(bytes, { args: [`${code}`] })).ending, { kind: "exit", code });
  }
  assert.deepEqual(run(requestOf(bytes, { args: ["300"] })).ending, { kind: "exit", code: 300 });
  assert.deepEqual(run(requestOf(await guestBytes("hello"))).ending, { kind: "exit", code: 0 });
});

test("run() answers the signal that the guest raised", async () => {
  const bytes = await guestBytes("raise");
  assert.deepEqual(run(requestOf(bytes, { args: ["15"] })).ending, { kind: "signal", signal: 15 });
});

test("run() answers each kind of trap with V8's message and frames", async () => {
  const bytes = await guestBytes("trap");
  const messages = {
    unreachable: /^unreachable$/,
    divide: /^divide by zero$/,
    overflow: /^divide result unrepresentable$/,
    memory: /^memory access out of bounds$/,
    table: /^table index is out of bounds$/,
    recursion: /^call stack exhausted$/,
  };
  for (const [kind, message] of Object.entries(messages)) {
    const { ending } = run(requestOf(bytes, { args: [kind] }));
    assert.ok(ending.kind === "trap", kind);
    assert.match(ending.message, message);
    assert.ok(ending.backtrace.length > 3);
  }
});

test("run() says what raises the limit where a guest trapped that had most of its memory", async () => {
  const bytes = await guestBytes("trap");
  const hintOf = (kind: string, memory?: number): string | undefined => {
    const { ending } = run(requestOf(bytes, { args: [kind], limits: memory === undefined ? {} : { memory } }));
    assert.ok(ending.kind === "trap", kind);
    return ending.hint;
  };
  assert.match(hintOf("unreachable", 3 << 16) ?? "", /^its memory had 128 KiB of the 192 KiB .* --memory SIZE/);
  assert.equal(hintOf("unreachable", 4 << 20), undefined);
  assert.equal(hintOf("unreachable"), undefined);
  assert.equal(hintOf("recursion", 3 << 16), undefined);
});

test("run() refuses memory past the limit: to the guest where it grows, as an error where it begins with more", async () => {
  const bytes = await guestBytes("grow");
  const grown = run(requestOf(bytes, { limits: { memory: 4 << 20 } }));
  assert.deepEqual(grown.ending, { kind: "exit", code: 0 });
  const { ending } = run(requestOf(bytes, { limits: { memory: 65_536 } }));
  assert.equal(codeOf(ending), "LIMIT_MEMORY");
  assert.ok(ending.kind === "error" && ending.error.hint === "raise it with --memory SIZE");
});

test("run() ends a guest that writes more than it may", async () => {
  const { ending } = run(requestOf(await guestBytes("hello"), { grants: defaultGrants, limits: { maxOutput: 0 } }));
  assert.equal(codeOf(ending), "LIMIT_OUTPUT");
});

test("run() calls one export with its arguments, after a reactor's own start", async () => {
  const bytes = await guestBytes("invoke");
  const invoke = (name: string, ...args: string[]): RunEnding =>
    run(requestOf(bytes, { invoke: { name, args } })).ending;
  assert.deepEqual(invoke("add", "2147483647", "1"), { kind: "values", values: ["-2147483648"] });
  assert.deepEqual(invoke("add64", "0x7fffffffffffffff", "-1"), { kind: "values", values: ["9223372036854775806"] });
  assert.deepEqual(invoke("addf", "0.1", "0.2"), { kind: "values", values: ["0.30000000000000004"] });
  assert.deepEqual(invoke("halff", "0.5"), { kind: "values", values: ["0.25"] });
  assert.deepEqual(invoke("was_started"), { kind: "values", values: ["1"] });
  assert.deepEqual(invoke("greet"), { kind: "values", values: [] });
  const failed = invoke("fail");
  assert.ok(failed.kind === "trap" && failed.backtrace.length > 0);
  assert.equal(codeOf(invoke("nothing")), "GUEST_EXPORT_MISSING");
  assert.equal(codeOf(invoke("memory")), "GUEST_EXPORT_MISSING");
  for (const args of [
    [],
    ["1"],
    ["1", "2", "3"],
    ["1", "x"],
    ["1", ""],
    ["1", "1.5"],
    ["1", "4294967296"],
    ["-2147483649", "1"],
  ]) {
    assert.equal(codeOf(invoke("add", ...args)), "CLI_USAGE", args.join());
  }
  assert.deepEqual(invoke("add", "0xffffffff", "-2147483648"), { kind: "values", values: ["2147483647"] });
});

test("run() says that a library is no program, and what could be called", async () => {
  const { ending } = run(requestOf(await guestBytes("invoke")));
  assert.ok(ending.kind === "error" && ending.error.code === "GUEST_EXPORT_MISSING");
  assert.match(
    ending.error.message,
    /^Cannot run "guest\.wasm": it has no "_start", so it is a library and no program; /,
  );
  assert.match(ending.error.hint ?? "", /^call one with --invoke \w+$/);
});

const type = section(1, 1, 0x60, 0, 0);

test("run() lists the imports that nobody provides", () => {
  const wanted = ["one", "two", "three", "four", "five", "six", "seven"];
  const imports = wanted.flatMap((name) => [...named("env"), ...named(name), 0, 0]);
  const known = [...named("wasi_snapshot_preview1"), ...named("sched_yield"), 0, 0];
  const table = [...named("env"), ...named("table"), 1, 0x70, 0, 1];
  const bytes = moduleOf(type, section(2, wanted.length + 2, ...known, ...table, ...imports));
  const { ending } = run(requestOf(bytes));
  assert.ok(ending.kind === "error" && ending.error.code === "GUEST_IMPORT_UNKNOWN");
  assert.deepEqual(ending.error.data, {
    imports: [
      "wasi_snapshot_preview1.sched_yield (with another type)",
      "env.table (table)",
      ...wanted.map((name) => `env.${name} (function)`),
    ],
  });
  assert.match(
    ending.error.message,
    /: nobody provides its import \S+\.sched_yield \(with another type\), env\.table \(table\), .* and 4 more$/,
  );
  assert.match(ending.error.hint ?? "", /sampan inspect guest\.wasm/);
});

test("run() gives a module the memory that it imports, as large as its limit allows", () => {
  // _start traps unless memory.grow(1) answers what `grows` says: the memory's size before, or -1.
  const start = (grows: number): number[] => [0, 0x41, 1, 0x40, 0, 0x41, grows & 0x7f, 0x47, 0x04, 0x40, 0, 0x0b, 0x0b];
  const importing = (flags: readonly number[], grows: number): Uint8Array<ArrayBuffer> =>
    moduleOf(
      type,
      section(2, 1, ...named("env"), ...named("memory"), 2, ...flags),
      section(3, 1, 0),
      section(7, 1, ...named("_start"), 0, 0),
      section(10, 1, start(grows).length, ...start(grows)),
    );
  for (const flags of [
    [0, 1],
    [1, 1, 4],
    [3, 1, 4],
  ]) {
    assert.deepEqual(run(requestOf(importing(flags, 1))).ending, { kind: "exit", code: 0 });
    const limits = { memory: 65_536 };
    assert.deepEqual(run(requestOf(importing(flags, -1), { limits })).ending, { kind: "exit", code: 0 });
    assert.deepEqual(run(requestOf(importing(flags, 1), { limits: { memory: 131_072 } })).ending.kind, "exit");
  }
  assert.equal(codeOf(run(requestOf(importing([0, 2], 2), { limits: { memory: 65_536 } })).ending), "LIMIT_MEMORY");
});

test("run() refuses a module that starts threads, which takes runThreads()", () => {
  const bytes = moduleOf(
    section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
    section(2, 1, ...named("wasi"), ...named("thread-spawn"), 0, 0),
  );
  assert.equal(codeOf(run(requestOf(bytes)).ending), "GUEST_THREADS");
});

test("run() provides no call of one ABI's under the other's name", () => {
  const imports = [...named("wasi_unstable"), ...named("sock_accept"), 0, 0];
  const proto = [...named("wasi_unstable"), ...named("constructor"), 0, 0];
  const { ending } = run(
    requestOf(moduleOf(type, section(2, 3, ...imports, ...proto, ...named("constructor"), ...named("name"), 0, 0))),
  );
  assert.ok(ending.kind === "error");
  const wanted = [
    "wasi_unstable.sock_accept (function)",
    "wasi_unstable.constructor (function)",
    "constructor.name (function)",
  ];
  assert.deepEqual(ending.error.data, { imports: wanted });
});

test("run() refuses bytes that are no module", () => {
  for (const bytes of [[], [1, 2, 3], [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 99], [0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]]) {
    assert.equal(codeOf(run(requestOf(new Uint8Array(bytes))).ending), "GUEST_NOT_RUNNABLE");
    assert.equal(
      codeOf(run(requestOf(new Uint8Array(bytes), { limits: { memory: 1 << 20 } })).ending),
      "GUEST_NOT_RUNNABLE",
    );
  }
});

test("run() reports each distinct refusal once, in the order of their first time", async () => {
  const bytes = await guestBytes("copy");
  const files = [
    { host: join(folder, "data"), guest: "/data", access: "read-only" },
    { host: join(folder, "other"), guest: "/other", access: "read-write" },
  ] as const;
  const { refusals, uses, ending } = run(
    requestOf(bytes, { args: ["/data/in", "/data/out"], grants: { ...silent, files } }),
  );
  assert.notDeepEqual(ending, { kind: "exit", code: 0 });
  const [first, ...rest] = refusals;
  assert.deepEqual(first, { capability: "files", operation: "write", path: "/data/out" });
  assert.ok(rest.every((refusal) => refusal.capability === "stdio"));
  assert.equal(new Set(refusals.map((refusal) => JSON.stringify(refusal))).size, refusals.length);
  assert.deepEqual(uses, []);
  const outside = run(requestOf(bytes, { args: ["/etc/in", "/other/out"], grants: { ...silent, files } }));
  assert.deepEqual(outside.refusals[0], { capability: "files", operation: "read", path: "/etc/in" });
});

test("run() notes what was used where it is learning", async () => {
  const files = [{ host: join(folder, "other"), guest: "/other", access: "read-write" }] as const;
  const env = { A: "1" };
  writeFileSync(join(folder, "other/in"), "hello");
  const grants = { ...silent, files, env };
  const request = requestOf(await guestBytes("copy"), { args: ["/other/in", "/other/out"], grants, learn: true });
  const { uses, ending } = run(request);
  assert.deepEqual(ending, { kind: "exit", code: 0 });
  const used = uses.map((use) => JSON.stringify(use));
  assert.ok(used.includes(JSON.stringify({ capability: "files", operation: "read", path: "/other/in" })), used.join());
  assert.ok(used.includes(JSON.stringify({ capability: "files", operation: "write", path: "/other/out" })));
  assert.ok(!used.some((use) => use.includes("random")));
});

test("run() says which folder cannot be granted", async () => {
  const files = [{ host: join(folder, "nothing"), guest: "/x", access: "read-only" }] as const;
  assert.equal(
    codeOf(run(requestOf(await guestBytes("hello"), { grants: { ...silent, files } })).ending),
    "FILE_NOT_FOUND",
  );
});

/** Runs a guest with a trace in a process of its own. */
async function traced(guest: string, options: { closesStderr?: boolean } = {}) {
  const module = await compileOwnGuest(guest);
  const script = `
    import { readFileSync, writeSync } from "node:fs";
    import { run } from ${JSON.stringify(new URL("run.ts", import.meta.url).href)};
    import { requestOf } from ${JSON.stringify(new URL("engine-fixture.ts", import.meta.url).href)};
    readFileSync(0);
    const { ending } = run(requestOf(readFileSync(${JSON.stringify(module)}), { trace: true }));
    writeSync(1, JSON.stringify(ending));`;
  const line = ["--input-type=module", "-e", script];
  if (options.closesStderr !== true) return spawnSync(process.execPath, line, { encoding: "utf8", input: "" });
  const child = spawn(process.execPath, line, { stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.destroy();
  child.stdin.end();
  await new Promise((resolve) => void child.on("close", resolve));
  return { stdout, stderr: "" };
}

test("run() traces a line for each call, with the flag that would allow a refused one", async () => {
  const { stdout, stderr } = await traced("hello");
  assert.equal(stdout, '{"kind":"exit","code":0}');
  assert.match(
    stderr,
    /^fd_write\(fd=1,iovs=\[.*\]\) -> perm {2}# allowed by --stdio stdout instead of --stdio none$/m,
  );
});

test("run() goes on where nobody reads its trace any more", async () => {
  const { stdout } = await traced("hello", { closesStderr: true });
  assert.equal(stdout, '{"kind":"exit","code":0}');
});
