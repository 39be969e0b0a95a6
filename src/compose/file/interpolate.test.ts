import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { substitute } from "./interpolate.ts";

const values: Readonly<Record<string, string>> = { A: "a", EMPTY: "", N2: "n", _x: "low" };
const lookup = (name: string): string | undefined => (Object.hasOwn(values, name) ? values[name] : undefined);

const rows: readonly (readonly [template: string, text: string, missing?: readonly string[]])[] = [
  ["", ""],
  ["$A", "a"],
  ["${A}", "a"],
  ["$A-$A", "a-a"],
  ["$N2$_x", "nlow"],
  ["$NONE!", "!", ["NONE"]],
  ["${NONE}", "", ["NONE"]],
  ["$$A $${A}", "$A ${A}"],
  ["$1 $ $. 5$", "$1 $ $. 5$"],
  ["${NONE:-x}", "x"],
  ["${EMPTY:-x}", "x"],
  ["${EMPTY-x}", ""],
  ["${A:-x}", "a"],
  ["${NONE-x y}", "x y"],
  ["${NONE:+x}", ""],
  ["${EMPTY:+x}", ""],
  ["${EMPTY+x}", "x"],
  ["${A:+x}", "x"],
  ["${A:?no}", "a"],
  ["${EMPTY?no}", ""],
  ["${NONE:-$A}", "a"],
  ["${NONE:-${EMPTY:-${A}}}", "a"],
  ["${NONE:-{}", "{"],
  ["${A:-${OTHER}}", "a"],
  ["${NONE:-$$}", "$"],
  ["${NONE:-http://h:1/}", "http://h:1/"],
];

test("substitute() puts variables in, in every form of the specification", () => {
  for (const [template, text, missing = []] of rows)
    assert.deepEqual(substitute(template, lookup), { text, missing }, template);
});

test("substitute() says what is wrong with a template and what to write", () => {
  for (const template of [
    "${",
    "${A",
    "${A:-x",
    "${}",
    "${1}",
    "${A B}",
    "${A/x/y}",
    "${NONE:?}",
    "${NONE?why}",
    "${EMPTY:?why}",
  ]) {
    const found = substitute(template, lookup);
    assert.ok("message" in found && found.message !== "" && found.hint !== "", template);
  }
  assert.match(JSON.stringify(substitute("${NONE?the key}", lookup)), /NONE is not set: the key/);
});

test("substitute() leaves text without a dollar sign, and text whose dollar signs are doubled, as it was", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      assert.deepEqual(substitute(text.replaceAll("$", "$$$$"), lookup), { text, missing: [] });
    }),
  );
});
