import { SampanError } from "../../base/index.ts";
import { type Clock, systemClock } from "../../runtime/index.ts";
import { ServedFiles } from "../config/kind-of-file.ts";
import type { ServeConfig } from "../config/model.ts";
import { type HostPort, type ServerPorts, withChosenPorts } from "../config/settings.ts";
import { metricFamilies } from "../front/metrics.ts";
import type { MetricRow, ServedWorkload, WorkerConfig, WorkerLines, WorkerReport } from "../protocol.ts";
import { Admin } from "./admin.ts";
import { AuditFile } from "./audit-file.ts";
import { changedNames, changedSettings, freePort, isSame, mustRoll } from "./compare-plans.ts";
import type { ListenerGuests } from "./listener-guest.ts";
import { controlFamilies, MetricSums } from "./metrics.ts";
import { ServePlace } from "./place.ts";
import { type Plan, planOf } from "./plan.ts";
import { behindSocket, Upstreams } from "./upstreams.ts";
import { type StartWorker, startWorker } from "./worker-handle.ts";
import { type Elsewhere, WorkerSlot } from "./worker-slot.ts";

/** What a server is started with beside its configuration. */
export interface ServerOptions {
  /** The user's folder for sockets (`placesOf(…).run`). */
  readonly run: string;
  /** Gets the access log: whole lines. */
  readonly print: (text: string) => void;
  /** Gets a line for the operator, without its line feed; what a guest printed as `NAME | line`. */
  readonly tell: (line: string) => void;
  readonly clock?: Clock;
  readonly startWorker?: StartWorker;
  /** The file that workers run, in place of this package's own. */
  readonly workerMain?: URL;
  readonly front?: WorkerConfig["front"];
  readonly cache?: WorkerConfig["cache"];
}

/** A row of the routes that a server has. */
export interface RouteRow {
  readonly host: string | undefined;
  readonly path: string;
  readonly workload: string;
  readonly kind: ServedWorkload["kind"];
  readonly file: string;
}

/** What came of a new configuration. */
export interface Reloaded {
  /** Names of workloads that begin anew, are new or are gone; none where all stays. */
  readonly changed: readonly string[];
  /** What else has changed, in words; left out where nothing has. */
  readonly settings?: readonly string[];
  /** Whether workers were replaced, because they listen in another way. */
  readonly isRolled: boolean;
}

/** How often it is looked whether a workload has answered its last request, in ms. */
const retiredLook = 50;

/** How long an end waits for a reload, in ms. */
const reloadPatience = 1_000;

/** HTTP in front of workloads: workers that listen, and what looks after them. Bodies never come by here. */
export class Server {
  readonly #options: ServerOptions;
  readonly #clock: Clock;
  readonly #start: StartWorker;
  readonly #files = new ServedFiles();
  readonly #place: ServePlace;
  readonly #audit = new AuditFile();
  readonly #upstreams: Upstreams;
  /** What workers may ask for; the upstreams are made behind the options of their workers. */
  readonly #elsewhere: Elsewhere = {
    wake: (id, by) => this.#upstreams.wake(id, by),
    rest: (id, by) => this.#upstreams.rest(id, by),
    gone: (by) => this.#upstreams.gone(by),
  };
  readonly #sums = new MetricSums(new Map(Object.entries({ ...metricFamilies, ...controlFamilies })));
  readonly #counts = { deaths: 0, reloads: 0, failedReloads: 0 };
  #plan: Plan;
  #generation = 0;
  #slots: WorkerSlot[] = [];
  #address: HostPort;
  #admin: Admin | undefined;
  #guests: Promise<ListenerGuests> | undefined;
  #isDraining = false;
  /** Reloads come one after the other. */
  #reloading: Promise<unknown> = Promise.resolve();

  private constructor(plan: Plan, options: ServerOptions, files: ServedFiles) {
    this.#options = options;
    this.#plan = plan;
    this.#files = files;
    this.#address = plan.config.addr;
    this.#clock = options.clock ?? systemClock;
    this.#start = options.startWorker ?? startWorker;
    this.#place = new ServePlace(options.run);
    this.#upstreams = new Upstreams({
      ...this.#slotOptions(),
      onRetired: ({ metrics }) => this.#sums.retire(behindFront(metrics)),
      place: this.#place,
      startWorker: this.#start,
      limits: this.#workerLimits(plan),
      guests: () => this.#ensureGuests(),
    });
  }

  /**
   * Starts a server; answers once all its workers listen.
   *
   * @throws SERVE_PORT_TAKEN, SERVE_TLS, SERVE_NO_HANDLER, SERVE_PORT_TAKEN, SERVE_WORKER_LOST, and what files cannot be used by
   */
  static async start(config: ServeConfig, options: ServerOptions): Promise<Server> {
    const files = new ServedFiles();
    const server = new Server(planOf(config, files), options, files);
    try {
      await server.#begin();
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Where it listens; the port is never 0. */
  get address(): HostPort {
    return this.#address;
  }

  /** Where it answers /metrics, /healthz and /readyz. */
  get adminAddress(): HostPort | undefined {
    return this.#admin?.address;
  }

  get #ports(): ServerPorts {
    return { addr: this.#address, admin: this.#admin?.address };
  }

  get isSecure(): boolean {
    return this.#plan.tls !== undefined;
  }

  get config(): ServeConfig {
    return this.#plan.config;
  }

  /** Whether requests are taken: at least one worker listens. */
  get isReady(): boolean {
    return !this.#isDraining && this.#slots.some(({ isReady }) => isReady);
  }

  /** The routes, as they were written. */
  routes(): RouteRow[] {
    const byId = new Map(this.#plan.workloads.map((each) => [each.served.id, each]));
    return this.#plan.routes.flatMap(({ host, path, workload }) => {
      const found = byId.get(workload);
      if (found === undefined) return [];
      const { config, served } = found;
      return [{ host, path, workload: config.name, kind: served.kind, file: config.shownFile }];
    });
  }

  /** How each worker stands, those of workloads with a cordon of their own among them. */
  async reports(): Promise<WorkerReport[]> {
    return reportsOf([...this.#slots, ...this.#upstreams.slots]);
  }

  /** The sums of all workers in Prometheus' text format. */
  async metrics(): Promise<string> {
    const [fronts, behind] = await Promise.all([reportsOf(this.#slots), reportsOf(this.#upstreams.slots)]);
    return this.#sums.text([
      this.#rows(),
      ...fronts.map(({ metrics }) => metrics),
      ...behind.map(({ metrics }) => behindFront(metrics)),
    ]);
  }

  /**
   * Takes another configuration without losing a request: the new routes hold from the next request on, and what is answered
   * now ends where it began. Where it cannot be taken, the one before goes on.
   *
   * @throws what {@link start} throws
   */
  reload(config: ServeConfig): Promise<Reloaded> {
    const done = this.#reloading.then(() => this.#reload(config));
    done.then(
      () => (this.#counts.reloads += 1),
      () => (this.#counts.failedReloads += 1),
    );
    this.#reloading = done.catch(() => {});
    return done;
  }

  /** Takes no more requests, answers those that are there, at most so many ms long, and ends. */
  async drain(ms: number): Promise<void> {
    this.#isDraining = true;
    // A worker that dies again and again may keep a reload waiting.
    await Promise.race([this.#reloading, new Promise<void>((done) => void this.#clock.setTimer(reloadPatience, done))]);
    await Promise.all(this.#slots.map((slot) => slot.drain(ms)));
    await this.#upstreams.keep(new Set(), 0);
    await this.close();
  }

  /** Ends at once. */
  async close(): Promise<void> {
    this.#isDraining = true;
    await Promise.all(this.#slots.map((slot) => slot.end()));
    await Promise.all(this.#upstreams.slots.map((slot) => slot.end()));
    await this.#upstreams.keep(new Set(), 0);
    await (await this.#guests)?.close();
    await this.#admin?.close();
    this.#audit.close();
    this.#place.remove();
  }

  async #begin(): Promise<void> {
    const { addr, admin, workers, audit } = this.#plan.config;
    this.#audit.open(audit);
    this.#address = await freePort(addr);
    if (admin !== undefined) this.#admin = await this.#listenAdmin(admin);
    this.#plan = { ...this.#plan, config: withChosenPorts(this.#plan.config, this.#ports) };
    const config = await this.#workerConfig(this.#plan);
    this.#slots = Array.from({ length: workers }, (_, at) => this.#newSlot(at, config, this.#plan));
    await Promise.all(this.#slots.map((slot) => slot.start()));
  }

  #listenAdmin(at: HostPort): Promise<Admin> {
    return Admin.listen(at, { metrics: () => this.metrics(), isReady: () => this.isReady });
  }

  async #reload(config: ServeConfig): Promise<Reloaded> {
    if (this.#isDraining)
      throw new SampanError("RUNTIME_CLOSED", "Cannot take another configuration: the server is ending");
    const before = this.#plan;
    const plan = planOf(withChosenPorts(config, this.#ports), this.#files);
    const changed = changedNames(before, plan);
    const settings = changedSettings(before, plan);
    const isRolled = mustRoll(before, plan);
    const address = isSame(this.#address, plan.config.addr) ? this.#address : await freePort(plan.config.addr);
    const admin = await this.#adminFor(plan);
    const previous = this.#address;
    this.#address = address;
    try {
      const next = await this.#workerConfig(plan);
      if (isRolled) await this.#roll(plan, next);
      else await this.#configure(plan, next);
    } catch (error) {
      this.#address = previous;
      if (admin !== this.#admin) await admin?.close();
      await this.#restore(before);
      throw error;
    }
    if (admin !== this.#admin) await this.#admin?.close();
    this.#admin = admin;
    this.#audit.open(config.audit);
    this.#plan = { ...plan, config: withChosenPorts(plan.config, this.#ports) };
    void this.#endOthers(plan);
    return { changed, isRolled, ...(settings.length === 0 ? {} : { settings }) };
  }

  /** Ends what ran beside the workers and is not wanted any more, once no worker has a request for it. */
  async #endOthers({ workloads, config: { drain } }: Plan): Promise<void> {
    const ids = new Set(workloads.map(({ served }) => served.id));
    const until = this.#clock.now() + drain;
    for (;;) {
      const reports = await reportsOf(this.#slots);
      const isAwaited = reports.some((report) => report.workloads.some(({ id }) => !ids.has(id)));
      if (!isAwaited || this.#isDraining || this.#clock.now() >= until) break;
      await new Promise<void>((resolve) => void this.#clock.setTimer(retiredLook, resolve));
    }
    await this.#upstreams.keep(ids, drain);
  }

  /** After a configuration that a worker could not take: all of them get the one before once more. */
  async #restore(before: Plan): Promise<void> {
    const config = await this.#workerConfig(before);
    await Promise.allSettled(this.#slots.map((slot) => slot.configure(config)));
    await this.#upstreams.keep(new Set(before.workloads.map(({ served }) => served.id)), 0);
  }

  /** What answers at the admin address of a configuration: what does so now, where the address is the same. */
  #adminFor({ config: { admin } }: Plan): Admin | undefined | Promise<Admin> {
    if (isSame(this.#admin?.address, admin)) return this.#admin;
    return admin === undefined ? undefined : this.#listenAdmin(admin);
  }

  /** Hands a configuration to the workers, of which there may be more or fewer than before. */
  async #configure(plan: Plan, config: WorkerConfig): Promise<void> {
    const { workers, drain } = plan.config;
    await Promise.all(this.#slots.map((slot) => slot.configure(config)));
    const surplus = this.#slots.slice(workers);
    this.#slots = this.#slots.slice(0, workers);
    void Promise.all(surplus.map((slot) => slot.drain(drain)));
    const missing = Array.from({ length: workers - this.#slots.length }, (_, at) =>
      this.#newSlot(this.#slots.length + at, config, plan),
    );
    await Promise.all(missing.map((slot) => slot.start()));
    this.#slots = [...this.#slots, ...missing];
  }

  /** Starts workers beside those that are there, which then answer what they have and end. */
  async #roll(plan: Plan, config: WorkerConfig): Promise<void> {
    const slots = Array.from({ length: plan.config.workers }, (_, at) => this.#newSlot(at, config, plan));
    try {
      await Promise.all(slots.map((slot) => slot.start()));
    } catch (error) {
      await Promise.all(slots.map((slot) => slot.end()));
      throw error;
    }
    const previous = this.#slots;
    this.#slots = slots;
    void Promise.all(previous.map((slot) => slot.drain(plan.config.drain)));
  }

  async #workerConfig(plan: Plan): Promise<WorkerConfig> {
    const { limits, trusted, accessLog, audit } = plan.config;
    const { front, cache } = this.#options;
    this.#generation += 1;
    const common = {
      generation: this.#generation,
      limits,
      trusted,
      accessLog,
      audit: audit !== undefined,
      ...(front === undefined ? {} : { front }),
      ...(cache === undefined ? {} : { cache }),
    };
    const sockets = await this.#upstreams.start(plan.workloads, common);
    return {
      ...common,
      listen: this.#address,
      ...(plan.tls === undefined ? {} : { tls: plan.tls }),
      routes: plan.routes,
      workloads: plan.workloads.map(({ served }) => {
        const path = sockets.get(served.id);
        return path === undefined ? served : behindSocket(served, path);
      }),
    };
  }

  #newSlot(at: number, config: WorkerConfig, plan: Plan): WorkerSlot {
    const limits = this.#workerLimits(plan);
    return new WorkerSlot(config, {
      ...this.#slotOptions(),
      name: `worker ${at + 1}`,
      start: () => this.#start("thread", limits),
    });
  }

  #workerLimits({ config: { workerHeap } }: Plan): { heap: number | undefined; main: URL | undefined } {
    return { heap: workerHeap, main: this.#options.workerMain };
  }

  #slotOptions() {
    const { tell } = this.#options;
    return {
      clock: this.#clock,
      elsewhere: this.#elsewhere,
      tell,
      onDeath: () => (this.#counts.deaths += 1),
      onLines: (lines: WorkerLines) => this.#onLines(lines),
      onRetired: ({ metrics }: WorkerReport) => this.#sums.retire(metrics),
    };
  }

  /** What control has counted itself. */
  #rows(): MetricRow[] {
    const { deaths, reloads, failedReloads } = this.#counts;
    const ready = [...this.#slots, ...this.#upstreams.slots].filter(({ isReady }) => isReady).length;
    return [
      { name: "sampan_workers", labels: {}, value: ready },
      { name: "sampan_worker_deaths_total", labels: {}, value: deaths },
      { name: "sampan_reloads_total", labels: { result: "taken" }, value: reloads },
      { name: "sampan_reloads_total", labels: { result: "refused" }, value: failedReloads },
    ];
  }

  #onLines({ access = [], operator = [], guest = [], audit = [] }: WorkerLines): void {
    this.#audit.write(audit);
    const { print, tell } = this.#options;
    if (access.length > 0) print(access.map((line) => `${line}\n`).join(""));
    for (const line of [...operator, ...guest]) tell(line);
  }

  #ensureGuests(): Promise<ListenerGuests> {
    this.#guests ??= import("./listener-guest.ts").then((late) => new late.ListenerGuests(this.#options.tell));
    return this.#guests;
  }
}

async function reportsOf(slots: readonly WorkerSlot[]): Promise<WorkerReport[]> {
  const reports = await Promise.all(slots.map((slot) => slot.report()));
  return reports.flatMap((report) => report ?? []);
}

/** What the worker behind a Unix socket tells of a workload: requests are counted in front of it. */
function behindFront(rows: readonly MetricRow[]): MetricRow[] {
  return rows.filter(({ name }) => !/^http_server_|_body_bytes_total$|^sampan_(connections|queue_length)$/.test(name));
}
