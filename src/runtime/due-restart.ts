import type { Clock } from "./clock.ts";
import type { Turns } from "./turns.ts";

/** The next start of a container that its policy restarts: due after a wait, and called off by whoever comes first. */
export class DueRestart {
  readonly #clock: Clock;
  readonly #turns: Turns;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, turns: Turns) {
    this.#clock = clock;
    this.#turns = turns;
  }

  /** Does the restart in its turn once so many ms have passed. */
  schedule(ms: number, restart: () => Promise<void>): void {
    const cancel = this.#clock.setTimer(ms, () => {
      void this.#turns.take(async () => {
        // Between the timer and the turn somebody may have called it off.
        if (this.#cancel !== cancel) return;
        this.#cancel = undefined;
        await restart();
      });
    });
    this.#cancel = cancel;
  }

  /** Calls it off, and answers whether it was due. */
  callOff(): boolean {
    const cancel = this.#cancel;
    this.#cancel = undefined;
    cancel?.();
    return cancel !== undefined;
  }
}
