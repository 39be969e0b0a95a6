import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Errno } from "../../base/index.ts";
import { type Bench, type Subject, subjects, testDocumentedErrors, withBench } from "./preview1-fixture.ts";

const end = 0x2_0000;

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

/** A folder on another disk than the temporary folder, where there is one. */
const elsewhere =
  existsSync("/dev/shm") && statSync("/dev/shm").dev !== statSync(tmpdir()).dev
    ? mkdtempSync(join("/dev/shm", "sampan-preview1-"))
    : undefined;
after(() => elsewhere !== undefined && rmSync(elsewhere, { recursive: true }));

type Case = readonly [errno: Errno, fromFd: number, from: string, toFd: number, to: string];

/** Everything below a bench's folders, by name. */
function tree(p: Bench): string[] {
  const found: string[] = [];
  for (const name of ["w/file", "w/new", "r/file", "r/new"]) if (existsSync(p.at(name))) found.push(name);
  return found;
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `path_rename() gives a file another name, in place of what had it (${label})`,
    each((p) => {
      p.write("w/file", "file");
      p.write("w/other", "other");
      for (const name of ["w/full", "w/full/x", "w/empty"]) mkdirSync(p.at(name));
      const line = 'path_rename(fd=3,old_path="file",new_fd=3,new_path="./other") -> ok';
      p.expect("path_rename", [3, p.text("file"), 3, p.text("./other")], { line });
      assert.deepEqual([existsSync(p.at("w/file")), p.read("w/other")], [false, "file"]);
      p.expect("path_rename", [3, p.text("full"), 3, p.text("empty")]);
      assert.ok(existsSync(p.at("w/empty/x")));
      p.expect("path_rename", [3, p.text("other"), 3, p.text("other")]);
    })[index],
  );

  test(
    `path_rename() answers each error of its two paths (${label})`,
    each((p) => {
      for (const name of ["w/file", "r/file"]) p.write(name);
      for (const name of ["w/full", "w/full/x", "w/empty"]) mkdirSync(p.at(name));
      p.link("../r", "w/out");
      const cases: readonly Case[] = [
        ["noent", 3, "nothing", 3, "new"],
        ["noent", 3, "file", 3, "no/new"],
        ["noent", 3, "file", 3, ""],
        ["notdir", 3, "file/x", 3, "new"],
        ["notdir", 3, "full", 3, "file"],
        ["notdir", 3, "file", 0, "new"],
        ["notdir", 1, "file", 3, "new"],
        ["isdir", 3, "file", 3, "empty"],
        ["notempty", 3, "empty", 3, "full"],
        ["inval", 3, "full", 3, "full/x/y"],
        ["perm", 3, "../r/file", 3, "new"],
        ["perm", 3, "file", 3, "../new"],
        ["perm", 3, "out/file", 3, "new"],
        ["perm", 3, "file", 3, "out/new"],
        ["badf", 99, "file", 3, "new"],
        ["badf", 3, "file", 99, "new"],
      ];
      for (const [errno, from, old, to, fresh] of cases) {
        const line = `path_rename(fd=${from},old_path="${old}",new_fd=${to},new_path="${fresh}") -> ${errno}`;
        p.expect("path_rename", [from, p.text(old), to, p.text(fresh)], { errno, line });
      }
      p.expect("path_rename", [3, end, 1, 3, p.text("new")], { errno: "fault", line: "path_rename(fd=3) -> fault" });
      p.expect("path_rename", [3, p.text("file"), 3, -1, 1], {
        errno: "fault",
        line: 'path_rename(fd=3,old_path="file",new_fd=3) -> fault',
      });
      assert.deepEqual(tree(p), ["w/file", "r/file"]);
    })[index],
  );

  test(
    `path_link() gives a file, or a link itself, a second name (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      p.link("file", "w/link");
      mkdirSync(p.at("w/folder"));
      const line = 'path_link(old_fd=3,old_flags=0,old_path="file",new_fd=3,new_path="folder/new") -> ok';
      p.expect("path_link", [3, 0, p.text("file"), 3, p.text("folder/new")], { line });
      assert.equal(statSync(p.at("w/file")).ino, statSync(p.at("w/folder/new")).ino);
      p.expect("path_link", [3, 0, p.text("link"), 3, p.text("link2")]);
      assert.ok(lstatSync(p.at("w/link2")).isSymbolicLink());
      p.expect("path_link", [3, 0, p.text("./folder/new"), 3, p.text("third")]);
      assert.equal(statSync(p.at("w/file")).nlink, 3);
    })[index],
  );

  test(
    `path_link() answers each error of its two paths (${label})`,
    each((p) => {
      for (const name of ["w/file", "w/other", "r/file"]) p.write(name);
      p.link("../r", "w/out");
      mkdirSync(p.at("w/folder"));
      const cases: readonly Case[] = [
        ["exist", 3, "file", 3, "other"],
        ["noent", 3, "nothing", 3, "new"],
        ["noent", 3, "file", 3, "no/new"],
        ["notdir", 3, "file/x", 3, "new"],
        ["notdir", 3, "file", 3, "other/new"],
        ["notdir", 3, "file", 2, "new"],
        ["notdir", 2, "file", 3, "new"],
        ["perm", 3, "folder", 3, "new"],
        ["perm", 3, "../r/file", 3, "new"],
        ["perm", 3, "out/file", 3, "new"],
        ["perm", 3, "file", 3, "../new"],
        ["perm", 3, "file", 3, "out/new"],
        ["badf", 99, "file", 3, "new"],
        ["badf", 3, "file", 99, "new"],
      ];
      for (const [errno, from, old, to, fresh] of cases) {
        p.expect("path_link", [from, 0, p.text(old), to, p.text(fresh)], { errno });
      }
      p.expect("path_link", [3, 1, p.text("file"), 3, p.text("new")], { errno: "inval" });
      p.expect("path_link", [3, 0, end - 1, 2, 3, p.text("new")], { errno: "fault" });
      p.expect("path_link", [3, 0, p.text("file"), 3, end - 1, 2], { errno: "fault" });
      assert.deepEqual(tree(p), ["w/file", "r/file"]);
    })[index],
  );

  for (const call of ["path_rename", "path_link"] as const) {
    const check = each((p) => {
      // Both folders have to be writable, whichever of them the file is in.
      const flags = call === "path_link" ? [0] : [];
      for (const [from, to] of [
        [3, 4],
        [4, 3],
        [4, 4],
      ] as const) {
        for (const name of ["w/file", "r/file"]) p.write(name, name);
        p.expect(call, [from, ...flags, p.text("file"), to, p.text("new")], { errno: "perm" });
        const path = to === 4 ? "/r/new" : "/r/file";
        assert.deepEqual(p.refused.at(-1), { capability: "files", operation: "write", path });
        assert.deepEqual(tree(p), ["w/file", "r/file"]);
      }
      p.expect(call, [3, ...flags, p.text("file"), 3, p.text("new")]);
      assert.equal(p.read("w/new"), "w/file");
    })[index];
    if (call === "path_rename") test(`path_rename() asks the grants of both folders (${label})`, check);
    else test(`path_link() asks the grants of both folders (${label})`, check);
  }

  const across =
    (call: string, flags: readonly number[]): (() => void) =>
    () => {
      const host = elsewhere ?? assert.fail();
      const away = { host, guest: "/x", access: "read-write" } as const;
      withBench({ subject: subjects[index] ?? assert.fail() }, (outer) => {
        const home = { host: outer.at("w"), guest: "/h", access: "read-write" } as const;
        outer.write("w/file", "hello");
        withBench({ subject: subjects[index] ?? assert.fail(), grants: { files: [home, away] } }, (p) => {
          p.expect(call, [3, ...flags, p.text("file"), 4, p.text("new")], { errno: "xdev" });
          assert.deepEqual([outer.read("w/file"), existsSync(join(host, "new"))], ["hello", false]);
        })();
      })();
    };
  const skip = elsewhere === undefined && "it takes a folder on another disk";
  test(`path_rename() answers xdev from one disk to another (${label})`, { skip }, across("path_rename", []));
  test(`path_link() answers xdev from one disk to another (${label})`, { skip }, across("path_link", [0]));

  test(
    `path_rename() and path_link() work between two writable folders (${label})`,
    withBench({ subject: subjects[index] ?? assert.fail() }, (outer) => {
      const files = [
        { host: outer.at("w"), guest: "/a", access: "read-write" },
        { host: outer.at("r"), guest: "/b", access: "read-write" },
      ] as const;
      outer.write("w/file", "hello");
      withBench({ subject: subjects[index] ?? assert.fail(), grants: { files } }, (p) => {
        p.expect("path_link", [3, 0, p.text("file"), 4, p.text("linked")]);
        p.expect("path_rename", [3, p.text("file"), 4, p.text("moved")]);
        assert.deepEqual(
          [outer.read("r/moved"), outer.read("r/linked"), existsSync(outer.at("w/file"))],
          ["hello", "hello", false],
        );
      })();
    }),
  );
}

testDocumentedErrors("two-paths.test.ts", elsewhere === undefined ? ["path_link xdev", "path_rename xdev"] : []);
