import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { ByteReader } from "./reader.ts";
import { ByteWriter } from "./writer.ts";

const readerOf = (...bytes: readonly number[]): ByteReader => new ByteReader(Uint8Array.from(bytes));

const isMalformedAt =
  (offset: number) =>
  (error: unknown): boolean =>
    error instanceof SampanError && error.code === "WASM_MALFORMED" && error.data?.["offset"] === offset;

describe("ByteReader", () => {
  test("u8() reads bytes and refuses the end", () => {
    const reader = readerOf(7, 255);
    assert.deepEqual([reader.u8(), reader.u8(), reader.isAtEnd], [7, 255, true]);
    assert.throws(() => reader.u8(), isMalformedAt(2));
  });

  test("u32() reads what ByteWriter writes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const bytes = new ByteWriter().u32(value).finish();
        const reader = new ByteReader(bytes);
        assert.equal(reader.u32(), value);
        assert.ok(reader.isAtEnd);
      }),
    );
  });

  test("u64() reads what ByteWriter writes", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const reader = new ByteReader(new ByteWriter().u64(value).finish());
        assert.equal(reader.u64(), value);
        assert.ok(reader.isAtEnd);
      }),
    );
  });

  test("s33() reads signed integers of every length", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 32n), max: 2n ** 32n - 1n }), (value) => {
        const bytes: number[] = [];
        let rest = value;
        for (;;) {
          const low = Number(BigInt.asUintN(7, rest));
          rest >>= 7n;
          const isLast = (rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40);
          bytes.push(isLast ? low : low | 0x80);
          if (isLast) break;
        }
        assert.equal(readerOf(...bytes).s33(), Number(value));
      }),
    );
  });

  test("integers may be padded up to their longest form", () => {
    assert.equal(readerOf(0x81, 0x80, 0x80, 0x80, 0).u32(), 1);
    assert.equal(readerOf(0xff, 0xff, 0xff, 0xff, 0x0f).u32(), 2 ** 32 - 1);
    assert.equal(readerOf(0xff, 0xff, 0xff, 0xff, 0x7f).s33(), -1);
    assert.equal(readerOf(0x80, 0x80, 0x80, 0x80, 0x70).s33(), -(2 ** 32));
    assert.equal(readerOf(0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0).u64(), 1n);
  });

  for (const [title, read] of [
    ["u32() refuses a sixth byte", () => readerOf(0x80, 0x80, 0x80, 0x80, 0x80, 0).u32()],
    ["u32() refuses a 33rd bit", () => readerOf(0xff, 0xff, 0xff, 0xff, 0x1f).u32()],
    ["s33() refuses a sixth byte", () => readerOf(0x80, 0x80, 0x80, 0x80, 0x80, 0).s33()],
    ["s33() refuses unused bits unlike the sign", () => readerOf(0x80, 0x80, 0x80, 0x80, 0x20).s33()],
    ["u64() refuses an eleventh byte", () => readerOf(...Array(10).fill(0x80), 0).u64()],
    ["u64() refuses a 65th bit", () => readerOf(...Array(9).fill(0xff), 2).u64()],
    ["count() refuses more elements than bytes", () => readerOf(4, 1, 2, 3).count()],
    ["sized() refuses more bytes than there are", () => readerOf(0xff, 0xff, 0xff, 0xff, 0x0f, 1).sized("a thing")],
  ] as const) {
    test(title, () => assert.throws(read, isMalformedAt(0)));
  }

  test("u32() refuses an integer that the input cuts off", () => {
    assert.throws(() => readerOf(0x80, 0x80).u32(), isMalformedAt(2));
  });

  test("name() reads any text back, a byte order mark too, and refuses bytes that are no UTF-8", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        assert.equal(new ByteReader(new ByteWriter().name(text).finish()).name(), text);
      }),
    );
    assert.equal(readerOf(3, 0xef, 0xbb, 0xbf).name(), "\ufeff");
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      assert.throws(() => readerOf(bytes.length, ...bytes).name(), isMalformedAt(1));
    }
  });

  test("a range bounds every read and keeps the offsets of the whole", () => {
    const bytes = Uint8Array.from([9, 9, 1, 2, 9, 9]);
    const reader = new ByteReader(bytes, { start: 2, end: 4 });
    assert.deepEqual([reader.offset, reader.remaining, reader.peek()], [2, 2, 1]);
    reader.skip(1);
    assert.throws(() => reader.skip(2), isMalformedAt(3));
    assert.throws(() => reader.expectEnd("it"), isMalformedAt(3));
    reader.u8();
    reader.expectEnd("it");
    assert.equal(reader.peek(), undefined);
    assert.throws(() => reader.u8(), isMalformedAt(4));
    assert.equal(new ByteReader(bytes, { start: 4, end: 400 }).remaining, 2);
  });
});

test("ByteWriter grows to what is written", () => {
  const writer = new ByteWriter().u8(1).raw(new Uint8Array(100_000).fill(7)).u8(2);
  const bytes = writer.finish();
  assert.deepEqual(
    [writer.length, bytes.length, bytes[0], bytes[100_000], bytes[100_001]],
    [100_002, 100_002, 1, 7, 2],
  );
});
