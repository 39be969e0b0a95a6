import type { GuestThread } from "../guest-thread.ts";
import { epochWord } from "../epoch.ts";

/**
 * `(module (import "" "epoch" (memory 1 1 shared)) (import "" "stay" (func (param i32))) (import "" "go" (func (param i32)))
 * (export "hook" (func 2)) (func (param i32) (if (i32.load offset=8 (i32.const 0)) (then (call 0 (local.get 0))) (else (call 1
 * (local.get 0))))))`.
 */
const hookModule = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7f, 0, 2, 0x1a, 3, 0, 5, 0x65, 0x70, 0x6f, 0x63, 0x68, 2, 3,
  1, 1, 0, 4, 0x73, 0x74, 0x61, 0x79, 0, 0, 0, 2, 0x67, 0x6f, 0, 0, 3, 2, 1, 0, 7, 8, 1, 4, 0x68, 0x6f, 0x6f, 0x6b, 0,
  2, 0x0a, 0x15, 1, 0x13, 0, 0x41, 0, 0x28, 2, 8, 0x04, 0x40, 0x20, 0, 0x10, 0, 0x05, 0x20, 0, 0x10, 1, 0x0b, 0x0b,
]);

/**
 * Where guests of one thread that are bound async run between two frames of JavaScript's, which can not be suspended: there their
 * checks call the hook that only looks.
 */
export class Stay {
  readonly #thread: GuestThread;
  readonly #words: Int32Array;
  #hook: WebAssembly.ExportValue | undefined;

  constructor(thread: GuestThread) {
    this.#thread = thread;
    this.#words = new Int32Array(thread.epoch.memory.buffer);
  }

  /** What the checks of components call that are bound async; made when the first of those comes. */
  get hook(): WebAssembly.ExportValue {
    if (this.#hook !== undefined) return this.#hook;
    const { epoch, hooks } = this.#thread;
    const imports = { epoch: epoch.memory, stay: hooks.sync, go: hooks.async };
    const { hook } = new WebAssembly.Instance(new WebAssembly.Module(hookModule), { "": imports }).exports;
    if (hook === undefined) throw new TypeError("The module of the hook exports nothing");
    return (this.#hook = hook);
  }

  begin(): void {
    this.#words[epochWord.stay] = (this.#words[epochWord.stay] ?? 0) + 1;
  }

  end(): void {
    this.#words[epochWord.stay] = (this.#words[epochWord.stay] ?? 0) - 1;
  }
}
