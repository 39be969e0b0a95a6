import { existsSync } from "node:fs";
import type { Project } from "../file/model.ts";
import { writeSecrets } from "./instances.ts";
import type { Member, RunningProject } from "./running-project.ts";
import { serviceSecrets } from "./service-runner.ts";
import { chosenServices, inOrder, type Ordered } from "./services.ts";
import { containerId, step, type Tell } from "./steps.ts";

/** How containers are stopped. */
export interface StopHow {
  readonly tell: Tell;
  /** The grace period in ms in place of each one's own. */
  readonly timeout?: number | undefined;
}

/** Which services, all where none is named, and how. */
export interface StopServices extends StopHow {
  readonly services?: readonly string[] | undefined;
}

/** How {@link restartServices} is asked. */
export interface RestartServices extends StopServices {
  /** Values of the variables that secrets come from. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

/** How {@link takeDown} is asked. */
export interface DownOptions extends StopServices {
  /** Removes named volumes too. */
  readonly volumes?: boolean | undefined;
  /** Names of volumes that the file has now, removed with those that it had when the project was brought up. */
  readonly volumeNames?: readonly string[] | undefined;
  readonly removeOrphans?: boolean | undefined;
}

/** Stops containers, those that need others first. */
export async function stopMembers(members: readonly Member[], { tell, timeout }: StopHow): Promise<void> {
  await eachInOrder(members, "reverse", async ({ container }) => {
    const { status } = container.inspect().state;
    if (status !== "running" && status !== "restarting") return;
    await step(tell, { id: containerId(container.name), words: ["Stopping", "Stopped"] }, () =>
      container.stop({ timeout }),
    );
  });
}

/** Stops and removes containers. */
export async function removeMembers(
  running: RunningProject,
  members: readonly Member[],
  { tell, timeout }: StopHow,
): Promise<void> {
  await eachInOrder(members, "reverse", async ({ container }) => {
    const id = containerId(container.name);
    const { status } = container.inspect().state;
    if (status === "running" || status === "restarting") {
      await step(tell, { id, words: ["Stopping", "Stopped"] }, () => container.stop({ timeout }));
    }
    await step(tell, { id, words: ["Removing", "Removed"] }, () => running.remove(container));
  });
}

/** Stops a project's services; without any grace, also where another stop still waits. @throws PROJECT_SERVICE_UNKNOWN, CONTAINER_STUCK */
export async function stopServices(running: RunningProject, { services, ...how }: StopServices): Promise<void> {
  if (how.timeout === 0) {
    for (const { container } of membersOf(running, services)) void container.kill("SIGKILL").catch(() => {});
  }
  await running.operate({ interrupts: true }, () => stopMembers(membersOf(running, services), how));
}

/**
 * Restarts services, also those that had ended, in the order in which they wait for one another; no conditions are waited for, as in
 * docker compose.
 *
 * @throws PROJECT_SERVICE_UNKNOWN, CONTAINER_STUCK, and what runners throw
 */
export async function restartServices(
  running: RunningProject,
  { services, tell, timeout, secrets = {} }: RestartServices,
): Promise<void> {
  await running.operate({ interrupts: true }, async () => {
    const members = membersOf(running, services);
    const project = running.files.readProject();
    if (project !== undefined) restoreSecrets(running, project, { members, values: secrets });
    await eachInOrder(members, "forward", ({ container }) =>
      step(tell, { id: containerId(container.name), words: ["Restarting", "Started"] }, () =>
        container.restart({ timeout }),
      ),
    );
  });
}

/** Where secrets are does not outlast a restart of the machine. */
function restoreSecrets(
  running: RunningProject,
  project: Project,
  { members, values }: { readonly members: readonly Member[]; readonly values: Readonly<Record<string, string>> },
): void {
  for (const { data } of members) {
    const { service } = data;
    if (service.secrets.length === 0 || existsSync(serviceSecrets(running.places, service.name))) continue;
    writeSecrets(project, service, { places: running.places, values });
  }
}

/**
 * Stops and removes a project's containers and all that is kept of them; where services are named, theirs alone. Named volumes stay
 * unless they are asked for; anonymous ones go, for nobody could find them again.
 *
 * @throws PROJECT_SERVICE_UNKNOWN, CONTAINER_STUCK
 */
export async function takeDown(running: RunningProject, options: DownOptions): Promise<void> {
  const { services = [], volumes = false, volumeNames = [], tell } = options;
  await running.operate({ interrupts: true }, async () => {
    const project = running.files.readProject();
    const members = membersOf(running, services);
    await removeMembers(running, members, options);
    if (services.length > 0) return;
    const known = [...(project?.volumes.values() ?? [])].filter(({ external }) => !external);
    for (const { name } of known.filter(({ anonymous }) => anonymous)) running.files.removeVolume(name);
    const named = known.filter(({ anonymous }) => !anonymous).map(({ name }) => name);
    for (const name of volumes ? new Set([...named, ...volumeNames]) : []) {
      if (!existsSync(running.files.volumeFolder(name))) continue;
      await step(tell, { id: `Volume ${name}`, words: ["Removing", "Removed"] }, () =>
        running.files.removeVolume(name),
      );
    }
    const networks = [...(project?.networks.values() ?? [])].filter(({ external }) => !external);
    for (const { name } of networks) tell({ id: `Network ${name}`, status: "Removing", state: "working" });
    running.files.clear();
    for (const { name } of networks) tell({ id: `Network ${name}`, status: "Removed", state: "done" });
  });
}

function membersOf(running: RunningProject, services: readonly string[] = []): readonly Member[] {
  const all = running.members();
  const known = new Set([
    ...(running.files.readProject()?.services.keys() ?? []),
    ...all.map(({ data }) => data.service.name),
  ]);
  // Nothing is known of a project that nobody brought up, and there is nothing to stop.
  if (known.size === 0) return [];
  const names = chosenServices([...known], services);
  return all.filter(({ data }) => names.includes(data.service.name));
}

async function eachInOrder(
  members: readonly Member[],
  direction: "forward" | "reverse",
  action: (member: Member) => Promise<unknown>,
): Promise<void> {
  const services = new Map<string, Ordered>(
    members.map(({ data: { service } }) => [service.name, { name: service.name, dependsOn: service.dependsOn }]),
  );
  await inOrder([...services.values()], direction, async (name) => {
    await Promise.all(members.filter(({ data }) => data.service.name === name).map(action));
  });
}
