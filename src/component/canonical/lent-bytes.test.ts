import assert from "node:assert/strict";
import { test } from "node:test";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import { GuardedRuntime } from "./identity-fixture.ts";
import { makeImport } from "./lower-import.ts";

const takes: ComponentFunctionType = {
  kind: "function",
  params: [{ name: "bytes", type: { kind: "list", element: { kind: "u8" }, length: undefined } }],
  result: undefined,
  isAsync: false,
};

for (const lendsBytes of [false, true]) {
  test(`makeImport() hands over ${lendsBytes ? "the guest's own bytes where the shape lends them" : "a copy of bytes"}`, () => {
    const runtime = new GuardedRuntime();
    let got = new Uint8Array();
    const host = (bytes: Uint8Array<ArrayBuffer>): void => void (got = bytes);
    const lowered = makeImport(takes, { stringEncoding: "utf8", mode: "sync", lendsBytes })(runtime, host, "f");
    runtime.views.fresh();
    const { u8 } = runtime.views;
    u8.set([1, 2, 3], 8);
    (lowered as (at: number, length: number) => void)(8, 3);
    assert.deepEqual([...got], [1, 2, 3]);
    u8[8] = 9;
    assert.equal(got[0], lendsBytes ? 9 : 1);
    assert.throws(() => (lowered as (at: number, length: number) => void)(u8.length - 1, 2));
  });
}
