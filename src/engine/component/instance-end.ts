import { type GuestOutcome, WasiTrap } from "../../abi/index.ts";
import { SampanError } from "../../base/index.ts";
import { ComponentError, type ComponentStore } from "../../component/index.ts";
import { GuestEnd } from "../../host/index.ts";
import type { ComponentModule } from "./component-module.ts";
import { trapError } from "./component-traps.ts";
import { endedBefore, endingError } from "./endings.ts";

/** How an instance of a component ends: by what was wanted of it, by a trap, or by what the host threw. */
export class InstanceEnd {
  readonly #component: ComponentModule;
  readonly #hint: () => string | undefined;
  /** Why it is to end, or has ended, where that is no trap of its own. */
  outcome: GuestOutcome | undefined;
  /** Why a function of the host's made it trap, if one did. */
  #hostTrap: string | undefined;
  #isTrapped = false;
  isClosed = false;
  /** The error that it ended with. */
  #failure: unknown;

  /** `hint` answers what to try where it trapped, if that can be seen. */
  constructor(component: ComponentModule, hint: () => string | undefined) {
    this.#component = component;
    this.#hint = hint;
  }

  /** Whether it can be called no more. */
  get hasEnded(): boolean {
    return this.isClosed || this.#isTrapped || this.outcome !== undefined;
  }

  /** Takes down what a function of the host's threw, for which the guest is ended. */
  note(error: unknown): void {
    if (error instanceof GuestEnd) this.outcome ??= error.reason;
    else if (error instanceof WasiTrap) this.#hostTrap = error.message;
    else this.outcome ??= { kind: "bug", error };
  }

  /** Says that it cannot go on. */
  trapped(): void {
    this.#isTrapped = true;
  }

  /** The error of a call that comes too late. */
  late(entry: string): SampanError {
    const failure = this.#failure ?? endingError(this.outcome, this.#component.name);
    return endedBefore(entry, { isClosed: this.isClosed, failure });
  }

  /** The error of a call that failed, which says how the instance ended, where it did: what a caller gave wrong does not end it. */
  failed(error: unknown, { store, entry }: { store: ComponentStore; entry: string | undefined }): unknown {
    const failure = endingError(this.outcome, this.#component.name) ?? this.#explained(error, store, entry);
    if (this.hasEnded) this.#failure ??= failure;
    return failure;
  }

  #explained(error: unknown, store: ComponentStore, entry: string | undefined): unknown {
    if (error instanceof ComponentError) return error;
    // A second time, of an error that was made here.
    if (this.#isTrapped && error instanceof SampanError) return error;
    const { trapped } = store;
    const surroundings = { component: this.#component, trapped, hostTrap: this.#hostTrap, entry };
    const trap = trapError(error, { ...surroundings, hint: this.#hint });
    if (trap !== undefined) {
      this.#isTrapped = true;
      return trap;
    }
    if (store.entered?.started === true) this.#isTrapped = true;
    else store.reset();
    return error;
  }
}
