import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpFailure } from "../../engine/index.ts";
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

/** Somebody whose memory bytes are in; what is kept of it, and what came back. */
function lender(): { readonly keep: () => boolean; readonly giveBack: (bytes: Uint8Array) => void; kept: number } {
  const own = {
    kept: 0,
    keep: () => {
      own.kept += 1;
      return true;
    },
    giveBack: () => void (own.kept -= 1),
  };
  return own;
}

test("RequestBody keeps a lender's large pieces without copying them, until they are read or nobody wants them", () => {
  for (const end of ["read", "dropped", "failed"] as const) {
    const body = new RequestBody({ wanted: () => {}, taken: () => {} });
    const own = lender();
    const large = new Uint8Array(40_000).fill(7);
    const small = new Uint8Array(5000).fill(8);
    body.add(large, own);
    body.add(small, own);
    small.fill(0);
    assert.equal(own.kept, 1, "the small one is copied");
    const seen: [Uint8Array, number, number][] = [];
    assert.equal(
      body.pass(30_000, (bytes) => seen.push([bytes, bytes[0] ?? 0, own.kept])),
      30_000,
    );
    assert.deepEqual(
      seen.map(([{ buffer }]) => buffer === large.buffer),
      [true],
    );
    assert.equal(own.kept, 1);
    if (end === "read") {
      body.finish([]);
      assert.equal(readAll(body, 20_000).length, 15_000);
    } else if (end === "dropped") body.drop();
    else body.fail(new HttpFailure({ tag: "connection-terminated" }));
    assert.equal(own.kept, 0, end);
  }
});

test("RequestBody hands what comes to who waits for it, and keeps the rest", async () => {
  const body = new RequestBody({ wanted: () => {}, taken: () => {} });
  const own = lender();
  const bytes = new Uint8Array(40_000).fill(7);
  const seen: Uint8Array[] = [];
  const first = body.pass(3, (part) => void seen.push(part));
  const second = body.read(new Uint8Array(4));
  body.add(bytes, own);
  assert.equal(seen[0]?.buffer, bytes.buffer);
  assert.deepEqual([await first, await second], [3, 4]);
  assert.equal(own.kept, 1);
  body.finish([]);
  assert.equal(readAll(body, 65_536).length, 40_000 - 7);
  assert.equal(own.kept, 0);
  const failing = new RequestBody({ wanted: () => {}, taken: () => {} });
  const why = new Error("no room");
  const refused = failing.pass(9, () => {
    throw why;
  });
  failing.add(new Uint8Array(2));
  await assert.rejects(Promise.resolve(refused), why);
  const left = failing.pass(9, () => {});
  failing.finish([]);
  assert.equal(await left, 0);
});
