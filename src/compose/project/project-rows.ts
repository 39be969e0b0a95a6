import { type ContainerRecord, exitCodeOf, type Health } from "../../runtime/index.ts";
import type { PublishedPort } from "../file/model.ts";
import { commandText, type ServiceWorkload } from "./service-workload.ts";

/** One container as `ps` reports it. */
export interface ContainerRow {
  readonly id: string;
  readonly name: string;
  readonly project: string;
  readonly service: string;
  readonly number: number;
  readonly image: string;
  readonly command: string;
  readonly status: ContainerRecord["state"]["status"];
  readonly exitCode: number;
  /** Where somebody checks it and it runs. */
  readonly health?: Health["status"] | undefined;
  readonly healthOutput?: string | undefined;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly startedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
  readonly restartCount: number;
  readonly ports: readonly PublishedPort[];
  readonly labels: Readonly<Record<string, string>>;
  /** Why it ended, where its end was an error's. */
  readonly error?: string | undefined;
  /** Lines of its log that a full disk took. */
  readonly lostLines?: number | undefined;
}

/** The row of a container. `isLive` says whether its holder lives: without one nothing runs, whatever is on disk. */
export function rowOf(
  record: ContainerRecord,
  {
    health,
    isLive,
    lostLines,
  }: { readonly health?: Health | undefined; readonly isLive: boolean; readonly lostLines?: number },
): ContainerRow {
  const { id, name, createdAt, config, state } = record;
  const data = config.workload.data as ServiceWorkload;
  const isCut = !isLive && (state.status === "running" || state.status === "restarting");
  const isChecked = data.service.healthcheck !== undefined && state.status === "running" && !isCut;
  return {
    id,
    name,
    project: data.project,
    service: data.service.name,
    number: data.number,
    image: config.workload.image ?? "",
    command: commandText(data.service),
    status: isCut ? "exited" : state.status,
    exitCode: isCut && state.status === "running" ? 255 : state.exitCode,
    ...(isChecked ? { health: health?.status ?? "starting", healthOutput: health?.lastOutput } : {}),
    createdAt,
    startedAt: state.startedAt,
    finishedAt: state.finishedAt,
    restartCount: state.restartCount,
    ports: state.status === "running" && !isCut ? data.ports : [],
    labels: config.labels,
    ...(state.ending?.kind === "error" && exitCodeOf(state.ending) === state.exitCode
      ? { error: state.ending.error.message }
      : {}),
    ...(lostLines === undefined || lostLines === 0 ? {} : { lostLines }),
  };
}
