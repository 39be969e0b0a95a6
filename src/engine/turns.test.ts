import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

/** Keeps the thread busy for some ms. */
function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("Turns.next() resumes one after the other, each in a turn of the event loop of its own, first come, first served", async () => {
  const turns = new Turns();
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  const resumed = await Promise.all(
    ["a", "b", "c"].map(async (name) => {
      await turns.next();
      return { name, turn };
    }),
  );
  isOver = true;
  const order = resumed.toSorted((one, other) => one.turn - other.turn);
  assert.deepEqual(
    order.map(({ name }) => name),
    ["a", "b", "c"],
  );
  assert.equal(new Set(resumed.map((each) => each.turn)).size, 3);
});

test("Turns lets a timer through between guests that never wait", async () => {
  const turns = new Turns();
  let slices = 0;
  let isOver = false;
  const guest = async (): Promise<void> => {
    while (!isOver) {
      turns.begin();
      spin(0.6);
      slices += 1;
      if (turns.isOver) await turns.next();
    }
  };
  const guests = Array.from({ length: 20 }, guest);
  const before = slices;
  await new Promise<void>((resolve) => setTimeout(resolve, 1));
  // Twenty slices in one turn of the loop would have passed if all were resumed at once.
  assert.ok(slices - before < 15, `${slices - before} slices before a timer of 1 ms`);
  isOver = true;
  await Promise.all(guests);
});

test("Turns.isOver is false until guests have had their share of a turn, and again in the next", async () => {
  const turns = new Turns();
  assert.equal(turns.isOver, false);
  turns.begin();
  assert.equal(turns.isOver, false);
  spin(1.5);
  assert.equal(turns.isOver, true);
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  assert.equal(turns.isOver, false);
});
