import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { KeptStacks, type CoreHandler } from "./kept-stacks.ts";

/** `(module (import "" "f" (func $f (param i32 i32))) (func (export "handler") (param i32 i32) local.get 0 local.get 1 call $f))`. */
const handlerModule = new WebAssembly.Module(
  new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 2, 0x7f, 0x7f, 0, 2, 6, 1, 0, 1, 0x66, 0, 0, 3, 2, 1, 0, 7, 11, 1,
    7, 0x68, 0x61, 0x6e, 0x64, 0x6c, 0x65, 0x72, 0, 1, 10, 10, 1, 8, 0, 0x20, 0, 0x20, 1, 0x10, 0, 0x0b,
  ]),
);

function handlerOf(f: (request: number, outparam: number) => unknown): CoreHandler {
  const imports = { "": { f: new WebAssembly.Suspending(f) } };
  return new WebAssembly.Instance(handlerModule, imports).exports["handler"] as CoreHandler;
}

test("KeptStacks.call() has handlers of several instances take their arguments one after the other", async () => {
  const stacks = new KeptStacks();
  const seen: string[] = [];
  const one = handlerOf((...args) => void seen.push(`one ${args.join()}`));
  const two = handlerOf((...args) => void seen.push(`two ${args.join()}`));
  for (let i = 0; i < 3; i++) {
    await stacks.call(one, i, -1);
    await stacks.call(two, i, 2 ** 31 - 1);
  }
  const expected = [0, 1, 2].flatMap((i) => [`one ${i},-1`, `two ${i},2147483647`]);
  assert.deepEqual(seen, expected);
});

test("KeptStacks.call() has handlers wait at once, each on a stack of its own, more than are kept", async () => {
  const stacks = new KeptStacks();
  const waiting = new Map<number, () => void>();
  const handler = handlerOf((request) => new Promise<void>((resolve) => waiting.set(request, resolve)));
  for (let round = 0; round < 3; round++) {
    const over: number[] = [];
    const count = 100;
    const calls = Array.from({ length: count }, async (_, i) => {
      await stacks.call(handler, i, 0);
      over.push(i);
    });
    while (waiting.size < count) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(over, []);
    const order = [...waiting.keys()].toReversed();
    for (const i of order) {
      waiting.get(i)?.();
      waiting.delete(i);
    }
    await Promise.all(calls);
    assert.deepEqual(over, order);
  }
});

test("KeptStacks.call() throws what a handler throws, before and after it waited, and calls others on", async () => {
  const stacks = new KeptStacks();
  const thrown = new Error("thrown");
  const throwing = handlerOf(() => {
    throw thrown;
  });
  const failing = handlerOf(() => Promise.reject(thrown));
  let count = 0;
  const counting = handlerOf(() => void count++);
  for (let i = 0; i < 40; i++) {
    await assert.rejects(stacks.call(throwing, 0, 0), thrown);
    await assert.rejects(stacks.call(failing, 0, 0), thrown);
    await stacks.call(counting, 0, 0);
  }
  assert.equal(count, 40);
});

test("KeptStacks.forget() lets a handler be collected whose instance is closed", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const stacks = new KeptStacks();
  const called = async (isForgotten: boolean): Promise<WeakRef<CoreHandler>> => {
    const handler = handlerOf(() => {});
    await stacks.call(handler, 0, 0);
    await stacks.call(handler, 0, 0);
    if (isForgotten) stacks.forget(handler);
    return new WeakRef(handler);
  };
  for (const isForgotten of [false, true]) {
    const handler = await called(isForgotten);
    await new Promise((resolve) => setImmediate(resolve));
    collect();
    assert.equal(handler.deref() === undefined, isForgotten);
  }
});
