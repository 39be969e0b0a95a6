import assert from "node:assert/strict";
import { lstatSync, statSync, utimesSync } from "node:fs";
import { test } from "node:test";
import {
  type Bench,
  made,
  type Subject,
  subjects,
  testDocumentedErrors,
  u32,
  u64,
  type Wanted,
  withBench,
} from "./preview1-fixture.ts";
import { fstflags, rights } from "../preview1-types.ts";

const end = 0x2_0000;
/** A moment with nanoseconds that a double of seconds cannot hold. */
const moment = 1_234_567_890_123_456_789n;

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

type Writes = NonNullable<Wanted["writes"]>;

/** `filestat` of 64 bytes as it has to lie in memory for a host file; a device has no number that all systems agree on. */
function filestat(at: number, path: string, type: number): Writes {
  const { ino, nlink, size, atimeNs, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  return [
    [at, 8],
    [at + 8, u64(ino, BigInt(type), nlink, size, atimeNs, mtimeNs, ctimeNs)],
  ];
}

/** The same in 56 bytes, as `wasi_unstable` has it. */
function unstableFilestat(at: number, path: string, type: number): Writes {
  const { ino, nlink, size, atimeNs, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  return [
    [at, 8],
    [at + 8, Buffer.concat([u64(ino), u32(type, Number(nlink)), u64(size, atimeNs, mtimeNs, ctimeNs)])],
  ];
}

function assertTimes(path: string, atime: bigint, mtime: bigint, precision: bigint): void {
  const stat = lstatSync(path, { bigint: true });
  for (const [actual, wanted] of [
    [stat.atimeNs, atime],
    [stat.mtimeNs, mtime],
  ] as const) {
    const distance = actual > wanted ? actual - wanted : wanted - actual;
    assert.ok(distance <= precision, `${actual} is ${distance} ns from ${wanted}`);
  }
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `fd_filestat_get() writes 64 bytes of what the host says (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      const out = p.place(64);
      const fd = p.open("file");
      const line = new RegExp(`^fd_filestat_get\\(fd=${fd}\\) -> \\{type=regular-file,ino=\\d+,nlink=1,size=5\\}$`);
      p.expect("fd_filestat_get", [fd, out], { line, writes: filestat(out, p.at("w/file"), 4) });
      p.expect("fd_filestat_get", [3, out], { writes: filestat(out, p.at("w"), 3) });
      p.expect("fd_filestat_get", [99, out], { errno: "badf", line: "fd_filestat_get(fd=99) -> badf" });
      p.expect("fd_filestat_get", [fd, end - 63], { errno: "fault", line: `fd_filestat_get(fd=${fd}) -> fault` });
    })[index],
  );

  test(
    `path_filestat_get() follows a last link or not, as it is told (${label})`,
    each((p) => {
      p.write("r/file", "hello");
      p.link("file", "r/link");
      p.link("nothing", "r/dangling");
      p.link("../w", "r/out");
      const out = p.place(64);
      const line = /^path_filestat_get\(fd=4,flags=symlink_follow,path="link"\) -> \{type=regular-file,.*,size=5\}$/;
      p.expect("path_filestat_get", [4, 1, p.text("link"), out], { line, writes: filestat(out, p.at("r/file"), 4) });
      p.expect("path_filestat_get", [4, 0, p.text("link"), out], { writes: filestat(out, p.at("r/link"), 7) });
      p.expect("path_filestat_get", [4, 0, p.text("dangling"), out], { writes: filestat(out, p.at("r/dangling"), 7) });
      p.expect("path_filestat_get", [4, 0, p.text("./."), out], { writes: filestat(out, p.at("r"), 3) });
      p.expect("path_filestat_get", [4, 1, p.text("dangling"), out], { errno: "noent" });
      p.expect("path_filestat_get", [4, 0, p.text("file/x"), out], { errno: "notdir" });
      p.expect("path_filestat_get", [4, 0, p.text("file/"), out], { errno: "notdir" });
      p.expect("path_filestat_get", [4, 0, p.text(""), out], { errno: "noent" });
      const refused = ["..", "/file", "out/x", "../w"];
      for (const path of refused) p.expect("path_filestat_get", [4, 1, p.text(path), out], { errno: "perm" });
      assert.deepEqual(p.refused.at(-1), { capability: "files", operation: "read", path: "/r/../w" });
      p.expect("path_filestat_get", [99, 0, p.text("file"), out], { errno: "badf" });
      p.expect("path_filestat_get", [0, 0, p.text("file"), out], { errno: "notdir" });
      p.expect("path_filestat_get", [4, 0, end - 3, 4, out], {
        errno: "fault",
        line: "path_filestat_get(fd=4,flags=0) -> fault",
      });
      p.expect("path_filestat_get", [4, 0, p.text("file"), end - 63], { errno: "fault" });
    })[index],
  );

  test(
    `fd_filestat_set_size() cuts and extends (${label})`,
    each((p) => {
      p.write("w/file", "hello");
      const fd = p.open("file");
      p.expect("fd_filestat_set_size", [fd, 2n], { line: `fd_filestat_set_size(fd=${fd},size=2) -> ok` });
      p.expect("fd_filestat_set_size", [fd, 4n]);
      assert.equal(p.read("w/file"), "he\0\0");
      p.expect("fd_filestat_set_size", [fd, 1n << 63n], { errno: "inval" });
      p.expect("fd_filestat_set_size", [0, 0n], { errno: "inval" });
      p.expect("fd_filestat_set_size", [99, 0n], { errno: "badf" });
      assert.notEqual(p.call("fd_filestat_set_size", p.open("file", { rights: rights.fdRead }), 0n), "success");
      assert.equal(p.read("w/file"), "he\0\0");
    })[index],
  );

  test(
    `fd_filestat_set_times() sets given times, the present one, or neither (${label})`,
    each((p, { timePrecision }) => {
      const path = p.at("w/file");
      const fd = p.open("file", made);
      const line = `fd_filestat_set_times(fd=${fd},atim=${moment},mtim=${moment + 1n},fst_flags=atim|mtim) -> ok`;
      p.expect("fd_filestat_set_times", [fd, moment, moment + 1n, 5], { line });
      assertTimes(path, moment, moment + 1n, timePrecision);
      p.expect("fd_filestat_set_times", [fd, 0n, 7n, fstflags.mtim]);
      assertTimes(path, moment, 7n, timePrecision);
      p.expect("fd_filestat_set_times", [fd, 0n, 7n, 0]);
      assertTimes(path, moment, 7n, timePrecision);
      const before = BigInt(Date.now() - 20) * 1_000_000n;
      p.expect("fd_filestat_set_times", [fd, 0n, 0n, fstflags.atimNow | fstflags.mtimNow]);
      const { atimeNs, mtimeNs } = statSync(path, { bigint: true });
      assert.ok(atimeNs >= before && mtimeNs >= before);
      p.expect("fd_filestat_set_times", [3, moment, moment, 5]);
      assertTimes(p.at("w"), moment, moment, timePrecision);
    })[index],
  );

  test(
    `fd_filestat_set_times() refuses contradictions and read-only folders (${label})`,
    each((p) => {
      p.write("r/file");
      const fd = p.open("file", made);
      for (const flags of [3, 12, 16, -1]) {
        p.expect("fd_filestat_set_times", [fd, 0n, 0n, flags], { errno: "inval" });
      }
      const readOnly = p.open("file", { dir: 4, rights: rights.fdRead });
      p.expect("fd_filestat_set_times", [readOnly, 0n, 0n, 5], { errno: "perm" });
      assert.deepEqual(p.refused, [{ capability: "files", operation: "write", path: "/r/file" }]);
      p.expect("fd_filestat_set_times", [99, 0n, 0n, 5], { errno: "badf" });
      p.expect("fd_filestat_set_times", [1, 0n, 0n, 5], { errno: "badf" });
    })[index],
  );

  test(
    `path_filestat_set_times() sets the times of a link or of what it leads to (${label})`,
    each((p, { timePrecision }) => {
      p.write("w/file");
      p.link("file", "w/link");
      utimesSync(p.at("w/file"), 5, 6);
      const line = `path_filestat_set_times(fd=3,flags=0,path="link",atim=${moment},mtim=9,fst_flags=atim|mtim) -> ok`;
      p.expect("path_filestat_set_times", [3, 0, p.text("link"), moment, 9n, 5], { line });
      assertTimes(p.at("w/link"), moment, 9n, timePrecision);
      assertTimes(p.at("w/file"), 5_000_000_000n, 6_000_000_000n, 0n);
      p.expect("path_filestat_set_times", [3, 1, p.text("link"), moment, 9n, 1]);
      assertTimes(p.at("w/file"), moment, 6_000_000_000n, timePrecision);
      const before = BigInt(Date.now() - 20) * 1_000_000n;
      p.expect("path_filestat_set_times", [3, 1, p.text("link"), 0n, 0n, fstflags.mtimNow]);
      assert.ok(statSync(p.at("w/file"), { bigint: true }).mtimeNs >= before);
    })[index],
  );

  test(
    `path_filestat_set_times() answers the errors of its path and flags (${label})`,
    each((p) => {
      p.write("r/file");
      p.write("w/file");
      p.link("../r/file", "w/out");
      const set = (fd: number, path: string, flags = 5): unknown[] => [fd, 1, ...p.text(path), 0n, 0n, flags];
      const expect = (args: unknown[], errno: "badf" | "inval" | "noent" | "notdir" | "perm"): unknown =>
        p.expect("path_filestat_set_times", args as number[], { errno });
      expect(set(3, "file", 3), "inval");
      expect(set(3, "nothing"), "noent");
      expect(set(3, "file/x"), "notdir");
      expect(set(4, "file"), "perm");
      expect(set(3, "out"), "perm");
      expect(set(3, "../r/file"), "perm");
      expect(set(99, "file"), "badf");
      expect(set(2, "file"), "notdir");
    })[index],
  );

  test(
    `fd_filestat_get() of wasi_unstable writes 56 bytes (${label})`,
    withBench({ subject: subjects[index] ?? assert.fail(), abi: "wasi_unstable" }, (p) => {
      p.write("w/file", "hello");
      const fd = p.open("file");
      const out = p.place(56);
      p.expect("fd_filestat_get", [fd, out], { writes: unstableFilestat(out, p.at("w/file"), 4) });
      p.expect("fd_filestat_get", [fd, end - 55], { errno: "fault" });
      p.expect("fd_filestat_get", [fd, end - 56], { writes: unstableFilestat(end - 56, p.at("w/file"), 4) });
    }),
  );

  test(
    `path_filestat_get() of wasi_unstable writes 56 bytes (${label})`,
    withBench({ subject: subjects[index] ?? assert.fail(), abi: "wasi_unstable" }, (p) => {
      p.write("w/file", "hello");
      p.link("file", "w/link");
      const out = p.place(56);
      p.expect("path_filestat_get", [3, 0, p.text("link"), out], { writes: unstableFilestat(out, p.at("w/link"), 7) });
      p.expect("path_filestat_get", [3, 1, p.text("link"), out], { writes: unstableFilestat(out, p.at("w/file"), 4) });
    }),
  );
}

testDocumentedErrors("stat.test.ts");
