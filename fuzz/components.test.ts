import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeComponent } from "../src/wasm/component/index.ts";
import { tryComponent } from "./components.ts";

const inputs = 400;

describe("generated components", () => {
  test("end in a success or a catalogued error, and at least 30 in 100 are accepted", (context) => {
    let accepted = 0;
    for (let seed = 0; seed < inputs; seed += 1) {
      const { isAccepted, finding } = tryComponent(seed);
      assert.equal(finding, undefined, `seed ${seed}: ${finding?.sort}\n${finding?.detail}`);
      if (isAccepted) accepted += 1;
    }
    context.diagnostic(`${accepted} of ${inputs} accepted`);
    assert.ok(accepted >= inputs * 0.3 && accepted <= inputs * 0.8, `${accepted} of ${inputs} accepted`);
  });

  const planted = {
    "an error that is not in the catalog": (bytes: Uint8Array) => {
      if (bytes.length % 7 === 0) throw new RangeError("planted");
      return decodeComponent(bytes);
    },
    "core modules that are copies": (bytes: Uint8Array) => decodeComponent(bytes.slice()),
    "an export of what is not there": (bytes: Uint8Array) => {
      const definition = decodeComponent(bytes);
      const definitions = definition.definitions.filter((one) => one.kind !== "lift");
      return { ...definition, definitions };
    },
  };
  for (const [fault, decode] of Object.entries(planted)) {
    test(`a decoder with ${fault} is found out`, () => {
      const seeds = Array.from({ length: inputs }, (_, seed) => seed);
      assert.ok(seeds.some((seed) => tryComponent(seed, decode).finding !== undefined));
    });
  }
});

test("npm run fuzz -- --target components prints the share that the decoder accepts", () => {
  const words = ["--target", "components", "--seed", "1", "--count", "5"];
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    encoding: "utf8",
  });
  assert.match(stdout, /^seed 1\n5 inputs from seed 1, \d+\.\d % accepted by the decoder, 0 with findings\n$/);
  assert.equal(status, 0);
});
