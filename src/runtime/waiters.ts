import type { Ending } from "./process.ts";

/**
 * What a wait is for: `not-running` holds where nothing runs and no restart is due, `next-exit` is the end of a run from
 * now on even if a restart follows it, `removed` that the container is gone. A removal ends all of them.
 */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** What a wait answers: the last run's end. */
export interface WaitResult {
  readonly exitCode: number;
  readonly ending?: Ending | undefined;
}

interface Waiter {
  readonly condition: WaitCondition;
  readonly resolve: (result: WaitResult) => void;
}

/** Those who wait for something to happen to one container. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Waits until one of the conditions that hold is `condition`. Rejects with the signal's reason once it is aborted. */
  add(condition: WaitCondition, signal: AbortSignal | undefined): Promise<WaitResult> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        condition,
        resolve: (result) => {
          signal?.removeEventListener("abort", abort);
          resolve(result);
        },
      };
      this.#waiters.add(waiter);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** Answers those whose condition holds now. */
  tell(result: WaitResult, conditions: readonly WaitCondition[]): void {
    for (const waiter of this.#waiters) {
      if (!conditions.includes(waiter.condition)) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(result);
    }
  }
}
