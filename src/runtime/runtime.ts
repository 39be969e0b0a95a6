import { join } from "node:path";
import { nearest, SampanError } from "../base/index.ts";
import { type Clock, Stamps, systemClock } from "./clock.ts";
import type { ContainerConfig, ContainerRecord, ContainerState, ResolvedConfig } from "./container-record.ts";
import { Container } from "./container.ts";
import { type EventLimits, Events, type ReceivedEvent, type SubscribeOptions } from "./events.ts";
import { ContainerLog, type LogLimits } from "./log/container-log.ts";
import { FolderStore } from "./log/folder-store.ts";
import type { LogStore } from "./log/log-store.ts";
import { MemoryStore } from "./log/memory-store.ts";
import { generateName, isName } from "./names.ts";
import type { Runner } from "./process.ts";
import { startsWithEngine } from "./restart.ts";
import { parseSignal } from "./signals.ts";
import type { Named, Surroundings } from "./surroundings.ts";

/** What a runtime is made with. */
export interface RuntimeOptions {
  /** Who starts workloads, by their kind. */
  readonly runners: Readonly<Record<string, Runner>>;
  readonly clock?: Clock;
  /** Fills bytes with chance, for ids and names. */
  readonly random?: (into: Uint8Array<ArrayBuffer>) => void;
  /** Where logs are kept, in a folder for each container; in memory where it is left out. */
  readonly logFolder?: string | undefined;
  /** What a container's log may hold: 10 MiB × 3 in a folder, 512 KiB × 2 in memory by default. */
  readonly log?: Partial<LogLimits>;
  /** When a workload's write is answered: `queued` where it is left out (`LogOptions` of log/container-log.ts). */
  readonly acknowledges?: "queued" | "stored";
  readonly events?: EventLimits;
}

const inFolder: LogLimits = { maxSize: 10 * 1024 ** 2, maxFile: 3 };
const inMemory: LogLimits = { maxSize: 512 * 1024, maxFile: 2 };
const defaultStopTimeout = 10_000;

const freshState: ContainerState = {
  status: "created",
  exitCode: 0,
  restartCount: 0,
  restartDelay: 0,
  manuallyStopped: false,
};

/** The containers of one process: their names and ids, their events, and their common end. */
export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #clock: Clock;
  readonly #stamps: Stamps;
  readonly #events: Events;
  readonly #containers = new Map<string, Container>();
  /** Ids by name; a name is taken before its container is made, so that two creations cannot both have it. */
  readonly #names = new Map<string, string>();
  readonly #surroundings: Surroundings;
  #isClosing = false;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#stamps = new Stamps(this.#clock);
    this.#events = new Events(this.#clock, options.events);
    this.#surroundings = {
      clock: this.#clock,
      stamps: this.#stamps,
      events: this.#events,
      runnerOf: (kind) => this.#runnerOf(kind),
      isClosing: () => this.#isClosing,
      claimName: (name, owner) => this.#rename(owner, name),
      forget: (container) => this.#forget(container),
    };
  }

  /**
   * Makes a container that does not run yet.
   *
   * @throws CONTAINER_INVALID, CONTAINER_NAME_USED, SIGNAL_UNKNOWN, SIGNAL_REFUSED, LOG_UNWRITABLE, RUNTIME_CLOSED
   */
  async create(config: ContainerConfig): Promise<Container> {
    this.#checkOpen("create a container");
    const resolved = this.#resolve(config);
    this.#runnerOf(config.workload.kind);
    const id = this.#newId();
    const name =
      config.name ??
      generateName(
        (below) => this.#pick(below),
        (each) => !this.#names.has(each),
      );
    this.#claim(name, id);
    const createdAt = this.#stamps.next();
    const container = await this.#add({ id, name, createdAt, config: resolved, state: freshState });
    const { labels, workload } = resolved;
    const image = workload.image === undefined ? {} : { image: workload.image };
    this.#events.emit({ action: "create", id, name, attributes: { ...labels, ...image } });
    return container;
  }

  /**
   * Makes a container of what an earlier engine kept of it. One that ran then has ended with that engine (exit code 255, as
   * Docker says it); {@link resume} starts those that their policy wants to run.
   *
   * @throws CONTAINER_INVALID, CONTAINER_NAME_USED, LOG_UNWRITABLE, RUNTIME_CLOSED
   */
  async restore(record: ContainerRecord): Promise<Container> {
    this.#checkOpen("restore a container");
    if (this.#containers.has(record.id)) {
      throw new SampanError("CONTAINER_INVALID", `Cannot restore "${record.name}": a container has its id already`);
    }
    this.#claim(record.name, record.id);
    const { status } = record.state;
    const isCut = status === "running" || status === "restarting";
    const end = status === "running" ? { exitCode: 255, finishedAt: this.#stamps.next() } : {};
    const state: ContainerState = isCut ? { ...record.state, ...end, status: "exited" } : record.state;
    return this.#add({ ...record, state });
  }

  /** Starts the restored containers that their policy wants to run, and answers which could not be. */
  async resume(): Promise<readonly { readonly container: Container; readonly error: unknown }[]> {
    const due = this.list().filter((container) => {
      const { config, state } = container.record();
      return state.status === "exited" && startsWithEngine(config.restart, state);
    });
    const results = await Promise.allSettled(due.map((container) => container.start()));
    return results.flatMap((result, index) => {
      const container = due[index];
      if (container === undefined || result.status === "fulfilled") return [];
      return [{ container, error: result.reason as unknown }];
    });
  }

  /**
   * The container of a name, an id or the beginning of an id, in this order.
   *
   * @throws CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS
   */
  find(nameOrId: string): Container {
    const exact = this.#containers.get(this.#names.get(nameOrId) ?? nameOrId);
    if (exact !== undefined) return exact;
    const isPrefix = /^[0-9a-f]{1,64}$/.test(nameOrId);
    const found = isPrefix ? this.list().filter(({ id }) => id.startsWith(nameOrId)) : [];
    const [first, second] = found;
    if (first !== undefined && second === undefined) return first;
    if (first !== undefined) {
      const names = found
        .slice(0, 5)
        .map(({ id, name }) => `${id.slice(0, Math.max(12, nameOrId.length + 1))} (${name})`);
      throw new SampanError(
        "CONTAINER_AMBIGUOUS",
        `Cannot tell which container "${nameOrId}" is: ${found.length} ids begin so`,
        {
          hint: `write more of the id, or a name: ${names.join(", ")}`,
        },
      );
    }
    const near = nearest(nameOrId, this.#names.keys());
    throw new SampanError("CONTAINER_NOT_FOUND", `Cannot find the container "${nameOrId}"`, {
      hint: near === undefined ? "see which there are with sampan ps -a" : `there is one called "${near}"`,
    });
  }

  /** All containers, in the order in which they were made. */
  list(): Container[] {
    return [...this.#containers.values()];
  }

  /** What happens to containers from now on, or since a time that the replay still covers. @throws TIME_INVALID */
  events(options: SubscribeOptions = {}): AsyncIterableIterator<ReceivedEvent, undefined> {
    return this.#events.subscribe(options);
  }

  /**
   * Stops all containers within a grace period in ms (each its own by default) and ends the streams of events. Containers
   * are not removed, and do not count as stopped by somebody.
   *
   * @throws CONTAINER_STUCK once the others have ended
   */
  async close({ timeout }: { timeout?: number } = {}): Promise<void> {
    this.#isClosing = true;
    const results = await Promise.allSettled(this.list().map((container) => container.shutDown({ timeout })));
    this.#events.close();
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason as Error;
  }

  async #add(record: ContainerRecord): Promise<Container> {
    try {
      const store = this.#storeOf(record.id);
      const log = await ContainerLog.open(store, {
        limits: record.config.log,
        clock: this.#clock,
        stamps: this.#stamps,
        acknowledges: this.#options.acknowledges,
      });
      log.setLive(record.state.status === "created");
      const container = new Container(record, log, this.#surroundings);
      this.#containers.set(record.id, container);
      return container;
    } catch (error) {
      this.#names.delete(record.name);
      throw error;
    }
  }

  #storeOf(id: string): LogStore {
    const { logFolder } = this.#options;
    return logFolder === undefined ? new MemoryStore() : new FolderStore(join(logFolder, id));
  }

  #resolve({ workload, restart, stopSignal, stopTimeout, autoRemove, labels, log }: ContainerConfig): ResolvedConfig {
    const policy = restart ?? { name: "no" };
    if (autoRemove === true && policy.name !== "no") {
      throw new SampanError(
        "CONTAINER_INVALID",
        `Cannot remove a container when it ends and restart it by "${policy.name}" as well`,
        { hint: "leave out either --rm or --restart" },
      );
    }
    const limits = this.#options.logFolder === undefined ? inMemory : inFolder;
    return {
      workload,
      restart: policy,
      stopSignal: parseSignal(stopSignal ?? "SIGTERM"),
      stopTimeout: stopTimeout ?? defaultStopTimeout,
      autoRemove: autoRemove ?? false,
      labels: labels ?? {},
      log: { ...limits, ...this.#options.log, ...log },
    };
  }

  #runnerOf(kind: string): Runner {
    const { runners } = this.#options;
    const runner = Object.hasOwn(runners, kind) ? runners[kind] : undefined;
    if (runner !== undefined) return runner;
    const kinds = Object.keys(runners);
    const near = nearest(kind, kinds);
    throw new SampanError("CONTAINER_INVALID", `Cannot run a workload of the kind "${kind}": nobody here runs those`, {
      hint: near === undefined ? `kinds are ${kinds.join(", ")}` : `the kind is called "${near}"`,
    });
  }

  #checkOpen(what: string): void {
    if (this.#isClosing) throw new SampanError("RUNTIME_CLOSED", `Cannot ${what}: the engine is shutting down`);
  }

  #claim(name: string, id: string): void {
    if (!isName(name)) {
      throw new SampanError(
        "CONTAINER_INVALID",
        `Cannot name a container "${name}": wanted a letter or digit, then letters, digits, "_", "." and "-"`,
      );
    }
    const other = this.#names.get(name);
    if (other !== undefined) {
      throw new SampanError(
        "CONTAINER_NAME_USED",
        `Cannot name a container "${name}": ${other.slice(0, 12)} has that name`,
        {
          hint: `take another name, or remove that one with sampan rm ${name}`,
        },
      );
    }
    this.#names.set(name, id);
  }

  #rename(container: Named, name: string): void {
    this.#claim(name, container.id);
    this.#names.delete(container.name);
  }

  #forget(container: Named): void {
    this.#containers.delete(container.id);
    this.#names.delete(container.name);
  }

  /** An id that is no number: Docker's are not either, so that nobody takes the beginning of one for a process id. */
  #newId(): string {
    const bytes = new Uint8Array(32);
    for (;;) {
      this.#fill(bytes);
      const id = Buffer.from(bytes).toString("hex");
      if (!this.#containers.has(id) && !/^\d{12}/.test(id)) return id;
    }
  }

  #pick(below: number): number {
    const bytes = new Uint8Array(6);
    this.#fill(bytes);
    return Buffer.from(bytes).readUIntBE(0, 6) % below;
  }

  #fill(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#options.random === undefined) crypto.getRandomValues(bytes);
    else this.#options.random(bytes);
  }
}
