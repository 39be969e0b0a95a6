import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compileAdapter } from "../src/component/adapters/compile-adapter.ts";
import { type AdapterCompiler, tryAdapter } from "./adapters.ts";

const inputs = 300;

describe("generated calls between two components", () => {
  test("arrive as they were sent, or come to what the host lifts, and at least 60 in 100 are accepted", (context) => {
    let accepted = 0;
    for (let seed = 0; seed < inputs; seed += 1) {
      const { isAccepted, finding, text } = tryAdapter(seed);
      assert.equal(finding, undefined, `seed ${seed}: ${finding?.sort}\n${finding?.detail}\n${text}`);
      if (isAccepted) accepted += 1;
    }
    context.diagnostic(`${accepted} of ${inputs} accepted`);
    assert.ok(accepted >= inputs * 0.6 && accepted <= inputs * 0.95, `${accepted} of ${inputs} accepted`);
  });

  /** Compiles adapters in which bytes of code stand for others. */
  const replaced =
    (from: readonly number[], to: readonly number[]): AdapterCompiler =>
    (options) => {
      const bytes = compileAdapter(options);
      const found = Buffer.from(bytes.buffer);
      for (let at = found.indexOf(Buffer.from(from)); at >= 0; at = found.indexOf(Buffer.from(from), at + 1))
        bytes.set(to, at);
      return bytes;
    };
  // A comparison of an i32 with a constant, and the `if` behind it.
  const check = (constant: readonly number[], comparison: number): number[] => [0x41, ...constant, comparison];
  const planted: Readonly<Record<string, AdapterCompiler>> = {
    "discriminants of options that nobody checks": replaced(check([2], 0x4f), check([0x7f], 0x4f)),
    "chars that are compared as signed numbers": replaced(
      check([0x80, 0x80, 0xc4, 0], 0x4f),
      check([0x80, 0x80, 0xc4, 0], 0x4e),
    ),
    "loads of another width": replaced([0x2f, 0x00], [0x2d, 0x00]),
  };
  for (const [fault, compile] of Object.entries(planted)) {
    test(`an adapter with ${fault} is found out`, () => {
      const seeds = Array.from({ length: 3 * inputs }, (_, seed) => seed);
      assert.ok(seeds.some((seed) => tryAdapter(seed, compile).finding !== undefined));
    });
  }
});

test("npm run fuzz -- --target adapters prints the share of calls that come to their end", () => {
  const words = ["--target", "adapters", "--seed", "1", "--count", "5"];
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    encoding: "utf8",
  });
  assert.match(stdout, /^seed 1\n5 inputs from seed 1, \d+\.\d % accepted by the adapters, 0 with findings\n$/);
  assert.equal(status, 0);
});
