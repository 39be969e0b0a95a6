import assert from "node:assert/strict";
import { mkdtempSync, statSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { composedComponent } from "../../../guests/composed.ts";
import { greeterComponent } from "../../../guests/greeter.ts";
import { shopComponent } from "../../../guests/shop.ts";
import { CompileCache } from "../cache/index.ts";
import { Engine } from "../engine.ts";
import type { CompileOptions } from "../guest-module.ts";
import { compileComponent } from "./component-module.ts";
import { findComponent, keyOfComponent } from "./kept-component.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const root = mkdtempSync(join(tmpdir(), "sampan-kept-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function newCache(): { readonly folder: string; readonly cache: CompileCache } {
  const folder = join(root, `cache-${folders++}`);
  return { folder, cache: new CompileCache(folder) };
}

function find(bytes: Bytes, options: CompileOptions): ReturnType<typeof findComponent> {
  const key = keyOfComponent(bytes, options);
  assert.ok(key !== undefined);
  return findComponent(bytes, key, options);
}

const ways: Readonly<Record<string, CompileOptions>> = {
  "as it is": {},
  "with checks": { checks: true },
  "with limits": { checks: true, memory: 64 << 20, tableElements: 10_000 },
  "with hot functions": { hotFunctions: "here" },
  "to be put back": { checks: true, restore: true },
};

for (const [way, options] of Object.entries(ways)) {
  test(`findComponent() answers what compileComponent() made: ${way}`, async () => {
    const { folder, cache } = newCache();
    for (const bytes of [await greeterComponent(), await shopComponent(), composedComponent("string")]) {
      assert.equal(find(bytes, { ...options, cache }), undefined);
      const made = compileComponent(bytes, { ...options, cache });
      const found = find(bytes, { ...options, cache: new CompileCache(folder) })?.compile();
      assert.ok(found !== undefined);
      assert.equal(found.memories, made.memories);
      assert.deepEqual(
        found.modules.map(({ name, code, layout, offsets }) => [name, code, layout, offsets.size, offsets.toBytes()]),
        made.modules.map(({ name, code, layout, offsets }) => [name, code, layout, offsets.size, offsets.toBytes()]),
      );
    }
  });
}

test("compileComponent() neither decodes nor checks nor rewrites a component that the cache has", async () => {
  const { cache } = newCache();
  const bytes = await greeterComponent();
  compileComponent(bytes, { checks: true, cache });
  // What lies between the core modules is gone: whoever looked at it would refuse it.
  const key = keyOfComponent(bytes, { checks: true, cache });
  assert.ok(key !== undefined);
  const hollow = bytes.slice();
  const [first] = compileComponent(bytes, { checks: true, cache }).modules;
  hollow.fill(0xff, 8, (first?.bytes.byteOffset ?? 0) - bytes.byteOffset);
  assert.throws(() => compileComponent(hollow, { checks: true }), { code: "WASM_MALFORMED" });
  const found = findComponent(hollow, key, { checks: true, cache });
  assert.equal(found?.compile().modules.length, 3);
});

test("compileComponent() makes anew what is damaged in the cache, wherever that is", async () => {
  const { folder, cache } = newCache();
  const bytes = await greeterComponent();
  compileComponent(bytes, { checks: true, cache });
  const [name = ""] = readdirSync(folder).filter((each) => /^[0-9a-f]{64}$/.test(each));
  const file = join(folder, name);
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at += 97) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    writeFileSync(file, damaged);
    assert.equal(find(bytes, { checks: true, cache }), undefined, `byte ${at}`);
  }
  writeFileSync(file, whole.subarray(0, whole.length - 1));
  assert.equal(find(bytes, { checks: true, cache }), undefined);
  compileComponent(bytes, { checks: true, cache });
  assert.notEqual(find(bytes, { checks: true, cache }), undefined);
});

test("compileComponent() keeps nothing of a component that it refuses", async () => {
  const { folder, cache } = newCache();
  const bytes = await greeterComponent();
  assert.throws(() => compileComponent(bytes.subarray(0, bytes.length - 3), { checks: true, cache }));
  assert.deepEqual(
    readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name)),
    [],
  );
});

test("keyOfComponent() tells options apart, and knows a file by its identity once it was found", async () => {
  const { folder, cache } = newCache();
  const bytes = await greeterComponent();
  const file = join(root, "greeter.wasm");
  writeFileSync(file, bytes);
  utimesSync(file, 1, 1);
  const keys = Object.values(ways).map((options) => keyOfComponent(bytes, { ...options, cache })?.key);
  assert.equal(new Set(keys).size, keys.length);
  const stat = statSync(file, { bigint: true });
  // Its change time is that of this test.
  const still = { ...stat, ctimeMs: 1_000n, ctimeNs: 1_000_000_000n, size: stat.size } as typeof stat;
  compileComponent(bytes, { checks: true, cache, file: still });
  // Bytes that nobody looks at are those of the file that is known.
  const known = keyOfComponent(new Uint8Array(bytes.length), {
    checks: true,
    cache: new CompileCache(folder),
    file: still,
  });
  assert.equal(known?.key, keyOfComponent(bytes, { checks: true, cache })?.key);
  assert.notEqual(
    keyOfComponent(new Uint8Array(bytes.length - 1), { checks: true, cache, file: still })?.key,
    known?.key,
  );
});

test("Engine runs a component out of the cache as it ran it before", async () => {
  const folder = join(root, "engine");
  const bytes = composedComponent("number");
  const answers: unknown[] = [];
  for (let i = 0; i < 2; i++) {
    await using engine = new Engine({ cache: folder });
    const component = await engine.compileComponent(bytes);
    const instance = await engine.instantiateComponent(component, { imports: { wait: (value: number) => value } });
    answers.push(await instance.invoke(instance.functions[0] ?? "", 7));
  }
  assert.deepEqual(answers, [15, 15]);
});
