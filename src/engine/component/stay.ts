import type { GuestThread } from "../guest-thread.ts";
import { epochWord } from "../epoch.ts";

/**
 * Where guests of one thread that are bound async run between two frames of JavaScript's, which can not be suspended: there their
 * checks call the hook that only looks.
 */
export class Stay {
  readonly #thread: GuestThread;
  readonly #words: Int32Array;

  constructor(thread: GuestThread) {
    this.#thread = thread;
    this.#words = new Int32Array(thread.epoch.memory.buffer);
  }

  /** What the checks of components call that are bound async; made when the first of those comes. */
  get hook(): WebAssembly.ImportValue {
    return this.#thread.hooks.stay;
  }

  begin(): void {
    this.#words[epochWord.stay] = (this.#words[epochWord.stay] ?? 0) + 1;
  }

  end(): void {
    this.#words[epochWord.stay] = (this.#words[epochWord.stay] ?? 0) - 1;
  }
}
