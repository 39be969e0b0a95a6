import assert from "node:assert/strict";
import { test } from "node:test";
import type { WorkerLines } from "../protocol.ts";
import { GuestLines, Lines } from "./lines.ts";

test("Lines gathers lines into one message, and says how many it dropped", () => {
  const sent: WorkerLines[] = [];
  const lines = new Lines((message) => sent.push(message));
  lines.add("access", "one");
  lines.add("operator", "two");
  lines.flush();
  lines.flush();
  assert.deepEqual(sent, [{ kind: "lines", access: ["one"], operator: ["two"] }]);
  for (let each = 0; each < 10_003; each++) lines.add("guest", "x");
  lines.flush();
  assert.equal(sent[1]?.guest?.length, 10_000);
  assert.match(sent[1].operator?.[0] ?? "", /^3 lines were dropped \(guest\)/);
});

test("Lines sends by itself after a while", async () => {
  const { promise, resolve } = Promise.withResolvers<WorkerLines>();
  new Lines(resolve).add("guest", "late");
  assert.deepEqual((await promise).guest, ["late"]);
});

test("GuestLines cuts what guests write into lines without what a terminal would obey", () => {
  const sent: string[] = [];
  const lines = new Lines(({ guest = [] }) => sent.push(...guest));
  const sink = new GuestLines(lines, "app");
  const bytes = Buffer.from("é one\n\u001b[2J two\nthree");
  for (const byte of bytes) assert.equal(sink.write(Buffer.from([byte])), 1);
  assert.equal(sink.ready(), true);
  sink.close();
  sink.close();
  lines.flush();
  assert.deepEqual(sent, ["app | é one", "app | \\u001b[2J two", "app | three"]);
  sink.write(Buffer.alloc(40_000, "x"));
  lines.flush();
  assert.equal(sent.length, 5);
});
