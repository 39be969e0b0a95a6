import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compileOwnGuest } from "./toolchain.ts";

const sampan = join(import.meta.dirname, "../src/cli/main.ts");
const folder = mkdtempSync(join(tmpdir(), "sampan-guests-"));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "a"));
writeFileSync(join(folder, "a", "b"), "hello world\n");

interface Run {
  readonly guest: string;
  readonly args?: readonly string[];
  readonly options?: readonly string[];
  readonly input?: string;
}

async function run({ guest, args = [], options = [], input = "" }: Run) {
  const module = await compileOwnGuest(guest);
  const line = [sampan, "run", "-v", `${folder}:/d`, ...options, module, ...args];
  const child = spawn(process.execPath, line, { stdio: ["pipe", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
  child.stdin.on("error", () => undefined).end(input);
  const code = await new Promise<number | null>((ended, failed) => {
    child.on("error", failed).on("close", ended);
  });
  return { code, ...output };
}

/** Guest, exit code, stdout, stderr. */
const runs: readonly (readonly [run: Run, code: number, stdout: RegExp, stderr: RegExp])[] = [
  [{ guest: "hello" }, 0, /^Hello from Sampan\n$/, /^$/],
  [
    { guest: "args-env", args: ["a b", ""], options: ["-e", "K=v=w"] },
    0,
    /\nargv\[1\]=a b\nargv\[2\]=\nenv K=v=w\n$/,
    /^$/,
  ],
  [{ guest: "args-env" }, 0, /^argv\[0\]=.*\n$/, /^$/],
  [{ guest: "cat", input: "one\ntwo" }, 0, /^one\ntwo$/, /^$/],
  [{ guest: "cat", args: ["/d/a/b"] }, 0, /^hello world\n$/, /^$/],
  [{ guest: "copy", args: ["/d/a/b", "/d/copied"] }, 0, /^12 bytes\n$/, /^$/],
  [{ guest: "exit-code", args: ["7"] }, 7, /^ending with 7\n$/, /^$/],
  [{ guest: "exit-code", args: ["7", "return"] }, 7, /^ending with 7\n$/, /^$/],
  [
    { guest: "trap" },
    134,
    /^about to trap: unreachable\n$/,
    /unreachable\n(?:.*\n)*?.*\bc\b.*\n.*\bb\b.*\n.*\ba\b.*\n.*\bmain\b/,
  ],
  [{ guest: "trap", args: ["divide"] }, 134, /divide\n$/, /divide by zero/],
  [{ guest: "trap", args: ["overflow"] }, 134, /overflow\n$/, /divide result unrepresentable/],
  [{ guest: "trap", args: ["memory"] }, 134, /memory\n$/, /memory access out of bounds/],
  [{ guest: "trap", args: ["table"] }, 134, /table\n$/, /table index is out of bounds/],
  [{ guest: "trap", args: ["stack"] }, 134, /stack\n$/, /memory access out of bounds/],
  [{ guest: "trap", args: ["recursion"] }, 134, /recursion\n$/, /stack/],
  [{ guest: "grow", options: ["--memory", "4m"] }, 0, /^from \d+ to 64 pages, last byte 7\n$/, /^$/],
  [{ guest: "raise", args: ["15"] }, 143, /^raising 15\n$/, /^$/],
  [{ guest: "raise", args: ["libc", "15"] }, 134, /^raising 15\n$/, /unreachable/],
  [{ guest: "raise", args: ["abort"] }, 134, /^raising abort\n$/, /unreachable/],
  [{ guest: "isatty" }, 0, /^stdin: no terminal.*\nstdout: no terminal.*\nstderr: no terminal.*\n$/, /^$/],
  [{ guest: "epipe", args: ["2"] }, 0, /^(x{1023}\n){2}$/, /^$/],
  [{ guest: "invoke", options: ["--invoke", "add"], args: ["2147483647", "1"] }, 0, /^-2147483648\n$/, /^$/],
  [
    { guest: "invoke", options: ["--invoke", "add64"], args: ["9007199254740993", "1"] },
    0,
    /^9007199254740994\n$/,
    /^$/,
  ],
  [{ guest: "invoke", options: ["--invoke", "addf"], args: ["0.5", "0.25"] }, 0, /^0\.75\n$/, /^$/],
  [{ guest: "invoke", options: ["--invoke", "was_started"] }, 0, /^1\n$/, /^$/],
  [{ guest: "invoke", options: ["--invoke", "greet"] }, 0, /^Hello from a reactor\n$/, /^$/],
  [{ guest: "bench/clock-loop", args: ["1000"] }, 0, /^\d+\.\d\d\n$/, /^$/],
  [{ guest: "bench/write-loop", args: ["100"] }, 0, /^x{100}$/, /^\d+\.\d\d\n$/],
  [{ guest: "bench/sequential", args: ["/d", "1"] }, 0, /^\{"write":\d+\.\d+,"read":\d+\.\d+\}\n$/, /^$/],
  [
    { guest: "bench/small-files", options: ["-v", `${mkdtempSync(join(folder, "small-"))}:.`], args: [".", "2"] },
    0,
    /^(\{("\w+":\d+,?){5}\}\n){2}$/,
    /^$/,
  ],
];

for (const guest of ["catch-all", "catch-all-legacy"]) {
  test(`${guest} catches its own exception, and neither an exit, a trap, a signal nor a deadline`, async () => {
    assert.deepEqual(await run({ guest, args: ["throw"] }), {
      code: 1,
      stdout: "still here: caught\n",
      stderr: "",
    });
    assert.deepEqual(await run({ guest, args: ["exit"] }), { code: 9, stdout: "", stderr: "" });
    assert.deepEqual(await run({ guest, args: ["raise"] }), { code: 143, stdout: "", stderr: "" });
    const trap = await run({ guest, args: ["trap"] });
    assert.deepEqual([trap.code, trap.stdout], [134, ""]);
    const late = await run({ guest, args: ["spin"], options: ["--timeout", "2s"] });
    assert.deepEqual([late.code, late.stdout], [124, ""]);
  });
}

for (const [what, code, stdout, stderr] of runs) {
  test(
    ["guest", what.guest, ...(what.options ?? []), ...(what.args ?? [])].join(" ").replace(folder, "FOLDER"),
    async () => {
      const ended = await run(what);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stdout, stdout);
      assert.match(ended.stderr, stderr);
    },
  );
}

test("spin ends at its deadline, whether it calls or not", async () => {
  for (const args of [[], ["call"]]) {
    const ended = await run({ guest: "spin", args, options: ["--timeout", "200ms"] });
    assert.deepEqual([ended.code, ended.stdout], [124, "spinning\n"]);
  }
});

test("cat ends at its deadline while it waits for input that never comes, with node:ffi and without", async () => {
  const module = await compileOwnGuest("cat");
  for (const ffi of ["1", "0"]) {
    const env = { ...process.env, SAMPAN_FFI: ffi };
    const line = [sampan, "run", "--timeout", "200ms", module];
    // Standard input stays open: only the deadline ends the guest.
    const child = spawn(process.execPath, line, { stdio: ["pipe", "ignore", "ignore"], env });
    const code = await new Promise<number | null>((ended, failed) => child.on("error", failed).on("exit", ended));
    child.stdin.destroy();
    assert.equal(code, 124);
  }
});

/** Lines of the probe and what they answer. */
const lines: readonly (readonly [line: string, answer: RegExp])[] = [
  ["args_sizes_get", /errno=0 result=\d+ result=\d+$/],
  ["environ_get", /errno=0$/],
  ["clock_res_get 0", /errno=0 result=[1-9]\d*$/],
  ["fd_prestat_get 3", /errno=0 tag=0 len=2$/],
  ["fd_prestat_dir_name 3 2", /errno=0 data="\/d"$/],
  ["fd_prestat_dir_name 3 1", /errno=37$/],
  ['fd=path_open 3 1 "a/b" 0 -1 -1 0', /errno=0 result=\d+$/],
  ["fd_read $fd 2,0,5", /errno=0 result=7 data="he"\|""\|"llo w"$/],
  ["fd_tell $fd", /errno=0 result=7$/],
  ["fd_seek $fd -3 1", /errno=0 result=4$/],
  ["fd_pread $fd 100 6", /errno=0 result=6 data="world\\n"$/],
  ['w=path_open 3 0 "new" 9 -1 -1 0', /errno=0 result=\d+$/],
  [String.raw`fd_write $w "one","","two\n\x00"`, /errno=0 result=8$/],
  ["fd_filestat_get $w", /errno=0 dev=\d+ ino=\d+ type=4 nlink=1 size=8 atim=\d+ mtim=\d+ ctim=\d+$/],
  ["fd_filestat_get $w out=end-8", /errno=21$/],
  ['path_symlink "new" 3 "link"', /errno=0$/],
  ['path_readlink 3 "link" 20', /errno=0 result=3 data="new"$/],
  ['path_unlink_file 3 "link"', /errno=0$/],
  ['path_create_directory 3 "dir"', /errno=0$/],
  ['d=path_open 3 0 "dir" 2 0 0 0', /errno=0 result=\d+$/],
  ["fd_readdir $d 200 0", /errno=0 result=\d+ .*entry\(next=\d+ ino=\d+ type=3 name="\.\."\)/],
  ["fd_close $d", /errno=0$/],
  ["fd_close $d", /errno=8$/],
  ["poll_oneoff clock:1:1000:0", /errno=0 result=1 event\(userdata=100 error=0 type=0\)$/],
  ["random_get 4", /errno=0 data=".+"$/],
  ["sock_recv $w 10 0", /errno=57$/],
  ["sched_yield", /errno=0$/],
];

test("p1-probe answers a line for a line", async () => {
  const ended = await run({
    guest: "p1-probe",
    input: `${lines.map(([line]) => line).join("\n")}\nproc_exit 5\n`,
  });
  const answers = ended.stdout.trimEnd().split("\n");
  assert.equal(ended.code, 5, ended.stdout);
  assert.equal(answers.length, lines.length);
  for (const [index, [line, answer]] of lines.entries()) assert.match(answers[index] ?? "", answer, line);
});

test("unstable has the older layouts and whence order", async () => {
  const args = [
    'path_filestat_get 3 0 "a/b"',
    'fd=path_open 3 0 "a/b" 0 -1 -1 0',
    "fd_seek $fd 3 2",
    "fd_seek $fd -5 1",
    "fd_read $fd 4",
  ];
  const { code, stdout } = await run({ guest: "unstable", args });
  assert.equal(code, 0);
  const [stat = "", , start, end, data] = stdout.split("\n");
  assert.match(stat, /errno=0 dev=\d+ ino=\d+ type=4 nlink=1 size=12 atim=\d+ mtim=\d+ ctim=\d+$/);
  assert.deepEqual(
    [start, end, data],
    ["fd_seek errno=0 result=3", "fd_seek errno=0 result=7", 'fd_read errno=0 result=4 data="orld"'],
  );
});
