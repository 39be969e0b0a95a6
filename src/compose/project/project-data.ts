import type { Project } from "../file/model.ts";

/** A project as JSON carries it: tables as lists of key and value. */
export interface ProjectData extends Omit<Project, "services" | "volumes" | "networks" | "secrets" | "secretValues"> {
  readonly services: readonly (readonly [string, ProjectValue<"services">])[];
  readonly volumes: readonly (readonly [string, ProjectValue<"volumes">])[];
  readonly networks: readonly (readonly [string, ProjectValue<"networks">])[];
  readonly secrets: readonly (readonly [string, ProjectValue<"secrets">])[];
}

type ProjectValue<Key extends "services" | "volumes" | "networks" | "secrets"> =
  Project[Key] extends ReadonlyMap<string, infer Value> ? Value : never;

/** The project as data, without the values of secrets. */
export function projectToData(project: Project): ProjectData {
  const { services, volumes, networks, secrets, secretValues: _secretValues, ...rest } = project;
  return {
    ...rest,
    services: [...services],
    volumes: [...volumes],
    networks: [...networks],
    secrets: [...secrets],
  };
}

/** The project that {@link projectToData} wrote. */
export function projectFromData(data: ProjectData): Project {
  const { services, volumes, networks, secrets } = data;
  return {
    ...data,
    services: new Map(services),
    volumes: new Map(volumes),
    networks: new Map(networks),
    secrets: new Map(secrets),
    secretValues: {},
  };
}
