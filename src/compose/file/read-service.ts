import {
  type ConnectGrant,
  defaultGrants,
  type FolderGrant,
  type Grants,
  parseConnect,
} from "../../capabilities/index.ts";
import { SampanError } from "../../base/index.ts";
import { parseSignal } from "../../runtime/index.ts";
import { type At, at, duration, itemsOrOne, refuse, spotOf, text, truth } from "./at.ts";
import type { Mount, Service } from "./model.ts";
import { guestPath } from "./paths.ts";
import { readCommand, readHealthcheck } from "./read-command.ts";
import { readDrafts } from "./read-drafts.ts";
import { readEnvironment, readLabels } from "./read-environment.ts";
import { readImage } from "./read-image.ts";
import { checkOwnKeys, readLimits, readRestart, readScale } from "./read-limits.ts";
import { readMounts } from "./read-mounts.ts";
import {
  type DependencyAt,
  readDependencies,
  readNetworks,
  readProfiles,
  readServiceSecrets,
} from "./read-networks.ts";
import { readPorts } from "./read-ports.ts";
import type { Reading } from "./reading.ts";

/** A service, and the places of what only the whole project can judge. */
export interface ServiceAt {
  readonly service: Service;
  readonly place: At;
  readonly dependencies: readonly DependencyAt[];
  readonly ports: ReturnType<typeof readPorts>;
}

const gracePeriod = 10_000;

/** Reads one service; what is wrong goes to the reading's problems, and the rest is read all the same. */
export function readService(name: string, place: At, reading: Reading): ServiceAt {
  const { problems } = reading;
  checkOwnKeys(at(place, "x-sampan"), problems);
  const image = readImage(place, reading);
  const mounts = readMounts(place, { name, image }, reading);
  const env = readEnvironment(place, reading);
  const ports = readPorts(at(place, "ports"), problems);
  const dependencies = readDependencies(place, problems);
  const workdir = readWorkdir(place, { mounts, isWasm: image?.kind === "wasm" }, reading);
  const { outbound, connect } = readOutbound(place, reading);
  const healthcheck = readHealthcheck(at(place, "healthcheck"), { problems, isStandIn: image?.kind === "stand-in" });
  const scale = readScale(place, problems);
  const containerName = readContainerName(place, scale, reading);
  const stopSignal = readStopSignal(place, reading);
  const service: Service = {
    name,
    ...(containerName === undefined ? {} : { containerName }),
    image: image ?? { kind: "wasm", path: "" },
    ...readCommand(place, problems),
    env,
    ...(workdir === undefined ? {} : { workdir }),
    mounts,
    ports: ports.map(({ port }) => port),
    networks: readNetworks(place, reading),
    dependsOn: dependencies.map(({ dependency }) => dependency),
    ...(healthcheck === undefined ? {} : { healthcheck }),
    restart: readRestart(place, problems),
    ...(stopSignal === undefined ? {} : { stopSignal }),
    stopGracePeriod: duration(problems, at(place, "stop_grace_period")) ?? gracePeriod,
    labels: readLabels(place, reading),
    scale,
    limits: readLimits(place, problems),
    profiles: readProfiles(place),
    secrets: readServiceSecrets(place, reading),
    outbound,
    grants: { ...grantsOf({ env, mounts, workdir, connect }), ...readDrafts(place, reading) },
    attach: truth(problems, at(place, "attach"), true),
  };
  return { service, place, dependencies, ports };
}

function readContainerName(place: At, scale: number, { problems }: Reading): string | undefined {
  const own = at(place, "container_name");
  const typed = text(own);
  if (own === undefined || typed === undefined) return undefined;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(typed))
    refuse(problems, own, `"${typed}" is no name of a container`, "use letters, digits, dots, dashes and underscores");
  if (scale > 1)
    refuse(problems, own, `the service has ${scale} instances, and a name is that of one`, "remove container_name:");
  return typed;
}

function readStopSignal(place: At, { problems }: Reading): string | undefined {
  const own = at(place, "stop_signal");
  const typed = text(own);
  if (own === undefined || typed === undefined) return undefined;
  try {
    parseSignal(typed);
    return typed;
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
    refuse(
      problems,
      own,
      `found "${typed}", which is no signal that ends a guest`,
      error.hint ?? "write SIGTERM, SIGINT or SIGQUIT",
    );
    return undefined;
  }
}

function readWorkdir(
  place: At,
  { mounts, isWasm }: { mounts: readonly Mount[]; isWasm: boolean },
  { problems }: Reading,
): string | undefined {
  const own = at(place, "working_dir");
  const typed = text(own);
  if (own === undefined || typed === undefined) return undefined;
  const workdir = guestPath(typed);
  if (workdir === undefined) {
    refuse(problems, own, `"${typed}" is not an absolute path of the guest`, `write /${typed.replace(/^[./]+/, "")}`);
    return undefined;
  }
  if (isWasm && !mounts.some(({ target }) => covers(target, workdir))) {
    const hint = `mount a folder there: volumes: ["./data:${workdir}"]`;
    problems.warn({
      spot: spotOf(own),
      path: own.path,
      message: `${own.path} has no effect: no mount has "${workdir}" in it`,
      hint,
    });
    return undefined;
  }
  return workdir;
}

function covers(folder: string, path: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function readOutbound(place: At, { problems, folder }: Reading): { outbound: string[]; connect: ConnectGrant[] } {
  const outbound: string[] = [];
  const connect: ConnectGrant[] = [];
  for (const item of itemsOrOne(at(at(place, "x-sampan"), "outbound"))) {
    const typed = text(item);
    if (typed === undefined) {
      refuse(problems, item, "wanted text", "write HOST or HOST:PORT, such as api.example.com:443");
      continue;
    }
    try {
      connect.push(parseConnect(typed, { cwd: folder }));
      outbound.push(typed);
    } catch (error) {
      if (!(error instanceof SampanError)) throw error;
      const problem = error.data?.["problem"];
      const why = typeof problem === "string" ? problem : "it is neither a name nor an address";
      refuse(problems, item, `"${typed}": ${why}`, "write HOST or HOST:PORT, such as api.example.com:443");
    }
  }
  return { outbound, connect };
}

/** What the guest may do: what the file says of it, and neither networks of the project nor what only it can give. */
function grantsOf({
  env,
  mounts,
  workdir,
  connect,
}: {
  env: Readonly<Record<string, string>>;
  mounts: readonly Mount[];
  workdir: string | undefined;
  connect: readonly ConnectGrant[];
}): Grants {
  const files = mounts.flatMap((mount): FolderGrant[] =>
    mount.kind === "bind"
      ? [{ host: mount.source, guest: mount.target, access: mount.readOnly ? "read-only" : "read-write" }]
      : [],
  );
  const isCovered = workdir !== undefined && files.some(({ guest }) => covers(guest, workdir));
  return {
    ...defaultGrants,
    // The standard input of a service is empty; it may be read.
    env,
    files,
    ...(isCovered ? { workdir } : {}),
    net: { ...defaultGrants.net, connect },
  };
}
