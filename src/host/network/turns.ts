import { keptSockets } from "./native/native-sockets.ts";

/** How often a guest may hear again within one turn of the event loop. */
const mostAsks = 8;

/**
 * Counts how often one instance was told `again` since the event loop last went round: what it asks for cannot come before
 * that does.
 */
export class Turns {
  #asks = 0;
  #isArmed = false;

  /** Counts one more, and says whether the event loop should now go first. */
  isDue(): boolean {
    this.#asks += 1;
    if (!this.#isArmed) {
      this.#isArmed = true;
      setImmediate(() => {
        this.#isArmed = false;
        this.#asks = 0;
      });
    }
    return this.#asks > mostAsks;
  }

  /** Says that the instance waits. */
  reset(): void {
    this.#asks = 0;
  }
}

/** Runs something when all was told that came in this turn of the event loop; outside of its sockets' turn, in a later one. */
export function atEndOfTurn(run: () => void): void {
  const native = keptSockets();
  if (native === undefined) setImmediate(run);
  else native.loop.afterTurn(run);
}
