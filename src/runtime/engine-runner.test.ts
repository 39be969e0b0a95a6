import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { Engine } from "../engine/index.ts";
import { compileOwnGuest } from "../../guests/toolchain.ts";
import { EngineRunner } from "./engine-runner.ts";
import { collect } from "./runtime-fixture.ts";
import { Runtime } from "./runtime.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());
const load = async (name: string) =>
  engine.compile(new Uint8Array(readFileSync(await compileOwnGuest(name))), { name });
const runtime = new Runtime({ runners: { wasm: new EngineRunner({ engine, load }) } });
const create = (module: string, data: object = {}) =>
  runtime.create({ workload: { kind: "wasm", data: { module, ...data } } });

test("EngineRunner runs a guest, whose output is its container's log", async () => {
  const container = await create("hello");
  const lines = collect(container.logs({ follow: true }));
  await container.start();
  assert.deepEqual(await container.wait(), { exitCode: 0, ending: { kind: "exit", code: 0 } });
  assert.match((await lines).map(({ text }) => text).join(""), /hello/i);
  assert.equal(engine.instanceCount, 0);
});

test("EngineRunner hands on arguments and grants, and the code that the guest exits with", async () => {
  const container = await create("args-env", { args: ["me", "one two"], grants: { env: { KEY: "value" } } });
  await container.start();
  await container.wait();
  const text = (await collect(container.logs())).map((entry) => entry.text).join("");
  assert.match(text, /one two/);
  assert.match(text, /KEY=value/);
  const failing = await create("exit-code", { args: ["me", "7"] });
  await failing.start();
  assert.equal((await failing.wait()).exitCode, 7);
});

test("EngineRunner ends a guest that spins: SIGTERM by stop, SIGKILL by kill, its deadline by a limit", async () => {
  const spinning = await create("spin");
  await spinning.start();
  await spinning.stop();
  assert.equal(spinning.inspect().state.exitCode, 143);
  await spinning.start();
  await spinning.kill();
  assert.equal(spinning.inspect().state.exitCode, 137);
  const limited = await create("spin", { limits: { deadline: 20 } });
  await limited.start();
  const { exitCode, ending } = await limited.wait();
  assert.equal(exitCode, 124);
  assert.ok(ending?.kind === "error" && ending.error.code === "LIMIT_DEADLINE");
  assert.equal(engine.instanceCount, 0);
});

test("EngineRunner says how a guest trapped", async () => {
  const container = await create("trap");
  await container.start();
  const { exitCode, ending } = await container.wait();
  assert.equal(exitCode, 134);
  assert.ok(ending?.kind === "trap" && ending.backtrace.length > 0);
});

test("EngineRunner refuses to start a module that is no program", async () => {
  const container = await create("invoke");
  await assert.rejects(container.start(), { code: "GUEST_EXPORT_MISSING" });
  assert.deepEqual([container.inspect().state.status, container.inspect().state.exitCode], ["created", 126]);
  assert.equal(engine.instanceCount, 0);
});
