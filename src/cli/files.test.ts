import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { checkWritable, readArtifact, readText, writeText } from "./files.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sampan-files-"));
  mkdirSync(join(dir, "folder"));
  writeFileSync(join(dir, "file"), "kept");
  symlinkSync("loop", join(dir, "loop"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function fails(act: () => unknown, code: string, reason: string): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof SampanError, String(error));
    assert.deepEqual([error.code, error.message.replace(/^.*": /, "")], [code, reason]);
    return true;
  });
}

describe("checkWritable()", () => {
  test("says in words why a file cannot be written", () => {
    for (const [name, reason] of [
      ["folder", "it is a folder"],
      ["folder/", "it is a folder"],
      ["missing/", "it is named like a folder"],
      ["missing/file", "there is no such folder"],
      ["file/below", "a part of its path is no folder"],
      ["loop", "its symbolic links lead in a circle"],
      ["x".repeat(300), "its name is too long"],
    ] as const)
      fails(() => checkWritable(`${dir}/${name}`), "FILE_UNREADABLE", reason);
    fails(() => checkWritable(""), "FILE_UNREADABLE", "it has no name");
  });

  test("changes and makes nothing where a file can be written", () => {
    checkWritable(join(dir, "file"));
    assert.equal(readFileSync(join(dir, "file"), "utf8"), "kept");
    checkWritable(join(dir, "new"));
    assert.ok(!existsSync(join(dir, "new")));
  });
});

test("writeText() and the readers say in words what is wrong", () => {
  fails(() => writeText(join(dir, "missing/file"), ""), "FILE_UNREADABLE", "there is no such folder");
  fails(() => writeText(join(dir, "folder"), ""), "FILE_UNREADABLE", "it is a folder");
  fails(() => readArtifact(join(dir, "folder")), "GUEST_NOT_RUNNABLE", "it is a folder");
  fails(() => readArtifact(join(dir, "loop")), "FILE_UNREADABLE", "its symbolic links lead in a circle");
  fails(() => readText(join(dir, "folder"), "grants"), "FILE_UNREADABLE", "it is a folder");
  fails(() => readText(join(dir, "missing"), "grants"), "FILE_NOT_FOUND", "there is no such file");
});
