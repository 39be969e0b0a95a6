import { HostError } from "../base/index.ts";
import type { Alarms } from "./alarms.ts";
import type { FileCalls } from "./filesystem/file-calls.ts";

const fastestTurn = 1;
const slowestTurn = 10;

/**
 * Tells when descriptors of the system's can be read or written, without a thread that waits for them: each is asked in
 * turns, 1 ms at first and at most 10 ms apart.
 */
export class Readiness {
  readonly #calls: () => FileCalls;

  constructor(calls: () => FileCalls) {
    this.#calls = calls;
  }

  /**
   * Calls `wake` in a later turn of the event loop, once the descriptor is ready, until it answers true or what this
   * function answers is called.
   */
  watch(fd: number, events: "read" | "write", wake: () => boolean): () => void {
    let pause = fastestTurn;
    const turn = (): void => {
      if (this.#isReady(fd, events) && wake()) return;
      pause = Math.min(pause * 2, slowestTurn);
      timer = setTimeout(turn, pause);
    };
    let timer = setTimeout(turn, pause);
    return () => clearTimeout(timer);
  }

  #isReady(fd: number, events: "read" | "write"): boolean {
    try {
      return this.#calls().wait(fd, events, 0);
    } catch {
      // Whoever waits meets the error in the operation itself.
      return true;
    }
  }
}

/** How the operations of one instance wait without a thread: by promises that can be given up together. */
export class Waits {
  readonly alarms: Alarms;
  readonly readiness: Readiness;
  /** Most instances wait for one thing at a time. */
  #only: (() => void) | undefined;
  readonly #pending = new Set<() => void>();
  #spare: AbortController | undefined;

  constructor({ alarms, readiness }: { readonly alarms: Alarms; readonly readiness: Readiness }) {
    this.alarms = alarms;
    this.readiness = readiness;
  }

  /**
   * A promise that `start` settles by one of the two functions, though not before it returns; what it returns gives up the
   * wait, after which the promise never settles.
   */
  until<T>(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = start(
        (value) => {
          if (this.#isOver(giveUp)) resolve(value);
        },
        (error) => {
          if (this.#isOver(giveUp)) reject(error as Error);
        },
      );
      if (this.#only === undefined) this.#only = giveUp;
      else this.#pending.add(giveUp);
    });
  }

  /** Takes out what is waited for; false where it was given up. */
  #isOver(giveUp: () => void): boolean {
    if (this.#only !== giveUp) return this.#pending.delete(giveUp);
    this.#only = undefined;
    return true;
  }

  /** Makes an attempt each time that a descriptor is ready, until it does not throw HostError again. */
  retry<T>(fd: number, events: "read" | "write", attempt: () => T): Promise<T> {
    return this.until((resolve, reject) =>
      this.readiness.watch(fd, events, () => {
        try {
          resolve(attempt());
        } catch (error) {
          if (error instanceof HostError && error.errno === "again") return false;
          reject(error);
        }
        return true;
      }),
    );
  }

  /** The signal of what is asked next, which is given up with it where that is handed to {@link forSignal}. */
  get signal(): AbortSignal {
    return (this.#spare ??= new AbortController()).signal;
  }

  /** A promise that what was asked with {@link signal} answered: giving up aborts the signal, and the answer never comes. */
  forSignal<T>(answer: Promise<T>): Promise<T> {
    const controller = this.#spare;
    this.#spare = undefined;
    return this.until((resolve, reject) => {
      answer.then(resolve, reject);
      return () => controller?.abort();
    });
  }

  /** Lets what else the event loop has to do go first. */
  yield(): Promise<void> {
    return this.until((resolve) => {
      const turn = setImmediate(resolve);
      return () => clearImmediate(turn);
    });
  }

  /** Gives up all that is waited for. */
  cancel(): void {
    if (this.#only === undefined && this.#pending.size === 0) return;
    const pending = [...(this.#only === undefined ? [] : [this.#only]), ...this.#pending];
    this.#only = undefined;
    this.#pending.clear();
    for (const giveUp of pending) giveUp();
  }
}
