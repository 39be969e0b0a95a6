import type { Clocks } from "./clocks.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Waits } from "./waits.ts";

/** What a guest waits for: that nanoseconds pass, or that a read or write of a descriptor would not wait. */
export type Awaited =
  | { readonly after: bigint }
  | { readonly descriptor: Descriptor; readonly events: "read" | "write" };

/** How an instance waits for the first of several. */
export interface PollOptions {
  readonly clocks: Clocks;
  /** Without it the thread is blocked. */
  readonly waits: Waits | undefined;
  /** Called between the turns in which the thread is blocked. */
  readonly onTurn?: (() => void) | undefined;
}

/** The longest single wait in ms while several descriptors are watched, or while somebody wants to hear of turns. */
const longestTurn = 10;
/** Waits for the first of what is awaited; answers for each whether it is ready. */
export function waitForFirst(
  awaited: readonly Awaited[],
  { clocks, waits, onTurn }: PollOptions,
): boolean[] | Promise<boolean[]> {
  const sleep = new Sleep(awaited, clocks);
  return waits === undefined ? blockForFirst(awaited, sleep, onTurn) : suspendForFirst(awaited, { sleep, waits });
}

/** The time that a wait has taken, as the guest's clock has it. */
class Sleep {
  /** When the first of the times is over, in nanoseconds from the start; undefined where there is none. */
  readonly first: bigint | undefined;
  readonly #start = process.hrtime.bigint();
  readonly #stands: boolean;

  constructor(awaited: readonly Awaited[], { stands }: Clocks) {
    this.#stands = stands;
    let first: bigint | undefined;
    for (const each of awaited) if ("after" in each && (first === undefined || each.after < first)) first = each.after;
    this.first = first;
  }

  /** When that is on `process.hrtime`. */
  get due(): bigint | undefined {
    return this.first === undefined ? undefined : this.#start + this.first;
  }

  /** Milliseconds until the first time is over; undefined where there is none. */
  get left(): number | undefined {
    return this.first === undefined ? undefined : Number(this.first - this.#passed) / 1e6;
  }

  /**
   * What has passed by now. Where the clock stands still, only sleeping passes time, and as much as was asked for: which
   * of several times are over depends on nothing else.
   */
  get elapsed(): bigint {
    const passed = this.#passed;
    if (!this.#stands) return passed;
    return this.first !== undefined && passed >= this.first ? this.first : 0n;
  }

  get #passed(): bigint {
    return process.hrtime.bigint() - this.#start;
  }
}

function blockForFirst(awaited: readonly Awaited[], sleep: Sleep, onTurn: (() => void) | undefined): boolean[] {
  const watched = awaited.filter((each) => "descriptor" in each);
  const [first] = watched;
  const longest = onTurn !== undefined || watched.length > 1 ? longestTurn : Number.POSITIVE_INFINITY;
  for (let elapsed = 0n; ; elapsed = sleep.elapsed) {
    const ready = awaited.map((each) =>
      "after" in each ? each.after <= elapsed : each.descriptor.wait(each.events, 0),
    );
    if (ready.includes(true)) return ready;
    const turn = Math.max(0, Math.min(sleep.left ?? Number.POSITIVE_INFINITY, longest));
    if (first === undefined) blockFor(turn);
    else first.descriptor.wait(first.events, turn === Number.POSITIVE_INFINITY ? -1 : turn);
    onTurn?.();
  }
}

function blockFor(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function suspendForFirst(
  awaited: readonly Awaited[],
  { sleep, waits }: { sleep: Sleep; waits: Waits },
): boolean[] | Promise<boolean[]> {
  let woken: () => void = () => {};
  const watches: (() => void)[] = [];
  const giveUp = (): void => {
    for (const stop of watches) stop();
  };
  const ready = awaited.map(() => false);
  for (const [index, each] of awaited.entries()) {
    if ("after" in each) {
      ready[index] = each.after <= 0n;
      continue;
    }
    const watch = each.descriptor.watch(each.events, () => {
      ready[index] = true;
      woken();
    });
    if (watch === true) ready[index] = true;
    else watches.push(watch);
  }
  if (ready.includes(true)) {
    giveUp();
    return ready;
  }
  return waits.until((resolve) => {
    woken = () => {
      giveUp();
      const { elapsed } = sleep;
      for (const [index, each] of awaited.entries()) if ("after" in each && each.after <= elapsed) ready[index] = true;
      resolve(ready);
    };
    if (sleep.due !== undefined) watches.push(waits.alarms.set(sleep.due, woken));
    return giveUp;
  });
}
