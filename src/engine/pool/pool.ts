import { SampanError } from "../../base/index.ts";
import type { InstanceListeners } from "../engine-options.ts";
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
  /** @throws ENGINE_UNSUPPORTED */
  readonly startProcess: () => Promise<Habitat>;
}

/** Where an instance goes: into a cordon, or into one process with all that this Node.js cannot run. */
export type Berth = Cordon | "newer-node";

/** A worker, and what is called when the instance is closed that it was asked for. */
export interface TakenWorker {
  readonly worker: PoolWorker;
  readonly onClose: () => void;
}

/** Threads and processes that run an engine's guests. One that dies takes its own guests along, and is replaced when it is needed. */
export class Pool {
  readonly #parts: PoolParts;
  readonly #shared = new Set<PoolWorker>();
  readonly #single = new Set<PoolWorker>();
  #starting: Promise<PoolWorker> | undefined;
  #isClosed = false;

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
    options: PlacedOptions & InstanceListeners & { readonly cordon: Berth },
  ): Promise<Instance> {
    const { cordon, onStart, onClose, ...placed } = options;
    // At once, so that the next that asks sees how busy it is.
    const taken = cordon === "shared" ? this.#takeShared() : await this.take(cordon);
    const end = (): void => {
      onClose();
      taken.onClose();
    };
    try {
      return await taken.worker.instantiate(module, placed, { onStart, onClose: end });
    } catch (error) {
      end();
      throw error;
    }
  }

  /** A worker for one instance. @throws ENGINE_UNSUPPORTED where it takes a newer Node.js and there is none */
  async take(berth: Berth): Promise<TakenWorker> {
    if (berth === "shared") return this.#takeShared();
    if (berth === "newer-node") return { worker: await this.#newerNode(), onClose: () => {} };
    const habitat = berth === "thread" ? this.#parts.startThread() : await this.#parts.startProcess();
    await this.#checkOpen(habitat);
    const worker = new PoolWorker(habitat, { isSingle: true, onGone: (gone) => this.#single.delete(gone) });
    this.#single.add(worker);
    const onClose = (): void => {
      this.#single.delete(worker);
      // Its guest is closed: nobody waits for the rest.
      void worker.end();
    };
    return { worker, onClose };
  }

  /** Starts the first of the threads that instances share: the first instance finds it, in the making or made. */
  warm(): void {
    if (!this.#isClosed && this.#shared.size === 0) this.#startShared();
  }

  /** Ends all workers with what runs there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#starting?.catch(() => {});
    await Promise.all([...this.#shared, ...this.#single].map((worker) => worker.end()));
  }

  /** Ends what was started while the pool was closed. @throws ENGINE_CLOSED */
  async #checkOpen(habitat: Habitat): Promise<void> {
    if (!this.#isClosed) return;
    await habitat.end();
    throw new SampanError("ENGINE_CLOSED", "Cannot use the engine: it is closed");
  }

  /** One process for all, because what goes there asked for no cordon. */
  #newerNode(): Promise<PoolWorker> {
    this.#starting ??= this.#parts.startProcess().then(
      async (habitat) => {
        await this.#checkOpen(habitat);
        const worker = new PoolWorker(habitat, {
          isSingle: false,
          onGone: (gone) => {
            this.#single.delete(gone);
            this.#starting = undefined;
          },
        });
        this.#single.add(worker);
        return worker;
      },
      (error: unknown) => {
        this.#starting = undefined;
        throw error;
      },
    );
    return this.#starting;
  }

  #takeShared(): TakenWorker {
    return { worker: this.#leastLoaded(), onClose: () => {} };
  }

  #leastLoaded(): PoolWorker {
    let least: PoolWorker | undefined;
    for (const worker of this.#shared) if (least === undefined || worker.load < least.load) least = worker;
    const hasRoom = this.#shared.size < this.#parts.sharedThreads;
    return least !== undefined && (least.load === 0 || !hasRoom) ? least : this.#startShared();
  }

  #startShared(): PoolWorker {
    const worker = new PoolWorker(this.#parts.startThread(), {
      isSingle: false,
      onGone: (gone) => this.#shared.delete(gone),
    });
    this.#shared.add(worker);
    return worker;
  }
}
