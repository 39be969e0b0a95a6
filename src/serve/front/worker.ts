import { type ByteSource, type ErrorData, SampanError } from "../../base/index.ts";
import { Engine, type InstanceUsage } from "../../engine/index.ts";
import type { FromWorker, MetricRow, ServedWorkload, ToWorker, WorkerConfig, WorkerReport } from "../protocol.ts";
import { accessJson, accessText } from "./access-log.ts";
import { startCgi } from "./cgi.ts";
import { startComponent } from "./component-runner.ts";
import { coldLine, type Failure, noRoute, operatorLine } from "./failures.ts";
import { Peers } from "./forwarded.ts";
import type { Front, FrontExchange, MakeFront } from "./front.ts";
import { type ClientLimit, raiseText } from "./head-check.ts";
import { GuestLines, Lines } from "./lines.ts";
import { instanceRows, WorkloadMetrics } from "./metrics.ts";
import { makeNodeFront } from "./node-front.ts";
import { ProxyRunner } from "./proxy.ts";
import type { AuditEntry } from "./refusals.ts";
import { RouteTable } from "./routes.ts";
import { addUsage, noUsage, type Runner } from "./runner.ts";
import { type RequestOwner, ServedRequest } from "./served-request.ts";
import { Workload } from "./workload.ts";

/** What a worker is made with. */
export interface WorkerParts {
  readonly send: (message: FromWorker) => void;
  /** In place of the one that the configuration names. */
  readonly makeFront?: MakeFront;
}

/** How requests that no route covers are counted. */
const nobody = "-";
/** Reasons that are told apart within a second. */
const mostReasons = 100;
/** What guests read: the worker's own input is control's. */
const nothing: ByteSource = { read: () => 0, ready: () => true, cancel: () => {} };

/** One worker of a server: a listener, the table of routes, and the workloads behind it. */
export class ServingWorker implements RequestOwner {
  readonly #send: (message: FromWorker) => void;
  readonly #makeFront: MakeFront | undefined;
  readonly #lines: Lines;
  readonly #workloads = new Map<string, Workload>();
  readonly #metrics = new Map<string, WorkloadMetrics>();
  /** Of workloads that ended, by name. */
  readonly #used = new Map<string, InstanceUsage>();
  /** Those that answer their last requests. */
  readonly #retired = new Set<Workload>();
  /** Those that run elsewhere and are waited for. */
  readonly #waking = new Map<string, PromiseWithResolvers<void>>();
  readonly #idPrefix = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("base64url");
  #engine: Engine | undefined;
  #front: Front | undefined;
  #config: WorkerConfig | undefined;
  #table = new RouteTable<Workload>([]);
  #peers = new Peers([]);
  #ids = 0;
  #refused = 0;
  /** How often clients were refused within this second, by why. */
  readonly #refusals = new Map<string, number>();
  #refusalTimer: NodeJS.Timeout | undefined;
  /** What it was told is done in turn. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ send, makeFront }: WorkerParts) {
    this.#send = send;
    this.#makeFront = makeFront;
    this.#lines = new Lines(send);
  }

  /** Takes a message of control's; those that take time are done in turn. */
  receive(message: ToWorker): void {
    if (message.kind === "awake") this.#awake(message);
    else if (message.kind === "report") this.#send({ kind: "report", id: message.id, report: this.#report() });
    else if (message.kind === "drain") this.#turn = this.#turn.then(() => this.#drain(message.ms));
    else this.#turn = this.#turn.then(() => this.#configure(message.config));
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    await this.#front?.close();
    for (const workload of [...this.#workloads.values(), ...this.#retired]) workload.retire();
    await this.#engine?.close();
    this.#lines.flush();
  }

  onFailure(request: ServedRequest, failure: Failure): void {
    this.#tell(nobody, request, failure);
    this.#metricsOf(nobody).fail(failure.reason);
  }

  onSent(request: ServedRequest): void {
    this.#sent(nobody, request);
  }

  async #configure(config: WorkerConfig): Promise<void> {
    const { generation } = config;
    const isFirst = this.#front === undefined;
    try {
      this.#engine ??= new Engine(config.cache === undefined ? {} : { cache: config.cache });
      await this.#place(config);
      if (isFirst) await this.#listen(config);
      else this.#front?.change(config);
      this.#send({ kind: "configured", generation });
    } catch (error) {
      this.#send({ kind: "failed", error: dataOf(error), ...(isFirst ? {} : { generation }) });
    }
  }

  /** Puts the new table in place of the old one between two requests; those that are under way end where they are. */
  async #place(config: WorkerConfig): Promise<void> {
    const wanted = new Map<string, Workload>();
    const added: Workload[] = [];
    for (const settings of config.workloads) {
      const known = this.#workloads.get(settings.id);
      const workload = known ?? this.#makeWorkload(settings);
      if (known === undefined) added.push(workload);
      wanted.set(settings.id, workload);
    }
    // What is to be warm is warm before anybody asks for it.
    await Promise.all(added.map((workload) => workload.warm()));
    const routes = config.routes.flatMap(({ host, path, workload }) => {
      const target = wanted.get(workload);
      return target === undefined ? [] : [{ host, path, target }];
    });
    this.#config = config;
    this.#table = new RouteTable(routes);
    this.#peers = new Peers(config.trusted);
    const gone = [...this.#workloads].filter(([id]) => !wanted.has(id));
    this.#workloads.clear();
    for (const [id, workload] of wanted) this.#workloads.set(id, workload);
    for (const [, workload] of gone) {
      this.#retired.add(workload);
      workload.retire();
    }
  }

  async #listen({ listen, tls, limits, front }: WorkerConfig): Promise<void> {
    const make =
      this.#makeFront ?? (front === "node" ? makeNodeFront : (await import("./native-front.ts")).makeNativeFront);
    this.#front = await make({
      ...listen,
      reusePort: listen.path === undefined,
      ...(tls === undefined ? {} : { tls }),
      limits,
      onExchange: (exchange) => this.#take(exchange),
      onRefused: (why, limit) => this.#refuse(why, limit),
    });
    this.#send({ kind: "ready", address: this.#front.address });
  }

  async #drain(ms: number): Promise<void> {
    await this.#front?.drain(ms);
    this.#lines.flush();
    this.#send({ kind: "drained" });
  }

  /** One request's head is there. */
  #take(front: FrontExchange): void {
    const { authority, path } = front.request;
    const found = this.#table.find(authority, path);
    const origin = this.#peers.originOf(front.remote.address);
    const request = new ServedRequest({ front, origin, nextId: this.#nextId, prefix: found?.prefix ?? "" });
    if (found === undefined) {
      request.owner = this;
      request.refuse(noRoute);
    } else found.target.take(request);
  }

  /** Tells of a client that was refused; of many for the same reason once a second. */
  #refuse(why: string, limit?: ClientLimit): void {
    this.#refused += 1;
    const known = this.#refusals.get(why);
    // Clients choose what some reasons say: those beyond the first many are counted and no more.
    const isTold = known !== undefined || this.#refusals.size < mostReasons;
    const hint = limit === undefined ? "" : ` (hint: ${raiseText(limit)})`;
    if (known === undefined && isTold) this.#lines.add("operator", `A client was refused: ${why}${hint}`);
    if (isTold) this.#refusals.set(why, (known ?? 0) + 1);
    if (this.#refusalTimer !== undefined) return;
    this.#refusalTimer = setTimeout(() => {
      this.#refusalTimer = undefined;
      for (const [reason, count] of this.#refusals)
        if (count > 1) this.#lines.add("operator", `Clients were refused ${count - 1} more times: ${reason}`);
      this.#refusals.clear();
    }, 1000);
    this.#refusalTimer.unref();
  }

  readonly #nextId = (): string => {
    this.#ids += 1;
    return this.#idPrefix + this.#ids.toString(36);
  };

  #makeWorkload(settings: ServedWorkload): Workload {
    const { name } = settings;
    const workload: Workload = new Workload({
      settings,
      metrics: this.#metricsOf(name),
      start: () => this.#start(settings),
      onFailure: (request, failure) => this.#tell(name, request, failure),
      onSent: (request) => this.#sent(name, request),
      onCold: (failure) => this.#lines.add("operator", coldLine(failure, name)),
      onClosed: () => {
        this.#retired.delete(workload);
        this.#used.set(name, addUsage(this.#used.get(name) ?? noUsage, workload.report().usage));
      },
    });
    return workload;
  }

  #start(settings: ServedWorkload): Promise<Runner> {
    const engine = this.#engine;
    if (settings.upstream !== undefined || engine === undefined) return this.#wake(settings);
    const lines = (): GuestLines => new GuestLines(this.#lines, settings.name);
    const stdio = { stdin: nothing, stdout: lines(), stderr: lines() };
    const tell = (line: string): void => this.#lines.add("operator", line);
    const audit = (entry: AuditEntry): void => {
      if (this.#config?.audit === true) this.#lines.add("audit", JSON.stringify(entry));
    };
    const surroundings = { stdio, refusals: { tell, audit } };
    return settings.kind === "cgi"
      ? startCgi(engine, settings, surroundings)
      : startComponent(engine, settings, surroundings);
  }

  /** Has control run what runs elsewhere, until the runner is closed. */
  async #wake(settings: ServedWorkload): Promise<Runner> {
    const { id } = settings;
    const waking = this.#waking.get(id) ?? Promise.withResolvers<void>();
    this.#waking.set(id, waking);
    this.#send({ kind: "wake", id });
    await waking.promise;
    return new ProxyRunner(settings, () => this.#send({ kind: "rest", id }));
  }

  #awake({ id, error }: Extract<ToWorker, { readonly kind: "awake" }>): void {
    const waking = this.#waking.get(id);
    this.#waking.delete(id);
    if (error === undefined) waking?.resolve();
    else waking?.reject(SampanError.fromData(error));
  }

  #metricsOf(name: string): WorkloadMetrics {
    let metrics = this.#metrics.get(name);
    if (metrics === undefined) this.#metrics.set(name, (metrics = new WorkloadMetrics(name)));
    return metrics;
  }

  #tell(workload: string, request: ServedRequest, failure: Failure): void {
    if (failure.isClients === true) return;
    const { id, method, path } = request;
    this.#lines.add("operator", operatorLine(failure, { workload, id, method, path }));
  }

  #sent(workload: string, request: ServedRequest): void {
    const { front, status, method } = request;
    const duration = performance.now() - request.begun;
    this.#metricsOf(workload).record(method, status === 0 ? 499 : status, duration);
    const accessLog = this.#config?.accessLog ?? "off";
    if (accessLog === "off") return;
    const entry = {
      remote: front.remote.address,
      time: Date.now() - duration,
      method,
      path: request.path,
      authority: request.authority,
      fields: front.request.fields,
      status,
      bytesIn: front.bytesIn,
      bytesOut: front.bytesOut,
      duration,
      workload,
      id: request.id,
      isWhole: request.isWhole,
    };
    this.#lines.add("access", accessLog === "json" ? accessJson(entry) : accessText(entry));
  }

  #report(): WorkerReport {
    const workloads = [...this.#workloads.values(), ...this.#retired].map((each) => each.report());
    const metrics: MetricRow[] = [];
    for (const each of this.#metrics.values()) metrics.push(...each.rows());
    for (const each of workloads) metrics.push(...instanceRows(each.name, each));
    for (const [name, usage] of this.#used)
      metrics.push(...instanceRows(name, { idle: 0, inUse: 0, queued: 0, usage }));
    const connections = this.#front?.connections ?? 0;
    metrics.push(
      { name: "sampan_connections", labels: {}, value: connections },
      { name: "sampan_refused_clients_total", labels: {}, value: this.#refused },
    );
    return { generation: this.#config?.generation ?? 0, connections, metrics, workloads };
  }
}

function dataOf(error: unknown): ErrorData {
  if (error instanceof SampanError) return error.toData();
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "SERVE_WORKER_LOST", message };
}
