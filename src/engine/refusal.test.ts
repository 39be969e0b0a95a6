import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { defaultGrants, type Grants } from "../capabilities/index.ts";
import { explainRefusal } from "./refusal.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "sampan-refusal-")));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "data"));
mkdirSync(join(root, "other"));
writeFileSync(join(root, "other", "secret"), "");
writeFileSync(join(root, "data", "file"), "");
symlinkSync("../other/secret", join(root, "data", "relative"));
symlinkSync(join(root, "other"), join(root, "data", "absolute"));
const grants: Grants = {
  ...defaultGrants,
  files: [{ host: join(root, "data"), guest: "/data", access: "read-only" }],
};

test("explainRefusal() says where a symbolic link leads and grants that", () => {
  for (const path of ["/data/relative", "/data/absolute/secret"]) {
    const verdict = explainRefusal(grants, { capability: "files", operation: "read", path }, { cwd: root });
    assert.ok(!verdict.allowed);
    assert.match(verdict.reason, new RegExp(`a symbolic link leads "${path}" to "${root}/other/secret"`));
    assert.equal(verdict.fix.flag, `-v ./other:${root}/other:ro`);
  }
});

test("explainRefusal() says so where the link's target is granted under its own name already", () => {
  const both: Grants = {
    ...grants,
    files: [...grants.files, { host: join(root, "other"), guest: join(root, "other"), access: "read-only" }],
  };
  const verdict = explainRefusal(both, { capability: "files", operation: "read", path: "/data/relative" });
  assert.ok(!verdict.allowed);
  assert.match(verdict.reason, /open ".*\/other\/secret" itself$/);
});

test("explainRefusal() leaves alone what no link is the reason for", () => {
  const verdict = explainRefusal(grants, { capability: "files", operation: "read", path: "/data/file" });
  assert.equal(verdict.allowed, true);
  const write = explainRefusal(grants, { capability: "files", operation: "write", path: "/data/file" }, { cwd: root });
  assert.ok(!write.allowed);
  assert.equal(write.fix.flag, "-v ./data:/data");
  assert.equal(write.fix.replaces, "-v ./data:/data:ro");
});
