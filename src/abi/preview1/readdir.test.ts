import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync } from "node:fs";
import { test } from "node:test";
import { type Bench, type Subject, subjects, testDocumentedErrors, u32, withBench } from "./preview1-fixture.ts";
import { rights } from "../preview1-types.ts";

const end = 0x2_0000;
const head = 24;
const inMemory = existsSync("/dev/shm") ? { base: "/dev/shm" } : {};

interface Entry {
  readonly cookie: bigint;
  readonly ino: bigint;
  readonly type: number;
  readonly name: string;
}

function each(use: (bench: Bench, subject: Subject) => void): (() => void)[] {
  return subjects.map((subject) => withBench({ subject }, (bench) => use(bench, subject)));
}

/** Reads once: the whole entries in the buffer, and whether it was full, so that there may be more. */
function readOnce(p: Bench, fd: number, cookie: bigint, size: number): { entries: Entry[]; isFull: boolean } {
  const [at, n] = [p.place(size), p.place(4)];
  const memory = p.expect("fd_readdir", [fd, at, size, cookie, n], {
    writes: [
      [at, size],
      [n, 4],
    ],
  });
  const used = memory.getUint32(n, true);
  const bytes = new Uint8Array(memory.buffer);
  assert.ok(
    bytes.subarray(at + used, at + size).every((byte) => byte === 0xaa),
    "nothing is written behind the entries",
  );
  const entries: Entry[] = [];
  for (let from = at; from + head <= at + used;) {
    const length = memory.getUint32(from + 16, true);
    const to = from + head + length;
    if (to > at + used) break;
    const name = Buffer.from(bytes.subarray(from + head, to)).toString();
    const [cookieThen, ino] = [memory.getBigUint64(from, true), memory.getBigUint64(from + 8, true)];
    entries.push({ cookie: cookieThen, ino, type: memory.getUint32(from + 20, true), name });
    from = to;
  }
  return { entries, isFull: used === size };
}

/** Reads as a C library does: whole buffers, going on from the last whole entry; `between` runs after each. */
function readAll(
  p: Bench,
  fd: number,
  { size = 4096, from = 0n, between = (_read: readonly Entry[]): void => {} } = {},
): Entry[] {
  const all: Entry[] = [];
  for (let cookie = from; ;) {
    const { entries, isFull } = readOnce(p, fd, cookie, size);
    all.push(...entries);
    if (!isFull) return all;
    assert.ok(entries.length > 0, "each buffer has room for an entry");
    cookie = entries.at(-1)?.cookie ?? 0n;
    between(all);
  }
}

const names = (entries: readonly Entry[]): string[] => entries.map(({ name }) => name);

for (const [index, { label }] of subjects.entries()) {
  test(
    `fd_readdir() gives name, type and inode of each entry (${label})`,
    each((p) => {
      p.write("r/file");
      p.write("r/ü");
      mkdirSync(p.at("r/folder"));
      p.link("file", "r/link");
      execFileSync("mkfifo", [p.at("r/pipe")]);
      const found = readAll(p, 4).toSorted((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(names(found), [".", "..", "file", "folder", "link", "pipe", "ü"]);
      assert.deepEqual(
        found.map(({ type }) => type),
        [3, 3, 4, 3, 7, 0, 4],
      );
      for (const { name, ino } of found) {
        if (name !== "..") assert.equal(ino, lstatSync(p.at(`r/${name}`), { bigint: true }).ino, name);
      }
      assert.match(p.lines.at(-1) ?? "", /^fd_readdir\(fd=4,buf=0x\w+\+4096,cookie=0\) -> \d+$/);
    })[index],
  );

  test(
    `fd_readdir() cuts the last entry off, and gives it again from the cookie before (${label})`,
    each((p) => {
      for (const name of ["a", "bb", "a-longer-name"]) p.write(`r/${name}`);
      const whole = readAll(p, 4);
      assert.equal(whole.length, 5);
      for (let size = head + 13; size < 200; size++) {
        assert.deepEqual(readAll(p, 4, { size }), whole, `with a buffer of ${size}`);
      }
    })[index],
  );

  test(
    `fd_readdir() fills a buffer that has no room for a head, so that the guest asks with a larger one (${label})`,
    each((p) => {
      p.write("r/file");
      const [at, n] = [p.place(head - 1), p.place(4)];
      for (const size of [0, 1, head - 1]) {
        p.expect("fd_readdir", [4, at, size, 0n, n], {
          writes: [
            [at, size],
            [n, u32(size)],
          ],
        });
      }
      const last = readAll(p, 4).at(-1)?.cookie ?? 0n;
      p.expect("fd_readdir", [4, at, head - 1, last, n], { writes: [[n, u32(0)]] });
    })[index],
  );

  test(
    `fd_readdir() reads one folder from two places at once (${label})`,
    each((p) => {
      for (let i = 0; i < 50; i++) p.write(`r/${i}`);
      const other = p.open(".", { dir: 4, rights: rights.fdReaddir });
      const inner: string[][] = [];
      const outer = readAll(p, 4, { size: 400, between: () => inner.push(names(readAll(p, other, { size: 300 }))) });
      assert.ok(inner.length > 2);
      for (const read of inner) assert.deepEqual(read, names(outer));
    })[index],
  );

  test(
    `fd_readdir() from 0 again shows what came and went since (${label})`,
    each((p) => {
      p.write("w/old");
      assert.deepEqual(names(readAll(p, 3)).toSorted(), [".", "..", "old"]);
      p.write("w/new");
      unlinkSync(p.at("w/old"));
      assert.deepEqual(names(readAll(p, 3)).toSorted(), [".", "..", "new"]);
    })[index],
  );

  test(
    `fd_readdir() keeps its cookies while entries are made and removed between calls (${label})`,
    each((p) => {
      for (let i = 0; i < 1000; i++) p.write(`w/stays-${i}`);
      for (let i = 0; i < 500; i++) p.write(`w/goes-${i}`);
      let turn = 0;
      const between = (read: readonly Entry[]): void => {
        p.write(`w/new-${turn}`);
        const [seen] = read.filter(({ name }) => name.startsWith("goes") && existsSync(p.at(`w/${name}`)));
        if (seen !== undefined) unlinkSync(p.at(`w/${seen.name}`));
        if (existsSync(p.at(`w/goes-${turn}`))) unlinkSync(p.at(`w/goes-${turn}`));
        turn += 1;
      };
      const found = names(readAll(p, 3, { size: 1000, between }));
      assert.ok(turn > 20, "there were many calls");
      assert.equal(new Set(found).size, found.length, "no entry comes twice");
      assert.equal(found.filter((name) => name.startsWith("stays")).length, 1000, "none that stays is left out");
    })[index],
  );

  test(
    `fd_readdir() answers badf, notdir and fault (${label})`,
    each((p) => {
      p.write("r/file");
      const n = p.place(4);
      p.expect("fd_readdir", [99, p.place(9), 9, 0n, n], { errno: "badf", line: /^fd_readdir\(fd=99,.*\) -> badf$/ });
      p.expect("fd_readdir", [p.open("file", { dir: 4, rights: rights.fdRead }), p.place(9), 9, 0n, n], {
        errno: "notdir",
      });
      p.expect("fd_readdir", [1, p.place(9), 9, 0n, n], { errno: "notdir" });
      p.expect("fd_readdir", [4, end - 99, 100, 0n, n], { errno: "fault" });
      p.expect("fd_readdir", [4, 16, -1, 0n, n], { errno: "fault" });
    })[index],
  );

  test(
    `fd_readdir() lists 100,000 entries, and goes back to any cookie (${label})`,
    withBench({ subject: subjects[index] ?? assert.fail(), ...inMemory }, (p) => {
      const count = 100_000;
      for (let i = 0; i < count; i++) symlinkSync("x", p.at(`r/${i}`));
      const size = 60_000;
      const found = readAll(p, 4, { size });
      assert.equal(found.length, count + 2);
      assert.equal(new Set(names(found)).size, count + 2);
      assert.equal(new Set(found.map(({ cookie }) => cookie)).size, count + 2);
      for (const place of [count, 1, 77_777, 50_000, 49_999, 0]) {
        const { cookie } = found[place] ?? assert.fail();
        const { entries } = readOnce(p, 4, cookie, 400);
        assert.deepEqual(entries, found.slice(place + 1, place + 1 + entries.length));
        assert.ok(entries.length > 0 || place === count + 1);
      }
      assert.equal(readdirSync(p.at("r")).length, count);
      assert.ok(statSync(p.at("r")).isDirectory());
    }),
  );
}

testDocumentedErrors("readdir.test.ts");
