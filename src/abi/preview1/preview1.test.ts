import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Preview1Context } from "../preview1-context.ts";
import { preview1, unstable } from "./index.ts";
import {
  Bench,
  type BenchOptions,
  filesOfCalls,
  made,
  subjects,
  u32,
  u64,
  utf8,
  withBench,
} from "./preview1-fixture.ts";

test("preview1 has 46 calls and unstable 45, all but sock_accept", () => {
  const names = Object.keys(preview1);
  assert.equal(names.length, 46);
  assert.deepEqual(Object.keys(unstable).toSorted(), names.filter((name) => name !== "sock_accept").toSorted());
});

test("unstable differs in four calls alone", () => {
  const differing = Object.keys(unstable).filter((name) => unstable[name] !== preview1[name]);
  assert.deepEqual(differing.toSorted(), ["fd_filestat_get", "fd_seek", "path_filestat_get", "poll_oneoff"]);
});

test("each call stands in one list of filesOfCalls, and its file checks the documented errors", () => {
  assert.deepEqual(Object.values(filesOfCalls).flat().toSorted(), Object.keys(preview1).toSorted());
  for (const [file, calls] of Object.entries(filesOfCalls)) {
    const url = new URL(file, import.meta.url);
    assert.ok(existsSync(url), file);
    const text = readFileSync(url, "utf8");
    assert.ok(text.includes(`testDocumentedErrors("${file}"`), file);
    for (const call of calls)
      assert.match(text, new RegExp(`test\\(\\s*["'\`]${call}\\(\\) `), `${file} tests ${call}`);
  }
});

for (const subject of subjects) {
  test(
    `fd_seek() of wasi_unstable counts from here, end and start (${subject.label})`,
    withBench({ subject, abi: "wasi_unstable" }, (p) => {
      p.write("w/file", "0123456789");
      const fd = p.open("file");
      const out = p.place(8);
      for (const [offset, whence, name, position] of [
        [4n, 2, "start", 4n],
        [3n, 0, "current", 7n],
        [-1n, 1, "end", 9n],
      ] as const) {
        const line = `fd_seek(fd=${fd},offset=${offset},whence=${name}) -> ${position}`;
        p.expect("fd_seek", [fd, offset, whence, out], { line, writes: [[out, u64(position)]] });
      }
      p.expect("fd_seek", [fd, 0n, 3, out], { errno: "inval" });
    }),
  );

  test(
    `fd_read() and fd_write() see a memory that has grown (${subject.label})`,
    withBench({ subject, memory: { initial: 2, maximum: 8 } }, (p) => growAndUse(p)),
  );

  test(
    `fd_read() and fd_write() work in a shared memory, also once it has grown (${subject.label})`,
    withBench({ subject, memory: { initial: 2, maximum: 8, shared: true } }, (p) => growAndUse(p)),
  );
}

/** Uses what lies in the pages that the guest got just now, and records that span old and new ones. */
function growAndUse(p: Bench): void {
  const fd = p.open("file", made);
  const n = p.place(4);
  p.expect("fd_write", [fd, p.pieces("before,"), n], { writes: [[n, u32(7)]] });
  for (const [index, text] of ["first,", "second"].entries()) {
    const border = p.memory.buffer.byteLength;
    p.memory.grow(2);
    p.renew();
    const at = border - 3;
    p.bytes.set(utf8(text), at);
    // The array lies in old pages, what it names in new ones.
    p.expect("fd_write", [fd, p.iovecs([at, text.length]), n], { writes: [[n, u32(text.length)]] });
    assert.equal(p.read("w/file"), ["before,first,", "before,first,second"][index]);
    p.expect("fd_pread", [fd, p.iovecs([border, 6]), 7n, n], {
      writes: [
        [border, utf8("first,")],
        [n, u32(6)],
      ],
    });
    p.expect("fd_tell", [fd, border + 8], { writes: [[border + 8, u64(BigInt(p.read("w/file").length))]] });
    p.bytes.set(utf8("file"), border - 2);
    p.expect("path_filestat_get", [3, 0, border - 2, 4, border + 64], { writes: [[border + 64, 64]] });
    p.expect("fd_readdir", [3, border, 100, 0n, n], {
      writes: [
        [border, 100],
        [n, 4],
      ],
    });
    p.expect("random_get", [border - 5, 10], { writes: [[border - 5, 10]] });
    p.expect("fd_tell", [fd, p.memory.buffer.byteLength - 7], { errno: "fault" });
  }
}

test("each call that takes a descriptor answers badf for one that is not open", () => {
  const bench = new Bench();
  for (const [name, row] of Object.entries(preview1)) {
    const fds = row.params.filter(([label]) => /^(fd|old_fd|new_fd|to)$/.test(label)).length;
    for (let missing = 0; missing < fds; missing++) {
      let seen = 0;
      const args = row.params.flatMap(([label, { core }]): (number | bigint)[] => {
        if (/^(fd|old_fd|new_fd|to)$/.test(label)) return [seen++ === missing ? 77 : 3];
        if (/path/.test(label) && core.length === 2) return bench.text("x");
        if (label === "target") return bench.text("x");
        return core.map((type) => (type === "i64" ? 0n : 0));
      });
      for (let i = 0; i < (row.result?.pointers ?? 0); i++) args.push(bench.place(64));
      bench.expect(name, args, { errno: "badf" });
    }
  }
  bench.close();
});

test("each call answers fault where a result lies past the end, whatever else it did", () => {
  const bench = new Bench({ args: ["x"], grants: { env: { A: "b" } } });
  bench.write("r/file", "hello");
  bench.link("file", "r/link");
  const fd = bench.open("file", { dir: 4, rights: 2n });
  const end = bench.bytes.length;
  const args: Readonly<Record<string, () => (number | bigint)[]>> = {
    fd_prestat_get: () => [3],
    fd_readdir: () => [4, bench.place(0), 0, 0n],
    path_filestat_get: () => [4, 0, ...bench.text("file")],
    path_open: () => [4, 0, ...bench.text("file"), 0, 0n, 0n, 0],
    path_readlink: () => [4, ...bench.text("link"), bench.place(0), 0],
    fd_write: () => [1, 0, 0],
    poll_oneoff: () => [bench.put(new Uint8Array(48)), bench.place(32), 1],
  };
  const skipped = ["sock_accept", "sock_recv", "sock_send", "fd_pwrite"];
  const withResult = Object.entries(preview1).filter(
    ([name, row]) => row.result !== undefined && !skipped.includes(name),
  );
  assert.ok(withResult.length > 15);
  for (const [name, row] of withResult) {
    const given =
      args[name]?.() ??
      row.params.flatMap(([label, { core }]) => core.map((type) => (label === "fd" ? fd : type === "i64" ? 0n : 0)));
    const before = bench.bytes.slice();
    const pointers = Array.from({ length: row.result?.pointers ?? 0 }, () => end - 3);
    assert.equal(bench.call(name, ...given, ...pointers), "fault", name);
    if (name !== "poll_oneoff") assert.deepEqual(bench.bytes.slice(0, end - 3), before.slice(0, end - 3), name);
    assert.match(bench.lines.at(-1) ?? "", new RegExp(`^${name}\\(.*\\) -> fault$`));
    bench.renew();
  }
  bench.close();
});

test("Preview1Context ends the guest for an error that is no failure of the host's, and says so", () => {
  const outcomes: unknown[] = [];
  const options: BenchOptions = {};
  const bench = new Bench(options);
  const context = new Preview1Context({
    host: bench.host,
    args: [],
    end(outcome) {
      outcomes.push(outcome);
      throw new Error("ended");
    },
  });
  const error = new RangeError("offset is out of bounds");
  assert.throws(() => context.fail(error), /^Error: ended$/);
  assert.deepEqual(outcomes, [{ kind: "bug", error }]);
  const overflow = new RangeError("Maximum call stack size exceeded");
  assert.throws(() => context.fail(overflow), overflow);
  bench.close();
});
