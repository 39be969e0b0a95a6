import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ServePlace } from "./place.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-place-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("ServePlace hands out paths in a folder of this user alone, and removes it", () => {
  const place = new ServePlace(join(folder, "run"));
  assert.equal(existsSync(join(folder, "run")), false);
  const [first, second, inner] = [place.socket(), place.socket(), place.folder()];
  assert.notEqual(first, second);
  for (const each of [dirname(first), inner]) assert.equal(statSync(each).mode & 0o777, 0o700);
  place.remove();
  assert.equal(existsSync(dirname(first)), false);
});

test("ServePlace sweeps what servers left that were killed, and nothing else", () => {
  const run = join(folder, "swept");
  const gone = join(run, "serve-4194304999");
  const kept = join(run, "serve-notes");
  for (const each of [gone, kept]) mkdirSync(each, { recursive: true });
  chmodSync(run, 0o700);
  new ServePlace(run).socket();
  assert.deepEqual([existsSync(gone), existsSync(kept)], [false, true]);
});

test("ServePlace refuses a folder that others can enter", () => {
  const run = join(folder, "open");
  mkdirSync(run);
  chmodSync(run, 0o755);
  assert.throws(() => new ServePlace(run).socket(), { code: "PLACE_UNSAFE" });
});
