/** Who waits for something to change. */
export class Wakes {
  readonly #all = new Set<() => void>();

  /** Calls back each time, until what this answers is called. */
  add(wake: () => void): () => void {
    // A function of its own for each: one may wait twice by the same.
    const own = (): void => wake();
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  /** Resolves with the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.add(() => {
        stop();
        resolve();
      });
    });
  }

  wake(): void {
    for (const each of Array.from(this.#all)) each();
  }
}
