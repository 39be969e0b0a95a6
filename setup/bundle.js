import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { Complaint } from "./complaint.js";
import { cache, root } from "./paths.js";
import { skipIndexes } from "./skip-indexes.js";

const dist = join(root, "dist");
const entryPoints = {
  command: "src/cli/main.ts",
  run: "src/cli/run-main.ts",
  "run-late": "src/engine/late-ways.ts",
  "run-worker": "src/engine/run-worker.ts",
  "epoch-watcher": "src/engine/epoch-watcher.ts",
  "thread-code": "src/engine/pool/thread-main.ts",
  "process-code": "src/engine/pool/process-main.ts",
  "guest-main": "src/engine/threads/guest-main.ts",
  "stand-in-main": "src/runtime/stand-ins/stand-in-main.ts",
  "engine-main": "src/compose/project/engine-main.ts",
};
/** What programs import; a module, so that names are exported one by one. It starts the threads above. */
const library = { index: "src/index.ts" };
/** Libraries that few runs need: each is a file of its own, read when it is first required. */
const libraries = { yaml: "yaml", "json-schema": "@cfworker/json-schema" };
/** Packages that stand-ins load from where npm put them. */
const packages = ["@electric-sql/pglite", "sirv"];
/** Files of our own that others load late, by the import that names them: they are not put into the file that loads them. */
const late = { "./main.ts": "./command.js", "./late-ways.ts": "./run-late.js" };
const libraryFiles = Object.fromEntries(Object.entries(libraries).map(([file, name]) => [name, `./${file}.js`]));
/** Data that is copied: the Compose Specification's JSON Schema, for src/compose/file/compose-schema.ts. */
const data = { "compose-schema": "./node_modules/dclint/schemas/compose.schema.json" };

/**
 * Loads files of the bundle with V8's code for them. That for a command comes from a cache in the user's own folder, one for each command: it
 * is written when the first run ends, so that it has all functions which that run called. Node's own cache is filled before
 * anything runs and has none of them. Without a home there is no such folder, and one that others may write in would let
 * them plant code. V8 itself refuses what another version of it wrote; the checksum finds damage, the name other sources.
 */
const loaderOf = (digest) => `"use strict";
const { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require("node:fs");
const { env, pid } = process;
const cache = env.XDG_CACHE_HOME || (env.HOME && env.HOME + "/.cache");
const folder = cache && cache + "/sampan/code";
const isOurs = () => {
  try {
    const { uid, mode } = statSync(folder);
    return uid === process.getuid() && (mode & 0o022) === 0;
  } catch {
    return false;
  }
};
const checksum = () => {
  const emit = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const { crc32 } = process.getBuiltinModule("internal/test/binding").internalBinding("zlib");
    return (bytes) => crc32(bytes, 0);
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emit;
  }
};
const sumOf = cache && process.execArgv.includes("--expose-internals") ? checksum() : undefined;
if (cache) require("node:module").enableCompileCache(folder);
function load(name, key, whenUsed) {
  if (sumOf === undefined || process.getuid === undefined) return require(name);
  const { Script } = require("node:vm");
  const file = folder + "/" + key + "-${digest}.code";
  const path = __dirname + name.slice(1);
  const source = "(function(exports,require,module,__filename,__dirname){" + readFileSync(path, "latin1") + "\\n})";
  const cachedData = isOurs() ? read(file) : undefined;
  const script = new Script(source, { filename: path, cachedData });
  if (script.cachedDataRejected !== false) whenUsed(() => write(file, script.createCachedData()));
  const loaded = { exports: {} };
  const requireOwn = (other) => (/^\\.\\/(command|run-late)\\.js$/.test(other) ? load(other, key + other.slice(2, -3), whenUsed) : require(other));
  script.runInThisContext()(loaded.exports, requireOwn, loaded, path, __dirname);
  return loaded.exports;
}

function read(file) {
  try {
    const bytes = readFileSync(file);
    const end = bytes.length - 4;
    return sumOf(bytes.subarray(0, end)) === bytes.readUInt32LE(end) ? bytes.subarray(0, end) : undefined;
  } catch {}
}

function write(file, bytes) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs()) return;
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(sumOf(bytes));
    writeFileSync(file + pid, Buffer.concat([bytes, sum]), { mode: 0o600, flag: "wx" });
    renameSync(file + pid, file);
    // What other versions left and nobody has written for a month.
    for (const name of readdirSync(folder)) {
      const other = folder + "/" + name;
      if (name.includes(".code") && Date.now() - statSync(other).mtimeMs > 30 * 86_400_000) rmSync(other, { force: true });
    }
  } catch {}
}
`;

/** What the launcher starts. */
const mainOf = (digest) => `${loaderOf(digest)}
const command = /^[a-z]{1,20}$/.exec(process.argv[2]) || "none";
load(process.argv[2] === "run" ? "./run.js" : "./command.js", command, (keep) => process.once("exit", keep));
`;

/** What the engine starts as a thread or a process, which somebody ends at any time: its code is kept once it has run for a while. */
const partOf = (name, digest) => `${loaderOf(digest)}
load("./${name}-code.js", "${name}", (keep) => setTimeout(keep, 1_000).unref());
`;

/**
 * Bundles the command and the library into dist/, which changes as a whole: the marker is in it, or there is no dist/.
 *
 * @param {string} stamp what the marker says of the sources
 */
export async function bundle(stamp) {
  const draft = join(cache, "dist");
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const inputs = await runBundler(draft, stamp);
  const hash = createHash("sha256");
  for (const file of ["command.js", "run.js", "run-late.js", "thread-code.js", "process-code.js"])
    hash.update(readFileSync(join(draft, file)));
  const digest = hash.digest("hex");
  writeFileSync(join(draft, "main.js"), mainOf(digest.slice(0, 32)));
  for (const name of ["thread", "process"]) {
    writeFileSync(join(draft, `${name}-main.js`), partOf(name, digest.slice(0, 32)));
  }
  writeFileSync(join(draft, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
  writeFileSync(join(draft, "THIRD-PARTY.txt"), licences(inputs));
  writeFileSync(join(draft, "ready"), `${stamp}\n`);
  const previous = join(cache, "dist-before");
  rmSync(previous, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, previous);
  renameSync(draft, dist);
  rmSync(previous, { recursive: true, force: true });
}

const common = {
  absWorkingDir: root,
  bundle: true,
  // One CommonJS file starts 8 ms faster than ES modules in chunks: Node loads those without waiting for anything, and
  // caches their compiled code. What a command does not need is compiled but not run.
  format: "cjs",
  platform: "neutral",
  mainFields: ["module", "main"],
  define: { "import.meta.url": "fileUrl" },
  banner: { js: 'const fileUrl = require("node:url").pathToFileURL(__filename).href;' },
  target: "node26",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  metafile: true,
  logLevel: "silent",
  plugins: [skipIndexes(join(root, "src"))],
};

/** Leaves what is loaded late to files of its own. */
const lateFiles = {
  name: "late-files",
  setup(build) {
    build.onResolve({ filter: /^\.\/(main|late-ways)\.ts$/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path: late[path], external: true } : undefined,
    );
  },
};

const asModule = { format: "esm", define: {}, banner: {}, outExtension: { ".js": ".mjs" }, external: ["node:*"] };

async function runBundler(folder, stamp) {
  const esbuild = await import("esbuild");
  try {
    // Short names make V8's code for the command smaller to read: a tenth of what a start costs.
    const ours = {
      entryPoints,
      minifyIdentifiers: true,
      alias: libraryFiles,
      plugins: [...common.plugins, lateFiles],
      // What is kept as code by V8 cannot import.
      supported: { "dynamic-import": false },
      external: ["node:*", ...Object.values(libraryFiles), ...packages],
    };
    const theirs = { entryPoints: { ...libraries, ...data }, loader: { ".json": "copy" }, external: ["node:*"] };
    const modules = { entryPoints: library, ...asModule };
    const built = [];
    for (const part of [ours, theirs, modules]) {
      const define = { ...(part.define ?? common.define), SAMPAN_BUILD: JSON.stringify(stamp) };
      built.push(await esbuild.build({ ...common, ...part, define, outdir: folder }));
    }
    return built.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  } catch (error) {
    const lines = (error.errors ?? []).map(({ text, location }) => {
      return location ? `${location.file}:${location.line}: ${text}` : text;
    });
    throw lines.length > 0 ? new Complaint("Cannot bundle the sources", lines) : error;
  } finally {
    // Its service would otherwise stay beside the command that this process goes on to run.
    await esbuild.stop?.();
  }
}

/** The licence of each package that the bundle carries, as those licences ask for. */
function licences(inputs) {
  const packages = new Set();
  for (const input of inputs) {
    const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name !== undefined) packages.add(name);
  }
  return [...packages]
    .sort((a, b) => (a < b ? -1 : 1))
    .map(licenceOf)
    .join("\n");
}

function licenceOf(name) {
  const folder = join(root, "node_modules", name);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(basename(entry)));
  const { version, license, author, homepage } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (file === undefined) {
    if (license === undefined) throw new Complaint(`Cannot bundle "${name}": it does not say its licence`);
    return `${name} ${version}\n\nLicensed under ${license} by ${author?.name ?? author ?? "its authors"}, says its manifest (${homepage})\n`;
  }
  return `${name} ${version}\n\n${readFileSync(join(folder, file), "utf8")}`;
}
