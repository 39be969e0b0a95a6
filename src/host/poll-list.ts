import type { Descriptor } from "./descriptor.ts";
import { Socket } from "./network/socket.ts";

/** What of a descriptor is waited for. */
export type PollEvents = "read" | "write";

/** Who wants to hear that a socket of an instance may have become ready: each is called at every change. */
export type SocketChanges = Set<(socket: Socket) => void>;

/** Bits of what is known not to be ready. */
const bitOf = { read: 1, write: 2 } as const;
/** So many sockets without a place are kept for the next time that they have one. */
const mostIdle = 16;

/** A socket that a list has, or had. */
interface Watched {
  readonly socket: Socket;
  readonly places: number[];
  /** What was found not to be ready, and did not change since. */
  known: number;
  isDue: boolean;
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
  readonly ready: number[] = [];
  readonly #descriptors: (Descriptor | undefined)[] = [];
  readonly #events: PollEvents[] = [];
  readonly #sockets = new Map<Socket, Watched>();
  /** What may be ready. */
  #due: Watched[] = [];
  #looked: Watched[] = [];
  readonly #others = new Set<number>();
  readonly #changed = (socket: Socket): void => {
    const watched = this.#sockets.get(socket);
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
    let watched = this.#sockets.get(descriptor);
    if (watched === undefined) {
      watched = { socket: descriptor, places: [], known: 0, isDue: false };
      this.#sockets.set(descriptor, watched);
    }
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
    const places = descriptor instanceof Socket ? this.#sockets.get(descriptor)?.places : undefined;
    if (places === undefined) {
      this.#others.delete(index);
      return;
    }
    const last = places.pop();
    if (last !== undefined && last !== index) places[places.indexOf(index)] = last;
  }

  /** Leaves so many entries. */
  shorten(count: number): void {
    for (let index = count; index < this.#descriptors.length; index++) this.clear(index);
    if (count < this.#descriptors.length) this.#descriptors.length = this.#events.length = count;
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

  /** Looks at the sockets that may be ready and notes those that are. A socket that is ready stays to be looked at. */
  findSockets(): void {
    const before = this.ready.length;
    // What changes while it is looked at, is looked at again.
    while (this.ready.length === before && this.#due.length > 0) {
      const due = this.#due;
      this.#due = this.#looked;
      this.#looked = due;
      for (const watched of due) watched.isDue = false;
      for (const watched of due) this.#look(watched);
      due.length = 0;
    }
  }

  #look(watched: Watched): void {
    const { socket, places } = watched;
    for (const place of places) {
      const events = this.#events[place] ?? "read";
      if ((watched.known & bitOf[events]) !== 0) continue;
      // Looking may change it, which is told of at once.
      watched.known |= bitOf[events];
      if (!socket.wait(events, 0)) continue;
      watched.known &= ~bitOf[events];
      this.ready.push(place);
      this.#mark(watched);
    }
  }

  #isReady({ socket, places }: Watched): boolean {
    for (const place of places) if (socket.isReady(this.#events[place] ?? "read")) return true;
    return false;
  }

  #mark(watched: Watched): void {
    if (watched.isDue) return;
    watched.isDue = true;
    this.#due.push(watched);
  }
}
