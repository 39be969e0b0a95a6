import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineCutter, longestPiece } from "./line-cutter.ts";

function cut(...writes: readonly (string | Uint8Array)[]): string[] {
  const pieces: string[] = [];
  const cutter = new LineCutter((text) => pieces.push(text));
  for (const write of writes) cutter.push(Buffer.from(write));
  cutter.end();
  return pieces;
}

test("LineCutter joins lines that writes split and gives out the last one without an end", () => {
  assert.deepEqual(cut("one\ntw", "o", "\n", "\nthree"), ["one\n", "two\n", "\n", "three"]);
  assert.deepEqual(cut(""), []);
});

test("LineCutter cuts a long line in pieces of 16 KiB, but not one that is just so long", () => {
  assert.deepEqual(cut(`${"a".repeat(longestPiece)}\n`), [`${"a".repeat(longestPiece)}\n`]);
  const lengths = cut("a".repeat(2 * longestPiece + 3), "\nb\n").map((piece) => piece.length);
  assert.deepEqual(lengths, [longestPiece, longestPiece, 4, 2]);
});

test("LineCutter copies what it holds: the writer may use its memory again", () => {
  const pieces: string[] = [];
  const cutter = new LineCutter((text) => pieces.push(text));
  const bytes = Buffer.from("ab");
  cutter.push(bytes);
  bytes.fill("x");
  cutter.push(Buffer.from("\n"));
  assert.deepEqual(pieces, ["ab\n"]);
});

test("LineCutter loses nothing and cuts no character in two, however a text is split into writes", () => {
  const text = fc.array(
    fc.constantFrom("\n", "é", "€", "🚣", "a", "é".repeat(9000), "🚣".repeat(5000), "x".repeat(16384)),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(text, fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 8 }), (parts, sizes) => {
      const whole = Buffer.from(parts.join(""));
      const writes: Buffer[] = [];
      for (let at = 0, turn = 0; at < whole.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        writes.push(whole.subarray(at, at + size));
        at += size;
      }
      const pieces = cut(...writes);
      assert.equal(pieces.join(""), whole.toString());
      for (const [index, piece] of pieces.entries()) {
        assert.ok(Buffer.byteLength(piece) <= longestPiece + 1);
        assert.ok(!piece.slice(0, -1).includes("\n"));
        if (!piece.endsWith("\n") && index < pieces.length - 1) assert.ok(Buffer.byteLength(piece) > longestPiece - 4);
      }
    }),
    { numRuns: 200 },
  );
});

test("LineCutter gives out bytes that are no UTF-8 all the same", () => {
  const bytes = Buffer.alloc(longestPiece + 10, 0x80);
  assert.equal(cut(bytes).join("").length, bytes.length);
  assert.deepEqual(cut(Buffer.from([0xff, 0x0a])), ["\ufffd\n"]);
});
