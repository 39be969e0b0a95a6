import type { LoadOptions, Project } from "./model.ts";

// YAML, the schema and what checks it take longer to load than all else of a short command.

/**
 * Reads a project from its compose files, with everything resolved.
 *
 * @throws COMPOSE_FILE_NOT_FOUND, COMPOSE_INVALID, COMPOSE_NAME_INVALID, COMPOSE_SERVICE_UNKNOWN, COMPOSE_UNSUPPORTED
 */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const { readProject } = await import("./read-project.ts");
  return readProject(options);
}
