import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { acquireLock } from "./lock.js";
import { identityOf } from "./processes.js";

function lockIn(t) {
  const folder = mkdtempSync(join(tmpdir(), "sampan-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, path: join(folder, "lock") };
}

const neverWaits = () => assert.fail("waited");

test("acquireLock() gives a free lock at once and leaves nothing behind", async (t) => {
  const { folder, path } = lockIn(t);
  const release = await acquireLock(path, neverWaits);
  assert.deepEqual(readdirSync(folder), ["lock"]);
  release();
  assert.deepEqual(readdirSync(folder), []);
});

test("acquireLock() takes over the lock of a process that is dead, or whose number has a new owner", async (t) => {
  const { folder, path } = lockIn(t);
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const gone = [
    { ...identityOf(process.pid), pid },
    { ...identityOf(process.pid), began: "1" },
  ];
  for (const holder of gone) {
    writeFileSync(path, JSON.stringify(holder));
    const release = await acquireLock(path, neverWaits);
    assert.equal(JSON.parse(readFileSync(path, "utf8")).pid, process.pid);
    release();
    assert.deepEqual(readdirSync(folder), []);
  }
});

test("acquireLock() waits for a holder on another host while it is heard, and not once it is silent", async (t) => {
  const { path } = lockIn(t);
  writeFileSync(path, JSON.stringify({ pid: 1, host: "of another container" }));
  const long = new Date(Date.now() - 60_000);
  let waited = 0;
  const release = await acquireLock(path, () => {
    waited += 1;
    utimesSync(path, long, long);
  });
  assert.equal(waited, 1);
  release();
});

test("acquireLock() lets in one at a time among many that meet the lock of a dead process", async (t) => {
  const { path } = lockIn(t);
  writeFileSync(path, JSON.stringify({ ...identityOf(process.pid), began: "1" }));
  let inside = 0;
  let most = 0;
  const take = async () => {
    const release = await acquireLock(path, () => {});
    inside += 1;
    most = Math.max(most, inside);
    await new Promise(setImmediate);
    inside -= 1;
    release();
  };
  await Promise.all(Array.from({ length: 8 }, take));
  assert.equal(most, 1);
});

test("a lock that another process has taken over is not given back by the one that lost it", async (t) => {
  const { path } = lockIn(t);
  const release = await acquireLock(path, neverWaits);
  writeFileSync(path, JSON.stringify({ ...identityOf(process.pid), id: "another" }));
  release();
  assert.ok(existsSync(path));
});
