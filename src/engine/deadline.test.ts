import assert from "node:assert/strict";
import { test } from "node:test";
import { runWithDeadline } from "./deadline.ts";
import { guestBytes, requestOf } from "./engine-fixture.ts";

test("runWithDeadline() ends a loop that calls nothing, and one that calls the host", async () => {
  const bytes = await guestBytes("spin");
  for (const args of [[], ["call"]]) {
    const { ending } = await runWithDeadline(requestOf(bytes, { args }), 200);
    assert.deepEqual(ending, {
      kind: "error",
      error: { code: "LIMIT_DEADLINE", message: "Ended the guest after 200ms", hint: "give it more with --timeout" },
    });
  }
});

test("runWithDeadline() gives the report of a guest that ends in time, as run() would", async () => {
  const exit = await runWithDeadline(requestOf(await guestBytes("exit-code"), { args: ["7"] }), 60_000);
  assert.deepEqual(exit.ending, { kind: "exit", code: 7 });
  assert.deepEqual(exit.refusals, [{ capability: "stdio", stream: "stdout" }]);
  const trap = await runWithDeadline(requestOf(await guestBytes("trap")), 60_000);
  assert.ok(trap.ending.kind === "trap" && trap.ending.backtrace.length > 3);
  const invoke = { name: "add", args: ["1"] };
  const wrong = await runWithDeadline(requestOf(await guestBytes("invoke"), { invoke }), 60_000);
  assert.ok(wrong.ending.kind === "error" && wrong.ending.error.code === "CLI_USAGE");
});

test("runWithDeadline() waits for a deadline of months", async () => {
  const report = await runWithDeadline(requestOf(await guestBytes("exit-code"), { args: ["0"] }), 100 * 24 * 3_600_000);
  assert.deepEqual(report.ending, { kind: "exit", code: 0 });
});

test("runWithDeadline() reports what was refused before the deadline", async () => {
  const { ending, refusals } = await runWithDeadline(requestOf(await guestBytes("spin"), { args: ["call"] }), 300);
  assert.ok(ending.kind === "error" && ending.error.code === "LIMIT_DEADLINE");
  assert.deepEqual(refusals, [{ capability: "stdio", stream: "stdout" }]);
});
