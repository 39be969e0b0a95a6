import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

/** Keeps the thread busy for some ms. */
function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Who is resumed in which turn of the event loop, where each keeps the thread busy for so many ms. */
async function turnsOf(names: readonly string[], busy: number): Promise<(readonly [name: string, turn: number])[]> {
  const turns = new Turns();
  let turn = 0;
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  const order: (readonly [string, number])[] = [];
  await Promise.all(
    names.map(async (name) => {
      await turns.next();
      order.push([name, turn]);
      spin(busy);
    }),
  );
  isOver = true;
  return order;
}

test("Turns.next() resumes first come, first served, and each in a turn of the event loop of its own that uses its slice up", async () => {
  const order = await turnsOf(["a", "b", "c"], 0.6);
  assert.deepEqual(
    order.map(([name]) => name),
    ["a", "b", "c"],
  );
  assert.equal(new Set(order.map(([, turn]) => turn)).size, 3);
});

test("Turns.next() resumes many in one turn where they run but a moment", async () => {
  const names = Array.from({ length: 20 }, (_, index) => String(index));
  const order = await turnsOf(names, 0);
  assert.deepEqual(
    order.map(([name]) => name),
    names,
  );
  assert.ok(new Set(order.map(([, turn]) => turn)).size < 15);
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
