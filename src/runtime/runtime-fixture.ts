import type { Clock } from "./clock.ts";
import type { Ending, Process, ProcessIo, Runner, Workload } from "./process.ts";
import { Runtime, type RuntimeOptions } from "./runtime.ts";
import { type SignalName, signalNumber } from "./signals.ts";

/** A clock that stands until it is moved. */
export class FakeClock implements Clock {
  #now = Date.UTC(2026, 0, 31, 12);
  readonly #timers = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  setTimer(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many timers are set. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Moves on, timer by timer, and lets what each of them started settle. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    // What was asked for before may not have set its timer yet.
    await settle();
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything happen that no timer and no input holds up. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A workload that does what the test says. */
export class FakeProcess implements Process {
  readonly exited: Promise<Ending>;
  readonly io: ProcessIo;
  readonly workload: Workload;
  /** Signals that it was handed, where it handles any. */
  readonly delivered: SignalName[] = [];
  /** Signals that ended it, or would have. */
  readonly ends: SignalName[] = [];
  /** Whether even SIGKILL does not end it. */
  isImmortal = false;
  isOver = false;
  deliver?: (signal: SignalName) => boolean;
  readonly #resolve: (ending: Ending) => void;

  constructor(workload: Workload, io: ProcessIo) {
    this.workload = workload;
    this.io = io;
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.exited = promise;
    this.#resolve = resolve;
  }

  exit(code: number): void {
    this.finish({ kind: "exit", code });
  }

  finish(ending: Ending): void {
    this.isOver = true;
    this.#resolve(ending);
  }

  end(signal: SignalName): void {
    this.ends.push(signal);
    if (!this.isImmortal) this.finish({ kind: "signal", signal: signalNumber(signal) });
  }

  /** Takes the signals that it is handed, all but those named. */
  handleSignals(...refused: readonly SignalName[]): void {
    this.deliver = (signal) => {
      this.delivered.push(signal);
      return !refused.includes(signal);
    };
  }

  write(text: string): void {
    for (let bytes = Buffer.from(text); bytes.length > 0;) {
      const taken = this.io.stdout.write(bytes);
      if (typeof taken !== "number") throw new Error("a write to memory never waits");
      bytes = bytes.subarray(taken);
    }
  }
}

/** Starts {@link FakeProcess}es and remembers them. */
export class FakeRunner implements Runner {
  readonly processes: FakeProcess[] = [];
  /** What the next starts throw, one each. */
  readonly failures: unknown[] = [];
  /** What starts wait for. */
  gate: Promise<void> | undefined;
  /** Called with each process before its start is answered. */
  onStart: (process: FakeProcess) => void = () => {};

  async start(workload: Workload, io: ProcessIo): Promise<Process> {
    await this.gate;
    if (this.failures.length > 0) throw this.failures.shift();
    const process = new FakeProcess(workload, io);
    this.processes.push(process);
    this.onStart(process);
    return process;
  }

  /** The process that was started last. */
  get last(): FakeProcess {
    const last = this.processes.at(-1);
    if (last === undefined) throw new Error("nothing was started");
    return last;
  }

  /** How many have not ended. */
  get running(): number {
    return this.processes.filter((process) => !process.isOver).length;
  }
}

/** A runtime whose time stands, with the runner of its workloads of the kind `fake`. */
export function fakeRuntime(options: Partial<RuntimeOptions> = {}) {
  const [clock, runner] = [new FakeClock(), new FakeRunner()];
  const runtime = new Runtime({ runners: { fake: runner }, clock, ...options });
  return { clock, runner, runtime };
}

/** Everything that an iterator gives until it ends. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of iterable) all.push(each);
  return all;
}
