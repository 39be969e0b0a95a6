import assert from "node:assert/strict";
import { test } from "node:test";
import { CallChannel } from "./channel.ts";

test("CallChannel.ask() hands on 32- and 64-bit arguments as they are and answers what was answered", () => {
  const asking = new CallChannel();
  const answering = new CallChannel(asking.buffer);
  const asked = [0, -1, 2 ** 31 - 1, -(2n ** 63n), 2n ** 63n - 1n, 0n, 7];
  for (const [call, args] of [
    [3, asked],
    [-1, [5]],
    [0, []],
  ] as const) {
    const answer = asking.ask(call, args, () => {
      assert.deepEqual(answering.question, { call, args: [...args] });
      answering.answer(40 - call);
    });
    assert.equal(answer, 40 - call);
  }
  assert.throws(
    () =>
      asking.ask(
        0,
        Array.from({ length: 25 }, () => 0),
        assert.fail,
      ),
    /has 25 arguments/,
  );
});
