import type { BindMode } from "../abi/index.ts";
import type { Grants } from "../capabilities/index.ts";
import { deafObserver, HostWorkload, type NetworkChoice } from "../host/index.ts";
import type { InstanceListeners, InstanceOptions } from "./engine-options.ts";
import type { GuestModule } from "./guest-module.ts";
import type { GuestThread } from "./guest-thread.ts";
import { Guest } from "./guest.ts";
import type { InstanceLimits } from "./limits.ts";
import { LocalInstance } from "./local-instance.ts";
import type { MapBudget } from "./map-budget.ts";
import { suspendsGuests, withoutSuspension } from "./pool/suspends-guests.ts";
import { wantsListeners } from "./sockets-wanted.ts";
import { ThreadedGuest } from "./threads/threaded-guest.ts";
import { ThreadedInstance } from "./threads/threaded-instance.ts";

/** What a workload's host is made with beside its grants. */
export interface HostParts {
  readonly mode: BindMode;
  readonly limits: InstanceLimits;
  readonly network: NetworkChoice | undefined;
  readonly onTurn: () => void;
  readonly onRefused?: InstanceOptions["onRefused"] | undefined;
}

/** What an instance in this thread is made with. */
export type HereOptions = Omit<InstanceOptions, "grants"> & InstanceListeners & { readonly grants: Grants };

/** Makes instances of core modules in one thread: what they need of its watcher, and of the process's room. */
export class InstancesHere {
  readonly #thread: GuestThread;
  readonly #maps: MapBudget;

  constructor(thread: GuestThread, maps: MapBudget) {
    this.#thread = thread;
    this.#maps = maps;
  }

  /** An instance that shares the thread with others. @throws what Engine.instantiate throws */
  async instantiate(module: GuestModule, options: HereOptions): Promise<LocalInstance> {
    const mode = options.mode ?? (module.importPlan().mayWait ? "async" : "sync");
    if (mode === "async" && !suspendsGuests) throw withoutSuspension();
    const { args = [module.name], limits = {}, imports, stdio, grants, network, onRefused } = options;
    this.#maps.take("memory");
    let guest: Guest | undefined;
    const onTurn = (): void => {
      this.#thread.onTick();
      guest?.lookWithin();
    };
    const workload = this.hostOf(grants, { mode, limits, network, onTurn, onRefused });
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

  /** An instance that starts threads of its own. @throws what Engine.instantiate throws */
  async threads(module: GuestModule, options: HereOptions): Promise<ThreadedInstance> {
    const { args = [module.name], limits = {}, imports, stdio, grants, network, onRefused } = options;
    this.#maps.take("memory");
    const workload = this.hostOf(grants, { mode: "async", limits, network, onTurn: () => {}, onRefused });
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

  /** What instances of a workload have of the host. */
  hostOf(grants: Grants, { mode, network, onRefused, ...rest }: HostParts): HostWorkload {
    const waits = mode === "async" ? "suspend" : "block";
    const { alarms } = this.#thread;
    const heard = onRefused === undefined ? {} : { observer: { ...deafObserver, refused: onRefused } };
    const options = { ...rest, ...heard, waits, alarms } as const;
    return new HostWorkload(grants, network === undefined ? options : { ...options, network });
  }
}
