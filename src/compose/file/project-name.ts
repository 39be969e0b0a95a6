import { basename } from "node:path";
import { SampanError } from "../../base/index.ts";

/** Where a project's name may come from, the first that is there counts. */
export interface NameSources {
  /** As typed after `-p`. */
  readonly typed?: string | undefined;
  /** COMPOSE_PROJECT_NAME. */
  readonly variable?: string | undefined;
  /** `name:` of the files. */
  readonly written?: string | undefined;
  readonly folder: string;
}

const form = /^[a-z0-9][a-z0-9_-]*$/;

/**
 * The project's name (Compose Specification, name top-level element).
 *
 * @throws COMPOSE_NAME_INVALID
 */
export function projectName({ typed, variable, written, folder }: NameSources): string {
  for (const [name, origin] of [
    [typed, "-p"],
    [variable, "COMPOSE_PROJECT_NAME"],
  ] as const) {
    if (name === undefined || name === "") continue;
    if (form.test(name)) return name;
    throw new SampanError(
      "COMPOSE_NAME_INVALID",
      `Cannot call the project "${name}" (${origin}): it has other signs than small letters, digits, - and _, or begins with one of the two`,
      {
        hint: `did you mean ${plainName(name) || "app"}`,
      },
    );
  }
  if (written !== undefined && written !== "") return written;
  const plain = plainName(basename(folder));
  if (plain !== "") return plain;
  throw new SampanError(
    "COMPOSE_NAME_INVALID",
    `Cannot call the project after its folder "${folder}": no letter of it can be in a name`,
    {
      hint: "name the project with -p NAME, or write name: into the compose file",
    },
  );
}

/** What remains of a text when everything is gone that a name cannot hold. */
export function plainName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");
}

/** Whether a text can be a project's name. */
export function isProjectName(text: string): boolean {
  return form.test(text);
}
