import { type ByteSource, SampanError } from "../base/index.ts";
import type { Cordon, Engine, GrantsValue, GuestModule, InstanceLimits, InstanceOptions } from "../engine/index.ts";
import type { Grants } from "../capabilities/index.ts";
import type { LoadedComponent } from "./component-process.ts";
import { type Ending, endingOfThrown, type Process, type ProcessIo, type Runner, type Workload } from "./process.ts";
import { type SignalName, signalNumber } from "./signals.ts";

/** What a workload of core Wasm is: the data of a {@link Workload} that {@link EngineRunner} runs. */
export interface WasmWorkload {
  /** What the loader finds the module by, such as a digest or a path. */
  readonly module: string;
  /** The program's name first. */
  readonly args?: readonly string[];
  /** Clocks, randomness and stdio where it is left out. */
  readonly grants?: Grants | GrantsValue;
  readonly limits?: InstanceLimits;
  /** What separates it from other workloads; the runner's thread where it is left out. One that starts threads has its own. */
  readonly cordon?: Cordon;
  /** Its place in a project's network; the machine's own network where it is left out. */
  readonly network?: InstanceOptions["network"];
}

/** What a workload's module turned out to be. */
export type Loaded = GuestModule | LoadedComponent;

/** What an {@link EngineRunner} is made with. */
export interface EngineRunnerOptions {
  readonly engine: Engine | (() => Engine | Promise<Engine>);
  /** Compiles a module, or hands out one that was compiled before; a component as it was read. */
  readonly load: (module: string) => Loaded | Promise<Loaded>;
}

/**
 * Runs commands of core Wasm, and components that are commands. They are bound async whatever they import, so that output can wait for its log and one that
 * spins can be killed. Preview 1 knows no signals: each one that ends a process ends them.
 */
export class EngineRunner implements Runner {
  readonly #options: EngineRunnerOptions;

  constructor(options: EngineRunnerOptions) {
    this.#options = options;
  }

  /** @throws GUEST_EXPORT_MISSING where the module is no command, and what loading and instantiating throw */
  async start({ data }: Workload, { stdin, stdout, stderr }: ProcessIo): Promise<Process> {
    const { module: name, args, grants, limits, network, cordon } = data as WasmWorkload;
    const { engine: given, load } = this.#options;
    const engine = typeof given === "function" ? await given() : given;
    const module = await load(name);
    if ("kind" in module) {
      const late = await import("./component-process.ts");
      const io = { stdin: stdin ?? emptySource, stdout, stderr };
      return late.startComponent(engine, module, { workload: data as WasmWorkload, io });
    }
    const needsOwn = cordon === "shared" && module.importPlan().spawnsThreads;
    const options: InstanceOptions = {
      mode: "async",
      stdio: { stdin: stdin ?? emptySource, stdout, stderr },
      ...(args === undefined ? {} : { args }),
      ...(grants === undefined ? {} : { grants }),
      ...(limits === undefined ? {} : { limits }),
      ...(network === undefined ? {} : { network }),
      ...(cordon === undefined ? {} : { cordon: needsOwn ? "thread" : cordon }),
    };
    const instance = await engine.instantiate(module, options);
    if (!instance.functions.includes("_start")) {
      await instance.close();
      throw new SampanError("GUEST_EXPORT_MISSING", `Cannot run "${name}": it has no "_start", so it is no program`);
    }
    const run = async (): Promise<Ending> => {
      try {
        const ending = await instance.run();
        return ending.kind === "values" ? { kind: "exit", code: 0 } : ending;
      } catch (error) {
        return endingOfThrown(error);
      } finally {
        await instance.close();
      }
    };
    const end = (signal: SignalName): void => {
      instance.kill(signalNumber(signal));
    };
    return { exited: run(), end };
  }
}

/** Input that ends at once. */
const emptySource: ByteSource = { read: () => 0, ready: () => true, cancel: () => {} };
