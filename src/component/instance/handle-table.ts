import type { Task } from "./task.ts";

/** A handle to a resource (component model, Canonical ABI: Resource State). */
export class Handle {
  /** The number of its resource type in the plan. */
  readonly resource: number;
  /** What the owner of the type gave for it: an i32 of an instance's, or a value of the host's. */
  readonly rep: unknown;
  /** The task that it was lent to; undefined where it owns the resource. */
  readonly scope: Task | undefined;
  /** Calls that it is lent to now. */
  lends = 0;

  constructor(resource: number, rep: unknown, scope?: Task) {
    this.resource = resource;
    this.rep = rep;
    this.scope = scope;
  }

  get isOwn(): boolean {
    return this.scope === undefined;
  }
}

/** Most entries of a table (component model, Canonical ABI: Table State). */
const mostEntries = 2 ** 28 - 1;

/** Most room that a table keeps that begins anew. */
const mostSpare = 1_024;

/** How many entries tables that share it may still get together. */
export interface HandleRoom {
  left: number;
}

/** What an instance's code names by numbers, from 1 on. */
export class HandleTable {
  /** Up to {@link #end} those that are there; the array stays as long as it once was. */
  readonly #entries: (Handle | undefined)[] = [undefined];
  #end = 1;
  readonly #free: number[] = [];
  #freed = 0;
  readonly #room: HandleRoom;

  constructor(room: HandleRoom = { left: mostEntries }) {
    this.#room = room;
  }

  /** The entry under a number; undefined where there is none. */
  get(index: number): Handle | undefined {
    return this.#entries[index];
  }

  /** Gives an entry a number, the one that was freed last; undefined where the table is full. */
  add(entry: Handle): number | undefined {
    if (this.#room.left === 0) return undefined;
    this.#room.left -= 1;
    const index = this.#freed > 0 ? (this.#free[--this.#freed] ?? 0) : this.#end++;
    this.#entries[index] = entry;
    return index;
  }

  /** Frees the number of an entry that {@link get} has found. */
  remove(index: number): void {
    this.#entries[index] = undefined;
    this.#room.left += 1;
    this.#free[this.#freed++] = index;
  }

  /** Makes it as a new one is: numbers begin at 1 again. */
  clear(): void {
    this.#room.left += this.size;
    if (this.#end > mostSpare) this.#entries.length = 1;
    else this.#entries.fill(undefined, 1, this.#end);
    if (this.#free.length > mostSpare) this.#free.length = 0;
    this.#end = 1;
    this.#freed = 0;
  }

  /** Entries that are there. */
  get size(): number {
    return this.#end - 1 - this.#freed;
  }

  /** Each entry. */
  *[Symbol.iterator](): Generator<Handle> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }
}
