import assert from "node:assert/strict";
import { test } from "node:test";
import { errorCatalog, type ErrorCode, SampanError } from "../base/index.ts";
import { exitStatus, statusOf } from "./exit-status.ts";

const codes = Object.keys(errorCatalog) as ErrorCode[];

test("statusOf() has one of the documented statuses for every code of the catalog", () => {
  const documented = new Set<number>([
    exitStatus.deadline,
    exitStatus.failed,
    exitStatus.notRunnable,
    exitStatus.notFound,
  ]);
  for (const code of codes) assert.ok(documented.has(statusOf(new SampanError(code, ""))), code);
});

test("statusOf() answers 125 for every kind where the code says nothing else", () => {
  for (const kind of ["user", "denied", "unavailable", "bug"] as const) {
    assert.equal(statusOf({ code: "CLI_USAGE", kind }), 125, kind);
  }
});

test("statusOf() tells a deadline, what cannot be run and what is not there apart", () => {
  const expected = {
    LIMIT_DEADLINE: 124,
    LIMIT_OUTPUT: 125,
    LIMIT_MEMORY: 125,
    GUEST_NOT_RUNNABLE: 126,
    GUEST_IMPORT_UNKNOWN: 126,
    GUEST_EXPORT_MISSING: 126,
    WASM_FEATURE: 126,
    WASM_MALFORMED: 126,
    FILE_NOT_FOUND: 127,
    FILE_UNREADABLE: 125,
  } as const satisfies Partial<Record<ErrorCode, number>>;
  for (const [code, status] of Object.entries(expected)) {
    assert.equal(statusOf(new SampanError(code as ErrorCode, "")), status, code);
  }
});
