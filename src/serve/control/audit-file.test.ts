import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { AuditFile } from "./audit-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-audit-"));
after(() => rmSync(folder, { recursive: true }));

test("AuditFile appends lines, begins a new file where the old one was moved away, and writes nowhere without one", () => {
  const file = join(folder, "audit.jsonl");
  const audit = new AuditFile();
  audit.write(["nobody sees it"]);
  audit.open(file);
  audit.write(["one", "two"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  renameSync(file, `${file}.1`);
  audit.open(file);
  audit.write(["three"]);
  audit.close();
  audit.write(["four"]);
  assert.deepEqual([readFileSync(`${file}.1`, "utf8"), readFileSync(file, "utf8")], ["one\ntwo\n", "three\n"]);
});

test("AuditFile says what cannot be written, and keeps what it has", () => {
  const file = join(folder, "kept.jsonl");
  const audit = new AuditFile();
  audit.open(file);
  assert.throws(() => audit.open(join(folder, "none", "a")), {
    code: "FILE_UNREADABLE",
    message: /there is no such folder$/,
    hint: /--audit FILE/,
  });
  assert.throws(() => audit.open(folder), { message: /it is a folder$/ });
  audit.write(["one"]);
  audit.close();
  assert.equal(readFileSync(file, "utf8"), "one\n");
});
