import { stringify } from "yaml";
import { formatRestartPolicy } from "../../runtime/index.ts";
import type { Mount, Project, PublishedPort, Secret, Service } from "./model.ts";

/** A value of YAML and JSON. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain };

/** A project in the one form that `docker compose config` prints: long, absolute, sorted; it loads as the same project. */
export function canonicalProject(project: Project): Plain {
  const volumes = [...project.volumes].filter(([, { anonymous }]) => !anonymous);
  return prune({
    name: project.name,
    services: map(project.services, (service) => serviceOf(service, project)),
    networks: map(project.networks, ({ name, external, internal, labels }) =>
      prune({ name, external: external || undefined, internal: internal || undefined, labels: texts(labels) }),
    ),
    volumes: map(volumes, ({ name, external, labels }) =>
      prune({ name, external: external || undefined, labels: texts(labels) }),
    ),
    secrets: map(project.secrets, secretOf),
  });
}

/** {@link canonicalProject} as text. */
export function writeProject(project: Project, format: "yaml" | "json" = "yaml"): string {
  const plain = canonicalProject(project);
  return format === "json" ? `${JSON.stringify(plain, undefined, 2)}\n` : stringify(plain, { lineWidth: 0 });
}

function secretOf(secret: Secret): Plain {
  const { name } = secret;
  return secret.kind === "file" ? { name, file: text(secret.path) } : { name, environment: secret.variable };
}

function serviceOf(service: Service, { volumes }: Project): Plain {
  const { image, args, argvFromFile, grants, healthcheck, limits, networks, outbound, restart } = service;
  const words = args.length === 0 ? undefined : args.map(text);
  return prune({
    attach: service.attach ? undefined : false,
    command: argvFromFile ? undefined : words,
    container_name: service.containerName,
    depends_on: map(
      service.dependsOn.map((each) => [each.service, each] as const),
      ({ condition, restart: again, required }) => prune({ condition, restart: again || undefined, required }),
    ),
    deploy: prune({
      replicas: service.scale === 1 ? undefined : service.scale,
      resources: limitsOf(limits),
    }),
    entrypoint: argvFromFile ? words : undefined,
    environment: texts(service.env),
    healthcheck:
      healthcheck === undefined
        ? undefined
        : {
            test: [healthcheck.kind === "exec" ? "CMD" : "CMD-SHELL", ...healthcheck.command.map(text)],
            interval: time(healthcheck.interval),
            timeout: time(healthcheck.timeout),
            retries: healthcheck.retries,
            start_period: time(healthcheck.startPeriod),
            start_interval: time(healthcheck.startInterval),
          },
    image: text(image.kind === "wasm" ? image.path : image.reference),
    labels: texts(service.labels),
    network_mode: networks.length === 0 ? "none" : undefined,
    networks: map(
      networks.map((each) => [each.name, each] as const),
      ({ aliases }) => (aliases.length === 0 ? null : { aliases: aliases.map(text) }),
    ),
    ports: list(service.ports.map(portOf)),
    profiles: list(service.profiles.map(text)),
    restart: restart.name === "no" ? undefined : formatRestartPolicy(restart),
    secrets: list(service.secrets.map(({ source, target }) => ({ source, target: text(target) }))),
    stop_grace_period: service.stopGracePeriod === 10_000 ? undefined : time(service.stopGracePeriod),
    stop_signal: service.stopSignal,
    volumes: list(service.mounts.map((mount) => mountOf(mount, volumes))),
    working_dir: service.workdir === undefined ? undefined : text(service.workdir),
    "x-sampan": prune({
      outbound: list(outbound.map(text)),
      limits: ownLimitsOf(limits),
      config: texts(grants.config),
      keyvalue: texts(Object.fromEntries(grants.keyvalue.map(({ name, file }) => [name, file ?? "memory"]))),
      log: grants.log.kind === "none" ? undefined : `${grants.log.kind}=${grants.log.level}`,
    }),
  });
}

function limitsOf({ cpus, memory, pids }: Service["limits"]): Plain | undefined {
  const limits = prune({ cpus, memory: memory === undefined ? undefined : String(memory), pids });
  return isEmptyMap(limits) ? undefined : { limits };
}

function ownLimitsOf({ timeout, maxFiles, maxOutput, maxThreads }: Service["limits"]): Plain | undefined {
  const duration = timeout === undefined ? undefined : time(timeout);
  return prune({ timeout: duration, max_files: maxFiles, max_output: maxOutput, max_threads: maxThreads });
}

function portOf({ hostIp, hostPort, hostPortLast, guestPort, protocol }: PublishedPort): Plain {
  const published = hostPortLast === undefined ? String(hostPort) : `${hostPort}-${hostPortLast}`;
  return {
    mode: "ingress",
    ...(hostIp === "0.0.0.0" ? {} : { host_ip: hostIp }),
    target: guestPort,
    ...(hostPort === 0 ? {} : { published }),
    protocol,
  };
}

function mountOf(mount: Mount, volumes: Project["volumes"]): Plain {
  const target = text(mount.target);
  if (mount.kind === "tmpfs") return { type: "tmpfs", target };
  const readOnly = mount.readOnly ? { read_only: true } : {};
  if (mount.kind === "bind") {
    return { type: "bind", source: text(mount.source), target, ...readOnly, bind: { create_host_path: mount.create } };
  }
  const subpath = mount.subpath === undefined ? {} : { volume: { subpath: text(mount.subpath) } };
  // A volume without a name gets one of its own wherever it is read.
  const source = volumes.get(mount.volume)?.anonymous === true ? {} : { source: mount.volume };
  return { type: "volume", ...source, target, ...readOnly, ...subpath };
}

/** Text in which no variable is put in when it is read again. */
function text(value: string): string {
  return value.replaceAll("$", "$$$$");
}

function texts(values: Readonly<Record<string, string>>): Plain | undefined {
  return map(Object.entries(values), text);
}

function time(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms * 1e6)}ns`;
}

function list(items: readonly Plain[]): readonly Plain[] | undefined {
  return items.length === 0 ? undefined : items;
}

function map<T>(entries: Iterable<readonly [string, T]>, plainOf: (value: T) => Plain | undefined): Plain | undefined {
  const sorted = [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const pairs = sorted.map(([key, value]) => {
    const plain = plainOf(value);
    return [key, plain === undefined ? {} : plain] as const;
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

function prune(value: Readonly<Record<string, Plain | undefined>>): Plain {
  const kept = Object.entries(value).filter(
    (entry): entry is [string, Plain] => entry[1] !== undefined && !isEmptyMap(entry[1]),
  );
  return Object.fromEntries(kept);
}

function isEmptyMap(value: Plain): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
