import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Clock,
  type Container,
  type ContainerConfig,
  makePrivate,
  type Places,
  type ProjectPlaces,
  projectPlaces,
  type Runner,
  Runtime,
  systemClock,
} from "../../runtime/index.ts";
import { HealthBoard } from "./health-board.ts";
import { ProjectFiles } from "./project-files.ts";
import { hostsOf, ServiceRunner } from "./service-runner.ts";
import { labels, type ServiceWorkload } from "./service-workload.ts";

/** What a project is opened with. */
export interface RunningProjectOptions {
  readonly name: string;
  readonly places: Places;
  /** Who runs what a service's image is, by its kind: `wasm` and `stand-in`. */
  readonly runners: Readonly<Record<string, Runner>>;
  readonly clock?: Clock | undefined;
}

/** One container of a project, with what its workload says. */
export interface Member {
  readonly container: Container;
  readonly data: ServiceWorkload;
}

/**
 * A project in the process that holds it: its containers, what is kept of them on disk, and the events that change that. Only
 * the holder has one.
 */
export class RunningProject {
  readonly name: string;
  readonly places: ProjectPlaces;
  readonly files: ProjectFiles;
  readonly health: HealthBoard;
  readonly runtime: Runtime;
  readonly clock: Clock;
  /** Containers that were removed to be made anew. */
  readonly recreating = new Set<string>();
  /** The operation that goes on, and what gives it up. */
  #operation: { readonly done: Promise<unknown>; readonly abort: AbortController } | undefined;
  readonly #quietListeners = new Set<() => void>();
  #saving: Promise<void> = Promise.resolve();

  private constructor({ name, places, runners, clock = systemClock }: RunningProjectOptions) {
    this.name = name;
    this.clock = clock;
    this.places = projectPlaces(places, name);
    this.files = new ProjectFiles(places, this.places);
    this.health = new HealthBoard(clock);
    const around = { places: this.places, hosts: () => this.#hosts(), health: this.health };
    this.runtime = new Runtime({
      clock,
      logFolder: this.files.logs,
      acknowledges: "stored",
      random: fill,
      runners: Object.fromEntries(
        Object.entries(runners).map(([kind, inner]) => [kind, new ServiceRunner({ ...around, inner })]),
      ),
    });
  }

  /** Opens it with the containers that an earlier holder left, none of which runs any more. @throws PLACE_UNSAFE */
  static async open(options: RunningProjectOptions): Promise<RunningProject> {
    const project = new RunningProject(options);
    const { state, run, nets, net } = project.places;
    for (const folder of [options.places.run, state, run, nets, net]) makePrivate(folder);
    for (const { record } of project.files.readContainers()) {
      const { config } = record;
      // What only names the runner may have been kept by an earlier version.
      await project.runtime.restore({ ...record, config });
    }
    project.writeHosts();
    project.#saving = project.#save();
    project.health.listen((name) => project.#write(name));
    return project;
  }

  /** The containers, in the order of services' names and numbers. */
  members(): readonly Member[] {
    return this.runtime
      .list()
      .map((container) => ({ container, data: container.record().config.workload.data as ServiceWorkload }))
      .toSorted((a, b) => a.data.service.name.localeCompare(b.data.service.name) || a.data.number - b.data.number);
  }

  /** Whether a container runs or is about to. */
  get isBusy(): boolean {
    return (
      this.#operation !== undefined ||
      this.runtime.list().some((container) => {
        const { status } = container.inspect().state;
        return status === "running" || status === "restarting";
      })
    );
  }

  /** Makes a container, which is on disk when this answers. */
  async create(config: ContainerConfig): Promise<Container> {
    const container = await this.runtime.create(config);
    this.#write(container.name);
    return container;
  }

  /** Removes a container with what is kept of it. */
  async remove(container: Container): Promise<void> {
    await container.delete({ force: true });
    this.files.removeContainer(container.id);
  }

  /** Writes the table of names that guests which run already look new neighbours up in. */
  writeHosts(): void {
    const path = join(this.places.net, "hosts.json");
    mkdirSync(this.places.net, { recursive: true, mode: 0o700 });
    writeFileSync(`${path}.new`, JSON.stringify(this.#hosts()), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /**
   * Does one operation at a time. One that comes while another goes on waits for it, or gives it up where that is what it is
   * for: a stop need not wait for a service that never gets healthy.
   */
  async operate<T>(
    { interrupts }: { readonly interrupts: boolean },
    action: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    while (this.#operation !== undefined) {
      const { done, abort } = this.#operation;
      if (interrupts) abort.abort();
      await done.catch(() => {});
    }
    const abort = new AbortController();
    const done = action(abort.signal);
    const operation = { done, abort };
    this.#operation = operation;
    try {
      return await done;
    } finally {
      this.#operation = undefined;
      this.#tellQuiet();
    }
  }

  /** Hears whenever nothing goes on any more and nothing runs, until the answer is called. */
  onQuiet(listener: () => void): () => void {
    this.#quietListeners.add(listener);
    return () => this.#quietListeners.delete(listener);
  }

  /** Gives up the operation that goes on. */
  interrupt(): void {
    this.#operation?.abort.abort();
  }

  /** Ends all containers because the holder ends; they stay, and nobody counts as having stopped them. */
  async close({ timeout }: { readonly timeout?: number } = {}): Promise<void> {
    this.interrupt();
    await this.runtime.close(timeout === undefined ? {} : { timeout });
    await this.#saving;
  }

  #hosts(): ReturnType<typeof hostsOf> {
    return this.members().flatMap(({ data }) => hostsOf(data));
  }

  /** Keeps on disk what each event changed. */
  async #save(): Promise<void> {
    for await (const { id, action } of this.runtime.events()) {
      if (action === "destroy") continue;
      const container = this.runtime.list().find((each) => each.id === id);
      if (container !== undefined) this.#write(container.name);
      if (action === "die") this.#tellQuiet();
    }
  }

  #tellQuiet(): void {
    if (this.isBusy) return;
    for (const listener of this.#quietListeners) listener();
  }

  #write(name: string): void {
    const container = this.runtime.list().find((each) => each.name === name);
    if (container === undefined) return;
    try {
      this.files.writeContainer({ record: container.record(), health: this.health.of(name) });
    } catch {
      // A full disk ends no service: what runs is known here, and the next change is written again.
    }
  }
}

/** Chance for ids, on which no secret rests: loading the cryptographic one takes a tenth of a start. */
function fill(into: Uint8Array): void {
  for (let at = 0; at < into.length; at++) into[at] = Math.floor(Math.random() * 256);
}

/** The service that a container belongs to, by its label. */
export function serviceOf(container: Container): string {
  return container.record().config.labels[labels.service] ?? "";
}
