import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { allow, narrow } from "./allow.ts";

test("narrow() hands on no folder to which a link leads out of what is granted", (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "sampan-allow-")));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const each of ["photos", "photos/today", "secret", "secret/deep"]) mkdirSync(join(folder, each));
  // What a guest that may write there can leave.
  symlinkSync("../secret", join(folder, "photos/out"));
  symlinkSync("today", join(folder, "photos/inside"));
  symlinkSync("photos", join(folder, "linked"));
  for (const root of ["photos", "linked"]) {
    const grants = allow({ dirs: { "/in": join(folder, root) } });
    for (const guest of ["/in/today", "/in/inside", "/in/missing", "/in"])
      assert.equal(narrow(grants, { dirs: [guest] }).files.length, 1, guest);
    for (const guest of ["/in/out", "/in/out/deep"])
      assert.throws(
        () => narrow(grants, { dirs: [guest] }),
        (error) => error instanceof SampanError && error.code === "GRANT_WIDENED" && error.message.includes(guest),
      );
  }
});
