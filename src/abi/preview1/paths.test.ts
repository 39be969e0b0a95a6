import assert from "node:assert/strict";
import { existsSync, mkdirSync, readlinkSync, statSync } from "node:fs";
import { test } from "node:test";
import type { Errno } from "../../base/index.ts";
import { type Bench, type Subject, subjects, testDocumentedErrors, u32, utf8, withBench } from "./preview1-fixture.ts";

const end = 0x2_0000;

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

/** What a call on one path answers for each path, below the writable folder unless a descriptor is named. */
function refusals(
  p: Bench,
  call: string,
  cases: readonly (readonly [errno: Errno, path: string, fd?: number])[],
): void {
  for (const [errno, path, fd = 3] of cases) {
    p.expect(call, [fd, p.text(path)], { errno, line: `${call}(fd=${fd},path=${JSON.stringify(path)}) -> ${errno}` });
  }
  p.expect(call, [3, end - 2, 3], { errno: "fault", line: `${call}(fd=3) -> fault` });
  p.expect(call, [3, 16, 0xffff_ffff | 0], { errno: "fault", line: `${call}(fd=3) -> fault` });
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `path_create_directory() makes a folder, also below others (${label})`,
    each((p) => {
      p.expect("path_create_directory", [3, p.text("a")], { line: 'path_create_directory(fd=3,path="a") -> ok' });
      p.expect("path_create_directory", [3, p.text("a/b/")]);
      p.expect("path_create_directory", [3, p.text("./a/../c")]);
      assert.ok(statSync(p.at("w/a/b")).isDirectory() && statSync(p.at("w/c")).isDirectory());
    })[index],
  );

  test(
    `path_create_directory() answers each error of its path (${label})`,
    each((p) => {
      p.write("w/file");
      p.link("../r", "w/out");
      refusals(p, "path_create_directory", [
        ["exist", "file"],
        ["exist", "."],
        ["noent", "no/a"],
        ["noent", ""],
        ["notdir", "file/a"],
        ["notdir", "a", 1],
        ["perm", "../a"],
        ["perm", "out/a"],
        ["perm", "/a"],
        ["perm", "a", 4],
        ["badf", "a", 99],
      ]);
      assert.deepEqual(p.refused.at(-1), { capability: "files", operation: "write", path: "/r/a" });
      assert.ok(!existsSync(p.at("a")) && !existsSync(p.at("r/a")));
    })[index],
  );

  test(
    `path_remove_directory() removes empty folders alone (${label})`,
    each((p) => {
      for (const name of ["w/empty", "w/full", "w/full/x", "r/empty"]) mkdirSync(p.at(name));
      p.write("w/file");
      p.link("empty", "w/link");
      refusals(p, "path_remove_directory", [
        ["notempty", "full"],
        ["notdir", "file"],
        ["notdir", "link"],
        ["notdir", "empty", 2],
        ["noent", "nothing"],
        ["inval", "."],
        ["inval", "full/."],
        ["perm", "empty", 4],
        ["perm", "../r/empty"],
        ["badf", "empty", 99],
      ]);
      p.expect("path_remove_directory", [3, p.text("empty")], {
        line: 'path_remove_directory(fd=3,path="empty") -> ok',
      });
      p.expect("path_remove_directory", [3, p.text("full/x")]);
      assert.ok(!existsSync(p.at("w/empty")) && !existsSync(p.at("w/full/x")) && existsSync(p.at("r/empty")));
    })[index],
  );

  test(
    `path_unlink_file() removes files and links, not what they lead to (${label})`,
    each((p) => {
      mkdirSync(p.at("w/folder"));
      for (const name of ["w/file", "w/folder/file", "r/file"]) p.write(name);
      p.link("file", "w/link");
      p.link("../r", "w/out");
      refusals(p, "path_unlink_file", [
        ["isdir", "folder"],
        ["notdir", "file/x"],
        ["notdir", "file", 0],
        ["noent", "nothing"],
        ["noent", ""],
        ["perm", "file", 4],
        ["perm", "out/file"],
        ["perm", "../r/file"],
        ["badf", "file", 99],
      ]);
      p.expect("path_unlink_file", [3, p.text("link")], { line: 'path_unlink_file(fd=3,path="link") -> ok' });
      assert.ok(existsSync(p.at("w/file")));
      p.expect("path_unlink_file", [3, p.text("file")]);
      p.expect("path_unlink_file", [3, p.text("folder/file")]);
      assert.ok(!existsSync(p.at("w/file")) && !existsSync(p.at("w/folder/file")) && existsSync(p.at("r/file")));
    })[index],
  );

  test(
    `path_symlink() stores a relative target as it is (${label})`,
    each((p) => {
      const line = 'path_symlink(old_path="../x",fd=3,new_path="link") -> ok';
      p.expect("path_symlink", [p.text("../x"), 3, p.text("link")], { line });
      assert.equal(readlinkSync(p.at("w/link")), "../x");
      mkdirSync(p.at("w/folder"));
      p.expect("path_symlink", [p.text("ä/"), 3, p.text("folder/link")]);
      assert.equal(readlinkSync(p.at("w/folder/link")), "ä/");
    })[index],
  );

  test(
    `path_symlink() refuses absolute targets and each wrong place (${label})`,
    each((p) => {
      p.write("w/file");
      const cases: readonly (readonly [Errno, string, number, string])[] = [
        ["perm", "/etc", 3, "link"],
        ["perm", "//x", 3, "link"],
        ["exist", "x", 3, "file"],
        ["noent", "", 3, "link"],
        ["noent", "x", 3, "no/link"],
        ["noent", "x", 3, ""],
        ["notdir", "x", 3, "file/link"],
        ["notdir", "x", 0, "link"],
        ["perm", "x", 4, "link"],
        ["perm", "x", 3, "../link"],
        ["badf", "x", 99, "link"],
      ];
      for (const [errno, target, fd, path] of cases) {
        p.expect("path_symlink", [p.text(target), fd, p.text(path)], { errno });
      }
      p.expect("path_symlink", [end - 1, 2, 3, p.text("link")], { errno: "fault", line: "path_symlink() -> fault" });
      p.expect("path_symlink", [p.text("x"), 3, end, 1], {
        errno: "fault",
        line: 'path_symlink(old_path="x",fd=3) -> fault',
      });
      assert.ok(!existsSync(p.at("w/link")) && !existsSync(p.at("r/link")));
    })[index],
  );

  test(
    `path_readlink() writes the target, as much as fits and without a NUL (${label})`,
    each((p) => {
      p.link("some/target", "r/link");
      const [at, n] = [p.place(20), p.place(4)];
      const line = `path_readlink(fd=4,path="link",buf=0x${at.toString(16)}+20) -> 11`;
      p.expect("path_readlink", [4, p.text("link"), at, 20, n], {
        line,
        writes: [
          [at, utf8("some/target")],
          [n, u32(11)],
        ],
      });
      p.expect("path_readlink", [4, p.text("./link"), at, 4, n], {
        writes: [
          [at, utf8("some")],
          [n, u32(4)],
        ],
      });
      p.expect("path_readlink", [4, p.text("link"), at, 0, n], { writes: [[n, u32(0)]] });
    })[index],
  );

  test(
    `path_readlink() answers each error, and tells no place of the host (${label})`,
    each((p) => {
      p.write("r/file");
      mkdirSync(p.at("r/folder"));
      p.link("/etc/passwd", "r/absolute");
      p.link("x", "w/link");
      const at = p.place(20);
      const cases: readonly (readonly [Errno, number, string])[] = [
        ["inval", 4, "file"],
        ["inval", 4, "folder"],
        ["inval", 4, "."],
        ["perm", 4, "absolute"],
        ["perm", 4, "folder/../absolute"],
        ["perm", 4, "../w/link"],
        ["noent", 4, "nothing"],
        ["notdir", 4, "file/x"],
        ["notdir", 1, "link"],
        ["badf", 99, "link"],
      ];
      for (const [errno, fd, path] of cases) {
        p.expect("path_readlink", [fd, p.text(path), at, 20, p.place(4)], { errno });
      }
      p.expect("path_readlink", [3, p.text("link"), end - 9, 10, p.place(4)], { errno: "fault" });
      p.expect("path_readlink", [3, p.text("link"), 16, -1, p.place(4)], { errno: "fault" });
    })[index],
  );
}

testDocumentedErrors("paths.test.ts");
