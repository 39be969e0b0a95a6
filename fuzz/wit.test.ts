import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { decodeWit, encodeWit, printResolution, readWit } from "../src/wasm/wit/index.ts";
import { tryWit, type WitParts } from "./wit.ts";

const inputs = 300;
const sampan: WitParts = { read: readWit, print: printResolution, encode: encodeWit, decode: decodeWit };

describe("generated WIT", () => {
  test("is printed, encoded and decoded as the same, and at least 30 in 100 inputs are accepted", (context) => {
    let accepted = 0;
    for (let seed = 0; seed < inputs; seed += 1) {
      const { isAccepted, finding } = tryWit(seed);
      assert.equal(finding, undefined, `seed ${seed}: ${finding?.sort}\n${finding?.detail}`);
      if (isAccepted) accepted += 1;
    }
    context.diagnostic(`${accepted} of ${inputs} accepted`);
    assert.ok(accepted >= inputs * 0.3 && accepted <= inputs * 0.8, `${accepted} of ${inputs} accepted`);
  });

  const planted: Readonly<Record<string, Partial<WitParts>>> = {
    "a reader that throws what is not in the catalog": {
      read: (sources, options) => {
        if (sources.some(({ text }) => text.includes("use "))) throw new RangeError("planted");
        return readWit(sources, options);
      },
    },
    "a printer that forgets documentation": {
      print: (wit, options) => printResolution(wit, options).replace(/^ *\/\/\/ .*\n/m, ""),
    },
    "a printer that forgets to escape": { print: (wit, options) => printResolution(wit, options).replace("%", "") },
    "an encoder that breaks a name": {
      encode: (wit) => {
        const bytes = encodeWit(wit);
        const at = bytes.lastIndexOf(0x61);
        return bytes.with(at, 0x62) as Uint8Array;
      },
    },
    "a decoder that loses a world": {
      decode: (bytes) => {
        const wit = decodeWit(bytes);
        return { ...wit, root: { ...wit.root, worlds: new Map() } };
      },
    },
  };
  for (const [fault, parts] of Object.entries(planted)) {
    test(`${fault} is found out`, () => {
      const seeds = Array.from({ length: inputs }, (_, seed) => seed);
      assert.ok(seeds.some((seed) => tryWit(seed, { ...sampan, ...parts }).finding !== undefined));
    });
  }
});

test("npm run fuzz -- --target wit prints the share that is accepted", () => {
  const words = ["--target", "wit", "--seed", "1", "--count", "5"];
  const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...words], {
    encoding: "utf8",
  });
  assert.match(stdout, /^seed 1\n5 inputs from seed 1, \d+\.\d % accepted by the readers of WIT, 0 with findings\n$/);
  assert.equal(status, 0);
});
