import assert from "node:assert/strict";
import { type ComponentFunctionType } from "../../wasm/component/index.ts";
import { ByteWriter } from "../../wasm/index.ts";
import { makeExport } from "./lift-export.ts";
import { flattenFunction, Layout } from "./layout.ts";
import { makeImport } from "./lower-import.ts";
import { type CanonicalRuntime, type CanonicalShape, type CanonicalTask, MemoryViews } from "./runtime.ts";

/** What a trap of the fixture's runtime is. */
export class Trapped extends WebAssembly.RuntimeError {
  readonly reason: string;
  constructor(reason: string) {
    super(`trap: ${reason}`);
    this.reason = reason;
  }
}

const guard = 0xa5;
const guardLength = 24;

/**
 * A runtime whose allocator lays guard bytes around each block, and moves each block that is reallocated. Handles are
 * positions in a list.
 */
export class GuardedRuntime implements CanonicalRuntime {
  readonly memory: WebAssembly.Memory;
  readonly views = new MemoryViews();
  readonly things: unknown[] = [];
  readonly calls: [old: number, oldSize: number, alignment: number, size: number][] = [];
  /** Set where the allocator is to answer something of its own. */
  answer: ((alignment: number, size: number) => number) | undefined;
  entered = 0;
  left = 0;
  readonly #blocks: [at: number, size: number][] = [];
  #next: number;

  constructor(reserved = 0) {
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((reserved + 4096) / 65_536) });
    this.views.attach(this.memory);
    new Uint8Array(this.memory.buffer).fill(guard);
    this.#next = reserved;
  }

  realloc(old: number, oldSize: number, alignment: number, size: number): number {
    this.calls.push([old, oldSize, alignment, size]);
    if (this.answer !== undefined) return this.answer(alignment, size);
    const at = Math.ceil((this.#next + guardLength) / alignment) * alignment;
    this.#next = at + size;
    const wanted = this.#next + guardLength;
    // Memory grows more often than it has to: views that were made before are of no use then.
    const some = this.calls.length % 3 === 0 ? 1 : 0;
    const grown = Math.max(some, Math.ceil((wanted - this.memory.buffer.byteLength) / 65_536));
    if (grown > 0) {
      const before = this.memory.buffer.byteLength;
      this.memory.grow(grown);
      new Uint8Array(this.memory.buffer, before).fill(guard);
    }
    const bytes = new Uint8Array(this.memory.buffer);
    if (oldSize > 0) {
      bytes.copyWithin(at, old, old + Math.min(oldSize, size));
      const index = this.#blocks.findIndex(([place]) => place === old);
      assert.equal(this.#blocks[index]?.[1], oldSize, "the old size of a block");
      this.#blocks.splice(index, 1);
      bytes.fill(guard, old, old + oldSize);
    }
    this.#blocks.push([at, size]);
    return at;
  }

  /** Where the last block ends. */
  get end(): number {
    return this.#next;
  }

  /** Asserts that nothing but blocks, and the area up to `reserved`, was written. */
  checkGuards(reserved: number): void {
    const bytes = new Uint8Array(this.memory.buffer);
    let at = reserved;
    for (const [start, size] of this.#blocks.toSorted(([a, i], [b, j]) => a - b || i - j)) {
      for (; at < start; at += 1) assert.equal(bytes[at], guard, `byte ${at}, before the block of ${size} at ${start}`);
      at = Math.max(at, start + size);
    }
    for (const end = Math.min(at + 200, bytes.length); at < end; at += 1) assert.equal(bytes[at], guard, `byte ${at}`);
  }

  trap(reason: string): never {
    throw new Trapped(reason);
  }
  fail(error: unknown): never {
    throw error;
  }
  liftOwn(_slot: number, handle: number): unknown {
    return this.things[handle];
  }
  liftBorrow(slot: number, handle: number): unknown {
    return this.liftOwn(slot, handle);
  }
  lowerOwn(_slot: number, value: unknown): number {
    return this.things.push(value) - 1;
  }
  lowerBorrow(slot: number, value: unknown): number {
    return this.lowerOwn(slot, value);
  }
  liftAsync(): unknown {
    return this.trap("async");
  }
  lowerAsync(): number {
    return this.trap("async");
  }
  enterCall(): CanonicalTask {
    this.entered += 1;
    return { started: false };
  }
  leaveCall(): void {
    this.left += 1;
  }
}

const codes = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };

/** A core module whose `call` hands all it gets to its import, with a place for the result where one is needed. */
export function forwarder(type: ComponentFunctionType, area: number, pointer: "i32" | "i64"): Uint8Array<ArrayBuffer> {
  const inner = flattenFunction(type, { direction: "lower", pointer });
  const outer = flattenFunction(type, { direction: "lift", pointer });
  const bytes = new ByteWriter().raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const section = (id: number, content: ByteWriter): void => {
    bytes.u8(id).u32(content.length).raw(content.finish());
  };
  const types = new ByteWriter().u32(2);
  for (const { params, results } of [inner, outer]) {
    types
      .u8(0x60)
      .u32(params.length)
      .raw(params.map((each) => codes[each]));
    types.u32(results.length).raw(results.map((each) => codes[each]));
  }
  section(1, types);
  section(2, new ByteWriter().u32(1).name("").name("host").raw([0, 0]));
  section(3, new ByteWriter().raw([1, 1]));
  section(7, new ByteWriter().u32(1).name("call").raw([0, 1]));
  const body = new ByteWriter().u32(0);
  const place = new ByteWriter().u8(pointer === "i32" ? 0x41 : 0x42).raw(signed(area));
  outer.params.forEach((_, at) => body.u8(0x20).u32(at));
  if (inner.spillsResult) body.raw(place.finish());
  body.u8(0x10).u32(0);
  if (outer.spillsResult) body.raw(place.finish());
  body.u8(0x0b);
  section(10, new ByteWriter().u32(1).u32(body.length).raw(body.finish()));
  return new Uint8Array(bytes.finish());
}

/** A small positive number as signed LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (; value > 0x3f; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

const areaStart = 64;

/** What generates the code; tests plant faults in one. */
export interface Makers {
  readonly makeExport: typeof makeExport;
  readonly makeImport: typeof makeImport;
}

/**
 * A function of a guest that hands its parameters to `host` and answers what that answered: each value is lowered as an
 * argument, lifted as a parameter, lowered as a result and lifted again.
 */
export function roundTrip(
  type: ComponentFunctionType,
  shape: CanonicalShape,
  host: (...values: unknown[]) => unknown,
  makers: Makers = { makeExport, makeImport },
) {
  const pointer = shape.memoryIs64 === true ? "i64" : "i32";
  const size = type.result === undefined ? 0 : new Layout(pointer).sizeOf(type.result);
  const reserved = areaStart + size;
  const runtime = new GuardedRuntime(reserved);
  const lowered = makers.makeImport(type, shape)(runtime, host, "f");
  const module = new WebAssembly.Module(forwarder(type, areaStart, pointer));
  const isAsync = shape.mode === "async";
  const imported = isAsync ? new WebAssembly.Suspending(lowered as () => Promise<unknown>) : (lowered as () => unknown);
  const { exports } = new WebAssembly.Instance(module, { "": { host: imported as never } });
  const call = exports["call"] as (...values: never[]) => unknown;
  const core = isAsync ? (WebAssembly.promising(call) as typeof call) : call;
  return {
    runtime,
    call: makers.makeExport(type, shape)(runtime, core, "f"),
    check: () => runtime.checkGuards(reserved),
  };
}
