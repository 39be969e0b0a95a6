import { types } from "node:util";
import {
  type BindMode,
  type BindPlan,
  type CallMode,
  type CallRow,
  coreParameters,
  coreResults,
  type GuestOutcome,
  type NamedRow,
  callsNamed,
  planCalls,
  type Preview1Context,
  type Trace,
} from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { FunctionType, ImportInfo, MemoryType } from "../wasm/index.ts";

/**
 * Functions of an embedder's, by the module and name that guests import them under. What one throws ends the guest. In an instance
 * that is bound async one may answer a promise, for which the guest waits.
 */
export type HostFunctions = Readonly<Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>>;

/** How one instance's imports are bound. */
export interface BindOptions {
  readonly mode: BindMode;
  readonly trace?: Trace | undefined;
  /** They come before what Sampan provides under the same name. */
  readonly given?: HostFunctions | undefined;
  /** Ends the guest for what a given function threw. */
  readonly fail: (outcome: GuestOutcome) => never;
  /** Memories for those of the plan, in its order. */
  readonly memories?: readonly WebAssembly.Memory[] | undefined;
}

/** The two names of an import. */
export interface PlannedImport {
  readonly module: string;
  readonly name: string;
}

/** A memory that a module imports; it gets one of its own. */
export interface ImportedMemory extends PlannedImport {
  readonly type: MemoryType;
}

interface UnknownImport extends PlannedImport {
  /** As a message tells it. */
  readonly text: string;
  readonly isFunction: boolean;
}

/** How a module's imports are met: found once for the module, bound for each instance. */
export class ImportPlan {
  readonly #moduleName: string;
  readonly #imports: PlannedImport[] = [];
  readonly #rows: NamedRow<Preview1Context>[] = [];
  readonly #unknown: UnknownImport[] = [];
  readonly #memories: ImportedMemory[] = [];
  readonly #plans = new Map<string, BindPlan<Preview1Context>>();

  /** Whether the module starts threads (wasi-threads, `wasi.thread-spawn`). */
  readonly spawnsThreads: boolean;

  constructor(imports: readonly ImportInfo[], moduleName: string) {
    this.#moduleName = moduleName;
    this.spawnsThreads = imports.some(isThreadSpawn);
    // A module may import the same function more than once, and a name with each of the types that its versions have.
    const places = new Map<string, number>();
    for (const wanted of imports) {
      const { module, name, kind } = wanted;
      if (isThreadSpawn(wanted)) continue;
      if (kind === "memory") {
        const isKnown = this.#memories.some((known) => known.module === module && known.name === name);
        if (!isKnown) this.#memories.push({ module, name, type: wanted.type });
        continue;
      }
      const found = kind === "function" ? callsNamed(module, name) : [];
      const row = kind === "function" ? found.find((each) => hasType(each, wanted.type)) : undefined;
      if (row === undefined) {
        const text = `${module}.${name} (${found.length === 0 ? kind : "with another type"})`;
        this.#unknown.push({ module, name, text, isFunction: kind === "function" });
        continue;
      }
      const place = places.get(`${module} ${name}`);
      if (place === undefined) {
        places.set(`${module} ${name}`, this.#rows.length);
        this.#imports.push({ module, name });
        this.#rows.push([name, row]);
        continue;
      }
      const [, first, ...others]: NamedRow<Preview1Context> = this.#rows[place] ?? [name, row];
      if (first !== row && !others.includes(row)) this.#rows[place] = [name, first, ...others, row];
    }
  }

  /** Whether a call of the module's may have to wait, so that it is to be bound async. */
  get mayWait(): boolean {
    return this.#rows.some(([, ...versions]) => versions.some(({ mayWait }) => mayWait));
  }

  /** Memories that the module imports. */
  get memories(): readonly ImportedMemory[] {
    return this.#memories;
  }

  /** The calls of the host's that the module imports, by the numbers of {@link answering}. */
  get calls(): readonly PlannedImport[] {
    return this.#imports;
  }

  /** Functions of JavaScript's for {@link calls}, which answer a promise where the host waits. */
  answering(context: Preview1Context, trace: Trace | undefined): ((...args: unknown[]) => unknown)[] {
    return this.#plan("answer", trace !== undefined)(context, trace) as ((...args: unknown[]) => unknown)[];
  }

  /** Imports that have to be given. @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides */
  givenBy(given: HostFunctions): readonly PlannedImport[] {
    this.#check(given);
    return [...this.#unknown, ...this.#imports].filter((planned) => givenFor(given, planned) !== undefined);
  }

  #check(given: HostFunctions): void {
    const missing = this.#unknown.filter((wanted) => !wanted.isFunction || givenFor(given, wanted) === undefined);
    if (missing.length === 0) return;
    throw unknownImports(
      missing.map(({ text }) => text),
      this.#moduleName,
    );
  }

  /**
   * The imports of one instance.
   *
   * @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides, GUEST_THREADS where the module starts threads
   */
  bind(context: Preview1Context, options: BindOptions): Record<string, Record<string, WebAssembly.ImportValue>> {
    const { mode, trace, given = {} } = options;
    this.#check(given);
    if (this.spawnsThreads) throw threadsNeedCordon(this.#moduleName);
    const functions = this.#plan(mode, trace !== undefined)(context, trace);
    const bound = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
    const set = ({ module, name }: PlannedImport, value: WebAssembly.ImportValue): void => {
      (bound[module] ??= emptyRecord())[name] = value;
    };
    for (const [index, planned] of this.#imports.entries()) {
      const value = functions[index];
      if (value !== undefined) set(planned, value);
    }
    for (const [index, planned] of this.#memories.entries()) {
      const memory = options.memories?.[index];
      if (memory !== undefined) set(planned, memory);
    }
    for (const planned of [...this.#unknown, ...this.#imports]) {
      const own = givenFor(given, planned);
      if (own !== undefined) set(planned, bindGiven(own, context, options));
    }
    return bound;
  }

  #plan(mode: CallMode, isTraced: boolean): BindPlan<Preview1Context> {
    const key = `${mode} ${isTraced}`;
    let plan = this.#plans.get(key);
    if (plan === undefined) {
      plan = planCalls(this.#rows, { mode, isTraced });
      this.#plans.set(key, plan);
    }
    return plan;
  }
}

/** Guests choose the names, among which may be those that every object has. */
function emptyRecord(): Record<string, WebAssembly.ImportValue> {
  return Object.create(null) as Record<string, WebAssembly.ImportValue>;
}

/** The function that an embedder gives for an import. */
export function givenFor(
  given: HostFunctions,
  { module, name }: PlannedImport,
): ((...args: never[]) => unknown) | undefined {
  const functions = Object.hasOwn(given, module) ? given[module] : undefined;
  return functions !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** Whether V8 suspends the guest for a value: promises of other realms and whatever has a `then` are among them. */
function isAwaited(value: unknown): boolean {
  if (types.isPromise(value)) return true;
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** A function of the embedder's: what it throws, or rejects with, ends the guest, which catches no trap. */
function bindGiven(
  own: (...args: never[]) => unknown,
  context: Preview1Context,
  { mode, fail }: BindOptions,
): WebAssembly.ImportValue {
  const call = own as (...args: unknown[]) => unknown;
  const failed = (error: unknown): never => {
    // The guest's own stack ran out while it was calling: its trap.
    if (error instanceof RangeError && error.message.startsWith("Maximum call stack")) throw error;
    return fail({ kind: "bug", error });
  };
  const guarded = (...args: unknown[]): unknown => {
    try {
      const value = call(...args);
      if (!isAwaited(value)) return value;
      if (mode === "sync") throw cannotWait();
      // Whatever it comes to: suspend() hands it on.
      return context.suspend(Promise.resolve(value), (settled) => settled as number, failed);
    } catch (error) {
      return failed(error);
    }
  };
  return mode === "async" ? new WebAssembly.Suspending(guarded) : guarded;
}

function cannotWait(): SampanError {
  const message = "Cannot wait for a function that answered a promise: the instance is bound sync";
  return new SampanError("INSTANCE_ASYNC", message, { hint: 'instantiate with mode: "async"' });
}

/** Whether an import is the call that starts a thread (wasi-threads: `thread-spawn` of the module `wasi`). */
export function isThreadSpawn(wanted: ImportInfo): boolean {
  if (wanted.module !== "wasi" || wanted.name !== "thread-spawn" || wanted.kind !== "function") return false;
  const { params, results } = wanted.type;
  return params.length === 1 && params[0] === "i32" && results.length === 1 && results[0] === "i32";
}

/** Whether guests get an import without an embedder's help: a call of the type that it has here, or a memory. */
export function isProvided(wanted: ImportInfo): boolean {
  if (wanted.kind !== "function") return wanted.kind === "memory";
  const { module, name, type } = wanted;
  return isThreadSpawn(wanted) || callsNamed(module, name).some((row) => hasType(row, type));
}

/** Why a module that starts threads cannot share a thread with what else runs there. */
export function threadsNeedCordon(name: string): SampanError {
  const message = `Cannot run "${name}" in a thread that others use: it starts threads of its own`;
  return new SampanError("GUEST_THREADS", message, { hint: 'instantiate it with cordon: "thread"' });
}

/** Whether a module imports a call as what it is: V8 takes any JavaScript function for any type. */
function hasType(row: CallRow<Preview1Context>, type: FunctionType): boolean {
  const isSame = (ours: readonly string[], theirs: readonly string[]): boolean =>
    ours.length === theirs.length && ours.every((each, index) => each === theirs[index]);
  return isSame(coreParameters(row), type.params) && isSame(coreResults(row), type.results);
}

function unknownImports(unknown: readonly string[], name: string): SampanError {
  const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
  const list = unknown.slice(0, 5).join(", ");
  return new SampanError("GUEST_IMPORT_UNKNOWN", `Cannot run "${name}": nobody provides its import ${list}${more}`, {
    hint: `see what it imports with sampan inspect ${name}`,
    data: { imports: unknown },
  });
}
