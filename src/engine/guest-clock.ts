import type { GuestOutcome } from "../abi/index.ts";
import { formatDuration, SampanError } from "../base/index.ts";
import type { Alarms } from "../host/index.ts";
import { monotonic } from "./monotonic.ts";

/** Node runs a timer of more than this at once; 24 days are for ever to a call. */
const longestTimer = 2 ** 31 - 1;

/** How long a guest may take, in ms. */
export interface TimeLimits {
  /** Each call, waiting included. */
  readonly deadline?: number | undefined;
  /** All calls together, waiting left out. */
  readonly cpu?: number | undefined;
}

/** What a guest's time is counted on: how long its code ran, and when a call's deadline is. */
export class Clock {
  readonly #limits: TimeLimits;
  readonly #now: () => number;
  #spent = 0;
  /** What was spent before the present use of an instance that is used again. */
  #spentBefore = 0;
  #runningSince: number | undefined;
  #due = Number.POSITIVE_INFINITY;

  /** `now` answers the time in ms, from any moment on. */
  constructor(limits: TimeLimits, now: () => number = monotonic) {
    this.#limits = limits;
    this.#now = now;
  }

  /** How long code ran so far, in ms. */
  get cpu(): number {
    return this.#runningSince === undefined ? this.#spent : this.#spent + this.#now() - this.#runningSince;
  }

  /** Begins a call; with `alarm` it is told of the deadline while the guest waits, by a timer that the caller clears. */
  start(alarm?: (outcome: GuestOutcome) => void): NodeJS.Timeout | undefined {
    const { deadline } = this.#limits;
    if (deadline === undefined) return undefined;
    this.#due = this.#now() + deadline;
    if (alarm === undefined) return undefined;
    return setTimeout(() => alarm(limit(deadlineError(deadline))), Math.min(Math.ceil(deadline), longestTimer));
  }

  /** Has the guest told of the deadline of the call that runs, while it waits; answers what takes that back. */
  alarm(alarms: Alarms, tell: (outcome: GuestOutcome) => void): (() => void) | undefined {
    const { deadline } = this.#limits;
    if (deadline === undefined || this.#due === Number.POSITIVE_INFINITY) return undefined;
    return alarms.set(BigInt(Math.ceil(this.#due * 1e6)), () => tell(limit(deadlineError(deadline))));
  }

  /** Whether a deadline was set by {@link start} since {@link renew}. */
  get isStarted(): boolean {
    return this.#due !== Number.POSITIVE_INFINITY;
  }

  /** Code begins to run or goes on. */
  resume(): void {
    this.#runningSince ??= this.#now();
  }

  /** Code stops running, for now or for good. */
  pause(): void {
    if (this.#runningSince === undefined) return;
    this.#spent += this.#now() - this.#runningSince;
    this.#runningSince = undefined;
  }

  /** Begins another use, which has all the time of the limits. */
  renew(): void {
    this.#spentBefore = this.cpu;
    this.#due = Number.POSITIVE_INFINITY;
  }

  /** The limit that is passed now, if one is. */
  overdue(): GuestOutcome | undefined {
    const { deadline, cpu } = this.#limits;
    if (deadline !== undefined && this.#now() >= this.#due) return limit(deadlineError(deadline));
    if (cpu !== undefined && this.cpu - this.#spentBefore >= cpu) {
      const message = `Ended the guest after it ran for ${formatDuration(cpu)}`;
      return limit(new SampanError("LIMIT_CPU", message, { hint: "give it more with the limit cpu" }));
    }
    return undefined;
  }
}

function limit(error: SampanError): GuestOutcome {
  return { kind: "limit", error };
}

/** The error of a deadline, wherever it is found out. */
export function deadlineError(ms: number): SampanError {
  const hint = "give it more with --timeout";
  return new SampanError("LIMIT_DEADLINE", `Ended the guest after ${formatDuration(ms)}`, { hint });
}
