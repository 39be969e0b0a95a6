import type { BindMode } from "../abi/index.ts";
import { SampanError } from "../base/index.ts";
import type { Grants } from "../capabilities/index.ts";
import { HostWorkload, isNetworkData, type NetworkChoice, type StdioChannels } from "../host/index.ts";
import { CompileCache, ownCache } from "./cache/index.ts";
import type { ComponentInstance } from "./component/component-instance.ts";
import type { ComponentModule } from "./component/component-module.ts";
import type { ComponentOptions, Components } from "./component/components.ts";
import { EpochThread, EpochWatcher } from "./epoch.ts";
import { type CompileOptions, compileGuest, type GuestModule } from "./guest-module.ts";
import { GuestThread } from "./guest-thread.ts";
import { Guest } from "./guest.ts";
import { grantsOf, type GrantsValue } from "./grants-of.ts";
import type { FreshMechanism } from "./fresh-state/fresh-instances.ts";
import { FreshWorkload } from "./fresh-workload.ts";
import { type HostFunctions, threadsNeedCordon } from "./import-plan.ts";
import type { Instance } from "./instance.ts";
import type { EngineLimits, InstanceLimits } from "./limits.ts";
import { LocalInstance } from "./local-instance.ts";
import { MapBudget, type MapFiles } from "./map-budget.ts";
import { type Cordon, Pool } from "./pool/pool.ts";
import { startProcess } from "./pool/process.ts";
import { startThread } from "./pool/thread.ts";
import { wantsListeners } from "./sockets-wanted.ts";
import { ThreadedGuest } from "./threads/threaded-guest.ts";
import { ThreadedInstance } from "./threads/threaded-instance.ts";

/** What an engine is made with. */
export interface EngineOptions {
  /**
   * Whether guests look up once a slice, which makes them end at deadlines and share their thread; `off` is for benchmarks and
   * for modules that are trusted to end. `on` where it is left out.
   */
  readonly checks?: "on" | "off";
  /** The folder where rewritten modules are kept, or `false` for none; the user's cache folder where it is left out. */
  readonly cache?: string | false;
  readonly limits?: EngineLimits;
  /** Most threads that instances of the cordon `shared` run in; as many as there are processors where it is left out. */
  readonly threads?: number;
  /** Most MiB of JavaScript's heap in each of its threads; a thread that needs more is ended and replaced. */
  readonly threadHeap?: number;
}

/** What an engine in a thread of a pool gets from the one outside. */
export interface PoolThread {
  readonly epoch: EpochThread;
  readonly onTick: () => void;
}

/** What is put in place of what an engine makes for itself. */
export interface EngineParts {
  readonly thread?: PoolThread;
  /** Whether the thread is one of a pool's, so that a guest with threads may have it for itself. */
  readonly isPooled?: boolean;
  readonly maps?: MapFiles;
}

/** What compiling takes beside the bytes. */
export interface ModuleOptions {
  /** How errors call it. */
  readonly name?: string;
  /** Most bytes of memory that any instance of it may have. */
  readonly memory?: number;
  /** Whether its instances are to be put back between uses ({@link Engine.fresh}). */
  readonly restore?: boolean;
}

/** What an instance is made with: data, but for stdio, imports and the signal, which are live. */
export interface InstanceOptions {
  /** Its arguments, the program's name first. */
  readonly args?: readonly string[];
  /** What it may do, in the form of a grants file or as parsed before; clocks, randomness and stdio where it is left out. */
  readonly grants?: Grants | GrantsValue;
  readonly limits?: InstanceLimits;
  /** Streams in place of this process's own. */
  readonly stdio?: StdioChannels;
  /**
   * What its sockets are made of in place of the machine's own network: functions of the caller's, for an instance in this
   * thread, or a project's network as data, for any. A guest that takes connections and opens no sockets begins with a listener
   * for each port that it publishes or was granted.
   */
  readonly network?: NetworkChoice;
  /** `async` where a call that the module imports may wait, unless said otherwise. */
  readonly mode?: BindMode;
  /** Functions of the caller's own, by module and name. */
  readonly imports?: HostFunctions;
  /** Ends the instance. */
  readonly signal?: AbortSignal;
  /** What separates it from others; this thread, where it is left out. */
  readonly cordon?: Cordon;
}

/** What a workload whose instances are put back is made with. */
export interface FreshOptions extends Pick<
  InstanceOptions,
  "args" | "grants" | "limits" | "imports" | "mode" | "network"
> {
  /** How they are put back; the quickest that module and system have where it is left out. */
  readonly mechanism?: FreshMechanism;
}

/**
 * Compiles modules and makes instances of them. All state is in the engine and what it made: any number of engines do
 * without knowing of one another.
 */
export class Engine {
  readonly #options: EngineOptions;
  readonly #watcher = new EpochWatcher();
  readonly #thread: GuestThread;
  readonly #pool: Pool;
  readonly #maps: MapBudget;
  readonly #isPooled: boolean;
  readonly #cache: CompileCache | undefined;
  readonly #instances = new Set<Instance>();
  #components: Components | undefined;
  readonly #workloads = new Set<FreshWorkload>();
  /** Instances that are being made. */
  #starting = 0;
  /** Each ends one of those. */
  readonly #aborts = new Set<() => void>();
  #isClosed = false;

  /** @throws ENGINE_UNSUPPORTED under a Node.js without JavaScript Promise Integration */
  constructor(options: EngineOptions = {}, { thread, maps, isPooled = false }: EngineParts = {}) {
    if (!("Suspending" in WebAssembly)) throw unsupported();
    this.#options = options;
    this.#maps = new MapBudget(maps);
    this.#isPooled = isPooled;
    this.#thread = new GuestThread(thread?.epoch ?? this.#ownEpoch(), thread?.onTick);
    const { cache, checks = "on" } = options;
    this.#cache = cache === false ? undefined : cache === undefined ? ownCache() : new CompileCache(cache);
    const watch = (memory: WebAssembly.Memory): void => this.#watcher.add(memory);
    this.#pool = new Pool({
      sharedThreads: options.threads ?? navigator.hardwareConcurrency,
      startThread: () => {
        this.#watcher.start();
        return startThread({ control: this.#watcher.control, checks }, { heap: options.threadHeap, watch });
      },
      startProcess: () => startProcess({ checks }),
    });
  }

  /** Instances that are not closed. */
  get instanceCount(): number {
    return this.#instances.size + (this.#components?.count ?? 0);
  }

  /** Threads and processes of its own that run instances now. */
  get workerCount(): number {
    return this.#pool.size;
  }

  /**
   * Compiles a core module.
   *
   * @throws GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
   */
  compile(bytes: Uint8Array, options: ModuleOptions = {}): Promise<GuestModule> {
    return Promise.resolve().then(() => this.compileSync(bytes, options));
  }

  /** {@link compile}, at once. */
  compileSync(bytes: Uint8Array, { name, memory, restore }: ModuleOptions = {}): GuestModule {
    this.#checkOpen();
    // Its thread takes some 30 ms to start, in which nobody would make a guest look up.
    if (this.#options.checks !== "off") this.#watcher.start();
    return compileGuest(asPlain(bytes), { name, memory, restore, ...this.#compiling() });
  }

  /**
   * Compiles a component.
   *
   * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED, COMPONENT_TOO_LARGE,
   *   GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
   */
  async compileComponent(bytes: Uint8Array, options: Omit<ModuleOptions, "restore"> = {}): Promise<ComponentModule> {
    this.#checkOpen();
    if (this.#options.checks !== "off") this.#watcher.start();
    const { compileComponent } = await import("./component/component-module.ts");
    return compileComponent(asPlain(bytes), { ...options, ...this.#compiling() });
  }

  /**
   * Makes an instance of a component, in this thread.
   *
   * @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, LIMIT_INSTANCES,
   *   LIMIT_MEMORIES, LIMIT_MEMORY, LIMIT_STACKS, and what a start function ends with
   */
  async instantiateComponent(component: ComponentModule, options: ComponentOptions = {}): Promise<ComponentInstance> {
    this.#checkOpen();
    if (this.#components === undefined) {
      // Few programs have components: their code is read when the first comes.
      const late = await import("./component/components.ts");
      this.#checkOpen();
      const checkPlace = (): void => this.#checkPlace();
      this.#components ??= new late.Components({ thread: this.#thread, maps: this.#maps, checkPlace });
    }
    return this.#components.instantiate(component, options);
  }

  /**
   * Makes an instance, in this thread or in the cordon that it asks for.
   *
   * @throws GUEST_IMPORT_UNKNOWN, GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, LIMIT_INSTANCES, LIMIT_MEMORIES, LIMIT_STACKS,
   *   LIMIT_THREADS, GUEST_THREADS for a module that starts threads and has no cordon of its own, ENGINE_WORKER_LOST, and what the
   *   module's start function ends with
   */
  instantiate(module: GuestModule, options?: InstanceOptions & { readonly cordon?: undefined }): Promise<LocalInstance>;
  instantiate(module: GuestModule, options: InstanceOptions): Promise<Instance>;
  async instantiate(module: GuestModule, options: InstanceOptions = {}): Promise<Instance> {
    this.#checkOpen();
    const grants = await grantsOf(options.grants);
    options.signal?.throwIfAborted();
    this.#checkOpen();
    const { cordon, signal, ...placed } = options;
    if (cordon !== undefined && placed.network !== undefined && !isNetworkData(placed.network)) throw networkStays();
    const { spawnsThreads } = module.importPlan();
    const isAlone = cordon === "thread" || cordon === "process" || this.#isPooled;
    if (spawnsThreads && !isAlone) throw threadsNeedCordon(module.name);
    this.#takePlace();
    let instance: Instance | undefined;
    const abort = (): void => instance?.kill();
    const onStart = (starting: Instance): void => {
      instance = starting;
      if (signal?.aborted === true || this.#isClosed) abort();
    };
    const onClose = (): void => {
      signal?.removeEventListener("abort", abort);
      if (instance !== undefined) this.#instances.delete(instance);
    };
    signal?.addEventListener("abort", abort);
    this.#aborts.add(abort);
    try {
      instance =
        cordon === undefined
          ? await (spawnsThreads
              ? this.#instantiateThreads(module, { ...placed, grants, onStart, onClose })
              : this.#instantiateHere(module, { ...placed, grants, onStart, onClose }))
          : await this.#pool.instantiate(module, { ...placed, grants, cordon, onStart, onClose });
    } catch (error) {
      onClose();
      throw error;
    } finally {
      this.#starting -= 1;
      this.#aborts.delete(abort);
    }
    this.#instances.add(instance);
    return instance;
  }

  /**
   * Makes a workload whose instances are put back between uses: each use begins with the state of a new instance, and costs
   * a fraction of one. The module is to be compiled with `restore: true`; without, each use has a new instance.
   *
   * @throws GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, ENGINE_FRESH_STATE
   */
  async fresh(module: GuestModule, options: FreshOptions = {}): Promise<FreshWorkload> {
    this.#checkOpen();
    if (module.importPlan().spawnsThreads) throw threadsNeedCordon(module.name);
    const grants = await grantsOf(options.grants);
    const { args = [module.name], limits = {}, imports, mechanism, network } = options;
    const mode = options.mode ?? (module.importPlan().mayWait ? "async" : "sync");
    const host = this.#hostOf(grants, { mode, limits, network, onTurn: this.#thread.onTick });
    try {
      const workload: FreshWorkload = new FreshWorkload({
        module,
        mode,
        host,
        mechanism,
        guest: { args, thread: this.#thread, imports, ...limits },
        take: (what) => this.#maps.take(what),
        giveStack: () => this.#maps.give("stack"),
        onClose: () => this.#workloads.delete(workload),
      });
      this.#workloads.add(workload);
      return workload;
    } catch (error) {
      host.close();
      throw error;
    }
  }

  /** Ends all instances and gives up what the engine holds. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const abort of this.#aborts) abort();
    for (const workload of this.#workloads) workload.close();
    for (const instance of this.#instances) await instance.close();
    await this.#components?.close();
    await this.#pool.close();
    await this.#watcher.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #instantiateHere(module: GuestModule, options: HereOptions): Promise<LocalInstance> {
    const mode = options.mode ?? (module.importPlan().mayWait ? "async" : "sync");
    const { args = [module.name], limits = {}, imports, stdio, grants, network } = options;
    this.#maps.take("memory");
    let guest: Guest | undefined;
    const onTurn = (): void => {
      this.#thread.onTick();
      guest?.lookWithin();
    };
    const workload = this.#hostOf(grants, { mode, limits, network, onTurn });
    let isOpen = true;
    const onClose = (): void => {
      if (!isOpen) return;
      isOpen = false;
      options.onClose();
      workload.close();
    };
    try {
      const listens = mode === "async" && network !== undefined && wantsListeners(module.bytes);
      const host = workload.createInstance({ listens, ...(stdio === undefined ? {} : { stdio }) });
      guest = new Guest(module, { host, args, mode, thread: this.#thread, imports, ...limits });
      const takeStack = (): void => this.#maps.take("stack");
      const giveStack = (): void => this.#maps.give("stack");
      const instance = new LocalInstance({ guest, module, host, mode, takeStack, giveStack, onClose });
      options.onStart(instance);
      await instance.start();
      return instance;
    } catch (error) {
      onClose();
      throw error;
    }
  }

  async #instantiateThreads(module: GuestModule, options: HereOptions): Promise<ThreadedInstance> {
    const { args = [module.name], limits = {}, imports, stdio, grants, network } = options;
    this.#maps.take("memory");
    const workload = this.#hostOf(grants, { mode: "async", limits, network, onTurn: () => {} });
    const onClose = (): void => {
      options.onClose();
      workload.close();
    };
    let instance: ThreadedInstance | undefined;
    try {
      const listens = network !== undefined && wantsListeners(module.bytes);
      const host = workload.createInstance({ listens, ...(stdio === undefined ? {} : { stdio }) });
      const takeThread = (): void => this.#maps.take("thread");
      const guest = new ThreadedGuest(module, { host, grants, args, imports, takeThread, ...limits });
      instance = new ThreadedInstance({ guest, module, host, onClose });
      options.onStart(instance);
      await instance.start();
      return instance;
    } catch (error) {
      if (instance === undefined) onClose();
      else await instance.close();
      throw error;
    }
  }

  #compiling(): CompileOptions {
    return {
      tableElements: this.#options.limits?.tableElements ?? defaultTableElements,
      checks: this.#options.checks !== "off",
      hotFunctions: true,
      cache: this.#cache,
    };
  }

  #hostOf(grants: Grants, { mode, network, ...options }: HostParts): HostWorkload {
    const waits = mode === "async" ? "suspend" : "block";
    const { alarms } = this.#thread;
    return new HostWorkload(grants, { ...options, waits, alarms, ...(network === undefined ? {} : { network }) });
  }

  /** Takes the place of an instance that is about to be made. */
  #takePlace(): void {
    this.#checkPlace();
    this.#starting += 1;
  }

  #checkPlace(): void {
    const { instances } = this.#options.limits ?? {};
    if (instances !== undefined && this.instanceCount + this.#starting >= instances) {
      const message = `Cannot make one more instance: the engine has ${instances}, as many as it may`;
      throw new SampanError("LIMIT_INSTANCES", message, {
        hint: "close one, or raise the engine's limit instances",
        data: { limit: instances },
      });
    }
  }

  #ownEpoch(): EpochThread {
    const epoch = new EpochThread(this.#watcher.control, () => this.#watcher.start());
    this.#watcher.add(epoch.memory);
    return epoch;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SampanError("ENGINE_CLOSED", "Cannot use the engine: it is closed");
  }
}

/** What a workload's host is made with beside its grants. */
interface HostParts {
  readonly mode: BindMode;
  readonly limits: InstanceLimits;
  readonly network: NetworkChoice | undefined;
  readonly onTurn: () => void;
}

type HereOptions = Omit<InstanceOptions, "grants"> & InstanceListeners & { readonly grants: Grants };

/** Hears of an instance that is being made. */
export interface InstanceListeners {
  /** Called before its start function runs. */
  readonly onStart: (instance: Instance) => void;
  /** Called when it is closed, or could not be made. */
  readonly onClose: () => void;
}

function networkStays(): SampanError {
  const message = "Cannot make the instance in a cordon: its network is made of functions, which stay in this thread";
  return new SampanError("NETWORK_CORDON", message, { hint: "leave out the cordon, or give the network as data" });
}

function unsupported(): SampanError {
  const message = `Cannot make an engine under Node.js ${process.versions.node}: it has no JavaScript Promise Integration`;
  return new SampanError("ENGINE_UNSUPPORTED", message, { hint: "run the program with Node.js 26 or newer" });
}

/** A table takes 8 bytes an element of what is not the guest's memory. */
const defaultTableElements = 1 << 20;

/** The bytes on a buffer of their own kind: V8 compiles none that another thread may change meanwhile. */
function asPlain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
