import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { finishDataFolder, takeDataFolder } from "./data-folder.ts";
import { filesIn, testFolder } from "./stand-in-fixture.ts";

const take = (folder: string) => takeDataFolder(folder, { program: "Test", prepare: (isNew) => isNew });

test("takeDataFolder() refuses data that are a link, which a guest with the volume can make", async (t) => {
  const outside = filesIn(t, { x: "x" });
  for (const name of ["cluster", "sampan-stand-in.json"]) {
    const folder = join(testFolder(t), "volume");
    await take(folder);
    mkdirSync(join(folder, "other"));
    finishDataFolder(folder, "Test");
    assert.equal((await take(folder)).prepared, false);
    const linked = join(testFolder(t), "volume");
    mkdirSync(linked);
    symlinkSync(outside, join(linked, name));
    await assert.rejects(take(linked), (error) => error instanceof SampanError && /is a link/.test(error.message));
  }
});

test("finishDataFolder() writes through nothing that a guest has put in its way", async (t) => {
  const file = join(filesIn(t, { precious: "precious" }), "precious");
  const folder = join(testFolder(t), "volume");
  await take(folder);
  symlinkSync(file, join(folder, "sampan-stand-in.json.new"));
  finishDataFolder(folder, "Test");
  assert.equal(readFileSync(file, "utf8"), "precious");
  writeFileSync(join(folder, "data"), "");
  assert.equal((await take(folder)).prepared, false);
});
