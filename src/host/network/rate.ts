import type { Alarms } from "../alarms.ts";

/** How much may be done in a second: as much at once, and then as it comes back. */
export class Rate {
  readonly #perSecond: number;
  readonly #alarms: Alarms | undefined;
  #left: number;
  #at: bigint;

  /** `perSecond` is unlimited where it is left out. */
  constructor(perSecond: number = Number.POSITIVE_INFINITY, alarms?: Alarms) {
    this.#perSecond = perSecond;
    this.#alarms = alarms;
    this.#left = perSecond;
    this.#at = this.isLimited ? process.hrtime.bigint() : 0n;
  }

  get isLimited(): boolean {
    return this.#perSecond !== Number.POSITIVE_INFINITY;
  }

  /** How much of `wanted` may be done now, in whole units. */
  available(wanted: number): number {
    if (!this.isLimited) return wanted;
    const now = process.hrtime.bigint();
    const back = (Number(now - this.#at) / 1e9) * this.#perSecond;
    this.#at = now;
    this.#left = Math.min(this.#perSecond, this.#left + back);
    return Math.min(wanted, Math.floor(this.#left));
  }

  /** Takes off what was done. */
  spend(done: number): void {
    if (this.isLimited) this.#left -= done;
  }

  /** Calls `wake` once something may be done again, unless what this answers is called before. */
  whenBack(wake: () => void): () => void {
    if (!this.isLimited || this.#alarms === undefined) return () => {};
    // Some at once, so that a guest that waits is not woken for each byte.
    const missing = Math.max(0, Math.max(1, this.#perSecond / 100) - this.#left) / this.#perSecond;
    return this.#alarms.set(process.hrtime.bigint() + BigInt(Math.ceil(missing * 1e9) + 1), wake);
  }
}

/** What a socket lacks of the rates, remembered from where that was found to where somebody waits for it. */
export class Lack {
  #rate: Rate | undefined;
  #stop: (() => void) | undefined;

  /** How much of `wanted` may be done now; nothing is what is lacked. */
  available(rate: Rate, wanted: number): number {
    const available = rate.available(wanted);
    if (available < 1) this.#rate = rate;
    return available;
  }

  /** Calls `wake` once what was lacked is back, if anything was. */
  ask(wake: () => void): void {
    const rate = this.#rate;
    if (rate === undefined || this.#stop !== undefined) return;
    this.#rate = undefined;
    this.#stop = rate.whenBack(() => {
      this.#stop = undefined;
      wake();
    });
  }

  /** Waits no more. */
  stop(): void {
    this.#stop?.();
  }
}
