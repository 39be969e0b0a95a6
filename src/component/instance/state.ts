import type { PlannedInstance } from "../plan/link-plan.ts";
import { type HandleRoom, HandleTable } from "./handle-table.ts";
import { Task } from "./task.ts";

/** Bits of an instance's flags: whether its code may call out of it, and whether others may call into it. */
export const flagBit = { mayLeave: 1, mayEnter: 2 } as const;

const bothFlags = flagBit.mayLeave | flagBit.mayEnter;

/** The state of one instance of a component, root or nested (component model, Canonical ABI: Component Instances). */
export class InstanceState {
  readonly id: number;
  readonly name: string;
  readonly handles: HandleTable;
  /** The task that its code runs for now. */
  task = new Task();
  /** Its flags for code of adapters; there is none where it takes part in no fused call. */
  readonly global: WebAssembly.Global<"i32"> | undefined;
  #flags: number = bothFlags;
  #backpressure = 0;

  constructor(id: number, { name, isFused }: PlannedInstance, room?: HandleRoom) {
    this.id = id;
    this.handles = new HandleTable(room);
    this.name = name;
    this.global = isFused ? new WebAssembly.Global({ value: "i32", mutable: true }, bothFlags) : undefined;
  }

  /** The bits of {@link flagBit} that are set. */
  get flags(): number {
    return this.global === undefined ? this.#flags : this.global.value;
  }

  set flags(flags: number) {
    if (this.global === undefined) this.#flags = flags;
    else this.global.value = flags;
  }

  /** Raises the backpressure, or takes some back, and answers what it is then. */
  addBackpressure(amount: 1 | -1): number {
    this.#backpressure += amount;
    return this.#backpressure;
  }

  /** Whether it has anything that a new one does not have. */
  get isPristine(): boolean {
    return this.handles.size === 0 && this.task.isPristine && this.flags === bothFlags && this.#backpressure === 0;
  }

  /** Makes it as a new one is; what its handles stood for is the caller's to drop. */
  renew(): void {
    this.handles.clear();
    if (!this.task.isPristine) this.task = new Task();
    this.flags = bothFlags;
    this.#backpressure = 0;
  }

  /** Forgets a call that came to nothing before code of the guest ran. */
  reset(): void {
    this.flags = bothFlags;
    this.task = new Task();
  }
}
