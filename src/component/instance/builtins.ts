import type { BuiltinStep, ResourceStep } from "../plan/link-plan.ts";
import type { ComponentStore } from "./component-store.ts";
import { Handle } from "./handle-table.ts";
import { resourceDropModule } from "./resource-drop.ts";
import { flagBit, type InstanceState } from "./state.ts";
import { Task } from "./task.ts";

/** Makes the function of a built-in on resources for one instance (component model, Canonical ABI: `canon resource.new`, …). */
export function makeResourceBuiltin(store: ComponentStore, step: ResourceStep): WebAssembly.ImportValue {
  const state = store.stateOf(step.owner);
  const { resource } = step;
  switch (step.kind) {
    case "resource-new":
      return (rep: number): number => {
        store.checkLeave(state);
        return store.addHandle(state, new Handle(resource, rep));
      };
    case "resource-rep":
      return (index: number): number => store.handleAt(state, resource, index).rep as number;
    case "resource-drop":
      return makeDrop(store, state, resource);
  }
}

/** The `resource.drop` of one type: of core Wasm where a destructor of a guest's runs. */
function makeDrop(store: ComponentStore, state: InstanceState, resource: number): WebAssembly.ImportValue {
  const { owner, destructor } = store.resourceOf(resource);
  const dropHost = owner === undefined ? store.dropOf(resource) : undefined;
  const entered = owner === undefined ? [] : store.entering(state.id, owner);
  /** Answers what owned the resource; undefined for what was only lent. */
  const take = (index: number): Handle | undefined => {
    store.checkLeave(state);
    const handle = store.handleAt(state, resource, index);
    if (handle.lends > 0) store.trap("handle-is-lent", state);
    state.handles.remove(index);
    if (handle.scope === undefined) return handle;
    handle.scope.borrows -= 1;
    return undefined;
  };
  if (owner === undefined || destructor === undefined) {
    const later = store.embedding.mode === "async" ? dropHost?.later : undefined;
    if (later !== undefined)
      return new WebAssembly.Suspending((index: number) => {
        const handle = take(index);
        return handle === undefined ? undefined : store.dropHostLater(later, handle.rep);
      });
    return (index: number): void => {
      const handle = take(index);
      if (handle === undefined) return;
      for (const each of entered) if ((each.flags & flagBit.mayEnter) === 0) store.trap("cannot-enter", each);
      if (dropHost !== undefined) store.dropHost(dropHost, handle.rep);
    };
  }
  const target = store.stateOf(owner);
  const destroy = store.links.coreFunction(destructor);
  let rep = 0;
  const parts = {
    take(index: number): number {
      const handle = take(index);
      if (handle === undefined) return 0;
      for (const each of entered) {
        if ((each.flags & flagBit.mayEnter) === 0) store.trap("cannot-enter", each);
        each.flags &= ~flagBit.mayEnter;
      }
      target.task = new Task(target.task);
      rep = handle.rep as number;
      return 1;
    },
    rep: () => rep,
    destructor: destroy as WebAssembly.ExportValue,
    done(): void {
      if (target.task.parent !== undefined) target.task = target.task.parent;
      for (const each of entered) each.flags |= flagBit.mayEnter;
    },
    threw: (): never => store.trap("uncaught-exception", target),
  };
  // Where nothing is ever suspended, an instance of Wasm less is to be made.
  if (store.embedding.mode === "sync") return dropHere(parts, destroy);
  const compiled = store.code.moduleOf("resource.drop", () => resourceDropModule);
  const { drop } = new WebAssembly.Instance(compiled, { "": parts }).exports;
  if (typeof drop !== "function") throw new TypeError("The module of resource.drop exports no function");
  return drop;
}

interface DropParts {
  readonly take: (index: number) => number;
  readonly rep: () => number;
  readonly done: () => void;
  readonly threw: () => never;
}

/** What the module of `resource.drop` does, in JavaScript. */
function dropHere(
  { take, rep, done, threw }: DropParts,
  destroy: (...args: unknown[]) => unknown,
): (index: number) => void {
  return (index) => {
    if (take(index) === 0) return;
    try {
      destroy(rep());
    } catch (error) {
      if (error instanceof WebAssembly.Exception) threw();
      throw error;
    }
    done();
  };
}

/**
 * Makes the function of any other built-in. What only async functions do traps as specified where the instance must not be left,
 * and ends the guest with COMPONENT_ASYNC_UNSUPPORTED elsewhere.
 */
export function makeBuiltin(store: ComponentStore, { builtin, owner }: BuiltinStep): WebAssembly.ImportValue {
  const state = store.stateOf(owner);
  const { name } = builtin;
  if (name === "context.get") {
    const { slot, type } = builtin;
    const unset = type === "i64" ? 0n : 0;
    return (): number | bigint => state.task.context[slot] ?? unset;
  }
  if (name === "context.set") {
    const { slot } = builtin;
    return (value: number | bigint): void => {
      state.task.context[slot] = value;
    };
  }
  if (name === "backpressure.inc" || name === "backpressure.dec") {
    const amount = name === "backpressure.inc" ? 1 : -1;
    return (): void => {
      const raised = state.addBackpressure(amount);
      if (raised < 0 || raised === mostBackpressure) store.trap("backpressure-overflow", state);
    };
  }
  const isOfTask = name === "task.return" || name === "task.cancel";
  return (): void => {
    store.checkLeave(state);
    // Every task is one of a function that is lifted without async.
    if (isOfTask) store.trap("not-async", state);
    store.refuseAsync(name);
  };
}

/** How often backpressure cannot be raised without being taken back (component model, Canonical ABI: `backpressure.inc`). */
const mostBackpressure = 2 ** 16;
