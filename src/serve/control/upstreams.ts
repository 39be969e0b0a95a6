import { rmSync } from "node:fs";
import { SampanError } from "../../base/index.ts";
import type { ServedWorkload, WorkerConfig } from "../protocol.ts";
import type { ListenerGuests } from "./listener-guest.ts";
import type { PlannedWorkload } from "./plan.ts";
import type { ServePlace } from "./place.ts";
import { type Elsewhere, WorkerSlot, type WorkerSlotOptions } from "./worker-slot.ts";
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

type CommonConfig = Omit<WorkerConfig, "listen" | "tls" | "routes" | "workloads">;

/** What runs now. */
interface Running {
  readonly slot?: WorkerSlot;
  /** Hands what holds for all on to a worker that runs. */
  readonly change?: (common: CommonConfig) => Promise<void>;
  readonly drain: (ms: number) => Promise<void>;
}

/** A workload that has its place, whether it runs or not. */
interface Upstream {
  readonly planned: PlannedWorkload;
  /** Its socket, once it ran; the same each time. */
  path: string;
  /** The folder that a guest's sockets are in. */
  readonly folder: string | undefined;
  running: Running | undefined;
  /** The workers that have requests for it, or had some a while ago. */
  readonly users: Set<object>;
  /** Starts and ends come one after the other. */
  turn: Promise<unknown>;
}

/**
 * Workloads with a thread or a process of their own, and guests that take connections themselves: each a Unix socket. They go to
 * zero when no worker of the front has used them for a while, and come back when one asks.
 */
export class Upstreams implements Elsewhere {
  readonly #options: UpstreamsOptions;
  readonly #known = new Map<string, Upstream>();
  #common: CommonConfig | undefined;

  constructor(options: UpstreamsOptions) {
    this.#options = options;
  }

  /** The workers among them, for their reports. */
  get slots(): WorkerSlot[] {
    return [...this.#known.values()].flatMap(({ running }) => running?.slot ?? []);
  }

  /** The sockets of these workloads by their ids; those that are new are started, or none of them is. */
  async start(workloads: readonly PlannedWorkload[], common: CommonConfig): Promise<ReadonlyMap<string, string>> {
    this.#common = common;
    const wanted = workloads.filter(({ served }) => served.kind === "listener" || served.cordon !== "shared");
    const added = wanted.filter(({ served }) => !this.#known.has(served.id)).map((each) => this.#make(each));
    const started = await Promise.allSettled(added.map((each) => this.#begin(each)));
    const failed = started.find((each) => each.status === "rejected");
    if (failed !== undefined) {
      await Promise.all(added.map(async (each) => each.running?.drain(0)));
      throw failed.reason;
    }
    await Promise.all([...this.#known.values()].map(async ({ running }) => running?.change?.(common)));
    for (const each of added) {
      this.#known.set(each.planned.served.id, each);
      this.#endUnused(each);
    }
    return new Map(wanted.map(({ served: { id } }) => [id, this.#known.get(id)?.path ?? ""]));
  }

  /** Ends those that are not among these ids, once they have answered what they have, at most so many ms long. */
  async keep(ids: ReadonlySet<string>, ms: number): Promise<void> {
    const gone = [...this.#known].filter(([id]) => !ids.has(id));
    for (const [id] of gone) this.#known.delete(id);
    await Promise.all(gone.map(([, each]) => this.#end(each, ms)));
  }

  async wake(id: string, by: object): Promise<void> {
    const found = this.#known.get(id);
    if (found === undefined) throw new SampanError("RUNTIME_CLOSED", `Cannot start "${id}": it is served no more`);
    found.users.add(by);
    await this.#begin(found);
  }

  rest(id: string, by: object): void {
    const found = this.#known.get(id);
    if (found?.users.delete(by) === true && found.users.size === 0) this.#toZero(found);
  }

  gone(by: object): void {
    for (const id of this.#known.keys()) this.rest(id, by);
  }

  #make(planned: PlannedWorkload): Upstream {
    const { place } = this.#options;
    const isGuest = planned.served.kind === "listener";
    return {
      planned,
      path: isGuest ? "" : place.socket(),
      folder: isGuest ? place.folder() : undefined,
      running: undefined,
      users: new Set(),
      turn: Promise.resolve(),
    };
  }

  /** Where nobody asks for what was started, nobody will say that it rests. */
  #endUnused(upstream: Upstream): void {
    const { idle } = upstream.planned.served;
    if (idle === 0) return;
    this.#options.clock.setTimer(idle, () => {
      if (upstream.users.size === 0) this.#toZero(upstream);
    });
  }

  #toZero(upstream: Upstream): void {
    // A guest whose owner said nothing of it may have more to do than to answer.
    if (upstream.planned.served.idle > 0) void this.#end(upstream, restDrain, () => upstream.users.size === 0);
  }

  #begin(upstream: Upstream): Promise<void> {
    return inTurn(upstream, async () => {
      const common = this.#common;
      if (common !== undefined) upstream.running ??= await this.#startOne(upstream, common);
    });
  }

  #end(upstream: Upstream, ms: number, isMeant: () => boolean = () => true): Promise<void> {
    return inTurn(upstream, async () => {
      if (!isMeant()) return;
      const { running } = upstream;
      upstream.running = undefined;
      await running?.drain(ms);
    });
  }

  async #startOne(upstream: Upstream, common: CommonConfig): Promise<Running> {
    const { place: _place, startWorker, limits, guests, ...slot } = this.#options;
    const { config, served } = upstream.planned;
    if (upstream.folder !== undefined) {
      const guest = await (await guests()).start(config, upstream.folder);
      upstream.path = guest.path;
      return { drain: () => guest.close() };
    }
    const { path } = upstream;
    const kind = served.cordon === "process" ? "process" : "thread";
    const own = {
      listen: { host: "", port: 0, path },
      routes: [{ path: "/", workload: served.id }],
      workloads: [{ ...served, cordon: "shared" }],
      trusted: [],
      accessLog: "off",
    } as const;
    const start = (): ReturnType<StartWorker> => {
      // What one that died has left would keep the next from listening.
      rmSync(path, { force: true });
      return startWorker(kind, limits);
    };
    const worker = new WorkerSlot({ ...common, ...own }, { ...slot, name: `the ${kind} of "${config.name}"`, start });
    await worker.start();
    return {
      slot: worker,
      change: (next) => worker.configure({ ...next, ...own }),
      drain: async (ms) => {
        await worker.drain(ms);
        rmSync(path, { force: true });
      },
    };
  }
}

/** How long what goes to zero may take for requests that came in that moment, in ms. */
const restDrain = 10_000;

/** Does something when what was to be done before is done. */
function inTurn(upstream: Upstream, act: () => Promise<void>): Promise<void> {
  const done = upstream.turn.then(act);
  upstream.turn = done.catch(() => {});
  return done;
}

/** A workload as the front has it whose requests go on to a socket: who runs it there ends requests, and may start from zero first. */
export function behindSocket(served: ServedWorkload, path: string): ServedWorkload {
  const { requestDeadline, startDeadline = 0 } = served.limits;
  const isRunByUs = served.kind !== "listener" && requestDeadline !== undefined;
  const limits = isRunByUs ? { ...served.limits, requestDeadline: requestDeadline + startDeadline } : served.limits;
  return { ...served, limits, upstream: { path } };
}
