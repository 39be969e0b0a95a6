import { SampanError } from "../base/index.ts";
import { isNetworkData } from "../host/index.ts";
import { CompileCache, ownCache } from "./cache/index.ts";
import type { ComponentInstance } from "./component/component-instance.ts";
import type { ComponentModule } from "./component/component-module.ts";
import type { ComponentOptions, Components } from "./component/components.ts";
import type { FreshComponent, FreshComponentOptions } from "./component/fresh-component.ts";
import type { EngineOptions, EngineParts, FreshOptions, InstanceOptions, ModuleOptions } from "./engine-options.ts";
import { EpochThread, EpochWatcher } from "./epoch.ts";
import { type CompileOptions, compileGuest, type GuestModule } from "./guest-module.ts";
import { GuestThread } from "./guest-thread.ts";
import type { PlacedComponent, PlaceRequest } from "./embed/place.ts";
import { grantsOf } from "./grants-of.ts";
import { FreshWorkload } from "./fresh-workload.ts";
import { threadsNeedCordon } from "./import-plan.ts";
import type { Instance } from "./instance.ts";
import { InstancesHere } from "./instances-here.ts";
import type { LocalInstance } from "./local-instance.ts";
import { MapBudget } from "./map-budget.ts";
import { suspendsGuests } from "./pool/suspends-guests.ts";
import { type Berth, Pool } from "./pool/pool.ts";
import { startProcess } from "./pool/process.ts";
import { startThread } from "./pool/thread.ts";

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
  readonly #here: InstancesHere;
  readonly #isPooled: boolean;
  readonly #watchesLate: boolean;
  readonly #isWatchedElsewhere: boolean;
  readonly #cache: CompileCache | undefined;
  readonly #instances = new Set<{ close(): Promise<void> }>();
  #components: Components | undefined;
  readonly #workloads = new Set<FreshWorkload>();
  /** Instances that are being made. */
  #starting = 0;
  /** Each ends one of those. */
  readonly #aborts = new Set<() => void>();
  #isClosed = false;

  constructor(options: EngineOptions = {}, { thread, maps, isPooled = false, watchesLate = false }: EngineParts = {}) {
    this.#options = options;
    this.#maps = new MapBudget(maps);
    this.#isPooled = isPooled;
    this.#isWatchedElsewhere = thread?.epoch !== undefined;
    // Nothing but Linux has what a guest looks up for meanwhile.
    this.#watchesLate = watchesLate && process.platform === "linux";
    this.#thread = new GuestThread(thread?.epoch ?? this.#ownEpoch(), thread?.onTick);
    this.#here = new InstancesHere(this.#thread, this.#maps);
    const { cache, checks = "on" } = options;
    this.#cache = cache === false ? undefined : cache === undefined ? ownCache() : new CompileCache(cache);
    const watch = (memory: WebAssembly.Memory): void => this.#watcher.add(memory);
    this.#pool = new Pool({
      // Asked for late: Node loads what answers it.
      get sharedThreads() {
        return options.threads ?? navigator.hardwareConcurrency;
      },
      startThread: () => {
        const parts = { control: this.#watcher.control, checks, cache };
        // The thread takes longer to come up than what makes its guests look up.
        const habitat = startThread(parts, { heap: options.threadHeap, watch });
        this.#watcher.start();
        return habitat;
      },
      startProcess: () => startProcess({ checks, cache }),
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
  compileSync(bytes: Uint8Array, { name, memory, restore, file }: ModuleOptions = {}): GuestModule {
    this.#checkOpen();
    if (!this.#watchesLate) this.startWatcher();
    return compileGuest(asPlain(bytes), { name, memory, restore, file, ...this.#compiling() });
  }

  /**
   * Compiles a component.
   *
   * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED, COMPONENT_TOO_LARGE,
   *   GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
   */
  async compileComponent(bytes: Uint8Array, options: ModuleOptions = {}): Promise<ComponentModule> {
    this.#checkOpen();
    if (!this.#watchesLate) this.startWatcher();
    const [plain, all] = [asPlain(bytes), { ...options, ...this.#compiling() }];
    const { keptComponent } = await import("./component/kept-component.ts");
    const found = keptComponent(plain, all);
    if (found !== undefined) return found;
    // What decodes, checks and plans takes longer to load than a plan to be read.
    const { compileComponent } = await import("./component/component-module.ts");
    return compileComponent(plain, all);
  }

  /** Starts a thread for the first instance with the cordon `shared`, which then need not wait for it. */
  warm(): void {
    this.#checkOpen();
    this.#pool.warm();
  }

  /** Starts the thread that makes guests look up, where they do: it takes some 30 ms, in which nobody would. */
  startWatcher(): void {
    this.#thread.epoch.endEarly();
    if (this.#options.checks !== "off" && !this.#isWatchedElsewhere) this.#watcher.start();
  }

  /**
   * Makes an instance of a component, in this thread.
   *
   * @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, LIMIT_INSTANCES,
   *   LIMIT_MEMORIES, LIMIT_MEMORY, LIMIT_STACKS, and what a start function ends with
   */
  async instantiateComponent(component: ComponentModule, options: ComponentOptions = {}): Promise<ComponentInstance> {
    return (await this.#componentsOf()).instantiate(component, options);
  }

  /**
   * Hands out instances of a component, in this thread, for one use each. The component is to be compiled with `restore: true`;
   * without, each use has a new instance.
   *
   * @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, ENGINE_FRESH_STATE
   */
  async freshComponent(component: ComponentModule, options: FreshComponentOptions = {}): Promise<FreshComponent> {
    const components = await this.#componentsOf();
    const grants = await grantsOf(options.grants);
    const late = await import("./component/fresh-component.ts");
    this.#checkOpen();
    const onClose = (closed: FreshComponent): void => components.forgetFresh(closed);
    const fresh = new late.FreshComponent({ component, options, grants, share: components.share, onClose });
    components.addFresh(fresh);
    return fresh;
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
              ? this.#here.threads(module, { ...placed, grants, onStart, onClose })
              : this.#here.instantiate(module, { ...placed, grants, onStart, onClose }))
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
   * Makes an instance of a component in another thread or process, where each call of it answers a promise.
   *
   * @throws what {@link instantiateComponent} throws, NETWORK_CORDON, ENGINE_WORKER_LOST, ENGINE_UNSUPPORTED
   */
  async placeElsewhere(request: PlaceRequest, berth: Exclude<Berth, "shared">): Promise<PlacedComponent> {
    this.#checkOpen();
    const { network, signal } = request.live;
    signal?.throwIfAborted();
    if (network !== undefined && !isNetworkData(network)) throw networkStays();
    const { placeRemote } = await import("./component/remote/place-remote.ts");
    this.#takePlace();
    let control: { kill(signal: number): void; close(): Promise<void> } | undefined;
    const abort = (): void => control?.kill(9);
    this.#aborts.add(abort);
    try {
      // A thread of this Node.js cannot do what the Node.js cannot.
      const taken = await this.#pool.take(berth === "thread" && !suspendsGuests ? "process" : berth);
      const onClose = (): void => {
        if (control !== undefined) this.#instances.delete(control);
        taken.onClose();
      };
      const onStart = (starting: NonNullable<typeof control>): void => {
        control = starting;
        if (this.#isClosed) abort();
      };
      try {
        const placed = await placeRemote(taken.worker, request, { onStart, onClose });
        if (control !== undefined) this.#instances.add(control);
        return placed;
      } catch (error) {
        onClose();
        throw error;
      }
    } finally {
      this.#starting -= 1;
      this.#aborts.delete(abort);
    }
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
    const host = this.#here.hostOf(grants, { mode, limits, network, onTurn: this.#thread.onTick });
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

  async #componentsOf(): Promise<Components> {
    this.#checkOpen();
    if (this.#components === undefined) {
      // Few programs have components: their code is read when the first comes.
      const late = await import("./component/components.ts");
      this.#checkOpen();
      const checkPlace = (): void => this.#checkPlace();
      this.#components ??= new late.Components({ thread: this.#thread, maps: this.#maps, checkPlace });
    }
    return this.#components;
  }

  #compiling(): CompileOptions {
    return {
      tableElements: this.#options.limits?.tableElements ?? defaultTableElements,
      checks: this.#options.checks !== "off",
      hotFunctions: true,
      cache: this.#cache,
    };
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
    const startsLate = this.#watchesLate;
    const epoch = new EpochThread(this.#watcher.control, () => this.#watcher.start(), { startsLate });
    this.#watcher.add(epoch.memory);
    return epoch;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new SampanError("ENGINE_CLOSED", "Cannot use the engine: it is closed");
  }
}

function networkStays(): SampanError {
  const message = "Cannot make the instance in a cordon: its network is made of functions, which stay in this thread";
  return new SampanError("NETWORK_CORDON", message, { hint: "leave out the cordon, or give the network as data" });
}

/** A table takes 8 bytes an element of what is not the guest's memory. */
const defaultTableElements = 1 << 20;

/** The bytes on a buffer of their own kind: V8 compiles none that another thread may change meanwhile. */
function asPlain(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
