import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileGuest, ownGuest } from "../guests/toolchain.ts";
import { command } from "./measure.ts";

const folder = fileURLToPath(new URL("../.cache/bench", import.meta.url));

/** A program that computes, as a module and, where there is a gcc, as a native program of the same source at -O2. */
export interface CpuGuest {
  readonly name: string;
  readonly wasm: string;
  readonly native: string | undefined;
  readonly args: readonly string[];
}

/** Compiles the programs of guests/bench/cpu, each whole in `main` and each behind calls. */
export async function cpuGuests(): Promise<CpuGuest[]> {
  const guests: CpuGuest[] = [];
  for (const name of ["sha256", "nbody", "sort", "mix"]) {
    for (const [form, flags] of [
      ["main", []],
      ["calls", ["-DCALLS"]],
    ] as const) {
      const { sources } = ownGuest(`bench/cpu/${name}`);
      guests.push(await build(`${name}, ${form === "main" ? "whole in main" : "behind calls"}`, { sources, flags }));
    }
  }
  return guests;
}

/** Compiles the tightest loop that there is, which is whole in `main`. */
export function emptyLoop(): Promise<CpuGuest> {
  return build("the tightest empty loop", { sources: ownGuest("bench/cpu/empty-loop").sources, flags: [] });
}

/** Compiles EEMBC's CoreMark from a copy of its repository, with the port for POSIX systems that it comes with. */
export function coreMark(repository: string): Promise<CpuGuest> {
  const files = ["core_list_join.c", "core_main.c", "core_matrix.c", "core_state.c", "core_util.c", "coremark.h"];
  const port = ["posix/core_portme.c", "posix/core_portme.h", "posix/core_portme_posix_overrides.h"];
  // Side by side, so that each file finds what it includes.
  const flat = join(folder, "coremark");
  mkdirSync(flat, { recursive: true });
  for (const file of [...files, ...port]) copyFileSync(join(repository, file), join(flat, basename(file)));
  const sources = [...files, ...port].filter((file) => file.endsWith(".c")).map((file) => join(flat, basename(file)));
  const flags = ["-DPERFORMANCE_RUN=1", "-DUSE_CLOCK=0", "-DUSE_FORK=0", '-DCOMPILER_FLAGS="-O2"'];
  // Seeds, then the rounds: as many as take about a second.
  return build("CoreMark", { sources, flags, args: ["0x0", "0x0", "0x66", "30000"] });
}

interface Build {
  readonly sources: readonly string[];
  readonly flags: readonly string[];
  readonly args?: readonly string[];
}

async function build(name: string, { sources, flags, args = [] }: Build): Promise<CpuGuest> {
  const wasm = await compileGuest({ sources, args: ["-O2", ...flags] });
  mkdirSync(folder, { recursive: true });
  const binary = join(folder, name.replaceAll(/[^\w]+/g, "-"));
  return { name, wasm, native: compileNative(binary, sources, flags), args };
}

function compileNative(binary: string, sources: readonly string[], flags: readonly string[]): string | undefined {
  try {
    command("gcc", ["-O2", ...flags, "-o", binary, ...sources, "-lm"]);
    return binary;
  } catch {
    return undefined;
  }
}
