import { SampanError } from "../../base/index.ts";
import { MemoryViews } from "../canonical/runtime.ts";
import type { CoreItem, InstantiateStep, LowerStep, PlannedLift, PlannedOptions, Step } from "../plan/link-plan.ts";
import { makeBuiltin, makeResourceBuiltin } from "./builtins.ts";
import type { ComponentStore, StoreParts } from "./component-store.ts";
import { makeFused } from "./fused.ts";
import type { HostFunction } from "./host-functions.ts";
import { lazily } from "./lazily.ts";
import { type Realloc, LiftRuntime, LowerRuntime, type RuntimeParts } from "./runtime.ts";
import type { InstanceState } from "./state.ts";

type CoreFunction = (...args: unknown[]) => unknown;

/** What the steps of an instance's plan make: its core instances, and the functions between them and the host. */
export class CoreLinks {
  readonly #store: ComponentStore;
  readonly #parts: Pick<StoreParts, "hosts" | "startsLast">;
  readonly #cores: WebAssembly.Exports[] = [];
  readonly #values: WebAssembly.ImportValue[] = [];
  readonly #views = new Map<WebAssembly.Memory, MemoryViews>();
  /** Of functions that use no memory. */
  #noViews: MemoryViews | undefined;
  readonly #lifted = new Map<PlannedLift, CoreFunction>();
  /** Start functions that were put off. */
  readonly #starts: (() => void | Promise<void>)[] = [];

  constructor(store: ComponentStore, parts: Pick<StoreParts, "hosts" | "startsLast">) {
    this.#store = store;
    this.#parts = parts;
  }

  /** Makes what the plan says; for an instance that is bound sync. */
  link(): void {
    for (const step of this.#store.plan.steps) void this.#run(step);
  }

  /** Makes what the plan says; for an instance that is bound async, whose start functions may wait. */
  async linkAsync(): Promise<void> {
    for (const step of this.#store.plan.steps) {
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
    if (this.#store.embedding.mode === "async") return this.#startAsync();
    for (const start of this.#starts) void start();
  }

  async #startAsync(): Promise<void> {
    for (const start of this.#starts) await start();
  }

  /** The function of JavaScript's that calls a function of the guest's. */
  lifted(lift: PlannedLift): CoreFunction {
    let lifted = this.#lifted.get(lift);
    if (lifted === undefined)
      this.#lifted.set(lift, (lifted = this.#lift(lift, this.#entry(this.coreFunction(lift.core)))));
    return lifted;
  }

  /** The same for who enters the core function, {@link coreFunction} of the lift, by `entry`. */
  liftedBy(lift: PlannedLift, entry: CoreFunction): CoreFunction {
    return this.#lift(lift, entry);
  }

  /** A function that runs a destructor for the host; undefined for a type without one. */
  destructorOf(resource: number): ((rep: number) => unknown) | undefined {
    const { owner, destructor } = this.#store.resourceOf(resource);
    if (owner === undefined || destructor === undefined) return undefined;
    const parts = this.#runtimeParts(owner, { memory: undefined, realloc: undefined }, []);
    const runtime = new LiftRuntime(parts, this.#store.entering(undefined, owner));
    const core = this.#entry(this.coreFunction(destructor));
    return (rep) => {
      const task = runtime.enterCall();
      task.started = true;
      const ran = core(rep);
      if (!(ran instanceof Promise)) return runtime.leaveCall(task);
      return ran.then(() => runtime.leaveCall(task));
    };
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
        this.#values[step.index] = makeFused(this.#store, step);
        return;
      case "builtin":
        this.#values[step.index] = makeBuiltin(this.#store, step);
        return;
      case "resource-new":
      case "resource-rep":
      case "resource-drop":
        this.#values[step.index] = makeResourceBuiltin(this.#store, step);
    }
  }

  #instantiate({ index, module, imports }: InstantiateStep): void | Promise<void> {
    const given = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
    for (const { module: from, name, item } of imports) {
      const within = (given[from] ??= Object.create(null) as Record<string, WebAssembly.ImportValue>);
      within[name] = this.coreValue(item);
    }
    const { exports, start } = this.#store.embedding.instantiate(module, given);
    this.#cores[index] = exports;
    if (this.#parts.startsLast !== true || start === undefined) return start?.();
    this.#starts.push(start);
  }

  #lower(step: LowerStep): WebAssembly.ImportValue {
    const { options, owner, resources } = step;
    const { mode } = this.#store.embedding;
    const host = this.#parts.hosts[step.import];
    const planned = this.#store.plan.imports[step.import];
    if (host === undefined || planned === undefined)
      throw new TypeError("A plan names an import that it does not have");
    const state = this.#store.stateOf(owner);
    const name = [...planned.path, planned.name].join("#");
    if (options.isAsync) return this.refusing(state, `the async call of ${name}`);
    const lowered = lazily(step.coreParams, () => {
      const runtime = new LowerRuntime(this.#runtimeParts(owner, options, resources));
      return this.#store.code.importMaker(step, mode, host.takesViews)(
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
      this.#store.checkLeave(state);
      return this.#store.refuseAsync(feature);
    };
  }

  #guarded({ call, mayWait }: HostFunction, name: string): CoreFunction {
    const { embedding } = this.#store;
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

  #lift(lift: PlannedLift, core: CoreFunction): CoreFunction {
    const { owner, options, resources, name } = lift;
    const state = this.#store.stateOf(owner);
    if (options.isAsync) return () => this.#store.refuseAsync(`the async function ${name}`);
    const runtime = new LiftRuntime(
      this.#runtimeParts(owner, options, resources),
      this.#store.entering(undefined, owner),
    );
    const { postReturn } = options;
    if (postReturn === undefined)
      return this.#store.code.exportMaker(lift, this.#store.embedding.mode)(runtime, core, name) as CoreFunction;
    const after = this.coreFunction(postReturn);
    const inside = (...args: unknown[]): unknown => this.#store.callInside(state, after, args);
    return this.#store.code.exportMaker(lift, this.#store.embedding.mode)(runtime, core, name, inside) as CoreFunction;
  }

  /** A core function as the host enters it. */
  #entry(core: CoreFunction): CoreFunction {
    return this.#store.embedding.mode === "async" ? WebAssembly.promising(core) : core;
  }

  #runtimeParts(
    owner: number,
    { memory, realloc }: Pick<PlannedOptions, "memory" | "realloc">,
    resources: readonly number[],
  ): RuntimeParts {
    return {
      store: this.#store,
      state: this.#store.stateOf(owner),
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
