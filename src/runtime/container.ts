import { type ByteSource, SampanError } from "../base/index.ts";
import type {
  ContainerRecord,
  ContainerState,
  ContainerView,
  ResolvedConfig,
  StartOptions,
  StopOptions,
} from "./container-record.ts";
import { DueRestart } from "./due-restart.ts";
import type { EventAction } from "./events.ts";
import type { ContainerLog } from "./log/container-log.ts";
import type { LogEntry } from "./log/log-entry.ts";
import type { LogReadOptions } from "./log/log-reader.ts";
import { type Ending, endingOfThrown, exitCodeOf, type Process } from "./process.ts";
import { Run, within } from "./run.ts";
import { nextDelay, restartsAfter } from "./restart.ts";
import { asksToEnd, parseSignal, type SignalName, signalNumber } from "./signals.ts";
import type { Surroundings } from "./surroundings.ts";
import { Turns } from "./turns.ts";
import { type WaitCondition, Waiters, type WaitResult } from "./waiters.ts";

/** How long a killed workload may take to end, and the disk to take its last output, in ms. */
const killPatience = 10_000;
const drainPatience = 2_000;

/**
 * A workload with a lifecycle and a name. Every transition happens in turn, in the order in which it was asked for; waits
 * (a grace period, a kill) happen outside the turns, so that a kill gets through while a stop waits.
 *
 * Every method but `inspect` rejects with CONTAINER_NOT_FOUND once the container is removed.
 */
export class Container {
  readonly id: string;
  readonly #createdAt: string;
  readonly #config: ResolvedConfig;
  readonly #log: ContainerLog;
  readonly #around: Surroundings;
  readonly #turns = new Turns();
  readonly #waiters = new Waiters();
  readonly #due: DueRestart;
  #name: string;
  #state: ContainerState;
  #run: Run | undefined;
  /** Whether a forced removal has begun: nothing may start it again. */
  #isRemoving = false;
  #isRemoved = false;

  /** Only a runtime makes containers: {@link Runtime.create}. */
  constructor({ id, name, createdAt, config, state }: ContainerRecord, log: ContainerLog, around: Surroundings) {
    this.id = id;
    this.#name = name;
    this.#createdAt = createdAt;
    this.#config = config;
    this.#state = state;
    this.#log = log;
    this.#around = around;
    this.#due = new DueRestart(around.clock, this.#turns);
  }

  /** The name that nobody else in the runtime has. */
  get name(): string {
    return this.#name;
  }

  /** All that is known about it, as data that does not change any more. */
  inspect(): ContainerView {
    const failure = this.#log.failure?.toData();
    return {
      ...this.record(),
      log: { lost: this.#log.lost, ...(failure === undefined ? {} : { failure }) },
    };
  }

  /** What has to be kept so that {@link Runtime.restore} can make it again. */
  record(): ContainerRecord {
    return { id: this.id, name: this.#name, createdAt: this.#createdAt, config: this.#config, state: this.#state };
  }

  /**
   * Starts it, at once also where a restart is due, and answers whether it did: one that runs goes on.
   *
   * @throws RUNTIME_CLOSED, and whatever its runner throws
   */
  start({ stdin }: StartOptions = {}): Promise<boolean> {
    return this.#turns.take(async () => {
      this.#checkThere("start");
      if (this.#isRemoving) throw this.#gone("start", "it is being removed");
      if (this.#state.status === "dead") throw this.#gone("start", "it was removed but for its log");
      if (this.#around.isClosing()) {
        throw new SampanError("RUNTIME_CLOSED", `Cannot start "${this.#name}": the engine is shutting down`);
      }
      if (this.#run !== undefined) return false;
      this.#due.callOff();
      try {
        await this.#begin(stdin);
      } catch (error) {
        const ending = endingOfThrown(error);
        // One that never ran stays `created`: there is nothing that has exited.
        const status = this.#state.status === "created" ? "created" : "exited";
        this.#set({ status, ending, exitCode: exitCodeOf(ending) });
        this.#log.setLive(status === "created");
        this.#waiters.tell(this.#result(), ["not-running"]);
        if (this.#config.autoRemove) await this.#removeQuietly();
        throw error;
      }
      this.#set({ restartCount: 0, restartDelay: 0, manuallyStopped: false });
      return true;
    });
  }

  /**
   * Asks it to end by its stop signal, kills it after the grace period, and answers once it has ended; false where it did
   * not run. A restart that is due is called off.
   *
   * @throws CONTAINER_STUCK
   */
  stop({ timeout }: StopOptions = {}): Promise<boolean> {
    return this.#stop({ timeout, manual: true, stopping: "stop" });
  }

  /** Stops it where it runs and starts it again. @throws as {@link stop} and {@link start} */
  async restart({ timeout }: StopOptions = {}): Promise<void> {
    await this.#stop({ timeout, manual: true, stopping: "restart" });
    await this.start();
    this.#emit("restart");
  }

  /**
   * Sends a signal, SIGKILL by default and then waits for the end. Where the workload handles no signals, those that would
   * end a process end it at once with 128 and the number, others are ignored. SIGTERM, SIGINT, SIGQUIT, SIGKILL and
   * the stop signal keep the policy from restarting it and call off a restart that is due; others keep it from that where
   * it ends by them.
   *
   * @throws CONTAINER_NOT_RUNNING, CONTAINER_STUCK, SIGNAL_UNKNOWN, SIGNAL_REFUSED
   */
  async kill(signal: string | number = "SIGKILL"): Promise<void> {
    const name = parseSignal(signal);
    const run = await this.#turns.take(() => {
      this.#checkThere("kill");
      if (this.#asksToEnd(name) && this.#due.callOff()) {
        this.#settleStopped();
        return undefined;
      }
      if (this.#run === undefined) {
        throw new SampanError("CONTAINER_NOT_RUNNING", `Cannot kill "${this.#name}": it is ${this.#state.status}`, {
          hint: "see what runs with sampan ps",
        });
      }
      this.#send(this.#run, name);
      return this.#run;
    });
    if (run !== undefined && name === "SIGKILL") await this.#awaitKilled(run);
  }

  /**
   * Removes it with its log.
   *
   * @throws CONTAINER_RUNNING where it runs or is about to, and is not forced; CONTAINER_STUCK; LOG_UNWRITABLE, and then it
   *   is `dead` until a later removal succeeds
   */
  async delete({ force = false }: { force?: boolean } = {}): Promise<void> {
    const run = await this.#turns.take(async () => {
      this.#checkThere("remove");
      const { status } = this.#state;
      if (!force && (status === "running" || status === "restarting")) {
        throw new SampanError("CONTAINER_RUNNING", `Cannot remove "${this.#name}": it is ${status}`, {
          hint: `stop it first with sampan stop ${this.#name}, or kill and remove it with sampan rm -f ${this.#name}`,
        });
      }
      if (this.#run === undefined) {
        await this.#remove();
        return undefined;
      }
      this.#isRemoving = true;
      this.#send(this.#run, "SIGKILL");
      return this.#run;
    });
    if (run === undefined) return;
    try {
      await this.#awaitKilled(run);
      await this.#turns.take(() => (this.#isRemoved ? undefined : this.#remove()));
    } finally {
      this.#isRemoving = false;
    }
  }

  /** Waits as `docker wait` does. Rejects with the signal's reason once it is aborted. */
  async wait(
    condition: WaitCondition = "not-running",
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<WaitResult> {
    if (this.#isRemoved && condition === "removed") return this.#result();
    this.#checkThere("wait for");
    const { status } = this.#state;
    if (condition === "not-running" && status !== "running" && status !== "restarting") return this.#result();
    return this.#waiters.add(condition, signal);
  }

  /** Gives it another name. @throws CONTAINER_INVALID, CONTAINER_NAME_USED */
  rename(name: string): Promise<void> {
    return this.#turns.take(() => {
      this.#checkThere("rename");
      const oldName = this.#name;
      this.#around.claimName(name, this);
      this.#name = name;
      this.#emit("rename", { oldName });
    });
  }

  /** Reads its output. @throws CONTAINER_NOT_FOUND, TIME_INVALID */
  logs(options: LogReadOptions = {}): AsyncGenerator<LogEntry, undefined> {
    this.#checkThere("read the log of");
    return this.#log.read(options);
  }

  /** Ends it because the engine ends: nobody wished it stopped, so that its policy may start it with the next engine. */
  async shutDown({ timeout }: StopOptions): Promise<void> {
    if (!this.#isRemoved) await this.#stop({ timeout, manual: false, stopping: "stop" });
    if (!this.#isRemoved) await this.#log.close();
  }

  async #stop({ timeout = this.#config.stopTimeout, manual, stopping }: Stop): Promise<boolean> {
    const run = await this.#turns.take(() => {
      this.#checkThere("stop");
      if (this.#due.callOff()) {
        this.#settleStopped({ manual });
        this.#emit("stop");
        return "called-off" as const;
      }
      if (this.#run === undefined) return undefined;
      // A restart's stop is followed by a start whatever other stop was asked for, so that nothing may remove it.
      if (this.#run.stopping !== "restart") this.#run.stopping = stopping;
      this.#send(this.#run, this.#config.stopSignal, { manual });
      return this.#run;
    });
    if (run === undefined || run === "called-off") return run !== undefined;
    if (await run.endsWithin(timeout)) return true;
    await this.#turns.take(() => {
      if (this.#run === run) this.#send(run, "SIGKILL", { manual });
    });
    await this.#awaitKilled(run);
    return true;
  }

  /** Starts a run. What is thrown leaves nothing behind. */
  async #begin(stdin: ByteSource | undefined): Promise<void> {
    const { clock, stamps } = this.#around;
    const runner = this.#around.runnerOf(this.#config.workload.kind);
    const sinks = this.#log.createSinks();
    this.#log.setLive(true);
    let process: Process;
    try {
      process = await runner.start(this.#config.workload, { stdin, stdout: sinks.stdout, stderr: sinks.stderr });
    } catch (error) {
      sinks.end();
      throw error;
    }
    const finish = (run: Run, ending: Ending): Promise<void> => this.#turns.take(() => this.#finish(run, ending));
    this.#run = new Run({ process, sinks, clock, finish });
    this.#set({ status: "running", exitCode: 0, ending: undefined, startedAt: stamps.next() });
    this.#emit("start");
  }

  #send(run: Run, name: SignalName, { manual = true }: { manual?: boolean } = {}): void {
    this.#emit("kill", { signal: String(signalNumber(name)) });
    if (manual && this.#asksToEnd(name)) this.#set({ manuallyStopped: true });
    run.send(name);
  }

  #asksToEnd(name: SignalName): boolean {
    return asksToEnd(name) || name === this.#config.stopSignal;
  }

  /** Deals with the end of a run. */
  async #finish(run: Run, ending: Ending): Promise<void> {
    const { clock, stamps } = this.#around;
    const ran = run.duration;
    run.sinks.end();
    await within(this.#log.drained(), drainPatience, clock);
    this.#run = undefined;
    const endedBySignal = run.endedBySignal(ending) && !this.#around.isClosing();
    const manuallyStopped = this.#state.manuallyStopped || endedBySignal;
    this.#set({ exitCode: exitCodeOf(ending), ending, finishedAt: stamps.next(), manuallyStopped });
    await this.#settle({ ran, ending, mayRestart: true, run });
  }

  /** Tells of an end and decides what comes next. */
  async #settle({ ran, ending, mayRestart, run }: Settling): Promise<void> {
    const { exitCode, restartCount, restartDelay } = this.#state;
    const isOver = !mayRestart || this.#isRemoving || this.#around.isClosing();
    const restarts = !isOver && restartsAfter(this.#config.restart, this.#state);
    const code = ending.kind === "error" ? ending.error.code : undefined;
    if (code === "LIMIT_MEMORY") this.#emit("oom");
    else if (code?.startsWith("LIMIT_") === true) this.#emit("limit", { limit: code });
    if (restarts) {
      const delay = nextDelay(restartDelay, ran);
      this.#set({ status: "restarting", restartCount: restartCount + 1, restartDelay: delay });
      this.#due.schedule(delay, () => this.#restartByPolicy());
    } else {
      this.#set({ status: "exited" });
      this.#log.setLive(false);
    }
    const execDuration = String(Math.floor(ran / 1000));
    this.#emit("die", { exitCode: String(exitCode), execDuration, ...(code === undefined ? {} : { error: code }) });
    if (run !== undefined && run.stopping !== "no") this.#emit("stop");
    this.#waiters.tell(this.#result(), restarts ? ["next-exit"] : ["next-exit", "not-running"]);
    if (!restarts && this.#config.autoRemove && run?.stopping !== "restart") await this.#removeQuietly();
  }

  /** What this system lacks for the moment may be there the next time; anything else would fail the same way. */
  async #restartByPolicy(): Promise<void> {
    try {
      await this.#begin(undefined);
    } catch (error) {
      const ending = endingOfThrown(error);
      const isPassing = error instanceof SampanError && error.kind === "unavailable";
      this.#set({ exitCode: exitCodeOf(ending), ending });
      await this.#settle({ ran: 0, ending, mayRestart: isPassing });
    }
  }

  #settleStopped({ manual = true }: { manual?: boolean } = {}): void {
    this.#set({ status: "exited", manuallyStopped: manual });
    this.#log.setLive(false);
    this.#waiters.tell(this.#result(), ["not-running"]);
  }

  async #remove(): Promise<void> {
    this.#due.callOff();
    try {
      await this.#log.remove();
    } catch (error) {
      const removalError = error instanceof SampanError ? error.toData() : undefined;
      this.#set({ status: "dead", removalError });
      this.#waiters.tell(this.#result(), ["not-running"]);
      throw error;
    }
    this.#isRemoved = true;
    this.#around.forget(this);
    this.#emit("destroy");
    this.#waiters.tell(this.#result(), ["not-running", "next-exit", "removed"]);
  }

  /** Removes it where nobody is there to hear why that failed: its state says so. */
  #removeQuietly(): Promise<void> {
    return this.#remove().catch(() => {});
  }

  async #awaitKilled(run: Run): Promise<void> {
    if (await run.endsWithin(killPatience)) return;
    const seconds = killPatience / 1000;
    throw new SampanError(
      "CONTAINER_STUCK",
      `Cannot end "${this.#name}": it was killed ${seconds} s ago and still runs`,
    );
  }

  #checkThere(verb: string): void {
    if (this.#isRemoved) throw this.#gone(verb, "it was removed");
  }

  #gone(verb: string, reason: string): SampanError {
    return new SampanError("CONTAINER_NOT_FOUND", `Cannot ${verb} "${this.#name}": ${reason}`);
  }

  #result(): WaitResult {
    return { exitCode: this.#state.exitCode, ending: this.#state.ending };
  }

  #set(change: Partial<ContainerState>): void {
    this.#state = { ...this.#state, ...change };
  }

  #emit(action: EventAction, attributes: Readonly<Record<string, string>> = {}): void {
    const { labels, workload } = this.#config;
    const image = workload.image === undefined ? {} : { image: workload.image };
    this.#around.events.emit({
      action,
      id: this.id,
      name: this.#name,
      attributes: { ...labels, ...image, ...attributes },
    });
  }
}

interface Stop {
  readonly timeout: number | undefined;
  readonly manual: boolean;
  readonly stopping: "stop" | "restart";
}

interface Settling {
  /** How long the run took in ms. */
  readonly ran: number;
  readonly ending: Ending;
  readonly mayRestart: boolean;
  /** Left out where a run could not even begin. */
  readonly run?: Run;
}
