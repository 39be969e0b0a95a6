import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { common, libraryOf, mainOf, ours, oursForModules, oursLean } from "./bundle.js";

const folder = mkdtempSync(join(tmpdir(), "sampan-bundle-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const cache = join(folder, "cache");
for (const name of ["command", "run", "run-component", "run-large", "serve"])
  writeFileSync(join(folder, `${name}.js`), `console.log(${JSON.stringify(name)});\n`);
writeFileSync(join(folder, "main.js"), mainOf("digest"));
writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');

const magic = [0x00, 0x61, 0x73, 0x6d];
const files = {
  "module.wasm": [...magic, 1, 0, 0, 0],
  "component.wasm": [...magic, 0x0d, 0, 1, 0],
  "large.wasm": [...magic, 0x0d, 0, 1, 0, ...new Uint8Array(1024 * 1024)],
  "later.wasm": [...magic, 0x0e, 0, 1, 0],
  "unknown.wasm": [...magic, 0x0d, 0, 2, 0],
  "short.wasm": [...magic, 0x0d, 0, 1],
  "empty.wasm": [],
  "text.wat": [...Buffer.from("(component)\n")],
};
for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), Buffer.from(bytes));
mkdirSync(join(folder, "folder.wasm"));

/** Which bundle the launcher's file loads for a command line. */
function bundleFor(...words) {
  const { stdout, stderr } = spawnSync(process.execPath, ["--expose-internals", "--", "main.js", ...words], {
    cwd: folder,
    env: { XDG_CACHE_HOME: cache },
    encoding: "utf8",
    timeout: 60_000,
    input: Buffer.from(files["component.wasm"]),
  });
  assert.equal(stderr, "");
  return stdout.trim();
}

for (const [name, bundle] of Object.entries({
  "module.wasm": "run",
  "component.wasm": "run-component",
  "large.wasm": "run-large",
  "later.wasm": "run-component",
  "unknown.wasm": "run",
  "short.wasm": "run",
  "empty.wasm": "run",
  "text.wat": "run",
  "folder.wasm": "run",
  "missing.wasm": "run",
  "/dev/stdin": "run",
})) {
  test(`mainOf() runs ${name} by ${bundle}.js`, () => assert.equal(bundleFor("run", name), bundle));
}

test("mainOf() looks at the first word that names a binary, and never at options", () => {
  assert.equal(
    bundleFor("run", "--env", "A=b", "-v", "./data:/data:ro", "component.wasm", "module.wasm"),
    "run-component",
  );
  assert.equal(bundleFor("run", "module.wasm", "component.wasm"), "run");
  assert.equal(bundleFor("run", "--", "component.wasm"), "run-component");
  assert.equal(bundleFor("run"), "run");
  assert.equal(bundleFor("run", "--help"), "run");
  assert.equal(bundleFor("inspect", "component.wasm"), "command");
  assert.equal(bundleFor(), "command");
});

test("mainOf() opens no FIFO, which would wait for somebody who writes", { skip: process.platform === "win32" }, () => {
  execFileSync("mkfifo", [join(folder, "pipe.wasm")]);
  assert.equal(bundleFor("run", "pipe.wasm"), "run");
  symlinkSync("component.wasm", join(folder, "link.wasm"));
  assert.equal(bundleFor("run", "link.wasm"), "run-component");
});

test("libraryOf() keeps V8's code, reads it again, and makes it anew where it is damaged", () => {
  const place = join(folder, "library");
  mkdirSync(place);
  writeFileSync(join(place, "package.json"), '{ "type": "commonjs" }\n');
  writeFileSync(join(place, "index.cjs"), libraryOf("digest"));
  writeFileSync(
    join(place, "library.cjs"),
    `exports.answer = () => 42; exports.other = () => require("./other.cjs");\n`,
  );
  writeFileSync(join(place, "other.cjs"), `module.exports = "other";\n`);
  const home = join(folder, "library-cache");
  const use = () =>
    spawnSync(process.execPath, ["-p", 'const { answer, other } = require("./index.cjs"); `${answer()} ${other()}`'], {
      cwd: place,
      env: { XDG_CACHE_HOME: home },
      encoding: "utf8",
      timeout: 60_000,
    });
  assert.equal(use().stdout, "42 other\n");
  const code = join(home, "sampan", "code");
  const [name, ...rest] = readdirSync(code);
  assert.match(name, /^library-v[\d.]+-digest\.code$/);
  assert.deepEqual(rest, []);
  const kept = readFileSync(join(code, name));
  assert.equal(use().stdout, "42 other\n");
  assert.deepEqual(readFileSync(join(code, name)), kept);
  for (const at of [0, 40, kept.length >> 1, kept.length - 1]) {
    const damaged = Buffer.from(kept);
    damaged[at] ^= 0x20;
    writeFileSync(join(code, name), damaged);
    assert.equal(use().stdout, "42 other\n");
    assert.notDeepEqual(readFileSync(join(code, name)), damaged);
  }
  // Without a home nothing is kept.
  cpSync(place, join(folder, "without"), { recursive: true });
  const bare = spawnSync(process.execPath, ["-p", 'require("./index.cjs").answer()'], {
    cwd: join(folder, "without"),
    env: {},
    encoding: "utf8",
  });
  assert.equal(bare.stdout, "42\n");
});

test("libraryOf() refuses an older Node.js in one line, before anything is loaded", () => {
  const place = join(folder, "older");
  mkdirSync(place);
  writeFileSync(join(place, "index.cjs"), libraryOf("digest"));
  const older = 'Object.defineProperty(process, "version", { value: "v20.20.2" });';
  const use = `${older} try { require("./index.cjs"); } catch ({ code, message }) { console.log(code, message); }`;
  const { stdout } = spawnSync(process.execPath, ["-e", use], { cwd: place, encoding: "utf8", timeout: 60_000 });
  assert.equal(stdout, "ENGINE_UNSUPPORTED Cannot use sampan in Node.js 20.20.2: wanted 22 or newer\n");
});

/** Our files that a bundle is made of. */
async function inputsOf(part, entry) {
  const esbuild = await import("esbuild");
  try {
    const built = await esbuild.build({
      ...common,
      ...part,
      entryPoints: { [entry]: part.entryPoints[entry] },
      define: { ...common.define, SAMPAN_BUILD: '"test"' },
      outdir: folder,
      write: false,
    });
    const [output] = Object.values(built.metafile.outputs);
    const inputs = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    return inputs.map(([file]) => file).filter((file) => file.startsWith("src/"));
  } finally {
    await esbuild.stop();
  }
}

test("the bundle of `sampan run` for modules has no code of components, and that for components none that decodes", async () => {
  const ofModules = await inputsOf(oursForModules, "run");
  assert.ok(ofModules.includes("src/abi/preview1/descriptor-calls.ts"));
  assert.deepEqual(
    ofModules.filter((file) => /^src\/(?:component|wasm\/component|abi\/wasi-0\.2|engine\/component)\//.test(file)),
    [],
  );
  const clients = ["src/host/http/http-client.ts", "src/host/postgres/connect.ts"];
  assert.deepEqual(
    ofModules.filter((file) => clients.includes(file)),
    [],
  );
  const ofComponents = await inputsOf(oursLean, "run-component");
  assert.ok(ofComponents.includes("src/component/plan/read-plan.ts"));
  assert.ok((await inputsOf(ours, "run-large")).includes("src/abi/wasi-0.2/sockets.ts"));
  const rest =
    /^src\/(?:wasm\/component\/decode|wasm\/rewrite\/rewrite|component\/plan\/make-plan|component\/adapters\/|abi\/preview1\/)/;
  assert.deepEqual(
    ofComponents.filter((file) => rest.test(file)),
    [],
  );
});
