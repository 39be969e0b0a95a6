import type { HostInstance } from "../../host/index.ts";
import type { GuestModule } from "../guest-module.ts";
import { Guest, type GuestOptions, type RunResult } from "../guest.ts";
import type { HostFunctions } from "../import-plan.ts";
import type { FreshGuest } from "./fresh-instances.ts";

/** What a guest that is used again is made with. */
export interface ReusableGuestOptions extends Omit<GuestOptions, "host"> {
  /** Makes the host state of one use. */
  readonly createHost: () => HostInstance;
}

/** Why a guest ended before it could be used. */
export class InitializerEnded extends Error {
  readonly result: RunResult;

  constructor(result: RunResult) {
    super(`the guest ended while it was initialised: ${result.kind}`);
    this.result = result;
  }
}

/** A {@link Guest} that can be used again after it was put back: its host state is another for each use. */
export class ReusableGuest implements FreshGuest {
  readonly guest: Guest;
  readonly hasInitializer: boolean;
  readonly #module: GuestModule;
  readonly #options: ReusableGuestOptions;
  readonly #save: () => unknown;
  readonly #restore: () => unknown;
  #callsInFlight = 0;
  #ownCalls = 0;

  /** Makes the instance without initialising it. @throws GUEST_IMPORT_UNKNOWN, LIMIT_MEMORIES */
  constructor(module: GuestModule, options: ReusableGuestOptions) {
    this.#module = module;
    this.#options = options;
    const { createHost, imports, ...rest } = options;
    const counted = imports === undefined ? undefined : this.#counting(imports);
    // Its start function is run by initialize(), not by making it.
    const { start: _, ...layout } = module.layout;
    this.guest = new Guest({ ...module, layout }, { ...rest, host: createHost(), imports: counted });
    try {
      const failed = this.guest.instantiate();
      if (failed !== undefined) throw new InitializerEnded(failed);
    } catch (error) {
      this.guest.close();
      throw error;
    }
    this.hasInitializer = this.#initializers().length > 0;
    const { restore } = layout;
    this.#save = functionOf(this.guest, restore?.save);
    this.#restore = functionOf(this.guest, restore?.restore);
  }

  get memories(): readonly WebAssembly.Memory[] {
    return this.guest.memories.slice(0, this.#module.layout.memories.length);
  }

  get hostCalls(): number {
    return this.guest.context.meter.calls + this.#ownCalls;
  }

  get isReusable(): boolean {
    return !this.guest.isEnded && this.#callsInFlight === 0;
  }

  save(): void {
    this.#save();
  }

  restore(): boolean {
    return this.#restore() === 1;
  }

  async initialize(): Promise<void> {
    for (const name of this.#initializers()) {
      const result = this.#options.mode === "async" ? await this.callAsync(name) : this.call(name);
      if (result.kind !== "returned") throw new InitializerEnded(result);
    }
  }

  /** Calls an export of an instance that is bound sync. */
  call(name: string, args?: readonly unknown[]): RunResult {
    this.#callsInFlight += 1;
    try {
      return this.guest.call(name, args);
    } finally {
      this.#callsInFlight -= 1;
    }
  }

  /** Calls an export of an instance that is bound async. */
  async callAsync(name: string, args?: readonly unknown[]): Promise<RunResult> {
    this.#callsInFlight += 1;
    try {
      return await this.guest.callAsync(name, args);
    } finally {
      this.#callsInFlight -= 1;
    }
  }

  rest(): void {
    this.guest.context.host.close();
  }

  renew(): void {
    this.guest.renew(this.#options.createHost());
  }

  close(): void {
    this.guest.close();
  }

  #initializers(): string[] {
    const { start } = this.#module.layout;
    const isReactor = typeof this.guest.exports["_initialize"] === "function";
    return [...(start === undefined ? [] : [start]), ...(isReactor ? ["_initialize"] : [])];
  }

  /** The embedder's functions, counted: what they answer may differ each time. */
  #counting(imports: HostFunctions): HostFunctions {
    const count =
      (run: (...args: never[]) => unknown) =>
      (...args: never[]) => {
        this.#ownCalls += 1;
        return run(...args);
      };
    return Object.fromEntries(
      Object.entries(imports).map(([module, functions]) => [
        module,
        Object.fromEntries(Object.entries(functions).map(([name, run]) => [name, count(run)])),
      ]),
    );
  }
}

function functionOf({ exports }: Guest, name: string | undefined): () => unknown {
  if (name === undefined) return () => 0;
  const value = exports[name];
  if (typeof value !== "function") throw new TypeError(`A rewritten module exports no function "${name}"`);
  return value as () => unknown;
}
