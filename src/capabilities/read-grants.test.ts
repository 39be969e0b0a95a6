import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { defaultGrants, grantsFromValue, loadGrantsSchema, readGrants } from "./index.ts";
import { grantsSchema } from "./schema.ts";

test("readGrants() and grantsFromValue() load the reader and hand on what it reads and throws", async () => {
  const wanted = { ...defaultGrants, clock: { kind: "coarse" } };
  assert.deepEqual(await readGrants("clock: coarse", { cwd: "/" }), wanted);
  assert.deepEqual(await grantsFromValue({ clock: "coarse" }, { cwd: "/" }), wanted);
  const isUnknown = (error: unknown) => error instanceof SampanError && error.code === "GRANT_UNKNOWN";
  await assert.rejects(readGrants("clocks: coarse", { cwd: "/" }), isUnknown);
  await assert.rejects(grantsFromValue({ clocks: "coarse" }, { cwd: "/" }), isUnknown);
});

test("loadGrantsSchema() answers the schema that the reader is made of", async () => {
  assert.equal(await loadGrantsSchema(), grantsSchema);
});
