import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import {
  type Bench,
  made,
  type Subject,
  subjects,
  testDocumentedErrors,
  u32,
  u64,
  utf8,
  withBench,
} from "./preview1-fixture.ts";
import { allRights, fdflags, oflags, rights } from "../preview1-types.ts";

const end = 0x2_0000;

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

/** `fdstat` as it lies in memory; the bytes between the fields are zero. */
function fdstat(type: number, flags: number, base: bigint, inheriting: bigint): Uint8Array {
  return Buffer.concat([u32(type | (flags << 16), 0), u64(base, inheriting)]);
}

for (const [index, { label }] of subjects.entries()) {
  test(
    `fd_close() frees the number for the next descriptor (${label})`,
    each((p) => {
      p.write("w/file", "x");
      const [first, second] = [p.open("file"), p.open("file")];
      assert.deepEqual([first, second], [5, 6]);
      p.expect("fd_close", [first], { line: "fd_close(fd=5) -> ok" });
      p.expect("fd_close", [first], { errno: "badf", line: "fd_close(fd=5) -> badf" });
      p.expect("fd_tell", [first, p.place(8)], { errno: "badf" });
      assert.equal(p.open("file"), first);
      p.expect("fd_close", [99], { errno: "badf" });
      p.expect("fd_close", [-1], { errno: "badf", line: "fd_close(fd=4294967295) -> badf" });
    })[index],
  );

  test(
    `fd_close() closes a granted folder for this instance alone (${label})`,
    each((p) => {
      p.expect("fd_close", [3]);
      p.expect("path_create_directory", [3, p.text("x")], { errno: "badf" });
      p.expect("fd_prestat_get", [3, p.place(8)], { errno: "badf" });
      for (const fd of [0, 1, 2, 4]) p.expect("fd_close", [fd]);
    })[index],
  );

  test(
    `fd_renumber() moves a descriptor and closes what was there (${label})`,
    each((p) => {
      p.write("w/a", "aa");
      p.write("w/b", "b");
      const [a, b] = [p.open("a"), p.open("b")];
      p.expect("fd_renumber", [a, b], { line: `fd_renumber(fd=${a},to=${b}) -> ok` });
      const [at, n] = [p.place(4), p.place(4)];
      p.expect("fd_read", [b, p.iovecs([at, 4]), n], {
        writes: [
          [at, utf8("aa")],
          [n, u32(2)],
        ],
      });
      p.expect("fd_read", [a, p.iovecs([at, 4]), n], { errno: "badf" });
      p.expect("fd_renumber", [a, b], { errno: "badf" });
      p.expect("fd_renumber", [b, 99], { errno: "badf" });
      p.expect("fd_renumber", [b, b]);
      p.expect("fd_tell", [b, at], { writes: [[at, u64(2n)]] });
    })[index],
  );

  for (const call of ["fd_sync", "fd_datasync"]) {
    const check = each((p) => {
      execFileSync("mkfifo", [p.at("w/pipe")]);
      const fd = p.open("file", made);
      p.expect(call, [fd], { line: `${call}(fd=${fd}) -> ok` });
      p.expect(call, [99], { errno: "badf", line: `${call}(fd=99) -> badf` });
      p.expect(call, [p.open("pipe", { rights: rights.fdRead })], { errno: "inval" });
      p.expect(call, [3]);
    })[index];
    if (call === "fd_sync") test(`fd_sync() writes files and folders through (${label})`, check);
    else test(`fd_datasync() writes files and folders through (${label})`, check);
  }

  test(
    `fd_fdstat_get() tells type, flags and rights (${label})`,
    each((p) => {
      const out = p.place(24);
      const fd = p.open("file", { oflags: oflags.creat, fdflags: fdflags.append | fdflags.nonblock });
      const stat = p.expect("fd_fdstat_get", [fd, out], {
        line: `fd_fdstat_get(fd=${fd}) -> {type=regular-file,flags=5}`,
        writes: [[out, 24]],
      });
      const base = stat.getBigUint64(out + 8, true);
      assert.deepEqual(new Uint8Array(stat.buffer.slice(out, out + 24)), new Uint8Array(fdstat(4, 5, base, 0n)));
      const wanted = rights.fdRead | rights.fdWrite | rights.fdSeek | rights.fdTell | rights.fdFilestatSetSize;
      assert.equal(base & (wanted | rights.pathOpen), wanted);
      const folder = p.expect("fd_fdstat_get", [4, out], { line: /\{type=directory,flags=0\}$/, writes: [[out, 24]] });
      assert.equal(folder.getBigUint64(out + 8, true) & (rights.pathOpen | rights.fdRead), rights.pathOpen);
      assert.equal(folder.getBigUint64(out + 16, true), allRights);
      p.expect("fd_fdstat_get", [99, out], { errno: "badf", line: "fd_fdstat_get(fd=99) -> badf" });
      p.expect("fd_fdstat_get", [fd, end - 23], { errno: "fault" });
    })[index],
  );

  test(
    `fd_fdstat_set_flags() switches append on and off (${label})`,
    each((p) => {
      const fd = p.open("file", made);
      const n = p.place(4);
      p.expect("fd_write", [fd, p.pieces("abc"), n], { writes: [[n, u32(3)]] });
      p.expect("fd_fdstat_set_flags", [fd, fdflags.append], {
        line: `fd_fdstat_set_flags(fd=${fd},flags=append) -> ok`,
      });
      p.expect("fd_seek", [fd, 0n, 0, n], { writes: [[n, u64(0n)]] });
      p.expect("fd_write", [fd, p.pieces("d"), n], { writes: [[n, u32(1)]] });
      p.expect("fd_fdstat_set_flags", [fd, 0], { line: `fd_fdstat_set_flags(fd=${fd},flags=0) -> ok` });
      p.expect("fd_seek", [fd, 0n, 0, n], { writes: [[n, u64(0n)]] });
      p.expect("fd_write", [fd, p.pieces("A"), n], { writes: [[n, u32(1)]] });
      assert.equal(p.read("w/file"), "Abcd");
      const out = p.place(24);
      p.expect("fd_fdstat_set_flags", [fd, fdflags.nonblock | fdflags.append]);
      p.expect("fd_fdstat_get", [fd, out], { line: /flags=5\}$/, writes: [[out, 24]] });
      for (const fixed of [fdflags.sync, fdflags.dsync, fdflags.rsync]) {
        p.expect("fd_fdstat_set_flags", [fd, fixed], { errno: "notsup" });
      }
      p.expect("fd_fdstat_set_flags", [99, 0], { errno: "badf" });
    })[index],
  );

  test(
    `fd_fdstat_set_rights() gives rights up and takes none back (${label})`,
    each((p) => {
      const fd = p.open("file", made);
      const line = `fd_fdstat_set_rights(fd=${fd},fs_rights_base=0x2,fs_rights_inheriting=0x0) -> ok`;
      p.expect("fd_fdstat_set_rights", [fd, rights.fdRead, 0n], { line });
      const out = p.place(24);
      p.expect("fd_fdstat_get", [fd, out], { writes: [[out, fdstat(4, 0, rights.fdRead, 0n)]] });
      p.expect("fd_fdstat_set_rights", [fd, rights.fdRead | rights.fdWrite, 0n], { errno: "notcapable" });
      p.expect("fd_fdstat_set_rights", [fd, 0n, 1n], { errno: "notcapable" });
      p.expect("fd_filestat_set_size", [fd, 0n], { errno: "notcapable" });
      p.expect("fd_fdstat_set_rights", [3, -1n, -1n], { errno: "notcapable" });
      p.expect("fd_fdstat_set_rights", [99, 0n, 0n], { errno: "badf" });
    })[index],
  );

  test(
    `fd_prestat_get() tells granted folders from other descriptors (${label})`,
    each((p) => {
      const out = p.place(8);
      p.expect("fd_prestat_get", [3, out], {
        line: "fd_prestat_get(fd=3) -> {dir,name_len=2}",
        writes: [[out, u32(0, 2)]],
      });
      for (const fd of [0, 5, 99, p.open(".", { oflags: oflags.directory, rights: 0n }), p.open("file", made)]) {
        p.expect("fd_prestat_get", [fd, out], { errno: "badf", line: `fd_prestat_get(fd=${fd}) -> badf` });
      }
      p.expect("fd_prestat_get", [3, end - 7], { errno: "fault" });
    })[index],
  );

  test(
    `fd_prestat_dir_name() writes the granted name without a NUL (${label})`,
    each((p) => {
      const out = p.place(2);
      const line = `fd_prestat_dir_name(fd=4,path=0x${out.toString(16)}+2) -> ok`;
      p.expect("fd_prestat_dir_name", [4, out, 2], { line, writes: [[out, utf8("/r")]] });
      p.expect("fd_prestat_dir_name", [3, out, 100], { writes: [[out, utf8("/w")]] });
      p.expect("fd_prestat_dir_name", [3, out, 1], { errno: "nametoolong" });
      p.expect("fd_prestat_dir_name", [3, end - 1, 2], { errno: "fault" });
      p.expect("fd_prestat_dir_name", [0, out, 2], { errno: "badf" });
    })[index],
  );
}

test(
  "fd_prestat_get() and fd_prestat_dir_name() count the bytes of a name, not its letters",
  withBench({ grants: {} }, (p) => {
    const named = withBench({ grants: { files: [{ host: p.at("w"), guest: "/ä", access: "read-only" }] } }, (inner) => {
      const out = inner.place(8);
      inner.expect("fd_prestat_get", [3, out], { writes: [[out, u32(0, 3)]] });
      inner.expect("fd_prestat_dir_name", [3, out, 3], { writes: [[out, utf8("/ä")]] });
    });
    named();
  }),
);

testDocumentedErrors("descriptors.test.ts");
