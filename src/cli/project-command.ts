import { homedir, tmpdir } from "node:os";
import type { LoadOptions, Project } from "../compose/index.ts";
import type { Places } from "../runtime/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { complainOf, warningText } from "./complain.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { loadOptionsOf } from "./project-options.ts";
import { SampanError } from "../base/index.ts";

/** The status of a project's command that failed, whatever the error: docker compose's. */
export const projectFailed = 1;

/** A command's `execute` whose failures have docker compose's exit status. */
export function projectCommand(execute: Command["execute"]): Command["execute"] {
  return async (parsed, surroundings) => {
    try {
      return await execute(parsed, surroundings);
    } catch (error) {
      complainOf(error, surroundings);
      return projectFailed;
    }
  };
}

/** Where this user's projects are kept. */
export async function userPlaces({ env }: Pick<Surroundings, "env">): Promise<Places> {
  const { placesOf } = await import("../runtime/index.ts");
  const uid = process.getuid?.() ?? 0;
  return placesOf({ env, home: env["HOME"] ?? homedir(), temporary: tmpdir(), uid });
}

/** The project that a command is about, read from its files; what has no effect in them is told. */
export async function readProject(
  parsed: ParsedCommand,
  surroundings: Surroundings,
  services: readonly string[] = parsed.operands,
): Promise<Project> {
  const { loadProject } = await import("../compose/index.ts");
  const project = await loadProject(loadOptionsOf(parsed, surroundings, services) satisfies LoadOptions);
  for (const warning of project.warnings) surroundings.complain(warningText(warning));
  return project;
}

/** The name of the project that a command is about: files are read only where nobody typed it. */
export async function projectName(parsed: ParsedCommand, surroundings: Surroundings): Promise<string> {
  return (await namedProject(parsed, surroundings)).name;
}

/** The project that a command is about, or as much as its name. */
export async function namedProject(
  parsed: ParsedCommand,
  surroundings: Surroundings,
): Promise<Pick<Project, "name"> & Partial<Pick<Project, "volumes">>> {
  const typed = lastValue(parsed, "--project-name");
  const isElsewhere = ["--file", "--project-directory"].some((name) => lastValue(parsed, name) !== undefined);
  const given = typed ?? (isElsewhere ? undefined : surroundings.env["COMPOSE_PROJECT_NAME"]);
  if (given !== undefined && given !== "") {
    const { projectName: checked } = await import("../compose/index.ts");
    return { name: checked({ typed, variable: given, folder: surroundings.cwd }) };
  }
  // All services count: one that was brought up with a profile is named without it.
  const { loadProject } = await import("../compose/index.ts");
  return loadProject({ ...loadOptionsOf(parsed, surroundings), profiles: ["*"] });
}

/** The grace period of `--timeout` in ms: seconds as docker compose takes them. @throws CLI_OPTION_INVALID */
export function secondsOf(parsed: ParsedCommand, name: string): number | undefined {
  const text = lastValue(parsed, name);
  if (text === undefined) return undefined;
  if (/^\d{1,7}(?:\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read ${name} "${text}": wanted seconds, such as 10`);
}

/** Whether output is to be JSON: `--json`, or `--format json`. @throws CLI_OPTION_INVALID */
export function wantsJson(parsed: ParsedCommand): boolean {
  const format = lastValue(parsed, "--format");
  if (hasSwitch(parsed, "--json")) return true;
  if (format === undefined || format === "table") return false;
  if (format === "json") return true;
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read --format "${format}": wanted table or json`);
}

/** The file that the engine process runs: beside this one in the bundle, in its room in the sources. */
export function engineMain(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return new URL(isSource ? "../compose/project/engine-main.ts" : "./engine-main.js", import.meta.url).pathname;
}

/** Refuses names of services where nothing of the project is there to have them. @throws PROJECT_SERVICE_UNKNOWN */
export function checkServices(
  project: { readonly name: string; readonly isThere: boolean },
  names: readonly string[],
): void {
  const [first] = names;
  if (first === undefined || project.isThere) return;
  const message = `Cannot find the service "${first}": the project "${project.name}" is not up`;
  throw new SampanError("PROJECT_SERVICE_UNKNOWN", message, { hint: "bring it up with sampan up" });
}
