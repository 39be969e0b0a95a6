import assert from "node:assert/strict";
import { test } from "node:test";
import { testFileCalls } from "./contract/index.ts";
import { createNativeCalls } from "./native-calls.ts";
import { isPlainWindowsName } from "./walk/system.ts";
import { createWalkCalls } from "./walk-calls.ts";

const doublePrecision = 1_000n;

testFileCalls({
  label: "walk",
  create: () => createWalkCalls(),
  followsRenames: true,
  timePrecision: doublePrecision,
});
testFileCalls({
  label: "walk that owns its process",
  create: () => createWalkCalls({ ownsProcess: true }),
  followsRenames: true,
  timePrecision: doublePrecision,
});
testFileCalls({
  label: "walk without /proc",
  create: () => createWalkCalls({ procPath: false }),
  followsRenames: false,
  timePrecision: doublePrecision,
});
const native = createNativeCalls();
if (native !== undefined) {
  testFileCalls({
    label: "openat2",
    create: () => native,
    followsRenames: true,
    timePrecision: 0n,
  });
}

test("isPlainWindowsName() refuses what Windows reads as more than one entry's name", () => {
  for (const name of ["a", "file.txt", ".hidden", "console", "com", "nul-1", "grün"])
    assert.ok(isPlainWindowsName(name), name);
  const strange = [
    "..\\up",
    "c:",
    "file:stream",
    "nul",
    "NUL.txt",
    "com1",
    "CON",
    "dot.",
    "space ",
    "a*",
    "a?",
    "tab\t",
    "<",
    '"',
    "|",
  ];
  for (const name of strange) assert.ok(!isPlainWindowsName(name), name);
});
