import type { EngineMemory, Rewritten } from "./rewrite.ts";

/** An instance of a rewritten module as an engine makes it. */
export interface RewrittenInstance {
  readonly exports: Record<string, unknown>;
  readonly memories: readonly WebAssembly.Memory[];
  /** The epoch memory's words. */
  readonly epoch: Int32Array;
  /** Calls an export by its name. */
  readonly call: (name: string, ...values: readonly number[]) => unknown;
}

function memoryOf({ initial, maximum, shared, is64 }: EngineMemory): WebAssembly.Memory {
  const size = (pages: number): number | bigint => (is64 ? BigInt(pages) : pages);
  const descriptor = {
    initial: size(initial),
    ...(maximum === undefined ? {} : { maximum: size(maximum) }),
    shared,
    address: is64 ? "i64" : "i32",
  };
  return new WebAssembly.Memory(descriptor as unknown as WebAssembly.MemoryDescriptor);
}

/** `(module (import "" "hook" (func (param i32))) (export "hook" (func 0)))`: a JavaScript function as a typed reference. */
const hookModule = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0, 2, 9, 1, 0, 4, 0x68, 0x6f, 0x6f, 0x6b, 0, 0, 7, 8, 1, 4,
  0x68, 0x6f, 0x6f, 0x6b, 0, 0,
]);

/** Instantiates a rewritten module with the memories that it asks for, and a hook. */
export function instantiateRewritten(
  { bytes, layout }: Rewritten,
  { imports = {}, hook }: { imports?: WebAssembly.Imports; hook?: (id: number) => void } = {},
): RewrittenInstance {
  const own: Record<string, WebAssembly.ImportValue> = {};
  const memories = layout.memories.map(memoryOf);
  for (const [index, { name }] of layout.memories.entries()) {
    const memory = memories[index];
    if (memory !== undefined) own[name] = memory;
  }
  const epoch = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  if (layout.checks !== undefined) own[layout.checks.epoch] = epoch;
  const module = new WebAssembly.Module(bytes);
  const instance = new WebAssembly.Instance(module, { ...imports, [layout.namespace]: own });
  const exports = instance.exports as Record<string, unknown>;
  if (layout.checks !== undefined && hook !== undefined) {
    const typed = new WebAssembly.Instance(new WebAssembly.Module(hookModule), { "": { hook } });
    (exports[layout.checks.hook] as WebAssembly.Global).value = typed.exports["hook"];
  }
  const call = (name: string, ...values: readonly number[]): unknown =>
    (exports[name] as (...values: readonly number[]) => unknown)(...values);
  return { exports, memories, epoch: new Int32Array(epoch.buffer), call };
}
