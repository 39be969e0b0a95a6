import assert from "node:assert/strict";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { checkChoice, type EmbedLimits, readLimits } from "./embed-limits.ts";

test("readLimits() reads sizes, durations and numbers into the engine's limits", () => {
  const read = readLimits({
    memory: "64m",
    time: "2s",
    cpu: "1m30s",
    files: 16,
    output: "4k",
    store: "1g",
    storeKeys: 100,
    storeValue: "1m",
    threads: 2,
    connections: 3,
    connectionRate: 4,
    networkRate: "1.5m",
  });
  assert.deepEqual(read, {
    memory: 64 * 2 ** 20,
    deadline: 2_000,
    cpu: 90_000,
    maxFiles: 16,
    maxOutput: 4_096,
    maxStore: 2 ** 30,
    maxStoreKeys: 100,
    maxStoreValue: 2 ** 20,
    maxThreads: 2,
    maxConnections: 3,
    maxConnectionRate: 4,
    maxNetworkRate: 1.5 * 2 ** 20,
  });
  assert.deepEqual(readLimits({ memory: 65_536, time: 250, cpu: undefined }), { memory: 65_536, deadline: 250 });
});

test("readLimits() refuses what has no form, and names what is near to an unknown one", () => {
  for (const limits of [{ memory: "big" }, { time: -1 }, { files: "x" }, { cpu: true }, { memory: Number.NaN }])
    assert.throws(
      () => readLimits(limits as EmbedLimits),
      (error) => error instanceof SampanError && error.code === "UNIT_INVALID",
    );
  assert.throws(() => readLimits({ time: "2x" }), {
    message: 'Cannot read the option "limits.time", "2x": wanted a number and a unit, such as "5s"',
  });
  assert.throws(() => readLimits({ tiem: 1 } as EmbedLimits), { code: "OPTION_UNKNOWN", hint: 'did you mean "time"' });
});

test("checkChoice() refuses what an option does not have, and names what is near", () => {
  checkChoice("mode", undefined, ["sync"]);
  checkChoice("mode", "sync", ["sync", "async"]);
  assert.throws(() => checkChoice("mode", "asyn", ["sync", "async"]), {
    code: "OPTION_INVALID",
    message: 'Cannot use the option "mode", "asyn": wanted "sync" or "async"',
    hint: 'did you mean "async"',
  });
  assert.throws(() => checkChoice("mode", true, ["sync"]), { code: "OPTION_INVALID", hint: undefined });
});
