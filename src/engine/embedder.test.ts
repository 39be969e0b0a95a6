import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { SampanError } from "../base/index.ts";
import { moduleOf, named, section, spinModule } from "./engine-fixture.ts";
import { Engine } from "./engine.ts";

const withCode = (code: string) => (error: unknown) => error instanceof SampanError && error.code === code;

/** Its start function and `wait` call `env.wait`. */
const waitingModule = moduleOf(
  section(1, 1, 0x60, 0, 0),
  section(2, 1, ...named("env"), ...named("wait"), 0, 0),
  section(3, 1, 0),
  section(8, 1),
  section(10, 1, 4, 0, 0x10, 0, 0x0b),
);
const never = { env: { wait: () => new Promise<void>(() => {}) } };

test("Engine.instantiate() is ended by its signal, and by the engine's close, while the start function waits", async () => {
  const engine = new Engine({ cache: false });
  const module = await engine.compile(waitingModule);
  const controller = new AbortController();
  const aborted = engine.instantiate(module, { mode: "async", imports: never, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(aborted, withCode("GUEST_EXITED"));
  const closed = assert.rejects(
    engine.instantiate(module, { mode: "async", imports: never }),
    withCode("GUEST_EXITED"),
  );
  await new Promise<void>((resolve) => setImmediate(resolve));
  await engine.close();
  await closed;
  assert.equal(engine.instanceCount, 0);
});

test("Instance.kill() ends a guest that waits for what only looks like a promise", async () => {
  const engine = new Engine({ cache: false });
  const module = await engine.compile(waitingModule);
  // oxlint-disable-next-line unicorn/no-thenable -- what an embedder may answer
  const wait = (): unknown => ({ then: () => {} });
  const controller = new AbortController();
  const made = engine.instantiate(module, { mode: "async", imports: { env: { wait } }, signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(made, withCode("GUEST_EXITED"));
  await engine.close();
});

for (const cordon of [undefined, "shared", "thread", "process"] as const) {
  test(`A program that uses the cordon ${cordon ?? "of its own thread"} gets its answer and ends by itself, whatever options Node has`, () => {
    const program = `
      import { Engine } from ${JSON.stringify(new URL("engine.ts", import.meta.url).href)};
      const engine = new Engine({ cache: false });
      const module = await engine.compile(new Uint8Array([${[...spinModule].join()}]));
      const instance = await engine.instantiate(module, ${cordon === undefined ? "{}" : `{ cordon: "${cordon}" }`});
      console.log(await instance.call("increment", 41));`;
    const ended = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [0, "42\n", ""]);
  });
}
