import type { Clock } from "../clock.ts";
import type { ProbeResult } from "./run-probe.ts";

/** What is known of a workload's health, in Docker's words. */
export interface Health {
  readonly status: "starting" | "healthy" | "unhealthy";
  /** Failures in a row that count. */
  readonly failingStreak: number;
  /** What the last probe saw. */
  readonly lastOutput?: string | undefined;
}

/** When a workload is probed; times are milliseconds. */
export interface HealthTiming {
  readonly interval: number;
  readonly timeout: number;
  /** Failures in a row that make it unhealthy. */
  readonly retries: number;
  /** Failures in it do not count. */
  readonly startPeriod: number;
}

/** What a monitor is made with. */
export interface HealthMonitorOptions {
  readonly timing: HealthTiming;
  /** Tries once; never rejects. */
  readonly probe: (signal: AbortSignal) => Promise<ProbeResult>;
  readonly clock: Clock;
  /** Hears of each probe. */
  readonly onChange: (health: Health) => void;
}

const firstPause = 10;
const longestPause = 500;

/**
 * Probes one run of a workload, from its start to {@link stop}. Until it is healthy it is also probed in between, first at
 * once and then ever more seldom, so that nobody waits an interval for what is ready after a moment; what fails then does
 * not count.
 */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #began: number;
  #health: Health = { status: "starting", failingStreak: 0 };
  /** From when on a failure counts again. */
  #countsFrom: number;
  #pause = firstPause;
  #cancel: () => void = () => {};
  #abort: AbortController | undefined;
  #isStopped = false;

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
    this.#began = options.clock.now();
    this.#countsFrom = this.#began + options.timing.interval;
    void this.#try();
  }

  /** What is known now. */
  get health(): Health {
    return this.#health;
  }

  /** Ends it; a probe under way is given up. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel();
    this.#abort?.abort();
  }

  async #try(): Promise<void> {
    const { probe, clock, timing, onChange } = this.#options;
    const abort = new AbortController();
    this.#abort = abort;
    const cancel = clock.setTimer(timing.timeout, () => abort.abort());
    const result = await probe(abort.signal);
    cancel();
    if (this.#isStopped) return;
    this.#health = this.#judge(result);
    onChange(this.#health);
    this.#cancel = clock.setTimer(this.#nextPause(), () => void this.#try());
  }

  #judge({ isPassed, output }: ProbeResult): Health {
    const { status, failingStreak } = this.#health;
    const { interval, retries, startPeriod } = this.#options.timing;
    if (isPassed) return { status: "healthy", failingStreak: 0, lastOutput: output };
    const now = this.#options.clock.now();
    const isStarting = status === "starting";
    if (isStarting && (now < this.#countsFrom || now < this.#began + startPeriod)) {
      return { status, failingStreak, lastOutput: output };
    }
    this.#countsFrom = now + interval;
    const streak = failingStreak + 1;
    return { status: streak >= retries ? "unhealthy" : status, failingStreak: streak, lastOutput: output };
  }

  #nextPause(): number {
    const { interval } = this.#options.timing;
    if (this.#health.status !== "starting") return interval;
    const pause = Math.min(this.#pause, interval);
    this.#pause = Math.min(this.#pause * 2, longestPause);
    return pause;
  }
}
