/**
 * A demo: a C program of several files, compiled by clang inside the sandbox, at work on a granted
 * folder, refused another one, and allowed it by the flag that the refusal names. Every command is typed as a user
 * would, from the repository's root, and its output is its own.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { unpackSysroot } from "../../guests/toolchain.ts";

const root = resolve(import.meta.dirname, "../..");
const isColored = process.stdout.isTTY && !process.env["NO_COLOR"];
const bold = (text: string): string => (isColored ? `\x1b[1m${text}\x1b[22m` : text);
const dim = (text: string): string => (isColored ? `\x1b[2m${text}\x1b[22m` : text);

const here = "examples/json-query";
const out = ".cache/json-query";
const clang = "node_modules/@yowasp/clang/gen/llvm.core.wasm";
const tool = `${out}/jsonq.wasm`;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs `sampan run` with these arguments from the repository's root; both streams come back as one. */
async function sampanRun(args: readonly string[]): Promise<Ended> {
  const line = [join(root, "bin", "sampan.js"), "run", ...args];
  const child = spawn(process.execPath, line, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  const code = await new Promise<number | null>((ended, failed) => {
    child.on("error", failed).on("close", ended);
  });
  return { code, output };
}

function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

function printCommand(args: readonly string[]): void {
  const words = ["sampan", "run", ...args].map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word}'`));
  let line = "  $";
  for (const [index, word] of words.entries()) {
    // An option's value stays beside it.
    const isOption = /^-[voz]$/.test(word);
    if (/^-[voz]$/.test(words[index - 1] ?? "")) continue;
    const unit = isOption ? `${word} ${words[index + 1]}` : word;
    if (line.length + unit.length > 96) {
      print(bold(`${line} \\`));
      line = "     ";
    }
    line += ` ${unit}`;
  }
  print(bold(line));
}

/** Prints a command and its output, and ends the demo where the exit code is another than expected. */
async function show(args: readonly string[], expected: "success" | "failure" = "success"): Promise<string> {
  printCommand(args);
  const { code, output } = await sampanRun(args);
  for (const line of output.trimEnd().split("\n")) if (line !== "") print(`    ${line}`);
  if (expected === "failure") print(dim(`    exit code ${code}`));
  if ((code === 0) !== (expected === "success")) {
    print(`The demo stops: wanted ${expected}, but the command ended with ${code}`);
    process.exit(1);
  }
  return output;
}

async function runEach(lines: readonly (readonly string[])[]): Promise<void> {
  for (const line of lines) {
    const { code, output } = await sampanRun(line);
    if (code !== 0) throw new Error(output);
  }
}

async function compile(): Promise<void> {
  const sysroot = relative(root, await unpackSysroot());
  const sources = readdirSync(join(root, here)).filter((name) => name.endsWith(".c"));
  rmSync(join(root, out), { recursive: true, force: true });
  mkdirSync(join(root, out), { recursive: true });
  const grants = ["-v", `${sysroot}:/usr:ro`, "-v", `${here}:/src:ro`, "-v", `${out}:/out`];
  const from = performance.now();

  const objects = sources.map((name) => `/out/${name.replace(/c$/, "o")}`);
  const lines = sources.map((name, index) => {
    return [...grants, clang, "clang", "-c", "-O2", `/src/${name}`, "-o", objects[index] ?? ""];
  });
  const [first = [], ...others] = lines;
  await show(first);
  print(dim(`    … and the same for ${sources.slice(1).join(", ")}`));
  const half = Math.ceil(others.length / 2);
  await Promise.all([runEach(others.slice(0, half)), runEach(others.slice(half))]);
  const libraries = "/usr/lib/wasm32-wasip1";
  const builtins = "/usr/lib/wasm32-unknown-wasip1/libclang_rt.builtins.a";
  const link = [`-L${libraries}`, `${libraries}/crt1-command.o`, ...objects, "-lc", builtins];
  await show([...grants, clang, "wasm-ld", ...link, "-z", "stack-size=262144", "-o", "/out/jsonq.wasm"]);
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  print(dim(`    ${tool}: ${Math.round(statSync(join(root, tool)).size / 1024)} KiB in ${seconds} s`));
}

async function demo(): Promise<void> {
  print("1  Seven C files become one module: clang runs inside the sandbox, reads the sources, writes one folder");
  print();
  await compile();

  print("\n2  The module answers questions about the one folder that it is granted\n");
  const granted = ["-v", `${here}/data:/orders:ro`, tool];
  const orders = "/orders/orders.json";
  await show([...granted, "length, (map(.total) | add)", orders]);
  await show([...granted, "-c", "sort_by(-.total) | .[:3] | .[] | {id, who: .customer.name, total}", orders]);
  const sums = "{status: .[0].status, orders: length, sum: (map(.total) | add | round)}";
  await show([...granted, "-c", `group_by(.status) | .[] | ${sums}`, orders]);

  print("\n3  The folder beside it is not granted: the call is refused, and the refusal names the flag to type\n");
  const secret = [".[] | {name, salary}", "/orders/../secret/payroll.json"];
  const refusal = await show([...granted, "-c", ...secret], "failure");
  const flag = /-v ([^\s'"]+|'[^']+'|"[^"]+")/.exec(refusal)?.[1]?.replace(/^['"]|['"]$/g, "");
  if (flag === undefined) throw new Error("The refusal names no flag");

  print("\n4  With that flag it is allowed, and nothing else is\n");
  await show(["-v", flag, ...granted, "-c", ...secret]);
}

await demo();
