import { basename, resolve } from "node:path";
import { nearest, SampanError } from "../../base/index.ts";
import { checkFeatures, type Grants } from "../../capabilities/index.ts";
import type { ServedWorkload } from "../protocol.ts";
import type { RouteConfig, ServeConfig, WorkloadConfig } from "./model.ts";
import { placeText } from "./route.ts";
import type { cgiSettings, clientLimits, serverSettings, ValuesOf, workloadSettings } from "./settings.ts";

/** One workload as somebody wrote it. */
export interface WorkloadValues {
  readonly name: string;
  /** As it was typed; relative to `folder`. */
  readonly file: string;
  readonly folder: string;
  readonly kind: ServedWorkload["kind"] | undefined;
  readonly args: readonly string[];
  readonly features: readonly string[];
  readonly grants: Grants;
  readonly settings: ValuesOf<typeof workloadSettings>;
  readonly cgi: ValuesOf<typeof cgiSettings>;
  /** Instances that are made before the first request where nobody said a number. */
  readonly defaultWarm: number;
}

/** Everything that somebody wrote, defaults left out. */
export interface ServeValues {
  readonly server: ValuesOf<typeof serverSettings>;
  readonly limits: ValuesOf<typeof clientLimits>;
  readonly trusted: readonly string[];
  readonly workloads: readonly WorkloadValues[];
  readonly routes: readonly RouteConfig[];
  readonly sources: readonly string[];
  /** Where relative paths of certificates start. */
  readonly folder: string;
}

const kib = 1024;
const mib = 1024 * kib;
const longestTimer = 2 ** 31 - 1;
/** Ms without a request before a workload goes to zero. */
const defaultIdle = 60_000;
const defaultPool = 16;
const defaultConcurrency = 256;

/** Puts in what holds where nothing was said. @throws SERVE_CONFIG_INVALID */
export function finish(values: ServeValues): ServeConfig {
  const { server, limits, workloads, routes } = values;
  if (workloads.length === 0)
    throw new SampanError("SERVE_CONFIG_INVALID", "Cannot serve: there is no workload", {
      hint: "type sampan serve app.wasm, or add workloads: and routes: to the file",
    });
  const unrouted = workloads.find(({ name }) => !routes.some(({ to }) => to === name));
  if (unrouted !== undefined)
    throw new SampanError("SERVE_CONFIG_INVALID", `Cannot serve "${unrouted.name}": no route leads to it`, {
      hint: `add { path: /${unrouted.name}, to: ${unrouted.name} } to routes:, or take it out`,
    });
  return {
    addr: server.addr ?? { host: "127.0.0.1", port: 8080 },
    admin: server.admin,
    workers: server.workers ?? navigator.hardwareConcurrency,
    workerHeap: server["worker-heap"],
    tls: tlsOf(values),
    accessLog: server["access-log"] ?? "off",
    audit: server.audit === undefined ? undefined : resolve(values.folder, server.audit),
    drain: server.drain ?? 10_000,
    trusted: values.trusted,
    limits: {
      maxHeaderBytes: limits.headers ?? 16 * kib,
      maxHeaders: limits.fields ?? 100,
      maxBody: limits.body === 0 ? Number.MAX_SAFE_INTEGER : (limits.body ?? 100 * mib),
      maxConnections: limits.connections ?? 10_000,
      headerTimeout: limits["header-timeout"] ?? 10_000,
      idleTimeout: limits["idle-timeout"] ?? 75_000,
      bodyTimeout: limits["body-timeout"] ?? 30_000,
      ...(limits["requests-per-connection"] === undefined
        ? {}
        : { requestsPerConnection: limits["requests-per-connection"] }),
    },
    workloads: workloads.map(finishWorkload),
    routes: checkedRoutes(routes, workloads),
    sources: values.sources,
  };
}

function tlsOf({ server, folder }: ServeValues): ServeConfig["tls"] {
  const { "tls-cert": cert, "tls-key": key } = server;
  if (cert !== undefined && key !== undefined) return { cert: resolve(folder, cert), key: resolve(folder, key) };
  if (cert === undefined && key === undefined) return undefined;
  const [has, lacks] = cert === undefined ? ["key", "cert"] : ["cert", "key"];
  throw new SampanError("SERVE_CONFIG_INVALID", `Cannot serve HTTPS with tls-${has} alone: it lacks tls-${lacks}`, {
    hint: `add --tls-${lacks} FILE`,
  });
}

function finishWorkload(values: WorkloadValues): WorkloadConfig {
  const { name, file, folder, kind, args, features, grants, settings, cgi } = values;
  checkFeatures(features);
  const isolation = settings.isolation ?? "request";
  const pool = settings.pool ?? defaultPool;
  const concurrency = settings.concurrency ?? (isolation === "reuse" && pool > 0 ? pool : defaultConcurrency);
  const {
    "max-reuses": mostReuses,
    script,
    timeout = 60_000,
    "start-timeout": startTimeout = 30_000,
    memory = 256 * mib,
  } = { ...settings, ...cgi };
  return {
    name,
    file: resolve(folder, file),
    shownFile: file,
    kind,
    args: [basename(file), ...args],
    features,
    grants,
    isolation,
    pool,
    ...(mostReuses === undefined ? {} : { mostReuses }),
    cordon: settings.cordon ?? "shared",
    idle: settings.idle ?? defaultIdle,
    isIdleGiven: settings.idle !== undefined,
    warm: settings.warm ?? values.defaultWarm,
    guestPort: settings["guest-port"] ?? 8080,
    cgi: {
      ...(cgi["document-root"] === undefined ? {} : { documentRoot: cgi["document-root"] }),
      ...(script === undefined ? {} : { script }),
      ...(cgi.index === undefined ? {} : { index: cgi.index }),
    },
    limits: {
      maxConcurrent: concurrency,
      maxQueue: settings.queue ?? 1024,
      ...(timeout === 0 ? {} : { requestDeadline: Math.min(timeout, longestTimer) }),
      ...(startTimeout === 0 ? {} : { startDeadline: Math.min(startTimeout, longestTimer) }),
      ...(memory === 0 ? {} : { memory }),
      maxFiles: settings["max-files"],
      maxOutput: settings["max-output"],
      maxConnections: settings["max-connections"],
      maxConnectionRate: settings["max-connection-rate"],
      maxNetworkRate: settings["max-network-rate"],
    },
  };
}

function checkedRoutes(routes: readonly RouteConfig[], workloads: readonly WorkloadValues[]): readonly RouteConfig[] {
  const names = workloads.map(({ name }) => name);
  const seen = new Map<string, string>();
  for (const route of routes) {
    const place = placeText(route);
    if (!names.includes(route.to)) {
      const near = nearest(route.to, names);
      throw new SampanError("SERVE_CONFIG_INVALID", `Cannot route "${place}": there is no workload "${route.to}"`, {
        hint: near === undefined ? `the workloads are ${names.slice(0, 12).join(", ")}` : `did you mean ${near}`,
      });
    }
    const other = seen.get(place);
    if (other !== undefined)
      throw new SampanError("SERVE_CONFIG_INVALID", `Cannot route "${place}" to "${route.to}": it goes to "${other}"`, {
        hint: "give one of the two another host or path",
      });
    seen.set(place, route.to);
  }
  return routes;
}
