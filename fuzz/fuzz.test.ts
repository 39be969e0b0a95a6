import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, test } from "node:test";
import { rewrite } from "../src/wasm/index.ts";
import { tryInput } from "./fuzzer.ts";
import { encode } from "./generate/encode.ts";
import { generatePlan } from "./generate/module.ts";
import { Random } from "./random.ts";

const inputs = 300;

describe("generated modules, rewritten", () => {
  test("behave as the originals, and V8 takes at least 30 in 100 of the inputs", (context) => {
    let accepted = 0;
    for (let seed = 0; seed < inputs; seed += 1) {
      const { isAccepted, finding } = tryInput(seed, rewrite);
      assert.equal(finding, undefined, `seed ${seed}: ${finding?.sort}\n${finding?.detail}`);
      if (isAccepted) accepted += 1;
    }
    context.diagnostic(`${accepted} of ${inputs} accepted by V8`);
    assert.ok(accepted >= inputs * 0.5, `V8 accepted only ${accepted} of ${inputs}`);
  });

  test("generatePlan() makes the same module of the same seed", () => {
    for (let seed = 0; seed < 10; seed += 1) {
      assert.deepEqual(encode(generatePlan(seed)), encode(generatePlan(seed)), `seed ${seed}`);
    }
  });

  test("generated modules are of all kinds", () => {
    const features = new Set<string>();
    for (let seed = 0; seed < 100; seed += 1) for (const feature of generatePlan(seed).features) features.add(feature);
    assert.equal(features.size, 16);
  });
});

describe("npm run fuzz", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], { encoding: "utf8" });

  test("prints the seed and the share that V8 accepts, and is silent about findings that are not there", () => {
    const { status, stdout } = run("--seed", "1", "--count", "5");
    assert.match(stdout, /^seed 1\n5 inputs from seed 1, \d+\.\d % accepted by V8, 0 with findings\n$/);
    assert.equal(status, 0);
  });

  test("tells in one line what is wrong with its words", () => {
    for (const words of [["--seed", "x"], ["--time", "-1"], ["--nosuch"], ["word"], ["--target", "toString"]]) {
      const { status, stderr } = run(...words);
      assert.deepEqual(
        [status, stderr],
        [2, "usage: npm run fuzz [-- --target NAME --time SECONDS --seed N --count N]\n"],
        words.join(" "),
      );
    }
  });
});

describe("Random", () => {
  test("gives the same sequence for the same seed and another for another", () => {
    const [one, same, other] = [new Random(7), new Random(7), new Random(8)];
    const numbers = (random: Random): number[] => Array.from({ length: 20 }, () => random.u32());
    const first = numbers(one);
    assert.deepEqual(first, numbers(same));
    assert.notDeepEqual(first, numbers(other));
  });

  test("below() stays below its limit and meets every number", () => {
    const random = new Random(1);
    const met = new Set(Array.from({ length: 1000 }, () => random.below(7)));
    assert.deepEqual(
      [...met].toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4, 5, 6],
    );
  });
});
