import { SampanError } from "../base/index.ts";
import type { Operations, Project, UpOptions } from "../compose/index.ts";
import type { Places } from "../runtime/index.ts";
import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { hasSwitch } from "./parse.ts";
import { createProgress } from "./progress.ts";
import { engineMain, projectCommand, readProject, secondsOf, userPlaces } from "./project-command.ts";
import { projectGroup } from "./project-options.ts";

/** `sampan up`: brings a project up, in the foreground or in the engine process. */
export const upCommand: Command = {
  spec: {
    name: "up",
    summary: "Bring a compose project up: make its containers, start them and show what they write",
    usage: "sampan up [options] [SERVICE...]",
    example: "sampan up -d",
    operands: "words",
    groups: [
      {
        heading: "Running",
        options: [
          { long: "--detach", short: "-d", summary: "Run in the background" },
          { long: "--wait", summary: "Wait until services run, or are healthy; runs in the background" },
          { long: "--wait-timeout", value: "SECONDS", summary: "The longest time to wait" },
          { long: "--abort-on-container-exit", summary: "Stop all containers when one of them ends" },
          { long: "--exit-code-from", value: "SERVICE", summary: "End with this service's exit code; stops all then" },
          { long: "--timeout", short: "-t", value: "SECONDS", summary: "Time to end before a container is killed" },
          { long: "--rm", summary: "Remove containers and networks when all is stopped; volumes stay" },
        ],
      },
      {
        heading: "Containers",
        options: [
          { long: "--no-deps", summary: "Leave out services that the named ones need" },
          { long: "--force-recreate", summary: "Make containers anew even where nothing changed" },
          { long: "--no-recreate", summary: "Keep containers even where something changed" },
          { long: "--remove-orphans", summary: "Remove containers of services that the file has no more" },
          { long: "--scale", value: "SERVICE=N", summary: "Run so many instances of a service" },
        ],
      },
      {
        heading: "Output",
        options: [
          { long: "--no-log-prefix", summary: "Print no names before lines" },
          { long: "--no-color", summary: "Print no colours" },
          { long: "--timestamps", summary: "Print when each line was written" },
        ],
      },
      projectGroup,
    ],
  },
  execute: projectCommand(executeUp),
};

async function executeUp(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const options = upOptionsOf(parsed);
  checkTogether(parsed);
  const project = await readProject(parsed, surroundings);
  const places = await userPlaces(surroundings);
  const isDetached = hasSwitch(parsed, "--detach") || hasSwitch(parsed, "--wait");
  const up: Up = { project, places, options, parsed, surroundings };
  if (isDetached) return upDetached(up);
  const { ProjectClient } = await import("../compose/index.ts");
  const client = new ProjectClient(places, project.name);
  if (client.holder()?.kind === "engine" && (await client.reach()) !== undefined) {
    const { upAttached } = await import("./up-attached.ts");
    return upAttached(up, client);
  }
  const { Foreground } = await import("./up-foreground.ts");
  return new Foreground(up).run();
}

/** What `up` was asked for. */
export interface Up {
  readonly project: Project;
  readonly places: Places;
  readonly options: UpOptions;
  readonly parsed: ParsedCommand;
  readonly surroundings: Surroundings;
}

function checkTogether(parsed: ParsedCommand): void {
  const isDetached = hasSwitch(parsed, "--detach") || hasSwitch(parsed, "--wait");
  const attached = ["--abort-on-container-exit", "--exit-code-from", "--rm"];
  const other = attached.find((name) => parsed.options.some(({ option }) => option === name));
  if (isDetached && other !== undefined) {
    throw new SampanError("CLI_USAGE", `Cannot run in the background with ${other}: nobody stays to see the end`);
  }
  if (hasSwitch(parsed, "--force-recreate") && hasSwitch(parsed, "--no-recreate")) {
    throw new SampanError("CLI_USAGE", "Cannot make containers anew and keep them: --force-recreate and --no-recreate");
  }
}

function upOptionsOf(parsed: ParsedCommand): UpOptions {
  return {
    services: parsed.operands,
    noDeps: hasSwitch(parsed, "--no-deps"),
    forceRecreate: hasSwitch(parsed, "--force-recreate"),
    noRecreate: hasSwitch(parsed, "--no-recreate"),
    removeOrphans: hasSwitch(parsed, "--remove-orphans"),
    scale: scaleOf(parsed),
    wait: hasSwitch(parsed, "--wait"),
    waitTimeout: secondsOf(parsed, "--wait-timeout"),
    timeout: secondsOf(parsed, "--timeout"),
  };
}

function scaleOf({ options }: ParsedCommand): Record<string, number> {
  const pairs = options.flatMap(({ option, value = "" }) => (option === "--scale" ? [value] : []));
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, service, count] = /^([^=]+)=(\d{1,5})$/.exec(pair) ?? [];
      if (service !== undefined && count !== undefined) return [service, Number(count)];
      throw new SampanError(
        "CLI_OPTION_INVALID",
        `Cannot read --scale "${pair}": wanted a service and a number, such as web=3`,
      );
    }),
  );
}

async function upDetached({ project, places, options, surroundings }: Up): Promise<number> {
  const [{ ProjectClient, projectToData, secretValues }, { held, startEngine }] = await Promise.all([
    import("../compose/index.ts"),
    import("../runtime/index.ts"),
  ]);
  const client = new ProjectClient(places, project.name);
  const holder = client.holder();
  if (holder?.kind === "foreground") throw held(`the project "${project.name}"`, holder);
  const secrets = secretValues(project, surroundings.env);
  const body: Operations["up"] = { project: projectToData(project), options: { ...options, secrets } };
  const progress = createProgress(surroundings);
  const operate = async (): Promise<unknown> => {
    const engine = await startEngine(places, { main: engineMain(), env: surroundings.env });
    return client.operate(engine, "up", { body, tell: progress.tell });
  };
  try {
    await operate().catch((error: unknown) => {
      // It had nothing left to run and was just ending.
      if (error instanceof SampanError && error.code === "API_UNREACHABLE") return operate();
      throw error;
    });
  } finally {
    progress.end();
  }
  return 0;
}
