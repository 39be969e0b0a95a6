import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestBody } from "./request-body.ts";

function readAll(body: RequestBody, size: number): Buffer {
  const read: Buffer[] = [];
  for (;;) {
    const into = new Uint8Array(size);
    const count = body.read(into);
    assert.equal(typeof count, "number");
    if (count === 0) return Buffer.concat(read);
    read.push(Buffer.from(into.subarray(0, count as number)));
  }
}

test("RequestBody gathers small pieces, and answers them in their order whatever is read between them", () => {
  const body = new RequestBody({ wanted: () => {}, taken: () => {} });
  const sent: Buffer[] = [];
  const read: Buffer[] = [];
  const into = new Uint8Array(37);
  for (let at = 0; at < 3000; at++) {
    const piece = Buffer.alloc(at % 500 === 0 ? 5000 : at % 11, at);
    if (piece.length > 0) body.add(piece);
    sent.push(piece);
    if (at % 7 !== 0) continue;
    const count = body.read(into);
    if (typeof count === "number") read.push(Buffer.from(into.slice(0, count)));
  }
  body.finish([]);
  assert.deepEqual(Buffer.concat([...read, readAll(body, 61)]), Buffer.concat(sent));
  assert.ok(body.isOver);
});

test("RequestBody keeps pieces of a byte in a few times their bytes", () => {
  const body = new RequestBody({ wanted: () => {}, taken: () => {} });
  const count = 60_000;
  for (let at = 0; at < count; at++) body.add(new Uint8Array([at & 0xff]));
  body.finish([]);
  // Read by rooms, not by bytes: what one read brings is all that a room has.
  const into = new Uint8Array(65_536);
  let reads = 0;
  for (let got = body.read(into); got !== 0; got = body.read(into)) reads += 1;
  assert.ok(reads < count / 1000, `${reads} pieces`);
});
