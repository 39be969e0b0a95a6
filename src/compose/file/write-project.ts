import type { Project } from "./model.ts";

/** Writes a project in the one form that `docker compose config` prints; it loads as the same project. */
export async function writeProject(project: Project, format: "yaml" | "json" = "yaml"): Promise<string> {
  const canonical = await import("./canonical.ts");
  return canonical.writeProject(project, format);
}
