/**
 * Builds the example programs of this folder: for each language a command (`hello`) and what answers HTTP requests (`http`).
 *
 *   node examples/languages/build.ts [LANGUAGE…]     builds those of the languages, or all, and prints their paths
 *
 * Tools are downloaded into the user's cache where they are missing; what was built lies there too, named by the hash of all that it was
 * made from. What cannot be built on this machine is said and left out.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { compileGuest } from "../../guests/toolchain.ts";
import { buildGo } from "../toolchain/go.ts";
import { moveInto } from "../toolchain/move-into.ts";
import { type Bringing, javaScriptTools, pythonTools } from "../toolchain/packages.ts";
import { buildCrate, cacheFolder, hasRustToolchain, Skipped } from "../toolchain/rust.ts";

const execute = promisify(execFile);
const here = import.meta.dirname;

/** One program of this folder. */
export interface Program {
  readonly language: string;
  /** `cgi` is a module that is started for each request. */
  readonly kind: "command" | "http" | "cgi";
  /** What it calls its language. */
  readonly title: string;
  /** Builds it and answers the path of its Wasm. @throws Skipped */
  readonly build: (bringing: Bringing) => Promise<string>;
}

/** All programs, the quickest builds first. */
export const programs: readonly Program[] = [
  { language: "c", title: "C", kind: "command", build: (bringing) => buildC("hello", bringing) },
  { language: "c", title: "C", kind: "http", build: (bringing) => buildC("http", bringing) },
  { language: "go", title: "Go", kind: "command", build: buildGoCommand },
  { language: "go", title: "Go", kind: "cgi", build: ({ progress }) => buildGo(join(here, "go", "http"), progress) },
  { language: "rust", title: "Rust", kind: "command", build: (bringing) => buildRust("rust-hello", bringing) },
  { language: "rust", title: "Rust", kind: "http", build: (bringing) => buildRust("rust-http", bringing) },
  { language: "javascript", title: "JavaScript", kind: "command", build: buildJavaScriptCommand },
  {
    language: "javascript",
    title: "JavaScript",
    kind: "http",
    build: (each) => buildFetch("javascript/http.js", each),
  },
  {
    language: "typescript",
    title: "TypeScript",
    kind: "http",
    build: (each) => buildFetch("typescript/http.ts", each),
  },
  {
    language: "python",
    title: "Python",
    kind: "command",
    build: (each) => buildPython("hello", "wasi:cli/command", each),
  },
  { language: "python", title: "Python", kind: "http", build: (each) => buildPython("http", "wasi:http/proxy", each) },
];

async function buildC(name: "hello" | "http", bringing: Bringing): Promise<string> {
  await javaScriptTools(bringing);
  const source = join(here, "c", `${name}.c`);
  if (name === "hello") return adapted(await compileGuest({ sources: [source] }), "command", bringing);
  const module = await compileGuest({ sources: [source], args: ["-O2", "-mexec-model=reactor"] });
  return adapted(module, "reactor", bringing, join(here, "c", "http.wit"));
}

async function buildGoCommand(bringing: Bringing): Promise<string> {
  await javaScriptTools(bringing);
  return adapted(await buildGo(join(here, "go", "hello"), bringing.progress), "command", bringing);
}

async function buildRust(name: string, bringing: Bringing): Promise<string> {
  if (!bringing.isAllowed && !hasRustToolchain())
    throw new Skipped("the Rust toolchain is not here: node examples/languages/build.ts rust brings it");
  await javaScriptTools(bringing);
  const module = await buildCrate(join(here, "rust", name), bringing.progress);
  return adapted(module, name === "rust-hello" ? "command" : "reactor", bringing);
}

/**
 * Makes a component of a module for preview 1; `world` is WIT of what it imports and exports besides. Callers look for jco first, so that
 * nothing is compiled in vain.
 */
async function adapted(
  module: string,
  adapter: "command" | "reactor",
  bringing: Bringing,
  world?: string,
): Promise<string> {
  const { jco, adapters, wasi } = await javaScriptTools(bringing);
  const sources = world === undefined ? [module] : [module, world];
  return component(sources, [jco, adapter], async (out, work) => {
    let core = module;
    if (world !== undefined) {
      core = join(work, "embedded.wasm");
      await node([jco, "embed", module, "--wit", witFolder(work, world, wasi), "--world-name", "program", "-o", core]);
    }
    await node([jco, "new", core, "--adapt", `wasi_snapshot_preview1=${adapters[adapter]}`, "-o", out]);
  });
}

async function buildJavaScriptCommand(bringing: Bringing): Promise<string> {
  const { jco, wasi } = await javaScriptTools(bringing);
  const sources = ["hello.js", "hello.wit"].map((name) => join(here, "javascript", name));
  return component(sources, [jco], async (out, work) => {
    bringing.progress("building javascript/hello.js");
    const [source = "", world = ""] = sources;
    const flags = ["--wit", witFolder(work, world, wasi), "--disable", "http", "fetch-event", "--out", out];
    await node([jco, "componentize", source, ...flags]);
  });
}

/** Builds what listens to the `fetch` event. */
async function buildFetch(name: string, bringing: Bringing): Promise<string> {
  const { jco, http } = await javaScriptTools(bringing);
  const source = join(here, name);
  return component([source], [jco], async (out) => {
    bringing.progress(`building ${name}`);
    await node([jco, "componentize", source, "--wit", http.wit, "--world-name", http.world, "--out", out]);
  });
}

async function buildPython(name: string, world: string, bringing: Bringing): Promise<string> {
  const { componentize, environment, wit } = await pythonTools(bringing);
  const source = join(here, "python", `${name}.py`);
  return component([source], [wit, world], async (out, work) => {
    bringing.progress(`building python/${name}.py`);
    // Beside the source Python would leave what it compiled, and `http` is a module of Python's own.
    cpSync(source, join(work, "program.py"));
    const [python, ...script] = componentize;
    const line = ["--wit-path", wit, "--world", `${world}@0.2.6`, "componentize", "--python-path", work, "program"];
    await execute(python, [...script, ...line, "--output", out], {
      cwd: work,
      env: { ...process.env, ...environment },
    });
  });
}

/** A folder of WIT: the world, and WASI's packages as its dependencies. */
function witFolder(work: string, world: string, wasi: string): string {
  const folder = join(work, "wit");
  cpSync(world, join(folder, "world.wit"));
  cpSync(wasi, join(folder, "deps"), { recursive: true });
  return folder;
}

/** What was built of some sources by tools whose paths tell their versions; `make` gets the file to write and a folder to work in. */
async function component(
  sources: readonly string[],
  tools: readonly string[],
  make: (out: string, work: string) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify(["1", tools, sources.map((source) => basename(source))]));
  for (const source of sources) hash.update(readFileSync(source));
  const folder = join(dirname(cacheFolder()), "components");
  const built = join(folder, `${hash.digest("hex")}.wasm`);
  if (existsSync(built)) return built;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "sampan-language-"));
  try {
    const out = join(work, "out.wasm");
    await make(out, work);
    const fresh = `${built}.${process.pid}`;
    cpSync(out, fresh);
    moveInto(fresh, built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return built;
}

async function node(args: readonly string[]): Promise<void> {
  await execute(process.execPath, args);
}

if (import.meta.main) {
  const wanted = process.argv.slice(2);
  const folders = readdirSync(here).filter((name) => programs.some(({ language }) => language === name));
  const unknown = wanted.find((name) => !folders.includes(name));
  if (unknown !== undefined) throw new Error(`No example is in "${unknown}": wanted ${folders.join(", ")}`);
  const bringing = { progress: (line: string) => void process.stderr.write(`${line}\n`), isAllowed: true };
  for (const { language, kind, build } of programs) {
    if (wanted.length > 0 && !wanted.includes(language)) continue;
    try {
      const built = await build(bringing);
      console.log(`${language}\t${kind}\t${statSync(built).size} bytes\t${built}`);
    } catch (error) {
      if (!(error instanceof Skipped)) throw error;
      console.log(`${language}\t${kind}\tskipped: ${error.message}`);
    }
  }
}
