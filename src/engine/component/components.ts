import {
  CodeCache,
  type ComponentImports,
  type ComponentMode,
  findHostFunctions,
  type HostProvider,
} from "../../component/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { NetworkChoice, StdioChannels } from "../../host/index.ts";
import { grantsOf, type GrantsValue } from "../grants-of.ts";
import type { GuestThread, WatchedGuest } from "../guest-thread.ts";
import type { InstanceLimits } from "../limits.ts";
import type { MapBudget } from "../map-budget.ts";
import { ComponentInstance, type ComponentInstanceParts } from "./component-instance.ts";
import type { ComponentModule } from "./component-module.ts";
import { type ComponentWatch, GuestWasi } from "./guest-wasi.ts";
import { Stay } from "./stay.ts";

/** What an instance of a component is made with. */
export interface ComponentOptions {
  readonly limits?: InstanceLimits | undefined;
  /** `async` where a function that the component imports may wait, unless said otherwise. */
  readonly mode?: ComponentMode | undefined;
  /** Functions and classes of the caller's, by the names of interfaces (any version that is compatible), or by plain names. */
  readonly imports?: ComponentImports | undefined;
  /** What provides imports that the caller does not give. */
  readonly provider?: HostProvider | undefined;
  /** Ends the instance. */
  readonly signal?: AbortSignal | undefined;
  /** Its arguments, the program's name first. */
  readonly args?: readonly string[] | undefined;
  /** What it may do, in the form of a grants file or as parsed before; clocks, randomness and stdio where it is left out. */
  readonly grants?: Grants | GrantsValue | undefined;
  /** Streams in place of this process's own. */
  readonly stdio?: StdioChannels | undefined;
  /** What its sockets are made of in place of the machine's own network. */
  readonly network?: NetworkChoice | undefined;
  /** Functions that packages mark unstable, by the names of their features. */
  readonly features?: readonly string[] | undefined;
}

/** What the engine has for components. */
export interface ComponentsParts {
  readonly thread: GuestThread;
  readonly maps: MapBudget;
  /** @throws LIMIT_INSTANCES where the engine has as many as it may */
  readonly checkPlace: () => void;
}

/** The instances of components of one engine. */
export class Components {
  readonly #parts: ComponentsParts;
  readonly #code = new CodeCache();
  /** By number, so that what nobody can reach any more is collected. */
  readonly #instances = new Map<number, WeakRef<ComponentInstance>>();
  readonly #dropped: FinalizationRegistry<() => void>;
  #stay: Stay | undefined;

  constructor(parts: ComponentsParts) {
    this.#parts = parts;
    this.#dropped = new FinalizationRegistry((forget) => forget());
  }

  /** Instances that are neither closed nor collected. */
  get count(): number {
    return this.#instances.size;
  }

  /**
   * Makes an instance in this thread.
   *
   * @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, LIMIT_INSTANCES,
   *   LIMIT_MEMORIES, LIMIT_MEMORY, LIMIT_STACKS, and what a start function ends with
   */
  async instantiate(
    component: ComponentModule,
    options: ComponentOptions = {},
    watch?: ComponentWatch,
  ): Promise<ComponentInstance> {
    const { imports = {}, signal, limits = {}, args = [component.name] } = options;
    signal?.throwIfAborted();
    const grants = await grantsOf(options.grants);
    const { thread, checkPlace } = this.#parts;
    const { features, stdio, network } = options;
    const wasi = new GuestWasi({ args, grants, limits, features, stdio, network, watch, alarms: thread.alarms });
    const provider: HostProvider = (...names) => options.provider?.(...names) ?? wasi.provider(...names);
    const { functions: hosts, mayWait } = findHostFunctions(component.plan, imports, provider);
    const mode = options.mode ?? (mayWait ? "async" : "sync");
    checkPlace();
    let id: number | undefined;
    const forget = (): void => {
      wasi.close();
      if (id !== undefined) this.#forget(id);
      signal?.removeEventListener("abort", abort);
    };
    let made: WeakRef<ComponentInstance> | undefined;
    const abort = (): void => made?.deref()?.kill();
    try {
      const onTurn = (): void => {
        thread.onTick();
        made?.deref()?.lookWithin();
      };
      // Alone in its process and without a deadline nobody ends it while it waits.
      const isUnbounded = watch?.ownsProcess === true && limits.deadline === undefined && limits.cpu === undefined;
      wasi.open({ mode, onTurn: isUnbounded ? undefined : onTurn });
      const instance = this.#make({ component, mode, hosts, provider, limits, wasi, onClose: forget });
      [id, made] = [instance.id, instance.reference];
      this.#instances.set(id, made);
      this.#dropped.register(instance.made, forget);
      signal?.addEventListener("abort", abort);
      await instance.made.start();
      return instance.made;
    } catch (error) {
      forget();
      throw error;
    }
  }

  /** Ends all instances. */
  async close(): Promise<void> {
    for (const instance of this.#instances.values()) await instance.deref()?.close();
  }

  #make(parts: Omit<ComponentInstanceParts, "thread" | "stay" | "code" | "takeStack" | "giveStack">): {
    readonly made: ComponentInstance;
    readonly reference: WeakRef<ComponentInstance>;
    readonly id: number;
  } {
    const { thread, maps } = this.#parts;
    for (let i = 0; i < parts.component.memories; i++) maps.take("memory");
    let id = 0;
    const made = new ComponentInstance(
      {
        ...parts,
        thread,
        stay: (this.#stay ??= new Stay(thread)),
        code: this.#code,
        takeStack: () => maps.take("stack"),
        giveStack: () => maps.give("stack"),
      },
      (guest) => (id = thread.register(new WeakGuest(guest, thread))),
    );
    return { made, reference: new WeakRef(made), id };
  }

  #forget(id: number): void {
    if (this.#instances.delete(id)) this.#parts.thread.forget(id);
  }
}

/** What keeps an instance from being collected no longer than its code runs. */
class WeakGuest implements WatchedGuest {
  readonly #guest: WeakRef<WatchedGuest>;
  readonly #thread: GuestThread;

  constructor(guest: WatchedGuest, thread: GuestThread) {
    this.#guest = new WeakRef(guest);
    this.#thread = thread;
  }

  look(): void {
    const guest = this.#guest.deref();
    if (guest === undefined) this.#thread.trap();
    else guest.look();
  }

  pause(): void {
    this.#guest.deref()?.pause();
  }

  resume(): void {
    this.#guest.deref()?.resume();
  }
}
