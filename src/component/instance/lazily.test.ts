import assert from "node:assert/strict";
import test from "node:test";
import { lazily } from "./lazily.ts";

test("lazily() makes a function when it is first called, once, and hands on all arguments and the answer", () => {
  for (let count = 0; count <= 12; count++) {
    let made = 0;
    const lazy = lazily(count, () => {
      made += 1;
      return (...args) => args.map((each) => Number(each) * 2);
    });
    assert.equal(made, 0);
    const args = Array.from({ length: count }, (_, at) => at + 1);
    for (let i = 0; i < 3; i++) {
      assert.deepEqual(
        lazy(...args),
        args.map((each) => each * 2),
      );
    }
    assert.equal(made, 1);
    if (count <= 8) assert.equal(lazy.length, count);
  }
});

test("lazily() makes a function again where making it failed", () => {
  let tries = 0;
  const lazy = lazily(0, () => {
    tries += 1;
    if (tries === 1) throw new RangeError("no stack left");
    return () => tries;
  });
  assert.throws(() => lazy(), RangeError);
  assert.equal(lazy(), 2);
});
