import type { Grants } from "../../capabilities/index.ts";
import { type ComponentMode, findHostFunctions, type HostFunction, type HostProvider } from "../../component/index.ts";
import { deafObserver } from "../../host/index.ts";
import { ComponentInstance } from "./component-instance.ts";
import type { ComponentModule } from "./component-module.ts";
import type { ComponentsShare } from "./components.ts";
import type { FreshComponentOptions } from "./fresh-component.ts";
import { GuestStreams } from "./guest-streams.ts";
import { GuestWasi, WasiWorkload } from "./guest-wasi.ts";
import { providerOf } from "./providers.ts";
import { ReusableComponent, startsLast } from "./reusable-component.ts";

/** What {@link FreshMaker} makes instances from. */
export interface FreshMakerParts {
  readonly component: ComponentModule;
  readonly options: FreshComponentOptions;
  readonly grants: Grants;
  readonly share: ComponentsShare;
}

interface Found {
  readonly hosts: readonly HostFunction[];
  readonly provider: HostProvider;
  readonly mode: ComponentMode;
}

/** Makes the instances of a component that are handed out: they have one host together, whose state is another for each use. */
export class FreshMaker {
  readonly #parts: FreshMakerParts;
  /** How its instances are bound. */
  readonly mode: ComponentMode;
  readonly #workload: WasiWorkload;
  readonly #startsLast: boolean;
  #isUnique = false;
  #count = 0;
  #isClosed = false;

  /** @throws COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF */
  constructor(parts: FreshMakerParts) {
    this.#parts = parts;
    const { component, grants, share, options } = parts;
    const { args = [component.name], limits = {}, features, stdio, network, onRefused } = options;
    const { alarms } = share.thread;
    const watch = onRefused && { observer: { ...deafObserver, refused: onRefused } };
    const wasi = { args, grants, limits, features, stdio, network, watch, alarms };
    this.#workload = new WasiWorkload(wasi, { isShared: true });
    this.#startsLast = startsLast(component);
    // What is missing is to be known before the first use.
    this.mode = this.#find(new GuestWasi(this.#workload)).mode;
  }

  /** How errors call the component. */
  get name(): string {
    return this.#parts.component.name;
  }

  /** Instances that are not closed. */
  get count(): number {
    return this.#count;
  }

  /** Whether an instance did something when it was made that cannot be done again. */
  get isUnique(): boolean {
    return this.#isUnique;
  }

  /**
   * Makes one that was not initialised yet, where its start functions can be put off.
   *
   * @throws FILE_NOT_FOUND, LIMIT_INSTANCES, LIMIT_MEMORIES, LIMIT_MEMORY, LIMIT_STACKS, and what a start function ends with
   */
  async make(): Promise<ReusableComponent> {
    const { component, options, share } = this.#parts;
    const { limits = {} } = options;
    const { thread, maps } = share;
    share.checkPlace();
    for (let i = 0; i < component.memories; i++) maps.take("memory");
    const wasi = new GuestWasi(this.#workload);
    const { hosts, provider, mode, streams } = this.#find(wasi);
    let instance: ComponentInstance | undefined;
    const onTurn = (): void => {
      thread.onTick();
      instance?.lookWithin();
    };
    wasi.open({ mode, onTurn });
    this.#count += 1;
    const onClose = (): void => {
      wasi.close();
      this.#count -= 1;
      this.#closeIfLast();
    };
    const made = { component, mode, hosts, provider, limits, wasi, streams, onClose, startsLast: this.#startsLast };
    try {
      instance = new ComponentInstance({ ...share, ...made, isReused: true }, (guest) => thread.register(guest));
      await instance.start();
    } catch (error) {
      if (instance === undefined) onClose();
      else await instance.close();
      throw error;
    }
    const reusable = new ReusableComponent(instance);
    this.#isUnique ||= reusable.isUnique;
    return reusable;
  }

  /** Closes the host once no instance has it any more. */
  close(): void {
    this.#isClosed = true;
    this.#closeIfLast();
  }

  #closeIfLast(): void {
    if (this.#isClosed && this.#count === 0) this.#workload.close();
  }

  #find(wasi: GuestWasi): Found & { readonly streams: GuestStreams } {
    const { component, options } = this.#parts;
    const provider = providerOf(options, (...names) => wasi.provider(...names));
    const { functions, mayWait } = findHostFunctions(component.plan, options.imports ?? {}, provider);
    const streams = new GuestStreams(wasi, component.plan);
    return { hosts: streams.ofImports(functions), provider, mode: mayWait ? "async" : "sync", streams };
  }
}
