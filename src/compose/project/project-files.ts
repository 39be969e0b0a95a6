import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ContainerRecord, type Health, type Places, type ProjectPlaces, pruneEmpty } from "../../runtime/index.ts";
import type { Project } from "../file/model.ts";
import type { ServiceWorkload } from "./service-workload.ts";
import { type ProjectData, projectFromData, projectToData } from "./project-data.ts";

/** A container as it is kept on disk. */
export interface SavedContainer {
  readonly record: ContainerRecord;
  readonly health?: Health | undefined;
}

/** What of a project is on disk: its model as last brought up, its containers' records, and where their logs are. */
export class ProjectFiles {
  readonly #places: ProjectPlaces;
  readonly #tops: Places;

  constructor(tops: Places, places: ProjectPlaces) {
    this.#tops = tops;
    this.#places = places;
  }

  /** The folder with a log folder for each container, by its id. */
  get logs(): string {
    return join(this.#places.state, "logs");
  }

  /** The model as last brought up; undefined where there is none, or none that can be read. */
  readProject(): Project | undefined {
    const data = readJson(join(this.#places.state, "project.json"));
    return isProjectData(data) ? projectFromData(data) : undefined;
  }

  writeProject(project: Project): void {
    mkdirSync(this.#places.state, { recursive: true, mode: 0o700 });
    writeWhole(join(this.#places.state, "project.json"), projectToData(project));
  }

  /** The containers, in the order in which they were made. */
  readContainers(): SavedContainer[] {
    const folder = join(this.#places.state, "containers");
    return namesIn(folder)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => {
        const saved = readJson(join(folder, name));
        // Its id is part of paths, so that it has to be the file's own.
        return isSaved(saved) && `${saved.record.id}.json` === name ? saved : [];
      })
      .toSorted((a, b) => (a.record.createdAt < b.record.createdAt ? -1 : 1));
  }

  /** Keeps a container; one write, whole or not at all. */
  writeContainer(saved: SavedContainer): void {
    const folder = join(this.#places.state, "containers");
    const path = join(folder, `${saved.record.id}.json`);
    try {
      writeWhole(path, saved);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeWhole(path, saved);
    }
  }

  removeContainer(id: string): void {
    rmSync(join(this.#places.state, "containers", `${id}.json`), { force: true });
    rmSync(join(this.logs, id), { recursive: true, force: true });
  }

  /** Whether anything is known of the project. */
  get exists(): boolean {
    return existsSync(join(this.#places.state, "project.json"));
  }

  /** The folder of a volume by its name on this machine. */
  volumeFolder(name: string): string {
    return join(this.#tops.state, "volumes", name);
  }

  /** The volumes that are there. */
  volumes(): string[] {
    return namesIn(join(this.#tops.state, "volumes"));
  }

  removeVolume(name: string): void {
    rmSync(this.volumeFolder(name), { recursive: true, force: true });
    pruneEmpty(join(this.#tops.state, "volumes"), this.#tops.state);
  }

  /** Removes what sockets, secrets and temporary file systems left; nothing of it runs. */
  clearRun(): void {
    rmSync(this.#places.run, { recursive: true, force: true });
    rmSync(this.#places.net, { recursive: true, force: true });
    pruneEmpty(this.#places.nets, this.#tops.run);
  }

  /** Removes all but volumes and the hold, which is released behind that; then {@link prune}. */
  clear(): void {
    for (const name of ["project.json", "containers", "logs", "data"]) {
      rmSync(join(this.#places.state, name), { recursive: true, force: true });
    }
    this.clearRun();
  }

  /** Removes the folders in which nothing is left. */
  prune(): void {
    pruneEmpty(this.#places.state, this.#tops.state);
    pruneEmpty(this.#tops.run, this.#tops.run);
  }
}

function isProjectData(data: unknown): data is ProjectData {
  const { services, volumes, networks, secrets } = (data ?? {}) as Partial<ProjectData>;
  return [services, volumes, networks, secrets].every(
    (table) => Array.isArray(table) && table.every((row) => Array.isArray(row)),
  );
}

/** Whether a file has as much of a container as everything here counts on; somebody may have edited it. */
function isSaved(data: unknown): data is SavedContainer {
  const { record } = (data ?? {}) as { readonly record?: Partial<ContainerRecord> };
  const workload = record?.config?.workload?.data as Partial<ServiceWorkload> | undefined;
  return (
    typeof record?.id === "string" &&
    typeof record.name === "string" &&
    typeof record.createdAt === "string" &&
    record.state !== undefined &&
    typeof workload?.service?.name === "string" &&
    Array.isArray(workload.addresses) &&
    Array.isArray(workload.ports)
  );
}

function writeWhole(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
