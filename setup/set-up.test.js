import assert from "node:assert/strict";
import { rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FakeProject, printed } from "./fake-project.js";
import { isOver } from "./processes.js";

const setUp = ["setup/run.js"];

/** Moves a file's times, as an edit or a pull does, without waiting for a clock to tick. */
function age(project, path, seconds) {
  const time = statSync(join(project.root, path)).mtimeMs / 1000 + seconds;
  utimesSync(join(project.root, path), time, time);
}

function runSetUp(project, env = {}) {
  return project.run(process.execPath, setUp, { cwd: project.root, env });
}

test("a fresh clone sets itself up once, says so on stderr only, and later starts do nothing of it", async (t) => {
  const project = new FakeProject(t).asClone();
  const first = await project.run(project.launcher, ["exit", "3"], {
    env: { PATH: project.pathWithNode },
  });
  assert.equal(first.code, 3);
  assert.deepEqual(printed(first).args, ["exit", "3"]);
  assert.equal(printed(first).file, pathToFileURL(join(project.root, "dist", "command.js")).href);
  assert.match(first.stderr, /^sampan: installing .*\nsampan: bundling .*\nsampan: ready \([\d.]+ s\)\n$/);
  assert.match(project.read("npm.log"), /^ci --ignore-scripts --include=dev --include=optional /);

  const second = await project.run(project.launcher, [], { env: { PATH: "/nonexistent" } });
  assert.equal(second.stderr, "");
  assert.equal(printed(second).execPath, process.execPath);
  const third = await runSetUp(project);
  assert.deepEqual([third.code, third.stdout, third.stderr], [0, "", ""]);
  assert.deepEqual(project.counts(), { npm: 1, bundler: 1 });
  assert.deepEqual(project.leftovers(), []);
});

test("two starts at once set up once: the second waits, says so, and finds everything done", async (t) => {
  const project = new FakeProject(t).asClone();
  project.makeGate();
  const env = { FAKE_NPM: "gate" };
  const options = { cwd: project.root, env };
  const first = project.start(process.execPath, setUp, options);
  await first.says("stderr", /installing/);
  const second = project.start(process.execPath, setUp, options);
  await second.says("stderr", new RegExp(`waiting for another set-up \\(process ${first.pid}\\)`));
  project.openGate();
  assert.equal((await first.ended).code, 0);
  const { code, stderr } = await second.ended;
  assert.equal(code, 0);
  assert.match(stderr, /ready, set up by the other process/);
  assert.deepEqual(project.counts(), { npm: 1, bundler: 1 });
  assert.deepEqual(project.leftovers(), []);
});

test("a set-up killed inside npm is begun again, not trusted", async (t) => {
  const project = new FakeProject(t).asClone();
  assert.equal((await runSetUp(project, { FAKE_NPM: "die" })).signal, "SIGKILL");
  assert.ok(project.has("node_modules"));
  assert.ok(!project.has("dist/ready"));
  assert.equal((await runSetUp(project)).code, 0);
  assert.deepEqual(project.counts(), { npm: 2, bundler: 1 });
  assert.equal((await project.run(project.launcher)).code, 0);
});

test("an update killed inside npm leaves no marker that vouches for half of the packages", async (t) => {
  const project = new FakeProject(t).asClone();
  await runSetUp(project);
  project.writeLock("2.0.0");
  assert.equal((await runSetUp(project, { FAKE_NPM: "die" })).signal, "SIGKILL");
  assert.ok(!project.has("dist/ready"));
  assert.equal((await project.startAsOldNode(["exit", "6"]).ended).code, 6);
  assert.deepEqual(project.counts(), { npm: 3, bundler: 2 });
});

test("a set-up killed inside the bundler is resumed there, and half a bundle is never run", async (t) => {
  const project = new FakeProject(t).asClone();
  assert.equal((await runSetUp(project, { FAKE_ESBUILD: "die" })).signal, "SIGKILL");
  assert.ok(!project.has("dist"));
  assert.equal((await project.startAsOldNode(["exit", "4"]).ended).code, 4);
  assert.deepEqual(project.counts(), { npm: 1, bundler: 2 });
});

test("a set-up ends the npm that a killed one left behind before it starts its own", async (t) => {
  const project = new FakeProject(t).asClone();
  project.makeGate();
  const killed = project.start(process.execPath, setUp, {
    cwd: project.root,
    env: { FAKE_NPM: "gate" },
  });
  await killed.says("stderr", /installing/);
  while (!project.has("npm.log")) await new Promise(setImmediate);
  const npm = JSON.parse(project.read(".cache/setup/npm"));
  killed.kill("SIGKILL");
  assert.equal((await runSetUp(project)).code, 0);
  assert.ok(isOver(npm));
  assert.deepEqual(project.counts(), { npm: 2, bundler: 1 });
  assert.equal((await killed.ended).signal, "SIGKILL");
});

test("a set-up told to end takes its npm with it", async (t) => {
  const project = new FakeProject(t).asClone();
  project.makeGate();
  const running = project.start(process.execPath, setUp, {
    cwd: project.root,
    env: { FAKE_NPM: "gate" },
  });
  while (!project.has("npm.log")) await new Promise(setImmediate);
  const npm = JSON.parse(project.read(".cache/setup/npm"));
  running.kill("SIGTERM");
  assert.equal((await running.ended).signal, "SIGTERM");
  while (!isOver(npm)) await new Promise(setImmediate);
  assert.equal((await runSetUp(project)).code, 0);
});

test("a source that changes, comes or goes makes the next set-up bundle again; a test file does not", async (t) => {
  const project = new FakeProject(t).asClone();
  await runSetUp(project);
  const changes = [
    () => age(project, "src/cli/main.ts", -5),
    () => project.write("src/base/new.ts", "export {};"),
    () => rmSync(join(project.root, "src/base/new.ts")),
  ];
  for (const [index, change] of changes.entries()) {
    change();
    assert.equal((await runSetUp(project)).code, 0);
    assert.deepEqual(project.counts(), { npm: 1, bundler: index + 2 });
  }
  project.write("src/cli/main.test.ts", "");
  await runSetUp(project);
  assert.deepEqual(project.counts(), { npm: 1, bundler: 4 });
});

test("a lock file that changes makes the next start install and bundle again", async (t) => {
  const project = new FakeProject(t).asClone();
  await runSetUp(project);
  project.writeLock("2.0.0");
  age(project, "package-lock.json", 5);
  const env = { PATH: project.pathWithNode };
  assert.match((await project.run(project.launcher, [], { env })).stderr, /installing/);
  assert.deepEqual(project.counts(), { npm: 2, bundler: 2 });
});

test("a package that is gone makes the next set-up install again", async (t) => {
  const project = new FakeProject(t).asClone();
  await runSetUp(project);
  rmSync(join(project.root, "node_modules", "esbuild"), { recursive: true });
  assert.equal((await runSetUp(project)).code, 0);
  assert.deepEqual(project.counts(), { npm: 2, bundler: 1 + 1 });
});

test("a clone whose history moved is looked at once, and its starts are quick again", async (t) => {
  const project = new FakeProject(t).asClone();
  await runSetUp(project);
  project.write("src/cli/main.ts", "console.log(JSON.stringify('pulled'));");
  project.write(".git/logs/HEAD", "");
  age(project, "package-lock.json", -10);
  age(project, "dist/ready", -5);
  const env = { PATH: project.pathWithNode };
  const pulled = await project.run(project.launcher, [], { env });
  assert.equal(pulled.stdout, '"pulled"\n');
  assert.match(pulled.stderr, /bundling/);
  const next = await project.run(project.launcher, [], { env: { PATH: "/nonexistent" } });
  assert.deepEqual([next.stdout, next.stderr], ['"pulled"\n', ""]);
});

test("without a network and without Node 26 a clone names both ways out", async (t) => {
  const project = new FakeProject(t).asClone();
  const env = { FAKE_NPM: "offline", PATH: `${join(project.root, "npm")}:/bin` };
  const { code, stdout, stderr } = await project.startAsOldNode([], { env }).ended;
  assert.equal(code, 125);
  assert.equal(stdout, "");
  assert.match(stderr, /Cannot find Node\.js 26: it is not installed yet, and npm cannot reach its registry/);
  assert.match(stderr, /\n {2}Connect to the network and run this again\n/);
  assert.match(stderr, /\n {2}Or: put a Node\.js 26 or later first on PATH, or name it: SAMPAN_NODE=/);
  assert.deepEqual(project.leftovers(), []);
});

test("without a network and with Node 26 a clone runs from source", async (t) => {
  const project = new FakeProject(t).asClone();
  const env = { FAKE_NPM: "offline", SAMPAN_NODE: process.execPath };
  const result = await project.run(project.launcher, ["exit", "5"], { env });
  assert.equal(result.code, 5);
  assert.equal(printed(result).file, pathToFileURL(join(project.root, "src", "cli", "main.ts")).href);
  assert.match(result.stderr, /npm cannot reach its registry; running from source/);
});

test("an npm that fails for another reason is quoted, and an npm that is not there is named", async (t) => {
  const project = new FakeProject(t).asClone();
  const refused = await runSetUp(project, { FAKE_NPM: "refuse" });
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /"npm ci" ended with 1\n {2}npm error code EINTEGRITY: planted/);
  const missing = await runSetUp(project, { PATH: "/nonexistent" });
  assert.equal(missing.code, 125);
  assert.match(missing.stderr, /there is no npm on PATH/);
});

test("npm is not told what an outer npm command was told, and does not run on the Node.js it replaces", async (t) => {
  const project = new FakeProject(t).asClone();
  const bin = join(project.root, "node_modules", ".bin");
  project.write("node_modules/.bin/npm", "#!/bin/sh\nexit 9\n");
  const env = { npm_config_dry_run: "true", npm_config_proxy: "http://127.0.0.1:1" };
  const said = "require('fs').writeFileSync('env.json', JSON.stringify(process.env));";
  project.write("npm/npm.cjs", said + project.read("npm/npm.cjs"));
  const path = `${bin}:${join(project.root, "npm")}:/usr/bin:/bin`;
  assert.equal((await runSetUp(project, { ...env, PATH: path })).code, 0);
  const seen = JSON.parse(project.read("env.json"));
  assert.equal(seen.npm_config_dry_run, undefined);
  assert.equal(seen.npm_config_proxy, env.npm_config_proxy);
});

test("test.js fails on a run over nothing, and on a failing test", async (t) => {
  const project = new FakeProject(t).asClone();
  const run = (...args) => project.run(process.execPath, ["setup/test.js", ...args], { cwd: project.root });
  const empty = await run();
  assert.equal(empty.code, 125);
  assert.match(empty.stderr, /Cannot test "src": there is no test file in it/);
  project.write("src/a.test.ts", 'import { test } from "node:test";\ntest("a", () => {});\n');
  assert.equal((await run("src")).code, 0);
  project.write("src/b.test.ts", 'throw new Error("planted");\n');
  assert.equal((await run("src")).code, 1);
  assert.equal((await run("src/a.test.ts")).code, 0);
  assert.equal((await run("src/typo")).code, 125);
});
