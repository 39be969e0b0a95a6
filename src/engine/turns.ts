import { monotonic } from "./monotonic.ts";

/** How long guests run in one turn of the event loop, in ms. */
export const sliceMs = 1;

/** A tick that comes a little before a slice is over ends it: the next would come long after. */
const nearlySlice = sliceMs / 2;

/** Microtasks after which a guest that was resumed has run to its next wait, where it does not run long. */
const settling = 4;

/**
 * Shares a thread between guests and everything else that its event loop has to do. The guests of one turn of the loop share one
 * slice; those that yield are resumed in later turns, first come, first served, as many in each as its slice has time for.
 * Resuming by setImmediate alone would not do: Node runs all that are due in one turn, a thousand guests' slices before
 * the next timer.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #began = 0;
  #isOpen = false;
  #isScheduled = false;

  /** Says that a guest begins to run. */
  begin(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#began = monotonic();
    this.#schedule();
  }

  /** Whether guests have used up their share of this turn. */
  get isOver(): boolean {
    return this.#isOpen && monotonic() - this.#began >= nearlySlice;
  }

  /** Resolves in a later turn. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isScheduled = false;
    this.#isOpen = false;
    if (this.#waiting.length === 0) return;
    this.begin();
    this.#resumeNext();
  }

  /** Resumes the first that waits, and, when that has run, the one behind it. */
  #resumeNext(): void {
    this.#waiting.shift()?.();
    let left = settling;
    const goOn = (): void => {
      if (this.#waiting.length === 0) return;
      if (this.isOver) this.#schedule();
      else if (left-- > 0) queueMicrotask(goOn);
      else this.#resumeNext();
    };
    goOn();
  }
}
