import assert from "node:assert/strict";
import { after, test } from "node:test";
import { type ErrorCode, SampanError } from "../base/index.ts";
import { guestBytes, keptStdio, moduleOf, named, section, spinModule } from "./engine-fixture.ts";
import type { InstanceOptions } from "./engine-options.ts";
import { Engine } from "./engine.ts";
import type { Instance } from "./instance.ts";

const engine = new Engine({ cache: false });
after(() => engine.close());

const withCode = (code: ErrorCode) => (error: unknown) => error instanceof SampanError && error.code === code;

/** Runs a command of ours and answers how it ended and what it wrote. */
async function run(name: string, args: readonly string[], options: InstanceOptions = {}) {
  const { stdio, output } = keptStdio();
  const module = await engine.compile(await guestBytes(name), { name });
  const instance = await engine.instantiate(module, { args: [name, ...args], stdio, ...options });
  const ending = await instance.run();
  const usage = await instance.usage();
  await instance.close();
  return { ending, usage, stdout: output.stdout };
}

/** The code of an ending that is an error of the catalog. */
function codeOf({ ending }: Awaited<ReturnType<typeof run>>): string {
  return ending.kind === "error" ? ending.error.code : ending.kind === "trap" ? (ending.code ?? "trap") : ending.kind;
}

test("An instance's limit of memory refuses growth past it with -1, and what begins with more by name", async () => {
  for (const cordon of [undefined, "shared"] as const) {
    const options = cordon === undefined ? {} : { cordon };
    const { ending, usage, stdout } = await run("grow", [], { limits: { memory: 4 << 20 }, ...options });
    assert.deepEqual(ending, { kind: "exit", code: 0 });
    assert.match(stdout, /to 64 pages, last byte 7/);
    assert.equal(usage.memory, 4 << 20);
  }
  const module = await engine.compile(await guestBytes("grow"));
  await assert.rejects(engine.instantiate(module, { limits: { memory: 65_536 } }), withCode("LIMIT_MEMORY"));
  await assert.rejects(engine.compile(await guestBytes("grow"), { memory: 65_536 }), withCode("LIMIT_MEMORY"));
});

test("An engine's limit of table elements refuses growth past it with -1, and what begins with more by name", async () => {
  const own = new Engine({ cache: false, limits: { tableElements: 100 } });
  const module = await own.compile(tableModule(10));
  await using instance = await own.instantiate(module);
  assert.equal(instance.callSync("grow", 90), 10);
  assert.equal(instance.callSync("grow", 1), -1);
  await assert.rejects(own.compile(tableModule(101)), withCode("LIMIT_TABLE"));
  await instance.close();
  const tables = (count: number, elements: number): Uint8Array<ArrayBuffer> =>
    moduleOf(section(4, count, ...Array.from({ length: count }, () => [0x70, 0, elements]).flat()));
  await own.compile(tables(4, 100));
  await own.compile(tables(40, 10));
  await assert.rejects(own.compile(tables(40, 11)), withCode("LIMIT_TABLE"));
  await own.close();
});

test("A deadline ends a call that runs and one that waits; what is quicker goes on, and each call has its own", async () => {
  for (const kind of ["spin", "sleep"])
    assert.equal(codeOf(await run("catch-all", [kind], { limits: { deadline: 40 } })), "LIMIT_DEADLINE");
  const module = await engine.compile(spinModule);
  for (const mode of ["sync", "async"] as const) {
    await using instance = await engine.instantiate(module, { mode, limits: { deadline: 40 } });
    assert.equal(await instance.call("increment", 1), 2);
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.equal(await instance.call("increment", 2), 3);
    await assert.rejects(instance.call("spin"), withCode("LIMIT_DEADLINE"));
  }
});

test("A limit of CPU time counts what runs, over all calls, and not what waits", async () => {
  assert.equal(codeOf(await run("catch-all", ["spin"], { limits: { cpu: 30 } })), "LIMIT_CPU");
  const slept = await run("catch-all", ["sleep"], { limits: { cpu: 30, deadline: 90 } });
  assert.equal(codeOf(slept), "LIMIT_DEADLINE");
  assert.ok(slept.usage.cpu < 30, `${slept.usage.cpu} ms`);
  const spun = await run("catch-all", ["spin"], { limits: { cpu: 30 } });
  assert.ok(spun.usage.cpu >= 30, `${spun.usage.cpu} ms`);
});

test("Recursion without end is a trap that says which limit it ran into", async () => {
  for (const mode of ["sync", "async"] as const)
    assert.equal(codeOf(await run("trap", ["recursion"], { mode })), "LIMIT_STACK");
});

test("A limit of output bytes ends the guest by name; one of descriptors is the guest's own error", async () => {
  assert.equal(codeOf(await run("hello", [], { limits: { maxOutput: 3 } })), "LIMIT_OUTPUT");
  const module = await engine.compile(await guestBytes("hello"));
  await assert.rejects(engine.instantiate(module, { limits: { maxFiles: 2 } }), SampanError);
});

test("An engine's limit of instances refuses one more by name until one is closed", async () => {
  const own = new Engine({ cache: false, limits: { instances: 2 } });
  const module = await own.compile(spinModule);
  const [first] = await Promise.all([own.instantiate(module), own.instantiate(module)]);
  await assert.rejects(own.instantiate(module), withCode("LIMIT_INSTANCES"));
  await first.close();
  await own.instantiate(module);
  await assert.rejects(own.instantiate(module), withCode("LIMIT_INSTANCES"));
  await own.close();
});

test("Memories and suspended calls are refused by name before the process has as many maps as it may", async () => {
  let maps = 0;
  const own = new Engine({ cache: false }, { maps: { limit: () => 5_000, count: () => maps } });
  const module = await own.compile(spinModule);
  const instances: Instance[] = [];
  for (let made = 0; made < 40; made += 1) instances.push(await own.instantiate(module, { mode: "async" }));
  maps = 5_000;
  // Calls that end give back what they took; those that stay use up what was counted before.
  const [first] = instances;
  for (let call = 0; call < 200; call += 1) assert.equal(await first?.call("increment", call), call + 1);
  let refused: unknown;
  for (const each of instances) {
    const call = each.call("spin").catch((error: unknown) => error);
    const turn = new Promise((resolve) => setImmediate(() => resolve(undefined)));
    refused = await Promise.race([call, turn]);
    if (refused !== undefined) break;
  }
  assert.ok(withCode("LIMIT_STACKS")(refused), String(refused));
  await assert.rejects(own.instantiate(module), withCode("LIMIT_MEMORIES"));
  await own.close();
});

test("Instance.usage() counts calls, bytes both ways, time and memory", async () => {
  const stdin = {
    pieces: [Buffer.from("12345"), Buffer.from("678")],
    read(into: Uint8Array): number {
      const piece = this.pieces.shift();
      if (piece === undefined) return 0;
      into.set(piece);
      return piece.length;
    },
    ready: () => true as const,
    cancel: () => {},
  };
  const { stdio, output } = keptStdio();
  const module = await engine.compile(await guestBytes("cat"));
  const instance = await engine.instantiate(module, { stdio: { ...stdio, stdin } });
  await instance.run();
  assert.equal(output.stdout, "12345678");
  const { calls, bytesIn, bytesOut, cpu, memory } = await instance.usage();
  assert.deepEqual([bytesIn, bytesOut], [8, 8]);
  assert.ok(calls >= 5 && cpu > 0 && memory >= 65_536, JSON.stringify({ calls, cpu, memory }));
  await instance.close();
});

/** A table of so many elements, exported as nothing, and `grow`, of so many more. */
const tableModule = (elements: number): Uint8Array<ArrayBuffer> =>
  moduleOf(
    section(1, 1, 0x60, 1, 0x7f, 1, 0x7f),
    section(3, 1, 0),
    section(4, 1, 0x70, 0, elements),
    section(7, 1, ...named("grow"), 0, 0),
    section(10, 1, 9, 0, 0xd0, 0x70, 0x20, 0, 0xfc, 15, 0, 0x0b),
  );
