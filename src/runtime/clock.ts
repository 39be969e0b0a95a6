import { SampanError } from "../base/index.ts";

/** Where the runtime has its time from; tests bring one that they move by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once `ms` have passed, unless the function that it answers was called before. */
  setTimer(ms: number, callback: () => void): () => void;
}

/** The longest time that Node's timers take; a longer one would fire at once. */
const longestTimer = 2 ** 31 - 1;

/** The system's time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), longestTimer));
    return () => clearTimeout(timer);
  },
};

const mostInMillisecond = 999_999;

/**
 * Points in time as text, each later than the one before: RFC 3339 in UTC with nine digits of a second, so that they
 * compare as text and each can be used as a cursor. The last six digits tell apart what one millisecond saw.
 */
export class Stamps {
  readonly #clock: Clock;
  #millisecond = Number.NEGATIVE_INFINITY;
  #prefix = "";
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The stamp of now; of the moment after the last one where the clock was set back. */
  next(): string {
    const now = Math.floor(this.#clock.now());
    if (now > this.#millisecond) this.#begin(now);
    else if (this.#count < mostInMillisecond) this.#count += 1;
    else this.#begin(this.#millisecond + 1);
    return `${this.#prefix}${String(this.#count).padStart(6, "0")}Z`;
  }

  #begin(millisecond: number): void {
    this.#millisecond = millisecond;
    this.#count = 0;
    this.#prefix = new Date(millisecond).toISOString().slice(0, -1);
  }
}

/**
 * The stamp of a point in time that somebody names: milliseconds since 1970, or RFC 3339 text such as a log entry's time.
 *
 * @throws TIME_INVALID
 */
export function stampOf(time: number | string): string {
  const match =
    typeof time === "string" ? /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i.exec(time) : null;
  const [, second = "", fraction = "", zone = ""] = match ?? [];
  const ms = typeof time === "number" ? Math.floor(time) : Date.parse(`${second}${zone}`);
  // A year of more than four digits would not compare as text.
  if (!(ms >= 0 && ms < 253_402_300_800_000)) {
    throw new SampanError(
      "TIME_INVALID",
      `Cannot read the time "${time}": wanted RFC 3339, such as "2026-01-31T12:00:00Z"`,
    );
  }
  const text = new Date(ms).toISOString();
  return typeof time === "number" ? `${text.slice(0, -1)}000000Z` : `${text.slice(0, 19)}.${fraction.padEnd(9, "0")}Z`;
}
