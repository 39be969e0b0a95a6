import type { Clocks } from "./clocks.ts";
import type { Descriptor } from "./descriptor.ts";
import { Socket } from "./network/socket.ts";
import type { Waits } from "./waits.ts";

/** What of a descriptor is waited for. */
export type PollEvents = "read" | "write";

/**
 * What a guest waits for: that nanoseconds pass, or that a read or write of a descriptor would not wait. It stays from one wait
 * to the next and is changed where the guest's list changed, so that a thousand sockets cost a wait nothing but what
 * happened to them: a socket that was found not ready is looked at again once it changed.
 */
export class PollList {
  /** Times in nanoseconds by their places, of entries that have no descriptor. */
  readonly times = new Map<number, bigint>();
  /** The places of what was found ready, after the wait. */
  readonly ready: number[] = [];
  readonly #entries: (Entry | undefined)[] = [];
  /** The places of each socket. */
  readonly #sockets = new Map<Socket, Set<number>>();
  /** Sockets' places that may be ready. */
  readonly #due = new Set<number>();
  readonly #others = new Set<number>();
  readonly #changed = (socket: Socket): void => {
    const places = this.#sockets.get(socket);
    if (places === undefined) return;
    for (const place of places) this.#due.add(place);
    this.onChange?.(places);
  };
  #changes: SocketChanges | undefined;
  /** Called when a socket changed, with its places. */
  onChange: ((places: ReadonlySet<number>) => void) | undefined;

  /** How many entries it has. */
  get count(): number {
    return this.#entries.length;
  }

  /** The places of descriptors that are no sockets. */
  get others(): ReadonlySet<number> {
    return this.#others;
  }

  /** Puts a time at a place: at most one behind the last. */
  setTime(index: number, after: bigint): void {
    this.#forget(index);
    this.#entries[index] = undefined;
    this.times.set(index, after);
  }

  /** Puts a descriptor at a place: at most one behind the last. */
  setDescriptor(index: number, descriptor: Descriptor, events: PollEvents): void {
    this.#forget(index);
    this.#entries[index] = { descriptor, events };
    if (!(descriptor instanceof Socket)) {
      this.#others.add(index);
      return;
    }
    const places = this.#sockets.get(descriptor);
    if (places === undefined) this.#sockets.set(descriptor, new Set([index]));
    else places.add(index);
    this.#due.add(index);
  }

  /** Leaves so many entries. */
  shorten(count: number): void {
    for (let index = count; index < this.#entries.length; index++) this.#forget(index);
    if (count < this.#entries.length) this.#entries.length = count;
  }

  descriptor(index: number): Descriptor | undefined {
    return this.#entries[index]?.descriptor;
  }

  events(index: number): PollEvents {
    return this.#entries[index]?.events ?? "read";
  }

  /** Hears of an instance's sockets from now on. */
  listen(changes: SocketChanges): void {
    if (this.#changes === changes) return;
    this.#changes?.delete(this.#changed);
    this.#changes = changes.add(this.#changed);
    for (const places of this.#sockets.values()) for (const place of places) this.#due.add(place);
  }

  /** Hears of no sockets any more: the list is not used again. */
  close(): void {
    this.#changes?.delete(this.#changed);
  }

  /** Looks at the sockets that may be ready and notes those that are. A socket that is ready stays to be looked at. */
  findSockets(): void {
    // What changes while it is looked at, is looked at again.
    while (this.ready.length === 0 && this.#due.size > 0) {
      const due = Array.from(this.#due);
      this.#due.clear();
      for (const index of due) {
        const entry = this.#entries[index];
        if (entry?.descriptor.wait(entry.events, 0) !== true) continue;
        this.ready.push(index);
        this.#due.add(index);
      }
    }
  }

  #forget(index: number): void {
    const entry = this.#entries[index];
    if (entry === undefined) {
      this.times.delete(index);
      return;
    }
    const { descriptor } = entry;
    this.#due.delete(index);
    this.#others.delete(index);
    if (!(descriptor instanceof Socket)) return;
    const places = this.#sockets.get(descriptor);
    places?.delete(index);
    if (places?.size === 0) this.#sockets.delete(descriptor);
  }
}

interface Entry {
  readonly descriptor: Descriptor;
  readonly events: PollEvents;
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

/** Waits for the first of what a list has; then the list has the places of what is ready. */
export function waitForFirst(list: PollList, { clocks, waits, changes, onTurn }: PollOptions): void | Promise<void> {
  const sleep = new Sleep(list.times.values(), clocks);
  list.ready.length = 0;
  if (waits === undefined) return blockForFirst(list, sleep, onTurn);
  if (changes !== undefined) list.listen(changes);
  return new Poll(list, { sleep, waits }).first();
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
    for (const i of watched) if (list.descriptor(i)?.wait(list.events(i), 0) === true) list.ready.push(i);
    if (list.ready.length > 0) return;
    const turn = Math.max(0, Math.min(sleep.left ?? Number.POSITIVE_INFINITY, longest));
    if (first === undefined) blockFor(turn);
    else list.descriptor(first)?.wait(list.events(first), turn === Number.POSITIVE_INFINITY ? -1 : turn);
    onTurn?.();
  }
}

/** Notes the times that are over. */
function findTimes(list: PollList, elapsed: bigint): void {
  for (const [index, after] of list.times) if (after <= elapsed) list.ready.push(index);
}

function blockFor(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** One wait without the thread. */
class Poll {
  readonly #list: PollList;
  readonly #sleep: Sleep;
  readonly #waits: Waits;
  readonly #stops: (() => void)[] = [];
  #woken: () => void = () => {};

  constructor(list: PollList, { sleep, waits }: { sleep: Sleep; waits: Waits }) {
    this.#list = list;
    this.#sleep = sleep;
    this.#waits = waits;
  }

  first(): void | Promise<void> {
    const list = this.#list;
    list.findSockets();
    findTimes(list, 0n);
    for (const index of list.others) this.#watch(index);
    if (list.ready.length > 0) return this.#giveUp();
    return this.#waits.until((resolve) => {
      this.#woken = () => {
        this.#giveUp();
        findTimes(list, this.#sleep.elapsed);
        resolve();
      };
      if (this.#sleep.due !== undefined) this.#stops.push(this.#waits.alarms.set(this.#sleep.due, this.#woken));
      // The others are as they were, which is not ready. What comes in the same turn of the event loop is told in one go: a server
      // with many busy connections polls once for all of them.
      let turn: NodeJS.Immediate | undefined;
      const told = new Set<number>();
      list.onChange = (places) => {
        for (const place of places) {
          if (told.has(place) || !isReady(list, place)) continue;
          told.add(place);
          list.ready.push(place);
        }
        if (told.size > 0) turn ??= setImmediate(() => this.#woken());
      };
      this.#stops.push(() => {
        list.onChange = undefined;
        clearImmediate(turn);
      });
      return () => this.#giveUp();
    });
  }

  #watch(index: number): void {
    const list = this.#list;
    const wake = (): void => {
      list.ready.push(index);
      this.#woken();
    };
    const watch = list.descriptor(index)?.watch(list.events(index), wake);
    if (watch === true) list.ready.push(index);
    else if (watch !== undefined) this.#stops.push(watch);
  }

  #giveUp(): void {
    for (const stop of this.#stops) stop();
  }
}

function isReady(list: PollList, index: number): boolean {
  const descriptor = list.descriptor(index);
  return descriptor instanceof Socket && descriptor.isReady(list.events(index));
}
