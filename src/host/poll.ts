import type { Clocks } from "./clocks.ts";
import type { Descriptor } from "./descriptor.ts";
import { Socket } from "./network/socket.ts";
import type { Waits } from "./waits.ts";

/** What of a descriptor is waited for. */
export type PollEvents = "read" | "write";

/**
 * What a guest waits for: that nanoseconds pass, or that a read or write of a descriptor would not wait. It is filled anew for
 * each wait, so that a thousand descriptors are no thousand objects each time.
 */
export class PollList {
  /** How many entries it has. */
  count = 0;
  /** Times in nanoseconds by their places, of entries that have no descriptor. */
  readonly times = new Map<number, bigint>();
  readonly #descriptors: (Descriptor | undefined)[] = [];
  readonly #events: PollEvents[] = [];
  readonly #ready: boolean[] = [];

  clear(): void {
    this.count = 0;
    this.times.clear();
    this.#descriptors.length = 0;
  }

  addTime(after: bigint): void {
    this.times.set(this.count, after);
    this.#add(undefined, "read");
  }

  addDescriptor(descriptor: Descriptor, events: PollEvents): void {
    this.#add(descriptor, events);
  }

  #add(descriptor: Descriptor | undefined, events: PollEvents): void {
    this.#descriptors[this.count] = descriptor;
    this.#events[this.count] = events;
    this.#ready[this.count] = false;
    this.count += 1;
  }

  descriptor(index: number): Descriptor | undefined {
    return this.#descriptors[index];
  }

  events(index: number): PollEvents {
    return this.#events[index] ?? "read";
  }

  /** Whether an entry was found ready, after the wait. */
  isReady(index: number): boolean {
    return this.#ready[index] === true;
  }

  setReady(index: number): void {
    this.#ready[index] = true;
  }
}

/** Who wants to hear that a socket of an instance may have become ready: each is called at every change. */
export type SocketChanges = Set<(socket: Socket) => void>;

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

/** Waits for the first of what a list has; then the list tells for each whether it is ready. */
export function waitForFirst(list: PollList, { clocks, waits, changes, onTurn }: PollOptions): void | Promise<void> {
  const sleep = new Sleep(list.times.values(), clocks);
  return waits === undefined ? blockForFirst(list, sleep, onTurn) : new Poll(list, { sleep, waits, changes }).first();
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
  let watched = 0;
  let first = -1;
  for (let i = 0; i < list.count; i++) {
    if (list.descriptor(i) === undefined) continue;
    if (watched === 0) first = i;
    watched += 1;
  }
  const longest = onTurn !== undefined || watched > 1 ? longestTurn : Number.POSITIVE_INFINITY;
  for (let elapsed = 0n; ; elapsed = sleep.elapsed) {
    let isOver = findTimes(list, elapsed);
    for (let i = 0; i < list.count; i++) {
      if (list.descriptor(i)?.wait(list.events(i), 0) !== true) continue;
      list.setReady(i);
      isOver = true;
    }
    if (isOver) return;
    const turn = Math.max(0, Math.min(sleep.left ?? Number.POSITIVE_INFINITY, longest));
    const descriptor = list.descriptor(first);
    if (descriptor === undefined) blockFor(turn);
    else descriptor.wait(list.events(first), turn === Number.POSITIVE_INFINITY ? -1 : turn);
    onTurn?.();
  }
}

/** Marks the times that are over, and says whether there are any. */
function findTimes(list: PollList, elapsed: bigint): boolean {
  let isOver = false;
  for (const [index, after] of list.times) {
    if (after > elapsed) continue;
    list.setReady(index);
    isOver = true;
  }
  return isOver;
}

function blockFor(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** One wait without the thread. */
class Poll {
  readonly #list: PollList;
  readonly #sleep: Sleep;
  readonly #waits: Waits;
  readonly #changes: SocketChanges | undefined;
  readonly #stops: (() => void)[] = [];
  #woken: () => void = () => {};

  constructor(
    list: PollList,
    { sleep, waits, changes }: { sleep: Sleep; waits: Waits; changes: SocketChanges | undefined },
  ) {
    this.#list = list;
    this.#sleep = sleep;
    this.#waits = waits;
    this.#changes = changes;
  }

  first(): void | Promise<void> {
    const list = this.#list;
    let isOver = findTimes(list, 0n);
    for (let i = 0; i < list.count; i++) {
      const descriptor = list.descriptor(i);
      if (descriptor === undefined) continue;
      const isReady = descriptor instanceof Socket ? descriptor.wait(list.events(i), 0) : this.#watch(descriptor, i);
      if (!isReady) continue;
      list.setReady(i);
      isOver = true;
    }
    if (isOver) return this.#giveUp();
    return this.#waits.until((resolve) => {
      this.#woken = () => {
        this.#giveUp();
        findTimes(list, this.#sleep.elapsed);
        resolve();
      };
      if (this.#sleep.due !== undefined) this.#stops.push(this.#waits.alarms.set(this.#sleep.due, this.#woken));
      // Sockets are not watched one by one: that would cost each wait as much as all of them.
      const changed = (socket: Socket): void => {
        if (this.#find(socket)) this.#woken();
      };
      this.#changes?.add(changed);
      this.#stops.push(() => void this.#changes?.delete(changed));
      return () => this.#giveUp();
    });
  }

  #watch(descriptor: Descriptor, index: number): boolean {
    const watch = descriptor.watch(this.#list.events(index), () => {
      this.#list.setReady(index);
      this.#woken();
    });
    if (watch !== true) this.#stops.push(watch);
    return watch === true;
  }

  /** Marks what is ready of a socket that changed; the others are as they were, which is not ready. */
  #find(socket: Socket): boolean {
    const list = this.#list;
    let isOver = false;
    for (let i = 0; i < list.count; i++) {
      if (list.descriptor(i) !== socket || !socket.isReady(list.events(i))) continue;
      list.setReady(i);
      isOver = true;
    }
    return isOver;
  }

  #giveUp(): void {
    for (const stop of this.#stops) stop();
  }
}
