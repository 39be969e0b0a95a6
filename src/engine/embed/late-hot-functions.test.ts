import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defaultGrants } from "../../capabilities/index.ts";
import { Engine } from "../engine.ts";
import { isOptimized } from "../hot-functions.ts";
import { instantiate } from "../instantiate.ts";
import { type CompiledComponent, engineFor } from "./own-engine.ts";

const image = fileURLToPath(new URL("../../../guests/image/image.wasm", import.meta.url));

const engine = new Engine({ cache: false });
after(() => engine.close());

/** The component, its core modules' exports kept by what has them optimised. */
function kept(component: CompiledComponent): { component: CompiledComponent; hot: () => CallableFunction[] } {
  const found: CallableFunction[] = [];
  const modules = component.modules.map((module) => {
    const keep = (exports: WebAssembly.Exports): void => {
      for (const { name } of module.layout.functions) found.push(exports[name] as CallableFunction);
    };
    const { prepare, prepareLater } = module;
    return {
      ...module,
      prepare: (exports: WebAssembly.Exports) => (keep(exports), prepare(exports)),
      prepareLater: (exports: WebAssembly.Exports) => (keep(exports), prepareLater(exports)),
    };
  });
  return { component: { ...component, modules }, hot: () => found };
}

test("functions with hot loops of a component are optimised in turns behind its first call", async () => {
  const { component, hot } = kept(await engine.compileComponent(readFileSync(image)));
  const instance = await engine.instantiateComponent(component, { grants: defaultGrants, optimisesLate: true });
  assert.deepEqual(hot(), []);
  const { resize } = instance.exports["acme:image/resize"] as { resize: (...args: unknown[]) => unknown };
  await assert.rejects(async () => resize(new Uint8Array(3), { width: 1 }), /./);
  assert.ok(hot().length > 0);
  assert.ok(!hot().every(isOptimized));
  for (let round = 0; round < 10 + hot().length; round++) await turn();
  assert.ok(hot().every(isOptimized));
  await instance.close();
});

test("instantiate() has them optimised late, unless the program has an engine of its own", async (t) => {
  const late: unknown[] = [];
  for (const given of [undefined, engine]) {
    const used = engineFor(given).engine;
    const spy = t.mock.method(used, "instantiateComponent");
    await using _ = await instantiate(image, { allow: {}, engine: given });
    late.push(spy.mock.calls[0]?.arguments[1]?.optimisesLate);
  }
  assert.deepEqual(late, [true, false]);
});
