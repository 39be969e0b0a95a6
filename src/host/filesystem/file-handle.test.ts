import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Errno, failure, HostError, refusal } from "../../base/index.ts";
import { buffersOf, freshFolder, Listener, pathOf } from "../host-fixture.ts";
import { createFileCalls } from "../workload.ts";
import { type FileCalls, FileStat, open } from "./file-calls.ts";
import { FileHandle } from "./file-handle.ts";
import type { Path } from "./path.ts";
import { createWalkCalls } from "./walk-calls.ts";

const walk = createWalkCalls();
const best = createFileCalls();
const times = { follow: "nofollow", atime: 1n, mtime: 1n } as const;

function fails(errno: Errno, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof HostError && error.errno === errno);
}

/** A writable and a read-only folder with the same in them. */
class Ground {
  readonly listener: Listener;
  readonly host = freshFolder();
  readonly writable: FileHandle;
  readonly readOnly: FileHandle;
  readonly #calls: FileCalls;

  constructor(calls: FileCalls, { isLearning = false } = {}) {
    this.#calls = calls;
    this.listener = new Listener({ isLearning });
    for (const name of ["w", "r"]) {
      mkdirSync(join(this.host, name));
      mkdirSync(join(this.host, name, "folder"));
      writeFileSync(join(this.host, name, "file"), "hello");
      symlinkSync("file", join(this.host, name, "link"));
      symlinkSync("/etc", join(this.host, name, "absolute"));
      symlinkSync("../secret", join(this.host, name, "out"));
    }
    writeFileSync(join(this.host, "secret"), "secret");
    this.writable = this.#granted("w", true);
    this.readOnly = this.#granted("r", false);
  }

  path(text: string): Path {
    return pathOf(text, this.#calls.makePath());
  }

  #granted(name: string, isWritable: boolean): FileHandle {
    const context = { calls: this.#calls, isWritable, observer: this.listener };
    const fd = this.#calls.openRoot(join(this.host, name));
    return new FileHandle(context, fd, { guestPath: `/${name}`, preopenName: `/${name}`, bits: open.directory });
  }
}

/** Everything that changes a folder or what is in it. */
function changes(p: Ground, at: FileHandle): readonly (readonly [path: string, change: () => unknown])[] {
  const opening = (path: string, bits: number): readonly [string, () => unknown] => [
    path,
    () => at.open(p.path(path), bits),
  ];
  return [
    opening("file", open.write),
    opening("file", open.read | open.write),
    opening("file", open.read | open.truncate),
    opening("new", open.read | open.create),
    opening("file", open.read | open.create),
    ["new", () => at.makeDirectory(p.path("new"))],
    ["folder", () => at.removeDirectory(p.path("folder"))],
    ["file", () => at.unlink(p.path("file"))],
    ["file", () => at.rename(p.path("file"), p.writable, p.path("new"))],
    ["new", () => p.writable.rename(p.path("file"), at, p.path("new"))],
    ["file", () => at.link(p.path("file"), "nofollow", { folder: p.writable, path: p.path("new") })],
    ["new", () => p.writable.link(p.path("file"), "nofollow", { folder: at, path: p.path("new") })],
    ["new", () => at.symlink(p.path("file"), p.path("new"))],
    ["file", () => at.setTimesAt(p.path("file"), times)],
  ];
}

for (const calls of best.name === "walk" ? [walk] : [best, walk]) {
  test(`FileHandle of a read-only folder refuses each change and tells the guest's path (${calls.name})`, () => {
    const p = new Ground(calls);
    const state = (): unknown => {
      const { nlink, mtimeMs, ctimeMs } = statSync(join(p.host, "r/file"));
      return [readdirSync(join(p.host, "r")), nlink, mtimeMs, ctimeMs, readFileSync(join(p.host, "r/file"), "utf8")];
    };
    const before = state();
    for (const [path, change] of changes(p, p.readOnly)) {
      const heard = p.listener.refusals.length;
      assert.throws(change, refusal);
      assert.deepEqual(p.listener.refusals.slice(heard), [
        { capability: "files", operation: "write", path: `/r/${path}` },
      ]);
    }
    const file = p.readOnly.open(p.path("file"), open.read);
    assert.throws(() => file.setTimes(1n, 1n), refusal);
    assert.deepEqual(p.listener.refusals.at(-1), { capability: "files", operation: "write", path: "/r/file" });
    assert.throws(() => p.readOnly.setTimes(1n, 1n), refusal);
    assert.deepEqual(p.listener.refusals.at(-1), { capability: "files", operation: "write", path: "/r" });
    fails("badf", () => file.write(buffersOf("x")));
    fails("badf", () => file.writeAt(buffersOf("x"), 0n));
    assert.throws(() => file.truncate(0n), HostError);
    assert.throws(() => file.allocate(0n, 100n), HostError);
    file.close();
    assert.deepEqual(state(), before);
    assert.equal(readFileSync(join(p.host, "w/file"), "utf8"), "hello");
  });

  test(`FileHandle of a writable folder lets each of these changes through (${calls.name})`, () => {
    for (let index = 0; index < 14; index++) {
      const p = new Ground(calls);
      const [path, change] = changes(p, p.writable)[index] ?? assert.fail();
      assert.doesNotThrow(change, path);
      assert.deepEqual(p.listener.refusals, []);
    }
  });

  test(`FileHandle of a read-only folder lets everything be read, and reports nothing (${calls.name})`, () => {
    const p = new Ground(calls);
    const stat = new FileStat();
    const file = p.readOnly.open(p.path("link"), open.read | open.follow);
    const into = buffersOf("       ");
    assert.equal(file.read(into), 5);
    assert.equal(file.seek(1n, "start"), 1n);
    assert.equal(file.readAt(into, 3n), 2);
    p.readOnly.statAt(p.path("link"), "nofollow", stat);
    assert.equal(stat.type, "symbolic-link");
    assert.equal(Buffer.from(p.readOnly.readLink(p.path("link"))).toString(), "file");
    const reader = p.readOnly.readDirectory();
    let entries = 0;
    for (reader.seek(0n); reader.next();) entries += 1;
    assert.equal(entries, 7);
    file.close();
    assert.deepEqual([p.listener.refusals, p.listener.uses], [[], []]);
  });

  test(`FileHandle reports what would leave its folder (${calls.name})`, () => {
    const p = new Ground(calls);
    const stat = new FileStat();
    const uses: readonly (readonly [operation: "read" | "write", path: string, use: (path: Path) => unknown])[] = [
      ["read", "../secret", (path) => p.writable.open(path, open.read)],
      ["write", "../new", (path) => p.writable.open(path, open.read | open.create)],
      ["read", "out", (path) => p.writable.open(path, open.read | open.follow)],
      ["read", "absolute/passwd", (path) => p.writable.statAt(path, "follow", stat)],
      ["read", "absolute", (path) => p.writable.readLink(path)],
      ["write", "../new", (path) => p.writable.makeDirectory(path)],
      ["write", "../secret", (path) => p.writable.unlink(path)],
      ["write", "../secret", (path) => p.writable.rename(path, p.writable, p.path("new"))],
      ["write", "../new", (path) => p.writable.rename(p.path("file"), p.writable, path)],
      ["write", "../new", (path) => p.writable.link(p.path("file"), "nofollow", { folder: p.writable, path })],
      ["write", "folder/../../new", (path) => p.writable.symlink(p.path("file"), path)],
    ];
    for (const [operation, path, use] of uses) {
      const heard = p.listener.refusals.length;
      assert.throws(() => use(p.path(path)), refusal);
      assert.deepEqual(p.listener.refusals.slice(heard), [{ capability: "files", operation, path: `/w/${path}` }]);
    }
    assert.throws(() => p.writable.symlink(p.path("/etc"), p.path("new")), refusal);
    assert.ok(!existsSync(join(p.host, "new")) && existsSync(join(p.host, "secret")));
  });

  test(`FileHandle tells a learning observer what was used, both folders of a rename among it (${calls.name})`, () => {
    const p = new Ground(calls, { isLearning: true });
    const other = p.writable.open(p.path("folder"), open.read | open.directory);
    other.close();
    p.readOnly.open(p.path("file"), open.read).close();
    p.writable.rename(p.path("file"), p.writable, p.path("folder/new"));
    fails("noent", () => p.writable.unlink(p.path("nothing")));
    const used = p.listener.uses.map((use) => (use.capability === "files" ? `${use.operation} ${use.path}` : ""));
    assert.deepEqual(used, ["read /w/folder", "read /r/file", "write /w/file", "write /w/folder/new"]);
  });

  test(`FileHandle opened below another keeps its grant and its place in the guest's view (${calls.name})`, () => {
    const p = new Ground(calls);
    const inner = p.readOnly.open(p.path("folder"), open.read | open.directory);
    assert.equal(inner.isWritable, false);
    assert.throws(() => inner.makeDirectory(p.path("new")), refusal);
    assert.deepEqual(p.listener.refusals.at(-1), { capability: "files", operation: "write", path: "/r/folder/new" });
    assert.throws(() => inner.statAt(p.path("../file"), "follow", new FileStat()), refusal);
    inner.close();
  });

  test(`FileHandle closes its descriptor, but never that of a granted folder (${calls.name})`, () => {
    const p = new Ground(calls);
    const file = p.writable.open(p.path("file"), open.read);
    file.close();
    assert.throws(() => file.stat(new FileStat()), failure("badf"));
    p.writable.close();
    p.writable.stat(new FileStat());
    linkSync(join(p.host, "w/file"), join(p.host, "w/second"));
    p.writable.unlink(p.path("second"));
  });

  test(`FileHandle answers badf for the position of a folder (${calls.name})`, () => {
    const p = new Ground(calls);
    fails("badf", () => p.writable.seek(0n, "start"));
    fails("badf", () => p.writable.advise(0n, 1n, "normal"));
    const opened = p.writable.open(p.path("folder"), open.read);
    assert.deepEqual([opened.type(), p.writable.type()], ["directory", "directory"]);
    fails("badf", () => opened.seek(0n, "current"));
    opened.close();
  });
}
