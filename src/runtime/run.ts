import type { Clock } from "./clock.ts";
import type { LogSinks } from "./log/container-log.ts";
import { type Ending, endingOfThrown, type Process } from "./process.ts";
import { defaultAction, type SignalName, signalNumber } from "./signals.ts";

/** What a {@link Run} is made with. */
export interface RunParts {
  readonly process: Process;
  readonly sinks: LogSinks;
  readonly clock: Clock;
  /** Deals with the end; what it answers is when that is done. */
  readonly finish: (run: Run, ending: Ending) => Promise<void>;
}

/** One run of a container: from a start to the end that follows. */
export class Run {
  readonly sinks: LogSinks;
  readonly #process: Process;
  readonly #clock: Clock;
  readonly #began: number;
  readonly #signals = new Set<number>();
  /** Resolves once the end was dealt with. */
  readonly #ended: Promise<void>;
  /** What the end is told as beside `die`: nothing, the end of a stop, or a stop that a start follows. */
  stopping: "no" | "stop" | "restart" = "no";

  constructor({ process, sinks, clock, finish }: RunParts) {
    this.sinks = sinks;
    this.#process = process;
    this.#clock = clock;
    this.#began = clock.now();
    this.#ended = process.exited.catch(endingOfThrown).then((ending) => finish(this, ending));
  }

  /** How long it has been running in ms. */
  get duration(): number {
    return this.#clock.now() - this.#began;
  }

  /** Whether the ending is that of a signal that was sent to it. */
  endedBySignal(ending: Ending): boolean {
    return ending.kind === "signal" && this.#signals.has(ending.signal);
  }

  /** Sends a signal: the workload handles it, or it has the effect that a process would have seen by default. */
  send(name: SignalName): void {
    this.#signals.add(signalNumber(name));
    if (name !== "SIGKILL" && this.#process.deliver?.(name) === true) return;
    if (defaultAction(name) === "end") this.#process.end(name);
  }

  /** Whether it ends, and its end is dealt with, before so many ms have passed; a negative number waits for ever. */
  endsWithin(ms: number): Promise<boolean> {
    return ms < 0 ? this.#ended.then(() => true) : within(this.#ended, ms, this.#clock);
  }
}

/** Whether something is done before so many ms have passed. */
export function within(done: Promise<void>, ms: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(ms, () => resolve(false));
    done.then(() => {
      cancel();
      resolve(true);
    }, reject);
  });
}
