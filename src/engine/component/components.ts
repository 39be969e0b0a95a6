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
import { suspendsGuests, withoutSuspension } from "../pool/suspends-guests.ts";
import { ComponentInstance } from "./component-instance.ts";
import type { ComponentInstanceParts } from "./instance-parts.ts";
import type { ComponentModule } from "./component-module.ts";
import { GuestStreams } from "./guest-streams.ts";
import { type ComponentWatch, GuestWasi, WasiWorkload } from "./guest-wasi.ts";
import { providerOf } from "./providers.ts";
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
  /** Whether functions with hot loops are optimised behind the first call, and not before it. */
  readonly optimisesLate?: boolean | undefined;
}

/** What the engine has for components. */
export interface ComponentsParts {
  readonly thread: GuestThread;
  readonly maps: MapBudget;
  /** @throws LIMIT_INSTANCES where the engine has as many as it may */
  readonly checkPlace: () => void;
}

/** What the instances of one engine's components have in common. */
export interface ComponentsShare
  extends ComponentsParts, Pick<ComponentInstanceParts, "stay" | "code" | "takeStack" | "giveStack"> {}

/** The instances of components of one engine. */
export class Components {
  readonly #parts: ComponentsParts;
  readonly #code = new CodeCache();
  /** By number, so that what nobody can reach any more is collected. */
  readonly #instances = new Map<number, WeakRef<ComponentInstance>>();
  readonly #dropped: FinalizationRegistry<() => void>;
  /** Those that are handed out for one use each. */
  readonly #fresh = new Set<{ readonly count: number; close(): void }>();
  #stay: Stay | undefined;

  constructor(parts: ComponentsParts) {
    this.#parts = parts;
    this.#dropped = new FinalizationRegistry((forget) => forget());
  }

  /** Instances that are neither closed nor collected. */
  get count(): number {
    let count = this.#instances.size;
    for (const fresh of this.#fresh) count += fresh.count;
    return count;
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
    const { features, stdio, network, optimisesLate } = options;
    const wasi = new GuestWasi(
      new WasiWorkload({ args, grants, limits, features, stdio, network, watch, alarms: thread.alarms }),
    );
    const provider = providerOf(options, (...names) => wasi.provider(...names));
    const { functions, mayWait } = findHostFunctions(component.plan, imports, provider);
    const streams = new GuestStreams(wasi, component.plan);
    const hosts = streams.ofImports(functions);
    const mode = options.mode ?? (mayWait ? "async" : "sync");
    if (mode === "async" && !suspendsGuests) throw withoutSuspension();
    checkPlace();
    let id: number | undefined;
    const forget = (): void => {
      wasi.close();
      if (id !== undefined) this.#forget(id);
      signal?.removeEventListener("abort", abort);
    };
    let made: WeakRef<ComponentInstance> | undefined;
    const abort = (): void => made?.deref()?.abort(signal?.reason);
    try {
      const onTurn = (): void => {
        thread.onTick();
        made?.deref()?.lookWithin();
      };
      // Alone in its process and without a deadline nobody ends it while it waits.
      const isUnbounded = watch?.ownsProcess === true && limits.deadline === undefined && limits.cpu === undefined;
      wasi.open({ mode, onTurn: isUnbounded ? undefined : onTurn });
      const parts = { component, mode, hosts, provider, limits, wasi, streams, optimisesLate, onClose: forget };
      const instance = this.#make(parts);
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
    for (const fresh of this.#fresh) fresh.close();
    for (const instance of this.#instances.values()) await instance.deref()?.close();
  }

  /** Has instances of a component handed out for one use each. */
  addFresh(fresh: { readonly count: number; close(): void }): void {
    this.#fresh.add(fresh);
  }

  /** Forgets them, once they are closed. */
  forgetFresh(fresh: { readonly count: number; close(): void }): void {
    this.#fresh.delete(fresh);
  }

  /** What its instances have in common. */
  get share(): ComponentsShare {
    const { thread, maps, checkPlace } = this.#parts;
    return {
      thread,
      maps,
      checkPlace,
      stay: (this.#stay ??= new Stay(thread)),
      code: this.#code,
      takeStack: this.#takeStack,
      giveStack: this.#giveStack,
    };
  }

  readonly #takeStack = (): void => this.#parts.maps.take("stack");
  readonly #giveStack = (): void => this.#parts.maps.give("stack");

  #make(parts: Omit<ComponentInstanceParts, "thread" | "stay" | "code" | "takeStack" | "giveStack">): {
    readonly made: ComponentInstance;
    readonly reference: WeakRef<ComponentInstance>;
    readonly id: number;
  } {
    const { share } = this;
    const { thread, maps } = share;
    for (let i = 0; i < parts.component.memories; i++) maps.take("memory");
    let id = 0;
    const made = new ComponentInstance(
      { ...parts, ...share },
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
