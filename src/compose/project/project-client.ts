import { SampanError } from "../../base/index.ts";
import {
  ApiClient,
  type Holder,
  isRunning,
  liveHolder,
  type Places,
  projectPlaces,
  type ReceivedEvent,
} from "../../runtime/index.ts";
import type { DownRequest, OperationLine, RestartRequest, StopRequest, UpRequest } from "./holder-api.ts";
import { ProjectFiles } from "./project-files.ts";
import { type ProjectLogEntry, type ProjectLogOptions, savedLogs } from "./project-logs.ts";
import { type ContainerRow, rowOf } from "./project-rows.ts";
import type { Tell } from "./steps.ts";

/** How long one that holds a project and does not answer is waited for, in ms. */
const patience = 5000;

/** What an operation takes, by its name. */
export interface Operations {
  readonly up: UpRequest;
  readonly stop: StopRequest;
  readonly restart: RestartRequest;
  readonly down: DownRequest;
}

/** How a holder goes on behind an operation. */
export interface OperationEnd {
  readonly pid: number;
  /** Whether its process ends now. */
  readonly ends: boolean;
}

/** A project as other processes see it: through whoever holds it, or from disk. */
export class ProjectClient {
  readonly #name: string;
  readonly #places: Places;

  constructor(places: Places, name: string) {
    this.#places = places;
    this.#name = name;
  }

  /** What is kept on disk. */
  get files(): ProjectFiles {
    return new ProjectFiles(this.#places, projectPlaces(this.#places, this.#name));
  }

  /** Who holds it now. */
  holder(): Holder | undefined {
    return liveHolder(projectPlaces(this.#places, this.#name).state);
  }

  /** The client of whoever holds it now. */
  api(): ApiClient | undefined {
    const socket = this.holder()?.socket;
    return socket === undefined ? undefined : new ApiClient(socket);
  }

  /** The client of whoever holds it and answers; undefined where nobody does. @throws API_UNREACHABLE */
  async reach(): Promise<ApiClient | undefined> {
    return this.#ask(async (api) => {
      await api.call({ path: "/version" });
      return api;
    });
  }

  /** Its containers. @throws API_UNREACHABLE */
  async rows(): Promise<readonly ContainerRow[]> {
    const live = await this.#ask((api) => api.call({ path: this.#path("") }));
    if (live !== undefined) return live as readonly ContainerRow[];
    return this.files
      .readContainers()
      .map(({ record, health }) => rowOf(record, { health, isLive: false }))
      .toSorted((a, b) => a.service.localeCompare(b.service) || a.number - b.number);
  }

  /** Its logs. @throws PROJECT_SERVICE_UNKNOWN, TIME_INVALID, API_UNREACHABLE */
  async *logs(options: ProjectLogOptions): AsyncGenerator<ProjectLogEntry, undefined> {
    const opened = await this.#ask(async (api) => {
      const source = this.#liveLogs(api, options);
      return { source, first: await source.next() };
    });
    if (opened === undefined) return yield* savedLogs(this.files, options);
    const { source, first } = opened;
    try {
      if (first.done !== true) yield first.value;
      return yield* source;
    } finally {
      await source.return(undefined);
    }
  }

  #liveLogs(api: ApiClient, options: ProjectLogOptions): AsyncGenerator<ProjectLogEntry, undefined> {
    const { services = [], follow, tail, since, until, signal } = options;
    const query = new URLSearchParams(services.map((service) => ["service", service]));
    if (follow === true) query.set("follow", "1");
    if (tail !== undefined) query.set("tail", String(tail));
    if (since !== undefined) query.set("since", String(since));
    if (until !== undefined) query.set("until", String(until));
    return api.stream({ path: `${this.#path("/logs")}?${query.toString()}`, signal });
  }

  /** What happens to its containers from now on; undefined where nobody holds it. */
  events(signal: AbortSignal): AsyncGenerator<ReceivedEvent, undefined> | undefined {
    return this.api()?.stream({ path: this.#path("/events"), signal });
  }

  /** Has something done by a holder. @throws what the operation throws, API_UNREACHABLE */
  async operate<Name extends keyof Operations>(
    api: ApiClient,
    name: Name,
    { body, tell }: { readonly body: Operations[Name]; readonly tell: Tell },
  ): Promise<OperationEnd> {
    let end: OperationEnd = { pid: 0, ends: false };
    for await (const line of api.stream<OperationLine>({ method: "POST", path: this.#path(`/${name}`), body })) {
      if ("step" in line) tell(line.step);
      else end = line;
    }
    return end;
  }

  /** Waits until a process that ends is gone, and its hold with it; no longer than some seconds. */
  async gone({ pid, ends }: OperationEnd): Promise<void> {
    const deadline = Date.now() + patience;
    while (ends && isRunning(pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Asks whoever holds it; one that is just ending is waited for, until nobody does. */
  async #ask<T>(ask: (api: ApiClient) => Promise<T>): Promise<T | undefined> {
    const deadline = Date.now() + patience;
    for (;;) {
      const api = this.api();
      if (api === undefined) return undefined;
      try {
        return await ask(api);
      } catch (error) {
        const isGone = error instanceof SampanError && ["API_UNREACHABLE", "API_UNKNOWN"].includes(error.code);
        if (!isGone || Date.now() > deadline) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  #path(rest: string): string {
    return `/projects/${encodeURIComponent(this.#name)}${rest}`;
  }
}
