import assert from "node:assert/strict";
import { test } from "node:test";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants } from "./grants.ts";
import { grantsWithoutEffect } from "./reserved.ts";
import { typedWords } from "./typed-words.ts";

test("grantsWithoutEffect() names each reserved capability that is granted, and no other", () => {
  const granted = (flag: string): readonly string[] =>
    grantsWithoutEffect(grantsFromFlags(typedWords(flag), { cwd: "/" }));
  assert.deepEqual(grantsWithoutEffect(defaultGrants), []);
  assert.deepEqual(granted("-v ./a:/a"), []);
  assert.deepEqual(granted("--allow-net db"), ["net.connect"]);
  assert.deepEqual(granted("--allow-listen 80"), ["net.listen"]);
  assert.deepEqual(granted("-p 8080:80"), ["net.publish"]);
  assert.deepEqual(granted("--allow-dns"), ["net.dns"]);
});
