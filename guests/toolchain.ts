/**
 * Compiles the test guests from C. The compiler is npm's `@yowasp/clang`: LLVM as one preview 1 command, run by Sampan
 * itself with the sysroot and the sources granted read-only. A guest cannot start a process, so that each source is
 * compiled by a run of `clang -c` (which does it in its own process) and the objects are linked by a run of `wasm-ld`.
 *
 *   node guests/toolchain.ts [NAME…]     compiles the named guests, or all of them, and prints their paths
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { readTar } from "./ustar.ts";

/** What {@link compileGuest} turns into a module. */
export interface GuestSources {
  /** Paths of the sources (.c, .cc, .s); headers that they include in quotes are found by themselves. */
  readonly sources: readonly string[];
  /** Where the module is to lie as well; without it, in the cache only. */
  readonly out?: string;
  /** Flags as clang takes them; those that concern the linker are handed to wasm-ld. */
  readonly args?: readonly string[];
  /** Links the C++ libraries too. */
  readonly cxx?: boolean;
}

const root = resolve(import.meta.dirname, "..");
const cache = join(root, ".cache");
const clang = join(root, "node_modules", "@yowasp", "clang");
/** The sources and not the bundle, which is only as new as the last set-up. */
const sampan = join(root, "src", "cli", "main.ts");

/** Raised when the same sources and flags would give another module than before. */
const recipe = "2";
const libraries = "/usr/lib/wasm32-wasip1";
const builtins = "/usr/lib/wasm32-unknown-wasip1";

/** The version of the clang package that compiles the guests. */
export function clangVersion(): string {
  const { version } = JSON.parse(readFileSync(join(clang, "package.json"), "utf8")) as {
    version: string;
  };
  return version;
}

/** Unpacks the sysroot into a folder of the cache, once, and answers it; the guest compiler sees it as `/usr`. */
export async function unpackSysroot(within: string = cache): Promise<string> {
  const folder = join(within, `llvm-${clangVersion()}`);
  if (existsSync(folder)) return folder;
  mkdirSync(within, { recursive: true });
  const fresh = mkdtempSync(`${folder}.`);
  try {
    for (const entry of readTar(readFileSync(join(clang, "gen", "llvm-resources.tar")))) {
      const path = join(fresh, entry.name);
      mkdirSync(entry.kind === "directory" ? path : dirname(path), { recursive: true });
      if (entry.kind === "file") writeFileSync(path, entry.bytes);
    }
    moveInto(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** Another process may have been faster with the same content: then its work stays. */
function moveInto(fresh: string, target: string): void {
  try {
    renameSync(fresh, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  }
}

const running = new Map<string, Promise<string>>();

/**
 * Compiles and links a guest, and answers the path of its module in the cache, whose name is the hash of everything
 * that goes into it.
 *
 * @throws Error whose message is the compiler's own output
 */
export async function compileGuest(guest: GuestSources): Promise<string> {
  const module = join(cache, "guests", `${cacheKey(guest)}.wasm`);
  if (!existsSync(module)) {
    const build = running.get(module) ?? buildModule(guest, module).finally(() => running.delete(module));
    running.set(module, build);
    await build;
  }
  if (guest.out === undefined) return module;
  mkdirSync(dirname(resolve(guest.out)), { recursive: true });
  writeFileSync(guest.out, readFileSync(module));
  return guest.out;
}

function cacheKey(guest: GuestSources): string {
  const hash = createHash("sha256");
  const flags = [recipe, clangVersion(), guest.cxx === true ? "c++" : "c", ...(guest.args ?? [])];
  hash.update(JSON.stringify(flags));
  const files = withHeaders(guest.sources);
  const top = commonFolder(files);
  hash.update(basename(top));
  for (const source of files) {
    const bytes = readFileSync(source);
    hash.update(JSON.stringify([relative(top, resolve(source)), bytes.length]));
    hash.update(bytes);
  }
  return hash.digest("hex");
}

async function buildModule(guest: GuestSources, module: string): Promise<string> {
  const sysroot = await unpackSysroot();
  const top = commonFolder(withHeaders(guest.sources));
  mkdirSync(dirname(module), { recursive: true });
  const work = mkdtempSync(join(cache, "guests", "work-"));
  const volumes = [`${sysroot}:/usr:ro`, `${top}:/src:ro`, `${work}:/out`];
  // The linker writes the file's name into the module, and backtraces show it.
  const made = `${moduleName(guest.sources)}.wasm`;
  const { compile, link, reactor } = splitFlags(guest.args ?? ["-O2"]);
  try {
    const objects: string[] = [];
    for (const [index, source] of guest.sources.entries()) {
      const object = `/out/${index}.o`;
      const path = `/src/${relative(top, resolve(source)).split(sep).join("/")}`;
      const flags = extname(source) === ".s" ? assemblerFlags(compile) : compile;
      await runLlvm([guest.cxx === true ? "clang++" : "clang", "-c", ...flags, path, "-o", object], volumes);
      objects.push(object);
    }
    await runLlvm(
      ["wasm-ld", ...linkLine({ objects, link, reactor, cxx: guest.cxx === true }), "-o", `/out/${made}`],
      volumes,
    );
    moveInto(join(work, made), module);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return module;
}

interface LinkInput {
  readonly objects: readonly string[];
  readonly link: readonly string[];
  readonly reactor: boolean;
  readonly cxx: boolean;
}

function linkLine({ objects, link, reactor, cxx }: LinkInput): string[] {
  const bare = link.includes("-nostdlib");
  const start = reactor ? [`${libraries}/crt1-reactor.o`, "--entry", "_initialize"] : [`${libraries}/crt1-command.o`];
  return [
    "-m",
    "wasm32",
    `-L${builtins}`,
    `-L${libraries}`,
    ...(bare ? [] : start),
    ...objects,
    ...link.filter((flag) => flag !== "-nostdlib"),
    ...(cxx ? ["-lc++", "-lc++abi"] : []),
    ...(bare ? [] : ["-lc", `${builtins}/libclang_rt.builtins.a`]),
  ];
}

/** Divides the driver's flags into clang's and the linker's. */
function splitFlags(args: readonly string[]): {
  compile: string[];
  link: string[];
  reactor: boolean;
} {
  const link: string[] = [];
  const compile: string[] = [];
  for (const flag of args) {
    if (flag.startsWith("-Wl,")) link.push(...flag.slice("-Wl,".length).split(","));
    else if (/^-[lL]./.test(flag) || flag === "-nostdlib") link.push(flag);
    else if (!flag.startsWith("-mexec-model=")) compile.push(flag);
  }
  return { compile, link, reactor: args.includes("-mexec-model=reactor") };
}

/** The sources and, in the order of their first mention, the files that they include in quotes. */
function withHeaders(sources: readonly string[]): string[] {
  const files = new Set(sources.map((source) => resolve(source)));
  for (const file of files) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(/^#include "(.+)"$/gm)) {
      files.add(resolve(dirname(file), name ?? ""));
    }
  }
  return [...files];
}

function moduleName(sources: readonly string[]): string {
  const first = sources[0] ?? "";
  const main = sources.find((source) => basename(source, extname(source)) === "main");
  return main === undefined ? basename(first, extname(first)) : basename(dirname(resolve(main)));
}

/** The assembler warns of flags that mean nothing to it. */
function assemblerFlags(flags: readonly string[]): string[] {
  return flags.filter((flag) => !/^-[OD]/.test(flag));
}

function commonFolder(sources: readonly string[]): string {
  const [first, ...rest] = sources.map((source) => dirname(resolve(source)));
  if (first === undefined) throw new Error("Cannot compile a guest without a source");
  let common = first;
  for (const folder of rest) {
    while (folder !== common && !folder.startsWith(common + sep)) common = dirname(common);
  }
  return common;
}

/** Runs one of LLVM's tools inside Sampan with the volumes granted, and fails with what the tool wrote to stderr. */
async function runLlvm(command: readonly string[], volumes: readonly string[]): Promise<void> {
  const grants = volumes.flatMap((volume) => ["-v", volume]);
  const line = [sampan, "run", ...grants, join(clang, "gen", "llvm.core.wasm"), ...command];
  const child = spawn(process.execPath, line, { stdio: ["ignore", "inherit", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk: string) => (stderr += chunk));
  const status = await new Promise<number | string | null>((ended, failed) => {
    child.on("error", failed);
    child.on("close", (code, signal) => ended(code ?? signal));
  });
  if (status !== 0) throw new Error(stderr === "" ? `Cannot run "${command[0]}": it ended with ${status}` : stderr);
  if (stderr !== "") process.stderr.write(stderr);
}

/**
 * The sources and flags of one of our own guests: `guests/NAME.c`, or the folder `guests/NAME` with all that is in it.
 * The comment lines at the head of a source may say `// flags: …` and `// reactor`; without flags it is `-O2`.
 */
export function ownGuest(name: string): GuestSources {
  const file = join(import.meta.dirname, `${name}.c`);
  const folder = join(import.meta.dirname, name);
  if (!existsSync(file) && !existsSync(folder)) {
    throw new Error(`No guest is named "${name}": wanted one of ${guestNames().join(", ")}`);
  }
  const sources = existsSync(file) ? [file] : sourcesIn(folder);
  const head = sources.map((source) => /^(?:(?:\/\/|#).*\n)*/.exec(readFileSync(source, "utf8"))?.[0] ?? "").join("");
  const flags = [...head.matchAll(/^(?:\/\/|#) flags: (.+)$/gm)].flatMap((match) =>
    (match[1] ?? "").trim().split(/\s+/),
  );
  const model = /^\/\/ reactor$/m.test(head) ? ["-mexec-model=reactor"] : [];
  return { sources, args: [...(flags.length === 0 ? ["-O2"] : flags), ...model] };
}

function sourcesIn(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => [".c", ".s"].includes(extname(name)));
  return names.sort().map((name) => join(folder, name));
}

/** The names of all guests in this folder: `hello`, `bench/clock-loop`, … */
export function guestNames(): string[] {
  const names: string[] = [];
  for (const entry of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" })) {
    const name = entry.split(sep).join("/");
    if (![".c", ".s"].includes(extname(name))) continue;
    const inFolder = name.includes("/") && !name.startsWith("bench/");
    names.push(inFolder ? dirname(name) : name.slice(0, -extname(name).length));
  }
  return [...new Set(names)].sort();
}

/**
 * Compiles one of our own guests by its name and answers the path of its module. A folder that has the module of its name
 * in it is of a language that has no compiler here.
 */
export function compileOwnGuest(name: string): Promise<string> {
  const committed = join(import.meta.dirname, name, `${basename(name)}.wasm`);
  return existsSync(committed) ? Promise.resolve(committed) : compileGuest(ownGuest(name));
}

/** Compiles every guest of this folder, one after the other, and answers their modules by name. */
export async function compileAllGuests(): Promise<Map<string, string>> {
  const modules = new Map<string, string>();
  for (const name of guestNames()) modules.set(name, await compileOwnGuest(name));
  return modules;
}

if (import.meta.main) {
  const named = process.argv.slice(2);
  for (const name of named.length === 0 ? guestNames() : named) {
    const from = performance.now();
    try {
      const module = await compileOwnGuest(name);
      const size = readFileSync(module).length;
      console.log(
        `${name}\t${relative(process.cwd(), module)}\t${size} bytes\t${Math.round(performance.now() - from)} ms`,
      );
    } catch (error) {
      process.exitCode = 1;
      console.error(error instanceof Error ? error.message : error);
    }
  }
}
