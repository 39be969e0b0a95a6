import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Bytes,
  code,
  end,
  functions,
  functionType,
  i32,
  importOf,
  imports,
  moduleOf,
  types,
} from "../module-fixture.ts";
import { type FunctionLoops, readLoops } from "./loops.ts";

const nops = (count: number): Bytes => Array.from({ length: count }, () => 0x01);
const call = (index: number): Bytes => [0x10, index];
const loop = (...body: readonly Bytes[]): Bytes => [0x03, 0x40, ...body.flat(), end];
const block = (...body: readonly Bytes[]): Bytes => [0x02, 0x40, ...body.flat(), end];
const again: Bytes = [0x0c, 0];

/** The loops of functions that take an i32, in a module that V8 accepts; function 0 is an import. */
function loopsOf(...bodies: readonly Bytes[]): readonly FunctionLoops[] {
  const bytes = moduleOf(
    types(functionType([i32], []), functionType([], [])),
    imports(importOf("env", "f", [0, 1])),
    functions(...bodies.map(() => 0)),
    code(...bodies),
  );
  assert.ok(WebAssembly.validate(bytes));
  return readLoops(bytes);
}

test("readLoops() counts the bytes of loops that are entered again, nested ones twice", () => {
  const [once, plain, nested, left] = loopsOf(
    nops(100),
    loop(nops(100), again),
    loop(nops(100), loop(nops(50), again), again),
    loop(nops(100)),
  );
  assert.deepEqual([once?.loopWork, once?.index, once?.bodySize], [0, 1, 102]);
  assert.equal(plain?.loopWork, 102);
  assert.equal(nested?.loopWork, 100 + 55 + 2 + 52);
  assert.equal(left?.loopWork, 0);
});

test("readLoops() takes a branch out of a br_table or a br_if as one back to a loop", () => {
  const [byTable, byIf] = loopsOf(loop(nops(80), [0x20, 0, 0x0e, 1, 0, 1]), loop(nops(80), [0x20, 0, 0x0d, 0]));
  assert.ok((byTable?.loopWork ?? 0) > 80);
  assert.ok((byIf?.loopWork ?? 0) > 80);
});

test("readLoops() takes 64 bytes for a call off a loop's work, but for one that never returns", () => {
  const [busy, calling, panicking] = loopsOf(
    loop(nops(98), call(0), again),
    loop(nops(10), call(0), again),
    loop(nops(100), block([0x20, 0, 0x0d, 0], call(0), [0x00]), again),
  );
  assert.equal(busy?.loopWork, 102 - 64);
  assert.equal(calling?.loopWork, 0);
  assert.ok((panicking?.loopWork ?? 0) > 100);
});

test("readLoops() tells own callees inside of loops from those outside, and leaves out imports and panics", () => {
  const body = [...call(0), ...loop([0x20, 0], call(2), again), 0x20, 0, ...call(1), 0x20, 0, ...call(2)];
  const [caller] = loopsOf(body, [0x20, 0, ...call(1), 0x00]);
  assert.deepEqual(caller?.callees, Uint32Array.of(1, 2));
  assert.deepEqual(caller?.loopCallees, Uint32Array.of(2));
  const [, panicking] = loopsOf(body, [0x20, 0, ...call(1), 0x00]);
  assert.deepEqual(panicking?.callees, Uint32Array.of());
});

/** A function as Go's compiler makes it: its parts stand behind blocks, a jump names the part and goes to the loop's head. */
const dispatched = (first: Bytes, second: Bytes): Bytes =>
  loop(block(block([0x20, 0, 0x0e, 2, 0, 1, 1]), nops(40), first), nops(40), second);
const goOnAt = (part: number, depth: number): Bytes => [0x41, part, 0x21, 0, 0x0c, depth];

test("readLoops() takes a loop around a jump table for one only where a jump goes back", () => {
  const [forward, back, unknown] = loopsOf(
    dispatched(goOnAt(1, 1), []),
    dispatched([], goOnAt(0, 0)),
    dispatched([], [0x20, 0, 0x41, 1, 0x6b, 0x21, 0, 0x0c, 0]),
  );
  assert.equal(forward?.loopWork, 0);
  assert.ok((back?.loopWork ?? 0) >= 80 && (back?.loopWork ?? 0) < 95, `${back?.loopWork}`);
  // A jump whose aim is computed may go anywhere.
  assert.ok((unknown?.loopWork ?? 0) > 95, `${unknown?.loopWork}`);
});

test("readLoops() takes twice as much for a call off the work of a loop around a jump table", () => {
  const calls = call(0);
  const table = (body: Bytes): Bytes => loop(block(block([0x20, 0, 0x0e, 2, 0, 1, 1]), nops(300), body), goOnAt(0, 0));
  const [without, calling] = loopsOf(table([]), table(calls));
  assert.equal((without?.loopWork ?? 0) + calls.length - (calling?.loopWork ?? 0), 128);
});
