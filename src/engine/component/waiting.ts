import type { Turns } from "../turns.ts";

/** What one instance waits for: one promise at a time, because it has one call at a time. */
export class Waiting {
  readonly #turns: Turns;
  #pending: { readonly reject: (error: unknown) => void } | undefined;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Whether it waits for something. */
  get isPending(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * A promise of the host's as one that a guest is suspended for: the guest goes on at once, or in a later turn where guests have had
   * their share of this one. `resume` is called right before.
   */
  wait<T>(promise: Promise<T>, resume: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const pending = { reject };
      const over = (end: () => void): void => {
        const goOn = (): void => {
          // Interrupted meanwhile: the guest is gone.
          if (this.#pending !== pending) return;
          this.#pending = undefined;
          resume();
          end();
        };
        if (this.#turns.isOver) void this.#turns.next().then(goOn);
        else goOn();
      };
      this.#pending = pending;
      promise.then(
        (value) => over(() => resolve(value)),
        (error: unknown) => over(() => reject(error as Error)),
      );
    });
  }

  /** Ends the wait with an error; that of a trap executed in Wasm, because a guest catches any other. */
  interrupt(error: () => WebAssembly.RuntimeError): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.reject(error());
  }
}
