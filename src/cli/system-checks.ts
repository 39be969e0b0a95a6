import { existsSync, readFileSync } from "node:fs";
import { release } from "node:os";
import { loadNative } from "../base/native.ts";
import { createFileCalls } from "../host/index.ts";
import { version } from "./version.ts";

/** One thing that this system has, lacks, or has in a way that should be known. */
export interface Check {
  readonly area: "Sampan" | "Files" | "Limits" | "Cordons" | "Containers" | "Toolchains";
  readonly name: string;
  /** `note` is something that works in another way than at its best. */
  readonly status: "ok" | "note" | "missing";
  /** What was found: a version, a path, a number. */
  readonly value: string;
  /** What it means, and what to do where something is wanting. */
  readonly meaning: string;
}

/** Sampan itself and what it runs on. */
export function platformChecks(): Check[] {
  const area = "Sampan";
  const major = Number(process.versions.node.split(".")[0]);
  const libc = libcName();
  const isWhole = process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
  return [
    { area, name: "sampan", status: "ok", value: version, meaning: "this build" },
    {
      area,
      name: "Node.js",
      status: major >= 26 ? "ok" : "note",
      value: `${process.versions.node}, ${process.execPath}`,
      meaning: major >= 26 ? "what runs Sampan" : "Sampan is made for Node.js 26: start it by its own command",
    },
    { area, name: "V8", status: "ok", value: process.versions.v8, meaning: "what runs the WebAssembly" },
    {
      area,
      name: "platform",
      status: isWhole ? "ok" : "note",
      value: `${process.platform} ${process.arch}${libc === undefined ? "" : `, ${libc}`}`,
      meaning: isWhole ? "supported as a whole" : "supported without the promises of Linux about files",
    },
    ffiCheck(),
  ];
}

function libcName(): string | undefined {
  if (process.platform !== "linux") return undefined;
  // Without this the report asks the network who its neighbours are.
  const read = Object.assign(process.report, { excludeNetwork: true }).getReport() as {
    header?: { glibcVersionRuntime?: string };
  };
  const glibc = read.header?.glibcVersionRuntime;
  return glibc === undefined ? "musl" : `glibc ${glibc}`;
}

function ffiCheck(): Check {
  const native = loadNative();
  const common = { area: "Sampan", name: "node:ffi" } as const;
  if (typeof native !== "string") {
    return {
      ...common,
      status: "ok",
      value: "present",
      meaning: "files, clocks and waiting use the C library directly",
    };
  }
  const advice = process.env["SAMPAN_FFI"] === "0" ? "; unset SAMPAN_FFI to use it" : "";
  return {
    ...common,
    status: "note",
    value: native,
    meaning: `node:fs serves instead, more slowly, and sets file times within 1 µs${advice}`,
  };
}

/** What keeps guests in the folders that they were granted. */
export function fileChecks(): Check[] {
  const area = "Files";
  const isLinux = process.platform === "linux";
  const way =
    createFileCalls().name === "openat2" ? "openat2" : isLinux && existsSync("/proc/self/fd") ? "walk" : "real paths";
  const sandbox = {
    openat2: { status: "ok", meaning: "no path leads out of a granted folder, whatever others rename meanwhile" },
    walk: { status: "ok", meaning: "one folder at a time: as safe as openat2, and slower" },
    "real paths": {
      status: "note",
      meaning: "paths are checked before use: another process that swaps links meanwhile can lead a guest outside",
    },
  } as const;
  return [
    {
      area,
      name: "openat2",
      status: way === "openat2" ? "ok" : "note",
      value: isLinux ? `Linux ${release()}` : `${process.platform} ${release()}`,
      meaning: way === "openat2" ? "the kernel keeps a path within its folder" : openat2Absence(isLinux),
    },
    { area, name: "file sandbox", value: way, ...sandbox[way] },
  ];
}

function openat2Absence(isLinux: boolean): string {
  if (!isLinux) return "only Linux has it";
  return typeof loadNative() === "string"
    ? "not in use, because it takes node:ffi"
    : "refused: it takes Linux 5.6 or later, and a container that allows the call";
}

/** Each waiting guest has a memory and a stack, of two maps each. */
const mapsOfGuest = 4;
const usualMaps = 65_530;
const fewFiles = 4096;

/** What the kernel and the shell allow this process. */
export function limitChecks(): Check[] {
  const area = "Limits";
  const checks: Check[] = [];
  const maps = Number(readOrEmpty("/proc/sys/vm/max_map_count").trim() || Number.NaN);
  if (!Number.isNaN(maps)) {
    const isEnough = maps >= usualMaps;
    checks.push({
      area,
      name: "memory maps",
      status: isEnough ? "ok" : "note",
      value: String(maps),
      meaning: `room for about ${Math.floor(maps / mapsOfGuest)} waiting guests in a process${isEnough ? "" : "; raise it with sysctl -w vm.max_map_count=262144"}`,
    });
  }
  const files = softLimit("Max open files");
  if (files !== undefined) {
    const isEnough = files === "unlimited" || Number(files) >= fewFiles;
    checks.push({
      area,
      name: "open files",
      status: isEnough ? "ok" : "note",
      value: files,
      meaning: isEnough
        ? "files and sockets of all guests of a process"
        : "few for many guests; raise it with ulimit -n 65536",
    });
  }
  const addresses = softLimit("Max address space");
  if (addresses !== undefined) {
    const isEnough = addresses === "unlimited";
    checks.push({
      area,
      name: "addresses",
      status: isEnough ? "ok" : "note",
      value: addresses,
      meaning: isEnough
        ? "each guest's memory reserves 8 GiB of them"
        : "each guest's memory reserves 8 GiB; lift it with ulimit -v unlimited",
    });
  }
  return checks;
}

function softLimit(name: string): string | undefined {
  const line = readOrEmpty("/proc/self/limits")
    .split("\n")
    .find((each) => each.startsWith(name));
  return line?.slice(name.length).trim().split(/\s+/)[0];
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** What can stand between guests here, and how their state is put back. */
export function cordonChecks(): Check[] {
  const area = "Cordons";
  const suspends = "Suspending" in WebAssembly;
  const maps = typeof loadNative() !== "string";
  return [
    {
      area,
      name: "shared",
      status: suspends ? "ok" : "missing",
      value: `${navigator.hardwareConcurrency} processors`,
      meaning: suspends
        ? "guests share threads; V8 keeps their memories apart, and nothing else does"
        : "guests cannot share a thread without JavaScript Promise Integration: Node.js 26 has it",
    },
    {
      area,
      name: "thread",
      status: "ok",
      value: "a thread and a heap for each guest",
      meaning: "a full heap ends its own guest alone",
    },
    {
      area,
      name: "process",
      status: "ok",
      value: "a process for each guest",
      meaning: "a crash ends its own guest alone; the kernel's walls around it are still to come",
    },
    {
      area,
      name: "fresh state",
      status: maps ? "ok" : "note",
      value: maps ? "copy-on-write" : "copy",
      meaning: maps
        ? "memory is put back by dropping the pages that changed"
        : "memory is put back whole, which takes longer where there is much of it",
    },
  ];
}
