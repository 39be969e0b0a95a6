import { existsSync, readdirSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import type { LanguageName } from "./new-languages.ts";
import { findProgram, outputOf } from "./programs.ts";
import type { ToolSearch } from "./tool-checks.ts";

/** What a build needs and this system lacks, and how it is had. */
export interface MissingTool {
  readonly what: string;
  readonly get: string;
}

/** What this system lacks to build a new project in a language; nothing beyond this machine is asked. */
export function missingTools(language: LanguageName, search: ToolSearch): Promise<MissingTool[]> {
  return checks[language](search);
}

const checks: Readonly<Record<LanguageName, (search: ToolSearch) => Promise<MissingTool[]>>> = {
  rust: missingOfRust,
  c: missingOfC,
  ts: async ({ env }) =>
    findProgram("npm", env["PATH"] ?? "") === undefined
      ? [{ what: "npm", get: "install Node.js, which brings it (Debian: apt install npm)" }]
      : [],
  py: missingOfPython,
  go: missingOfGo,
};

async function missingOfRust({ env, signal }: ToolSearch): Promise<MissingTool[]> {
  const path = env["PATH"] ?? "";
  const rustc = findProgram("rustc", path);
  if (rustc === undefined || findProgram("cargo", path) === undefined)
    return [{ what: "cargo", get: "install Rust 1.85 or newer, by rustup or your system's packages" }];
  const sysroot = (await outputOf(rustc, ["--print", "sysroot"], signal))?.trim();
  if (sysroot === undefined) return [];
  const rustlib = join(sysroot, "lib", "rustlib");
  const missing: MissingTool[] = [];
  if (!existsSync(join(rustlib, "wasm32-wasip2"))) {
    const get = "rustup target add wasm32-wasip2 (Debian: apt install libstd-rust-dev-wasm32)";
    missing.push({ what: "Rust's standard library for wasm32-wasip2", get });
  }
  const linker = "wasm-component-ld";
  const besides = existsSync(rustlib) ? readdirSync(rustlib).map((target) => join(rustlib, target, "bin")) : [];
  if (findProgram(linker, [path, ...besides].join(process.platform === "win32" ? ";" : ":")) === undefined)
    missing.push({ what: linker, get: `cargo install ${linker} (rustup's Rust has it)` });
  return missing;
}

async function missingOfC({ env, signal }: ToolSearch): Promise<MissingTool[]> {
  const path = env["PATH"] ?? "";
  const missing: MissingTool[] = [];
  if (findProgram("make", path) === undefined) missing.push({ what: "make", get: "apt install make, or its like" });
  const packages = "on Debian: apt install clang lld wasi-libc libclang-rt-dev-wasm32; elsewhere wasi-sdk";
  const clang = findProgram("clang", path);
  if (clang === undefined) return [...missing, { what: "clang", get: packages }];
  const start = await outputOf(clang, ["--target=wasm32-wasi", "-print-file-name=crt1-command.o"], signal);
  // The name alone comes back where no library has it.
  if (start !== undefined && !isAbsolute(start.trim()))
    missing.push({ what: "the C library for WASI", get: `${packages}, and make CC=…/bin/clang` });
  else if (start !== undefined && findLinker(path, clang) === undefined)
    missing.push({ what: "wasm-ld", get: "the linker that belongs to clang (Debian: apt install lld)" });
  return missing;
}

function findLinker(path: string, clang: string): string | undefined {
  return findProgram("wasm-ld", [dirname(clang), path].join(process.platform === "win32" ? ";" : ":"));
}

async function missingOfPython({ env, signal }: ToolSearch): Promise<MissingTool[]> {
  const python = findProgram("python3", env["PATH"] ?? "");
  const get = "install Python 3.10 or newer (Debian: apt install python3 python3-venv)";
  if (python === undefined) return [{ what: "python3", get }];
  const can = await outputOf(python, ["-c", "import sys, ensurepip, venv; print(sys.version_info >= (3, 10))"], signal);
  return can?.trim() === "True" ? [] : [{ what: "a python3 that makes virtual environments", get }];
}

async function missingOfGo({ env, signal }: ToolSearch): Promise<MissingTool[]> {
  const go = findProgram("go", env["PATH"] ?? "");
  const get = "install Go 1.21 or newer (Debian: apt install golang)";
  if (go === undefined) return [{ what: "go", get }];
  const [, minor = "21"] = /\bgo1\.(\d+)/.exec((await outputOf(go, ["version"], signal)) ?? "") ?? [];
  return Number(minor) >= 21 ? [] : [{ what: "a go that compiles for WASI", get }];
}
