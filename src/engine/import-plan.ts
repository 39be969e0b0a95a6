import {
  type BindPlan,
  coreParameters,
  coreResults,
  type CallRow,
  type NamedRow,
  planCalls,
  preview1Modules,
  type Preview1Context,
  type Trace,
} from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { FunctionType, ImportInfo } from "../wasm/index.ts";

interface PlannedImport {
  readonly module: string;
  readonly name: string;
}

/** How a module's imports are met: found once for the module, bound for each instance. */
export class ImportPlan {
  readonly #imports: PlannedImport[] = [];
  readonly #rows: NamedRow<Preview1Context>[] = [];
  #plain: BindPlan<Preview1Context> | undefined;
  #traced: BindPlan<Preview1Context> | undefined;

  /** @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides */
  constructor(imports: readonly ImportInfo[], moduleName: string) {
    const unknown: string[] = [];
    const seen = new Set<string>();
    for (const wanted of imports) {
      const { module, name, kind } = wanted;
      const found = kind === "function" ? rowOf(module, name) : undefined;
      const row = found !== undefined && kind === "function" && hasType(found, wanted.type) ? found : undefined;
      if (row === undefined) unknown.push(`${module}.${name} (${found === undefined ? kind : "with another type"})`);
      // A module may import the same function more than once.
      if (row === undefined || seen.has(`${module} ${name}`)) continue;
      seen.add(`${module} ${name}`);
      this.#imports.push({ module, name });
      this.#rows.push([name, row]);
    }
    if (unknown.length > 0) throw unknownImports(unknown, moduleName);
  }

  /** The imports of one instance. */
  bind(context: Preview1Context, trace: Trace | undefined): WebAssembly.Imports {
    const plan =
      trace === undefined
        ? (this.#plain ??= planCalls(this.#rows))
        : (this.#traced ??= planCalls(this.#rows, { isTraced: true }));
    const functions = plan(context, trace);
    const bound: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const [index, { module, name }] of this.#imports.entries()) {
      const value = functions[index];
      if (value !== undefined) (bound[module] ??= {})[name] = value;
    }
    return bound;
  }
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
