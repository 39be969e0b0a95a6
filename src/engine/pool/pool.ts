import type { InstanceListeners } from "../engine.ts";
import type { GuestModule } from "../guest-module.ts";
import type { Instance } from "../instance.ts";
import { PoolWorker, type PlacedOptions } from "./pool-worker.ts";
import type { Habitat } from "./habitat.ts";

/**
 * What separates an instance from others: `shared` a thread that it shares with others, `thread` one of its own, `process` a process
 * of its own (docs/THREAT-MODEL.md says what each promises).
 */
export type Cordon = "shared" | "thread" | "process";

/** How a pool starts its workers. */
export interface PoolParts {
  /** Most threads that instances share. */
  readonly sharedThreads: number;
  readonly startThread: () => Habitat;
  readonly startProcess: () => Habitat;
}

/** Threads and processes that run an engine's guests. One that dies takes its own guests along, and is replaced when it is needed. */
export class Pool {
  readonly #parts: PoolParts;
  readonly #shared = new Set<PoolWorker>();
  readonly #single = new Set<PoolWorker>();

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Workers that are there now. */
  get size(): number {
    return this.#shared.size + this.#single.size;
  }

  /** Makes an instance in the cordon that it asks for. @throws what Engine.instantiate throws, ENGINE_WORKER_LOST */
  async instantiate(
    module: GuestModule,
    options: PlacedOptions & InstanceListeners & { readonly cordon: Cordon },
  ): Promise<Instance> {
    const { cordon, onStart, onClose, ...placed } = options;
    if (cordon === "shared") return this.#leastLoaded().instantiate(module, placed, { onStart, onClose });
    const habitat = cordon === "thread" ? this.#parts.startThread() : this.#parts.startProcess();
    const worker = new PoolWorker(habitat, { isSingle: true, onGone: (gone) => this.#single.delete(gone) });
    this.#single.add(worker);
    const end = (): void => {
      onClose();
      this.#single.delete(worker);
      // Its guest is closed: nobody waits for the rest.
      void worker.end();
    };
    try {
      return await worker.instantiate(module, placed, { onStart, onClose: end });
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Ends all workers with what runs there. */
  async close(): Promise<void> {
    await Promise.all([...this.#shared, ...this.#single].map((worker) => worker.end()));
  }

  #leastLoaded(): PoolWorker {
    let least: PoolWorker | undefined;
    for (const worker of this.#shared) if (least === undefined || worker.load < least.load) least = worker;
    const hasRoom = this.#shared.size < this.#parts.sharedThreads;
    if (least !== undefined && (least.load === 0 || !hasRoom)) return least;
    const worker = new PoolWorker(this.#parts.startThread(), {
      isSingle: false,
      onGone: (gone) => this.#shared.delete(gone),
    });
    this.#shared.add(worker);
    return worker;
  }
}
