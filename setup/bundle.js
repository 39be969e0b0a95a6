import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, join } from "node:path";
import { Complaint } from "./complaint.js";
import { cache, root } from "./paths.js";
import { skipIndexes } from "./skip-indexes.js";

const dist = join(root, "dist");
const entryPoints = {
  command: "src/cli/main.ts",
  "run-large": "src/cli/run-component-main.ts",
  serve: "src/cli/serve-main.ts",
  "serve-run": "src/cli/serve-run.ts",
  "serve-worker-code": "src/serve/front/worker-main.ts",
  "run-late": "src/engine/late-ways.ts",
  "run-worker": "src/engine/run-worker.ts",
  "epoch-watcher": "src/engine/epoch-watcher.ts",
  "thread-code": "src/engine/pool/thread-main.ts",
  "process-code": "src/engine/pool/process-main.ts",
  "guest-main": "src/engine/threads/guest-main.ts",
  "stand-in-main": "src/runtime/stand-ins/stand-in-main.ts",
  "engine-main": "src/compose/project/engine-main.ts",
};
/**
 * `sampan run` of a small component, and what it does without of our files' exports: it hands on to run-late what would need them,
 * before anything of them is called. What is not read takes no time.
 */
const lean = { "run-component": "src/cli/run-component-main.ts" };
const leftOut = {
  "src/abi/wasi-0.2/drafts/interfaces.ts": ["draftInterfaces"],
  "src/abi/wasi-0.2/http.ts": ["httpInterfaces"],
  "src/abi/wasi-0.2/sockets.ts": ["socketInterfaces"],
  "src/component/instance/fused.ts": ["makeFused"],
  "src/engine/component/is-whole.ts": ["isWhole"],
  "src/engine/import-plan.ts": ["ImportPlan", "isThreadSpawn"],
  "src/host/http/make-client.ts": ["makeHttpClient"],
  "src/host/network/sockets.ts": ["Sockets"],
  "src/host/postgres/postgres.ts": ["Postgres"],
};
/** `sampan run` of a module, which can ask for nothing of these: components go to run-late, or have bundles of their own. */
const forModules = { run: "src/cli/run-main.ts" };
const leftOutForModules = {
  "src/host/http/make-client.ts": ["makeHttpClient"],
  "src/host/postgres/postgres.ts": ["Postgres"],
};
/** What is started as a thread or a process, by a file of its own that keeps its code. */
const parts = ["thread", "process", "serve-worker"];
/** What programs import, by `import` and by `require` the same one. It starts the threads above. */
const library = { library: "src/index.ts" };
/** Libraries that few runs need: each is a file of its own, read when it is first required. */
const libraries = { yaml: "yaml", "json-schema": "@cfworker/json-schema", pg: "pg/lib/client.js" };
/** What libraries would load if it were there, and Sampan has no use for. */
const without = ["pg-cloudflare"];
/** Packages that stand-ins load from where npm put them. */
const packages = ["@electric-sql/pglite", "sirv"];
/** Files of our own that others load late, by the import that names them: they are not put into the file that loads them. */
const late = {
  "./main.ts": "./command.js",
  "./run-main.ts": "./run.js",
  "./late-ways.ts": "./run-late.js",
  "./serve-run.ts": "./serve-run.js",
};
const libraryFiles = Object.fromEntries(Object.entries(libraries).map(([file, name]) => [name, `./${file}.js`]));
/** Data that is copied: the Compose Specification's JSON Schema, for src/compose/file/compose-schema.ts. */
const data = { "compose-schema": "./node_modules/dclint/schemas/compose.schema.json" };

/** How the launcher's processes find damage in what is kept: by a checksum that Node has at hand under its flag. */
const bySum = `const checksum = () => {
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
const canKeep = sumOf !== undefined;
const sealed = (bytes) => {
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(sumOf(bytes));
  return Buffer.concat([bytes, sum]);
};
const opened = (bytes) => {
  const end = bytes.length - 4;
  return sumOf(bytes.subarray(0, end)) === bytes.readUInt32LE(end) ? bytes.subarray(0, end) : undefined;
};
`;

/** How a program finds it, where a checksum would have to be loaded first: what is kept stands there twice. */
const byTwins = `const canKeep = Boolean(cache);
const sealed = (bytes) => Buffer.concat([bytes, bytes]);
const opened = (bytes) => {
  const half = bytes.length / 2;
  return bytes.subarray(0, half).equals(bytes.subarray(half)) ? bytes.subarray(0, half) : undefined;
};
`;

/**
 * Loads files of the bundle with V8's code for them. That for a command comes from a cache in the user's own folder, one for each command: it
 * is written when the first run ends, so that it has all functions which that run called. Node's own cache is filled before
 * anything runs and has none of them. Without a home there is no such folder, and one that others may write in would let
 * them plant code. V8 itself refuses what another version of it wrote; the checksum finds damage, the name other sources.
 */
const loaderOf = (digest, seal) => `"use strict";
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
${seal}function load(name, key, whenUsed) {
  if (!canKeep || process.getuid === undefined) return require(name);
  const { Script } = require("node:vm");
  const file = folder + "/" + key + "-${digest}.code";
  const path = __dirname + name.slice(1);
  const source = "(function(exports,require,module,__filename,__dirname){" + readFileSync(path, "latin1") + "\\n})";
  const cachedData = isOurs() ? read(file) : undefined;
  const script = new Script(source, { filename: path, cachedData });
  if (script.cachedDataRejected !== false) whenUsed(() => write(file, script.createCachedData()));
  const loaded = { exports: {} };
  const requireOwn = (other) => (/^\\.\\/(command|run|run-late|serve-run)\\.js$/.test(other) ? load(other, key + other.slice(2, -3), whenUsed) : require(other));
  script.runInThisContext()(loaded.exports, requireOwn, loaded, path, __dirname);
  return loaded.exports;
}

function read(file) {
  try {
    return opened(readFileSync(file));
  } catch {}
}

function write(file, bytes) {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs()) return;
    writeFileSync(file + pid, sealed(bytes), { mode: 0o600, flag: "wx" });
    renameSync(file + pid, file);
    // What other versions left and nobody has written for a month.
    for (const name of readdirSync(folder)) {
      const other = folder + "/" + name;
      if (name.includes(".code") && Date.now() - statSync(other).mtimeMs > 30 * 86_400_000) rmSync(other, { force: true });
    }
  } catch {}
}
`;

/**
 * What the launcher starts. What `sampan run` is given it looks at before it reads code: components have bundles of their own, large ones
 * one with all that they may need. Only
 * regular files are opened, for others would wait or hand out what they have once; a guess that is wrong costs time alone, as each
 * bundle hands on what is not its own.
 */
export const mainOf = (digest) => `${loaderOf(digest, bySum)}
const bundleOf = (file) => {
  const { closeSync, fstatSync, openSync, readSync } = require("node:fs");
  let fd;
  try {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
    fd = openSync(file, "r");
    const head = Buffer.alloc(8);
    if (readSync(fd, head) < 8 || head.readUInt32LE(0) !== 0x6d736100) return undefined;
    if (head[6] !== 1 || head[7] !== 0) return "run";
    return fstatSync(fd).size < 1048576 ? "run-component" : "run-large";
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
};
const bundleFor = (words) => {
  for (const word of words) {
    const bundle = word.startsWith("-") ? undefined : bundleOf(word);
    if (bundle !== undefined) return bundle;
  }
  return "run";
};
const [, , name, ...words] = process.argv;
const command = /^[a-z]{1,20}$/.exec(name) || "none";
const bundle = name === "run" ? bundleFor(words) : name === "serve" ? "serve" : "command";
load("./" + bundle + ".js", bundle === "command" ? command : bundle, (keep) => process.once("exit", keep));
`;

/** What the engine starts as a thread or a process, which somebody ends at any time: its code is kept once it has run for a while. */
const partOf = (name, digest) => `${loaderOf(digest, bySum)}
load("./${name}-code.js", "${name}", (keep) => setTimeout(keep, 1_000).unref());
`;

/**
 * What programs import: the library, with V8's code for it, of their own Node. The first that imports it writes that when it ends,
 * or has run for a while.
 */
export const libraryOf = (digest) => `${loaderOf(digest, byTwins)}
if (Number.parseInt(process.version.slice(1), 10) < ${oldestHost}) {
  const message = "Cannot use sampan in Node.js " + process.version.slice(1) + ": wanted ${oldestHost} or newer";
  throw Object.assign(new Error(message), { code: "ENGINE_UNSUPPORTED" });
}
module.exports = load("./library.cjs", "library-" + process.version, (keep) => {
  const once = () => {
    clearTimeout(timer);
    process.off("exit", once);
    keep();
  };
  const timer = setTimeout(once, 1_000).unref();
  process.once("exit", once);
});
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
  for (const file of [
    "command.js",
    "run.js",
    "run-component.js",
    "run-large.js",
    "library.cjs",
    "run-late.js",
    "serve.js",
    "serve-run.js",
    ...parts.map((name) => `${name}-code.js`),
  ])
    hash.update(readFileSync(join(draft, file)));
  const digest = hash.digest("hex");
  writeFileSync(join(draft, "main.js"), mainOf(digest.slice(0, 32)));
  writeFileSync(join(draft, "index.cjs"), libraryOf(digest.slice(0, 32)));
  for (const name of parts) writeFileSync(join(draft, `${name}-main.js`), partOf(name, digest.slice(0, 32)));
  writeFileSync(join(draft, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
  writeFileSync(join(draft, "THIRD-PARTY.txt"), licences(inputs));
  writeFileSync(join(draft, "ready"), `${stamp}\n`);
  const previous = join(cache, "dist-before");
  rmSync(previous, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, previous);
  renameSync(draft, dist);
  rmSync(previous, { recursive: true, force: true });
}

/** What all bundles have in common. */
export const common = {
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
    build.onResolve({ filter: /^\.\/(main|run-main|late-ways|serve-run)\.ts$/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path: late[path], external: true } : undefined,
    );
  },
};

/** Puts empty objects in the place of what is left out. */
const leavingOut = (files) => ({
  name: "left-out",
  setup(build) {
    const paths = new Map(Object.entries(files).map(([file, names]) => [join(root, file), names]));
    build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const names = paths.get(path);
      return names && { contents: names.map((name) => `export const ${name} = {};`).join("\n") };
    });
  },
});

/** The command's bundles. */
export const ours = {
  entryPoints,
  // Short names make V8's code for the command smaller to read: a tenth of what a start costs.
  minifyIdentifiers: true,
  alias: libraryFiles,
  plugins: [...common.plugins, lateFiles],
  // What is kept as code by V8 cannot import.
  supported: { "dynamic-import": false },
  external: ["node:*", ...Object.values(libraryFiles), ...packages],
};
/** Those that do without some files. */
export const oursLean = { ...ours, entryPoints: lean, plugins: [leavingOut(leftOut), ...ours.plugins] };
export const oursForModules = {
  ...ours,
  entryPoints: forModules,
  plugins: [leavingOut(leftOutForModules), ...ours.plugins],
};

/** Node.js that programs run in which import this; what it lacks is found when it is asked for. */
const oldestHost = 22;

/**
 * The module that `import` finds: it has the names of the CommonJS file one by one. Were it a bundle of its own, a program that
 * imports one and requires the other would have two of each class, and two engines.
 */
async function asModule(esbuild) {
  const { metafile } = await esbuild.build({
    ...common,
    entryPoints: library,
    bundle: false,
    format: "esm",
    write: false,
    outdir: ".",
    plugins: [],
    banner: {},
  });
  const names = Object.values(metafile.outputs).flatMap(({ exports }) => exports);
  return `import own from "./index.cjs";\nexport const { ${names.join(", ")} } = own;\n`;
}

async function runBundler(folder, stamp) {
  const esbuild = await import("esbuild");
  try {
    const theirs = {
      entryPoints: { ...libraries, ...data },
      loader: { ".json": "copy" },
      external: ["node:*", ...builtinModules, ...without],
    };
    const programs = {
      entryPoints: library,
      outExtension: { ".js": ".cjs" },
      target: `node${oldestHost}`,
      // Node.js shows the line that an uncaught error comes from.
      lineLimit: 200,
      alias: libraryFiles,
      supported: { "dynamic-import": false },
      external: ["node:*", ...Object.values(libraryFiles), ...packages],
    };
    const built = [];
    for (const part of [ours, oursLean, oursForModules, theirs, programs]) {
      const define = { ...(part.define ?? common.define), SAMPAN_BUILD: JSON.stringify(stamp) };
      built.push(await esbuild.build({ ...common, ...part, define, outdir: folder }));
    }
    writeFileSync(join(folder, "index.mjs"), await asModule(esbuild));
    // The types themselves are written when the package is packed: those of CommonJS, as the folder's package.json says.
    writeFileSync(join(folder, "index.d.mts"), 'export * from "./types/index.js";\n');
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
