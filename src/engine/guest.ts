import { type BindMode, type GuestOutcome, Preview1Context, type Trace } from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import { GuestEnd, type HostInstance } from "../host/index.ts";
import { Clock } from "./guest-clock.ts";
import type { GuestModule } from "./guest-module.ts";
import type { GuestThread, WatchedGuest } from "./guest-thread.ts";
import type { HostFunctions } from "./import-plan.ts";
import { makeMemories } from "./memories.ts";
import { memoryHint } from "./memory-hint.ts";
import { backtraceOf, createTrap, createTrapError, type Frame } from "./trap.ts";

/** How a run of a guest ended. */
export type RunResult =
  | { readonly kind: "returned"; readonly values: readonly unknown[] }
  | {
      readonly kind: "trap";
      readonly message: string;
      readonly backtrace: readonly Frame[];
      /** The limit that it ran into, if that is what it was. */
      readonly code?: "LIMIT_STACK";
      /** What to try, where that can be seen. */
      readonly hint?: string | undefined;
      /** The number of the guest's thread that trapped, where that is not its first one. */
      readonly thread?: number;
    }
  | GuestOutcome;

/** What an instance is made with. */
export interface GuestOptions {
  readonly host: HostInstance;
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly trace?: Trace | undefined;
  /** `async` suspends the guest where a host operation waits; `sync`, the default, blocks the thread there. */
  readonly mode?: BindMode;
  /** What it shares with the other guests of its thread; needed by a module with checks. */
  readonly thread?: GuestThread | undefined;
  /** Most bytes of all its memories together, at most what the module was compiled for. */
  readonly memory?: number | undefined;
  /** How long each call may take and all may run, in ms. */
  readonly deadline?: number | undefined;
  readonly cpu?: number | undefined;
  /** Functions of the embedder's. */
  readonly imports?: HostFunctions | undefined;
}

const mostFrames = 64;

/** One instance of a module with its own host state. One call at a time: overlapping ones would share a stack in its memory. */
export class Guest implements WatchedGuest {
  readonly context: Preview1Context;
  readonly #module: GuestModule;
  readonly #options: GuestOptions;
  readonly #clock: Clock;
  readonly #entries = new Map<string, (...args: unknown[]) => Promise<unknown>>();
  readonly #id: number | undefined;
  #instance: WebAssembly.Instance | undefined;
  #outcome: GuestOutcome | undefined;
  #isSettled = false;
  #trap: (() => never) | undefined;
  #memories: readonly WebAssembly.Memory[] = [];

  constructor(module: GuestModule, options: GuestOptions) {
    this.#module = module;
    this.#options = options;
    this.#clock = new Clock(options);
    this.context = new Preview1Context({
      host: options.host,
      args: options.args,
      end: (outcome) => this.#end(outcome),
      waits: this,
    });
    this.#id = module.layout.checks === undefined ? undefined : options.thread?.register(this);
  }

  /** The exports, once {@link instantiate} has run. */
  get exports(): WebAssembly.Exports {
    return this.#instance?.exports ?? {};
  }

  /** How long its code ran, in ms. */
  get cpu(): number {
    return this.#clock.cpu;
  }

  /** Its memories, those that the engine made for it first. */
  get memories(): readonly WebAssembly.Memory[] {
    return this.#memories;
  }

  /** Bytes of its memories, which never shrink. */
  get memoryBytes(): number {
    return this.#memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
  }

  /** Whether it can be called no more: it exited, trapped or was stopped. */
  get isEnded(): boolean {
    return this.#isSettled || this.#outcome !== undefined;
  }

  /**
   * Makes the instance, which runs the module's start function where it has one; undefined where that went well.
   *
   * @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides, LIMIT_MEMORIES
   */
  instantiate(): RunResult | undefined {
    const result = this.#guarded(() => {
      this.#make();
      return [];
    });
    if (result.kind !== "returned") return result;
    const { start } = this.#module.layout;
    if (start === undefined) return undefined;
    const started = this.call(start);
    return started.kind === "returned" ? undefined : started;
  }

  /** Makes an instance that is bound async. @throws what {@link instantiate} throws */
  async instantiateAsync(): Promise<RunResult | undefined> {
    const result = this.#guarded(() => {
      this.#make();
      return [];
    });
    if (result.kind !== "returned") return result;
    const { start } = this.#module.layout;
    if (start === undefined) return undefined;
    const started = await this.callAsync(start);
    return started.kind === "returned" ? undefined : started;
  }

  /** Calls an export of an instance that is bound sync and answers how that ended. @throws GUEST_EXPORT_MISSING */
  call(name: string, args: readonly unknown[] = []): RunResult {
    const entry = this.#entry(name);
    return this.#guarded(() => valuesOf(entry(...args)));
  }

  /** Calls an export of an instance that is bound async and answers how that ended. @throws GUEST_EXPORT_MISSING */
  async callAsync(name: string, args: readonly unknown[] = []): Promise<RunResult> {
    const entry = this.#promising(name);
    const { thread } = this.#options;
    if (thread?.turns.isOver === true) await thread.turns.next();
    if (this.#outcome !== undefined) return this.#outcome;
    const alarm = this.#clock.start((outcome) => this.stop(outcome));
    this.#enter();
    try {
      const values = valuesOf(await entry(...args));
      return this.#outcome ?? { kind: "returned", values };
    } catch (error) {
      return this.#resultOf(error);
    } finally {
      this.#clock.pause();
      clearTimeout(alarm);
    }
  }

  /** Ends the guest from outside: where it waits at once, where it runs at its next check. */
  stop(outcome: GuestOutcome): void {
    if (this.isEnded) return;
    this.#outcome = outcome;
    this.context.interrupt(this.#options.thread?.trapError ?? createTrapError());
    this.#options.thread?.epoch.raise();
  }

  look(): void {
    if (this.#outcome !== undefined) this.#end(this.#outcome);
    const overdue = this.#clock.overdue();
    if (overdue !== undefined) this.#end(overdue);
  }

  /** What {@link look} does, from within a host call of a guest that blocks its thread. @throws GuestEnd */
  lookWithin(): void {
    const outcome = this.#outcome ?? this.#clock.overdue();
    if (outcome === undefined) return;
    if (outcome.kind === "bug") throw outcome.error;
    throw new GuestEnd(outcome);
  }

  pause(): void {
    this.#clock.pause();
  }

  resume(): void {
    this.#enter();
  }

  /** Lets a guest that waited go on in this turn, or in a later one where guests have had their share of it. */
  schedule(go: () => void): void {
    const { thread } = this.#options;
    if (thread?.turns.isOver === true) void thread.turns.next().then(go);
    else go();
  }

  /** Gives it the host state and the time of a new instance, once its own state was put back. */
  renew(host: HostInstance): void {
    this.#clock.renew();
    this.context.renew(host);
  }

  /** Closes what the guest has open; it can be called no more. */
  close(): void {
    this.#isSettled = true;
    if (this.#id !== undefined) this.#options.thread?.forget(this.#id);
    this.context.host.close();
  }

  #enter(): void {
    const { thread } = this.#options;
    this.#clock.resume();
    if (thread === undefined || this.#id === undefined) return;
    thread.turns.begin();
    thread.epoch.enter();
  }

  #make(): void {
    const { module, layout } = this.#module;
    const { mode = "sync", thread, trace, imports } = this.#options;
    const plan = this.#module.importPlan();
    const { own: memories, imported } = makeMemories(layout, plan.memories, this.#options.memory);
    const fail = (outcome: GuestOutcome): never => this.#end(outcome);
    const bound = plan.bind(this.context, { trace, mode, given: imports, fail, memories: imported });
    if (layout.memories.length > 0 || layout.checks !== undefined) {
      const own: Record<string, WebAssembly.ImportValue> = { ...memories };
      if (layout.checks !== undefined && thread !== undefined) own[layout.checks.epoch] = thread.epoch.memory;
      bound[layout.namespace] = own;
    }
    const instance = new WebAssembly.Instance(module, bound);
    this.#instance = instance;
    this.#module.prepare(instance.exports);
    if (layout.checks !== undefined && thread !== undefined) {
      globalOf(instance, layout.checks.id).value = this.#id;
      globalOf(instance, layout.checks.hook).value = thread.hooks[mode];
    }
    const exported = Object.values(instance.exports).filter((value) => value instanceof WebAssembly.Memory);
    this.#memories = [...new Set([...Object.values(memories), ...imported, ...exported])];
    const { memory } = instance.exports;
    const used = memory instanceof WebAssembly.Memory ? memory : imported[0];
    if (used !== undefined) this.context.memory.attach(used);
  }

  #entry(name: string): (...args: unknown[]) => unknown {
    const entry = this.exports[name];
    if (typeof entry === "function") return entry as (...args: unknown[]) => unknown;
    const functions = this.#module.functionNames(this.exports);
    const offered =
      functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
    throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${this.#module.name}": ${offered}`, {
      data: { functions },
    });
  }

  #promising(name: string): (...args: unknown[]) => Promise<unknown> {
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const made = WebAssembly.promising(this.#entry(name));
    this.#entries.set(name, made);
    return made;
  }

  #end(outcome: GuestOutcome): never {
    this.#outcome = outcome;
    if (this.#options.thread !== undefined) return this.#options.thread.trap();
    this.#trap ??= createTrap();
    return this.#trap();
  }

  #guarded(run: () => readonly unknown[]): RunResult {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = mostFrames;
    this.#clock.start();
    this.#enter();
    try {
      const values = run();
      return this.#outcome ?? { kind: "returned", values };
    } catch (error) {
      return this.#resultOf(error);
    } finally {
      this.#clock.pause();
      Error.stackTraceLimit = limit;
    }
  }

  #resultOf(error: unknown): RunResult {
    if (this.#outcome !== undefined) return this.#outcome;
    // Its memory may be in any state: what trapped is not called again.
    this.#isSettled = true;
    if (error instanceof WebAssembly.LinkError) {
      const message = `Cannot run "${this.#module.name}": ${error.message.replace(/^WebAssembly\.Instance\(\): /, "")}`;
      throw new SampanError("GUEST_IMPORT_UNKNOWN", message, { cause: error });
    }
    if (error instanceof SampanError) throw error;
    const isStackOverflow = error instanceof RangeError && error.message.startsWith("Maximum call stack");
    if (error instanceof WebAssembly.RuntimeError || isStackOverflow) {
      const backtrace = backtraceOf(error as unknown as Error, this.#module.originalOffset);
      const hint = memoryHint(this.memoryBytes, this.#options.memory);
      if (!isStackOverflow) return { kind: "trap", message: error.message, backtrace, hint };
      return { kind: "trap", message: "call stack exhausted", backtrace, code: "LIMIT_STACK" };
    }
    if (error instanceof WebAssembly.Exception) {
      const backtrace = backtraceOf(error as unknown as Error, this.#module.originalOffset);
      return { kind: "trap", message: "an exception that nothing caught", backtrace };
    }
    return { kind: "bug", error };
  }
}

function valuesOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function globalOf(instance: WebAssembly.Instance, name: string): WebAssembly.Global {
  const value = instance.exports[name];
  if (value instanceof WebAssembly.Global) return value;
  throw new TypeError(`A rewritten module exports no global "${name}"`);
}
