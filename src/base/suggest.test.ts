import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hintForMissing, nearest, shellWord } from "./index.ts";

const commands = ["run", "inspect", "explain", "doctor", "version"];

test("nearest() finds the word that was meant: a letter left out, put in, changed or swapped", () => {
  for (const typed of ["inspct", "inspeect", "inspact", "inpsect", "insepct"]) {
    assert.equal(nearest(typed, commands), "inspect", typed);
  }
  assert.equal(nearest("rnu", commands), "run");
  assert.equal(nearest("--voluem", ["--volume", "--env"]), "--volume");
});

test("nearest() suggests nothing where more than a third of the letters differ", () => {
  assert.equal(nearest("compose", commands), undefined);
  assert.equal(nearest("xyz", commands), undefined);
  assert.equal(nearest("", commands), undefined);
  assert.equal(nearest("run", []), undefined);
});

test("nearest() answers a candidate for itself, whatever else there is", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (word, others) => nearest(word, [...others, word]) === word),
  );
});

test("nearest() answers a candidate or nothing, and the first of equally near ones", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (word, candidates) => {
      const found = nearest(word, candidates);
      assert.ok(found === undefined || candidates.includes(found));
    }),
  );
  assert.equal(nearest("ran", ["run", "rain"]), "run");
});

test("hintForMissing() names the file that was meant, the folder that is not there, or how to see what is", () => {
  const list = (folder: string): readonly string[] => {
    if (folder === "gone") throw new Error("ENOENT");
    return ["hello.wasm", "other.txt"];
  };
  assert.equal(hintForMissing("helo.wasm", list), 'did you mean "hello.wasm"');
  assert.equal(hintForMissing("/a/helo.wasm", list), 'did you mean "/a/hello.wasm"');
  assert.equal(hintForMissing("gone/app.wasm", list), 'there is no folder "gone"');
  assert.equal(hintForMissing("my guests/x", list), "see what is there with ls 'my guests'");
});

test("shellWord() writes a word as a shell reads it", () => {
  assert.deepEqual(["./a-b.wasm", "a b", "it's", ""].map(shellWord), ["./a-b.wasm", "'a b'", "'it'\\''s'", "''"]);
});
