import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { refusal } from "../base/index.ts";
import { Listener } from "./host-fixture.ts";
import { createRandom } from "./random.ts";

function draw(seed: string, ...lengths: readonly number[]): string {
  const random = createRandom({ kind: "seed", seed }, new Listener());
  return lengths
    .map((length) => {
      const bytes = Buffer.alloc(length);
      random.fill(bytes);
      return bytes.toString("hex");
    })
    .join("");
}

test("createRandom() of a seed gives the same stream each time, however it is cut", () => {
  const whole = draw("a seed", 64);
  assert.equal(draw("a seed", 64), whole);
  assert.equal(draw("a seed", 1, 7, 0, 9, 47), whole);
  assert.notEqual(draw("another seed", 64), whole);
  assert.notEqual(draw("", 64), draw("\0", 64));
});

test("createRandom() of a seed stays what it is from version to version", () => {
  assert.equal(draw("sampan", 16), "aaf99f50306d895fc6aea06376d4c6ca");
});

test("createRandom() of a seed uses all values about as often", () => {
  const counts = Array.from({ length: 256 }, () => 0);
  for (const byte of Buffer.from(draw("x", 256 * 200), "hex")) counts[byte] = (counts[byte] ?? 0) + 1;
  assert.ok(Math.min(...counts) > 120 && Math.max(...counts) < 290, `${Math.min(...counts)} to ${Math.max(...counts)}`);
});

test("createRandom() of system fills all of a view and nothing beside it", () => {
  const random = createRandom({ kind: "system" }, new Listener());
  const bytes = new Uint8Array(100_000).fill(0xaa);
  random.fill(bytes.subarray(16, 99_984));
  assert.ok(
    bytes.subarray(0, 16).every((byte) => byte === 0xaa) && bytes.subarray(99_984).every((byte) => byte === 0xaa),
  );
  assert.equal(new Set(bytes.subarray(16, 99_984)).size, 256);
  const before = bytes.slice(0, 1000);
  random.fill(bytes.subarray(0, 1000));
  assert.notDeepEqual(bytes.slice(0, 1000), before);
});

test("createRandom() of none fills nothing, refuses and says so", () => {
  const listener = new Listener();
  const bytes = new Uint8Array(4);
  assert.throws(() => createRandom({ kind: "none" }, listener).fill(bytes), refusal);
  assert.deepEqual([[...bytes], listener.refusals], [[0, 0, 0, 0], [{ capability: "random" }]]);
});

test("createRandom() tells a learning observer alone of each use", () => {
  for (const grant of [{ kind: "system" }, { kind: "seed", seed: "x" }] as const) {
    const [learning, deaf] = [new Listener({ isLearning: true }), new Listener()];
    for (const listener of [learning, deaf]) createRandom(grant, listener).fill(new Uint8Array(1));
    assert.deepEqual([learning.uses, deaf.uses], [[{ capability: "random" }], []]);
  }
});

test("createRandom() of system does without native calls, in a shared memory too", () => {
  const url = JSON.stringify(new URL("random.ts", import.meta.url).href);
  const script = `
    const { createRandom } = await import(${url});
    const bytes = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer, 8, 4000);
    createRandom({ kind: "system" }, { isLearning: false }).fill(bytes);
    console.log(new Set(bytes).size);`;
  const env = { ...process.env, SAMPAN_FFI: "0" };
  const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" });
  assert.equal(child.stdout, "256\n", child.stderr);
});
