import type { Worker } from "node:worker_threads";
import { FirstTicks } from "./first-ticks.ts";
import { monotonic } from "./monotonic.ts";

/** Indices of the 32-bit words in a thread's epoch memory. */
export const epochWord = {
  /** Not 0: guests that look call their hook. A rewritten module loads it from address 0. */
  epoch: 0,
  /** Not 0: a guest was running since the watcher's last tick. */
  active: 1,
  /** Not 0: a guest that is bound async runs where it cannot be suspended. */
  stay: 2,
  /** Checks that are still let pass by the hook although the epoch is set. */
  passing: 3,
} as const;

/** Indices of the words that threads and their watcher share. */
export const controlWord = {
  /** 1 while the watcher ticks, 0 while it sleeps. */
  armed: 0,
  /** What the watcher waits on between two ticks; nobody writes it. */
  pause: 1,
  /** Counts the ticks, for tests. */
  ticks: 2,
} as const;

/** How often guests that run are made to look up, in ms: the length of a slice. */
export const tickMs = 1;

/** How often first guests look up, in ms: a third of the time that a watcher's thread takes to start. */
const firstTickMs = 10;
/**
 * So many checks of a guest that begins pass before anything is started that makes it look up: one that runs but a moment returns before
 * that, and what makes it look takes a thread of Node's and calls of the system's, two milliseconds or three.
 */
const passing = 256;
/** So many times that is done: for a program whose calls all are short, checks that pass cost more in the end. */
const earlyEntries = 512;
/** A guest that has run for longer at such a tick, in ms, may run for as long again. */
const longRunMs = 5;

/** What the watcher's thread is told. */
export interface WatcherMessage {
  readonly add: WebAssembly.Memory;
}

/**
 * A thread of this engine's own that sets the epoch word of every thread in which guests run, once a tick. It starts with the
 * first guest that is to be watched and sleeps while none runs.
 */
export class EpochWatcher {
  readonly control: Int32Array<SharedArrayBuffer> = new Int32Array(new SharedArrayBuffer(12));
  readonly #memories: WebAssembly.Memory[] = [];
  #worker: Worker | undefined;
  #isClosed = false;

  /** Watches a thread by its epoch memory. */
  add(memory: WebAssembly.Memory): void {
    this.#memories.push(memory);
    this.#worker?.postMessage({ add: memory } satisfies WatcherMessage);
  }

  /** Starts the thread where it does not run yet. */
  start(): void {
    if (this.#worker !== undefined || this.#isClosed) return;
    // Loaded here: node:worker_threads costs a millisecond, and a run without checks needs none.
    const threads = process.getBuiltinModule("node:worker_threads");
    // The program's own options may make no sense for this file, or load what is only meant for the program.
    const options = { workerData: this.control, execArgv: [] };
    const worker = new threads.Worker(new URL(watcherFile, import.meta.url), options);
    worker.unref();
    this.#worker = worker;
    abandoned.register(this, worker);
    for (const memory of this.#memories) worker.postMessage({ add: memory } satisfies WatcherMessage);
  }

  /** Ends the thread; guests are not made to look up any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }
}

/** Ends the thread of a watcher that nobody can reach any more: a thread of Node's is never collected. */
const abandoned = new FinalizationRegistry<Worker>((worker) => void worker.terminate());

/** One thread in which guests run, as the guests and the watcher see it. */
export class EpochThread {
  /** What rewritten modules import. */
  readonly memory: WebAssembly.Memory;
  readonly #words: Int32Array;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #start: () => void;
  /** What comes before the watcher's thread is started. */
  #first: FirstTicks | undefined;
  /** Entries whose first checks pass before that. */
  #early: number;
  /** When the guest that runs was first to be made to look up by those. */
  #enteredAt = 0;

  /** `startsLate`: the watcher's thread is started for guests that run for long or come often, and not for the first that begins. */
  constructor(control: Int32Array<SharedArrayBuffer>, start: () => void, { startsLate = false } = {}) {
    this.memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    this.#words = new Int32Array(this.memory.buffer);
    this.#control = control;
    this.#start = start;
    if (startsLate) this.#first = new FirstTicks(this.memory, firstTickMs);
    this.#early = startsLate ? earlyEntries : 0;
  }

  /** Whether checks of guests that begin still pass. */
  get isEarly(): boolean {
    return this.#early > 0;
  }

  /** Has no checks pass any more, because a guest has a limit of time. */
  endEarly(): void {
    this.#early = 0;
  }

  /** Says that a guest begins or goes on to run in this thread. */
  enter(): void {
    // Stored before the watcher's state is read: it reads this one after it has said that it sleeps.
    Atomics.store(this.#words, epochWord.active, 1);
    if (Atomics.load(this.#control, controlWord.armed) === 0) this.#arm();
  }

  /** Takes the epoch back, once a guest looked up; false where checks of it had passed, before any time was over. */
  clear(): boolean {
    this.#words[epochWord.passing] = 0;
    Atomics.store(this.#words, epochWord.epoch, 0);
    Atomics.store(this.#words, epochWord.active, 1);
    return this.#first === undefined || this.#lookedEarly(this.#first);
  }

  /** Makes the next guest that looks call its hook, without waiting for a tick. */
  raise(): void {
    this.#words[epochWord.passing] = 0;
    Atomics.store(this.#words, epochWord.epoch, 1);
  }

  #arm(): void {
    if (this.#first === undefined) {
      this.#arouse();
    } else if (this.#early > 0) {
      this.#early -= 1;
      this.#words[epochWord.passing] = passing;
      Atomics.store(this.#words, epochWord.epoch, 1);
    } else {
      this.#tickEarly(this.#first);
    }
  }

  #tickEarly(first: FirstTicks): void {
    this.#early = 0;
    this.#enteredAt = monotonic();
    if (!first.ask()) this.#arouse();
  }

  #arouse(): void {
    this.#start();
    Atomics.store(this.#control, controlWord.armed, 1);
    Atomics.notify(this.#control, controlWord.armed);
  }

  /** Has the watcher's thread started for a guest that runs for long; until that ticks, others come in its place. */
  #lookedEarly(first: FirstTicks): boolean {
    const isArmed = Atomics.load(this.#control, controlWord.armed) !== 0;
    if (Atomics.load(this.#control, controlWord.ticks) > 0) {
      this.#first = undefined;
      // It may have gone to sleep since.
      if (!isArmed) this.#arouse();
      return true;
    }
    if (!isArmed && this.#early > 0) {
      this.#tickEarly(first);
      return false;
    }
    first.came();
    const isLong = monotonic() - this.#enteredAt >= longRunMs;
    const comes = first.ask();
    if (!isArmed && (isLong || !comes)) this.#arouse();
    return true;
  }
}

/** This thread, with a watcher of its own for as long as the process lives. */
export function watchedThread(): EpochThread {
  const watcher = new EpochWatcher();
  const thread = new EpochThread(watcher.control, () => watcher.start());
  watcher.add(thread.memory);
  return thread;
}

/** The watcher's file stands beside this one, in the sources and in the bundle. */
const watcherFile = import.meta.url.endsWith(".ts") ? "./epoch-watcher.ts" : "./epoch-watcher.js";
