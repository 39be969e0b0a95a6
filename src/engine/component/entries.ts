import type { GuestOutcome } from "../../abi/index.ts";
import { SampanError } from "../../base/index.ts";
import type { ComponentStore } from "../../component/index.ts";
import type { Clock } from "../guest-clock.ts";
import type { InstanceEnd } from "./instance-end.ts";
import type { ComponentInstanceParts } from "./instance-parts.ts";

/** What the entries of an instance are made with. */
export interface EntriesParts extends Pick<
  ComponentInstanceParts,
  "mode" | "thread" | "limits" | "isReused" | "takeStack" | "giveStack"
> {
  readonly store: ComponentStore;
  readonly clock: Clock;
  readonly ending: InstanceEnd;
  /** Ends the instance from outside. */
  readonly stop: (outcome: GuestOutcome) => void;
  /** Called when an entry has ended. */
  readonly onEnd: (entry: string) => void;
}

type Run = (...args: readonly unknown[]) => unknown;

const mostFrames = 64;
/** What entries that run destructors are called. */
const dropPrefix = "[resource-drop]";

/** The ways into one instance of a component from outside: one at a time, each on the instance's clock. */
export class Entries {
  readonly #parts: EntriesParts;
  /** Whether its code is to look up: one that cannot yield, has no limit of time and blocks its thread has nobody to look for. */
  readonly #looksUp: boolean;
  #current: string | undefined;
  /** What was set before a call. */
  #stackTraceLimit = 0;
  /** Destructors that run when no call does. */
  readonly #deferred: (() => unknown)[] = [];
  /** Calls that begin when a destructor has run. */
  readonly #queued: (() => void)[] = [];
  /** Takes back what wakes it at its deadline while it waits. */
  #alarm: (() => void) | undefined;

  constructor(parts: EntriesParts) {
    this.#parts = parts;
    const { mode, limits, thread } = parts;
    this.#looksUp = mode === "async" || thread.isTicked || limits.deadline !== undefined || limits.cpu !== undefined;
  }

  /** Whether nothing runs, and nothing is to run by itself. */
  get isQuiet(): boolean {
    return this.#current === undefined && this.#deferred.length === 0 && this.#queued.length === 0;
  }

  /** Runs an entry; in an instance that is bound async it answers a promise. */
  call(entry: string, run: Run, args: readonly unknown[]): unknown {
    if (this.#parts.mode === "async") return this.#callLater(entry, run, args);
    this.begin(entry);
    let value: unknown;
    try {
      value = run(...args);
    } catch (error) {
      throw this.failed(error);
    }
    this.finish();
    return value;
  }

  /** Begins an entry of an instance that is bound sync. */
  begin(entry: string): void {
    this.#enter(entry);
    this.#stackTraceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = mostFrames;
    this.#startClock();
  }

  /** Ends it where it returned. @throws what ended the instance meanwhile */
  finish(): void {
    if (this.#parts.ending.outcome !== undefined) throw this.failed(undefined);
    Error.stackTraceLimit = this.#stackTraceLimit;
    this.#end();
  }

  /** Ends it where it threw, and answers what the caller is thrown. */
  failed(error: unknown): unknown {
    Error.stackTraceLimit = this.#stackTraceLimit;
    const failure = this.#explained(error);
    this.#end();
    return failure;
  }

  /** Runs an entry once no other runs, now or later, and keeps what it throws to itself. */
  whenIdle(run: () => unknown): void {
    if (this.#current === undefined) this.#runIdle(run);
    else this.#deferred.push(run);
  }

  /** Says that the guest waits: only then somebody has to tell it of its deadline. */
  wait(): void {
    const { clock, thread, stop } = this.#parts;
    clock.pause();
    this.#alarm ??= clock.alarm(thread.alarms, stop);
  }

  /** Says that its code runs, or goes on. */
  resume(): void {
    const { clock, thread } = this.#parts;
    clock.resume();
    thread.turns.begin();
    if (this.#looksUp) thread.epoch.enter();
  }

  #callLater(entry: string, run: Run, args: readonly unknown[]): Promise<unknown> {
    // What the caller did not wait for is no call of the caller's.
    if (this.#current?.startsWith(dropPrefix) === true)
      return new Promise<void>((go) => this.#queued.push(go)).then(() => this.#callLater(entry, run, args));
    try {
      this.#enter(entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const { turns } = this.#parts.thread;
    try {
      this.#parts.takeStack();
    } catch (error) {
      this.#end();
      return Promise.reject(error as Error);
    }
    return turns.isOver ? turns.next().then(() => this.#run(run, args)) : this.#run(run, args);
  }

  /** Written without `await`: a call that does not wait is not to take more turns than it has to. */
  #run(run: Run, args: readonly unknown[]): Promise<unknown> {
    let running: unknown;
    if (this.#parts.ending.outcome === undefined) {
      this.#startClock();
      try {
        running = run(...args);
      } catch (error) {
        return Promise.reject(this.#thrown(error) as Error);
      }
    }
    if (running instanceof Promise) return running.then(this.#returned, this.#threw);
    return this.#parts.ending.outcome === undefined
      ? Promise.resolve(this.#returned(running))
      : Promise.reject(this.#thrown(undefined) as Error);
  }

  readonly #returned = (value: unknown): unknown => {
    if (this.#parts.ending.outcome !== undefined) throw this.#thrown(undefined);
    this.#leave();
    return value;
  };

  readonly #threw = (error: unknown): never => {
    throw this.#thrown(error);
  };

  #thrown(error: unknown): unknown {
    const failure = this.#explained(error);
    this.#leave();
    return failure;
  }

  #leave(): void {
    this.#parts.giveStack();
    this.#alarm?.();
    this.#alarm = undefined;
    this.#end();
  }

  /** The deadline of an instance that is used again is that of the use. */
  #startClock(): void {
    const { clock, isReused } = this.#parts;
    if (isReused !== true || !clock.isStarted) clock.start();
    this.resume();
  }

  #runIdle(run: () => unknown): void {
    if (this.#parts.ending.hasEnded) return;
    try {
      const running = run();
      if (running instanceof Promise) running.catch(() => {});
    } catch {
      // It has ended the instance, as the next call will say.
    }
  }

  #enter(entry: string): void {
    if (this.#current !== undefined) {
      const message = `Cannot call "${entry}" while "${this.#current}" runs: an instance takes one call at a time`;
      throw new SampanError("INSTANCE_BUSY", message, { hint: "await the first call, or make one more instance" });
    }
    const { ending, store } = this.#parts;
    if (ending.hasEnded) throw ending.late(entry);
    this.#current = entry;
    store.entered = undefined;
  }

  #end(): void {
    this.#parts.clock.pause();
    if (this.#current !== undefined) this.#parts.onEnd(this.#current);
    this.#current = undefined;
    const next = this.#deferred.shift();
    if (next !== undefined) this.#runIdle(next);
    if (this.#current !== undefined) return;
    for (const resolve of this.#queued.splice(0)) resolve();
  }

  #explained(error: unknown): unknown {
    const { ending, store } = this.#parts;
    return ending.failed(error, { store, entry: this.#current });
  }
}
