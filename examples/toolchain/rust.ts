/**
 * A Rust toolchain for `wasm32-wasip1` without rustup: Debian's `rustc`, its standard library for Wasm and `lld`,
 * downloaded by apt into a cache folder and unpacked there by `dpkg -x`. Nothing is installed and no right of root is
 * needed. apt checks the packages against the Debian keyring; the mirror is the one that this machine's apt already uses.
 *
 *   node examples/toolchain/rust.ts [--update]            brings the toolchain and prints where it is
 *   node examples/toolchain/rust.ts build FOLDER [OUT]    builds the crate in FOLDER and prints the module's path
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, delimiter, dirname, join, relative, resolve } from "node:path";
import { moveInto } from "./move-into.ts";

/** Where the compiler and the linker are; both are scripts that can be run from anywhere. */
export interface RustToolchain {
  readonly rustc: string;
  readonly linker: string;
  readonly cargo: string;
  /** The packages and versions that it consists of. */
  readonly packages: readonly string[];
}

/** Told what is done next, one line at a time. */
export type Progress = (line: string) => void;

/** Why something is not done on this machine: a tool or the network is missing. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

/** Debian's release that the compiler comes from: the stable one, whose versions change seldom. */
const release = "trixie";
const target = "wasm32-wasip1";
const roots = ["rustc", "libstd-rust-dev-wasm32", "lld", "cargo"];
/** What the machine brings itself: build scripts and procedural macros are linked by its own C compiler. */
const assumed = ["gcc", "libc6-dev", "binutils"];
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Raised when the same packages would be unpacked into something else than before. */
const recipe = "3";

/** The folder of the user's cache where all toolchains lie. */
export function cacheFolder(): string {
  const base = process.env["XDG_CACHE_HOME"] ?? "";
  return join(base.startsWith("/") ? base : join(homedir(), ".cache"), "sampan", "toolchains");
}

/**
 * Brings the toolchain, which after the first time is a look into the cache.
 *
 * @throws Skipped naming what this machine lacks
 */
export async function rustToolchain(progress: Progress, { update }: { update?: boolean } = {}): Promise<RustToolchain> {
  const pointer = pointerFile();
  if (update !== true && existsSync(pointer)) {
    const { folder } = JSON.parse(readFileSync(pointer, "utf8")) as { folder: string };
    if (existsSync(join(cacheFolder(), folder))) return toolchainIn(join(cacheFolder(), folder));
  }
  for (const tool of ["apt-get", "dpkg", "cc"]) needTool(tool);
  if (!existsSync(keyring)) throw new Skipped(`"${keyring}" is missing: install debian-archive-keyring`);
  mkdirSync(cacheFolder(), { recursive: true });
  const apt = mkdtempSync(join(cacheFolder(), "apt-"));
  try {
    const folder = await fetchToolchain(apt, progress);
    writeFileSync(`${apt}.json`, `${JSON.stringify({ folder })}\n`);
    rmSync(pointer, { force: true });
    moveInto(`${apt}.json`, pointer);
    return toolchainIn(join(cacheFolder(), folder));
  } finally {
    rmSync(apt, { recursive: true, force: true });
  }
}

/** Whether the toolchain was brought before. */
export function hasRustToolchain(): boolean {
  return existsSync(pointerFile());
}

/** Where it is written which folder has the toolchain. */
function pointerFile(): string {
  return join(cacheFolder(), `rust-${release}.json`);
}

async function fetchToolchain(apt: string, progress: Progress): Promise<string> {
  const options = await privateApt(apt);
  progress(`reading Debian's index of "${release}"`);
  await runApt([...options, "update"]);
  const list = await runApt([...options, "install", "--print-uris", "-qq", ...roots]);
  // A line is 'URI' FILE SIZE HASH.
  const packages = [...list.matchAll(/^'\S+' (\S+\.deb) (\d+) (\S+)$/gm)].map(
    ([, file = "", size = "", hash = ""]) => ({ file, size: Number(size), hash }),
  );
  if (packages.length < roots.length) throw new Error(`Cannot read what apt would download:\n${list}`);
  const key = JSON.stringify([recipe, packages.map(({ file, hash }) => `${file} ${hash}`).toSorted()]);
  const folder = `rust-${createHash("sha256").update(key).digest("hex").slice(0, 32)}`;
  if (existsSync(join(cacheFolder(), folder))) return folder;

  const megabytes = Math.round(packages.reduce((sum, each) => sum + each.size, 0) / 1e6);
  progress(`downloading ${packages.length} packages, ${megabytes} MB`);
  await runApt([...options, "install", "--download-only", "-qq", ...roots]);
  const fresh = join(apt, "unpacked");
  mkdirSync(fresh);
  for (const { file } of packages) {
    progress(`unpacking ${file}`);
    await run("dpkg", ["-x", join(apt, "cache", "archives", file), fresh]);
  }
  writeFileSync(join(fresh, "packages.txt"), packages.map(({ file }) => `${file}\n`).join(""));
  writeWrappers(fresh);
  moveInto(fresh, join(cacheFolder(), folder));
  return folder;
}

/**
 * Options that have apt work in a folder of its own, with the release added and nothing installed but what the machine
 * brings.
 */
async function privateApt(folder: string): Promise<string[]> {
  for (const path of ["lists/partial", "cache/archives/partial", "sources"]) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  const mirror = await debianMirror();
  const source = `Types: deb\nURIs: ${mirror}\nSuites: ${release}\nComponents: main\nSigned-By: ${keyring}\n`;
  writeFileSync(join(folder, "sources", "debian.sources"), source);
  const architecture = (await run("dpkg", ["--print-architecture"])).trim();
  const status = assumed.map(
    (name) =>
      `Package: ${name}\nStatus: install ok installed\nVersion: 1:99\nArchitecture: ${architecture}\n` +
      `Maintainer: none\nDescription: none\n${name === "libc6-dev" ? "Provides: libc-dev\n" : ""}${name === "gcc" ? "Provides: c-compiler\n" : ""}\n`,
  );
  writeFileSync(join(folder, "status"), status.join(""));
  const settings = {
    "Dir::Etc::SourceList": "/dev/null",
    "Dir::Etc::SourceParts": join(folder, "sources"),
    "Dir::Etc::Preferences": "/dev/null",
    "Dir::Etc::PreferencesParts": "/dev/null",
    "Dir::State": folder,
    "Dir::State::Lists": join(folder, "lists"),
    "Dir::State::status": join(folder, "status"),
    "Dir::Cache": join(folder, "cache"),
    "APT::Sandbox::User": "",
    "APT::Install-Recommends": "false",
    "APT::Update::Post-Invoke": "",
    "APT::Update::Post-Invoke-Success": "",
    "Debug::NoLocking": "true",
    "Acquire::Languages": "none",
  };
  return ["-y", ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`])];
}

/** The address of the Debian archive that this machine's apt reads. */
async function debianMirror(): Promise<string> {
  const format = "$(ORIGIN)|$(LABEL)|$(REPO_URI)";
  const targets = await run("apt-get", ["indextargets", "--format", format, "Created-By: Packages"]);
  const found = /^Debian\|Debian\|(\S+)$/m.exec(targets)?.[1];
  if (found === undefined) {
    throw new Skipped("apt reads no Debian archive here (or never did: run apt-get update)");
  }
  return found;
}

/** Scripts that start the unpacked programs with the libraries that were unpacked with them. */
function writeWrappers(folder: string): void {
  const triplet = readdirSync(join(folder, "usr", "lib")).find((name) => /-linux-gnu\w*$/.test(name)) ?? "";
  const libraries = join("usr", "lib", triplet);
  const loader = readdirSync(join(folder, libraries)).find((name) => /^ld-linux-.+\.so\.\d$/.test(name)) ?? "";
  const lld = readdirSync(join(folder, "usr", "lib")).find((name) => /^llvm-\d+$/.test(name)) ?? "";
  const script = (name: string, program: string, more = ""): string =>
    `#!/bin/sh\nhere=$(cd "$(dirname "$0")" && pwd)\n` +
    `exec "$here/${libraries}/${loader}" --argv0 ${name} --library-path "$here/${libraries}" ` +
    `"$here/${program}" ${more} "$@"\n`;
  writeFileSync(join(folder, "rustc"), script("rustc", "usr/bin/rustc", '--sysroot "$here/usr"'));
  writeFileSync(join(folder, "wasm-ld"), script("wasm-ld", `usr/lib/${lld}/bin/lld`));
  writeFileSync(join(folder, "cargo"), script("cargo", "usr/bin/cargo"));
  for (const name of ["rustc", "wasm-ld", "cargo"]) chmodSync(join(folder, name), 0o755);
}

function toolchainIn(folder: string): RustToolchain {
  const packages = readFileSync(join(folder, "packages.txt"), "utf8").trim().split("\n");
  return { rustc: join(folder, "rustc"), linker: join(folder, "wasm-ld"), cargo: join(folder, "cargo"), packages };
}

/**
 * Builds the crate in a folder and answers the path of its module in the cache, whose name is the hash of the sources, the
 * lock file and the toolchain's packages.
 *
 * @throws Skipped naming what this machine lacks
 */
export async function buildCrate(crate: string, progress: Progress): Promise<string> {
  const toolchain = await rustToolchain(progress);
  const module = join(dirname(cacheFolder()), "crates", `${crateKey(crate, toolchain)}.wasm`);
  if (existsSync(module)) return module;
  const name = basename(crate);
  const { cargo } = toolchain;
  const folder = join(dirname(cacheFolder()), "crates", `target-${basename(dirname(toolchain.rustc))}`);
  mkdirSync(folder, { recursive: true });
  const environment = {
    RUSTC: toolchain.rustc,
    CARGO_TARGET_DIR: folder,
    CARGO_TARGET_WASM32_WASIP1_LINKER: toolchain.linker,
    CARGO_TERM_COLOR: "never",
    // An outer wrapper or set of flags would make another module of the same sources.
    RUSTC_WRAPPER: "",
    RUSTFLAGS: undefined,
    RUSTUP_TOOLCHAIN: undefined,
  };
  const copy = join(dirname(cacheFolder()), "crates", "sources", name);
  const options = { cwd: copy, environment };
  try {
    await copyCrate(crate, copy, { cargo, environment });
    await run(cargo, ["fetch", "--locked", "--target", target], options);
  } catch (error) {
    throw new Skipped(`cargo cannot bring the crates: ${String(error)}`);
  }
  progress(`building ${name} with ${toolchain.packages.find((each) => each.startsWith("rustc_")) ?? "rustc"}`);
  const built = await run(
    cargo,
    [
      "build",
      "--release",
      "--locked",
      "--target",
      target,
      "--message-format",
      "json-render-diagnostics",
      "--config",
      withoutPaths(copy),
    ],
    options,
  );
  const made = /"filenames":\["([^"]+\.wasm)"/.exec(built)?.[1];
  if (made === undefined) throw new Error(`Cannot find what cargo built of "${crate}"`);
  const fresh = `${module}.${process.pid}`;
  mkdirSync(dirname(module), { recursive: true });
  writeFileSync(fresh, readFileSync(made));
  moveInto(fresh, module);
  progress(`built ${name}: ${statSync(module).size} bytes`);
  return module;
}

/**
 * Copies a crate to where it is built. Its lock file names versions and checksums, but no registry: what cargo calls that is asked of
 * cargo, which locks one of the crates in a crate of nothing.
 */
async function copyCrate(crate: string, copy: string, { cargo, environment }: CargoOptions): Promise<void> {
  rmSync(copy, { recursive: true, force: true });
  for (const file of filesOf(crate)) cpSync(join(crate, file), join(copy, file));
  const lock = readFileSync(join(crate, "Cargo.lock"), "utf8");
  const known = /^name = "([^"]+)"\nversion = "([^"]+)"\nchecksum = /m.exec(lock);
  if (known === null) return;
  const empty = mkdtempSync(join(tmpdir(), "sampan-crate-"));
  try {
    mkdirSync(join(empty, "src"));
    writeFileSync(join(empty, "src", "lib.rs"), "");
    const manifest = `[package]\nname = "nothing"\nversion = "0.1.0"\n[dependencies]\n${known[1]} = "=${known[2]}"\n`;
    writeFileSync(join(empty, "Cargo.toml"), manifest);
    await run(cargo, ["generate-lockfile"], { cwd: empty, environment });
    const source = /^source = .*$/m.exec(readFileSync(join(empty, "Cargo.lock"), "utf8"))?.[0];
    if (source === undefined) throw new Error("cargo locks crates without naming their registry");
    writeFileSync(join(copy, "Cargo.lock"), lock.replaceAll(/^checksum = /gm, `${source}\nchecksum = `));
  } finally {
    rmSync(empty, { recursive: true, force: true });
  }
}

interface CargoOptions {
  readonly cargo: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a crate is built from, by names within its folder. */
function filesOf(crate: string): string[] {
  const settings = [".cargo/config.toml"].filter((file) => existsSync(join(crate, file)));
  return ["Cargo.toml", "Cargo.lock", ...settings, ...sourcesIn(join(crate, "src"), crate)];
}

/** A module says in its panics where its sources lay: it shall not name this machine's folders. */
function withoutPaths(crate: string): string {
  const cargo = process.env["CARGO_HOME"] ?? join(homedir(), ".cargo");
  const flags = [`--remap-path-prefix=${dirname(crate)}=examples`];
  const registry = join(cargo, "registry", "src");
  // Each source of crates has a folder of its own there.
  const sources = existsSync(registry) ? readdirSync(registry) : [];
  for (const name of sources) flags.push(`--remap-path-prefix=${join(registry, name)}=crates`);
  return `target.${target}.rustflags=${JSON.stringify(flags)}`;
}

function crateKey(crate: string, toolchain: RustToolchain): string {
  const hash = createHash("sha256").update(JSON.stringify([recipe, basename(crate), toolchain.packages]));
  for (const file of filesOf(crate)) {
    const bytes = readFileSync(join(crate, file));
    hash.update(JSON.stringify([file, bytes.length])).update(bytes);
  }
  return hash.digest("hex");
}

function sourcesIn(folder: string, crate: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".rs"))
    .map((name) => relative(crate, join(folder, name)))
    .sort();
}

/** Returns where a folder of PATH has the tool. @throws Skipped where none has */
export function needTool(name: string): void {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, name)))) throw new Skipped(`"${name}" is not on the PATH`);
}

/** apt fails without a network, which is no fault of the sources. */
async function runApt(args: readonly string[]): Promise<string> {
  try {
    return await run("apt-get", args);
  } catch (error) {
    throw new Skipped(`apt cannot bring the packages: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Runs a program and answers its stdout; its stderr is the message of the error when it fails. */
async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive", ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (output.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (output.stderr += chunk));
  const code = await new Promise<number | null>((ended, failed) => {
    child.on("error", failed).on("close", ended);
  });
  if (code !== 0) throw new Error(`"${program}" ended with ${code}\n${output.stderr.trim()}`);
  return output.stdout;
}

if (import.meta.main) {
  const progress: Progress = (line) => void process.stderr.write(`${line}\n`);
  const [command, crate, out] = process.argv.slice(2);
  try {
    if (command === "build" && crate !== undefined) {
      const module = await buildCrate(resolve(crate), progress);
      if (out !== undefined) copyFileSync(module, out);
      process.stdout.write(`${out ?? module}\n`);
    } else {
      const { rustc, packages } = await rustToolchain(progress, { update: command === "--update" });
      process.stdout.write(`${rustc}\n${packages.map((each) => `  ${each}\n`).join("")}`);
    }
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    process.stdout.write(`skipped: ${error.message}\n`);
  }
}
