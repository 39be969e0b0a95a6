import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Makers } from "../src/component/canonical/identity-fixture.ts";
import { makeExport } from "../src/component/canonical/lift-export.ts";
import { makeImport } from "../src/component/canonical/lower-import.ts";
import { tryValues } from "./component-values.ts";

const inputs = 400;
const seeds = Array.from({ length: inputs }, (_, seed) => seed);

describe("generated values", () => {
  test("come back as they were, and hostile memory ends in a trap or in values that fit", (context) => {
    let accepted = 0;
    for (const seed of seeds) {
      const { isAccepted, finding } = tryValues(seed);
      assert.equal(finding, undefined, `seed ${seed}: ${finding?.sort}\n${finding?.detail}`);
      if (isAccepted) accepted += 1;
    }
    context.diagnostic(`${accepted} of ${inputs} accepted`);
    assert.ok(accepted >= inputs * 0.55 && accepted <= inputs * 0.95, `${accepted} of ${inputs} accepted`);
  });

  const planted: Record<string, Makers> = {
    "strings in another encoding": {
      makeExport: (type, shape) => makeExport(type, { ...shape, stringEncoding: "utf16" }),
      makeImport: (type, shape) => makeImport(type, { ...shape, stringEncoding: "utf8" }),
    },
    "a write outside of what was allocated": {
      makeExport,
      makeImport: (type, shape) => {
        const make = makeImport(type, shape);
        return (runtime, host, name) => {
          const lowered = make(runtime, host, name);
          return (...cores) => {
            runtime.views.u8[runtime.views.u8.length - 1] = 1;
            return lowered(...cores);
          };
        };
      },
    },
    "traps that are passed over": {
      makeExport,
      makeImport: (type, shape) => {
        const make = makeImport(type, shape);
        return (runtime, host, name) => {
          const lowered = make(
            Object.assign(Object.create(runtime) as typeof runtime, { trap: () => undefined }),
            host,
            name,
          );
          return lowered;
        };
      },
    },
  };
  for (const [fault, makers] of Object.entries(planted)) {
    test(`code with ${fault} is found out`, () => {
      assert.ok(seeds.some((seed) => tryValues(seed, makers).finding !== undefined));
    });
  }
});
