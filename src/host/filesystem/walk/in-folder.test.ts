import assert from "node:assert/strict";
import { once } from "node:events";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Worker } from "node:worker_threads";
import { createWalkCalls } from "../walk-calls.ts";
import { inFolder } from "./in-folder.ts";

const skip = process.platform === "linux" ? false : "names are reached through /proc on Linux alone";
const root = mkdtempSync(join(tmpdir(), "sampan-in-folder-"));
after(() => rmSync(root, { recursive: true, force: true }));

test("inFolder() makes names paths and puts the working directory back, also after a throw", { skip }, () => {
  const before = process.cwd();
  writeFileSync(join(root, "here"), "");
  const held = openSync(root, "r");
  let ino = 0;
  assert.ok(inFolder(`/proc/self/fd/${held}`, () => (ino = lstatSync("here").ino)));
  assert.equal(ino, lstatSync(join(root, "here")).ino);
  assert.equal(process.cwd(), before);
  const descriptors = readdirSync("/proc/self/fd").length;
  assert.throws(
    () =>
      inFolder(`/proc/self/fd/${held}`, () => {
        throw new RangeError("from within");
      }),
    /from within/,
  );
  assert.equal(process.cwd(), before);
  assert.equal(readdirSync("/proc/self/fd").length, descriptors);
  closeSync(held);
});

test("inFolder() runs nothing where the folder is gone, and stays where it is", { skip }, () => {
  const before = process.cwd();
  const descriptors = readdirSync("/proc/self/fd").length;
  assert.equal(inFolder(join(root, "missing"), assert.fail), false);
  assert.equal(process.cwd(), before);
  assert.equal(readdirSync("/proc/self/fd").length, descriptors);
});

test("inFolder() comes back to a working directory that has been removed", { skip }, () => {
  const before = process.cwd();
  const gone = join(root, "gone");
  mkdirSync(gone);
  const { ino } = lstatSync(gone);
  process.chdir(gone);
  try {
    rmdirSync(gone);
    let isRun = false;
    assert.ok(inFolder(root, () => (isRun = true)));
    assert.ok(isRun);
    assert.equal(lstatSync(".").ino, ino);
  } finally {
    process.chdir(before);
  }
});

test("inFolder() answers false in a Worker and runs nothing", { skip }, async () => {
  const code = `
    import { inFolder } from ${JSON.stringify(new URL("in-folder.ts", import.meta.url).href)};
    import { parentPort } from "node:worker_threads";
    let isRun = false;
    parentPort.postMessage([inFolder("/", () => (isRun = true)), isRun]);`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  assert.deepEqual(await once(worker, "message"), [[false, false]]);
});

test("a walk that owns its process looks entries up in their folder, one that does not stays out", { skip }, (t) => {
  const folder = join(root, "entries");
  mkdirSync(folder);
  const names = [...Array.from({ length: 700 }, (_, index) => `entry-${index}`), "grün", "\u{1f600}"];
  for (const name of names) writeFileSync(join(folder, name), "");
  const inodes = new Map(names.map((name) => [name, lstatSync(join(folder, name), { bigint: true }).ino]));
  for (const ownsProcess of [true, false]) {
    const changes = t.mock.method(process, "chdir");
    const calls = createWalkCalls({ ownsProcess });
    const fd = calls.openRoot(folder);
    const reader = calls.readDirectory(fd);
    const found = new Map<string, bigint>();
    for (reader.seek(0n); reader.next();) {
      const name = Buffer.from(reader.bytes.subarray(0, reader.nameLength)).toString();
      if (name !== "." && name !== "..") found.set(name, reader.ino);
    }
    assert.equal(found.size, inodes.size);
    for (const [name, ino] of inodes) assert.equal(found.get(name), ino, name);
    // Three stretches, each with a try of the way back, there and back again.
    assert.equal(changes.mock.callCount(), ownsProcess ? 9 : 0);
    changes.mock.restore();
    calls.close(fd);
  }
});

test(
  "a walk that owns its process answers 0 for an entry that is gone before its stretch is looked up",
  { skip },
  () => {
    const folder = join(root, "fleeting");
    mkdirSync(folder);
    writeFileSync(join(folder, "one"), "");
    const calls = createWalkCalls({ ownsProcess: true });
    const fd = calls.openRoot(folder);
    const reader = calls.readDirectory(fd);
    reader.seek(0n);
    rmSync(join(folder, "one"));
    assert.deepEqual([reader.next(), reader.next(), reader.next()], [true, true, true]);
    assert.equal(reader.ino, 0n);
    calls.close(fd);
  },
);
