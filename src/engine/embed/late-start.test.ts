import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Worker } from "node:worker_threads";
import type { SampanError } from "../../base/index.ts";
import { spinModule } from "../engine-fixture.ts";
import { Engine } from "../engine.ts";
import { instantiate } from "../instantiate.ts";

const image = fileURLToPath(new URL("../../../guests/image/image.wasm", import.meta.url));

/** Calls an export with what it refuses: its first call is a short one. */
async function callOnce(exports: unknown): Promise<void> {
  const { resize } =
    (exports as Record<string, { resize: (...args: unknown[]) => unknown }>)["acme:image/resize"] ?? {};
  await assert.rejects(async () => resize?.(new Uint8Array(3), { width: 1 }), /./);
}

describe("the thread that makes guests look up", () => {
  const started: Worker[] = [];
  const onWorker = (worker: Worker): void => void started.push(worker);
  process.on("worker", onWorker);
  after(() => process.off("worker", onWorker));

  beforeEach(() => void started.splice(0));

  /** An engine as programs get it that name none. */
  const lateEngine = (): Engine => new Engine({ cache: false }, { watchesLate: true });

  for (const mode of ["sync", "async"] as const) {
    test(`is not started for a component that is bound ${mode} and whose first call returns soon`, async () => {
      let without = 0;
      // On a busy machine one call may take long enough to be watched.
      for (let attempt = 0; attempt < 20 && without === 0; attempt++) {
        started.length = 0;
        await using engine = lateEngine();
        const instance = await instantiate(image, { mode, allow: {}, engine });
        await callOnce(instance.exports);
        await turn();
        if (started.length === 0) without += 1;
      }
      assert.equal(without, 1);
    });
  }

  test("is started before an instance with a limit of time is made, and ends it", async () => {
    await using engine = lateEngine();
    const instance = await instantiate(spinModule, { limits: { time: "100ms" }, engine });
    await turn();
    assert.equal(started.length, 1);
    await assert.rejects(instance.invoke("spin"), (error) => (error as SampanError).code === "LIMIT_DEADLINE");
  });

  test("is started for a guest that spins, beside which timers run from the first call on", async () => {
    await using engine = lateEngine();
    const instance = await instantiate(spinModule, { mode: "async", engine });
    assert.equal(started.length, 0);
    const ended = assert.rejects(instance.invoke("spin"), (error) => (error as SampanError).code === "GUEST_EXITED");
    for (let round = 0; round < 60; round++) await pause(1);
    assert.equal(started.length, 1);
    instance.kill();
    await ended;
  });
});
