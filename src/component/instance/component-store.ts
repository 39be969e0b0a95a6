import { SampanError } from "../../base/index.ts";
import { MemoryViews } from "../canonical/runtime.ts";
import type {
  CoreItem,
  InstantiateStep,
  LinkPlan,
  LowerStep,
  PlannedLift,
  PlannedOptions,
  PlannedResource,
  Step,
} from "../plan/link-plan.ts";
import { makeBuiltin, makeResourceBuiltin } from "./builtins.ts";
import type { CodeCache } from "./code-cache.ts";
import type { Embedding } from "./embedding.ts";
import { makeFused } from "./fused.ts";
import type { GuestResourceClass } from "./guest-resource.ts";
import type { Handle } from "./handle-table.ts";
import type { HostDrop, HostFunction } from "./host-functions.ts";
import { HostResources } from "./host-resources.ts";
import { lazily } from "./lazily.ts";
import { LeftHandles } from "./left-handles.ts";
import { type Realloc, LiftRuntime, LowerRuntime, type RuntimeParts } from "./runtime.ts";
import { flagBit, InstanceState } from "./state.ts";
import { Task } from "./task.ts";
import { textOfTrap, type TrapReason } from "./traps.ts";

/** What one instance of a component is made of. */
export interface StoreParts {
  readonly plan: LinkPlan;
  readonly code: CodeCache;
  readonly embedding: Embedding;
  /** One for each import of the plan, in its order. */
  readonly hosts: readonly HostFunction[];
  /** What is called when the guest drops a resource of the host's; undefined where nothing is. */
  readonly dropOf: (resource: PlannedResource) => HostDrop | undefined;
  /** The class of a resource type of the guest's. */
  readonly classOf: (resource: number) => GuestResourceClass;
  /** Whether start functions are put off until {@link ComponentStore.start}. */
  readonly startsLast?: boolean | undefined;
}

type CoreFunction = (...args: unknown[]) => unknown;

/** Most handles that an instance may have at once with all that is nested in it: they take the host's memory, not the guest's. */
const mostHandles = 1_000_000;

/** The state of one instance of a component with all that is nested in it, and what links its parts. */
export class ComponentStore {
  readonly plan: LinkPlan;
  readonly code: CodeCache;
  readonly embedding: Embedding;
  /** Its resources as the host has them. */
  resources: HostResources;
  readonly #parts: StoreParts;
  readonly #states: readonly InstanceState[];
  readonly #cores: WebAssembly.Exports[] = [];
  readonly #values: WebAssembly.ImportValue[] = [];
  readonly #views = new Map<WebAssembly.Memory, MemoryViews>();
  /** Of functions that use no memory. */
  #noViews: MemoryViews | undefined;
  readonly #lifted = new Map<PlannedLift, CoreFunction>();
  /** Start functions that were put off. */
  readonly #starts: (() => void | Promise<void>)[] = [];
  readonly #left = new LeftHandles(this);
  /** The task of the call that the host made last. */
  entered: Task | undefined;
  /** A trap of the guest's that is on its way out of it. */
  passing: WebAssembly.RuntimeError | undefined;
  /** Why the canonical ABI ended it, if it did. */
  trapped: { readonly reason: TrapReason; readonly state: InstanceState; readonly text: string } | undefined;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.plan = parts.plan;
    this.code = parts.code;
    this.embedding = parts.embedding;
    this.resources = this.#makeResources();
    const room = { left: mostHandles };
    this.#states = parts.plan.instances.map((planned, id) => new InstanceState(id, planned, room));
  }

  /** Makes what the plan says; for an instance that is bound sync. */
  link(): void {
    for (const step of this.plan.steps) void this.#run(step);
  }

  /** Makes what the plan says; for an instance that is bound async, whose start functions may wait. */
  async linkAsync(): Promise<void> {
    for (const step of this.plan.steps) {
      const started = this.#run(step);
      if (started !== undefined) await started;
    }
  }

  /** Whether start functions were put off. */
  get hasStarts(): boolean {
    return this.#starts.length > 0;
  }

  /** Runs the start functions that were put off; a promise in an instance that is bound async. */
  start(): void | Promise<void> {
    if (this.embedding.mode === "async") return this.#startAsync();
    for (const start of this.#starts) void start();
  }

  async #startAsync(): Promise<void> {
    for (const start of this.#starts) await start();
  }

  /** Whether it keeps nothing beside what its core modules have. */
  get isPristine(): boolean {
    return this.#states.every(({ isPristine }) => isPristine);
  }

  /** Drops what the guest owned of the host's, as nobody is left who could. */
  dropAll(): void {
    for (const { handles } of this.#states) if (handles.size > 0) this.#left.drop(handles);
  }

  /** Makes what is kept beside the core modules as a new instance has it. */
  renew(): void {
    for (const state of this.#states) state.renew();
    if (this.resources.isUsed) {
      this.resources.end();
      this.resources = this.#makeResources();
    }
    this.entered = undefined;
  }

  #makeResources(): HostResources {
    return new HostResources(this, (resource) => this.#parts.classOf(resource));
  }

  /** Says that a call ended before code of the guest ran for it. */
  reset(): void {
    for (const undo of this.entered?.undo ?? []) undo();
    for (const state of this.#states) state.reset();
  }

  /** The function of JavaScript's that calls a function of the guest's. */
  lifted(lift: PlannedLift): CoreFunction {
    let lifted = this.#lifted.get(lift);
    if (lifted === undefined) this.#lifted.set(lift, (lifted = this.#lift(lift)));
    return lifted;
  }

  /** Ends the guest. */
  trap(reason: TrapReason, state: InstanceState, text = textOfTrap(reason)): never {
    this.trapped = { reason, state, text };
    try {
      return this.embedding.trap();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) this.passing = error;
      throw error;
    }
  }

  /** Ends the guest because it needs what only a later version executes. */
  refuseAsync(feature: string): never {
    const message = `Cannot run "${this.plan.name}" on: it uses ${feature}, which Sampan does not execute yet`;
    return this.embedding.fail(
      new SampanError("COMPONENT_ASYNC_UNSUPPORTED", message, { hint: "build it for WASI 0.2", data: { feature } }),
    );
  }

  stateOf(instance: number): InstanceState {
    const state = this.#states[instance];
    if (state === undefined) throw new TypeError(`A plan has no instance ${instance}`);
    return state;
  }

  resourceOf(resource: number): PlannedResource {
    const planned = this.plan.resources[resource];
    if (planned === undefined) throw new TypeError(`A plan has no resource type ${resource}`);
    return planned;
  }

  /** The instance that defines a resource type; undefined where the host does. */
  ownerOf(resource: number): number | undefined {
    return this.plan.resources[resource]?.owner;
  }

  dropOf(resource: number): HostDrop | undefined {
    return this.#parts.dropOf(this.resourceOf(resource));
  }

  /** Drops a resource of the host's. */
  dropHost(drop: (value: unknown) => void, value: unknown): void {
    try {
      this.embedding.count();
      drop(value);
    } catch (error) {
      this.embedding.fail(error);
    }
  }

  /** The same where it may take a while: answers what the guest is suspended for. */
  dropHostLater(drop: (value: unknown) => unknown, value: unknown): unknown {
    try {
      this.embedding.count();
      const dropped = drop(value);
      if (!(dropped instanceof Promise)) return undefined;
      const { embedding } = this;
      return embedding.wait(dropped).then(
        () => undefined,
        (error: unknown) => embedding.fail(error),
      );
    } catch (error) {
      return this.embedding.fail(error);
    }
  }

  /** Traps where code of an instance must not call out of it now. */
  checkLeave(state: InstanceState): void {
    if ((state.flags & flagBit.mayLeave) === 0) this.trap("cannot-leave", state);
  }

  /** The instances that a call of one enters; from the host where no caller is named. */
  entering(caller: number | undefined, callee: number): readonly InstanceState[] {
    const inside = new Set<number>();
    for (let each = caller; each !== undefined; each = this.plan.instances[each]?.parent) inside.add(each);
    const entered: InstanceState[] = [];
    for (let each: number | undefined = callee; each !== undefined; each = this.plan.instances[each]?.parent)
      if (!inside.has(each)) entered.push(this.stateOf(each));
    return entered;
  }

  /** Gives an instance a handle. */
  addHandle(state: InstanceState, handle: Handle): number {
    return state.handles.add(handle) ?? this.trap("handle-table-full", state);
  }

  /** The handle under a number, which has to be of a type. */
  handleAt(state: InstanceState, resource: number, index: number): Handle {
    const handle = state.handles.get(index);
    if (handle === undefined) return this.trap("unknown-handle", state, `unknown handle index ${index >>> 0}`);
    if (handle.resource !== resource) this.trap("wrong-handle-type", state, this.#wrongType(handle, resource, index));
    return handle;
  }

  #wrongType(handle: Handle, wanted: number, index: number): string {
    const kindOf = (resource: number): string =>
      `${this.ownerOf(resource) === undefined ? "host" : "guest"}-defined resource`;
    const isSameKind = kindOf(handle.resource) === kindOf(wanted);
    const found = `${isSameKind ? "different " : ""}${kindOf(handle.resource)}`;
    return `handle index ${index >>> 0} used with the wrong type, expected ${kindOf(wanted)} but found a ${found}`;
  }

  /** Takes a resource that the instance owns away from it. */
  takeOwn(state: InstanceState, resource: number, index: number): Handle {
    const handle = this.handleAt(state, resource, index);
    if (handle.lends > 0) this.trap("handle-is-lent", state);
    if (!handle.isOwn) this.trap("handle-is-borrowed", state);
    state.handles.remove(index);
    return handle;
  }

  /** A function that runs a destructor for the host; undefined for a type without one. */
  destructorOf(resource: number): ((rep: number) => unknown) | undefined {
    const { owner, destructor } = this.resourceOf(resource);
    if (owner === undefined || destructor === undefined) return undefined;
    const parts = this.#runtimeParts(owner, { memory: undefined, realloc: undefined }, []);
    const runtime = new LiftRuntime(parts, this.entering(undefined, owner));
    const core = this.#entry(this.coreFunction(destructor));
    return (rep) => {
      const task = runtime.enterCall();
      task.started = true;
      const ran = core(rep);
      if (!(ran instanceof Promise)) return runtime.leaveCall(task);
      return ran.then(() => runtime.leaveCall(task));
    };
  }

  /** Calls a function of core code that must not call out of its instance. */
  callInside(state: InstanceState, core: CoreFunction, args: readonly unknown[]): unknown {
    const { flags } = state;
    state.flags = flags & ~flagBit.mayLeave;
    this.embedding.beginStay();
    try {
      return core(...args);
    } catch (error) {
      if (error instanceof WebAssembly.Exception) this.trap("uncaught-exception", state);
      throw error;
    } finally {
      this.embedding.endStay();
      state.flags = flags;
    }
  }

  /** Calls an allocator, which has a task of its own. */
  callRealloc(state: InstanceState, realloc: Realloc, args: Parameters<Realloc>): number {
    const { task } = state;
    state.task = new Task(task);
    const at = this.callInside(state, realloc as CoreFunction, args) as number;
    state.task = task;
    return at;
  }

  /** What a core definition of the plan is in this instance. */
  coreValue(item: CoreItem): WebAssembly.ImportValue {
    const value = item.kind === "value" ? this.#values[item.index] : this.#cores[item.instance]?.[item.name];
    if (value === undefined) throw new TypeError("A step of a plan needs what no step before it has made");
    return value;
  }

  coreFunction(item: CoreItem): CoreFunction {
    return this.coreValue(item) as CoreFunction;
  }

  #run(step: Step): void | Promise<void> {
    switch (step.kind) {
      case "instantiate":
        return this.#instantiate(step);
      case "lower":
        this.#values[step.index] = this.#lower(step);
        return;
      case "fuse":
        this.#values[step.index] = makeFused(this, step);
        return;
      case "builtin":
        this.#values[step.index] = makeBuiltin(this, step);
        return;
      case "resource-new":
      case "resource-rep":
      case "resource-drop":
        this.#values[step.index] = makeResourceBuiltin(this, step);
    }
  }

  #instantiate({ index, module, imports }: InstantiateStep): void | Promise<void> {
    const given = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
    for (const { module: from, name, item } of imports) {
      const within = (given[from] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>);
      within[name] = this.coreValue(item);
    }
    const { exports, start } = this.embedding.instantiate(module, given);
    this.#cores[index] = exports;
    if (this.#parts.startsLast !== true || start === undefined) return start?.();
    this.#starts.push(start);
  }

  #lower(step: LowerStep): WebAssembly.ImportValue {
    const { options, owner, resources } = step;
    const { mode } = this.embedding;
    const host = this.#parts.hosts[step.import];
    const planned = this.plan.imports[step.import];
    if (host === undefined || planned === undefined)
      throw new TypeError("A plan names an import that it does not have");
    const state = this.stateOf(owner);
    const name = [...planned.path, planned.name].join("#");
    if (options.isAsync) return this.refusing(state, `the async call of ${name}`);
    const lowered = lazily(step.coreParams, () => {
      const runtime = new LowerRuntime(this.#runtimeParts(owner, options, resources));
      return this.code.importMaker(step, mode, host.takesViews)(
        runtime,
        this.#guarded(host, name),
        name,
      ) as CoreFunction;
    });
    return mode === "async" && host.mayWait === true ? new WebAssembly.Suspending(lowered) : lowered;
  }

  /** A function that traps where its instance must not be left, and says elsewhere what it would need. */
  refusing(state: InstanceState, feature: string): WebAssembly.ImportValue {
    return (): never => {
      this.checkLeave(state);
      return this.refuseAsync(feature);
    };
  }

  #guarded({ call, mayWait }: HostFunction, name: string): CoreFunction {
    const { embedding } = this;
    const run = call as CoreFunction;
    const waits = embedding.mode === "async" && mayWait === true;
    return (...args) => {
      embedding.count();
      const value = run(...args);
      // A record may have a field of that name.
      if (typeof value !== "object" || value === null || !("then" in value) || typeof value.then !== "function")
        return value;
      if (waits) return embedding.wait(Promise.resolve(value));
      const message = `Cannot wait for "${name}", which answered a promise: the instance is bound sync`;
      throw new SampanError("INSTANCE_ASYNC", message, { hint: 'instantiate with mode: "async"' });
    };
  }

  #lift(lift: PlannedLift): CoreFunction {
    const { owner, options, resources, name } = lift;
    const state = this.stateOf(owner);
    if (options.isAsync) return () => this.refuseAsync(`the async function ${name}`);
    const runtime = new LiftRuntime(this.#runtimeParts(owner, options, resources), this.entering(undefined, owner));
    const core = this.#entry(this.coreFunction(lift.core));
    const { postReturn } = options;
    if (postReturn === undefined)
      return this.code.exportMaker(lift, this.embedding.mode)(runtime, core, name) as CoreFunction;
    const after = this.coreFunction(postReturn);
    const inside = (...args: unknown[]): unknown => this.callInside(state, after, args);
    return this.code.exportMaker(lift, this.embedding.mode)(runtime, core, name, inside) as CoreFunction;
  }

  /** A core function as the host enters it. */
  #entry(core: CoreFunction): CoreFunction {
    return this.embedding.mode === "async" ? WebAssembly.promising(core) : core;
  }

  #runtimeParts(
    owner: number,
    { memory, realloc }: Pick<PlannedOptions, "memory" | "realloc">,
    resources: readonly number[],
  ): RuntimeParts {
    return {
      store: this,
      state: this.stateOf(owner),
      views:
        memory === undefined
          ? (this.#noViews ??= new MemoryViews())
          : this.#viewsOf(this.coreValue(memory) as WebAssembly.Memory),
      realloc: realloc === undefined ? undefined : (this.coreFunction(realloc) as unknown as Realloc),
      resources,
    };
  }

  #viewsOf(memory: WebAssembly.Memory): MemoryViews {
    let views = this.#views.get(memory);
    if (views === undefined) {
      views = new MemoryViews();
      views.attach(memory);
      this.#views.set(memory, views);
    }
    return views;
  }
}
