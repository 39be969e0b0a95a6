import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { columns, joinLines, leftWidth, wrap } from "./text.ts";

describe("wrap()", () => {
  test("breaks between words, and never inside one", () => {
    assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
    assert.deepEqual(wrap("unbreakable", 3), ["unbreakable"]);
    assert.deepEqual(wrap("", 10), [""]);
  });

  test("loses no word, and keeps each line within the width unless one word is longer", () => {
    const word = fc.string({ minLength: 1, maxLength: 12 }).filter((text) => !text.includes(" "));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 1, max: 40 }), (words, width) => {
        const lines = wrap(words.join(" "), width);
        assert.deepEqual(lines.join(" ").split(" "), words);
        for (const line of lines) assert.ok(line.length <= width || !line.includes(" "));
      }),
    );
  });
});

describe("columns()", () => {
  test("aligns and wraps the second column", () => {
    const rows = [
      ["-a", "one two three four five"],
      ["--long", "six"],
    ] as const;
    assert.deepEqual(columns(rows, { width: 32 }), ["  -a      one two three four", "          five", "  --long  six"]);
  });

  test("gives an entry that is too long for its column a line of its own", () => {
    const long = "-".repeat(30);
    const lines = columns(
      [
        ["-a", "one"],
        [long, "two"],
      ],
      { width: 60 },
    );
    assert.deepEqual(lines, ["  -a  one", `  ${long}`, "      two"]);
  });

  test("takes the width of the first column from outside, so that tables line up", () => {
    const left = leftWidth(["--much-longer", "-a"]);
    assert.deepEqual(columns([["-a", "one"]], { width: 40, left }), [`  ${"-a".padEnd(13)}  one`]);
  });
});

test("joinLines() ends each line", () => {
  assert.equal(joinLines(["a", "", "b"]), "a\n\nb\n");
  assert.equal(joinLines([]), "");
});
