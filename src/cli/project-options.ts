import type { LoadOptions } from "../compose/index.ts";
import type { OptionGroup, ParsedCommand, Surroundings } from "./command.ts";
import { lastValue } from "./parse.ts";

/** The options that say which project a command is about, with docker compose's names. */
export const projectGroup: OptionGroup = {
  heading: "Project",
  options: [
    { long: "--file", short: "-f", value: "FILE", summary: "A compose file; a further one is laid over it" },
    { long: "--project-name", short: "-p", value: "NAME", summary: "The project's name" },
    { long: "--profile", value: "NAME", summary: "Turn on the services of a profile; * for all" },
    { long: "--env-file", value: "FILE", summary: "Take variables from this file in the place of .env" },
    { long: "--project-directory", value: "DIR", summary: "Where relative paths start from" },
  ],
};

/** What {@link projectGroup}'s options say; `services` are those that a command names. */
export function loadOptionsOf(
  parsed: ParsedCommand,
  { cwd, env }: Pick<Surroundings, "cwd" | "env">,
  services: readonly string[] = [],
): LoadOptions {
  const all = (name: string): string[] =>
    parsed.options.flatMap(({ option, value }) => (option === name && value !== undefined ? [value] : []));
  const [name, folder] = [lastValue(parsed, "--project-name"), lastValue(parsed, "--project-directory")];
  const envFiles = all("--env-file");
  return {
    files: all("--file"),
    cwd,
    env,
    profiles: all("--profile"),
    services,
    ...(envFiles.length === 0 ? {} : { envFiles }),
    ...(name === undefined ? {} : { projectName: name }),
    ...(folder === undefined ? {} : { projectDirectory: folder }),
  };
}
