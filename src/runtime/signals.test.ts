import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { endingOfThrown, exitCodeOf } from "./process.ts";
import { defaultAction, parseSignal, signalNumber } from "./signals.ts";

test("parseSignal() reads names with and without SIG, in any case, and numbers", () => {
  for (const text of ["SIGTERM", "term", "Term", "15", " sigterm "]) assert.equal(parseSignal(text), "SIGTERM", text);
  assert.equal(parseSignal(9), "SIGKILL");
  assert.equal(signalNumber(parseSignal("HUP")), 1);
});

test("parseSignal() refuses unknown signals and names the nearest", () => {
  for (const text of ["", "0", "99", "-1", "SIG", "FOO", "toString", 32]) {
    assert.throws(() => parseSignal(text), { code: "SIGNAL_UNKNOWN" }, String(text));
  }
  assert.throws(
    () => parseSignal("SIGTREM"),
    (error) => error instanceof SampanError && error.hint === "write SIGTERM",
  );
});

test("parseSignal() refuses signals that would halt a workload", () => {
  for (const text of ["SIGSTOP", "TSTP", "21", 22]) assert.throws(() => parseSignal(text), { code: "SIGNAL_REFUSED" });
});

test("defaultAction() ignores what Linux ignores and ends for the rest", () => {
  const ignored = ["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"];
  for (let number = 1; number <= 31; number++) {
    if (number >= 19 && number <= 22) continue;
    const name = parseSignal(number);
    assert.equal(defaultAction(name), ignored.includes(name) ? "ignore" : "end", name);
  }
});

test("exitCodeOf() counts as Docker and shells do", () => {
  assert.equal(exitCodeOf({ kind: "exit", code: 7 }), 7);
  assert.equal(exitCodeOf({ kind: "exit", code: -1 }), 255);
  assert.equal(exitCodeOf({ kind: "signal", signal: 9 }), 137);
  assert.equal(exitCodeOf({ kind: "trap", message: "unreachable", backtrace: [] }), 134);
  assert.equal(exitCodeOf(endingOfThrown(new Error("defect"))), 125);
  assert.equal(exitCodeOf(endingOfThrown("text")), 125);
  for (const [code, status] of [
    ["LIMIT_DEADLINE", 124],
    ["LIMIT_OUTPUT", 125],
    ["WASM_MALFORMED", 126],
    ["FILE_NOT_FOUND", 127],
  ] as const) {
    assert.equal(exitCodeOf(endingOfThrown(new SampanError(code, "Cannot"))), status, code);
  }
});
