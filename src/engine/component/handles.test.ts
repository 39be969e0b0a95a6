import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { handlesComponent } from "../../../guests/composed.ts";
import { greeterComponent } from "../../../guests/greeter.ts";
import { Engine } from "../engine.ts";
import type { ComponentInstance } from "./component-instance.ts";

class Unused {
  get(): number {
    return 0;
  }
}

let engine: Engine;
before(() => (engine = new Engine({ cache: false })));
after(() => engine.close());

describe("a component that gives another handles", () => {
  const make = async (): Promise<ComponentInstance> =>
    engine.instantiateComponent(await engine.compileComponent(handlesComponent()));

  test("lends and gives away what it owns, each resource once", async () => {
    const instance = await make();
    const [first, second] = [await instance.invoke("make-left", 7), await instance.invoke("make-left", 8)];
    assert.notEqual(first, second);
    assert.equal(await instance.invoke("peek-left", first), 7);
    assert.equal(await instance.invoke("peek-left", first), 7, "what was lent came back");
    assert.equal(await instance.invoke("take-left", second), 8);
    await instance.invoke("drop-left", first);
    assert.equal(await instance.invoke("make-left", 9), first, "a number that is free is used again");
  });

  const hostile: Readonly<Record<string, readonly [calls: readonly [string, number | "last"][], reason: string]>> = {
    forged: [[["take-left", 77]], "unknown-handle"],
    "0": [[["peek-left", 0]], "unknown-handle"],
    "2^32 - 1": [[["peek-left", 0xffff_ffff]], "unknown-handle"],
    "given away": [[["make-left", 7], ["take-left", "last"], ["peek-left", 1]], "unknown-handle"], // prettier-ignore
    "dropped twice": [[["make-left", 7], ["drop-left", "last"], ["drop-left", 1]], "unknown-handle"], // prettier-ignore
    "of another type": [[["make-right", 7], ["take-left", "last"]], "wrong-handle-type"], // prettier-ignore
    "of another type, to be dropped": [[["make-right", 7], ["drop-left", "last"]], "wrong-handle-type"], // prettier-ignore
    "lent to the call": [[["make-left", 7], ["take-lent", "last"]], "handle-is-lent"], // prettier-ignore
  };
  for (const [title, [calls, reason]] of Object.entries(hostile)) {
    test(`ends at a handle that is ${title}`, async () => {
      const instance = await make();
      let last: unknown;
      for (const [name, given] of calls.slice(0, -1))
        last = await instance.invoke(name, given === "last" ? last : given);
      const [name = "", given = 0] = calls.at(-1) ?? [];
      await assert.rejects(
        instance.invoke(name, given === "last" ? last : given),
        (error: { code: string; data: unknown }) => {
          assert.equal(error.code, "GUEST_TRAPPED");
          assert.equal((error.data as { reason: string }).reason, reason);
          return true;
        },
      );
      assert.ok(instance.isEnded);
    });
  }
});

describe("a component that the host gives handles", () => {
  const make = async (): Promise<ComponentInstance> => {
    const host = { add: (a: number, b: number) => a + b, log: () => {}, Thing: Unused };
    const imports = { "test:host/calls@1.2.0": host };
    return engine.instantiateComponent(await engine.compileComponent(await greeterComponent()), { imports });
  };
  const counters = "test:greeter/counters@0.2.1";
  const made = async (instance: ComponentInstance): Promise<Disposable> =>
    (await instance.invoke(`${counters}#[constructor]counter`, 7)) as Disposable;
  const eat = async (instance: ComponentInstance, it: unknown): Promise<unknown> =>
    instance.invoke(`${counters}#[static]counter.eat`, it);

  test("takes its own once, and refuses what is another's, forged, dropped or given away", async () => {
    const [one, other] = [await make(), await make()];
    const counter = await made(one);
    await assert.rejects(eat(other, counter), { code: "COMPONENT_VALUE" });
    await eat(one, counter);
    await assert.rejects(eat(one, counter), { code: "COMPONENT_VALUE" });
    const dropped = await made(one);
    dropped[Symbol.dispose]();
    dropped[Symbol.dispose]();
    await assert.rejects(eat(one, dropped), { code: "COMPONENT_VALUE" });
    for (const forged of [1, {}, null, Object.create(Object.getPrototypeOf(counter) as object)])
      await assert.rejects(eat(one, forged), { code: "COMPONENT_VALUE" });
    assert.ok(!one.isEnded && !other.isEnded, "what a caller gives wrong ends nobody");
    assert.equal(await one.invoke("dropped"), 2);
  });
});
