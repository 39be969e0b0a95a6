import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { defaultGrants } from "../capabilities/index.ts";
import { Audit } from "./audit.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-audit-"));
after(() => rmSync(folder, { recursive: true }));

test("Audit appends a line for each refusal when it happens", () => {
  const file = join(folder, "audit.jsonl");
  const audit = new Audit(file, { name: "guest.wasm", grants: { ...defaultGrants, clock: { kind: "none" } } });
  for (let written = 1; written <= 2; written++) {
    audit.write({ capability: "clock" });
    const lines = readFileSync(file, "utf8").trim().split("\n");
    assert.equal(lines.length, written);
    const { time, ...line } = JSON.parse(lines[written - 1] ?? "") as { time: string } & Record<string, string>;
    assert.ok(!Number.isNaN(Date.parse(time)));
    assert.deepEqual(line, {
      module: "guest.wasm",
      capability: "clock",
      reason: "--clock none takes it away",
      fix: "--clock real",
      replaces: "--clock none",
    });
  }
  audit.close();
});

test("Audit refuses a file that cannot be written", () => {
  const make = () => new Audit(join(folder, "missing", "audit.jsonl"), { name: "x", grants: defaultGrants });
  assert.throws(make, (error) => error instanceof SampanError && error.code === "FILE_UNREADABLE");
});
