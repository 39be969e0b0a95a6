import { readFileSync } from "node:fs";
import { SampanError } from "../base/index.ts";

/** Where Linux tells how many maps a process may have, and which this one has. */
export interface MapFiles {
  /** Most maps; undefined where the system says nothing about it. */
  limit(): number | undefined;
  /** Maps that this process has now. */
  count(): number;
}

/** The files of this process. */
export const processMaps: MapFiles = {
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
/** How many times as long as counting took nobody counts again after a refusal. */
const patience = 20;
/** Maps that one memory, and one stack of a suspended call, takes. */
const mapsEach = 2;

/**
 * Counts memories and stacks against `vm.max_map_count`: V8 aborts the whole process when it cannot map one more stack, so
 * the engine refuses before that. What is counted here are takings alone. Returned stacks and collected memories, and what
 * other engines and threads of the process map, are found by counting the process's maps again, the more often the fewer
 * are left.
 */
export class MapBudget {
  readonly #files: MapFiles;
  readonly #limit: number;
  readonly #now: () => number;
  /** Maps that may still be taken before the process is counted again. */
  #allowance = 0;
  /** When the process may be counted again after there was no map left, in ms. */
  #nextCount = 0;

  constructor(files: MapFiles = processMaps, now: () => number = () => performance.now()) {
    this.#files = files;
    this.#now = now;
    this.#limit = files.limit() ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Takes the maps of one thing.
   *
   * @throws LIMIT_MEMORIES, LIMIT_STACKS where the process would come too near to the system's limit
   */
  take(what: "memory" | "stack"): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return;
    if (this.#allowance < mapsEach) this.#recount(what);
    this.#allowance -= mapsEach;
  }

  #recount(what: "memory" | "stack"): void {
    const start = this.#now();
    // Counting tens of thousands of maps takes long: who asks again and again meanwhile is refused without.
    if (start < this.#nextCount) throw this.#refusal(what);
    const left = this.#limit - kept - this.#files.count();
    if (left < mapsEach) {
      const end = this.#now();
      this.#nextCount = end + (end - start) * patience;
      throw this.#refusal(what);
    }
    this.#allowance = Math.max(mapsEach, left >> 1);
  }

  #refusal(what: "memory" | "stack"): SampanError {
    const code = what === "memory" ? "LIMIT_MEMORIES" : "LIMIT_STACKS";
    const thing = what === "memory" ? "one more memory" : "one more suspended call";
    return new SampanError(code, `Cannot have ${thing} in this process: its ${this.#limit} maps are used up`, {
      hint: "raise the system's limit with sysctl vm.max_map_count=262144, or run fewer instances at once",
      data: { limit: this.#limit },
    });
  }
}
