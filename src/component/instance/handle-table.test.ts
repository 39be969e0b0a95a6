import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Handle, HandleTable } from "./handle-table.ts";
import { Task } from "./task.ts";

describe("HandleTable", () => {
  test("counts from 1 and gives the number out again that was freed last", () => {
    const table = new HandleTable();
    const numbers = Array.from({ length: 4 }, (_, rep) => table.add(new Handle(0, rep)));
    assert.deepEqual(numbers, [1, 2, 3, 4]);
    table.remove(2);
    table.remove(4);
    assert.equal(table.add(new Handle(0, 5)), 4);
    assert.equal(table.add(new Handle(0, 6)), 2);
    assert.equal(table.add(new Handle(0, 7)), 5);
    assert.equal(table.size, 5);
    assert.deepEqual(
      [...table].map(({ rep }) => rep),
      [0, 6, 2, 5, 7],
    );
  });

  test("has nothing under 0, under numbers of no entry, nor under negative ones", () => {
    const table = new HandleTable();
    table.add(new Handle(0, "it"));
    for (const index of [0, 2, -1, 2 ** 31 - 1]) assert.equal(table.get(index), undefined);
    assert.equal(table.get(1)?.rep, "it");
  });

  test("shares the room for entries with others, and gets it back", () => {
    const room = { left: 2 };
    const [one, other] = [new HandleTable(room), new HandleTable(room)];
    assert.equal(one.add(new Handle(0, 1)), 1);
    assert.equal(other.add(new Handle(0, 1)), 1);
    assert.equal(one.add(new Handle(0, 2)), undefined);
    other.remove(1);
    assert.equal(one.add(new Handle(0, 2)), 2);
    assert.equal(other.add(new Handle(0, 2)), undefined);
  });

  test("tells what is owned from what was lent to a task", () => {
    assert.ok(new Handle(0, 1).isOwn);
    assert.ok(!new Handle(0, 1, new Task()).isOwn);
  });
});
