import type { Clocks } from "./clocks.ts";
import { atEndOfTurn } from "./network/turns.ts";
import type { PollList, SocketChanges } from "./poll-list.ts";
import type { Waits } from "./waits.ts";

/** How an instance waits for the first of several. */
export interface PollOptions {
  readonly clocks: Clocks;
  /** Without it the thread is blocked. */
  readonly waits: Waits | undefined;
  /** Undefined where the instance has no socket. */
  readonly changes: SocketChanges | undefined;
  /** Called between the turns in which the thread is blocked. */
  readonly onTurn?: (() => void) | undefined;
}

/** The longest single wait in ms while several descriptors are watched, or while somebody wants to hear of turns. */
const longestTurn = 10;

/** Waits for the first of what a list has; then the list has the places of what is ready. */
export function waitForFirst(list: PollList, { clocks, waits, changes, onTurn }: PollOptions): void | Promise<void> {
  list.ready.clear();
  if (waits === undefined) return blockForFirst(list, new Sleep(list.times.values(), clocks), onTurn);
  if (changes !== undefined) list.listen(changes);
  list.findSockets();
  findTimes(list, 0n);
  const waited = list.ready.count > 0 && list.others.size === 0 ? undefined : new Poll(list, { clocks, waits }).first();
  if (waited === undefined && !list.isSpinning()) return undefined;
  list.waits();
  return waited ?? waits.yield().then(() => waitForFirst(list, { clocks, waits, changes, onTurn }));
}

/** The time that a wait has taken, as the guest's clock has it. */
class Sleep {
  /** When the first of the times is over, in nanoseconds from the start; undefined where there is none. */
  readonly first: bigint | undefined;
  readonly #start = process.hrtime.bigint();
  readonly #stands: boolean;

  constructor(times: Iterable<bigint>, { stands }: Clocks) {
    this.#stands = stands;
    let first: bigint | undefined;
    for (const after of times) if (first === undefined || after < first) first = after;
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

function blockForFirst(list: PollList, sleep: Sleep, onTurn: (() => void) | undefined): void {
  const watched: number[] = [];
  for (let i = 0; i < list.count; i++) if (list.descriptor(i) !== undefined) watched.push(i);
  const [first] = watched;
  const longest = onTurn !== undefined || watched.length > 1 ? longestTurn : Number.POSITIVE_INFINITY;
  for (let elapsed = 0n; ; elapsed = sleep.elapsed) {
    findTimes(list, elapsed);
    for (const i of watched) if (list.descriptor(i)?.wait(list.events(i), 0) === true) list.ready.add(i);
    if (list.ready.count > 0) return;
    const turn = Math.max(0, Math.min(sleep.left ?? Number.POSITIVE_INFINITY, longest));
    if (first === undefined) blockFor(turn);
    else list.descriptor(first)?.wait(list.events(first), turn === Number.POSITIVE_INFINITY ? -1 : turn);
    onTurn?.();
  }
}

/** Notes the times that are over. */
function findTimes({ times, ready }: PollList, elapsed: bigint): void {
  if (times.size > 0) for (const [index, after] of times) if (after <= elapsed) ready.add(index);
}

function blockFor(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** One wait without the thread. */
class Poll {
  readonly #list: PollList;
  readonly #clocks: Clocks;
  readonly #waits: Waits;
  readonly #stops: (() => void)[] = [];
  #sleep: Sleep | undefined;
  #wake: (() => void) | undefined;
  #isTurning = false;

  constructor(list: PollList, { clocks, waits }: { clocks: Clocks; waits: Waits }) {
    this.#list = list;
    this.#clocks = clocks;
    this.#waits = waits;
  }

  /** Watches what is no socket, and waits where nothing is ready yet. */
  first(): void | Promise<void> {
    const list = this.#list;
    for (const index of list.others) this.#watch(index);
    if (list.ready.count > 0) return this.#giveUp();
    if (list.times.size > 0) this.#sleep = new Sleep(list.times.values(), this.#clocks);
    return this.#waits.until((resolve) => {
      this.#wake = resolve;
      const due = this.#sleep?.due;
      if (due !== undefined) this.#stops.push(this.#waits.alarms.set(due, () => this.#woken()));
      // What comes in the same turn of the event loop is told in one go: a server with many busy connections polls once for all
      // of them.
      list.onReady = () => {
        if (this.#isTurning) return;
        this.#isTurning = true;
        atEndOfTurn(() => {
          this.#isTurning = false;
          this.#woken();
        });
      };
      return () => this.#giveUp();
    });
  }

  #watch(index: number): void {
    const list = this.#list;
    const wake = (): void => {
      list.ready.add(index);
      this.#woken();
    };
    const watch = list.descriptor(index)?.watch(list.events(index), wake);
    if (watch === true) list.ready.add(index);
    else if (watch !== undefined) this.#stops.push(watch);
  }

  /** Ends the wait where something is ready: what was there may be gone by now. */
  #woken(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    const list = this.#list;
    list.findSockets();
    if (this.#sleep !== undefined) findTimes(list, this.#sleep.elapsed);
    if (list.ready.count === 0) return;
    this.#giveUp();
    wake();
  }

  #giveUp(): void {
    this.#wake = undefined;
    this.#list.onReady = undefined;
    for (const stop of this.#stops) stop();
  }
}
