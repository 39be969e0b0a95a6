import { type AdapterOptions, adapterKey, asyncKindOf, compileAdapter } from "../adapters/compile-adapter.ts";
import { adapterTraps } from "../adapters/traps.ts";
import { partsOf } from "../canonical/layout.ts";
import type { CoreItem, FuseStep } from "../plan/link-plan.ts";
import { shapeOf } from "./code-cache.ts";
import type { ComponentStore } from "./component-store.ts";
import { Handle } from "./handle-table.ts";
import type { Realloc } from "./runtime.ts";
import type { InstanceState } from "./state.ts";
import { Task } from "./task.ts";

/**
 * Makes the core function that calls a function of another instance of the same component: core Wasm, so that the callee can
 * wait with no frame of JavaScript's between (component model, Canonical ABI: canon lower of what was lifted).
 */
export function makeFused(store: ComponentStore, step: FuseStep): WebAssembly.ImportValue {
  const { callee, options, owner, type } = step;
  const state = store.stateOf(owner);
  if (options.isAsync || callee.options.isAsync) return store.links.refusing(state, `the async call of ${callee.name}`);
  const asyncKind = asyncKindOf(type);
  if (asyncKind !== undefined) return store.links.refusing(state, `the ${asyncKind} of ${callee.name}`);
  // The decoder lets none through.
  if (options.memoryIs64 || callee.options.memoryIs64)
    throw new TypeError("No adapter reads a memory of 64-bit addresses");
  const { module, imports } = store.code.stepModule(step, () => {
    const wanted = optionsOf(store, step);
    const compiled = store.code.moduleOf(`adapter ${adapterKey(wanted)}`, () => compileAdapter(wanted));
    return { module: compiled, imports: WebAssembly.Module.imports(compiled).map(({ name }) => name) };
  });
  const fused = new FusedCall(store, step);
  const given = Object.fromEntries(imports.map((name) => [name, fused.importOf(name)]));
  const { call } = new WebAssembly.Instance(module, { "": given }).exports;
  if (typeof call !== "function") throw new TypeError("The module of an adapter exports no function");
  return call;
}

function optionsOf(store: ComponentStore, { callee, options, type, enters }: FuseStep): AdapterOptions {
  const { memory, realloc, postReturn } = callee.options;
  const lends = type.params.some((param) => hasBorrow(param.type));
  const usesContext = store.plan.instances[callee.owner]?.usesContext === true;
  return {
    caller: {
      type,
      shape: shapeOf(options, "sync"),
      hasMemory: options.memory !== undefined,
      hasRealloc: options.realloc !== undefined,
    },
    callee: {
      type: callee.type,
      shape: shapeOf(callee.options, "sync"),
      hasMemory: memory !== undefined,
      hasRealloc: realloc !== undefined,
      hasPostReturn: postReturn !== undefined,
    },
    enters: enters.length,
    needsTask: lends || usesContext,
  };
}

type ValueType = FuseStep["type"]["params"][number]["type"];

function hasBorrow(type: ValueType, seen = new Set<ValueType>()): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  return type.kind === "borrow" || partsOf(type).some((part) => part !== undefined && hasBorrow(part, seen));
}

/** A handle that a call was lent, before those that were lent earlier. */
interface Lent {
  readonly handle: Handle;
  readonly task: Task;
  readonly next: Lent | undefined;
}

/** What one adapter needs of the two instances at run time. */
class FusedCall {
  readonly #store: ComponentStore;
  readonly #step: FuseStep;
  readonly #caller: InstanceState;
  readonly #callee: InstanceState;
  /** Handles that calls which have not returned were lent, the last call's first. */
  #lent: Lent | undefined;

  constructor(store: ComponentStore, step: FuseStep) {
    this.#store = store;
    this.#step = step;
    this.#caller = store.stateOf(step.owner);
    this.#callee = store.stateOf(step.callee.owner);
  }

  /** What stands for an import of an adapter's. */
  importOf(name: string): WebAssembly.ImportValue {
    const { options, callee } = this.#step;
    switch (name) {
      case "callee":
        return this.#store.links.coreValue(callee.core);
      case "post-return":
        return this.#store.links.coreValue(known(callee.options.postReturn));
      case "caller-memory":
        return this.#store.links.coreValue(known(options.memory));
      case "callee-memory":
        return this.#store.links.coreValue(known(callee.options.memory));
      case "caller-realloc":
        return this.#allocator(this.#caller, known(options.realloc));
      case "callee-realloc":
        return this.#allocator(this.#callee, known(callee.options.realloc));
      case "caller-flags":
        return known(this.#caller.global);
      case "callee-flags":
        return known(this.#callee.global);
      case "begin":
        return () => this.#begin();
      case "end":
        return () => this.#end();
      case "trap":
        return (reason: number, side: number) => this.#trap(reason, side);
      case "transfer-own":
        return (slot: number, index: number) => this.#transferOwn(slot, index, this.#caller, this.#callee);
      case "transfer-own-back":
        return (slot: number, index: number) => this.#transferOwn(slot, index, this.#callee, this.#caller);
      case "transfer-borrow":
        return (slot: number, index: number) => this.#transferBorrow(slot, index);
      default:
        return known(this.#store.stateOf(this.#step.enters[Number(name.slice("enter-".length))] ?? -1).global);
    }
  }

  /** An allocator; it has a task of its own where its instance keeps something in tasks. */
  #allocator(state: InstanceState, item: CoreItem): WebAssembly.ImportValue {
    const realloc = this.#store.links.coreValue(item);
    if (this.#store.plan.instances[state.id]?.usesContext !== true) return realloc;
    return (...args: Parameters<Realloc>): number => {
      const { task } = state;
      state.task = new Task(task);
      const at = (realloc as unknown as Realloc)(...args);
      state.task = task;
      return at;
    };
  }

  #trap(reason: number, side: number): never {
    const state = side === 0 ? this.#caller : this.#callee;
    return this.#store.trap(known(adapterTraps[reason]), state);
  }

  #begin(): void {
    this.#callee.task = new Task(this.#callee.task);
  }

  #end(): void {
    const { task } = this.#callee;
    if (task.borrows > 0) this.#store.trap("borrows-not-dropped", this.#callee);
    for (; this.#lent?.task === task; this.#lent = this.#lent.next) this.#lent.handle.lends -= 1;
    this.#callee.task = known(task.parent);
  }

  #transferOwn(slot: number, index: number, from: InstanceState, to: InstanceState): number {
    const { rep } = this.#store.takeOwn(from, this.#resource(slot), index);
    return this.#store.addHandle(to, new Handle(this.#resource(slot), rep));
  }

  #transferBorrow(slot: number, index: number): number {
    const resource = this.#resource(slot);
    const handle = this.#store.handleAt(this.#caller, resource, index);
    const { task } = this.#callee;
    handle.lends += 1;
    this.#lent = { handle, task, next: this.#lent };
    // To the instance that defines the type it is no handle.
    if (this.#store.ownerOf(resource) === this.#callee.id) return handle.rep as number;
    task.borrows += 1;
    return this.#store.addHandle(this.#callee, new Handle(resource, handle.rep, task));
  }

  #resource(slot: number): number {
    return known(this.#step.resources[slot]);
  }
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("A step of a plan lacks what its adapter needs");
  return value;
}
