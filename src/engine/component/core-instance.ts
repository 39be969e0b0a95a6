import type { ComponentMode, CoreInstance } from "../../component/index.ts";
import type { GuestModule } from "../guest-module.ts";
import type { GuestThread } from "../guest-thread.ts";
import { makeMemories } from "../memories.ts";
import type { ComponentModule } from "./component-module.ts";
import type { Stay } from "./stay.ts";

/** What the core instances of one component's instance are made with. */
export interface CoreInstancesParts {
  readonly component: ComponentModule;
  readonly mode: ComponentMode;
  /** The number under which the checks of its code name the component's instance. */
  readonly id: number;
  readonly thread: GuestThread;
  readonly stay: Stay;
  /** Most bytes of all memories. */
  readonly memory: number | undefined;
  /** Whether functions with hot loops are optimised once {@link CoreInstances.optimise} is called, and not before anything runs. */
  readonly optimisesLate: boolean;
}

/** The functions that save the state of one core instance, and that put it back and answer 1 where they could. */
export interface StateFunctions {
  readonly save: () => void;
  readonly restore: () => number;
}

/** The functions of a memory's owner that tell and change its size as guests see it. */
interface SizeFunctions {
  readonly size: WebAssembly.ExportValue;
  readonly grow: WebAssembly.ExportValue;
}

/** The core instances of one instance of a component. */
export class CoreInstances {
  /** The memories that they have of their own, in the order in which they were made. */
  readonly memories: WebAssembly.Memory[] = [];
  readonly #state: StateFunctions[] = [];
  /** What puts tables back that others than their own modules may change. */
  readonly #tables = new Map<unknown, StateFunctions>();
  readonly #parts: CoreInstancesParts;
  /** Each has functions of one core module optimised. */
  #left: (() => void)[] = [];
  readonly #sizes = new Map<unknown, SizeFunctions>();

  constructor(parts: CoreInstancesParts) {
    this.#parts = parts;
  }

  /** What puts those back that can be put back. */
  get state(): readonly StateFunctions[] {
    return this.#state;
  }

  /** Bytes of all memories. */
  get bytes(): number {
    let bytes = 0;
    for (const { buffer } of this.memories) bytes += buffer.byteLength;
    return bytes;
  }

  /** Has V8 optimise what was left for later. */
  optimise(): void {
    if (this.#left.length === 0) return;
    for (const optimise of this.#left) optimise();
    this.#left = [];
  }

  /** Makes an instance of a core module. */
  make(module: number, imports: WebAssembly.Imports): CoreInstance {
    const { component, mode, id, thread, stay, memory } = this.#parts;
    const compiled = component.modules[module];
    if (compiled === undefined) throw new TypeError(`A component has no core module ${module}`);
    const { layout } = compiled;
    const part = layout.memories.length / Math.max(1, component.memories);
    const { own } = makeMemories(layout, [], memory === undefined ? undefined : memory * part);
    const { checks } = layout;
    const given = imports as Record<string, WebAssembly.ModuleImports>;
    if (layout.memories.length > 0 || checks !== undefined)
      given[layout.namespace] = { ...own, ...(checks === undefined ? {} : { [checks.epoch]: thread.epoch.memory }) };
    const { exports } = new WebAssembly.Instance(compiled.module, given);
    if (this.#parts.optimisesLate) this.#left.push(() => compiled.prepareLater(exports));
    else compiled.prepare(exports);
    if (checks !== undefined) {
      (exports[checks.id] as WebAssembly.Global).value = id;
      (exports[checks.hook] as WebAssembly.Global).value = mode === "async" ? stay.hook : thread.hooks.sync;
    }
    this.memories.push(...Object.values(own));
    this.#keepState(compiled, given, exports);
    const start = layout.start === undefined ? undefined : (exports[layout.start] as () => void);
    if (start === undefined || mode === "sync") return { exports, start };
    const entry = WebAssembly.promising(start);
    return { exports, start: async () => void (await entry()) };
  }

  #keepState({ layout }: GuestModule, imports: WebAssembly.Imports, exports: WebAssembly.Exports): void {
    const { restore } = layout;
    if (restore === undefined) return;
    this.#state.push(stateFunctions(exports, restore));
    for (const each of restore.tables) this.#tables.set(exports[each.table], stateFunctions(exports, each));
    for (const { module, name } of restore.changes) {
      const table = imports[module]?.[name];
      const its = this.#tables.get(table);
      if (its !== undefined) this.#state.push(its);
      this.#tables.delete(table);
    }
    for (const { memory, size, grow } of restore.lent)
      this.#sizes.set(exports[memory], { size: exported(exports, size), grow: exported(exports, grow) });
    for (const { module, name, size, grow } of restore.borrowed) {
      const owner = this.#sizes.get(imports[module]?.[name]);
      if (owner === undefined) throw new TypeError(`Nobody tells the size of the memory "${module}" "${name}"`);
      (exports[size] as WebAssembly.Global).value = owner.size;
      (exports[grow] as WebAssembly.Global).value = owner.grow;
    }
  }
}

function stateFunctions(
  exports: WebAssembly.Exports,
  { save, restore }: { readonly save: string; readonly restore: string },
): StateFunctions {
  return { save: exported(exports, save) as () => void, restore: exported(exports, restore) as () => number };
}

function exported(exports: WebAssembly.Exports, name: string): WebAssembly.ExportValue {
  const value = exports[name];
  if (value === undefined) throw new TypeError(`A rewritten module exports no "${name}"`);
  return value;
}
