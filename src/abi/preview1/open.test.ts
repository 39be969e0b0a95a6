import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { test } from "node:test";
import type { Errno } from "../../base/index.ts";
import {
  type Bench,
  made,
  type Subject,
  subjects,
  testDocumentedErrors,
  u32,
  utf8,
  withBench,
} from "./preview1-fixture.ts";
import { allRights, fdflags, oflags, rights } from "../preview1-types.ts";

const end = 0x2_0000;

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

interface Opening {
  readonly dir?: number;
  readonly path: string;
  readonly follow?: boolean;
  readonly oflags?: number;
  readonly rights?: bigint;
  readonly fdflags?: number;
}

function refuses(p: Bench, errno: Errno, opening: Opening): void {
  const { dir = 3, path, follow = true, oflags: how = 0, rights: base = rights.fdRead, fdflags: flags = 0 } = opening;
  const out = p.place(4);
  p.expect("path_open", [dir, follow ? 1 : 0, p.text(path), how, base, 0n, flags, out], { errno });
}

function content(p: Bench, fd: number): string {
  const [at, n] = [p.place(64), p.place(4)];
  const memory = p.expect("fd_read", [fd, p.iovecs([at, 64]), n], {
    writes: [
      [at, 64],
      [n, 4],
    ],
  });
  return Buffer.from(memory.buffer, at, memory.getUint32(n, true)).toString();
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `path_open() answers the lowest free number and is traced with its flags by name (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      const out = p.place(4);
      const line =
        'path_open(fd=3,dirflags=symlink_follow,path="new",oflags=creat|excl,fs_rights_base=0x42,fs_rights_inheriting=0x0,fdflags=append|nonblock) -> 5';
      const flags = [
        oflags.creat | oflags.excl,
        rights.fdRead | rights.fdWrite,
        0n,
        fdflags.append | fdflags.nonblock,
      ] as const;
      p.expect("path_open", [3, 1, p.text("new"), ...flags, out], { line, writes: [[out, u32(5)]] });
      p.expect("path_open", [3, 0, p.text("file"), 0, 0n, 0n, 0, out], { writes: [[out, u32(6)]] });
      // Real programs open with rights of 0 and then read.
      assert.equal(content(p, 6), "hello");
    })[index],
  );

  test(
    `path_open() creates, truncates and takes an existing file, as its flags say (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      assert.equal(content(p, p.open("file", made)), "hello");
      refuses(p, "exist", { path: "file", oflags: oflags.creat | oflags.excl });
      p.open("file", { oflags: oflags.trunc });
      assert.equal(p.read("w/file"), "");
      p.open("made", made);
      assert.equal(p.read("w/made"), "");
      refuses(p, "noent", { path: "nothing" });
      refuses(p, "noent", { path: "nothing/made", oflags: oflags.creat });
      refuses(p, "noent", { path: "" });
    })[index],
  );

  test(
    `path_open() follows a last link only where it is told to (${label})`,
    each((p) => {
      mkdirSync(p.at("w/folder"));
      p.write("w/folder/file", "hello");
      p.link("folder/file", "w/link");
      p.link("folder", "w/way");
      p.link("loop", "w/loop");
      assert.equal(content(p, p.open("link")), "hello");
      assert.equal(content(p, p.open("way/file", { follow: false })), "hello");
      refuses(p, "loop", { path: "link", follow: false });
      refuses(p, "loop", { path: "loop" });
      refuses(p, "loop", { path: "loop/file" });
      assert.equal(
        content(p, p.open("file", { dir: p.open("way", { oflags: oflags.directory, rights: 0n }) })),
        "hello",
      );
    })[index],
  );

  test(
    `path_open() tells folders from files (${label})`,
    each((p) => {
      mkdirSync(p.at("w/folder"));
      p.write("w/file");
      refuses(p, "notdir", { path: "file", oflags: oflags.directory });
      refuses(p, "notdir", { path: "file/x" });
      refuses(p, "notdir", { dir: p.open("file"), path: "x" });
      refuses(p, "notdir", { dir: 0, path: "x" });
      refuses(p, "isdir", { path: "folder", rights: rights.fdWrite });
      refuses(p, "isdir", { path: ".", rights: rights.fdWrite });
      refuses(p, "inval", { path: "folder", oflags: oflags.directory | oflags.creat });
      refuses(p, "inval", { path: "folder", oflags: oflags.directory | oflags.trunc });
      refuses(p, "badf", { dir: 99, path: "file" });
      const out = p.place(4);
      p.expect("path_open", [3, 0, p.text("folder/"), 0, 0n, 0n, 0, out], { writes: [[out, 4]] });
    })[index],
  );

  test(
    `path_open() never leaves its folder, and says what was refused (${label})`,
    each((p) => {
      p.write("secret", "secret");
      mkdirSync(p.at("w/folder"));
      p.link("../secret", "w/out");
      p.link(p.at("secret"), "w/absolute");
      for (const path of [
        "../secret",
        "folder/../../secret",
        "/",
        p.at("secret"),
        "out",
        "absolute",
        "folder/../out",
      ]) {
        refuses(p, "perm", { path });
        assert.deepEqual(p.refused.at(-1), { capability: "files", operation: "read", path: `/w/${path}` });
      }
      p.expect("path_open", [3, 1, p.text("file\0x"), 0, 0n, 0n, 0, p.place(4)], { errno: "inval" });
      p.expect("path_open", [3, 1, p.put(new Uint8Array([0xff, 0xfe])), 2, 0, 0n, 0n, 0, p.place(4)], {
        errno: "ilseq",
      });
      refuses(p, "nametoolong", { path: "x".repeat(256) });
      refuses(p, "nametoolong", { path: "x/".repeat(2048) });
    })[index],
  );

  test(
    `path_open() changes nothing in a folder that is granted read-only (${label})`,
    each((p) => {
      p.write("r/file", "hello");
      for (const opening of [
        { path: "file", rights: rights.fdWrite },
        { path: "file", rights: allRights },
        { path: "file", rights: rights.fdRead, oflags: oflags.trunc },
        { path: "file", rights: rights.fdRead, oflags: oflags.creat },
        { path: "new", rights: rights.fdRead, oflags: oflags.creat },
      ]) {
        refuses(p, "perm", { dir: 4, ...opening });
        assert.deepEqual(p.refused.at(-1), { capability: "files", operation: "write", path: `/r/${opening.path}` });
      }
      // Go asks for these rights of every file; they open nothing for writing.
      for (const asked of [rights.fdFilestatSetSize, rights.fdAllocate]) {
        const fd = p.open("file", { dir: 4, rights: rights.fdRead | asked });
        p.expect("fd_filestat_set_size", [fd, 0n], { errno: "inval" });
        p.expect("fd_allocate", [fd, 0n, 100n], { errno: "badf" });
      }
      assert.equal(content(p, p.open("file", { dir: 4, rights: rights.fdRead })), "hello");
      assert.equal(existsSync(p.at("r/new")), false);
    })[index],
  );

  test(
    `path_open() opens at most as many as are allowed, and again once one is closed (${label})`,
    withBench({ subject: subjects[index] ?? assert.fail(), host: { limits: { maxFiles: 7 } } }, (p) => {
      p.write("w/file", "x");
      assert.deepEqual([p.open("file"), p.open("file")], [5, 6]);
      refuses(p, "mfile", { path: "file" });
      refuses(p, "mfile", { path: "made", oflags: oflags.creat });
      assert.equal(existsSync(p.at("w/made")), false);
      p.expect("fd_close", [5]);
      assert.equal(p.open("file"), 5);
    }),
  );

  test(
    `path_open() opens a pipe that nobody reads or writes without waiting (${label})`,
    each((p) => {
      execFileSync("mkfifo", [p.at("w/pipe")]);
      const fd = p.open("pipe", { rights: rights.fdRead, fdflags: fdflags.nonblock });
      const n = p.place(4);
      p.expect("fd_read", [fd, p.iovecs([n, 4]), n], { writes: [[n, u32(0)]] });
      p.expect("fd_close", [fd]);
      refuses(p, "nxio", { path: "pipe", rights: rights.fdWrite });
    })[index],
  );

  test(
    `path_open() answers fault for a path or a result outside the memory (${label})`,
    each((p) => {
      p.write("w/file");
      p.expect("path_open", [3, 0, end - 3, 4, 0, 0n, 0n, 0, p.place(4)], {
        errno: "fault",
        line: "path_open(fd=3,dirflags=0) -> fault",
      });
      p.expect("path_open", [3, 0, 16, -1, 0, 0n, 0n, 0, p.place(4)], { errno: "fault" });
      p.expect("path_open", [3, 0, p.text("file"), 0, 0n, 0n, 0, end - 3], { errno: "fault" });
      const path = utf8("file");
      p.bytes.set(path, end - path.length);
      const out = p.place(4);
      p.expect("path_open", [3, 0, end - path.length, path.length, 0, 0n, 0n, 0, out], { writes: [[out, 4]] });
    })[index],
  );
}

testDocumentedErrors("open.test.ts");
