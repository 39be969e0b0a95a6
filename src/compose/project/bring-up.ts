import { existsSync, mkdirSync } from "node:fs";
import { SampanError } from "../../base/index.ts";
import { type Container, within } from "../../runtime/index.ts";
import type { Project, Service } from "../file/model.ts";
import { AddressBook } from "./addresses.ts";
import { containerConfig, type Instance, instancesOf, mountsOf, writeSecrets } from "./instances.ts";
import { probeOf } from "./health-board.ts";
import { PortDesk } from "./port-desk.ts";
import type { Member, RunningProject } from "./running-project.ts";
import { chosenServices, inOrder, wantedServices } from "./services.ts";
import { labels } from "./service-workload.ts";
import { containerId, step, type Tell } from "./steps.ts";
import { removeMembers, stopMembers } from "./take-down.ts";
import { waitCompleted, waitHealthy } from "./wait-for.ts";

/** How {@link bringUp} is asked; times are milliseconds. */
export interface UpOptions {
  /** All where none is named. */
  readonly services?: readonly string[] | undefined;
  readonly noDeps?: boolean | undefined;
  readonly forceRecreate?: boolean | undefined;
  readonly noRecreate?: boolean | undefined;
  readonly removeOrphans?: boolean | undefined;
  /** Instances by service, in the place of what the file says. */
  readonly scale?: Readonly<Record<string, number>> | undefined;
  /** Waits until all services run, and are healthy where they have a check. */
  readonly wait?: boolean | undefined;
  /** The longest wait. */
  readonly waitTimeout?: number | undefined;
  /** The grace period of containers that are made anew. */
  readonly timeout?: number | undefined;
  /** Values of the variables that secrets come from. */
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

interface Work {
  readonly project: Project;
  readonly running: RunningProject;
  readonly options: UpOptions;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/**
 * Brings a project up: makes what is not there, makes anew what would run otherwise than before, and starts all in the order in
 * which services wait for one another.
 *
 * @throws PROJECT_SERVICE_UNKNOWN, PROJECT_PORT_TAKEN, PROJECT_UNHEALTHY, PROJECT_DEPENDENCY, PROJECT_INVALID,
 *   PROJECT_INTERRUPTED, HEALTH_UNKNOWN, and what runners throw
 */
export async function bringUp(
  running: RunningProject,
  project: Project,
  { options, tell }: { readonly options: UpOptions; readonly tell: Tell },
): Promise<void> {
  await running.operate({ interrupts: false }, (signal) => raise({ running, project, options, tell, signal }));
}

async function raise(work: Work): Promise<void> {
  const { project, running, options } = work;
  const { services: typed = [], noDeps, scale = {} } = options;
  const services = wantedServices(project, typed, { dependencies: noDeps === true ? "without" : "with" });
  chosenServices([...project.services.keys()], Object.keys(scale));
  for (const service of services) probeOf(service);
  const instances = await instancesOf(project, services, scale);
  makePlaces(work, services);
  running.files.writeProject(project);
  await settleOrphans(work);
  const { fresh, kept } = await settleExisting(work, services, instances);
  const created = await create(work, fresh);
  await startAll(work, services, new Set([...kept, ...created]));
}

function makePlaces({ running, project, options, tell }: Work, services: readonly Service[]): void {
  const isNew = !running.files.exists;
  for (const network of isNew ? project.networks.values() : []) {
    if (network.external) continue;
    tell({ id: `Network ${network.name}`, status: "Creating", state: "working" });
    tell({ id: `Network ${network.name}`, status: "Created", state: "done" });
  }
  const used = new Set(
    services.flatMap(({ mounts }) => mounts.flatMap((mount) => (mount.kind === "volume" ? mount.volume : []))),
  );
  for (const [key, volume] of project.volumes) {
    if (!used.has(key)) continue;
    const folder = running.files.volumeFolder(volume.name);
    if (existsSync(folder)) continue;
    if (volume.external) {
      throw new SampanError("PROJECT_INVALID", `Cannot use the external volume "${volume.name}": it is not there`, {
        hint: `make it with mkdir -p ${folder}, or leave out external`,
      });
    }
    if (volume.anonymous) continue;
    tell({ id: `Volume ${volume.name}`, status: "Creating", state: "working" });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    tell({ id: `Volume ${volume.name}`, status: "Created", state: "done" });
  }
  for (const service of services) {
    writeSecrets(project, service, { places: running.places, values: options.secrets ?? {} });
  }
}

/** Removes, or tells of, containers whose services the file has no more. */
async function settleOrphans({ running, project, options, tell }: Work): Promise<void> {
  const orphans = running.members().filter(({ data }) => !project.services.has(data.service.name));
  if (orphans.length === 0) return;
  if (options.removeOrphans === true) {
    await removeMembers(running, orphans, { tell, timeout: options.timeout });
    return;
  }
  const names = orphans.map(({ container }) => container.name).join(" ");
  tell({
    id: "",
    status: "",
    state: "warning",
    detail: `Found orphan containers ([${names}]) for this project. If you removed or renamed this service in your compose file, you can run this command with the --remove-orphans flag to clean it up.`,
  });
}

/** Removes what is too many and what would run otherwise than before; answers what is to be made and what stays. */
async function settleExisting(
  { running, options, tell }: Work,
  services: readonly Service[],
  instances: readonly Instance[],
): Promise<{ readonly fresh: readonly Instance[]; readonly kept: readonly string[] }> {
  const { forceRecreate, noRecreate, timeout } = options;
  const names = new Set(services.map(({ name }) => name));
  const wanted = new Map(instances.map((instance) => [instance.name, instance]));
  const isSame = ({ container }: Member): boolean => {
    const hash = wanted.get(container.name)?.hash;
    return noRecreate === true || (forceRecreate !== true && container.record().config.labels[labels.hash] === hash);
  };
  const there = running.members().filter(({ data }) => names.has(data.service.name));
  const surplus = there.filter(({ container }) => !wanted.has(container.name));
  const diverged = there.filter((member) => wanted.has(member.container.name) && !isSame(member));
  await removeMembers(running, surplus, { tell, timeout });
  // What asks for it is stopped when what it depends on is made anew, and starts again behind that.
  const renewed = new Set(diverged.map(({ data }) => data.service.name));
  const followers = there.filter(
    (member) =>
      isSame(member) && member.data.service.dependsOn.some((each) => each.restart && renewed.has(each.service)),
  );
  if (renewed.size > 0) await stopMembers(followers, { tell, timeout });
  for (const { container } of diverged) tell({ id: containerId(container.name), status: "Recreate", state: "working" });
  await stopMembers(diverged, { tell: () => {}, timeout });
  for (const { container } of diverged) await running.remove(container);
  const kept = there.filter((member) => !surplus.includes(member) && !diverged.includes(member));
  const keptNames = kept.map(({ container }) => container.name);
  const again = new Set(diverged.map(({ container }) => container.name));
  for (const name of again) running.recreating.add(name);
  return { fresh: instances.filter(({ name }) => !keptNames.includes(name)), kept: keptNames };
}

async function create({ running, project, tell }: Work, fresh: readonly Instance[]): Promise<readonly string[]> {
  const members = running.members();
  const book = new AddressBook(members.map(({ data }) => data.addresses));
  const desk = new PortDesk(members);
  for (const instance of fresh) {
    const { service, name } = instance;
    const isAgain = running.recreating.delete(name);
    const id = containerId(name);
    if (!isAgain) tell({ id, status: "Creating", state: "working" });
    try {
      const ports = await desk.resolve(service);
      const mounts = mountsOf(project, instance, running);
      const addresses = book.allot(service.networks.map((network) => network.name));
      await running.create(containerConfig(project, instance, { addresses, ports, mounts }));
    } catch (error) {
      tell({ id, status: "Error", state: "error", detail: error instanceof Error ? error.message : String(error) });
      throw error;
    }
    tell({ id, status: isAgain ? "Recreated" : "Created", state: "done" });
  }
  if (fresh.length > 0) running.writeHosts();
  return fresh.map(({ name }) => name);
}

async function startAll(work: Work, services: readonly Service[], names: ReadonlySet<string>): Promise<void> {
  const { running, options, signal } = work;
  const members = running.members().filter(({ container }) => names.has(container.name));
  const desk = new PortDesk([]);
  for (const { container, data } of members) {
    if (container.inspect().state.status !== "running") await desk.check(data.service.name, data.ports);
  }
  const byService = (name: string): readonly Member[] => members.filter(({ data }) => data.service.name === name);
  await inOrder(services, "forward", async (name) => {
    const service = services.find((each) => each.name === name);
    for (const dependency of service?.dependsOn ?? []) {
      const waited = byService(dependency.service);
      const wait = dependency.condition === "service_healthy" ? waitHealthy : waitCompleted;
      if (dependency.condition === "service_started") continue;
      await Promise.all(waited.map((member) => wait(work, member, { waiting: name })));
    }
    if (signal.aborted) throw interrupted(name);
    await Promise.all(byService(name).map(({ container }) => startOne(work, container)));
  });
  if (options.wait !== true) return;
  const all = Promise.all(members.map((member) => waitHealthy(work, member, { waiting: undefined })));
  const { waitTimeout } = options;
  if (
    waitTimeout === undefined ||
    (await within(
      all.then(() => {}),
      waitTimeout,
      running.clock,
    ))
  ) {
    await all;
    return;
  }
  all.catch(() => {});
  throw new SampanError(
    "PROJECT_UNHEALTHY",
    `Cannot wait any longer: not all services are healthy after ${waitTimeout / 1000} s`,
    {
      hint: "see which are not with sampan ps",
    },
  );
}

async function startOne({ tell }: Work, container: Container): Promise<void> {
  const id = containerId(container.name);
  if (container.inspect().state.status === "running") {
    tell({ id, status: "Running", state: "done" });
    return;
  }
  await step(tell, { id, words: ["Starting", "Started"] }, () => container.start());
}

function interrupted(service: string): SampanError {
  return new SampanError("PROJECT_INTERRUPTED", `Cannot start "${service}": the project is being stopped`);
}
