import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readEnvFile } from "./env-file.ts";

const lookup = (name: string): string | undefined => (name === "OUTER" ? "outer" : undefined);

const rows: readonly (readonly [line: string, value: string])[] = [
  ["A=VAL", "VAL"],
  ['A="VAL"', "VAL"],
  ["A='VAL'", "VAL"],
  ["A=VAL # comment", "VAL"],
  ["A=VAL# no comment", "VAL# no comment"],
  ['A="VAL # no comment"', "VAL # no comment"],
  ['A="VAL" # comment', "VAL"],
  ["A='$OTHER'", "$OTHER"],
  ["A='${OTHER}'", "${OTHER}"],
  ["A='Let\\'s go!'", "Let's go!"],
  ['A="{\\"hello\\": \\"json\\"}"', '{"hello": "json"}'],
  ['A="some\\tvalue\\n\\\\"', "some\tvalue\n\\"],
  ["A='some\\tvalue'", "some\\tvalue"],
  ["A=some\\tvalue", "some\\tvalue"],
  ["A=", ""],
  ["A=$OUTER/x", "outer/x"],
  ['A="${NONE:-d}"', "d"],
  ['A="\\$OUTER"', "$OUTER"],
  ["  A = b ", "b"],
  ["export A=b", "b"],
  ["A: b", "b"],
  ["\ufeffA=b", "b"],
  ["# x\n\nA=b\r\n", "b"],
  ['A="two\nlines"', "two\nlines"],
  ["B=1\nA=$B$B", "11"],
  ["A=a=b", "a=b"],
];

test("readEnvFile() reads the lines of the specification", () => {
  for (const [line, value] of rows) {
    const { variables, problems } = readEnvFile(line, lookup);
    assert.deepEqual([variables.get("A"), problems], [value, []], line);
  }
  assert.deepEqual(
    [...readEnvFile("A\nB=", lookup).variables],
    [
      ["A", undefined],
      ["B", ""],
    ],
  );
});

test("readEnvFile() takes values as they stand where the format is raw", () => {
  assert.deepEqual(
    [...readEnvFile("A='$B' # x\nB=\"\n", lookup, "raw").variables],
    [
      ["A", "'$B' # x"],
      ["B", '"'],
    ],
  );
});

test("readEnvFile() names the place of what it cannot read and goes on behind it", () => {
  const { variables, problems } = readEnvFile('A=1\n=x\nB="open\nC=${\nD="a"b\nE=2', lookup);
  assert.deepEqual([...variables.keys()], ["A", "E"]);
  assert.deepEqual(
    problems.map(({ offset }) => offset),
    [4, 7, 15, 20],
  );
});

test("readEnvFile() ends on any text, and reads back what is quoted", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
      readEnvFile(text, lookup);
      const quoted = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("$", "\\$");
      assert.equal(readEnvFile(`A="${quoted}"`, lookup).variables.get("A"), text);
    }),
  );
});
