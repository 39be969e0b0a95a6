import type { Descriptor } from "./descriptor.ts";
import { Socket } from "./network/socket.ts";

/** What of a descriptor is waited for. */
export type PollEvents = "read" | "write";

/** Who wants to hear that a socket of an instance may have become ready: each is called at every change. */
export type SocketChanges = Set<(socket: Socket) => void>;

/** Bits of what is known not to be ready. */
const bitOf = { read: 1, write: 2 } as const;
/** So many are put in order without V8's sort. */
const fewPlaces = 64;
/** So many sockets without a place are kept for the next time that they have one. */
const mostIdle = 16;

/** So many waits may be answered at once before the event loop has to go round. */
const mostAtOnce = 64;

/** A socket that a list has, or had. */
class Watched {
  readonly list: PollList;
  readonly socket: Socket;
  readonly places: number[] = [];
  /** What was found not to be ready, and did not change since. */
  known = 0;
  isDue = false;

  constructor(list: PollList, socket: Socket) {
    this.list = list;
    this.socket = socket;
  }
}

/** Places of a list, which keep their room when they are forgotten. */
export class Places {
  #places = new Int32Array(16);
  /** How many there are. */
  count = 0;

  /** One of them, by its turn. */
  at(turn: number): number {
    return this.#places[turn] ?? -1;
  }

  add(place: number): void {
    if (this.count === this.#places.length) {
      const more = new Int32Array(2 * this.count);
      more.set(this.#places);
      this.#places = more;
    }
    this.#places[this.count] = place;
    this.count += 1;
  }

  clear(): void {
    this.count = 0;
  }

  /** Puts them in order, which they nearly are. */
  sort(): void {
    const places = this.#places;
    if (this.count > fewPlaces) places.subarray(0, this.count).sort();
    else
      for (let turn = 1; turn < this.count; turn++) {
        const place = places[turn] ?? 0;
        let at = turn;
        for (; at > 0 && (places[at - 1] ?? 0) > place; at--) places[at] = places[at - 1] ?? 0;
        places[at] = place;
      }
  }
}

/**
 * What a guest waits for: that nanoseconds pass, or that a read or write of a descriptor would not wait. It stays from one wait
 * to the next and is changed where the guest's list changed, so that a thousand sockets cost a wait nothing but what
 * happened to them: a socket that was found not ready is looked at again once it changed, whatever its place is by then.
 */
export class PollList {
  /** Times in nanoseconds by their places, of entries that have no descriptor. */
  readonly times = new Map<number, bigint>();
  /** The places of what was found ready, after the wait. */
  readonly ready = new Places();
  readonly #descriptors: (Descriptor | undefined)[] = [];
  /** The sockets among them. */
  readonly #watched: (Watched | undefined)[] = [];
  readonly #events: PollEvents[] = [];
  readonly #sockets = new Map<Socket, Watched>();
  /** What may be ready, as many as `#dues`. */
  #due: Watched[] = [];
  #dues = 0;
  #looked: Watched[] = [];
  #atOnce = 0;
  readonly #others = new Set<number>();
  readonly #changed = (socket: Socket): void => {
    const watched = this.#find(socket);
    if (watched === undefined) return;
    watched.known = 0;
    this.#mark(watched);
    if (this.onReady !== undefined && this.#isReady(watched)) this.onReady();
  };
  #changes: SocketChanges | undefined;
  /** Called when a socket changed and is ready. */
  onReady: (() => void) | undefined;

  /** How many entries it has. */
  get count(): number {
    return this.#descriptors.length;
  }

  /** The places of descriptors that are no sockets. */
  get others(): ReadonlySet<number> {
    return this.#others;
  }

  /** Puts a time at a place: at most one behind the last. */
  setTime(index: number, after: bigint): void {
    this.clear(index);
    this.#descriptors[index] = undefined;
    this.times.set(index, after);
  }

  /** Puts a descriptor at a place: at most one behind the last. */
  setDescriptor(index: number, descriptor: Descriptor, events: PollEvents): void {
    this.clear(index);
    this.#descriptors[index] = descriptor;
    this.#events[index] = events;
    if (!(descriptor instanceof Socket)) {
      this.#others.add(index);
      return;
    }
    let watched = this.#find(descriptor);
    if (watched === undefined) {
      watched = new Watched(this, descriptor);
      this.#sockets.set(descriptor, watched);
      descriptor.watched = watched;
    }
    this.#watched[index] = watched;
    watched.places.push(index);
    if ((watched.known & bitOf[events]) === 0) this.#mark(watched);
  }

  /** Leaves nothing at a place that another entry follows for. */
  clear(index: number): void {
    const descriptor = this.#descriptors[index];
    if (descriptor === undefined) {
      if (this.times.size > 0) this.times.delete(index);
      return;
    }
    this.#descriptors[index] = undefined;
    const watched = this.#watched[index];
    if (watched === undefined) {
      this.#others.delete(index);
      return;
    }
    this.#watched[index] = undefined;
    const { places } = watched;
    const last = places.pop();
    if (last !== undefined && last !== index) places[places.indexOf(index)] = last;
  }

  /** Leaves so many entries. */
  shorten(count: number): void {
    for (let index = count; index < this.#descriptors.length; index++) this.clear(index);
    if (count < this.#descriptors.length) this.#descriptors.length = count;
  }

  /** Forgets sockets that have no place any more, where they are many: some may be closed. */
  sweep(): void {
    if (this.#sockets.size <= this.count + mostIdle) return;
    for (const [socket, { places }] of this.#sockets) if (places.length === 0) this.#sockets.delete(socket);
  }

  descriptor(index: number): Descriptor | undefined {
    return this.#descriptors[index];
  }

  events(index: number): PollEvents {
    return this.#events[index] ?? "read";
  }

  /** Hears of an instance's sockets from now on. */
  listen(changes: SocketChanges): void {
    if (this.#changes === changes) return;
    this.#changes?.delete(this.#changed);
    this.#changes = changes.add(this.#changed);
    for (const watched of this.#sockets.values()) {
      watched.known = 0;
      this.#mark(watched);
    }
  }

  /** Hears of no sockets any more: the list is not used again. */
  close(): void {
    this.#changes?.delete(this.#changed);
  }

  /**
   * Counts a wait that is answered at once, and says whether the event loop has to go round first: a guest that asks over and
   * over what is ready any way would never hear of what is not yet.
   */
  isSpinning(): boolean {
    this.#atOnce += 1;
    return this.#atOnce > mostAtOnce;
  }

  /** Says that the event loop goes round. */
  waits(): void {
    this.#atOnce = 0;
  }

  /** Looks at the sockets that may be ready and notes those that are. A socket that is ready stays to be looked at. */
  findSockets(): void {
    const before = this.ready.count;
    // What changes while it is looked at, is looked at again.
    while (this.ready.count === before && this.#dues > 0) {
      const due = this.#due;
      const count = this.#dues;
      this.#due = this.#looked;
      this.#looked = due;
      this.#dues = 0;
      for (let i = 0; i < count; i++) this.#look(due[i]);
    }
  }

  #look(watched: Watched | undefined): void {
    if (watched === undefined) return;
    watched.isDue = false;
    const { socket, places } = watched;
    for (let i = 0; i < places.length; i++) {
      const place = places[i] ?? 0;
      const events = this.events(place);
      if ((watched.known & bitOf[events]) !== 0) continue;
      // Looking may change it, which is told of at once.
      watched.known |= bitOf[events];
      if (!socket.wait(events, 0)) continue;
      watched.known &= ~bitOf[events];
      this.ready.add(place);
      this.#mark(watched);
    }
  }

  #isReady({ socket, places }: Watched): boolean {
    for (const place of places) if (socket.isReady(this.events(place))) return true;
    return false;
  }

  #find(socket: Socket): Watched | undefined {
    const { watched } = socket;
    return watched instanceof Watched && watched.list === this ? watched : this.#sockets.get(socket);
  }

  #mark(watched: Watched): void {
    if (watched.isDue) return;
    watched.isDue = true;
    this.#due[this.#dues] = watched;
    this.#dues += 1;
  }
}
