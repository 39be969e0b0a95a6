import { SampanError } from "../base/index.ts";
import { ImportPlan } from "./import-plan.ts";
import { explainRejection, kindOf, limitMemory, readModule, readModuleImports } from "../wasm/index.ts";

/** What compiling takes beside the bytes. */
export interface CompileOptions {
  /** Most memory in bytes, of all the module's memories together. */
  readonly memory?: number | undefined;
  /** How messages call the file. */
  readonly name?: string;
}

/** A compiled module, to make instances of. */
export interface GuestModule {
  readonly module: WebAssembly.Module;
  /** How its imports are met. @throws GUEST_IMPORT_UNKNOWN */
  readonly importPlan: () => ImportPlan;
  readonly name: string;
  /** The offset in the file of what V8 reports at an offset. */
  readonly originalOffset: (offset: number) => number;
}

const pageSize = 65_536;

/**
 * Compiles a core module.
 *
 * @throws GUEST_NOT_RUNNABLE where the bytes are no core module or V8 refuses them, LIMIT_MEMORY where the module begins with
 *   more memory than it may have
 */
export function compileGuest(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): GuestModule {
  const name = options.name ?? "module";
  let taken = bytes;
  let originalOffset = (offset: number): number => offset;
  try {
    if (options.memory !== undefined && kindOf(bytes) === "module") {
      // A module with several memories shares the limit out evenly.
      const count = Math.max(1, readModule(bytes).memories.length);
      const limited = limitMemory(bytes, Math.floor(options.memory / pageSize / count));
      taken = limited.bytes;
      originalOffset = limited.originalOffset;
    }
    const module = new WebAssembly.Module(taken);
    let plan: ImportPlan | undefined;
    const importPlan = (): ImportPlan => (plan ??= new ImportPlan(readModuleImports(bytes), name));
    return { module, importPlan, name, originalOffset };
  } catch (error) {
    if (error instanceof SampanError && error.code === "LIMIT_MEMORY") {
      throw new SampanError(error.code, error.message, { hint: "raise it with --memory SIZE", cause: error });
    }
    throw new SampanError("GUEST_NOT_RUNNABLE", `Cannot run "${name}": ${explainRejection(bytes, error)}`, {
      cause: error,
    });
  }
}
