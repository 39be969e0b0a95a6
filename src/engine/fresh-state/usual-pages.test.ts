import assert from "node:assert/strict";
import { test } from "node:test";
import { UsualPages } from "./usual-pages.ts";

const writing = (...pages: readonly number[]): Uint8Array => {
  const written = new Uint8Array(100);
  for (const page of pages) written[page] = 1;
  return written;
};

test("UsualPages takes pages that half of the last eight looks found written, and joins those that are near", () => {
  const usual = new UsualPages({ pages: 100_000, zeros: 0 });
  for (let round = 0; round < 8; round++) usual.note(writing(3, 5, 60, round + 70, ...(round % 2 === 0 ? [40] : [])));
  assert.deepEqual(usual.ranges, [
    { start: 3, count: 3 },
    { start: 40, count: 1 },
    { start: 60, count: 1 },
  ]);
});

test("UsualPages forgets what is no longer written, and keeps its ranges where nothing changes", () => {
  const usual = new UsualPages({ pages: 100_000, zeros: 0 });
  for (let round = 0; round < 8; round++) usual.note(writing(3));
  const { ranges } = usual;
  usual.note(writing(3, 50));
  assert.equal(usual.ranges, ranges);
  for (let round = 0; round < 8; round++) usual.note(writing(20));
  assert.deepEqual(usual.ranges, [{ start: 20, count: 1 }]);
});

test("UsualPages takes in pages that a memory grew by", () => {
  const usual = new UsualPages({ pages: 100_000, zeros: 0 });
  usual.note(new Uint8Array([1, 0]));
  usual.note(writing(0, 99));
  assert.deepEqual(usual.ranges, [
    { start: 0, count: 1 },
    { start: 99, count: 1 },
  ]);
});

test("UsualPages.takeLook() wants the first eight rounds and then ever fewer, but never none", () => {
  const usual = new UsualPages({ pages: 100_000, zeros: 0 });
  const looks: number[] = [];
  for (let round = 0; round < 20_000; round++) {
    if (!usual.takeLook()) continue;
    looks.push(round);
    usual.note(writing(1));
  }
  assert.deepEqual(looks.slice(0, 12), [0, 1, 2, 3, 4, 5, 6, 7, 23, 55, 119, 247]);
  assert.equal((looks.at(-1) ?? 0) - (looks.at(-2) ?? 0), 4096);
});

test("UsualPages takes all of a small memory where pages are written that are not usual, and leaves it again", () => {
  const usual = new UsualPages({ pages: 80, zeros: 40 });
  for (let round = 0; round < 8; round++) usual.note(writing(3));
  assert.deepEqual(usual.ranges, [{ start: 3, count: 1 }]);
  for (let round = 0; round < 8; round++) usual.note(writing(3, 90, 20 + round * 4, 21 + round * 5));
  assert.deepEqual(usual.ranges, [
    { start: 0, count: 80 },
    { start: 90, count: 1 },
  ]);
  for (let round = 0; round < 12; round++) usual.note(writing(3));
  assert.deepEqual(usual.ranges, [{ start: 3, count: 1 }]);
});
