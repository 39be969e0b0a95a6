import { join } from "node:path";
import { type Container, type LogEntry, type LogReadOptions, readLogFolder, stampOf } from "../../runtime/index.ts";
import type { ProjectFiles } from "./project-files.ts";
import { type RunningProject, serviceOf } from "./running-project.ts";
import { chosenServices } from "./services.ts";
import type { ServiceWorkload } from "./service-workload.ts";

/** One entry of a container's log, with whose it is. */
export interface ProjectLogEntry extends LogEntry {
  readonly container: string;
  readonly service: string;
}

/** What of the logs is read. */
export interface ProjectLogOptions extends Pick<LogReadOptions, "tail" | "since" | "until" | "follow" | "signal"> {
  /** All where none is named. */
  readonly services?: readonly string[] | undefined;
}

/**
 * The logs of a project that runs. What is there already comes in the order of time over all containers; what follows, as it
 * comes. Following ends once nothing runs any more.
 *
 * @throws PROJECT_SERVICE_UNKNOWN, TIME_INVALID
 */
export async function* projectLogs(
  running: RunningProject,
  options: ProjectLogOptions,
): AsyncGenerator<ProjectLogEntry, undefined> {
  const { follow = false, services = [], signal, ...range } = options;
  const all = running.members();
  const known = running.files.readProject()?.services.keys() ?? [];
  const names = chosenServices([...new Set([...known, ...all.map(({ data }) => data.service.name)])], services);
  const chosen = all.filter(({ data }) => names.includes(data.service.name));
  const cursors = new Map<string, string>();
  const past = chosen.map(({ container, data }) => named(container.logs({ ...range, signal }), container.name, data));
  for await (const entry of merged(past)) {
    cursors.set(entry.container, entry.time);
    yield entry;
  }
  if (!follow) return undefined;
  // Whoever wants none of the past begins now.
  const from =
    options.tail === 0 ? stampOf(running.clock.now()) : options.since === undefined ? "" : stampOf(options.since);
  for await (const item of followed(running, { names, cursors, from, until: options.until, signal })) {
    if ("text" in item) yield item;
  }
  return undefined;
}

/** The logs of a project that nobody holds, from disk. @throws PROJECT_SERVICE_UNKNOWN, TIME_INVALID */
export async function* savedLogs(
  files: ProjectFiles,
  { services = [], ...options }: Omit<ProjectLogOptions, "follow">,
): AsyncGenerator<ProjectLogEntry, undefined> {
  // Nothing is known of one that nobody brought up, and nothing was written.
  if (!files.exists) return undefined;
  const saved = files
    .readContainers()
    .map(({ record }) => ({ record, data: record.config.workload.data as ServiceWorkload }));
  const known = files.readProject()?.services.keys() ?? [];
  const names = chosenServices([...new Set([...known, ...saved.map(({ data }) => data.service.name)])], services);
  const chosen = saved.filter(({ data }) => names.includes(data.service.name));
  yield* merged(
    chosen.map(({ record, data }) => named(readLogFolder(join(files.logs, record.id), options), record.name, data)),
  );
  return undefined;
}

interface Following {
  readonly names: readonly string[];
  /** The time of the last entry that was given out, by container; what comes later follows. */
  readonly cursors?: ReadonlyMap<string, string>;
  /** That time for all others; everything follows where it is empty. */
  readonly from: string;
  readonly until?: number | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The end of a container's run, which comes behind all that it wrote. */
export interface ContainerExit {
  readonly container: string;
  readonly service: string;
  readonly exitCode: number;
}

/** What containers write from now on, those that start meanwhile among them, until none runs or the signal comes. */
export async function* followed(
  running: RunningProject,
  { names, cursors = new Map<string, string>(), from, until, signal }: Following,
): AsyncGenerator<ProjectLogEntry | ContainerExit, undefined> {
  const end = new AbortController();
  const stop = (): void => end.abort();
  signal?.addEventListener("abort", stop);
  if (signal?.aborted === true) stop();
  const queue = new Merge<ProjectLogEntry | ContainerExit>();
  /** Ends that are told once the last entry is. */
  const exits = new Map<string, ContainerExit>();
  const tellExit = (container: string): void => {
    const exit = exits.get(container);
    exits.delete(container);
    if (exit !== undefined) queue.put(exit);
  };
  const last = new Map(cursors);
  const reading = new Set<string>();
  const finishWhereQuiet = (): void => {
    if (!running.isBusy && reading.size === 0) queue.finish();
  };
  const read = (container: Container): void => {
    const data = container.record().config.workload.data as ServiceWorkload;
    if (reading.has(container.name) || !names.includes(data.service.name)) return;
    reading.add(container.name);
    const after = last.get(container.name) ?? from;
    const source = container.logs({
      follow: true,
      since: after === "" ? undefined : after,
      until,
      signal: end.signal,
    });
    void queue.drain(named(source, container.name, data), {
      wants: ({ time }) => time > after,
      onEntry: ({ time }) => last.set(container.name, time),
      onEnd: () => {
        reading.delete(container.name);
        tellExit(container.name);
        const { status } = container.inspect().state;
        if (!end.signal.aborted && (status === "running" || status === "restarting")) read(container);
        else finishWhereQuiet();
      },
    });
  };
  const watch = async (): Promise<void> => {
    for await (const { id, action } of running.runtime.events({ signal: end.signal })) {
      const container = running.runtime.list().find((each) => each.id === id);
      if (container === undefined) continue;
      if (action === "start") read(container);
      if (action !== "die") continue;
      const service = serviceOf(container);
      if (!names.includes(service)) continue;
      exits.set(container.name, { container: container.name, service, exitCode: container.inspect().state.exitCode });
      if (!reading.has(container.name) || container.inspect().state.status === "restarting") tellExit(container.name);
    }
    queue.finish();
  };
  const watching = watch();
  const unlisten = running.onQuiet(finishWhereQuiet);
  for (const { container } of running.members()) {
    const { status } = container.inspect().state;
    if (status === "running" || status === "restarting") read(container);
  }
  finishWhereQuiet();
  try {
    yield* queue.entries();
  } finally {
    signal?.removeEventListener("abort", stop);
    unlisten();
    end.abort();
    await watching;
  }
  return undefined;
}

async function* named(
  source: AsyncGenerator<LogEntry, undefined>,
  container: string,
  { service }: ServiceWorkload,
): AsyncGenerator<ProjectLogEntry, undefined> {
  for await (const entry of source) yield { ...entry, container, service: service.name };
  return undefined;
}

/** Entries of several logs in the order of their times. */
async function* merged(
  sources: readonly AsyncGenerator<ProjectLogEntry, undefined>[],
): AsyncGenerator<ProjectLogEntry, undefined> {
  const heads = await Promise.all(sources.map(async (source) => ({ source, next: await source.next() })));
  for (;;) {
    let first: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.next.done === true) continue;
      if (first?.next.value === undefined || head.next.value.time < first.next.value.time) first = head;
    }
    if (first?.next.value === undefined) return undefined;
    yield first.next.value;
    first.next = await first.source.next();
  }
}

/** Joins sources as their entries come. A source is asked for its next entry once the one before was taken. */
class Merge<T> {
  readonly #waiting: { readonly entry: T; readonly taken: () => void }[] = [];
  #wake: () => void = () => {};
  #isFinished = false;

  async drain<Entry extends T>(
    source: AsyncIterable<Entry>,
    {
      wants,
      onEntry,
      onEnd,
    }: {
      readonly wants: (entry: Entry) => boolean;
      readonly onEntry: (entry: Entry) => void;
      readonly onEnd: () => void;
    },
  ): Promise<void> {
    try {
      for await (const entry of source) {
        if (!wants(entry)) continue;
        await new Promise<void>((taken) => {
          this.#waiting.push({ entry, taken });
          this.#wake();
        });
        onEntry(entry);
      }
    } catch {
      // A container that is removed meanwhile has no more to say.
    }
    onEnd();
  }

  /** Puts in something of one's own. */
  put(entry: T): void {
    this.#waiting.push({ entry, taken: () => {} });
    this.#wake();
  }

  finish(): void {
    this.#isFinished = true;
    this.#wake();
  }

  async *entries(): AsyncGenerator<T, undefined> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) {
          next.taken();
          yield next.entry;
        } else if (this.#isFinished) {
          return undefined;
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.#isFinished = true;
      for (const { taken } of this.#waiting.splice(0)) taken();
    }
  }
}
