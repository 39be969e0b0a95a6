import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Complaint } from "./complaint.js";
import {
  canLoadPackage,
  findNode26,
  libcName,
  missingNode26,
  nodeVersion,
  platformNode,
  wantedMajor,
} from "./node26.js";
import { cache, root } from "./paths.js";
import { identityOf, isOver } from "./processes.js";

const modules = join(root, "node_modules");
/** npm writes its own record of node_modules after everything else, so it stands for a finished install. */
const installed = join(modules, ".package-lock.json");

/** Who the npm of a set-up is: it goes on by itself when the set-up is killed. */
const npmRecord = join(cache, "npm");

const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED/;
/** What an outer npm command was told about itself, and must not be handed down to this one. */
const notInherited = /^npm_config_(omit|include|only|production|dry_run|global|location|prefix|ignore_scripts|json)$/i;

/** Tells whether node_modules holds what the lock file pins, by npm's record and a look at each package. */
export function hasDependencies() {
  if (!existsSync(installed) || (canLoadPackage() && !platformNode())) return false;
  const wanted = Object.entries(readPackages(join(root, "package-lock.json")));
  const present = readPackages(installed);
  return wanted.every(([path, entry]) => {
    if (path === "" || isForElsewhere(entry)) return true;
    const found = present[path];
    const isSame =
      found?.version === entry.version && (entry.integrity === undefined || found.integrity === entry.integrity);
    return isSame && existsSync(join(root, path, "package.json"));
  });
}

/**
 * Installs exactly what the lock file pins, Node 26 among it.
 *
 * @param {string} running the version of Node.js to reckon with
 * @throws {Complaint} `isUnreachable` when it is the network or npm that is missing
 */
export async function installDependencies(running) {
  await endAbandonedNpm();
  rmSync(installed, { force: true });
  const { code, output } = await runNpm();
  if (code !== 0) throw await explainFailure(code, output, running);
  const node = platformNode();
  if (node !== undefined && (await nodeVersion(node)) === undefined) {
    rmSync(installed, { force: true });
    throw new Complaint(`Cannot start the Node.js ${wantedMajor} that npm installed: "${node}"`, [
      `Name another one: SAMPAN_NODE=/path/to/node${wantedMajor}`,
    ]);
  }
}

async function explainFailure(code, output, running) {
  const isOffline = unreachable.test(output);
  const reason =
    { ENOENT: "there is no npm on PATH" }[code] ?? (isOffline ? "npm cannot reach its registry" : undefined);
  if (reason === undefined) {
    const said = output.trim().split("\n").slice(0, 12);
    return new Complaint(`Cannot install the dependencies: "npm ci" ended with ${code}`, said);
  }
  const again = isOffline ? "Connect to the network and run this again" : "Install npm and run this again";
  const complaint =
    (await findNode26(running)) === undefined
      ? missingNode26(`it is not installed yet, and ${reason}`, { again })
      : new Complaint(`Cannot install the dependencies: ${reason}`, [again]);
  return Object.assign(complaint, { isUnreachable: true });
}

function runNpm() {
  const args = ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--prefer-offline"];
  args.push(
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=3000",
  );
  const isWindows = process.platform === "win32";
  return new Promise((resolve) => {
    const npm = spawn(isWindows ? "npm.cmd" : "npm", args, {
      cwd: root,
      env: environmentForNpm(),
      stdio: ["ignore", "pipe", "pipe"],
      shell: isWindows,
    });
    if (npm.pid !== undefined) record(npm.pid);
    const stopWatching = endWithThis(npm);
    let output = "";
    for (const stream of [npm.stdout, npm.stderr]) stream.on("data", (chunk) => (output += chunk));
    const end = (code, text) => {
      stopWatching();
      rmSync(npmRecord, { force: true });
      resolve({ code, output: text });
    };
    npm.once("error", (error) => end(error.code, error.message));
    npm.once("close", (code, signal) => end(code ?? signal, output));
  });
}

function record(pid) {
  mkdirSync(cache, { recursive: true });
  writeFileSync(`${npmRecord}.draft`, JSON.stringify(identityOf(pid)));
  renameSync(`${npmRecord}.draft`, npmRecord);
}

/** Two npms must not write to one node_modules. Where a process cannot be known for certain, it is left alone. */
async function endAbandonedNpm() {
  if (!existsSync(npmRecord)) return;
  const npm = JSON.parse(readFileSync(npmRecord, "utf8"));
  if (npm.began === undefined || npm.host !== hostname()) return;
  while (!isOver(npm)) {
    try {
      process.kill(npm.pid, "SIGKILL");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
    await delay(50);
  }
}

/** Ends npm when this process is told to end, and returns what takes that back. */
function endWithThis(npm) {
  const listeners = ["SIGINT", "SIGTERM", "SIGHUP"].map((signal) => {
    const listener = () => {
      npm.kill("SIGKILL");
      process.kill(process.pid, signal);
    };
    process.once(signal, listener);
    return [signal, listener];
  });
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}

/** npm must not run on the Node.js that it is about to replace, which `npm test` puts first on PATH. */
function environmentForNpm() {
  const inherited = Object.entries(process.env).filter(([name]) => !notInherited.test(name));
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== join(modules, ".bin"));
  return { ...Object.fromEntries(inherited), PATH: folders.join(delimiter) };
}

function readPackages(lockFile) {
  return JSON.parse(readFileSync(lockFile, "utf8")).packages;
}

function isForElsewhere({ optional, os, cpu, libc }) {
  if (!optional) return false;
  const names = (list, own) => list === undefined || own === undefined || [list].flat().includes(own);
  return !(names(os, process.platform) && names(cpu, process.arch) && names(libc, libcName()));
}
