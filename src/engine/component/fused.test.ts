import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { composedComponent, type ComposedValue } from "../../../guests/composed.ts";
import { Engine } from "../engine.ts";

const text = "1 KiB of wörds and 🍰 ".repeat(40);
const values: Readonly<Record<ComposedValue, readonly [given: unknown, answered: unknown]>> = {
  number: [20, 41],
  string: [text, text],
};

let engine: Engine;
before(() => (engine = new Engine({ cache: false })));
after(() => engine.close());

describe("a component that calls another", () => {
  for (const [value, [given, answered]] of Object.entries(values)) {
    const bytes = composedComponent(value as ComposedValue);

    test(`goes on with a ${value} after the other has waited for the host`, async () => {
      const compiled = await engine.compileComponent(bytes);
      let asking = Promise.withResolvers<unknown>();
      let answering = Promise.withResolvers<unknown>();
      const wait = async (it: unknown): Promise<unknown> => {
        asking.resolve(it);
        return answering.promise;
      };
      const instance = await engine.instantiateComponent(compiled, { imports: { wait } });
      assert.equal(instance.mode, "async");
      for (let calls = 0; calls < 3; calls++) {
        asking = Promise.withResolvers();
        answering = Promise.withResolvers();
        let isOver = false;
        const running = instance.invoke("run", given).finally(() => (isOver = true));
        assert.equal(await asking.promise, given);
        await turn();
        assert.ok(!isOver);
        answering.resolve(given);
        assert.equal(await running, answered);
      }
    });

    test(`passes a ${value} through both without waiting`, async () => {
      const compiled = await engine.compileComponent(bytes);
      const instance = await engine.instantiateComponent(compiled, { imports: { wait: (it: unknown) => it } });
      assert.equal(instance.mode, "sync");
      assert.equal(await instance.invoke("run", given), answered);
    });
  }
});
