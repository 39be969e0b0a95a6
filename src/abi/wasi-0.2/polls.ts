import { PollList } from "../../host/index.ts";
import type { Wasi02Context } from "./context.ts";
import { WasiTrap } from "./errors.ts";
import type { Pollable } from "./pollable.ts";

/** Each entry takes memory of the host, which a guest cannot be given without a bound. */
const mostPollables = 65_536;

/**
 * An instance's lists of pollables, kept from one wait to the next: a server waits for nearly the same ones each time, and only
 * what differs is put into the list anew.
 */
export class Polls {
  readonly #context: Wasi02Context;
  readonly #list = new PollList();
  readonly #placed: Pollable[] = [];

  constructor(context: Wasi02Context) {
    this.#context = context;
  }

  /** Waits for the first of several and answers the places of those that are ready (`wasi:io/poll#poll`). */
  poll(pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
    if (pollables.length === 0) throw new WasiTrap("poll was called with an empty list");
    if (pollables.length > mostPollables) throw new WasiTrap("poll was called with too long a list");
    const waited = this.#wait(pollables);
    return waited === undefined ? this.#ready() : waited.then(() => this.#ready());
  }

  /** Waits for one. */
  block(pollable: Pollable): void | Promise<void> {
    if (pollable.isReady()) return undefined;
    const waited = this.#wait([pollable]);
    const found = (): void => {
      if (this.#list.ready.count > 0) pollable.found?.();
    };
    return waited === undefined ? found() : waited.then(found);
  }

  #wait(pollables: readonly Pollable[]): Promise<void> | undefined {
    const placed = this.#placed;
    const list = this.#list;
    if (placed.length > pollables.length) {
      list.shorten(pollables.length);
      placed.length = pollables.length;
    }
    for (const [index, pollable] of pollables.entries()) {
      if (placed[index] === pollable && pollable.isFixed) continue;
      pollable.place(list, index);
      placed[index] = pollable;
    }
    const waited = this.#context.host.poll(list);
    return waited instanceof Promise ? waited : undefined;
  }

  #ready(): Uint32Array {
    const places = this.#list.ready;
    places.sort();
    const ready = Uint32Array.from({ length: places.count }, (_, turn) => places.at(turn));
    for (const index of ready) this.#placed[index]?.found?.();
    return ready;
  }
}
