import { rmSync } from "node:fs";
import type { WorkerConfig } from "../protocol.ts";
import type { ListenerGuests } from "./listener-guest.ts";
import type { PlannedWorkload } from "./plan.ts";
import type { ServePlace } from "./place.ts";
import { WorkerSlot, type WorkerSlotOptions } from "./worker-slot.ts";
import type { StartWorker, WorkerLimits } from "./worker-handle.ts";

/** What workloads that do not run in the front's workers are started with. */
export interface UpstreamsOptions extends Pick<
  WorkerSlotOptions,
  "clock" | "onDeath" | "onLines" | "tell" | "onRetired"
> {
  readonly place: ServePlace;
  readonly startWorker: StartWorker;
  readonly limits: WorkerLimits;
  /** Made when the first guest that takes connections itself is started. */
  readonly guests: () => Promise<ListenerGuests>;
}

interface Upstream {
  readonly path: string;
  readonly slot?: WorkerSlot;
  readonly drain: (ms: number) => Promise<void>;
}

/** Workloads with a thread or a process of their own, and guests that take connections themselves: each a Unix socket. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #running = new Map<string, Upstream>();

  constructor(options: UpstreamsOptions) {
    this.#options = options;
  }

  /** The workers among them, for their reports. */
  get slots(): WorkerSlot[] {
    return [...this.#running.values()].flatMap(({ slot }) => slot ?? []);
  }

  /** The sockets of these workloads by their ids; those that do not run are started, or none of them is. */
  async start(
    workloads: readonly PlannedWorkload[],
    common: Omit<WorkerConfig, "listen" | "tls" | "routes" | "workloads">,
  ): Promise<ReadonlyMap<string, string>> {
    const wanted = workloads.filter(({ served }) => served.kind === "listener" || served.cordon !== "shared");
    const missing = wanted.filter(({ served }) => !this.#running.has(served.id));
    const started = await Promise.allSettled(
      missing.map(async (each) => [each.served.id, await this.#startOne(each, common)] as const),
    );
    const failed = started.find((each) => each.status === "rejected");
    const done = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    if (failed !== undefined) {
      await Promise.all(done.map(([, upstream]) => upstream.drain(0)));
      throw failed.reason;
    }
    for (const [id, upstream] of done) this.#running.set(id, upstream);
    return new Map(wanted.map(({ served: { id } }) => [id, this.#running.get(id)?.path ?? ""]));
  }

  /** Ends those that are not among these ids, once they have answered what they have, at most so many ms long. */
  async keep(ids: ReadonlySet<string>, ms: number): Promise<void> {
    const gone = [...this.#running].filter(([id]) => !ids.has(id));
    for (const [id] of gone) this.#running.delete(id);
    await Promise.all(gone.map(([, upstream]) => upstream.drain(ms)));
  }

  async #startOne(
    planned: PlannedWorkload,
    common: Omit<WorkerConfig, "listen" | "tls" | "routes" | "workloads">,
  ): Promise<Upstream> {
    const { place, startWorker, limits, guests, ...slot } = this.#options;
    const { config, served } = planned;
    if (served.kind === "listener") {
      const guest = await (await guests()).start(config, place.folder());
      return { path: guest.path, drain: () => guest.close() };
    }
    const path = place.socket();
    const kind = served.cordon === "process" ? "process" : "thread";
    const own: WorkerConfig = {
      ...common,
      listen: { host: "", port: 0, path },
      routes: [{ path: "/", workload: served.id }],
      workloads: [{ ...served, cordon: "shared" }],
      trusted: [],
      accessLog: "off",
    };
    const start = (): ReturnType<StartWorker> => {
      // What one that died has left would keep the next from listening.
      rmSync(path, { force: true });
      return startWorker(kind, limits);
    };
    const worker = new WorkerSlot(own, { ...slot, name: `the ${kind} of "${config.name}"`, start });
    await worker.start();
    return {
      path,
      slot: worker,
      drain: async (ms) => {
        await worker.drain(ms);
        rmSync(path, { force: true });
      },
    };
  }
}
