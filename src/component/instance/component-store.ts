import { SampanError } from "../../base/index.ts";
import type { LinkPlan, PlannedLift, PlannedResource } from "../plan/link-plan.ts";
import type { CodeCache } from "./code-cache.ts";
import { CoreLinks } from "./core-links.ts";
import type { Embedding } from "./embedding.ts";
import type { GuestResourceClass } from "./guest-resource.ts";
import type { Handle } from "./handle-table.ts";
import type { HostDrop, HostFunction } from "./host-functions.ts";
import { HostResources } from "./host-resources.ts";
import { LeftHandles } from "./left-handles.ts";
import type { Realloc } from "./runtime.ts";
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
  /** Whether start functions are put off until {@link CoreLinks.start}. */
  readonly startsLast?: boolean | undefined;
}

type CoreFunction = (...args: unknown[]) => unknown;

/** Most handles that an instance may have at once with all that is nested in it: they take the host's memory, not the guest's. */
const mostHandles = 1_000_000;

/** The state of one instance of a component with all that is nested in it. */
export class ComponentStore {
  readonly plan: LinkPlan;
  readonly code: CodeCache;
  readonly embedding: Embedding;
  /** What the steps of its plan make. */
  readonly links: CoreLinks;
  /** Its resources as the host has them. */
  resources: HostResources;
  readonly #parts: StoreParts;
  readonly #states: readonly InstanceState[];
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
    this.links = new CoreLinks(this, parts);
    const room = { left: mostHandles };
    this.#states = parts.plan.instances.map((planned, id) => new InstanceState(id, planned, room));
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

  lifted(lift: PlannedLift): (...args: unknown[]) => unknown {
    return this.links.lifted(lift);
  }

  destructorOf(resource: number): ((rep: number) => unknown) | undefined {
    return this.links.destructorOf(resource);
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
}
