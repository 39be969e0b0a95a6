import { parseDuration, SampanError } from "../base/index.ts";
import type { Command, OptionGroup, ParsedCommand, Surroundings } from "./command.ts";
import { LogLines } from "./log-lines.ts";
import { hasSwitch, lastValue } from "./parse.ts";
import { checkServices, projectCommand, projectName, userPlaces } from "./project-command.ts";
import { projectGroup } from "./project-options.ts";

/** `-f` is for following here, as in docker compose: a compose file is named by `--file` alone. */
const project: OptionGroup = {
  ...projectGroup,
  options: projectGroup.options.map(({ short, ...option }) =>
    short === undefined || short === "-f" ? option : { ...option, short },
  ),
};

/** `sampan logs`: prints what the containers of a project wrote. */
export const logsCommand: Command = {
  spec: {
    name: "logs",
    summary: "Print what the containers of a compose project wrote",
    usage: "sampan logs [options] [SERVICE...]",
    example: "sampan logs -f web",
    operands: "words",
    groups: [
      {
        heading: "Which lines",
        options: [
          { long: "--follow", short: "-f", summary: "Go on with what comes, until all containers have ended" },
          { long: "--tail", short: "-n", value: "N|all", summary: "The last so many lines of each container" },
          { long: "--since", value: "TIME", summary: "From then on: 2026-01-31T12:00:00Z, or 10m for ten minutes ago" },
          { long: "--until", value: "TIME", summary: "Up to then" },
        ],
      },
      {
        heading: "Output",
        options: [
          { long: "--timestamps", short: "-t", summary: "Print when each line was written" },
          { long: "--no-log-prefix", summary: "Print no names before lines" },
          { long: "--no-color", summary: "Print no colours" },
          { long: "--json", summary: "A line of JSON for each line" },
        ],
      },
      project,
    ],
  },
  execute: projectCommand(executeLogs),
};

async function executeLogs(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const { env, print } = surroundings;
  const options = {
    services: parsed.operands,
    follow: hasSwitch(parsed, "--follow"),
    tail: tailOf(parsed),
    since: timeOf(parsed, "--since"),
    until: timeOf(parsed, "--until"),
  };
  const name = await projectName(parsed, surroundings);
  const { ProjectClient } = await import("../compose/index.ts");
  const client = new ProjectClient(await userPlaces(surroundings), name);
  checkServices({ name, isThere: client.api() !== undefined || client.files.exists }, parsed.operands);
  const rows = await client.rows();
  const isWanted = (service: string): boolean => parsed.operands.length === 0 || parsed.operands.includes(service);
  const lines = new LogLines({
    env,
    project: name,
    containers: rows.flatMap((row) => (isWanted(row.service) ? row.name : [])),
    prefix: hasSwitch(parsed, "--no-log-prefix") ? "none" : "name",
    colors: hasSwitch(parsed, "--no-color") ? "none" : "auto",
    timestamps: hasSwitch(parsed, "--timestamps"),
  });
  const isJson = hasSwitch(parsed, "--json");
  for await (const entry of client.logs(options)) print(isJson ? `${JSON.stringify(entry)}\n` : lines.format(entry));
  return 0;
}

function tailOf(parsed: ParsedCommand): number | undefined {
  const text = lastValue(parsed, "--tail");
  if (text === undefined || text === "all") return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read --tail "${text}": wanted a number of lines, or all`);
}

/** A point in time, or how long ago it was. */
function timeOf(parsed: ParsedCommand, name: string): string | undefined {
  const text = lastValue(parsed, name);
  if (text === undefined || !/^[\d.]+(?:ms|s|m|h|d)$/.test(text)) return text;
  return new Date(Date.now() - parseDuration(text)).toISOString();
}
