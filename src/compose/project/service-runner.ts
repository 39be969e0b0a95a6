import { mkdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { FolderGrant, Grants } from "../../capabilities/index.ts";
import type {
  Ending,
  Process,
  ProcessIo,
  ProjectNetworkConfig,
  ProjectPlaces,
  Runner,
  WasmWorkload,
  Workload,
} from "../../runtime/index.ts";
import type { HealthBoard } from "./health-board.ts";
import type { ResolvedMount, ServiceWorkload } from "./service-workload.ts";

/** What a {@link ServiceRunner} is made with. */
export interface ServiceRunnerOptions {
  /** Who runs what a service's image is. */
  readonly inner: Runner;
  readonly places: ProjectPlaces;
  /** All instances of the project that there are now. */
  readonly hosts: () => ProjectNetworkConfig["hosts"];
  readonly health: HealthBoard;
}

/**
 * Starts an instance of a service: what its container keeps is joined with what holds for this run alone, its neighbours, and its
 * health is watched from then on.
 */
export class ServiceRunner implements Runner {
  readonly #options: ServiceRunnerOptions;

  constructor(options: ServiceRunnerOptions) {
    this.#options = options;
  }

  async start(workload: Workload, io: ProcessIo): Promise<Process> {
    const { inner, places, health } = this.#options;
    const data = workload.data as ServiceWorkload;
    // What an earlier run left there stands in the way of this one's listening.
    for (const { ip } of data.addresses) rmSync(join(places.net, ip), { recursive: true, force: true });
    for (const { kind, source } of data.mounts) {
      if (kind !== "tmpfs") continue;
      rmSync(source, { recursive: true, force: true });
      mkdirSync(source, { recursive: true, mode: 0o700 });
    }
    const network = this.#networkOf(data);
    const started =
      data.service.image.kind === "wasm"
        ? { ...workload, data: wasmWorkload(data, data.service.image.path, network) }
        : { ...workload, data: standInWorkload(data, network) };
    const process = await inner.start(started, io);
    health.watch(data, process, (port) => this.#socketOf(data, port));
    const exited = process.exited.then(async (ending) => {
      await tellEnding(ending, io.stderr);
      return ending;
    });
    return {
      exited,
      end: (signal) => process.end(signal),
      ...(process.deliver === undefined ? {} : { deliver: (signal) => process.deliver?.(signal) === true }),
    };
  }

  #networkOf({ service, container, addresses, ports }: ServiceWorkload): ProjectNetworkConfig {
    const { places, hosts } = this.#options;
    const names = [service.name, container, ...service.networks.flatMap(({ aliases }) => aliases)];
    return {
      folder: places.net,
      root: places.nets,
      self: { addresses, names: [...new Set(names)] },
      hosts: hosts(),
      published: ports,
    };
  }

  #socketOf({ addresses }: ServiceWorkload, port: number): string {
    const ip = addresses[0]?.ip ?? "";
    return join(this.#options.places.net, ip, `tcp-${port}`);
  }
}

/** Writes to a container's log why it ended, where the workload itself could not: a trap, a limit, a defect. */
async function tellEnding(ending: Ending, stderr: ProcessIo["stderr"]): Promise<void> {
  const text = endingText(ending);
  if (text === undefined) return;
  for (let bytes: Uint8Array = Buffer.from(text); bytes.length > 0;) bytes = bytes.subarray(await stderr.write(bytes));
}

function endingText(ending: Ending): string | undefined {
  switch (ending.kind) {
    case "exit":
    case "signal":
      return undefined;
    case "trap": {
      const frames = ending.backtrace.slice(0, mostFrames).map(({ index, name, file, line }) => {
        const place = file === undefined ? "" : ` (${file}${line === undefined ? "" : `:${line}`})`;
        return `    at ${name ?? `function ${index}`}${place}\n`;
      });
      return `sampan: trap: ${ending.message}\n${frames.join("")}`;
    }
    case "error":
      return `sampan: ${ending.error.message} [${ending.error.code}]\n`;
    case "bug":
      return `sampan: this is a bug of Sampan's: ${ending.stack}\n`;
  }
}

const mostFrames = 20;

/** The hosts table's rows of one instance. */
export function hostsOf({ service, container, addresses }: ServiceWorkload): ProjectNetworkConfig["hosts"] {
  return addresses.flatMap(({ network, ip }) => {
    const aliases = service.networks.find(({ name }) => name === network)?.aliases ?? [];
    return [...new Set([service.name, container, ...aliases])].map((name) => ({ name, network, ip }));
  });
}

function wasmWorkload(data: ServiceWorkload, path: string, network: ProjectNetworkConfig): WasmWorkload {
  const { service, mounts } = data;
  const { memory, timeout, maxFiles, maxOutput, maxThreads } = service.limits;
  return {
    module: path,
    args: service.argvFromFile ? service.args : [basename(path), ...service.args],
    grants: grantsOf(service.grants, mounts),
    limits: { memory, deadline: timeout, maxFiles, maxOutput, maxThreads },
    cordon: "shared",
    network,
  };
}

/** The service's grants with the folders that only who runs it knows, in the order of the file's mounts. */
function grantsOf(grants: Grants, mounts: readonly ResolvedMount[]): Grants {
  const mounted = mounts.map(
    ({ kind, source, target, readOnly }): FolderGrant =>
      grants.files.find(({ guest }) => kind === "bind" && guest === target) ?? {
        host: source,
        guest: target,
        access: readOnly ? "read-only" : "read-write",
      },
  );
  const others = grants.files.filter((file) => !mounted.includes(file));
  return { ...grants, files: [...mounted, ...others] };
}

function standInWorkload({ service, mounts, container }: ServiceWorkload, network: ProjectNetworkConfig): unknown {
  if (service.image.kind === "wasm") throw new TypeError("A module is no stand-in");
  const { family, reference } = service.image;
  const { env, args } = service;
  return {
    family,
    reference,
    env,
    args,
    name: container,
    network,
    mounts: mounts.map(({ source, target, readOnly }) => ({ source, target, readOnly })),
  };
}

/** Where secrets of an instance lie, by the guest folder in which it sees them. */
export function secretFolder(places: ProjectPlaces, service: string, target: string): string {
  return join(serviceSecrets(places, service), encodeURIComponent(dirname(target)));
}

/** Where all secrets of a service lie; a service may well be called `..`. */
export function serviceSecrets(places: ProjectPlaces, service: string): string {
  return join(places.run, "secrets", `of-${service}`);
}

/** Where a temporary file system of an instance lies. */
export function tmpfsFolder(places: ProjectPlaces, container: string, target: string): string {
  return join(places.run, "tmp", container, encodeURIComponent(target));
}
