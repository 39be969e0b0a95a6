import { type GuestOutcome, Preview1Context, type Trace } from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { HostInstance } from "../host/index.ts";
import type { GuestModule } from "./guest-module.ts";
import { backtraceOf, createTrap, type Frame } from "./trap.ts";

/** How a run of a guest ended. */
export type RunResult =
  | { readonly kind: "returned"; readonly values: readonly unknown[] }
  | { readonly kind: "trap"; readonly message: string; readonly backtrace: readonly Frame[] }
  | GuestOutcome;

/** What an instance is made with. */
export interface GuestOptions {
  readonly host: HostInstance;
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly trace?: Trace | undefined;
}

const mostFrames = 64;

/** One instance of a module with its own host state. It is bound sync: a host operation that waits blocks the thread. */
export class Guest {
  readonly #module: GuestModule;
  readonly #context: Preview1Context;
  readonly #imports: WebAssembly.Imports;
  #instance: WebAssembly.Instance | undefined;
  #outcome: GuestOutcome | undefined;
  #trap: (() => never) | undefined;

  /** @throws GUEST_IMPORT_UNKNOWN naming each import that nobody provides */
  constructor(module: GuestModule, { host, args, trace }: GuestOptions) {
    this.#module = module;
    this.#context = new Preview1Context({ host, args, end: (outcome) => this.#end(outcome) });
    this.#imports = module.importPlan().bind(this.#context, trace);
  }

  /** The exports, once {@link instantiate} has run. */
  get exports(): WebAssembly.Exports {
    return this.#instance?.exports ?? {};
  }

  /** Makes the instance, which runs the module's start function where it has one; undefined where that went well. */
  instantiate(): RunResult | undefined {
    const result = this.#guarded(() => {
      this.#instance = new WebAssembly.Instance(this.#module.module, this.#imports);
      const { memory } = this.#instance.exports;
      if (memory instanceof WebAssembly.Memory) this.#context.memory.attach(memory);
      return [];
    });
    return result.kind === "returned" ? undefined : result;
  }

  /** Calls an export and answers how that ended. @throws GUEST_EXPORT_MISSING */
  call(name: string, args: readonly unknown[] = []): RunResult {
    const entry = this.exports[name];
    if (typeof entry !== "function") {
      const functions = Object.keys(this.exports).filter((key) => typeof this.exports[key] === "function");
      const offered =
        functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
      throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${this.#module.name}": ${offered}`, {
        data: { functions },
      });
    }
    return this.#guarded(() => {
      const value: unknown = entry(...args);
      return value === undefined ? [] : Array.isArray(value) ? value : [value];
    });
  }

  /** Closes what the guest has open. */
  close(): void {
    this.#context.host.close();
  }

  #end(outcome: GuestOutcome): never {
    this.#outcome = outcome;
    this.#trap ??= createTrap();
    return this.#trap();
  }

  #guarded(run: () => readonly unknown[]): RunResult {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = mostFrames;
    try {
      const values = run();
      return this.#outcome ?? { kind: "returned", values };
    } catch (error) {
      if (this.#outcome !== undefined) return this.#outcome;
      return this.#resultOf(error);
    } finally {
      Error.stackTraceLimit = limit;
    }
  }

  #resultOf(error: unknown): RunResult {
    if (error instanceof WebAssembly.LinkError) {
      const message = `Cannot run "${this.#module.name}": ${error.message.replace(/^WebAssembly\.Instance\(\): /, "")}`;
      throw new SampanError("GUEST_IMPORT_UNKNOWN", message, { cause: error });
    }
    const isStackOverflow = error instanceof RangeError && error.message.startsWith("Maximum call stack");
    if (error instanceof WebAssembly.RuntimeError || isStackOverflow) {
      const backtrace = backtraceOf(error as unknown as Error, this.#module.originalOffset);
      return { kind: "trap", message: isStackOverflow ? "call stack exhausted" : error.message, backtrace };
    }
    if (error instanceof WebAssembly.Exception) {
      const backtrace = backtraceOf(error as unknown as Error, this.#module.originalOffset);
      return { kind: "trap", message: "an exception that nothing caught", backtrace };
    }
    return { kind: "bug", error };
  }
}
