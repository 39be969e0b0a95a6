import { promises } from "node:fs";
import {
  type Engine,
  type FreshComponent,
  type FreshComponentOptions,
  grantsOf,
  type InstanceLimits,
  type InstanceUsage,
} from "../../engine/index.ts";
import type { ServedWorkload, WorkloadLimits } from "../protocol.ts";
import { type RefusalListeners, Refusals } from "./refusals.ts";
import type { Runner } from "./runner.ts";
import type { ServedRequest } from "./served-request.ts";

/** Streams that guests write to. */
export type GuestStdio = NonNullable<FreshComponentOptions["stdio"]>;

/** What instances have of their worker, those of CGI programs too. */
export interface ComponentSurroundings {
  readonly stdio: GuestStdio;
  /** Who hears what guests are refused. */
  readonly refusals: RefusalListeners;
}

/** Answers requests by instances of a component. */
class ComponentRunner implements Runner {
  readonly #fresh: FreshComponent;

  constructor(fresh: FreshComponent) {
    this.#fresh = fresh;
  }

  get mechanism(): string {
    return this.#fresh.mechanism;
  }

  get idle(): number {
    return this.#fresh.idle;
  }

  get inUse(): number {
    return this.#fresh.inUse;
  }

  answer(request: ServedRequest): void | Promise<void> {
    // Not by the request's own signal, which takes as long to make as a short answer.
    return this.#fresh.answer(request, { control: request.control });
  }

  warm(count: number): Promise<void> {
    return this.#fresh.warm(count);
  }

  usage(): InstanceUsage {
    return this.#fresh.usage();
  }

  close(): void {
    this.#fresh.close();
  }
}

/** Compiles a component that answers requests. @throws what the engine's compileComponent and freshComponent throw */
export async function startComponent(
  engine: Engine,
  settings: ServedWorkload,
  { stdio, refusals: listeners }: ComponentSurroundings,
): Promise<Runner> {
  const { name, args, grants, features, isolation, mostReuses, pool, network } = settings;
  const refusals = new Refusals(name, await grantsOf(grants), listeners);
  const limits = instanceLimits(settings.limits);
  const { bytes, file } = await readWasm(settings.file);
  const component = await engine.compileComponent(bytes, {
    name,
    file,
    restore: isolation === "request",
    ...(limits.memory === undefined ? {} : { memory: limits.memory }),
  });
  const fresh = await engine.freshComponent(component, {
    args: [name, ...args],
    grants,
    features,
    network,
    stdio,
    onRefused: (request) => refusals.tell(request),
    isolation,
    mostReuses,
    mostIdle: pool,
    limits,
  });
  return new ComponentRunner(fresh);
}

/** What one use may take: it is not to run longer than its request is waited for. */
export function instanceLimits({
  requestDeadline,
  startDeadline,
  maxConcurrent,
  maxQueue,
  ...limits
}: WorkloadLimits): InstanceLimits {
  void [startDeadline, maxConcurrent, maxQueue];
  return { ...limits, deadline: limits.deadline ?? requestDeadline };
}

/** The bytes of a file, and what the system said of it before they were read. */
export async function readWasm(
  path: string,
): Promise<{ readonly bytes: Uint8Array; readonly file: Awaited<ReturnType<typeof statOf>> }> {
  const handle = await promises.open(path);
  try {
    const file = await statOf(handle);
    return { bytes: await handle.readFile(), file };
  } finally {
    await handle.close();
  }
}

function statOf(handle: promises.FileHandle) {
  return handle.stat({ bigint: true });
}
