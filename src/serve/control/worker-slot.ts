import { type ErrorData, SampanError } from "../../base/index.ts";
import { type Clock, nextDelay } from "../../runtime/index.ts";
import type { FromWorker, WorkerConfig, WorkerLines, WorkerReport } from "../protocol.ts";
import type { WorkerHandle } from "./worker-handle.ts";

/** What keeps a worker running. */
export interface WorkerSlotOptions {
  /** How the operator knows it: `worker 1`. */
  readonly name: string;
  readonly start: () => WorkerHandle;
  readonly clock: Clock;
  readonly onLines: (lines: WorkerLines) => void;
  /** A line for the operator. */
  readonly tell: (line: string) => void;
  /** It died, and another takes its place. */
  readonly onDeath: () => void;
  /** The last report of a worker that is gone. */
  readonly onRetired: (report: WorkerReport) => void;
  /** What its worker may ask for that runs elsewhere. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** What runs beside the workers while one of them wants it. */
export interface Elsewhere {
  /** Resolves once it runs. @throws why it does not */
  wake(id: string, by: object): Promise<void>;
  rest(id: string, by: object): void;
  /** Whoever wanted something is no more. */
  gone(by: object): void;
}

interface Awaited<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** The longest that a worker may take to say how it stands, in ms; one that spins says nothing. */
const reportPatience = 2_000;
/** How much longer than it was given a worker may drain, in ms. */
const drainSlack = 1_000;

/** One place of a worker: who dies is replaced by another with the configuration that holds now. */
export class WorkerSlot {
  readonly #options: WorkerSlotOptions;
  #config: WorkerConfig;
  #handle: WorkerHandle | undefined;
  #isReady = false;
  #isEnding = false;
  #startedAt = 0;
  #delay = 0;
  #cancelRestart: (() => void) | undefined;
  #lastReport: WorkerReport | undefined;
  #nextReport = 1;
  readonly #reports = new Map<number, (report: WorkerReport | undefined) => void>();
  readonly #configured: (Awaited<void> & { readonly generation: number })[] = [];
  #awaitingReady: Awaited<Address>[] = [];
  readonly #drained: (() => void)[] = [];

  constructor(config: WorkerConfig, options: WorkerSlotOptions) {
    this.#config = config;
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Starts the first worker, and answers where it listens. @throws what it says that it cannot do */
  start(): Promise<Address> {
    const ready = new Promise<Address>((resolve, reject) => this.#awaitingReady.push({ resolve, reject }));
    this.#begin();
    return ready;
  }

  /** Hands on a configuration, and resolves once it holds. @throws what the worker says of it; the one before holds then */
  configure(config: WorkerConfig): Promise<void> {
    this.#config = config;
    const { generation } = config;
    if (this.#isEnding) return Promise.resolve();
    const done = new Promise<void>((resolve, reject) => this.#configured.push({ generation, resolve, reject }));
    if (this.#isReady) this.#handle?.post({ kind: "configure", config });
    return done;
  }

  /** How the worker stands; as it last said where it does not answer, undefined where it never did. */
  report(): Promise<WorkerReport | undefined> {
    const handle = this.#handle;
    if (handle === undefined || !this.#isReady) return Promise.resolve(undefined);
    const id = this.#nextReport++;
    return new Promise((resolve) => {
      const cancel = this.#options.clock.setTimer(reportPatience, () => settle(this.#lastReport));
      const settle = (report: WorkerReport | undefined): void => {
        cancel();
        this.#reports.delete(id);
        resolve(report);
      };
      this.#reports.set(id, settle);
      handle.post({ kind: "report", id });
    });
  }

  /** Has the worker answer what is there, at most so many ms long, and ends it. */
  async drain(ms: number): Promise<void> {
    this.#isEnding = true;
    this.#cancelRestart?.();
    const handle = this.#handle;
    if (handle === undefined) return;
    const last = this.report().then((report) => report ?? this.#lastReport);
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.setTimer(ms + drainSlack, resolve);
      this.#drained.push(() => {
        cancel();
        resolve();
      });
      handle.post({ kind: "drain", ms });
    });
    this.#lastReport = await last;
    await this.end();
  }

  /** Ends the worker at once. */
  async end(): Promise<void> {
    this.#isEnding = true;
    this.#cancelRestart?.();
    await this.#handle?.end();
  }

  #begin(): void {
    const { start, clock } = this.#options;
    this.#startedAt = clock.now();
    const handle = start();
    this.#handle = handle;
    handle.listen((message) => this.#onMessage(message));
    handle.onGone((why) => this.#onGone(why));
    handle.post({ kind: "configure", config: this.#config });
  }

  #onMessage(message: FromWorker): void {
    switch (message.kind) {
      case "ready":
        return this.#onReady(message.address);
      case "failed":
        return this.#onFailed(message.error, message.generation);
      case "configured":
        return this.#onConfigured(message.generation);
      case "lines":
        return this.#options.onLines(message);
      case "report":
        this.#lastReport = message.report;
        return this.#reports.get(message.id)?.(message.report);
      case "wake":
        return void this.#wake(message.id);
      case "rest":
        return this.#options.elsewhere?.rest(message.id, this);
      case "drained":
        for (const done of this.#drained.splice(0)) done();
    }
  }

  async #wake(id: string): Promise<void> {
    const handle = this.#handle;
    try {
      await this.#options.elsewhere?.wake(id, this);
      handle?.post({ kind: "awake", id });
    } catch (error) {
      const known = error instanceof SampanError ? error : lost(this.name, String(error));
      handle?.post({ kind: "awake", id, error: known.toData() });
    }
  }

  #onReady(address: Address): void {
    this.#isReady = true;
    for (const { resolve } of this.#awaitingReady.splice(0)) resolve(address);
    // It may have begun with a configuration that another followed meanwhile.
    if (this.#configured.length > 0) this.#handle?.post({ kind: "configure", config: this.#config });
  }

  #onFailed(data: ErrorData, generation: number | undefined): void {
    const error = SampanError.fromData(data);
    if (generation !== undefined) {
      for (const each of this.#takeConfigured(generation)) each.reject(error);
      return;
    }
    const awaiting = this.#awaitingReady.splice(0);
    if (awaiting.length === 0) {
      this.#options.tell(`${this.name} cannot start: ${data.message} [${data.code}]`);
      void this.#handle?.end();
      return;
    }
    this.#isEnding = true;
    void this.#handle?.end();
    for (const { reject } of awaiting) reject(error);
  }

  #onConfigured(generation: number): void {
    for (const each of this.#takeConfigured(generation)) each.resolve();
  }

  #takeConfigured(generation: number): Awaited<void>[] {
    const taken = this.#configured.filter((each) => each.generation <= generation);
    const left = this.#configured.filter((each) => each.generation > generation);
    this.#configured.splice(0, this.#configured.length, ...left);
    return taken;
  }

  #onGone(why: string): void {
    const { clock, tell, onRetired } = this.#options;
    this.#handle = undefined;
    this.#isReady = false;
    this.#options.elsewhere?.gone(this);
    for (const settle of this.#reports.values()) settle(this.#lastReport);
    if (this.#lastReport !== undefined) onRetired(this.#lastReport);
    this.#lastReport = undefined;
    for (const done of this.#drained.splice(0)) done();
    if (this.#isEnding) {
      for (const each of this.#configured.splice(0)) each.resolve();
      for (const { reject } of this.#awaitingReady.splice(0)) reject(lost(this.name, why));
      return;
    }
    const awaiting = this.#awaitingReady.splice(0);
    if (awaiting.length > 0) {
      this.#isEnding = true;
      for (const { reject } of awaiting) reject(lost(this.name, why));
      return;
    }
    this.#delay = nextDelay(this.#delay, clock.now() - this.#startedAt);
    this.#options.onDeath();
    tell(`${this.name} is gone, and its connections with it: ${why}; a new one starts in ${this.#delay} ms`);
    this.#cancelRestart = clock.setTimer(this.#delay, () => this.#begin());
  }
}

type Address = Extract<FromWorker, { kind: "ready" }>["address"];

function lost(name: string, why: string): SampanError {
  return new SampanError("SERVE_WORKER_LOST", `Cannot start ${name}: ${why}`);
}
