import assert from "node:assert/strict";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { open } from "../file-calls.ts";
import { type ContractSubject, fails, type GetBench, type It } from "./bench.ts";

/** Calls that make, move and remove names. */
export function testNames(it: It, get: GetBench): void {
  it("makeDirectory() and removeDirectory() answer as Linux does", () => {
    const b = get();
    const make = (name: string) => b.calls.makeDirectory(b.dir, b.path(name));
    const remove = (name: string) => b.calls.removeDirectory(b.dir, b.path(name));
    make("new");
    make("dirlink/slashed/");
    assert.ok(existsSync(b.at("dir/slashed")));
    for (const name of ["new", "file", "link", "dirlink", "dirlink/", ".", "dir/..", "dir/."])
      fails("exist", () => make(name));
    fails("noent", () => make("no/no"));
    fails("noent", () => make(""));
    remove("new/");
    remove("dir/slashed");
    for (const name of ["file", "link", "dirlink", "dirlink/", "file/"]) fails("notdir", () => remove(name));
    fails("notempty", () => remove("dir"));
    fails("notempty", () => remove("dir/inner/.."));
    fails("inval", () => remove("dir/."));
    fails("noent", () => remove("new"));
  });
  it("unlink() removes a name, the link and never its target", () => {
    const b = get();
    const unlink = (name: string) => b.calls.unlink(b.dir, b.path(name));
    fails("notdir", () => unlink("link/"));
    fails("notdir", () => unlink("file/"));
    fails("notdir", () => unlink("dirlink/"));
    unlink("link");
    unlink("dirlink");
    for (const name of ["dir", "dir/", ".", "dir/.."]) fails("isdir", () => unlink(name));
    fails("noent", () => unlink("link"));
    assert.deepEqual(readdirSync(b.host).toSorted(), ["dir", "file"]);
    unlink("file");
    assert.ok(!existsSync(b.at("file")));
  });
  it("rename() moves names between folders and over others", () => {
    const b = get();
    const rename = (from: string, to: string) => b.calls.rename(b.dir, b.path(from), b.dir, b.path(to));
    rename("file", "dir/inner/file");
    rename("dir/inner/file", "dirlink/inner/../file");
    assert.equal(b.content("dir/file"), "content");
    rename("link", "dir/up");
    assert.equal(readlinkSync(b.at("dir/up")), "file");
    fails("notdir", () => rename("dir/file", "new/"));
    fails("notdir", () => rename("dir/file/", "new"));
    fails("notdir", () => rename("dirlink/", "new"));
    fails("inval", () => rename("dir", "dir/inner/x"));
    fails("isdir", () => rename("dir/file", "dir/inner"));
    fails("noent", () => rename("missing", "new"));
    for (const name of [".", "dir/..", "dir/."]) {
      fails("busy", () => rename(name, "new"));
      fails("busy", () => rename("dir/file", name));
    }
    rename("dir/", "moved/");
    assert.equal(b.content("moved/inner/deep"), "deep");
  });
  it("link() gives a second name to a file, or to a link itself", () => {
    const b = get();
    const link = (from: string, follow: "follow" | "nofollow", to: string) =>
      b.calls.link(b.dir, b.path(from), follow, b.dir, b.path(to));
    link("file", "nofollow", "dir/second");
    assert.equal(lstatSync(b.at("dir/second")).ino, lstatSync(b.at("file")).ino);
    link("dir/up", "follow", "third");
    assert.equal(lstatSync(b.at("third")).nlink, 3);
    fails("exist", () => link("file", "nofollow", "third"));
    fails("exist", () => link("file", "nofollow", "dir/"));
    fails("noent", () => link("file", "nofollow", "new/"));
    fails("exist", () => link("file", "nofollow", "."));
    fails("perm", () => link("dir", "nofollow", "new"));
    fails("notdir", () => link("file/", "nofollow", "new"));
  });
  it("symlink() stores a target as it is and readLink() tells it", () => {
    const b = get();
    const target = b.path("../über/../x//");
    b.calls.symlink(target, b.dir, b.path("dir/made"));
    assert.equal(readlinkSync(b.at("dir/made")), "../über/../x//");
    assert.equal(Buffer.from(b.calls.readLink(b.dir, b.path("dir/made"))).toString(), "../über/../x//");
    assert.equal(Buffer.from(b.calls.readLink(b.dir, b.path("link"))).toString(), "file");
    fails("exist", () => b.calls.symlink(target, b.dir, b.path("file")));
    fails("exist", () => b.calls.symlink(target, b.dir, b.path("dir/")));
    fails("noent", () => b.calls.symlink(target, b.dir, b.path("new/")));
    fails("inval", () => b.calls.readLink(b.dir, b.path("file")));
    fails("inval", () => b.calls.readLink(b.dir, b.path("dir/inner")));
    fails("inval", () => b.calls.readLink(b.dir, b.path("dirlink/")));
    fails("noent", () => b.calls.readLink(b.dir, b.path("missing")));
  });
  it("names beyond ASCII are kept byte for byte", () => {
    const b = get();
    for (const name of ["grün", "日本", "\u{1f6f6}", "e\u0301", "\u00e9", "\ufeffmark"]) {
      b.calls.close(b.open(name, open.write | open.create | open.exclusive));
      assert.ok(existsSync(b.at(name)));
      assert.ok(b.names(".").includes(name));
    }
  });
}

/** What is known of a file, and its times. */
export function testTimes(it: It, get: GetBench, subject: ContractSubject): void {
  const near = (found: bigint, wanted: bigint) => {
    const off = found > wanted ? found - wanted : wanted - found;
    assert.ok(off <= subject.timePrecision, `${found} is not ${wanted}`);
  };
  it("stat() and statAt() tell what a file is, times to the nanosecond", () => {
    const b = get();
    linkSync(b.at("file"), b.at("second"));
    const wanted = lstatSync(b.at("file"), { bigint: true });
    const stat = b.statAt("file");
    assert.equal(stat.type, "regular-file");
    const { ino, atimeNs, mtimeNs, ctimeNs } = wanted;
    assert.deepEqual([...stat.values.subarray(1)], [ino, 2n, 7n, atimeNs, mtimeNs, ctimeNs]);
    assert.equal(b.statAt("link").type, "symbolic-link");
    assert.equal(b.statAt("link", "follow").ino, wanted.ino);
    assert.equal(b.statAt("dir/up", "follow").ino, wanted.ino);
    assert.equal(b.statAt("dirlink/").type, "directory");
    assert.equal(b.statAt(".").ino, lstatSync(b.host, { bigint: true }).ino);
    assert.equal(b.statAt("dir/inner/..").ino, lstatSync(b.at("dir"), { bigint: true }).ino);
    fails("notdir", () => b.statAt("file/"));
    fails("notdir", () => b.statAt("link/"));
    fails("noent", () => b.statAt(""));
    fails("noent", () => b.statAt("missing"));
    const fd = b.open("file", open.read);
    b.calls.stat(fd, b.stat);
    assert.equal(b.stat.ino, wanted.ino);
    b.calls.close(fd);
  });
  it("setTimes() and setTimesAt() set, keep and take the present time", () => {
    const b = get();
    const time = 1_234_567_890_123_456_789n;
    const set = (name: string, follow: "follow" | "nofollow", atime: bigint | "keep", mtime: bigint | "now" | "keep") =>
      b.calls.setTimesAt(b.dir, b.path(name), follow, atime, mtime);
    set("file", "nofollow", time, time + 5_000n);
    near(b.statAt("file").atime, time);
    near(b.statAt("file").mtime, time + 5_000n);
    set("dir/up", "follow", "keep", 42_000_000_000n);
    near(b.statAt("file").atime, time);
    near(b.statAt("file").mtime, 42_000_000_000n);
    set("link", "nofollow", 7_000_000_000n, 8_000_000_000n);
    near(b.statAt("link").mtime, 8_000_000_000n);
    set("link", "nofollow", "keep", time);
    near(b.statAt("link").atime, 7_000_000_000n);
    near(b.statAt("link").mtime, time);
    near(b.statAt("link", "follow").mtime, 42_000_000_000n);
    set("dirlink/", "nofollow", 9_000_000_000n, 9_000_000_000n);
    near(b.statAt("dir").mtime, 9_000_000_000n);
    set(".", "nofollow", 3_000_000_000n, 3_000_000_000n);
    near(b.statAt(".").mtime, 3_000_000_000n);
    utimesSync(b.at("file"), 1, 1);
    const fd = b.open("file", open.read);
    b.calls.setTimes(fd, "keep", "now");
    near(b.statAt("file").atime, 1_000_000_000n);
    assert.ok(b.statAt("file").mtime > 1_600_000_000_000_000_000n);
    b.calls.setTimes(fd, time, "keep");
    near(b.statAt("file").atime, time);
    b.calls.close(fd);
    const dir = b.open("dir", open.read | open.directory);
    b.calls.setTimes(dir, time, time);
    near(b.statAt("dir").mtime, time);
    b.calls.close(dir);
  });
}

/** Lists of entries. */
export function testDirectories(it: It, get: GetBench): void {
  it("readDirectory() names everything once, with types, inodes and cookies", () => {
    const b = get();
    const fd = b.open(".", open.read | open.directory);
    const reader = b.calls.readDirectory(fd);
    const found = new Map<string, { ino: bigint; type: string; cookie: bigint }>();
    reader.seek(0n);
    while (reader.next()) {
      const name = Buffer.from(
        reader.bytes.subarray(reader.nameStart, reader.nameStart + reader.nameLength),
      ).toString();
      assert.ok(!found.has(name));
      found.set(name, { ino: reader.ino, type: reader.type, cookie: reader.cookie });
    }
    assert.deepEqual([...found.keys()].toSorted(), [".", "..", "dir", "dirlink", "file", "link"]);
    assert.equal(found.get("dir")?.type, "directory");
    assert.equal(found.get("link")?.type, "symbolic-link");
    assert.equal(found.get("file")?.ino, lstatSync(b.at("file"), { bigint: true }).ino);
    const order = [...found.keys()];
    for (const [index, name] of order.slice(0, -1).entries()) {
      reader.seek(found.get(name)?.cookie ?? 0n);
      assert.ok(reader.next());
      const next = Buffer.from(
        reader.bytes.subarray(reader.nameStart, reader.nameStart + reader.nameLength),
      ).toString();
      assert.equal(next, order[index + 1]);
    }
    reader.close();
    b.calls.close(fd);
    const file = b.open("file", open.read);
    fails("notdir", () => b.calls.readDirectory(file).seek(0n) ?? b.calls.readDirectory(file).next());
    b.calls.close(file);
  });
  it("cookies stay valid over many entries while entries come and go", () => {
    const b = get();
    mkdirSync(b.at("many"));
    for (let i = 0; i < 3000; i++) writeFileSync(b.at(`many/entry-${i}`), "");
    const fd = b.open("many", open.read | open.directory);
    const reader = b.calls.readDirectory(fd);
    const seen: string[] = [];
    let cookie = 0n;
    // Each step starts anew from a cookie, as a guest does whose buffer was full.
    for (let step = 0; ; step++) {
      reader.seek(cookie);
      let taken = 0;
      while (taken < 100 && reader.next()) {
        seen.push(
          Buffer.from(reader.bytes.subarray(reader.nameStart, reader.nameStart + reader.nameLength)).toString(),
        );
        cookie = reader.cookie;
        taken += 1;
      }
      if (taken === 0) break;
      for (const name of seen.slice(-20)) if (name.startsWith("entry-")) rmSync(b.at(`many/${name}`), { force: true });
      writeFileSync(b.at(`many/later-${step}`), "");
    }
    const entries = seen.filter((name) => name.startsWith("entry-"));
    assert.equal(new Set(entries).size, entries.length);
    assert.equal(entries.length, 3000);
    reader.close();
    b.calls.close(fd);
  });
}
