import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SampanError } from "../../base/index.ts";
import { type ContainerConfig, moduleStamp, type ProjectPlaces } from "../../runtime/index.ts";
import type { Project, Service, StandInFamily } from "../file/model.ts";
import type { ProjectFiles } from "./project-files.ts";
import { secretFolder, serviceSecrets, tmpfsFolder } from "./service-runner.ts";
import {
  configHash,
  containerName,
  imageText,
  labels,
  type ResolvedMount,
  type ServiceWorkload,
} from "./service-workload.ts";

/** One instance as it is wanted. */
export interface Instance {
  readonly service: Service;
  readonly number: number;
  readonly name: string;
  readonly hash: string;
}

/** The instances of services, in the order of numbers. @throws FILE_NOT_FOUND for a module that is not there */
export async function instancesOf(
  project: Project,
  services: readonly Service[],
  scale: Readonly<Record<string, number>>,
): Promise<Instance[]> {
  const all: Instance[] = [];
  for (const service of services) {
    const count = scale[service.name] ?? service.scale;
    if (count > 1 && service.containerName !== undefined) {
      throw new SampanError(
        "PROJECT_INVALID",
        `Cannot run "${service.name}" ${count} times: it has the one name "${service.containerName}"`,
        { hint: `leave out container_name of the service "${service.name}"` },
      );
    }
    const hash = configHash(service, await stampsOf(project, service));
    for (let number = 1; number <= count; number++) {
      all.push({ service, number, name: containerName(project.name, service, number), hash });
    }
  }
  return all;
}

/** What a hash has beside the service: what its files are, and where its volumes and secrets come from. */
async function stampsOf(project: Project, { image, mounts, secrets }: Service): Promise<string[]> {
  const stamps = image.kind === "wasm" ? [await moduleStamp(image.path)] : [];
  for (const mount of mounts) {
    if (mount.kind === "volume") stamps.push(project.volumes.get(mount.volume)?.name ?? mount.volume);
  }
  for (const { source } of secrets) {
    const secret = project.secrets.get(source);
    if (secret?.kind === "file") stamps.push(await moduleStamp(secret.path));
    else if (secret !== undefined) stamps.push(secret.variable);
  }
  return stamps;
}

/** What the container of an instance is made with. */
export function containerConfig(
  project: Project,
  instance: Instance,
  placed: Pick<ServiceWorkload, "addresses" | "ports" | "mounts">,
): ContainerConfig {
  const { service, number, name, hash } = instance;
  const data: ServiceWorkload = { project: project.name, service, number, container: name, ...placed };
  return {
    name,
    workload: { kind: service.image.kind, image: imageText(service), data },
    restart: service.restart,
    stopSignal: service.stopSignal,
    stopTimeout: service.stopGracePeriod,
    labels: {
      ...service.labels,
      [labels.project]: project.name,
      [labels.service]: service.name,
      [labels.number]: String(number),
      [labels.hash]: hash,
      [labels.folder]: project.folder,
    },
  };
}

/** What mounts are made in. */
export interface MountPlaces {
  readonly files: ProjectFiles;
  readonly places: ProjectPlaces;
}

/** The folders of the host that an instance sees; those of volumes and binds are made where they may be. @throws PROJECT_INVALID */
export function mountsOf(
  project: Project,
  { service, name }: Instance,
  { files, places }: MountPlaces,
): readonly ResolvedMount[] {
  const mounts = service.mounts.map((mount): ResolvedMount => {
    switch (mount.kind) {
      case "bind": {
        const { kind, source, target, readOnly } = mount;
        if (!existsSync(source)) {
          if (!mount.create) throw missing(service.name, `the folder "${source}"`, `make it with mkdir ${source}`);
          mkdirSync(source, { recursive: true });
        }
        return { kind, source, target, readOnly };
      }
      case "volume": {
        const { kind, volume, target, readOnly, subpath = "." } = mount;
        const source = join(files.volumeFolder(project.volumes.get(volume)?.name ?? volume), subpath);
        mkdirSync(source, { recursive: true, mode: 0o700 });
        return { kind, source, target, readOnly };
      }
      case "tmpfs":
        return {
          kind: "tmpfs",
          source: tmpfsFolder(places, name, mount.target),
          target: mount.target,
          readOnly: false,
        };
    }
  });
  const folders = new Map(
    service.secrets.map(({ target }) => [dirname(target), secretFolder(places, service.name, target)] as const),
  );
  const secrets = [...folders].map(([target, source]): ResolvedMount => ({
    kind: "secrets",
    source,
    target,
    readOnly: true,
  }));
  return [...mounts, ...secrets, ...dataOf(service, name, { mounts, places })];
}

/** Where the databases that stand-ins take the place of keep their data. */
const dataTargets: Readonly<Record<StandInFamily, string | undefined>> = {
  mariadb: "/var/lib/mysql",
  mysql: "/var/lib/mysql",
  nginx: undefined,
  postgres: "/var/lib/postgresql/data",
};

/** A folder for the data of a database whose volume the file does not name, as its image declares one: it goes with `down`. */
function dataOf(
  { image }: Service,
  name: string,
  { mounts, places }: { readonly mounts: readonly ResolvedMount[]; readonly places: ProjectPlaces },
): readonly ResolvedMount[] {
  const target = image.kind === "stand-in" ? dataTargets[image.family] : undefined;
  if (target === undefined) return [];
  const isCovered = mounts.some((mount) => target === mount.target || target.startsWith(`${mount.target}/`));
  if (isCovered) return [];
  const source = join(places.state, "data", name);
  mkdirSync(source, { recursive: true, mode: 0o700 });
  return [{ kind: "volume", source, target, readOnly: false }];
}

/** Writes the files in which a service sees its secrets. `values` are those of secrets that come from variables. */
export function writeSecrets(
  project: Project,
  service: Service,
  { places, values }: { readonly places: ProjectPlaces; readonly values: Readonly<Record<string, string>> },
): void {
  const wanted = new Set<string>();
  for (const { source, target } of service.secrets) {
    const secret = project.secrets.get(source);
    if (secret === undefined) continue;
    const folder = secretFolder(places, service.name, target);
    const path = join(folder, basename(target));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Those that run already see the folder, which has to stay the same, and never half a file.
    writeFileSync(`${path}.new`, contentOf(secret, service, values), { mode: 0o400 });
    renameSync(`${path}.new`, path);
    wanted.add(path);
  }
  for (const path of filesBelow(serviceSecrets(places, service.name))) if (!wanted.has(path)) rmSync(path);
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? join(entry.parentPath, entry.name) : []));
}

function contentOf(
  secret: NonNullable<ReturnType<Project["secrets"]["get"]>>,
  service: Service,
  values: Readonly<Record<string, string>>,
): Buffer | string {
  if (secret.kind === "environment") {
    const value = values[secret.variable];
    if (value !== undefined) return value;
    throw missing(
      service.name,
      `the variable "${secret.variable}" of a secret`,
      `set it: ${secret.variable}=… sampan up`,
    );
  }
  try {
    return readFileSync(secret.path);
  } catch {
    throw missing(service.name, `the file "${secret.path}" of a secret`, "write it, or name another in secrets");
  }
}

/** The values of variables that a project's secrets come from. */
export function secretValues(
  project: Project,
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const variables = [...project.secrets.values()].flatMap((each) => (each.kind === "environment" ? each.variable : []));
  return Object.fromEntries(
    variables.flatMap((variable) => {
      const value = project.secretValues[variable] ?? env[variable];
      return value === undefined ? [] : [[variable, value]];
    }),
  );
}

function missing(service: string, what: string, hint: string): SampanError {
  return new SampanError("PROJECT_INVALID", `Cannot start "${service}": ${what} is not there`, { hint });
}
