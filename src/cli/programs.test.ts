import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, describe, test } from "node:test";
import { findProgram, outputOf, reachSocket } from "./programs.ts";

const dir = mkdtempSync(join(tmpdir(), "sampan-programs-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const never = new AbortController().signal;

describe("findProgram()", { skip: process.platform === "win32" }, () => {
  test("takes the first file on PATH that can be started, and no folder of that name", () => {
    for (const folder of ["plain", "first", "second", "folder/tool"]) mkdirSync(join(dir, folder), { recursive: true });
    for (const folder of ["plain", "first", "second"]) writeFileSync(join(dir, folder, "tool"), "#!/bin/sh\n");
    for (const folder of ["first", "second"]) chmodSync(join(dir, folder, "tool"), 0o755);
    const path = [
      "",
      "/nothing",
      join(dir, "folder"),
      join(dir, "plain"),
      join(dir, "first"),
      join(dir, "second"),
    ].join(delimiter);
    assert.equal(findProgram("tool", path), join(dir, "first", "tool"));
    assert.equal(findProgram("other", path), undefined);
    assert.equal(findProgram("tool", ""), undefined);
  });
});

describe("outputOf()", () => {
  test("answers what a program prints", async () => {
    assert.equal(await outputOf(process.execPath, ["-p", "6 * 7"], never), "42\n");
  });

  test("answers nothing for a failure, a program that is not there, and one that is not done in time", async () => {
    assert.equal(await outputOf(process.execPath, ["-e", "process.exit(1)"], never), undefined);
    assert.equal(await outputOf(join(dir, "nothing"), [], never), undefined);
    const patience = new AbortController();
    const waiting = outputOf(process.execPath, ["-e", "setInterval(() => {}, 1000)"], patience.signal);
    patience.abort();
    assert.equal(await waiting, undefined);
  });

  test("lets no compiler fetch what a file in the current folder asks for", async () => {
    const script = "process.env.GOTOOLCHAIN + process.env.RUSTUP_AUTO_INSTALL";
    assert.equal(await outputOf(process.execPath, ["-p", script], never), "local0\n");
  });
});

describe("reachSocket()", { skip: process.platform === "win32" }, () => {
  test("tells a service from a socket that nobody serves and from none", async () => {
    const path = join(dir, "socket");
    const server = createServer();
    await new Promise<void>((listening) => server.listen(path, listening));
    assert.equal(await reachSocket(path, never), "reachable");
    await new Promise((closed) => server.close(closed));
    assert.equal(await reachSocket(path, never), "ENOENT");
    writeFileSync(path, "");
    assert.equal(await reachSocket(path, never), "ECONNREFUSED");
  });
});
