import type { ErrorData } from "../base/index.ts";
import type { GrantsValue, InstanceLimits, InstanceUsage, NetworkChoice, NotedDescriptors } from "../engine/index.ts";
import type { FrontLimits } from "./front/front.ts";

/** What one workload's requests may take, together and each. */
export interface WorkloadLimits extends InstanceLimits {
  /** How long one request may take from its head to the last byte of its answer, in ms, waiting for its turn included. */
  readonly requestDeadline?: number | undefined;
  /** How long a request may wait for the workload to start from zero, in ms, before its own time begins. */
  readonly startDeadline?: number | undefined;
  /** Requests that are answered at once, in each worker. */
  readonly maxConcurrent: number;
  /** Requests that wait for their turn, in each worker; one more is refused with 503. */
  readonly maxQueue: number;
}

/** How a CGI program finds what a request is for (RFC 3875); paths are the guest's. */
export interface CgiSettings {
  /** The folder that paths of requests are looked up in. */
  readonly documentRoot: string;
  /** One script for all paths, in place of the file that the path names. */
  readonly script?: string | undefined;
  /** The file that stands for a folder; `index.php` where it is left out. */
  readonly index?: string | undefined;
}

/** A workload as workers get it: data, but where the caller of a serving worker gives a live network. */
export interface ServedWorkload {
  /** Its name and the generation of its settings: another id is another workload. */
  readonly id: string;
  readonly name: string;
  readonly kind: "component" | "cgi" | "listener";
  /** The module or component, an absolute path. */
  readonly file: string;
  readonly args: readonly string[];
  readonly grants: GrantsValue;
  readonly limits: WorkloadLimits;
  /** Names of unstable features of WASI packages that are switched on. */
  readonly features: readonly string[];
  readonly isolation: "request" | "reuse";
  /** Uses of one instance, for `reuse`. */
  readonly mostReuses?: number | undefined;
  readonly cordon: "shared" | "thread" | "process";
  /** Ms without a request after which its instances and its module are given up; 0 for never. */
  readonly idle: number;
  /** Instances that are made before the first request. */
  readonly warm: number;
  /** Instances that are kept for later in each worker; the engine's own number where it is left out. */
  readonly pool?: number | undefined;
  readonly network?: NetworkChoice | undefined;
  readonly cgi?: CgiSettings | undefined;
  /** The Unix socket where it runs; requests are passed on to it, and nothing else of this is used but name and limits. */
  readonly upstream?: { readonly path: string } | undefined;
}

/** Which requests a workload gets. The most exact host wins, then the longest path. */
export interface Route {
  /** In lower case: exact, or `*.suffix` for all names below it; any host where it is left out. */
  readonly host?: string | undefined;
  /** `/`, or a prefix of whole segments: `/api` covers `/api` and `/api/x`, not `/apix`. */
  readonly path: string;
  /** The id of a workload. */
  readonly workload: string;
}

/** What a worker listens on: a port, or a Unix socket. */
export interface Listen {
  readonly host: string;
  readonly port: number;
  /** A Unix socket in place of the port. Whoever may connect to it is trusted with Forwarded fields. */
  readonly path?: string | undefined;
}

/** Everything that a worker knows. */
export interface WorkerConfig {
  /** Grows with each configuration. */
  readonly generation: number;
  /** Of the first configuration alone, as `front`, `cache` and whether there is `tls`: a worker keeps its listener and its engine. */
  readonly listen: Listen;
  /** PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly routes: readonly Route[];
  readonly workloads: readonly ServedWorkload[];
  readonly limits: FrontLimits;
  /** Addresses (CIDR) of proxies whose X-Request-Id, Forwarded and X-Forwarded-… fields are believed. */
  readonly trusted: readonly string[];
  readonly accessLog: "off" | "text" | "json";
  /** Whether refusals are told one by one, for the audit log. */
  readonly audit?: boolean | undefined;
  /** Which front listens: the quickest that there is, or Node's own. `auto` where it is left out. */
  readonly front?: "auto" | "node" | undefined;
  /** The folder where rewritten modules are kept, `false` for none; of the first configuration alone. */
  readonly cache?: string | false | undefined;
}

/** What control tells a worker. */
export type ToWorker =
  | { readonly kind: "configure"; readonly config: WorkerConfig }
  /** Takes no more connections, answers what is there, at most so many ms long, and then says `drained`. */
  | { readonly kind: "drain"; readonly ms: number }
  /** The workload that it asked for with `wake` runs, or why it does not. */
  | { readonly kind: "awake"; readonly id: string; readonly error?: ErrorData }
  | { readonly kind: "report"; readonly id: number };

/** What a worker tells control. */
export type FromWorker =
  | { readonly kind: "ready"; readonly address: { readonly host: string; readonly port: number } }
  /** The worker cannot do what the configuration says; with a generation the one before it holds, without it never got ready. */
  | { readonly kind: "failed"; readonly error: ErrorData; readonly generation?: number }
  | { readonly kind: "configured"; readonly generation: number }
  | WorkerLines
  | { readonly kind: "report"; readonly id: number; readonly report: WorkerReport }
  | { readonly kind: "drained" }
  /** Has requests for a workload that runs elsewhere; it is not to end before `rest`, or the worker's end. */
  | { readonly kind: "wake"; readonly id: string }
  | { readonly kind: "rest"; readonly id: string };

/** Lines for logs, each without its line feed, gathered for some ms. */
export interface WorkerLines {
  readonly kind: "lines";
  /** One for each request that ended. */
  readonly access?: readonly string[];
  /** What somebody should look at: a request that failed and why, a refusal, a client that sent what is no HTTP. */
  readonly operator?: readonly string[];
  /** Refusals, each an object of JSON. */
  readonly audit?: readonly string[];
  /** What guests wrote to stdout and stderr, `NAME | line`. */
  readonly guest?: readonly string[];
}

/** One sample in the form of Prometheus; `metricFamilies` says how those of several workers are put together. */
export interface MetricRow {
  /** With the `_bucket`, `_sum`, `_count` of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** How one workload stands in one worker. */
export interface WorkloadReport {
  readonly id: string;
  readonly name: string;
  /** `zero` holds neither module nor instance. */
  readonly state: "zero" | "starting" | "warm";
  /** How its instances get their state back, once it is warm. */
  readonly mechanism?: string;
  readonly idle: number;
  readonly inUse: number;
  readonly queued: number;
  /** Sums since the worker began, those of instances given up among them; memory is the most of one instance. */
  readonly usage: InstanceUsage;
}

/** How a worker stands. */
export interface WorkerReport {
  readonly generation: number;
  readonly connections: number;
  readonly metrics: readonly MetricRow[];
  readonly workloads: readonly WorkloadReport[];
}

/** What a worker that is a thread begins with. */
export interface WorkerThreadData {
  /** Where it notes what native calls opened. */
  readonly notes: NotedDescriptors;
}
