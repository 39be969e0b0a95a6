import assert from "node:assert/strict";
import { test } from "node:test";
import { Checksum, checksumBytes } from "./checksum.ts";

function sumOf(checksum: Checksum, bytes: Uint8Array, piece = bytes.length): Uint8Array {
  checksum.reset();
  for (let at = 0; at < bytes.length; at += piece) checksum.update(bytes.subarray(at, at + piece));
  return checksum.finish();
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 7)) & 0xff);

for (const length of [1, 15, 16, 1_000, 65_536, 65_537, 200_000]) {
  test(`Checksum of ${length} bytes is the same however they are cut, and another for each byte that changes`, () => {
    const checksum = new Checksum();
    const bytes = bytesOf(length);
    const sum = sumOf(checksum, bytes);
    assert.equal(sum.length, checksumBytes);
    for (const piece of [1_001, 65_536, 65_535]) assert.deepEqual(sumOf(checksum, bytes, piece), sum);
    // What was summed up before leaves nothing behind.
    sumOf(
      checksum,
      bytesOf(90_000).map((each) => each ^ 0xff),
    );
    sumOf(checksum, new Uint8Array(60_000).fill(0xff));
    assert.deepEqual(sumOf(checksum, bytes), sum);
    for (let at = 0; at < length; at += Math.max(1, Math.floor(length / 50))) {
      const other = bytes.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      assert.notDeepEqual(sumOf(checksum, other), sum, `byte ${at}`);
    }
  });
}
