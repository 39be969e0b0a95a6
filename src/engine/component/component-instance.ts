import { type GuestOutcome, incomingArguments } from "../../abi/index.ts";
import {
  type ComponentExports,
  type ComponentMode,
  ComponentStore,
  type CoreInstance,
  type Embedding,
  ExportMaker,
  type ExportSource,
  findDrop,
  findFunction,
  functionNames,
} from "../../component/index.ts";
import { GuestEnd, type IncomingExchange } from "../../host/index.ts";
import { abortedBy } from "../aborted.ts";
import { Clock } from "../guest-clock.ts";
import type { WatchedGuest } from "../guest-thread.ts";
import type { CoreHandler } from "../kept-stacks.ts";
import type { InstanceUsage } from "../limits.ts";
import { CoreInstances, type StateFunctions } from "./core-instance.ts";
import { Entries } from "./entries.ts";
import { exportMissing, findHandler } from "./exported-function.ts";
import { memoryHint } from "../memory-hint.ts";
import { InstanceEnd } from "./instance-end.ts";
import type { ComponentInstanceParts } from "./instance-parts.ts";
import { UseEmbedding } from "./use-embedding.ts";
import { Waiting } from "./waiting.ts";

/** The number of SIGKILL, which ends a guest that is killed without a word. */
const sigkill = 9;
/** What the entries are called that run start functions. */
const instantiation = "instantiation";
const handlerEntry = "wasi:http/incoming-handler#handle";

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
  readonly #cores: CoreInstances;
  readonly #clock: Clock;
  readonly #ending: InstanceEnd;
  #maker: ExportMaker | undefined;
  /** What the maker's functions go through, where they are to be dead in the next use. */
  #use: UseEmbedding | undefined;
  #exports: ComponentExports | undefined;
  #calls = 0;
  #callsTaken = 0;
  #cpuTaken = 0;
  readonly #entries: Entries;
  readonly #waiting: Waiting;
  #handler: ((...args: unknown[]) => unknown) | undefined;
  /** The core function behind it, where stacks that are kept have it. */
  #coreHandler: CoreHandler | undefined;
  /** What was called by its name last: each use calls the same, as a rule. */
  #invoked: { readonly name: string; readonly planned: NonNullable<ReturnType<typeof findFunction>> } | undefined;
  /** What the request that it answers is answered by. */
  #outparam: { end(how: { readonly hasFailed: boolean }): void } | undefined;

  /** `register` gives it the number of its checks. */
  constructor(parts: ComponentInstanceParts, register: (guest: WatchedGuest) => number) {
    const { component, code, hosts, provider, mode, limits, thread, stay, startsLast, optimisesLate = false } = parts;
    this.mode = mode;
    this.#parts = parts;
    this.#ending = new InstanceEnd(component, () => memoryHint(this.#cores.bytes, limits.memory));
    this.#clock = new Clock(limits);
    this.#waiting = new Waiting(thread.turns);
    this.#id = register(this);
    const { memory } = limits;
    this.#cores = new CoreInstances({ component, mode, id: this.#id, thread, stay, memory, optimisesLate });
    this.#store = new ComponentStore({
      plan: component.plan,
      code,
      embedding: this,
      hosts,
      dropOf: (resource) => findDrop(resource, provider),
      classOf: (resource) => this.#makerOfUse().classOf(resource),
      startsLast,
    });
    const stop = (outcome: GuestOutcome): void => this.stop(outcome);
    const onEnd = (entry: string): void => (entry === instantiation ? undefined : this.#cores.optimise());
    this.#entries = new Entries({
      ...parts,
      store: this.#store,
      clock: this.#clock,
      ending: this.#ending,
      stop,
      onEnd,
    });
  }

  /** Makes its core instances and runs their start functions. @throws what {@link call} throws */
  async start(): Promise<void> {
    const starts = this.#parts.component.modules.some(({ layout }) => layout.start !== undefined);
    if (this.mode === "async" && starts && this.#parts.startsLast !== true) {
      await this.call(instantiation, () => this.#store.links.linkAsync(), []);
      return;
    }
    this.begin(instantiation);
    try {
      this.#store.links.link();
    } catch (error) {
      this.#ending.trapped();
      throw this.failed(error);
    }
    this.finish();
  }

  /** Runs the start functions that were put off. @throws what {@link call} throws */
  initialize(): void | Promise<void> {
    if (this.#store.links.hasStarts)
      return this.call(instantiation, () => this.#store.links.start(), []) as void | Promise<void>;
  }

  /** What it exports: functions in camel case, classes of resources, and by the names of interfaces objects of such. */
  get exports(): ComponentExports {
    return (this.#exports ??= this.#makerOfUse().all());
  }

  /** Names of the functions that it exports, as {@link invoke} takes them. */
  get functions(): readonly string[] {
    return functionNames(this.#parts.component.plan);
  }

  /** Whether it can be called no more. */
  get isEnded(): boolean {
    return this.#ending.hasEnded;
  }

  /**
   * Calls an export by `interface#function` or `function`, names as in WIT, and answers what it returns.
   *
   * @throws GUEST_EXPORT_MISSING, INSTANCE_BUSY, INSTANCE_ENDED, GUEST_TRAPPED, COMPONENT_VALUE, COMPONENT_ASYNC_UNSUPPORTED,
   *   ComponentError for the error of a result, a LIMIT_… code, or what a host function threw
   */
  async invoke(name: string, ...args: readonly unknown[]): Promise<unknown> {
    if (this.#invoked?.name !== name) {
      const { plan } = this.#parts.component;
      const planned = findFunction(plan, name);
      if (planned === undefined) throw exportMissing(plan, name);
      this.#invoked = { name, planned };
    }
    return this.#makerOfUse().callable(this.#invoked.planned)(...args);
  }

  /**
   * Has `wasi:http/incoming-handler` answer one request of a server's.
   *
   * @throws what {@link invoke} throws
   */
  async answer(exchange: IncomingExchange): Promise<void> {
    await this.handle(exchange);
  }

  /** {@link answer}, which in an instance that is bound sync is over when it returns. */
  handle(exchange: IncomingExchange): Promise<void> | void {
    this.#handler ??= this.#liftHandler();
    const [request, outparam] = incomingArguments(this.#parts.wasi.context, exchange);
    this.#outparam = outparam;
    return this.call(handlerEntry, this.#handler, [request, outparam]) as Promise<void> | void;
  }

  /** Says that {@link handle} is over: what is missing of the answer does not come. Where it failed, the server answers instead. */
  endAnswer(how: { readonly hasFailed: boolean }): void {
    this.#outparam?.end(how);
    this.#outparam = undefined;
  }

  /** Whether start functions were put off. */
  get hasStarts(): boolean {
    return this.#store.links.hasStarts;
  }

  /** What it used so far. */
  usage(): Promise<InstanceUsage> {
    const memory = this.#cores.bytes;
    const { bytesIn = 0, bytesOut = 0 } = this.#parts.wasi.host?.meter ?? {};
    return Promise.resolve({ calls: this.#calls, bytesIn, bytesOut, cpu: this.#clock.cpu, memory });
  }

  /** Calls out of it, and whether it keeps something beside its core modules: what shows that it is not as it was linked. */
  get traces(): number {
    return this.#calls + (this.#store.isPristine ? 0 : 1);
  }

  /** Whether nothing of it runs or waits, and nothing ended it: then it can be put back. */
  get isAtRest(): boolean {
    return this.#entries.isQuiet && !this.isEnded && !this.#waiting.isPending && !this.#parts.wasi.context.isWriting;
  }

  /** What puts its core modules back, for each of them. */
  get state(): readonly StateFunctions[] {
    return this.#cores.state;
  }

  /** The memories that its core modules have of their own. */
  get memories(): readonly WebAssembly.Memory[] {
    return this.#cores.memories;
  }

  /** Ends the use of it: drops what is left of the host's and makes what it has beside its core modules as a new one has it. */
  endUse(): void {
    this.#store.dropAll();
    this.#parts.wasi.endUse();
    this.#store.renew();
    if (this.#use !== undefined) this.#use.isOver = true;
    this.#use = this.#maker = this.#exports = undefined;
  }

  /** Begins another use of it. */
  beginUse(how: "as-new" | "as-left"): void {
    if (how === "as-new") this.#parts.wasi.renew();
    else this.#parts.wasi.host?.beginUse();
    this.#clock.renew();
  }

  /** Adds what was used since this was asked before. */
  takeUsage(sum: { -readonly [Key in keyof InstanceUsage]: number }): void {
    const { meter } = this.#parts.wasi.host ?? {};
    sum.calls += this.#calls - this.#callsTaken;
    this.#callsTaken = this.#calls;
    const { cpu } = this.#clock;
    sum.cpu += cpu - this.#cpuTaken;
    this.#cpuTaken = cpu;
    sum.memory = Math.max(sum.memory, this.#cores.bytes);
    if (meter === undefined) return;
    sum.bytesIn += meter.bytesIn;
    sum.bytesOut += meter.bytesOut;
    meter.bytesIn = meter.bytesOut = 0;
  }

  /** Ends it as a signal would. */
  kill(signal: number = sigkill): void {
    this.stop({ kind: "signal", signal });
  }

  /** Ends it for a reason of the caller's; calls then throw GUEST_ABORTED. */
  abort(reason: unknown): void {
    this.stop({ kind: "limit", error: abortedBy(reason, this.#parts.component.name) });
  }

  /** Ends it, and gives its place in the engine back. */
  close(): Promise<void> {
    if (this.#ending.isClosed) return Promise.resolve();
    this.kill();
    this.#ending.isClosed = true;
    this.#parts.thread.forget(this.#id);
    if (this.#coreHandler !== undefined) this.#parts.thread.stacks.forget(this.#coreHandler);
    this.#parts.onClose();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Ends it from outside: where it waits at once, where it runs at its next check. */
  stop(outcome: GuestOutcome): void {
    if (this.isEnded) return;
    this.#ending.outcome = outcome;
    const { thread } = this.#parts;
    this.#waiting.interrupt(() => thread.trapError);
    this.#parts.wasi.cancel();
    thread.epoch.raise();
  }

  look(): void {
    this.#ending.outcome ??= this.#clock.overdue();
    if (this.#ending.outcome !== undefined) this.trap();
  }

  /** What {@link look} does, from within a host call of a guest that blocks its thread. @throws GuestEnd */
  lookWithin(): void {
    const outcome = this.#ending.outcome ?? this.#clock.overdue();
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
    this.#entries.resume();
  }

  instantiate(module: number, imports: WebAssembly.Imports): CoreInstance {
    return this.#cores.make(module, imports);
  }

  trap(): never {
    return this.#parts.thread.trap();
  }

  fail(error: unknown): never {
    // Its own trap on its way out; and the guest's own stack may have run out while it was calling.
    const { passing } = this.#store;
    if (passing !== undefined && passing === error) throw passing;
    if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) throw error;
    this.#ending.note(error);
    return this.trap();
  }

  wait<T>(promise: Promise<T>): Promise<T> {
    this.#entries.wait();
    return this.#waiting.wait(promise, this.#goOn);
  }

  beginStay(): void {
    if (this.mode === "async") this.#parts.stay.begin();
  }

  endStay(): void {
    if (this.mode === "async") this.#parts.stay.end();
  }

  whenIdle(run: () => unknown): void {
    this.#entries.whenIdle(run);
  }

  count(): void {
    this.#calls += 1;
  }

  call(entry: string, run: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): unknown {
    return this.#entries.call(entry, run, args);
  }

  begin(entry: string): void {
    this.#entries.begin(entry);
  }

  finish(): void {
    this.#entries.finish();
  }

  failed(error: unknown): unknown {
    return this.#entries.failed(error);
  }

  readonly #goOn = (): void => this.#entries.resume();

  #liftHandler(): (...args: unknown[]) => unknown {
    const { links } = this.#store;
    const lift = findHandler(this.#parts.component.plan);
    if (this.mode === "sync" || this.#parts.isReused !== true) return links.lifted(lift);
    const { stacks } = this.#parts.thread;
    const handler = (this.#coreHandler = links.coreFunction(lift.core) as CoreHandler);
    return links.liftedBy(lift, (request, outparam) => stacks.call(handler, request as number, outparam as number));
  }

  #makerOfUse(): ExportMaker {
    if (this.#maker !== undefined) return this.#maker;
    const { hosts, streams, isReused } = this.#parts;
    const store = this.#store;
    const adapt: ConstructorParameters<typeof ExportMaker>[2] = (of, call) => streams.ofExport(of, call);
    if (isReused !== true) return (this.#maker = new ExportMaker(store, hosts, adapt));
    const embedding = (this.#use = new UseEmbedding(this));
    const source: ExportSource = {
      plan: store.plan,
      resources: store.resources,
      embedding,
      ownerOf: (resource) => store.ownerOf(resource),
      resourceOf: (resource) => store.resourceOf(resource),
      lifted: (lift) => store.lifted(lift),
    };
    return (this.#maker = new ExportMaker(source, hosts, adapt));
  }
}
