import type { ProjectNetworkConfig } from "../../runtime/index.ts";
import { digest } from "../../runtime/index.ts";
import type { PublishedPort, Service } from "../file/model.ts";

/** A folder or file of the host that an instance sees. */
export interface ResolvedMount {
  readonly kind: "bind" | "volume" | "tmpfs" | "secrets";
  /** Absolute path on the host. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** What a container of a project runs: the data of its workload, which says all that a start needs but the neighbours. */
export interface ServiceWorkload {
  readonly project: string;
  readonly service: Service;
  /** From 1. */
  readonly number: number;
  readonly container: string;
  readonly addresses: ProjectNetworkConfig["self"]["addresses"];
  /** With real ports of the host. */
  readonly ports: readonly PublishedPort[];
  readonly mounts: readonly ResolvedMount[];
}

/** Labels of a project's containers, as docker compose calls them. */
export const labels = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  hash: "com.docker.compose.config-hash",
  folder: "com.docker.compose.project.working_dir",
} as const;

/** The name of an instance's container. */
export function containerName(project: string, service: Service, number: number): string {
  return service.containerName ?? `${project}-${service.name}-${number}`;
}

/**
 * What changes where an instance would not run as before: docker compose's rule, which leaves out what says only when and how
 * often it runs. `stamps` are those of the module and of secrets.
 */
export function configHash(service: Service, stamps: readonly string[]): string {
  const { scale: _scale, dependsOn: _dependsOn, profiles: _profiles, attach: _attach, ...rest } = service;
  return digest(canonical([rest, stamps]));
}

/** JSON whose keys are in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each !== "object" || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** How an image is shown: a stand-in says that it is one. */
export function imageText({ image }: Service): string {
  return image.kind === "wasm" ? (image.path.split("/").at(-1) ?? image.path) : `${image.reference} (stand-in)`;
}

/** The command as `ps` shows it. */
export function commandText(service: Service): string {
  const words = service.argvFromFile ? service.args : [imageText(service), ...service.args];
  return service.image.kind === "wasm" ? words.join(" ") : service.args.join(" ") || service.image.family;
}
