import { type GuestOutcome, incomingArguments, WasiTrap } from "../../abi/index.ts";
import { SampanError } from "../../base/index.ts";
import {
  type CodeCache,
  ComponentError,
  type ComponentExports,
  type ComponentMode,
  ComponentStore,
  type CoreInstance,
  type Embedding,
  ExportMaker,
  findDrop,
  findFunction,
  functionNames,
  type HostFunction,
  type HostProvider,
} from "../../component/index.ts";
import { GuestEnd, type IncomingExchange } from "../../host/index.ts";
import { Clock } from "../guest-clock.ts";
import type { GuestThread, WatchedGuest } from "../guest-thread.ts";
import type { InstanceLimits, InstanceUsage } from "../limits.ts";
import type { ComponentModule } from "./component-module.ts";
import { trapError } from "./component-traps.ts";
import { makeCoreInstance } from "./core-instance.ts";
import { endedBefore, endingError } from "./endings.ts";
import type { GuestWasi } from "./guest-wasi.ts";
import type { Stay } from "./stay.ts";
import { Waiting } from "./waiting.ts";

/** What an instance of a component is made with. */
export interface ComponentInstanceParts {
  readonly component: ComponentModule;
  readonly mode: ComponentMode;
  readonly thread: GuestThread;
  readonly stay: Stay;
  readonly code: CodeCache;
  /** One for each function that the component imports. */
  readonly hosts: readonly HostFunction[];
  readonly provider: HostProvider | undefined;
  readonly limits: InstanceLimits;
  /** What it has of WASI. */
  readonly wasi: GuestWasi;
  /** Asks for what a suspended call takes. @throws LIMIT_STACKS */
  readonly takeStack: () => void;
  readonly giveStack: () => void;
  /** Called once, when it is closed. */
  readonly onClose: () => void;
}

/** The number of SIGKILL, which ends a guest that is killed without a word. */
const sigkill = 9;
const mostFrames = 64;
/** What entries that run destructors are called. */
const dropPrefix = "[resource-drop]";

/**
 * One instance of a component in this thread, with memories and handles of its own. Calls come one after the other. One that
 * nobody can reach any more is collected, closed or not.
 */
export class ComponentInstance implements Embedding, WatchedGuest {
  /** Whether host calls suspend it (`async`, and then each call answers a promise) or block the thread (`sync`). */
  readonly mode: ComponentMode;
  /** The number under which the checks of its code name it. */
  readonly #id: number;
  readonly #parts: ComponentInstanceParts;
  readonly #store: ComponentStore;
  readonly #maker: ExportMaker;
  readonly #clock: Clock;
  readonly #memories: WebAssembly.Memory[] = [];
  #exports: ComponentExports | undefined;
  #current: string | undefined;
  #outcome: GuestOutcome | undefined;
  /** Why a function of the host's made it trap, if one did. */
  #hostTrap: string | undefined;
  #isEnded = false;
  /** The error that it ended with. */
  #failure: unknown;
  #isClosed = false;
  #calls = 0;
  /** What was set before a call. */
  #stackTraceLimit = 0;
  /** Destructors that run when no call does. */
  readonly #deferred: (() => unknown)[] = [];
  /** Calls that begin when a destructor has run. */
  readonly #queued: (() => void)[] = [];
  readonly #waiting: Waiting;

  /** `register` gives it the number of its checks. */
  constructor(parts: ComponentInstanceParts, register: (guest: WatchedGuest) => number) {
    const { component, code, hosts, provider, mode, limits } = parts;
    this.mode = mode;
    this.#parts = parts;
    this.#clock = new Clock(limits);
    this.#waiting = new Waiting(parts.thread.turns);
    this.#id = register(this);
    this.#store = new ComponentStore({
      plan: component.plan,
      code,
      embedding: this,
      hosts,
      dropOf: (resource) => findDrop(resource, provider),
      classOf: (resource) => this.#maker.classOf(resource),
    });
    this.#maker = new ExportMaker(this.#store, hosts);
  }

  /** Makes its core instances and runs their start functions. @throws what {@link call} throws */
  async start(): Promise<void> {
    const starts = this.#parts.component.modules.some(({ layout }) => layout.start !== undefined);
    if (this.mode === "async" && starts) {
      await this.call("instantiation", () => this.#store.linkAsync(), []);
      return;
    }
    this.begin("instantiation");
    try {
      this.#store.link();
    } catch (error) {
      this.#isEnded = true;
      throw this.failed(error);
    }
    this.finish();
  }

  /** What it exports: functions in camel case, classes of resources, and by the names of interfaces objects of such. */
  get exports(): ComponentExports {
    return (this.#exports ??= this.#maker.all());
  }

  /** Names of the functions that it exports, as {@link invoke} takes them. */
  get functions(): readonly string[] {
    return functionNames(this.#parts.component.plan);
  }

  /** Whether it can be called no more. */
  get isEnded(): boolean {
    return this.#isEnded || this.#isClosed || this.#outcome !== undefined;
  }

  /**
   * Calls an export by `interface#function` or `function`, names as in WIT, and answers what it returns.
   *
   * @throws GUEST_EXPORT_MISSING, INSTANCE_BUSY, INSTANCE_ENDED, GUEST_TRAPPED, COMPONENT_VALUE, COMPONENT_ASYNC_UNSUPPORTED,
   *   ComponentError for the error of a result, a LIMIT_… code, or what a host function threw
   */
  async invoke(name: string, ...args: readonly unknown[]): Promise<unknown> {
    const { plan } = this.#parts.component;
    const found = findFunction(plan, name);
    if (found === undefined) {
      const functions = functionNames(plan);
      const offered =
        functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
      throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${plan.name}": ${offered}`, {
        data: { functions },
      });
    }
    return this.#maker.function(found)(...args);
  }

  /**
   * Has `wasi:http/incoming-handler` answer one request of a server's.
   *
   * @throws what {@link invoke} throws
   */
  async answer(exchange: IncomingExchange): Promise<void> {
    const handler = /^wasi:http\/incoming-handler@0\.2\.\d+#handle$/;
    const name = this.functions.find((each) => handler.test(each)) ?? "wasi:http/incoming-handler#handle";
    await this.invoke(name, ...incomingArguments(this.#parts.wasi.context, exchange));
  }

  /** What it used so far. */
  usage(): Promise<InstanceUsage> {
    const memory = this.#memories.reduce((sum, each) => sum + each.buffer.byteLength, 0);
    const { bytesIn = 0, bytesOut = 0 } = this.#parts.wasi.host?.meter ?? {};
    return Promise.resolve({ calls: this.#calls, bytesIn, bytesOut, cpu: this.#clock.cpu, memory });
  }

  /** Ends it as a signal would. */
  kill(signal: number = sigkill): void {
    this.stop({ kind: "signal", signal });
  }

  /** Ends it, and gives its place in the engine back. */
  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.kill();
    this.#isClosed = true;
    this.#parts.thread.forget(this.#id);
    this.#parts.onClose();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends it from outside: where it waits at once, where it runs at its next check. */
  stop(outcome: GuestOutcome): void {
    if (this.isEnded) return;
    this.#outcome = outcome;
    const { thread } = this.#parts;
    this.#waiting.interrupt(thread.trapError);
    this.#parts.wasi.cancel();
    thread.epoch.raise();
  }

  look(): void {
    this.#outcome ??= this.#clock.overdue();
    if (this.#outcome !== undefined) this.trap();
  }

  /** What {@link look} does, from within a host call of a guest that blocks its thread. @throws GuestEnd */
  lookWithin(): void {
    const outcome = this.#outcome ?? this.#clock.overdue();
    if (outcome === undefined) return;
    if (outcome.kind === "bug") throw outcome.error;
    throw new GuestEnd(outcome);
  }

  /** Resolves once what it wrote is on its way; connections may take `ms` for that. */
  flushed(ms: number): Promise<void> {
    return this.#parts.wasi.flushed(ms);
  }

  pause(): void {
    this.#clock.pause();
  }

  resume(): void {
    this.#resume();
  }

  instantiate(module: number, imports: WebAssembly.Imports): CoreInstance {
    const { component, limits, thread, stay } = this.#parts;
    const compiled = component.modules[module];
    if (compiled === undefined) throw new TypeError(`A component has no core module ${module}`);
    const part = compiled.layout.memories.length / Math.max(1, component.memories);
    const memory = limits.memory === undefined ? undefined : limits.memory * part;
    const made = makeCoreInstance({ compiled, imports, mode: this.mode, id: this.#id, thread, stay, memory });
    this.#memories.push(...made.memories);
    return made.instance;
  }

  trap(): never {
    return this.#parts.thread.trap();
  }

  fail(error: unknown): never {
    // Its own trap on its way out; and the guest's own stack may have run out while it was calling.
    const { passing } = this.#store;
    if (passing !== undefined && passing === error) throw passing;
    if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) throw error;
    if (error instanceof GuestEnd) this.#outcome ??= error.reason;
    else if (error instanceof WasiTrap) this.#hostTrap = error.message;
    else this.#outcome ??= { kind: "bug", error };
    return this.trap();
  }

  wait<T>(promise: Promise<T>): Promise<T> {
    this.#clock.pause();
    return this.#waiting.wait(promise, () => this.#resume());
  }

  beginStay(): void {
    if (this.mode === "async") this.#parts.stay.begin();
  }

  endStay(): void {
    if (this.mode === "async") this.#parts.stay.end();
  }

  whenIdle(run: () => unknown): void {
    if (this.#current === undefined) this.#runIdle(run);
    else this.#deferred.push(run);
  }

  count(): void {
    this.#calls += 1;
  }

  call(entry: string, run: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): unknown {
    if (this.mode === "async") return this.#callLater(entry, run, args);
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

  begin(entry: string): void {
    this.#begin(entry);
    this.#stackTraceLimit = Error.stackTraceLimit;
    Error.stackTraceLimit = mostFrames;
    this.#clock.start();
    this.#resume();
  }

  finish(): void {
    if (this.#outcome !== undefined) throw this.failed(undefined);
    Error.stackTraceLimit = this.#stackTraceLimit;
    this.#end();
  }

  failed(error: unknown): unknown {
    Error.stackTraceLimit = this.#stackTraceLimit;
    const failure = this.#failed(error);
    this.#end();
    return failure;
  }

  async #callLater(
    entry: string,
    run: (...args: readonly unknown[]) => unknown,
    args: readonly unknown[],
  ): Promise<unknown> {
    const { thread, takeStack, giveStack } = this.#parts;
    // What the caller did not wait for is no call of the caller's.
    while (this.#current?.startsWith(dropPrefix) === true) await new Promise<void>((go) => this.#queued.push(go));
    this.#begin(entry);
    let alarm: NodeJS.Timeout | undefined;
    try {
      takeStack();
      try {
        if (thread.turns.isOver) await thread.turns.next();
        if (this.#outcome !== undefined) throw this.#failed(undefined);
        alarm = this.#clock.start((outcome) => this.stop(outcome));
        this.#resume();
        const value = await run(...args);
        if (this.#outcome !== undefined) throw this.#failed(undefined);
        return value;
      } catch (error) {
        throw this.#failed(error);
      } finally {
        giveStack();
      }
    } finally {
      clearTimeout(alarm);
      this.#end();
    }
  }

  #runIdle(run: () => unknown): void {
    if (this.isEnded) return;
    try {
      const running = run();
      if (running instanceof Promise) running.catch(() => {});
    } catch {
      // It has ended the instance, as the next call will say.
    }
  }

  #begin(entry: string): void {
    if (this.#current !== undefined) {
      const message = `Cannot call "${entry}" while "${this.#current}" runs: an instance takes one call at a time`;
      throw new SampanError("INSTANCE_BUSY", message, { hint: "await the first call, or make one more instance" });
    }
    if (this.isEnded) {
      const failure = this.#failure ?? endingError(this.#outcome, this.#parts.component.name);
      throw endedBefore(entry, { isClosed: this.#isClosed, failure });
    }
    this.#current = entry;
    this.#store.entered = undefined;
  }

  #end(): void {
    this.#clock.pause();
    this.#current = undefined;
    const next = this.#deferred.shift();
    if (next !== undefined) this.#runIdle(next);
    if (this.#current !== undefined) return;
    for (const resolve of this.#queued.splice(0)) resolve();
  }

  #resume(): void {
    this.#clock.resume();
    const { thread } = this.#parts;
    thread.turns.begin();
    thread.epoch.enter();
  }

  /** The error that says how the instance ended, where it did: what a caller gave wrong does not end it. */
  #failed(error: unknown): unknown {
    const failure = endingError(this.#outcome, this.#parts.component.name) ?? this.#explained(error);
    if (this.isEnded) this.#failure ??= failure;
    return failure;
  }

  #explained(error: unknown): unknown {
    if (error instanceof ComponentError) return error;
    // A second time, of an error that was made here.
    if (this.#isEnded && error instanceof SampanError) return error;
    const trap = trapError(error, {
      component: this.#parts.component,
      trapped: this.#store.trapped,
      hostTrap: this.#hostTrap,
      entry: this.#current,
    });
    if (trap !== undefined) {
      this.#isEnded = true;
      return trap;
    }
    if (this.#store.entered?.started === true) this.#isEnded = true;
    else this.#store.reset();
    return error;
  }
}
