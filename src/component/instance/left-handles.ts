import type { HandleTable } from "./handle-table.ts";

type Drop = ((value: unknown) => unknown) | undefined;

/** Whose handles they are. */
interface LeftStore {
  /** The instance that defines a resource type; undefined where the host does. */
  ownerOf(resource: number): number | undefined;
  /** What is called when a resource of the host's is dropped. */
  dropOf(resource: number): Drop;
}

/** Drops what guests that are done have left of the host's resources. */
export class LeftHandles {
  readonly #store: LeftStore;
  /** By type. */
  readonly #drops = new Map<number, Drop>();

  constructor(store: LeftStore) {
    this.#store = store;
  }

  /** Drops the host's resources that a table owns; the table is the caller's to clear. */
  drop(handles: HandleTable): void {
    for (const { resource, rep, isOwn } of handles) {
      if (!isOwn || this.#store.ownerOf(resource) !== undefined) continue;
      try {
        const dropped = this.#dropOf(resource)?.(rep);
        if (dropped instanceof Promise) dropped.catch(() => {});
      } catch {
        // The guest that could be told is gone, and the others of its resources are to go as well.
      }
    }
  }

  #dropOf(resource: number): Drop {
    if (!this.#drops.has(resource)) this.#drops.set(resource, this.#store.dropOf(resource));
    return this.#drops.get(resource);
  }
}
