import type { Step } from "../compose/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { hasSwitch } from "./parse.ts";
import { createProgress } from "./progress.ts";
import { namedProject, projectCommand, secondsOf, userPlaces } from "./project-command.ts";
import { projectGroup } from "./project-options.ts";

/** `sampan down`: stops and removes a project. */
export const downCommand: Command = {
  spec: {
    name: "down",
    summary: "Stop a compose project and remove its containers and networks",
    usage: "sampan down [options] [SERVICE...]",
    example: "sampan down -v",
    operands: "words",
    groups: [
      {
        heading: "Removing",
        options: [
          { long: "--volumes", short: "-v", summary: "Remove its named volumes with all that is in them, too" },
          { long: "--timeout", short: "-t", value: "SECONDS", summary: "Time to end before a container is killed" },
          { long: "--remove-orphans", summary: "Accepted: containers of services that are gone are always removed" },
        ],
      },
      projectGroup,
    ],
  },
  execute: projectCommand(executeDown),
};

async function executeDown(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const { name, volumes } = await namedProject(parsed, surroundings);
  const places = await userPlaces(surroundings);
  const { ProjectClient, ProjectHolder, takeDown } = await import("../compose/index.ts");
  const { clearDeadEngine } = await import("../runtime/index.ts");
  const body = {
    services: parsed.operands,
    volumes: hasSwitch(parsed, "--volumes"),
    volumeNames: [...(volumes?.values() ?? [])].flatMap((each) => (each.external || each.anonymous ? [] : each.name)),
    timeout: secondsOf(parsed, "--timeout"),
  };
  const progress = createProgress(surroundings);
  let isAnythingTold = false;
  const tell = (step: Step): void => {
    isAnythingTold = true;
    progress.tell(step);
  };
  const client = new ProjectClient(places, name);
  const api = await client.reach();
  try {
    if (api !== undefined) {
      await client.gone(await client.operate(api, "down", { body, tell: progress.tell }));
      await clearDeadEngine(places);
      return 0;
    }
    // Nobody runs it any more: what is left on disk is removed from here.
    const holder = new ProjectHolder({ places, kind: "command", runners: {} });
    try {
      await holder.use(name, (running) => takeDown(running, { ...body, tell }));
    } finally {
      await holder.close();
    }
    if (!isAnythingTold) surroundings.complain(`Warning: No resource found to remove for project "${name}".\n`);
    await clearDeadEngine(places);
    return 0;
  } finally {
    progress.end();
  }
}
