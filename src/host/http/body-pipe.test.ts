import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyPipe } from "./body-pipe.ts";
import { HttpFailure } from "./errors.ts";

test("BodyPipe.write() sends no more than was promised, however many writes wait for room", async () => {
  const pipe = new BodyPipe({ expected: 6, sizeError: "HTTP-response-body-size" });
  const sent: number[] = [];
  const failed: unknown[] = [];
  pipe.attach({
    write: (bytes) => {
      sent.push(bytes.length);
      return false;
    },
    end: () => {},
    fail: ({ code }) => failed.push(code),
  });
  assert.equal(pipe.write(new Uint8Array(2)), 2);
  const waiting = [pipe.write(new Uint8Array(4)), pipe.write(new Uint8Array(4))] as const;
  pipe.drained();
  assert.equal(await waiting[0], 4);
  pipe.drained();
  await assert.rejects(Promise.resolve(waiting[1]), HttpFailure);
  assert.deepEqual(sent, [2, 4]);
  assert.deepEqual(failed, [{ tag: "HTTP-response-body-size", val: 10n }]);
});
