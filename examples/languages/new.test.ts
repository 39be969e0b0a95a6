import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { ask } from "../programs.ts";
import { javaScriptTools } from "../toolchain/packages.ts";
import { hasRustToolchain, needTool, rustToolchain, Skipped } from "../toolchain/rust.ts";

const progress = (line: string): void => void process.stderr.write(`${line}\n`);
/** Whether what is missing is downloaded: CI asks for it. */
const isAllowed = ["built", "all"].includes(process.env["SAMPAN_EXAMPLES"] ?? "");
const sampan = join(import.meta.dirname, "../../src/cli/main.ts");
const toolchain = join(import.meta.dirname, "../toolchain");

/** Commands that stand before PATH: their names and the lines of their scripts. */
type Stand = Readonly<Record<string, string>>;

interface Try {
  readonly language: string;
  readonly isHttp: boolean;
  /** Whether its build downloads packages. */
  readonly downloads: boolean;
  /** Left out of CI for its time: the other project of the language goes through the same steps. */
  readonly isTwin?: true;
  /** Looks for what the build needs. @throws Skipped */
  readonly stand: () => Promise<Stand>;
}

const node = (script: string): string => `exec "${process.execPath}" "${script}" "$@"`;
const onPath = (...tools: string[]) => {
  return async (): Promise<Stand> => {
    for (const tool of tools) needTool(tool);
    return {};
  };
};
const clang = async (): Promise<Stand> => {
  needTool("make");
  return { clang: node(join(toolchain, "clang.ts")) };
};
const tries: readonly Try[] = [
  { language: "c", isHttp: false, downloads: false, stand: clang },
  { language: "c", isHttp: true, downloads: false, stand: clang },
  { language: "go", isHttp: false, downloads: false, stand: onPath("go") },
  { language: "go", isHttp: true, downloads: false, stand: onPath("go") },
  { language: "rust", isHttp: false, downloads: false, stand: debianRust },
  { language: "rust", isHttp: true, downloads: true, stand: debianRust },
  { language: "ts", isHttp: false, downloads: true, isTwin: true, stand: onPath("npm") },
  { language: "ts", isHttp: true, downloads: true, stand: onPath("npm") },
  { language: "py", isHttp: false, downloads: true, isTwin: true, stand: onPath("python3") },
  { language: "py", isHttp: true, downloads: true, stand: onPath("python3") },
];

async function debianRust(): Promise<Stand> {
  if (!isAllowed && !hasRustToolchain())
    throw new Skipped("the Rust toolchain is not here: node examples/languages/build.ts rust brings it");
  await javaScriptTools({ progress, isAllowed });
  const { rustc, cargo, linker } = await rustToolchain(progress);
  return {
    rustc: `exec "${rustc}" "$@"`,
    cargo: `exec "${cargo}" "$@"`,
    "wasm-component-ld": `export WASM_LD="${linker}"\n${node(join(toolchain, "component-ld.ts"))}`,
  };
}

for (const each of tries) {
  const line = `sampan new ${each.language} my-hello${each.isHttp ? " --http" : ""}`;
  test(`${line}, and the two commands that it prints, end in an answer`, async (t) => {
    if (process.env["SAMPAN_EXAMPLES"] === "later") return t.skip("skipped: SAMPAN_EXAMPLES is later");
    if (each.downloads && !isAllowed) return t.skip("skipped: it downloads packages, and SAMPAN_EXAMPLES is not built");
    if (each.isTwin === true && process.env["SAMPAN_EXAMPLES"] !== "all")
      return t.skip("skipped: it takes long, and SAMPAN_EXAMPLES is not all");
    const folder = mkdtempSync(join(tmpdir(), "sampan-new-"));
    try {
      const path = placeStand(folder, await each.stand());
      await typeAll(line, { folder, path, isHttp: each.isHttp });
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      t.skip(`skipped: ${error.message}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** Lays scripts out in a folder, and answers a PATH that begins with it. */
function placeStand(folder: string, stand: Stand): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const [name, script] of Object.entries({ ...stand, sampan: node(sampan) })) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return [bin, process.env["PATH"]].join(delimiter);
}

/** Types `sampan new`, and then what it prints to be typed next. */
async function typeAll(line: string, at: { folder: string; path: string; isHttp: boolean }): Promise<void> {
  const made = typed(line, at);
  assert.equal(await made.ended, 0, made.output());
  const [build = "", run = "", ...more] = [...made.output().matchAll(/^ {2}(\S.*)$/gm)].map(([, next]) => next ?? "");
  assert.deepEqual(more, [], "three commands, and no more");
  if (!at.isHttp) {
    const all = typed(`${build} >&2 && ${run}`, at);
    assert.equal(await all.ended, 0, all.output());
    assert.match(all.output(), /^Hello, world!$/m);
    return;
  }
  const server = typed(`${build} && exec ${run.replace("sampan serve", "sampan serve --addr 127.0.0.1:0")}`, at);
  try {
    const url = await server.until(/http:\/\/127\.0\.0\.1:\d+/);
    const { status, text, headers } = await ask(`${url}/a/b`);
    assert.deepEqual([status, text, headers["content-type"]], [200, "Hello from /a/b\n", "text/plain"]);
  } finally {
    server.child.kill("SIGTERM");
    await server.ended;
  }
}

interface Typed {
  readonly child: ChildProcess;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  /** All that it wrote so far. */
  output(): string;
  /** The first match in what it writes; fails where it ends before. */
  until(pattern: RegExp): Promise<string>;
}

function typed(line: string, { folder, path }: { folder: string; path: string }): Typed {
  // Flags for another target would be the test's and not the project's.
  const env = { ...process.env, PATH: path, RUSTFLAGS: "", CARGO_TARGET_DIR: join(folder, "my-hello", "target") };
  const child = spawn("sh", ["-c", line], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  const ended = new Promise<number | string | null>((resolve, reject) => {
    child.on("error", reject).on("close", (code, signal) => resolve(code ?? signal));
  });
  const until = (pattern: RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(output)?.[0];
        if (found !== undefined) resolve(found);
      };
      child.stdout.on("data", look);
      child.stderr.on("data", look);
      ended.then(() => reject(new Error(`It ended:\n${output}`)), reject);
    });
  return { child, ended, output: () => output, until };
}
