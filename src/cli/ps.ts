import { printable, SampanError } from "../base/index.ts";
import type { ContainerRow } from "../compose/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { hasSwitch } from "./parse.ts";
import { ago, humanTime, lettersOf, table } from "./ps-table.ts";
import { projectCommand, projectName, userPlaces, wantsJson } from "./project-command.ts";
import { projectGroup } from "./project-options.ts";
import { joinLines } from "./text.ts";

/** `sampan ps`: lists the containers of a project. */
export const psCommand: Command = {
  spec: {
    name: "ps",
    summary: "List the containers of a compose project",
    usage: "sampan ps [options] [SERVICE...]",
    example: "sampan ps -a",
    operands: "words",
    groups: [
      {
        heading: "Output",
        options: [
          { long: "--all", short: "-a", summary: "List those that do not run, too" },
          { long: "--quiet", short: "-q", summary: "Print ids alone" },
          { long: "--services", summary: "Print the names of services alone" },
          { long: "--no-trunc", summary: "Print commands whole" },
          { long: "--format", value: "table|json", summary: "How to print (default: table); json is a line for each" },
          { long: "--json", summary: "The same as --format json" },
        ],
      },
      projectGroup,
    ],
  },
  execute: projectCommand(executePs),
};

async function executePs(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const { print, complain } = surroundings;
  const isJson = wantsJson(parsed);
  const name = await projectName(parsed, surroundings);
  const { ProjectClient } = await import("../compose/index.ts");
  const client = new ProjectClient(await userPlaces(surroundings), name);
  const all = await client.rows();
  for (const service of parsed.operands) {
    const isKnown = all.some((row) => row.service === service) || client.files.readProject()?.services.has(service);
    if (isKnown !== true) throw new SampanError("PROJECT_SERVICE_UNKNOWN", `Cannot list "${service}": no such service`);
  }
  const chosen = all.filter(({ service }) => parsed.operands.length === 0 || parsed.operands.includes(service));
  const rows = chosen.filter((row) => hasSwitch(parsed, "--all") || isUp(row));
  const now = Date.now();
  if (hasSwitch(parsed, "--quiet")) print(joinLines(rows.map(({ id }) => id)));
  else if (hasSwitch(parsed, "--services")) print(joinLines([...new Set(rows.map(({ service }) => service))]));
  else if (isJson) print(joinLines(rows.map((row) => JSON.stringify(jsonRow(row, now)))));
  else print(tableText(rows, { now, isWhole: hasSwitch(parsed, "--no-trunc") }));
  if (client.holder() === undefined && all.some(({ exitCode }) => exitCode === 255) && rows.length < chosen.length) {
    complain("sampan: the process that ran this project has ended: sampan up brings it back, sampan ps -a lists it\n");
  }
  return 0;
}

function isUp({ status }: ContainerRow): boolean {
  return status === "running" || status === "restarting";
}

function tableText(rows: readonly ContainerRow[], { now, isWhole }: { now: number; isWhole: boolean }): string {
  const heads = ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"];
  const cells = rows.map((row) => [
    row.name,
    row.image,
    isWhole ? `"${row.command}"` : shortened(row.command),
    row.service,
    ago(row.createdAt, now),
    statusText(row, now),
    portsText(row),
  ]);
  return joinLines(table([heads, ...cells.map((line) => line.map(printable))]));
}

/** A command in 20 letters and quotes, as docker shortens it. */
function shortened(command: string): string {
  const letters = lettersOf(command);
  return `"${letters.length > 20 ? `${letters.slice(0, 19).join("")}…` : command}"`;
}

/** A container's state in docker's words, such as `Up 5 seconds (healthy)`. */
function statusText(row: ContainerRow, now: number): string {
  const { status, exitCode, health, startedAt, finishedAt } = row;
  const elapsed = (time: string | undefined): string => humanTime(now - (time === undefined ? now : Date.parse(time)));
  switch (status) {
    case "created":
      return "Created";
    case "running": {
      const checked = health === undefined ? "" : health === "starting" ? " (health: starting)" : ` (${health})`;
      return `Up ${elapsed(startedAt)}${checked}`;
    }
    case "restarting":
      return `Restarting (${exitCode}) ${elapsed(finishedAt)} ago`;
    case "exited":
      return finishedAt === undefined ? `Exited (${exitCode})` : `Exited (${exitCode}) ${elapsed(finishedAt)} ago`;
    case "dead":
      return "Dead";
  }
}

function portsText({ ports }: ContainerRow): string {
  return ports
    .map(({ hostIp, hostPort, guestPort, protocol }) => {
      const host = hostIp.includes(":") ? `[${hostIp}]` : hostIp;
      return `${host}:${hostPort}->${guestPort}/${protocol}`;
    })
    .join(", ");
}

/** A container with the keys that `docker compose ps --format json` prints. */
function jsonRow(row: ContainerRow, now: number): Readonly<Record<string, unknown>> {
  return {
    Command: `"${row.command}"`,
    CreatedAt: row.createdAt,
    ExitCode: row.exitCode,
    Health: row.health ?? "",
    ...(row.healthOutput === undefined ? {} : { HealthOutput: row.healthOutput }),
    ID: row.id,
    Image: row.image,
    Labels: Object.entries(row.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    ...(row.lostLines === undefined ? {} : { LostLogLines: row.lostLines }),
    ...(row.error === undefined ? {} : { Error: row.error }),
    Name: row.name,
    Names: row.name,
    Ports: portsText(row),
    Project: row.project,
    Publishers: row.ports.map(({ hostIp, hostPort, guestPort, protocol }) => ({
      URL: hostIp,
      TargetPort: guestPort,
      PublishedPort: hostPort,
      Protocol: protocol,
    })),
    RestartCount: row.restartCount,
    RunningFor: ago(row.createdAt, now),
    Service: row.service,
    State: row.status,
    Status: statusText(row, now),
  };
}
