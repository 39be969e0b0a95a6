import type { AsyncKind, CanonicalRuntime, MemoryViews } from "../canonical/runtime.ts";
import type { ComponentStore } from "./component-store.ts";
import { type GuestHandle, GuestResource } from "./guest-resource.ts";
import { Handle } from "./handle-table.ts";
import { flagBit, type InstanceState } from "./state.ts";
import { Task } from "./task.ts";
import type { TrapReason } from "./traps.ts";

/** What a function of core Wasm that allocates looks like (component model, Canonical ABI: `realloc`). */
export type Realloc = (old: number, oldSize: number, alignment: number, size: number) => number;

/** What both directions have of one function at run time. */
export interface RuntimeParts {
  readonly store: ComponentStore;
  readonly state: InstanceState;
  readonly views: MemoryViews;
  readonly realloc: Realloc | undefined;
  /** Numbers of the function type's resource types. */
  readonly resources: readonly number[];
}

abstract class Runtime implements CanonicalRuntime {
  readonly views: MemoryViews;
  protected readonly store: ComponentStore;
  protected readonly state: InstanceState;
  readonly #realloc: Realloc | undefined;
  readonly #resources: readonly number[];
  /** Handles of the guest's that are lent to the host's function now, and what the host has of them. */
  protected lenders: Handle[] | undefined;
  protected lent: GuestHandle[] | undefined;
  /** Resources of the host's that a call into the guest was lent. */
  protected given: GuestHandle[] | undefined;

  constructor({ store, state, views, realloc, resources }: RuntimeParts) {
    this.store = store;
    this.state = state;
    this.views = views;
    this.#realloc = realloc;
    this.#resources = resources;
  }

  abstract enterCall(): Task;
  abstract leaveCall(task: Task): void;

  realloc(old: number, oldSize: number, alignment: number, size: number): number {
    const { state, store } = this;
    if (this.#realloc === undefined) throw new TypeError("A function without realloc allocates");
    return store.callRealloc(state, this.#realloc, [old, oldSize, alignment, size]) >>> 0;
  }

  trap(reason: TrapReason): never {
    return this.store.trap(reason, this.state);
  }

  fail(error: unknown): never {
    return this.store.embedding.fail(error);
  }

  liftOwn(slot: number, index: number): unknown {
    const handle = this.store.takeOwn(this.state, this.resource(slot), index);
    return this.store.resources.toHost(handle, "own");
  }

  liftBorrow(slot: number, index: number): unknown {
    const handle = this.store.handleAt(this.state, this.resource(slot), index);
    handle.lends += 1;
    (this.lenders ??= []).push(handle);
    const value = this.store.resources.toHost(handle, "borrow");
    // What the host lends may be a resource of another component, which knows nothing of this call's end.
    const lent = this.store.ownerOf(handle.resource) === undefined ? undefined : GuestResource.handleOf(value);
    if (lent !== undefined) (this.lent ??= []).push(lent);
    return value;
  }

  lowerOwn(slot: number, value: unknown): number {
    const resource = this.resource(slot);
    return this.store.addHandle(
      this.state,
      new Handle(resource, this.store.resources.fromHost(resource, value, "own")),
    );
  }

  lowerBorrow(slot: number, value: unknown): number {
    const resource = this.resource(slot);
    const rep = this.store.resources.fromHost(resource, value, "borrow");
    const given = GuestResource.handleOf(value);
    if (given !== undefined) {
      given.lends += 1;
      (this.given ??= []).push(given);
    }
    if (this.store.ownerOf(resource) === this.state.id) return rep as number;
    const { task } = this.state;
    task.borrows += 1;
    return this.store.addHandle(this.state, new Handle(resource, rep, task));
  }

  liftAsync(kind: AsyncKind): unknown {
    return this.store.refuseAsync(kind);
  }

  lowerAsync(kind: AsyncKind): number {
    return this.store.refuseAsync(kind);
  }

  protected endLends(): void {
    const { lenders, lent } = this;
    if (lenders === undefined) return;
    for (const handle of lenders) handle.lends -= 1;
    for (const handle of lent ?? []) handle.isGone = true;
    this.lenders = undefined;
    this.lent = undefined;
  }

  protected resource(slot: number): number {
    const resource = this.#resources[slot];
    if (resource === undefined) throw new TypeError(`A function type has no resource type ${slot}`);
    return resource;
  }
}

/** What a function of the host's has that core code calls (component model, Canonical ABI: `canon lower`). */
export class LowerRuntime extends Runtime {
  enterCall(): Task {
    const { state } = this;
    if ((state.flags & flagBit.mayLeave) === 0) this.trap("cannot-leave");
    return state.task;
  }

  leaveCall(): void {
    if (this.lenders !== undefined) this.endLends();
  }
}

/** What a function of the guest's has that the host calls (component model, Canonical ABI: `canon lift`). */
export class LiftRuntime extends Runtime {
  /** The instances that a call enters. */
  readonly #entered: readonly InstanceState[];

  constructor(parts: RuntimeParts, entered: readonly InstanceState[]) {
    super(parts);
    this.#entered = entered;
  }

  enterCall(): Task {
    for (const each of this.#entered) {
      const { flags } = each;
      if ((flags & flagBit.mayEnter) === 0) this.trap("cannot-enter");
      each.flags = flags & ~flagBit.mayEnter;
    }
    const task = new Task(this.state.task);
    this.state.task = task;
    this.store.entered = task;
    return task;
  }

  override lowerOwn(slot: number, value: unknown): number {
    const index = super.lowerOwn(slot, value);
    const isGuests = this.store.ownerOf(this.resource(slot)) !== undefined;
    const handle = isGuests ? GuestResource.handleOf(value) : undefined;
    this.#undo(() => {
      this.state.handles.remove(index);
      if (handle !== undefined) handle.isGone = false;
    });
    return index;
  }

  override lowerBorrow(slot: number, value: unknown): number {
    const before = this.state.handles.size;
    const index = super.lowerBorrow(slot, value);
    const isHandle = this.state.handles.size > before;
    this.#undo(() => {
      if (isHandle) this.state.handles.remove(index);
      this.#endGiven();
    });
    return index;
  }

  #undo(undo: () => void): void {
    (this.state.task.undo ??= []).push(undo);
  }

  #endGiven(): void {
    for (const given of this.given ?? []) given.lends -= 1;
    this.given = undefined;
  }

  leaveCall(task: Task): void {
    if (task.borrows > 0) this.trap("borrows-not-dropped");
    if (task.parent !== undefined) this.state.task = task.parent;
    for (const each of this.#entered) each.flags |= flagBit.mayEnter;
    if (this.given !== undefined) this.#endGiven();
  }
}
