// For the tests of this room: a small project with a stand-in for npm and for the bundler, in a folder of its own.
import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { platformPackage } from "./node26.js";
import { root } from "./paths.js";

const platform = platformPackage();

/** What the stand-in for the command prints: how it was started, as JSON. It can also end in a given way. */
const command = `
const [how, what] = process.argv.slice(2);
const { argv, execPath, ppid } = process;
console.log(JSON.stringify({ args: argv.slice(2), cwd: process.cwd(), execPath, file: import.meta.url, ppid }));
if (how === "exit") process.exit(Number(what));
if (how === "die") process.kill(process.pid, what);
if (how === "wait") {
  const timer = setInterval(() => {}, 1000);
  process.once(what, () => { console.log("caught " + what); clearInterval(timer); process.exitCode = 7; });
  console.log("waiting");
}
`;

const fakeNpm = `
const { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } = require("node:fs");
const mode = process.env.FAKE_NPM;
appendFileSync("npm.log", process.argv.slice(2).join(" ") + "\\n");
rmSync("node_modules", { recursive: true, force: true });
if (mode === "offline") { console.error("npm error code ENOTFOUND"); process.exit(1); }
if (mode === "refuse") { console.error("npm error code EINTEGRITY: planted"); process.exit(1); }
if (mode === "gate") readFileSync("gate");
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
for (const [path, { name, version, bin }] of Object.entries(packages)) {
  if (path === "") continue;
  mkdirSync(path + "/bin", { recursive: true });
  writeFileSync(path + "/package.json", JSON.stringify({ name, version, type: "module", exports: "./main.js" }));
  if (bin) symlinkSync(process.env.FAKE_NODE, path + "/" + bin);
  if (mode === "die") { process.kill(process.ppid, "SIGKILL"); process.exit(1); }
}
writeFileSync("node_modules/esbuild/main.js", readFileSync("fake-esbuild.js"));
writeFileSync("node_modules/.package-lock.json", JSON.stringify({ packages }));
`;

const fakeEsbuild = `
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
const fileUrl = 'require("node:url").pathToFileURL(__filename).href';
export async function build({ absWorkingDir, entryPoints, outdir, outExtension = {}, write = true }) {
  // What is built apart has no source here.
  if (!("command" in entryPoints)) {
    const extension = outExtension[".js"] ?? ".js";
    if (write) for (const name of Object.keys(entryPoints)) writeFileSync(outdir + "/" + name + extension, "");
    return { metafile: { inputs: {}, outputs: {} } };
  }
  appendFileSync(absWorkingDir + "/esbuild.log", "bundle\\n");
  for (const [name, path] of Object.entries(entryPoints)) {
    // The threads that a command starts have no source here.
    const source = existsSync(absWorkingDir + "/" + path) ? readFileSync(absWorkingDir + "/" + path, "utf8") : "";
    writeFileSync(outdir + "/" + name + ".js", source.replace("import.meta.url", fileUrl));
    if (process.env.FAKE_ESBUILD === "die") process.kill(process.pid, "SIGKILL");
  }
  return { metafile: { inputs: {}, outputs: {} } };
}
`;

/** A project folder with a blank in its path; it is removed after the test. */
export class FakeProject {
  /** The folder that holds the project and whatever links to it. */
  home = realpathSync(mkdtempSync(join(tmpdir(), "sampan set-up ")));
  root;
  launcher;
  /** A PATH with the stand-in for npm, and one that has Node 26 as `node` besides. */
  path;
  pathWithNode;
  #started = [];

  /**
   * @param {import("node:test").TestContext} t
   * @param {{ at?: string }} options where in its home the project lies
   */
  constructor(t, { at = "project" } = {}) {
    t.after(() => {
      for (const { pid } of this.#started) endGroup(pid);
      rmSync(this.home, { recursive: true, force: true });
    });
    this.root = join(this.home, at);
    this.launcher = join(this.root, "bin", "sampan.js");
    for (const folder of ["bin", "setup"]) {
      cpSync(join(root, folder), join(this.root, folder), { recursive: true });
    }
    this.write("package.json", JSON.stringify({ name: "sampan", type: "module" }));
    this.write("npm/npm.cjs", fakeNpm);
    this.write("npm/npm", `#!/bin/sh\nexec "${process.execPath}" "${this.root}/npm/npm.cjs" "$@"\n`);
    chmodSync(join(this.root, "npm", "npm"), 0o755);
    this.path = `${join(this.root, "npm")}:/usr/bin:/bin`;
    mkdirSync(join(this.root, "new"));
    symlinkSync(process.execPath, join(this.root, "new", "node"));
    this.pathWithNode = `${join(this.root, "new")}:${this.path}`;
    this.write("fake-esbuild.js", fakeEsbuild);
  }

  /** Makes it a clone: sources and lock file, nothing set up. */
  asClone() {
    this.write("src/cli/main.ts", command);
    this.writeLock("1.0.0");
    return this;
  }

  /** Makes it an installed package: the bundle, and Node 26 in the folder of modules that is named, if any. */
  asPackage({ modules = "node_modules" } = {}) {
    this.write("dist/main.js", command);
    this.write("dist/ready", "");
    if (modules !== null) this.addNode(modules);
    return this;
  }

  addNode(modules) {
    const binary = join(this.root, modules, platform.name, platform.binary);
    mkdirSync(dirname(binary), { recursive: true });
    symlinkSync(process.execPath, binary);
  }

  writeLock(version) {
    const packages = {
      "": {},
      [`node_modules/${platform.name}`]: { name: platform.name, version, bin: platform.binary },
      "node_modules/esbuild": { name: "esbuild", version },
      "node_modules/of-elsewhere": { name: "of-elsewhere", version, optional: true, os: ["none"] },
    };
    delete packages["node_modules/of-elsewhere"].name;
    this.write("package-lock.json", JSON.stringify({ packages }));
  }

  write(path, text) {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  has(path) {
    return existsSync(join(this.root, path));
  }

  read(path) {
    return this.has(path) ? readFileSync(join(this.root, path), "utf8") : "";
  }

  /** How often the stand-ins for npm and the bundler ran. */
  counts() {
    const lines = (path) => this.read(path).split("\n").length - 1;
    return { npm: lines("npm.log"), bundler: lines("esbuild.log") };
  }

  leftovers() {
    return this.has(".cache/setup") ? readdirSync(join(this.root, ".cache", "setup")) : [];
  }

  /** Starts a program with nothing of this process's environment but what the project needs. */
  start(program, args = [], { env = {}, cwd = this.home } = {}) {
    const child = spawn(program, args, {
      cwd,
      env: { PATH: this.path, FAKE_NODE: process.execPath, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#started.push(child);
    return new Running(child);
  }

  /** Starts a program and waits for its end. */
  run(program, args, options) {
    return this.start(program, args, options).ended;
  }

  /** Starts the command as an old Node.js would, in the Node.js that runs the tests. */
  startAsOldNode(args = [], options = {}) {
    this.write("old.js", 'import { launch } from "./setup/launch.js";\nawait launch("20.20.2");\n');
    return this.start(process.execPath, [join(this.root, "old.js"), ...args], options);
  }

  makeGate() {
    execFileSync("mkfifo", [join(this.root, "gate")]);
  }

  openGate() {
    writeFileSync(join(this.root, "gate"), "");
  }
}

/** A test that fails must leave no process behind, not even what its programs started. */
function endGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group is over.
  }
}

/** A started program: its output so far, and its end. */
class Running {
  stdout = "";
  stderr = "";
  /** @type {Promise<{ code: number | null, signal: string | null, stdout: string, stderr: string }>} */
  ended;
  #child;
  #watchers = new Set();

  constructor(child) {
    this.#child = child;
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => {
        this[name] += text;
        for (const watcher of this.#watchers) watcher();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid() {
    return this.#child.pid;
  }

  kill(signal) {
    this.#child.kill(signal);
  }

  /** Waits until one of the streams has said something; its end without that is an error. */
  async says(stream, pattern) {
    const seen = new Promise((resolve) => {
      const watcher = () => {
        if (!pattern.test(this[stream])) return;
        this.#watchers.delete(watcher);
        resolve(true);
      };
      this.#watchers.add(watcher);
      watcher();
    });
    const end = this.ended.then(() => pattern.test(this[stream]));
    if (!(await Promise.race([seen, end]))) {
      throw new Error(`Never said ${pattern}: ${this.stdout}${this.stderr}`);
    }
  }
}

/** What the stand-in for the command printed first. */
export function printed({ stdout, stderr }) {
  try {
    return JSON.parse(stdout.split("\n")[0]);
  } catch {
    throw new Error(`No report of a start in ${JSON.stringify({ stdout, stderr })}`);
  }
}
