import {
  type BindPlan,
  type NamedRow,
  planCalls,
  preview1Modules,
  type Preview1Context,
  type Trace,
} from "../abi/index.ts";
import { SampanError } from "../base/index.ts";

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
  constructor(imports: readonly WebAssembly.ModuleImportDescriptor[], moduleName: string) {
    const unknown: string[] = [];
    const seen = new Set<string>();
    for (const { module, name, kind } of imports) {
      const row = kind === "function" ? rowOf(module, name) : undefined;
      if (row === undefined) unknown.push(`${module}.${name} (${kind})`);
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

function unknownImports(unknown: readonly string[], name: string): SampanError {
  const more = unknown.length > 5 ? ` and ${unknown.length - 5} more` : "";
  const list = unknown.slice(0, 5).join(", ");
  return new SampanError("GUEST_IMPORT_UNKNOWN", `Cannot run "${name}": nobody provides its import ${list}${more}`, {
    hint: `see what it imports with sampan inspect ${name}`,
    data: { imports: unknown },
  });
}
