import { type ApiReply, type ApiRequest, type ApiRoutes, apiVersion } from "../../runtime/index.ts";
import { bringUp, type UpOptions } from "./bring-up.ts";
import { type ProjectData, projectFromData } from "./project-data.ts";
import type { ProjectHolder } from "./project-holder.ts";
import { projectLogs } from "./project-logs.ts";
import { type ContainerRow, rowOf } from "./project-rows.ts";
import type { RunningProject } from "./running-project.ts";
import type { Step, Tell } from "./steps.ts";
import {
  type DownOptions,
  restartServices,
  type RestartServices,
  stopServices,
  type StopServices,
  takeDown,
} from "./take-down.ts";

/** What `POST /projects/NAME/up` takes. */
export interface UpRequest {
  readonly project: ProjectData;
  readonly options: UpOptions;
}

/** What `POST /projects/NAME/stop` and its like take: what {@link StopServices} has but for whom it tells. */
export type StopRequest = Omit<StopServices, "tell">;

/** What `POST /projects/NAME/restart` takes. */
export type RestartRequest = Omit<RestartServices, "tell">;

/** What `POST /projects/NAME/down` takes. */
export type DownRequest = Omit<DownOptions, "tell">;

/** A line of what an operation answers: its steps, and at the end whether the process that did it goes on. */
export type OperationLine =
  | { readonly step: Step }
  | { readonly done: true; readonly pid: number; readonly ends: boolean };

/** What `GET /version` answers. */
export interface VersionReply {
  readonly api: string;
  readonly pid: number;
  readonly kind: string;
  readonly projects: readonly string[];
}

/** The routes of whoever holds projects. */
export function holderRoutes(holder: ProjectHolder): ApiRoutes {
  const operation = (action: (running: RunningProject, body: never, tell: Tell) => Promise<void>) =>
    function answer({ words: [name = ""], body }: ApiRequest): ApiReply {
      const run = (tell: Tell): Promise<void> =>
        holder.use(name, (running) => action(running, (body ?? {}) as never, tell));
      return { lines: operationLines(holder, name, run) };
    };
  return {
    "GET /version": () => ({
      value: { api: apiVersion, pid: process.pid, kind: holder.kind, projects: holder.names } satisfies VersionReply,
    }),
    "GET /projects": () => ({ value: holder.names }),
    "GET /projects/*": async ({ words: [name = ""] }) => ({
      value: liveRows(await holder.held(name)),
    }),
    "GET /projects/*/logs": ({ words: [name = ""], query, signal }) => ({
      lines: within(holder, name, (running) => projectLogs(running, { ...logOptionsOf(query), signal })),
    }),
    "GET /projects/*/events": ({ words: [name = ""], signal }) => ({
      lines: within(holder, name, (running) => running.runtime.events({ signal })),
    }),
    "POST /projects/*/up": operation((running, { project, options }: UpRequest, tell) =>
      bringUp(running, projectFromData(project), { options, tell }),
    ),
    "POST /projects/*/stop": operation((running, body: StopRequest, tell) => stopServices(running, { ...body, tell })),
    "POST /projects/*/restart": operation((running, body: RestartRequest, tell) =>
      restartServices(running, { ...body, tell }),
    ),
    "POST /projects/*/down": operation((running, body: DownRequest, tell) => takeDown(running, { ...body, tell })),
  };
}

/** The rows of a project that runs here. */
export function liveRows(running: RunningProject): readonly ContainerRow[] {
  return running.members().map(({ container }) => {
    const { log } = container.inspect();
    return rowOf(container.record(), {
      isLive: true,
      health: running.health.of(container.name),
      lostLines: log.lost,
    });
  });
}

async function* within<T>(
  holder: ProjectHolder,
  name: string,
  read: (running: RunningProject) => AsyncIterable<T>,
): AsyncGenerator<T, undefined> {
  yield* read(await holder.held(name));
  return undefined;
}

/** The steps of an operation as they happen; it goes on where nobody listens any more. */
async function* operationLines(
  holder: ProjectHolder,
  name: string,
  run: (tell: Tell) => Promise<void>,
): AsyncGenerator<OperationLine, undefined> {
  const queue: Step[] = [];
  let wake = (): void => {};
  let isOver = false;
  const done = run((each) => {
    queue.push(each);
    wake();
  }).finally(() => {
    isOver = true;
    wake();
  });
  done.catch(() => {});
  for (;;) {
    const next = queue.shift();
    if (next !== undefined) {
      yield { step: next };
      continue;
    }
    if (isOver) break;
    await new Promise<void>((resolve) => (wake = resolve));
  }
  await done;
  const others = holder.names.some((each) => each !== name);
  const isBusy = holder.names.includes(name) && (await holder.open(name)).isBusy;
  yield { done: true, pid: process.pid, ends: !others && !isBusy };
  return undefined;
}

function logOptionsOf(query: URLSearchParams): {
  readonly services: readonly string[];
  readonly follow: boolean;
  readonly tail: number | undefined;
  readonly since: string | undefined;
  readonly until: string | undefined;
} {
  const tail = query.get("tail");
  return {
    services: query.getAll("service"),
    follow: query.get("follow") === "1",
    tail: tail === null ? undefined : Number(tail),
    since: query.get("since") ?? undefined,
    until: query.get("until") ?? undefined,
  };
}
