import { readFileSync } from "node:fs";
import { SampanError } from "../base/index.ts";
import { monotonic } from "./monotonic.ts";

/** Where Linux tells how many maps a process may have, and which this one has. */
export interface MapFiles {
  /** Most maps; undefined where the system says nothing about it. */
  limit(): number | undefined;
  /** Maps that this process has now. */
  count(): number;
  /** Maps that may be taken before either is asked, because that takes longer than to take them; none where it is left out. */
  readonly unasked?: number;
}

/** The files of this process. */
export const processMaps: MapFiles = {
  // All engines and threads that count, together: a quarter of what is kept for others.
  get unasked() {
    return kept / 4 / engines;
  },
  limit() {
    try {
      return Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));
    } catch {
      return undefined;
    }
  },
  count() {
    const text = readFileSync("/proc/self/maps");
    let lines = 0;
    for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
    return lines;
  },
};

/** Maps that are left to everything else in the process: V8's heap, threads, libraries. */
const kept = 4_096;
/** Engines and threads of the process that may count down from what is left, not knowing of one another. */
const engines = 16;
/** How many times as long as counting took nobody counts again after a refusal. */
const patience = 20;
/** What takes maps, and how many one of each takes: a thread comes with a heap of JavaScript's. */
const mapsOf = { memory: 2, stack: 2, thread: 48 } as const;

const refusals = {
  memory: ["LIMIT_MEMORIES", "one more memory"],
  stack: ["LIMIT_STACKS", "one more suspended call"],
  thread: ["LIMIT_THREADS", "one more thread of a guest"],
} as const;

/**
 * Counts memories, stacks and guest threads against `vm.max_map_count`: V8 aborts the whole process when it cannot map one more stack, so
 * the engine refuses before that. What is counted here are takings. Collected memories, and what
 * other engines and threads of the process map, are found by counting the process's maps again, the more often the fewer
 * are left.
 */
export class MapBudget {
  readonly #files: MapFiles;
  #limit: number | undefined;
  readonly #now: () => number;
  /** Maps that may still be taken before the process is counted again. */
  #allowance: number;
  /** When the process may be counted again after there was no map left, in ms. */
  #nextCount = 0;

  constructor(files: MapFiles = processMaps, now: () => number = monotonic) {
    this.#files = files;
    this.#now = now;
    this.#allowance = files.unasked ?? 0;
  }

  /**
   * Takes the maps of one thing.
   *
   * @throws LIMIT_MEMORIES, LIMIT_STACKS, LIMIT_THREADS where the process would come too near to the system's limit
   */
  take(what: keyof typeof mapsOf): void {
    const maps = mapsOf[what];
    if (this.#allowance < maps) this.#recount(what);
    this.#allowance -= maps;
  }

  /** Gives back the maps of a stack whose call has ended: the next suspended call gets that stack. */
  give(what: "stack"): void {
    this.#allowance += mapsOf[what];
  }

  #recount(what: keyof typeof mapsOf): void {
    this.#limit ??= this.#files.limit() ?? Number.POSITIVE_INFINITY;
    if (this.#limit === Number.POSITIVE_INFINITY) {
      this.#allowance = this.#limit;
      return;
    }
    const start = this.#now();
    // Counting tens of thousands of maps takes long: who asks again and again meanwhile is refused without.
    if (start < this.#nextCount) throw this.#refusal(what);
    const left = this.#limit - kept - this.#files.count();
    const maps = mapsOf[what];
    if (left < maps) {
      const end = this.#now();
      this.#nextCount = end + (end - start) * patience;
      throw this.#refusal(what);
    }
    this.#allowance = Math.max(maps, Math.floor(left / engines));
  }

  #refusal(what: keyof typeof mapsOf): SampanError {
    const [code, thing] = refusals[what];
    return new SampanError(code, `Cannot have ${thing} in this process: its ${this.#limit} maps are used up`, {
      hint: "raise the system's limit with sysctl vm.max_map_count=262144, or run fewer instances at once",
      data: { limit: this.#limit },
    });
  }
}
