import type { BindMode } from "../abi/index.ts";
import type { HostWorkload } from "../host/index.ts";
import { FreshInstances, type FreshMechanism } from "./fresh-state/fresh-instances.ts";
import { InitializerEnded, ReusableGuest, type ReusableGuestOptions } from "./fresh-state/reusable-guest.ts";
import type { GuestModule } from "./guest-module.ts";
import { valueOf } from "./local-instance.ts";

/** What an instance of a {@link FreshWorkload} answers to while it is used. */
export interface FreshInstance {
  /** Calls an export, as Instance.call does. @throws what that throws */
  call(name: string, ...args: readonly unknown[]): Promise<unknown>;
}

/** What the engine gives a workload whose instances are put back. */
export interface FreshWorkloadParts {
  readonly module: GuestModule;
  readonly mode: BindMode;
  readonly host: HostWorkload;
  readonly guest: Omit<ReusableGuestOptions, "createHost" | "mode">;
  readonly mechanism: FreshMechanism | "auto" | undefined;
  /** @throws LIMIT_MEMORIES, LIMIT_STACKS */
  readonly take: (what: "memory" | "stack") => void;
  readonly giveStack: () => void;
  readonly onClose: () => void;
}

/**
 * Instances of one module with the same grants, each use of which begins with the state of a new one: memory, tables, globals,
 * descriptors, random stream.
 */
export class FreshWorkload {
  readonly #parts: FreshWorkloadParts;
  readonly #instances: FreshInstances<ReusableGuest>;
  #isClosed = false;

  /** @throws ENGINE_FRESH_STATE where the module or the system does not have the mechanism that is asked for */
  constructor(parts: FreshWorkloadParts) {
    this.#parts = parts;
    const { module, mode, host, guest, mechanism, take } = parts;
    this.#instances = new FreshInstances({
      layout: module.layout,
      mechanism,
      takeMaps: () => take("memory"),
      make: () => {
        take("memory");
        return new ReusableGuest(module, { ...guest, mode, createHost: () => host.createInstance() });
      },
    });
  }

  /** How instances get their state back: by copy-on-write, by copying, or by making new ones. */
  get mechanism(): FreshMechanism {
    return this.#instances.mechanism;
  }

  /** Calls an export of an instance that is as new. @throws what Instance.call throws, ENGINE_CLOSED */
  call(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.use((instance) => instance.call(name, ...args));
  }

  /** Hands an instance that is as new to `run`, and takes it back when that is done. @throws what `run` throws, ENGINE_CLOSED */
  async use<T>(run: (instance: FreshInstance) => Promise<T>): Promise<T> {
    const guest = await this.#acquire();
    try {
      return await run({ call: (name, ...args) => this.#call(guest, name, args) });
    } finally {
      this.#instances.release(guest);
    }
  }

  /** Ends the instances that are ready; those in use end when they are done. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#instances.close();
    this.#parts.host.close();
    this.#parts.onClose();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #acquire(): Promise<ReusableGuest> {
    try {
      return this.#instances.acquireNow() ?? (await this.#instances.acquire());
    } catch (error) {
      if (error instanceof InitializerEnded) valueOf(error.result, this.#parts.module);
      throw error;
    }
  }

  async #call(guest: ReusableGuest, name: string, args: readonly unknown[]): Promise<unknown> {
    const { mode, module, take, giveStack } = this.#parts;
    if (mode === "sync") return valueOf(guest.call(name, args), module);
    take("stack");
    try {
      return valueOf(await guest.callAsync(name, args), module);
    } finally {
      giveStack();
    }
  }
}
