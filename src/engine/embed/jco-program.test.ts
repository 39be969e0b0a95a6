import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { greeterComponent } from "../../../guests/greeter.ts";
import { shopComponent } from "../../../guests/shop.ts";
import { instantiate } from "../instantiate.ts";
import { jcoImports, type Outcomes, runProgram } from "./jco-fixture.ts";

/** What the program wrote down on the output of jco 1.35.0 for the same three components, with preview2-shim 0.26. */
const ofJco: Outcomes = [
  ["addOne", 42],
  "log: Hello wörld",
  ["greet", "Hello wörld"],
  "the thing is dropped",
  ["useThing", 42],
  ["read", 7],
  ["class", true],
  ["dropped", 2],
  ["total", 7],
  ["no price", "threw", true, "cup"],
  ["pay", { tag: "paid", val: "1152921504606846976n" }],
  ["refused", { tag: "paid", val: "2n" }],
  ["resize", [20, 10]],
  ["height", [20, 40]],
  ["no image", "threw", true, { tag: "malformed", val: "unexpected end of file" }],
  ["no size", "threw", true, { tag: "bad-size", val: { width: 0, height: 0 } }],
  [
    "picture",
    [
      { width: 3, height: 2 },
      { width: 3, height: 2 },
    ],
  ],
];

test("a program that was written for jco's output runs with instantiate() in place of jco's, and comes to the same", async () => {
  const outcomes: Outcomes = [];
  const imports = jcoImports(outcomes);
  const image = readFileSync(new URL("../../../guests/image/image.wasm", import.meta.url));
  // With jco: `await (await import("./greeter.js")).instantiate(getCoreModule, imports)`.
  const greeter = await instantiate(await greeterComponent(), { imports });
  const shop = await instantiate(await shopComponent());
  const library = await instantiate(image, { mode: "sync" });
  runProgram({ greeter: greeter.exports, shop: shop.exports, image: library.exports }, outcomes);
  assert.deepEqual(outcomes, ofJco);
});
