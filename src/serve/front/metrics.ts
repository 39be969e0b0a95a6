import type { InstanceUsage } from "../../engine/index.ts";
import type { MetricRow } from "../protocol.ts";

/** How samples of one name are told and put together. */
interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly merge: "sum" | "max";
}

const counter = (help: string): Family => ({ type: "counter", help, merge: "sum" });
const gauge = (help: string): Family => ({ type: "gauge", help, merge: "sum" });

/** Every metric of a worker; those of HTTP have the names that OpenTelemetry's conventions have in Prometheus. */
export const metricFamilies = {
  http_server_request_duration_seconds: {
    type: "histogram",
    help: "How long requests took, from the head to the last byte of the answer.",
    merge: "sum",
  },
  http_server_active_requests: gauge("Requests that are not answered yet, those that wait for their turn among them."),
  sampan_request_body_bytes_total: counter("Bytes of requests' bodies that came."),
  sampan_response_body_bytes_total: counter("Bytes of answers' bodies that were sent."),
  sampan_failures_total: counter("Requests that a workload did not answer, by reason."),
  sampan_queue_length: gauge("Requests that wait for their turn."),
  sampan_instances: gauge("Instances, by state."),
  sampan_starts_total: counter("How often a workload was started from zero."),
  sampan_start_seconds_total: counter("How long that took, all together."),
  sampan_cpu_seconds_total: counter("How long workloads' code ran."),
  sampan_memory_max_bytes: { type: "gauge", help: "Most memory that one instance had.", merge: "max" },
  sampan_connections: gauge("Connections of clients."),
  sampan_refused_clients_total: counter("Clients that were refused before there was a request for a workload."),
} as const satisfies Readonly<Record<string, Family>>;

/** Why a workload did not answer a request. */
export type FailureReason =
  | "queue_full"
  | "no_instance"
  | "deadline"
  | "limit"
  | "trap"
  | "no_answer"
  | "guest_error"
  | "client_gone"
  | "error"
  | "denied"
  | "no_route"
  | "bug";

/** Upper bounds in seconds, as the conventions advise. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const [sumAt, countAt] = [bounds.length + 1, bounds.length + 2];

/** Others count as `_OTHER`: a client does not make as many series as it likes. */
const methods = ["_OTHER", "GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"];
const methodNumbers = new Map(methods.map((name, index) => [name, index]));
/** So many statuses a workload may have that no registry knows; the rest count as `_OTHER`. */
const mostStatuses = 64;

/** What was counted for one workload, whatever its generation. */
export class WorkloadMetrics {
  readonly #name: string;
  /** By method and status, so many per bucket, then sum and count. */
  readonly #series = new Map<number, Float64Array>();
  readonly #failures = new Map<FailureReason, number>();
  #lastKey = -1;
  #last: Float64Array | undefined;
  /** Requests that are not answered yet. */
  active = 0;
  bytesIn = 0;
  bytesOut = 0;
  #starts = 0;
  #startTime = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** Counts one request that is over; `time` in ms. */
  record(method: string, status: number, time: number): void {
    const key = (methodNumbers.get(method) ?? 0) * 1000 + status;
    const series = key === this.#lastKey ? this.#last : this.#seriesOf(key);
    if (series === undefined) return;
    const seconds = time / 1000;
    let at = 0;
    while (at < bounds.length && seconds > (bounds[at] ?? 0)) at += 1;
    series[at] = (series[at] ?? 0) + 1;
    series[sumAt] = (series[sumAt] ?? 0) + seconds;
    series[countAt] = (series[countAt] ?? 0) + 1;
  }

  fail(reason: FailureReason): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  /** Counts a start from zero that took `time` ms. */
  start(time: number): void {
    this.#starts += 1;
    this.#startTime += time;
  }

  /** All samples. */
  rows(): MetricRow[] {
    const workload = this.#name;
    const rows: MetricRow[] = [];
    const add = (name: keyof typeof metricFamilies, value: number, labels: Readonly<Record<string, string>> = {}) =>
      rows.push({ name, labels: { workload, ...labels }, value });
    for (const [key, series] of this.#series) rows.push(...histogramRows(workload, key, series));
    add("http_server_active_requests", this.active);
    add("sampan_request_body_bytes_total", this.bytesIn);
    add("sampan_response_body_bytes_total", this.bytesOut);
    for (const [reason, count] of this.#failures) add("sampan_failures_total", count, { reason });
    add("sampan_starts_total", this.#starts);
    add("sampan_start_seconds_total", this.#startTime / 1000);
    return rows;
  }

  #seriesOf(key: number): Float64Array {
    const isFull = this.#series.size >= mostStatuses * methods.length;
    const known = isFull && !this.#series.has(key) ? key - (key % 1000) : key;
    let series = this.#series.get(known);
    if (series === undefined) this.#series.set(known, (series = new Float64Array(countAt + 1)));
    this.#lastKey = key;
    this.#last = series;
    return series;
  }
}

/** What instances of a workload stand at, as samples. */
export function instanceRows(
  workload: string,
  { idle, inUse, queued, usage }: { idle: number; inUse: number; queued: number; usage: InstanceUsage },
): MetricRow[] {
  return [
    { name: "sampan_instances", labels: { workload, state: "idle" }, value: idle },
    { name: "sampan_instances", labels: { workload, state: "in_use" }, value: inUse },
    { name: "sampan_queue_length", labels: { workload }, value: queued },
    { name: "sampan_cpu_seconds_total", labels: { workload }, value: usage.cpu / 1000 },
    { name: "sampan_memory_max_bytes", labels: { workload }, value: usage.memory },
  ];
}

function histogramRows(workload: string, key: number, series: Float64Array): MetricRow[] {
  const name = "http_server_request_duration_seconds";
  const status = key % 1000;
  const labels = {
    workload,
    http_request_method: methods[Math.floor(key / 1000)] ?? "_OTHER",
    http_response_status_code: status === 0 ? "_OTHER" : String(status),
  };
  let sum = 0;
  const rows: MetricRow[] = bounds.map((bound, at) => {
    sum += series[at] ?? 0;
    return { name: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: sum };
  });
  const count = series[countAt] ?? 0;
  return [
    ...rows,
    { name: `${name}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { name: `${name}_sum`, labels, value: series[sumAt] ?? 0 },
    { name: `${name}_count`, labels, value: count },
  ];
}
