import {
  type Clock,
  type Hold,
  makePrivate,
  type Places,
  projectPlaces,
  type Runner,
  systemClock,
  takeHold,
} from "../../runtime/index.ts";
import { SampanError } from "../../base/index.ts";
import { RunningProject } from "./running-project.ts";

/** What a {@link ProjectHolder} is made with. */
export interface ProjectHolderOptions {
  readonly places: Places;
  readonly kind: "foreground" | "engine" | "command";
  /** Where it answers; the socket of each project's own folder where it is left out. */
  readonly socket?: string | undefined;
  readonly runners: Readonly<Record<string, Runner>>;
  readonly clock?: Clock | undefined;
  /** Hears when the last project is let go. */
  readonly onEmpty?: (() => void) | undefined;
}

interface Held {
  readonly running: RunningProject;
  readonly hold: Hold;
}

/** How long an engine process keeps a project of which nothing runs any more, in ms. */
const quietFor = 100;

/** The projects that this process holds. */
export class ProjectHolder {
  readonly #options: ProjectHolderOptions;
  readonly #projects = new Map<string, Promise<Held>>();
  readonly #releasing = new Map<string, Promise<void>>();
  #users = new Map<string, number>();

  constructor(options: ProjectHolderOptions) {
    this.#options = options;
  }

  /** What it is to others. */
  get kind(): ProjectHolderOptions["kind"] {
    return this.#options.kind;
  }

  /** Names of the projects that it holds. */
  get names(): readonly string[] {
    return [...this.#projects.keys()];
  }

  /** The project of a name, of which hold is taken where this process has none yet. @throws PROJECT_HELD, PLACE_UNSAFE */
  async open(name: string): Promise<RunningProject> {
    await this.#releasing.get(name);
    let held = this.#projects.get(name);
    if (held === undefined) {
      held = this.#take(name);
      this.#projects.set(name, held);
      held.catch(() => this.#projects.delete(name));
    }
    return (await held).running;
  }

  /** A project that this process has already. @throws API_UNKNOWN */
  async held(name: string): Promise<RunningProject> {
    const held = await this.#projects.get(name);
    if (held !== undefined) return held.running;
    throw new SampanError("API_UNKNOWN", `Cannot tell of the project "${name}": nobody runs it here`);
  }

  /** Does something with a project, which is let go of no sooner than that is done. @throws as {@link open} */
  async use<T>(name: string, action: (running: RunningProject) => Promise<T>): Promise<T> {
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
    try {
      return await action(await this.open(name));
    } finally {
      const left = (this.#users.get(name) ?? 1) - 1;
      if (left === 0) this.#users.delete(name);
      else this.#users.set(name, left);
      this.#releaseWhenQuiet(name);
    }
  }

  /** Stops what runs of a project and lets go of it; what is kept of it stays on disk. */
  async release(name: string, { timeout }: { readonly timeout?: number | undefined } = {}): Promise<void> {
    const held = await this.#projects.get(name);
    if (held === undefined) return;
    this.#projects.delete(name);
    const done = this.#letGo(held, timeout);
    this.#releasing.set(name, done);
    try {
      await done;
    } finally {
      this.#releasing.delete(name);
      // Somebody may just wait for this to be over.
      if (this.#projects.size === 0 && this.#users.size === 0) this.#options.onEmpty?.();
    }
  }

  /** Releases all. */
  async close({ timeout }: { readonly timeout?: number | undefined } = {}): Promise<void> {
    await Promise.all(this.names.map((name) => this.release(name, { timeout })));
  }

  async #take(name: string): Promise<Held> {
    const { places, kind, socket, runners, clock } = this.#options;
    const own = projectPlaces(places, name);
    makePrivate(places.state);
    const hold = await takeHold(
      own.state,
      { kind, socket: kind === "command" ? undefined : (socket ?? own.socket) },
      { what: `the project "${name}"`, ...(clock === undefined ? {} : { clock }) },
    );
    try {
      const running = await RunningProject.open({ name, places, runners, clock });
      running.onQuiet(() => this.#releaseWhenQuiet(name));
      return { running, hold };
    } catch (error) {
      hold.release();
      throw error;
    }
  }

  async #letGo({ running, hold }: Held, timeout: number | undefined): Promise<void> {
    try {
      await running.close(timeout === undefined ? {} : { timeout });
    } finally {
      running.files.clearRun();
      hold.release();
      running.files.prune();
    }
  }

  /** Only the engine process lets go by itself: whoever runs in a terminal ends with its project. */
  #releaseWhenQuiet(name: string): void {
    if (this.#options.kind !== "engine") return;
    const { clock = systemClock } = this.#options;
    clock.setTimer(quietFor, () => {
      if (this.#users.has(name)) return;
      void this.#projects.get(name)?.then(
        async ({ running }) => (running.isBusy ? undefined : this.release(name)),
        () => {},
      );
    });
  }
}
