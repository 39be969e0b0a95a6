import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { wasi02Component } from "../../../guests/wasi02.ts";
import { SampanError } from "../../base/index.ts";
import { noGrants } from "../../capabilities/index.ts";
import { MemorySink } from "../../host/index.ts";
import { Engine } from "../engine.ts";
import type { ComponentInstance } from "./component-instance.ts";
import type { ComponentModule } from "./component-module.ts";
import type { ComponentOptions } from "./components.ts";

let engine: Engine;
let component: ComponentModule;

before(async () => {
  engine = new Engine({ cache: false });
  component = await engine.compileComponent(wasi02Component(), { name: "sayer" });
});
after(() => engine.close());

const make = (options: ComponentOptions = {}): Promise<ComponentInstance> =>
  engine.instantiateComponent(component, options);

async function errorOf(run: () => Promise<unknown>): Promise<SampanError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof SampanError) return error;
    throw error;
  }
  return assert.fail("it went well");
}

for (const mode of ["sync", "async"] as const) {
  describe(`a component on WASI 0.2 that is bound ${mode}`, () => {
    test("writes, sleeps and draws through the host, and its bytes are counted", async () => {
      const stdout = new MemorySink();
      await using instance = await make({ mode, stdio: { stdout } });
      assert.equal(await instance.invoke("say"), 0);
      await instance.invoke("sleep", 1_000_000n);
      assert.equal(typeof (await instance.invoke("draw")), "bigint");
      assert.equal(stdout.text, "hell");
      assert.equal((await instance.usage()).bytesOut, 4);
    });

    test("is granted what the grants say: a seed repeats randomness, and nothing ends it", async () => {
      const grants = { ...noGrants, random: { kind: "seed", seed: "x" } } as const;
      const draw = async (): Promise<unknown> => (await make({ mode, grants })).invoke("draw");
      assert.equal(await draw(), await draw());
      const refused = await make({ mode, grants: noGrants });
      const error = await errorOf(() => refused.invoke("draw"));
      assert.equal(error.code, "GUEST_TRAPPED");
      assert.match(error.message, /get-random-u64 failed: EPERM/);
      assert.equal(refused.isEnded, true);
    });

    test("exits with a status, and is not called again", async () => {
      const instance = await make({ mode });
      const error = await errorOf(() => instance.invoke("leave", 33));
      assert.deepEqual([error.code, error.data?.["code"]], ["GUEST_EXITED", 33]);
      assert.equal((await errorOf(() => instance.invoke("draw"))).code, "INSTANCE_ENDED");
    });

    test("ends at its deadline while it sleeps", async () => {
      const instance = await make({ mode, limits: { deadline: 20 } });
      const error = await errorOf(() => instance.invoke("sleep", 3_600_000_000_000n));
      assert.equal(error.code, "LIMIT_DEADLINE");
    });

    test("an output limit ends it with LIMIT_OUTPUT", async () => {
      const instance = await make({ mode, stdio: { stdout: new MemorySink() }, limits: { maxOutput: 5 } });
      assert.equal(await instance.invoke("say"), 0);
      assert.equal((await errorOf(() => instance.invoke("say"))).code, "LIMIT_OUTPUT");
    });
  });
}

test("an instance that sleeps is ended from outside at once, and others of its thread run meanwhile", async () => {
  const sleeper = await make({ mode: "async" });
  const asleep = errorOf(() => sleeper.invoke("sleep", 3_600_000_000_000n));
  await using other = await make({ mode: "async" });
  await other.invoke("sleep", 1_000n);
  sleeper.kill();
  assert.equal((await asleep).code, "GUEST_EXITED");
});

test("a component whose functions may wait is bound async where nothing is said", async () => {
  await using instance = await make();
  assert.equal(instance.mode, "async");
});

test("functions of the caller's come before WASI's", async () => {
  const imports = { "wasi:random/random@0.2.9": { getRandomU64: () => 7n } };
  await using instance = await make({ imports });
  assert.equal(await instance.invoke("draw"), 7n);
});

test("a grant that cannot be given is an error of the instance, not of a call", async () => {
  const grants = { ...noGrants, files: [{ host: "/no/such/folder", guest: "/data", access: "read-only" }] } as const;
  assert.equal((await errorOf(() => make({ grants }))).code, "FILE_NOT_FOUND");
  assert.equal((await errorOf(() => make({ grants: { what: 1 } }))).code, "GRANT_UNKNOWN");
});
