import type { Command, ParsedCommand, Surroundings } from "./command.ts";
import { createProgress } from "./progress.ts";
import { checkServices, engineMain, projectCommand, projectName, secondsOf, userPlaces } from "./project-command.ts";
import { projectGroup } from "./project-options.ts";

const timeout = {
  heading: "Stopping",
  options: [{ long: "--timeout", short: "-t", value: "SECONDS", summary: "Time to end before a container is killed" }],
};

/** `sampan stop`: stops services and keeps their containers. */
export const stopCommand: Command = {
  spec: {
    name: "stop",
    summary: "Stop the services of a compose project, and keep their containers",
    usage: "sampan stop [options] [SERVICE...]",
    example: "sampan stop web",
    operands: "words",
    groups: [timeout, projectGroup],
  },
  execute: projectCommand(executeStop),
};

/** `sampan restart`: restarts services, also those that have ended. */
export const restartCommand: Command = {
  spec: {
    name: "restart",
    summary: "Restart the services of a compose project, those that have ended too",
    usage: "sampan restart [options] [SERVICE...]",
    example: "sampan restart db",
    operands: "words",
    groups: [timeout, projectGroup],
  },
  execute: projectCommand(executeRestart),
};

async function executeStop(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const name = await projectName(parsed, surroundings);
  const { ProjectClient, ProjectHolder, stopServices } = await import("../compose/index.ts");
  const places = await userPlaces(surroundings);
  const client = new ProjectClient(places, name);
  const body = { services: parsed.operands, timeout: secondsOf(parsed, "--timeout") };
  const progress = createProgress(surroundings);
  const api = await client.reach();
  try {
    if (api !== undefined) {
      await client.gone(await client.operate(api, "stop", { body, tell: progress.tell }));
      return 0;
    }
    checkServices({ name, isThere: client.files.exists }, parsed.operands);
    if (!client.files.exists) return 0;
    const holder = new ProjectHolder({ places, kind: "command", runners: {} });
    try {
      await holder.use(name, (running) => stopServices(running, { ...body, tell: progress.tell }));
    } finally {
      await holder.close();
    }
    return 0;
  } finally {
    progress.end();
  }
}

async function executeRestart(parsed: ParsedCommand, surroundings: Surroundings): Promise<number> {
  const name = await projectName(parsed, surroundings);
  const [{ ProjectClient, secretValues }, { startEngine }] = await Promise.all([
    import("../compose/index.ts"),
    import("../runtime/index.ts"),
  ]);
  const places = await userPlaces(surroundings);
  const client = new ProjectClient(places, name);
  const known = client.files.readProject();
  const secrets = known === undefined ? {} : secretValues(known, surroundings.env);
  const body = { services: parsed.operands, timeout: secondsOf(parsed, "--timeout"), secrets };
  const isThere = client.api() !== undefined || client.files.exists;
  checkServices({ name, isThere }, parsed.operands);
  if (!isThere) return 0;
  const progress = createProgress(surroundings);
  try {
    const api = (await client.reach()) ?? (await startEngine(places, { main: engineMain(), env: surroundings.env }));
    await client.operate(api, "restart", { body, tell: progress.tell });
    return 0;
  } finally {
    progress.end();
  }
}
