import assert from "node:assert/strict";
import test from "node:test";
import { CodeCache } from "./code-cache.ts";

const empty = (): Uint8Array<ArrayBuffer> => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

test("CodeCache keeps what was made, and forgets the oldest where components without an end come", () => {
  const code = new CodeCache();
  let made = 0;
  const ask = (key: string): WebAssembly.Module =>
    code.moduleOf(key, () => {
      made += 1;
      return empty();
    });
  const first = ask("module 0");
  assert.equal(ask("module 0"), first);
  for (let i = 1; i < 1_000; i++) ask(`module ${i}`);
  assert.equal(ask("module 0"), first);
  assert.equal(made, 1_000);
  ask("module 1000");
  ask("module 1");
  assert.equal(made, 1_001);
  ask("module 0");
  assert.equal(made, 1_002);
});
