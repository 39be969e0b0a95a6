import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProgram, outputOf, reachSocket } from "./programs.ts";
import type { Check } from "./system-checks.ts";

/** Where tools are looked for, and until when they may answer. */
export interface ToolSearch {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Docker and containerd, on this machine alone. */
export function containerChecks(search: ToolSearch): Promise<Check>[] {
  return [dockerClient(search), dockerEngine(search), containerd(search)];
}

async function dockerClient({ env }: ToolSearch): Promise<Check> {
  const found = findProgram("docker", env["PATH"] ?? "");
  return {
    area: "Containers",
    name: "docker client",
    status: found === undefined ? "missing" : "ok",
    value: found ?? "not on PATH",
    meaning: found === undefined ? "only needed to build and look at Linux containers" : "the command line of Docker",
  };
}

async function dockerEngine({ env, signal }: ToolSearch): Promise<Check> {
  const common = { area: "Containers", name: "docker engine" } as const;
  const host = env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  if (!host.startsWith("unix://")) {
    return {
      ...common,
      status: "note",
      value: host,
      meaning: "DOCKER_HOST names another machine, which is not asked here",
    };
  }
  return {
    ...common,
    ...(await socketAnswer(host.slice("unix://".length), signal, "Linux containers can run beside guests")),
  };
}

async function containerd({ env, signal }: ToolSearch): Promise<Check> {
  const path = env["CONTAINERD_ADDRESS"] ?? "/run/containerd/containerd.sock";
  return {
    area: "Containers",
    name: "containerd",
    ...(await socketAnswer(path, signal, "it can be told to run guests by Sampan's shim")),
  };
}

async function socketAnswer(
  path: string,
  signal: AbortSignal,
  meaning: string,
): Promise<Pick<Check, "status" | "value" | "meaning">> {
  const answer = existsSync(path) ? await reachSocket(path, signal) : "ENOENT";
  if (answer === "reachable") return { status: "ok", value: path, meaning };
  if (answer === "ENOENT")
    return { status: "missing", value: path, meaning: "no socket there; only needed beside Linux containers" };
  if (answer === "EACCES")
    return { status: "missing", value: path, meaning: "this user may not use the socket; join its group" };
  return {
    status: "missing",
    value: path,
    meaning: `a socket is there but nobody answers (${answer}); start the service`,
  };
}

interface Tool {
  readonly name: string;
  readonly version: readonly string[];
  /** What it is good for. */
  readonly use: string;
  /** Looks whether it compiles to WebAssembly; answers what to do where it does not. */
  readonly lacks?: (file: string, signal: AbortSignal) => Promise<string | undefined>;
}

const tools: readonly Tool[] = [
  { name: "rustc", version: ["--version"], use: "compiles Rust", lacks: rustLacks },
  { name: "go", version: ["version"], use: "compiles Go (GOOS=wasip1 GOARCH=wasm)" },
  { name: "tinygo", version: ["version"], use: "compiles Go to small modules" },
  { name: "clang", version: ["--version"], use: "compiles C and C++, with a WASI sysroot", lacks: clangLacks },
  { name: "zig", version: ["version"], use: "compiles Zig, C and C++ (-target wasm32-wasi)" },
  { name: "wasm-tools", version: ["--version"], use: "assembles, composes and looks into binaries" },
  { name: "wasm-opt", version: ["--version"], use: "makes modules smaller and faster" },
  { name: "node", version: ["--version"], use: "starts Sampan, from version 18 on" },
];

/** Compilers and tools for guests; none is needed to run one. */
export function toolchainChecks(search: ToolSearch): Promise<Check>[] {
  return tools.map((tool) => checkTool(tool, search));
}

async function checkTool({ name, version, use, lacks }: Tool, { env, signal }: ToolSearch): Promise<Check> {
  const common = { area: "Toolchains", name } as const;
  const file = findProgram(name, env["PATH"] ?? "");
  if (file === undefined) return { ...common, status: "missing", value: "not on PATH", meaning: use };
  const [output, want] = await Promise.all([outputOf(file, version, signal), lacks?.(file, signal)]);
  if (output === undefined) {
    return { ...common, status: "note", value: file, meaning: "it does not tell its version in time, or fails" };
  }
  const value = (output.split("\n")[0] ?? "").trim();
  if (want !== undefined) return { ...common, status: "note", value, meaning: want };
  return { ...common, status: "ok", value, meaning: use };
}

async function rustLacks(file: string, signal: AbortSignal): Promise<string | undefined> {
  const sysroot = (await outputOf(file, ["--print", "sysroot"], signal))?.trim();
  if (sysroot === undefined) return undefined;
  const hasTarget = existsSync(join(sysroot, "lib", "rustlib", "wasm32-wasip1"));
  return hasTarget ? undefined : "it has no wasm32-wasip1: rustup target add wasm32-wasip1";
}

async function clangLacks(file: string, signal: AbortSignal): Promise<string | undefined> {
  const targets = await outputOf(file, ["--print-targets"], signal);
  return targets === undefined || /\bwasm32\b/.test(targets)
    ? undefined
    : "it has no wasm32 target: take LLVM's own, or wasi-sdk";
}
