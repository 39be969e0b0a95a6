import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, existsSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { test } from "node:test";
import {
  type Bench,
  made,
  nonblocking,
  type Subject,
  subjects,
  testDocumentedErrors,
  u32,
  u64,
  utf8,
  withBench,
} from "./preview1-fixture.ts";
import { fdflags, oflags, rights } from "../preview1-types.ts";

const end = 0x2_0000;
const tooFar = 1n << 63n;

/** Runs a test once for each way of reaching files. */
function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

/** A pipe with a name; node:fs holds both ends open so that nobody waits for the other. */
function makePipe(p: Bench): number {
  execFileSync("mkfifo", [p.at("w/pipe")]);
  return openSync(p.at("w/pipe"), constants.O_RDWR | constants.O_NONBLOCK);
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `fd_read() fills the pieces in order and moves the position (${label})`,
    each((p) => {
      p.write("w/file", "hello world");
      const fd = p.open("file");
      const [a, b, n] = [p.place(2), p.place(20), p.place(4)];
      const line = `fd_read(fd=${fd},iovs=[2+0+20]) -> 11`;
      const writes = [
        [a, utf8("he")],
        [b, utf8("llo world")],
        [n, u32(11)],
      ] as const;
      p.expect("fd_read", [fd, p.iovecs([a, 2], [end, 0], [b, 20]), n], { line, writes });
      p.expect("fd_read", [fd, p.iovecs([a, 2]), n], {
        line: `fd_read(fd=${fd},iovs=[2]) -> 0`,
        writes: [[n, u32(0)]],
      });
      p.expect("fd_read", [fd, 0, 0, n], { line: `fd_read(fd=${fd},iovs=[0]) -> 0`, writes: [[n, u32(0)]] });
    })[index],
  );

  test(
    `fd_read() refuses pieces and arrays that leave the memory (${label})`,
    each((p) => {
      p.write("w/file", "hello world");
      const fd = p.open("file");
      const n = p.place(4);
      const errno = "fault";
      const line = `fd_read(fd=${fd}) -> fault`;
      p.expect("fd_read", [fd, p.iovecs([end - 1, 2]), n], { errno, line });
      p.expect("fd_read", [fd, p.iovecs([0xffff_ffff, 0xffff_ffff]), n], { errno, line });
      p.expect("fd_read", [fd, p.iovecs([16, 4], [64, 0xffff_fff0]), n], { errno, line });
      p.expect("fd_read", [fd, end - 4, 1, n], { errno, line });
      p.expect("fd_read", [fd, 16, -1, n], { errno, line });
      p.expect("fd_read", [fd, -8, 2, n], { errno, line });
      p.expect("fd_read", [fd, -8, 0x2000_0001, n], { errno, line });
      // The bytes are read before the place of their count is looked at; nothing else is written.
      const at = p.place(11);
      p.expect("fd_read", [fd, p.iovecs([at, 11]), end - 3], { errno, writes: [[at, utf8("hello world")]] });
    })[index],
  );

  test(
    `fd_read() answers badf, isdir and again (${label})`,
    each((p) => {
      const pipe = makePipe(p);
      p.write("w/file", "x");
      const iovs = (): [number, number] => p.iovecs([p.place(4), 4]);
      p.expect("fd_read", [99, iovs(), p.place(4)], { errno: "badf", line: "fd_read(fd=99,iovs=[4]) -> badf" });
      p.expect("fd_read", [1, iovs(), p.place(4)], { errno: "badf" });
      const written = p.open("file", { rights: rights.fdWrite });
      p.expect("fd_read", [written, iovs(), p.place(4)], { errno: "badf" });
      p.expect("fd_read", [3, iovs(), p.place(4)], { errno: "isdir" });
      const fd = p.open("pipe", { ...nonblocking, rights: rights.fdRead });
      p.expect("fd_read", [fd, iovs(), p.place(4)], { errno: "again", line: `fd_read(fd=${fd},iovs=[4]) -> again` });
      writeSync(pipe, "ab");
      const [at, n] = [p.place(4), p.place(4)];
      p.expect("fd_read", [fd, p.iovecs([at, 4]), n], {
        writes: [
          [at, utf8("ab")],
          [n, u32(2)],
        ],
      });
      closeSync(pipe);
      p.expect("fd_read", [fd, p.iovecs([at, 4]), n], { writes: [[n, u32(0)]] });
    })[index],
  );

  test(
    `fd_write() writes the pieces in order at the position (${label})`,
    each((p) => {
      const fd = p.open("file", made);
      const n = p.place(4);
      const line = `fd_write(fd=${fd},iovs=[3+0+2]) -> 5`;
      p.expect("fd_write", [fd, p.pieces("abc", "", "de"), n], { line, writes: [[n, u32(5)]] });
      p.expect("fd_write", [fd, p.pieces("f"), n], { writes: [[n, u32(1)]] });
      assert.equal(p.read("w/file"), "abcdef");
      p.expect("fd_write", [fd, 0, 0, n], { writes: [[n, u32(0)]] });
      const appended = p.open("file", { fdflags: fdflags.append });
      p.expect("fd_write", [appended, p.pieces("!"), n], { writes: [[n, u32(1)]] });
      p.expect("fd_write", [fd, p.pieces("?"), n], { writes: [[n, u32(1)]] });
      assert.equal(p.read("w/file"), "abcdef?");
    })[index],
  );

  test(
    `fd_write() refuses pieces that leave the memory, and writes none of them (${label})`,
    each((p) => {
      const fd = p.open("file", made);
      const errno = "fault";
      p.expect("fd_write", [fd, p.iovecs([16, 4], [end, 1]), p.place(4)], {
        errno,
        line: `fd_write(fd=${fd}) -> fault`,
      });
      p.expect("fd_write", [fd, p.iovecs([16, 4], [0x1_0000, 0xffff_0000]), p.place(4)], { errno });
      p.expect("fd_write", [fd, end - 8, 2, p.place(4)], { errno });
      p.expect("fd_write", [fd, 0, 0x2000_0000, p.place(4)], { errno });
      assert.equal(p.read("w/file"), "");
      p.expect("fd_write", [fd, p.pieces("x"), end], { errno, line: `fd_write(fd=${fd},iovs=[1]) -> fault` });
    })[index],
  );

  test(
    `fd_write() answers badf, again and pipe (${label})`,
    each((p) => {
      const pipe = makePipe(p);
      p.write("r/file", "x");
      p.expect("fd_write", [99, p.pieces("x"), p.place(4)], {
        errno: "badf",
        line: "fd_write(fd=99,iovs=[1]) -> badf",
      });
      p.expect("fd_write", [0, p.pieces("x"), p.place(4)], { errno: "badf" });
      p.expect("fd_write", [p.open("file", { dir: 4, rights: rights.fdRead }), p.pieces("x"), p.place(4)], {
        errno: "badf",
      });
      const fd = p.open("pipe", { ...nonblocking, rights: rights.fdWrite });
      const chunk = 32 * 1024;
      while (p.call("fd_write", fd, p.iovecs([0, chunk]), p.place(4)) === "success") p.renew();
      p.renew();
      p.expect("fd_write", [fd, p.iovecs([0, chunk]), p.place(4)], { errno: "again" });
      const emptied = Buffer.alloc(4096);
      assert.ok(readSync(pipe, emptied) > 0);
      const n = p.place(4);
      p.expect("fd_write", [fd, p.pieces("x"), n], { writes: [[n, u32(1)]] });
      closeSync(pipe);
      p.expect("fd_write", [fd, p.pieces("x"), n], { errno: "pipe" });
    })[index],
  );

  test(
    `fd_pread() reads at the offset and leaves the position (${label})`,
    each((p) => {
      p.write("w/file", "hello world");
      const fd = p.open("file");
      const [at, n] = [p.place(8), p.place(4)];
      const line = `fd_pread(fd=${fd},iovs=[3+5],offset=6) -> 5`;
      p.expect("fd_pread", [fd, p.iovecs([at, 3], [at + 3, 5]), 6n, n], {
        line,
        writes: [
          [at, utf8("world")],
          [n, u32(5)],
        ],
      });
      p.expect("fd_pread", [fd, p.iovecs([at, 8]), 11n, n], { writes: [[n, u32(0)]] });
      p.expect("fd_tell", [fd, at], { writes: [[at, u64(0n)]] });
      p.expect("fd_pread", [fd, p.iovecs([at, 8]), tooFar, n], { errno: "inval" });
      p.expect("fd_pread", [fd, p.iovecs([at, 8]), -1n, n], { errno: "inval" });
      p.expect("fd_pread", [fd, p.iovecs([end - 7, 8]), 0n, n], {
        errno: "fault",
        line: `fd_pread(fd=${fd}) -> fault`,
      });
      p.expect("fd_pread", [99, p.iovecs([at, 8]), 0n, n], { errno: "badf" });
      p.expect("fd_pread", [3, p.iovecs([at, 8]), 0n, n], { errno: "isdir" });
      p.expect("fd_pread", [0, p.iovecs([at, 8]), 0n, n], { errno: "spipe" });
    })[index],
  );

  test(
    `fd_pwrite() writes at the offset and leaves the position (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      const fd = p.open("file");
      const n = p.place(4);
      const line = `fd_pwrite(fd=${fd},iovs=[1+1],offset=6) -> 2`;
      p.expect("fd_pwrite", [fd, p.pieces("w", "o"), 6n, n], { line, writes: [[n, u32(2)]] });
      assert.equal(p.read("w/file"), "hello\0wo");
      p.expect("fd_tell", [fd, n], { writes: [[n, u64(0n)]] });
      p.expect("fd_pwrite", [fd, p.pieces("x"), tooFar, n], { errno: "inval" });
      p.expect("fd_pwrite", [fd, p.iovecs([end, 1]), 0n, n], { errno: "fault", line: `fd_pwrite(fd=${fd}) -> fault` });
      p.expect("fd_pwrite", [99, p.pieces("x"), 0n, n], { errno: "badf" });
      p.expect("fd_pwrite", [p.open("file", { rights: rights.fdRead }), p.pieces("x"), 0n, n], { errno: "badf" });
      p.expect("fd_pwrite", [1, p.pieces("x"), 0n, n], { errno: "spipe" });
      assert.equal(p.read("w/file"), "hello\0wo");
    })[index],
  );

  test(
    `fd_seek() moves the position from start, here or end (${label})`,
    each((p) => {
      p.write("w/file", "0123456789");
      const fd = p.open("file");
      const out = p.place(8);
      const seeks = [
        [4n, 0, "start", 4n],
        [-1n, 1, "current", 3n],
        [-2n, 2, "end", 8n],
        [100n, 2, "end", 110n],
      ] as const;
      for (const [offset, whence, name, position] of seeks) {
        const line = `fd_seek(fd=${fd},offset=${offset},whence=${name}) -> ${position}`;
        p.expect("fd_seek", [fd, offset, whence, out], { line, writes: [[out, u64(position)]] });
      }
      p.expect("fd_seek", [fd, -1n, 0, out], {
        errno: "inval",
        line: `fd_seek(fd=${fd},offset=-1,whence=start) -> inval`,
      });
      p.expect("fd_seek", [fd, -11n, 2, out], { errno: "inval" });
      p.expect("fd_seek", [fd, 0n, 3, out], { errno: "inval", line: `fd_seek(fd=${fd},offset=0,whence=3) -> inval` });
      p.expect("fd_seek", [99, 0n, 0, out], { errno: "badf" });
      p.expect("fd_seek", [3, 0n, 0, out], { errno: "badf" });
      p.expect("fd_seek", [0, 0n, 0, out], { errno: "spipe" });
      p.expect("fd_seek", [fd, 0n, 0, end - 7], { errno: "fault" });
    })[index],
  );

  test(
    `fd_tell() answers the position (${label})`,
    each((p) => {
      p.write("w/file", "0123456789");
      const fd = p.open("file");
      const out = p.place(8);
      p.expect("fd_read", [fd, p.iovecs([p.place(3), 3]), p.place(4)], { writes: [[out + 24, 64]] });
      p.expect("fd_tell", [fd, out], { line: `fd_tell(fd=${fd}) -> 3`, writes: [[out, u64(3n)]] });
      p.expect("fd_tell", [99, out], { errno: "badf", line: "fd_tell(fd=99) -> badf" });
      p.expect("fd_tell", [2, out], { errno: "spipe" });
    })[index],
  );

  test(
    `fd_advise() takes each advice and refuses others (${label})`,
    each((p) => {
      closeSync(makePipe(p));
      p.write("w/file", "0123456789");
      const fd = p.open("file");
      for (const advice of [0, 1, 2, 3, 4, 5]) p.expect("fd_advise", [fd, 0n, 10n, advice]);
      const line = `fd_advise(fd=${fd},offset=1,len=0,advice=6) -> inval`;
      p.expect("fd_advise", [fd, 1n, 0n, 6], { errno: "inval", line });
      p.expect("fd_advise", [fd, tooFar, 0n, 0], { errno: "inval" });
      p.expect("fd_advise", [fd, 0n, tooFar, 0], { errno: "inval" });
      p.expect("fd_advise", [99, 0n, 0n, 0], { errno: "badf" });
      p.expect("fd_advise", [p.open("pipe", { rights: rights.fdRead }), 0n, 0n, 0], { errno: "spipe" });
      p.expect("fd_advise", [0, 0n, 0n, 0], { errno: "spipe" });
    })[index],
  );

  test(
    `fd_allocate() makes a file as long as the range and never shorter (${label})`,
    each((p, { isNative }) => {
      const pipe = makePipe(p);
      p.write("w/file", "0123456789");
      const fd = p.open("file");
      p.expect("fd_allocate", [fd, 0n, 4n], { line: `fd_allocate(fd=${fd},offset=0,len=4) -> ok` });
      assert.equal(statSync(p.at("w/file")).size, 10);
      p.expect("fd_allocate", [fd, 10n, 90n]);
      assert.equal(statSync(p.at("w/file")).size, 100);
      p.expect("fd_allocate", [fd, 0n, 0n], { errno: "inval" });
      p.expect("fd_allocate", [fd, tooFar, 1n], { errno: "inval" });
      p.expect("fd_allocate", [99, 0n, 1n], { errno: "badf" });
      p.expect("fd_allocate", [p.open("file", { rights: rights.fdRead }), 0n, 1n], { errno: "badf" });
      p.expect("fd_allocate", [1, 0n, 1n], { errno: "spipe" });
      // The walk only finds out that it cannot be made longer.
      const errno = isNative ? "spipe" : "badf";
      p.expect("fd_allocate", [p.open("pipe", { rights: rights.fdWrite }), 0n, 1n], { errno });
      closeSync(pipe);
    })[index],
  );
}

const memoryFolder = "/dev/shm";
const full = subjects.find(({ isNative }) => isNative);
const canFill = full !== undefined && existsSync(memoryFolder);

test(
  "fd_allocate() answers nospc where the disk has no such room",
  { skip: !canFill && "it takes native calls and a folder in memory" },
  withBench({ ...(full === undefined ? {} : { subject: full }), ...(canFill ? { base: memoryFolder } : {}) }, (p) => {
    const fd = p.open("file", made);
    p.expect("fd_allocate", [fd, 0n, 1n << 60n], { errno: "nospc" });
  }),
);

test(
  "fd_read() and fd_write() answer notcapable once the guest gave up the right",
  withBench({}, (p) => {
    const fd = p.open("file", { oflags: oflags.creat });
    p.expect("fd_fdstat_set_rights", [fd, rights.fdWrite, 0n]);
    p.expect("fd_read", [fd, p.iovecs([p.place(1), 1]), p.place(4)], { errno: "notcapable" });
    p.expect("fd_fdstat_set_rights", [fd, 0n, 0n]);
    p.expect("fd_write", [fd, p.pieces("x"), p.place(4)], { errno: "notcapable" });
    p.expect("fd_pwrite", [fd, p.pieces("x"), 0n, p.place(4)], { errno: "notcapable" });
    p.expect("fd_pread", [fd, p.pieces("x"), 0n, p.place(4)], { errno: "notcapable" });
  }),
);

testDocumentedErrors("streams.test.ts", canFill ? [] : ["fd_allocate nospc"]);
