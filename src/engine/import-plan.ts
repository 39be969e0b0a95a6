import {
  type BindMode,
  type BindPlan,
  coreParameters,
  coreResults,
  type CallRow,
  type GuestOutcome,
  type NamedRow,
  planCalls,
  preview1Modules,
  type Preview1Context,
  type Trace,
} from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { FunctionType, ImportInfo } from "../wasm/index.ts";

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
}

interface PlannedImport {
  readonly module: string;
  readonly name: string;
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
  readonly #plans = new Map<string, BindPlan<Preview1Context>>();

  constructor(imports: readonly ImportInfo[], moduleName: string) {
    this.#moduleName = moduleName;
    const seen = new Set<string>();
    for (const wanted of imports) {
      const { module, name, kind } = wanted;
      const found = kind === "function" ? rowOf(module, name) : undefined;
      const row = found !== undefined && kind === "function" && hasType(found, wanted.type) ? found : undefined;
      // A module may import the same function more than once.
      if (seen.has(`${module} ${name}`) && row !== undefined) continue;
      seen.add(`${module} ${name}`);
      if (row === undefined) {
        const text = `${module}.${name} (${found === undefined ? kind : "with another type"})`;
        this.#unknown.push({ module, name, text, isFunction: kind === "function" });
        continue;
      }
      this.#imports.push({ module, name });
      this.#rows.push([name, row]);
    }
  }

  /** Whether a call of the module's may have to wait, so that it is to be bound async. */
  get mayWait(): boolean {
    return this.#rows.some(([, row]) => row.mayWait);
  }

  /** The imports of one instance. @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides */
  bind(context: Preview1Context, options: BindOptions): Record<string, Record<string, WebAssembly.ImportValue>> {
    const { mode, trace, given = {} } = options;
    const missing = this.#unknown.filter((wanted) => !wanted.isFunction || givenFor(given, wanted) === undefined);
    if (missing.length > 0)
      throw unknownImports(
        missing.map(({ text }) => text),
        this.#moduleName,
      );
    const functions = this.#plan(mode, trace !== undefined)(context, trace);
    const bound = Object.create(null) as Record<string, Record<string, WebAssembly.ImportValue>>;
    const set = ({ module, name }: PlannedImport, value: WebAssembly.ImportValue): void => {
      (bound[module] ??= emptyRecord())[name] = value;
    };
    for (const [index, planned] of this.#imports.entries()) {
      const value = functions[index];
      if (value !== undefined) set(planned, value);
    }
    for (const planned of [...this.#unknown, ...this.#imports]) {
      const own = givenFor(given, planned);
      if (own !== undefined) set(planned, bindGiven(own, context, options));
    }
    return bound;
  }

  #plan(mode: BindMode, isTraced: boolean): BindPlan<Preview1Context> {
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

function givenFor(given: HostFunctions, { module, name }: PlannedImport): ((...args: never[]) => unknown) | undefined {
  const functions = Object.hasOwn(given, module) ? given[module] : undefined;
  return functions !== undefined && Object.hasOwn(functions, name) ? functions[name] : undefined;
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
      // Whatever it comes to: suspend() hands it on.
      return mode === "async" && value instanceof Promise
        ? context.suspend(value, (settled) => settled as number, failed)
        : value;
    } catch (error) {
      return failed(error);
    }
  };
  return mode === "async" ? new WebAssembly.Suspending(guarded) : guarded;
}

/** The row that a guest imports by its own words, which may name what every object has. */
function rowOf(module: string, name: string) {
  const table = Object.hasOwn(preview1Modules, module) ? preview1Modules[module] : undefined;
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
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
