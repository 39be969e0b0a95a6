import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** One figure beside the floor that was measured in the same run. */
export interface Row {
  readonly what: string;
  readonly unit: "ns" | "µs" | "ms" | "MiB/s" | "MB" | "req/s";
  readonly value: number;
  readonly floor: number;
  readonly floorName: string;
  /** The ratio `value / floor` that is to be reached, or the value itself where it is absolute; `none` where it is only told. */
  readonly goal: { readonly ratio: number; readonly atLeast?: boolean } | { readonly value: number } | "none";
}

/** A measurement that could not be made here, and why. */
export interface Skipped {
  readonly what: string;
  readonly skipped: string;
}

/** What some measurements need that no test or benchmark fetches by itself. */
export interface BenchOptions {
  /** A copy of the repository eembc/coremark. */
  readonly coremark?: string | undefined;
  /** A folder with hello-go.wasm, ruby.wasm and python.wasm; docs/BENCHMARKS.md says where they come from. */
  readonly programs?: string | undefined;
  /** A folder with @bytecodealliance/jco among its node_modules. */
  readonly jco?: string | undefined;
  /** The load generator oha, for latencies at a given rate. */
  readonly oha?: string | undefined;
}

/** The middle one of some numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** The mean of some numbers. */
export function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}

/** Runs a command to its end; throws where it fails. */
export function command(
  file: string,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string | undefined>>; stdout?: number | "pipe" } = {},
): SpawnSyncReturns<string> {
  const result = spawnSync(file, args, {
    encoding: "utf8",
    timeout: 120_000,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", options.stdout ?? "pipe", "pipe"],
  });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${result.status}: ${result.stderr}`);
  return result;
}

/** Milliseconds of a command from start to end. */
export function timeCommand(file: string, args: readonly string[], env?: Readonly<Record<string, string>>): number {
  const start = process.hrtime.bigint();
  command(file, args, env === undefined ? {} : { env });
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** The least of some numbers: what a busy machine adds is left out. */
export function best(numbers: readonly number[]): number {
  return Math.min(...numbers);
}

/** Two measurements in turn, so that both see the machine in the same state; the medians of each, or what `of` makes of them. */
export function inTurn(
  rounds: number,
  a: () => number,
  b: () => number,
  of: (numbers: readonly number[]) => number = median,
): readonly [number, number] {
  const [as, bs]: [number[], number[]] = [[], []];
  a();
  b();
  for (let round = 0; round < rounds; round++) {
    as.push(a());
    bs.push(b());
  }
  return [of(as), of(bs)];
}

/** Runs with a folder in memory where the system has one, and removes it. */
export function inMemoryFolder<T>(run: (folder: string) => T): T {
  const isThere = statSync("/dev/shm", { throwIfNoEntry: false })?.isDirectory() ?? false;
  const folder = mkdtempSync(join(isThere ? "/dev/shm" : tmpdir(), "sampan-bench-"));
  try {
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
