import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCatalog, type ErrorCode, SampanError } from "../../base/index.ts";
import { deadlinePassed, failureOf, failureText, guestError, operatorLine, queueFull } from "./failures.ts";

const errorOf = (code: ErrorCode): SampanError => new SampanError(code, "Cannot do it");

test("failureOf() knows a status for every error that there is, and none of a client's", () => {
  for (const code of Object.keys(errorCatalog) as ErrorCode[]) {
    const { status } = failureOf(errorOf(code));
    assert.ok([500, 503, 504].includes(status), code);
    assert.equal(status === 504, code === "LIMIT_DEADLINE", code);
  }
  assert.deepEqual(
    (["LIMIT_INSTANCES", "LIMIT_MEMORIES", "LIMIT_STACKS"] as const).map((code) => failureOf(errorOf(code)).retryAfter),
    [1, 1, 1],
  );
  assert.equal(failureOf(errorOf("LIMIT_MEMORY")).reason, "limit");
  assert.equal(failureOf(errorOf("GUEST_TRAPPED")).reason, "trap");
  assert.equal(failureOf(new Error("A bug")).reason, "bug");
  assert.equal(failureOf("nothing").status, 500);
});

test("operatorLine() is one line with workload, request, reason, backtrace and hint, whatever they contain", () => {
  const backtrace = [
    { index: 3, name: "inner\n", offset: 16, source: { file: "a.c", line: 7 } },
    { index: 4, name: undefined, offset: 255 },
    ...Array.from({ length: 10 }, (_, index) => ({ index, name: "deep", offset: 0 })),
  ];
  const trapped = new SampanError("GUEST_TRAPPED", "It trapped", { data: { backtrace }, hint: "look\nthere" });
  const line = operatorLine(failureOf(trapped), { workload: "shop", id: "r1", method: "GET", path: "/\u001b[0m" });
  const deep = Array.from({ length: 4 }, () => "deep+0x0").join(" < ");
  const frames = `inner\\n a.c:7 < function 4+0xff < ${deep}`;
  assert.equal(line, `shop r1 GET /\\u001b[0m -> 500: It trapped [at ${frames}] (hint: look\\nthere)`);
});

test("failureText() tells a client nothing of the inside", () => {
  const secret = new SampanError("GUEST_TRAPPED", "Module secret trapped", { hint: "secret" });
  for (const failure of [
    failureOf(secret),
    failureOf(new Error("secret")),
    guestError({ tag: "internal-error", val: "secret" }),
    queueFull({ maxConcurrent: 1, maxQueue: 1 }),
    deadlinePassed(5),
  ]) {
    const text = failureText(failure, "r1");
    assert.match(text, /^[A-Z][^\n]*\nRequest id: r1\n$/);
    assert.doesNotMatch(text, /secret|max-|ms/);
  }
});
