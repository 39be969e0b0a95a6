import type { RewrittenLayout } from "../src/wasm/index.ts";
import { ByteWriter } from "../src/wasm/writer.ts";

let forwarder: WebAssembly.Module | undefined;

/** A function of JavaScript as one of WebAssembly's that takes an i32, as typed globals want it. */
function typedHook(hook: (id: number) => void): unknown {
  forwarder ??= new WebAssembly.Module(
    new Uint8Array(
      new ByteWriter()
        .raw([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
        .raw([1, 5, 1, 0x60, 1, 0x7f, 0, 2, 7, 1, 1, 0x68, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0])
        .finish(),
    ),
  );
  return new WebAssembly.Instance(forwarder, { h: { f: hook } }).exports["f"];
}

/** What an engine does for a rewritten module: memories, the epoch word and its hook, saving and putting back. */
export class EngineSide {
  readonly #layout: RewrittenLayout;
  readonly #memories: WebAssembly.Memory[];
  readonly #epoch = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  readonly #word = new Int32Array(this.#epoch.buffer);
  #exports: WebAssembly.Exports = {};
  #saved: Uint8Array[] = [];
  /** How often the hook was called since the alarm was set. */
  hooks = 0;
  /** Arguments of the hook that were wrong. */
  wrongIds = 0;
  #calls = 0;

  constructor(layout: RewrittenLayout) {
    this.#layout = layout;
    this.#memories = layout.memories.map(({ initial, maximum, shared, is64 }) => {
      const size = (value: number): number => (is64 ? BigInt(value) : value) as number;
      const sizes = { initial: size(initial), ...(maximum === undefined ? {} : { maximum: size(maximum) }), shared };
      return new WebAssembly.Memory(is64 ? Object.assign(sizes, { address: "i64" }) : sizes);
    });
  }

  /** What the engine gives to the module. */
  imports(): WebAssembly.Imports {
    const { namespace, memories, checks } = this.#layout;
    const own = Object.fromEntries(memories.map(({ name }, index) => [name, this.#memories[index]]));
    return {
      [namespace]: { ...own, ...(checks === undefined ? {} : { [checks.epoch]: this.#epoch }) },
    } as WebAssembly.Imports;
  }

  /** Sets what the module wants to have after it is made. */
  attach(exports: WebAssembly.Exports): void {
    this.#exports = exports;
    const { checks } = this.#layout;
    if (checks === undefined) return;
    const hook = (id: number): void => {
      this.hooks += 1;
      if (id !== 1234) this.wrongIds += 1;
      if (this.hooks >= this.#calls) this.#word[0] = 0;
    };
    this.#global(checks.id).value = 1234;
    this.#global(checks.hook).value = typedHook(hook);
  }

  /** Sets the epoch word, which the hook puts back at its call of that number; with 0 it is not set at all. */
  alarm(calls: number): void {
    this.hooks = 0;
    this.#calls = calls;
    this.#word[0] = calls === 0 ? 0 : 1;
  }

  /** The size in pages that the guest sees, where it is not the memory's own. */
  pages(index: number): number | undefined {
    const name = this.#layout.restore?.pages[index];
    return name === undefined ? undefined : Number(this.#global(name).value);
  }

  /** Has the module save its state and keeps what its memories hold. */
  save(): void {
    const { restore } = this.#layout;
    if (restore === undefined) return;
    this.#function(restore.save)();
    this.#saved = this.#memories.map((memory, index) =>
      new Uint8Array(memory.buffer).slice(0, (this.pages(index) ?? 0) * 65_536),
    );
  }

  /** Has the module put its state back and writes what its memories held; answers whether that went. */
  restore(): boolean {
    const { restore } = this.#layout;
    if (restore === undefined || this.#function(restore.restore)() !== 1) return false;
    this.#memories.forEach((memory, index) => {
      const bytes = new Uint8Array(memory.buffer);
      const saved = this.#saved[index] ?? new Uint8Array();
      bytes.set(saved);
      bytes.fill(0, saved.length);
    });
    return true;
  }

  #global(name: string): WebAssembly.Global {
    const item = this.#exports[name];
    if (!(item instanceof WebAssembly.Global)) throw new Error(`export ${name} is no global`);
    return item;
  }

  #function(name: string): () => unknown {
    const item = this.#exports[name];
    if (typeof item !== "function") throw new Error(`export ${name} is no function`);
    return item as () => unknown;
  }
}
