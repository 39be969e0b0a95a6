import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { moduleOf, named, section } from "./engine-fixture.ts";
import { compileGuest } from "./guest-module.ts";

/** A module with one memory whose only function, of no parameter, has this body; V8 refuses it. */
const withBody = (...body: readonly number[]): Uint8Array<ArrayBuffer> =>
  moduleOf(
    section(1, 1, 0x60, 0, 0),
    section(3, 1, 0),
    section(5, 1, 0, 1),
    section(7, 1, ...named("run"), 0, 0),
    section(10, 1, body.length + 2, 0, ...body, 0x0b),
  );

// What rewriting adds comes behind the last of each index: there a module may not reach it.
for (const [what, body] of Object.entries({
  "stores into a second memory, which would be the epoch": [0x41, 0, 0x41, 1, 0x36, 0x42, 1, 0],
  "calls a second function, which would be the check": [0x10, 1],
  "sets a global, which would be the instance's number": [0x41, 5, 0x24, 0],
  "gets from a table, which would be a shadow": [0x41, 0, 0x25, 0, 0x1a],
})) {
  test(`compileGuest() refuses a module that ${what}`, () => {
    const bytes = withBody(...body);
    for (const options of [{}, { checks: true }, { restore: true }, { checks: true, restore: true, memory: 1 << 20 }]) {
      assert.throws(
        () => compileGuest(bytes, options),
        (error) => error instanceof SampanError && error.code === "GUEST_NOT_RUNNABLE",
      );
    }
  });
}
