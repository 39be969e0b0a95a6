import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { open } from "../file-calls.ts";
import { type ContractSubject, fails, type GetBench, type It } from "./bench.ts";

/** What opens, and as what. */
export function testOpening(it: It, get: GetBench): void {
  it("open() reads, creates, truncates and appends", () => {
    const b = get();
    assert.equal(b.content("file"), "content");
    const created = b.open("new", open.write | open.create | open.exclusive);
    assert.equal(b.write(created, "one"), 3);
    b.calls.close(created);
    fails("exist", () => b.open("new", open.write | open.create | open.exclusive));
    const appending = b.open("new", open.write | open.append);
    b.write(appending, " two");
    b.calls.close(appending);
    assert.equal(readFileSync(b.at("new"), "utf8"), "one two");
    b.calls.close(b.open("new", open.write | open.truncate));
    assert.equal(readFileSync(b.at("new"), "utf8"), "");
  });
  it("open() answers as Linux does for what is no plain file", () => {
    const b = get();
    fails("noent", () => b.open("", open.read));
    fails("noent", () => b.open("missing", open.read));
    fails("notdir", () => b.open("file/x", open.read));
    fails("notdir", () => b.open("file/", open.read));
    fails("notdir", () => b.open("file", open.read | open.directory));
    fails("isdir", () => b.open("dir", open.write));
    fails("isdir", () => b.open("new/", open.write | open.create));
    fails("loop", () => b.open("link", open.read));
    fails("noent", () => b.open("missing/../file", open.read));
    fails("notdir", () => b.open("file/../file", open.read));
    fails("nametoolong", () => b.open("n".repeat(256), open.write | open.create));
    fails("nametoolong", () => b.path("n/".repeat(2048)));
    b.calls.close(b.open("n".repeat(255), open.write | open.create));
  });
  it("open() takes folders with and without slashes, and dots", () => {
    const b = get();
    for (const name of [
      "dir",
      "dir/",
      "dir//",
      "dir/.",
      "./dir",
      "dir/inner/..",
      ".",
      "./",
      "dirlink/",
      "dir/./inner/.././",
    ]) {
      b.calls.close(b.open(name, open.read | open.directory));
    }
    fails("notdir", () => b.open("dirlink", open.read | open.directory));
  });
  it("closed and impossible descriptors answer badf", () => {
    const b = get();
    const fd = b.open("file", open.read);
    b.calls.close(fd);
    for (const bad of [fd, -1, 1_000_000]) {
      fails("badf", () => b.calls.close(bad));
      fails("badf", () => b.read(bad));
      fails("badf", () => b.write(bad, "x"));
      fails("badf", () => b.calls.stat(bad, b.stat));
      fails("badf", () => b.open("file", open.read, bad));
      fails("badf", () => b.open("dir/inner/deep", open.read, bad));
      fails("badf", () => b.calls.sync(bad, "data"));
      fails("badf", () => b.calls.truncate(bad, 1n));
      fails("badf", () => b.calls.setTimes(bad, "now", "now"));
      fails("badf", () => b.calls.seek(bad, 0n, "start"));
    }
    const file = b.open("file", open.read);
    fails("notdir", () => b.open("x", open.read, file));
    fails("badf", () => b.write(file, "x"));
    b.calls.close(file);
  });
}

/** Where paths lead. */
export function testResolving(it: It, get: GetBench, subject: ContractSubject): void {
  it("paths within the folder are resolved, links among them", () => {
    const b = get();
    symlinkSync("dir/inner/../inner", b.at("roundabout"));
    symlinkSync("roundabout", b.at("again"));
    symlinkSync("dir/inner/", b.at("slashed"));
    for (const name of [
      "dir/inner/deep",
      "dir//inner/./deep",
      "dirlink/inner/deep",
      "again/deep",
      "slashed/deep",
      "dir/up/../file",
    ]) {
      if (name === "dir/up/../file") fails("notdir", () => b.content(name));
      else assert.equal(b.content(name), "deep");
    }
    assert.equal(b.content("dir/up"), "content");
    assert.equal(b.content("again/../../link"), "content");
  });
  it("what leaves the folder is refused, whether it exists or not", () => {
    const b = get();
    symlinkSync("/", b.at("root"));
    symlinkSync("../..", b.at("dir/away"));
    symlinkSync("/proc/self/root", b.at("magic"));
    const leaving = [
      "/",
      "/file",
      "..",
      "../x",
      "dir/../..",
      "dir/../../x",
      "root/etc",
      "dir/away/x",
      "magic/etc",
      "./../x",
    ];
    for (const name of leaving) {
      fails("perm", () => b.content(name));
      fails("perm", () => b.statAt(name, "follow"));
      fails("perm", () => b.calls.makeDirectory(b.dir, b.path(name)));
      fails("perm", () => b.calls.unlink(b.dir, b.path(name)));
      fails("perm", () => b.calls.rename(b.dir, b.path(name), b.dir, b.path("new")));
      fails("perm", () => b.calls.rename(b.dir, b.path("file"), b.dir, b.path(name)));
      fails("perm", () => b.calls.link(b.dir, b.path("file"), "nofollow", b.dir, b.path(name)));
    }
    assert.equal(readFileSync(b.at("file"), "utf8"), "content");
  });
  it("40 links are followed, 41 and loops are not", () => {
    const b = get();
    symlinkSync("file", b.at("l1"));
    for (let i = 2; i <= 41; i++) symlinkSync(`l${i - 1}`, b.at(`l${i}`));
    assert.equal(b.content("l40"), "content");
    fails("loop", () => b.content("l41"));
    symlinkSync("self", b.at("self"));
    symlinkSync("pong", b.at("ping"));
    symlinkSync("ping", b.at("pong"));
    for (const name of ["self", "self/", "self/x", "ping", "ping/x/y"]) fails("loop", () => b.content(name));
    assert.equal(b.statAt("self").type, "symbolic-link");
  });
  it("a deep path and its way back need no more descriptors than a few", () => {
    const b = get();
    const deep = "d/".repeat(700);
    mkdirSync(b.at(deep), { recursive: true });
    writeFileSync(b.at(`${deep}file`), "at the bottom");
    assert.equal(b.content(`${deep}file`), "at the bottom");
    assert.equal(b.content(`${deep}${"../".repeat(700)}file`), "content");
    fails("perm", () => b.content(`${deep}${"../".repeat(701)}file`));
  });
  if (!subject.followsRenames) return;
  it("an open folder stays the same one when others rename it", () => {
    const b = get();
    const fd = b.open("dir", open.read | open.directory);
    b.calls.rename(b.dir, b.path("dir"), b.dir, b.path("moved"));
    symlinkSync("/", b.at("dir"));
    assert.equal(b.content("inner/deep", open.read, fd), "deep");
    b.calls.close(fd);
  });
}
