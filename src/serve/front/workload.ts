import type { InstanceUsage } from "../../engine/index.ts";
import type { ServedWorkload, WorkloadReport } from "../protocol.ts";
import { deadlinePassed, type Failure, failureOf, queueFull, startPassed } from "./failures.ts";
import type { WorkloadMetrics } from "./metrics.ts";
import { addUsage, noUsage, type Runner } from "./runner.ts";
import { RequestList } from "./request-list.ts";
import type { RequestOwner, ServedRequest } from "./served-request.ts";

/** What a workload's life needs of its worker. */
export interface WorkloadParts {
  readonly settings: ServedWorkload;
  readonly metrics: WorkloadMetrics;
  /** Compiles it, and makes what answers. @throws what compiling and instantiating throw */
  readonly start: () => Promise<Runner>;
  readonly onFailure: (request: ServedRequest, failure: Failure) => void;
  readonly onSent: (request: ServedRequest) => void;
  /** It was to be warm before the first request, and cannot start. */
  readonly onCold: (failure: Failure) => void;
  /** It holds nothing any more, and never will. */
  readonly onClosed: () => void;
}

/** How long a start that failed stands for those that come next, in ms. */
const failurePause = 1000;

/**
 * One workload in one worker: from zero with the first request, back to zero when none came for a while, so many requests at
 * once and a bounded queue behind them. One that is retired ends with its last request.
 */
export class Workload implements RequestOwner {
  readonly settings: ServedWorkload;
  readonly metrics: WorkloadMetrics;
  readonly #parts: WorkloadParts;
  #runner: Runner | undefined;
  #starting: Promise<Runner> | undefined;
  #failed: { readonly error: unknown; readonly until: number } | undefined;
  #running = 0;
  /** Those that wait, from `#first` on. */
  #queue: ServedRequest[] = [];
  #first = 0;
  #isPumping = false;
  /** Those that have a deadline and are not over, in the order in which they came. */
  readonly #timed = new RequestList();
  #deadlineTimer: NodeJS.Timeout | undefined;
  /** When it last came from zero: for those that waited for that, their time begins then. */
  #readyAt = 0;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastUsed = 0;
  #isRetired = false;
  #isClosed = false;
  /** Of runners that were given up. */
  #used: InstanceUsage = noUsage;

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.metrics = parts.metrics;
  }

  get name(): string {
    return this.settings.name;
  }

  get queued(): number {
    return this.#queue.length - this.#first;
  }

  /** Has a request answered, at once or in its turn. */
  take(request: ServedRequest): void {
    const { limits } = this.settings;
    request.owner = this;
    this.metrics.active += 1;
    if (limits.requestDeadline !== undefined || this.#deadline !== undefined) this.#watch(request);
    if (this.#running < limits.maxConcurrent) this.#run(request);
    else if (this.queued < limits.maxQueue) this.#queue.push(request);
    else request.refuse(queueFull(limits));
  }

  /** Starts it, so that the first request finds instances. */
  async warm(): Promise<void> {
    const { warm } = this.settings;
    if (warm === 0 || this.#isRetired) return;
    try {
      await (await this.#ready()).warm(warm);
    } catch (error) {
      this.#parts.onCold(failureOf(error));
    }
    if (this.#running === 0) this.#rest();
  }

  /** No more requests come: it ends once those that it has are answered. */
  retire(): void {
    this.#isRetired = true;
    if (this.#running === 0 && this.queued === 0) this.#close();
  }

  report(): WorkloadReport {
    const { id, name } = this.settings;
    const runner = this.#runner;
    const usage = runner === undefined ? this.#used : addUsage(this.#used, runner.usage());
    return {
      id,
      name,
      state: runner !== undefined ? "warm" : this.#starting !== undefined ? "starting" : "zero",
      ...(runner?.mechanism === undefined ? {} : { mechanism: runner.mechanism }),
      idle: runner?.idle ?? 0,
      inUse: this.#running,
      queued: this.queued,
      usage,
    };
  }

  onFailure(request: ServedRequest, failure: Failure): void {
    this.metrics.fail(failure.reason);
    this.#parts.onFailure(request, failure);
  }

  onSent(request: ServedRequest): void {
    const { metrics } = this;
    this.#timed.remove(request);
    metrics.active -= 1;
    metrics.bytesIn += request.front.bytesIn;
    metrics.bytesOut += request.front.bytesOut;
    this.#parts.onSent(request);
  }

  #run(request: ServedRequest): void {
    this.#running += 1;
    const runner = this.#runner;
    if (runner === undefined) {
      this.#ready().then(
        (ready) => this.#answer(request, ready),
        (error: unknown) => this.#settled(request, error),
      );
    } else this.#answer(request, runner);
  }

  #answer(request: ServedRequest, runner: Runner): void {
    // Its client may have gone, or its time be over, while it waited.
    if (request.isOver || request.isAborted) return this.#settled(request, undefined);
    let answering: void | Promise<void>;
    try {
      answering = runner.answer(request);
    } catch (error) {
      return this.#settled(request, error);
    }
    if (answering === undefined) return this.#settled(request, undefined);
    answering.then(
      () => this.#settled(request, undefined),
      (error: unknown) => this.#settled(request, error),
    );
  }

  #settled(request: ServedRequest, error: unknown): void {
    this.#running -= 1;
    request.settle(error === undefined ? undefined : failureOf(error));
    this.#pump();
    if (this.#running === 0 && this.queued === 0) this.#rest();
  }

  /** Takes those that wait; a workload that answers at once would come back here from within. */
  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#first < this.#queue.length && this.#running < this.settings.limits.maxConcurrent) {
      const next = this.#queue[this.#first];
      this.#first += 1;
      if (next !== undefined && !next.isOver && !next.isAborted) this.#run(next);
    }
    if (this.#first === this.#queue.length || this.#first > 1024) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    this.#isPumping = false;
  }

  #ready(): Promise<Runner> {
    if (this.#runner !== undefined) return Promise.resolve(this.#runner);
    const failed = this.#failed;
    // Each request would read and compile again what cannot run.
    if (failed !== undefined && performance.now() < failed.until) return Promise.reject(failed.error as Error);
    return (this.#starting ??= this.#start());
  }

  async #start(): Promise<Runner> {
    const begin = performance.now();
    this.#failed = undefined;
    try {
      const runner = await this.#parts.start();
      this.#runner = runner;
      this.metrics.start(performance.now() - begin);
      return runner;
    } catch (error) {
      this.#failed = { error, until: performance.now() + failurePause };
      throw error;
    } finally {
      this.#starting = undefined;
      this.#begun();
    }
  }

  /** The time of those that waited for the start begins. */
  #begun(): void {
    this.#readyAt = performance.now();
    clearTimeout(this.#deadlineTimer);
    this.#deadlineTimer = undefined;
    const { requestDeadline } = this.settings.limits;
    if (requestDeadline !== undefined && this.#timed.first !== undefined) this.#expireAfter(requestDeadline);
  }

  /** Nothing is to be done: it may go to zero after a while, or end. */
  #rest(): void {
    this.#lastUsed = performance.now();
    if (this.#isRetired) this.#close();
    else if (this.settings.idle > 0 && this.#idleTimer === undefined && this.#runner !== undefined)
      this.#sleepAfter(this.settings.idle);
  }

  #sleepAfter(ms: number): void {
    this.#idleTimer = setTimeout(
      () => {
        this.#idleTimer = undefined;
        if (this.#running > 0) return;
        const left = this.#lastUsed + this.settings.idle - performance.now();
        if (left > 0) this.#sleepAfter(left);
        else this.#toZero();
      },
      Math.max(1, ms),
    );
    this.#idleTimer.unref();
  }

  #toZero(): void {
    const runner = this.#runner;
    if (runner === undefined) return;
    this.#runner = undefined;
    this.#used = addUsage(this.#used, runner.usage());
    runner.close();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#idleTimer);
    this.#toZero();
    this.#parts.onClosed();
  }

  /** How long a request may take now: as long as the start may, while nothing runs. */
  get #deadline(): number | undefined {
    const { requestDeadline, startDeadline } = this.settings.limits;
    return this.#runner === undefined ? startDeadline : requestDeadline;
  }

  /** One timer for all: the deadline is the same for each, so that the first that came is the first whose time is over. */
  #watch(request: ServedRequest): void {
    this.#timed.add(request);
    const deadline = this.#deadline;
    if (this.#deadlineTimer === undefined && deadline !== undefined) this.#expireAfter(deadline);
  }

  #expireAfter(ms: number): void {
    this.#deadlineTimer = setTimeout(() => this.#expire(), Math.ceil(ms));
    this.#deadlineTimer.unref();
  }

  #expire(): void {
    this.#deadlineTimer = undefined;
    const deadline = this.#deadline;
    if (deadline === undefined) return;
    const failed = this.#runner === undefined ? startPassed : deadlinePassed;
    const now = performance.now();
    for (let request = this.#timed.first; request !== undefined; request = this.#timed.first) {
      const left = Math.max(request.begun, this.#readyAt) + deadline - now;
      if (left > 0) {
        this.#expireAfter(left);
        return;
      }
      this.#timed.remove(request);
      request.end(failed(deadline));
    }
  }
}
