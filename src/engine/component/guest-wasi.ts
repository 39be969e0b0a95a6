import { createWasi02, Wasi02Context } from "../../abi/index.ts";
import { ComponentError, type ComponentMode, type HostProvider } from "../../component/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import {
  type Alarms,
  type HostInstance,
  HostWorkload,
  type NetworkChoice,
  type Observer,
  type StdioChannels,
} from "../../host/index.ts";
import type { InstanceLimits } from "../limits.ts";

/** How an instance is watched that runs in the foreground. */
export interface ComponentWatch {
  readonly observer: Observer;
  /** Writes one line for each call of WASI. */
  readonly trace?: ((line: string) => void) | undefined;
  /** Whether a guest without a root gets one that refuses by name. */
  readonly namesRefusals?: boolean;
  /** Whether the process runs this guest and nothing else. */
  readonly ownsProcess?: boolean;
}

/** What the WASI of a component's instances is made from. */
export interface WasiParts {
  readonly args: readonly string[];
  readonly grants: Grants;
  readonly limits: InstanceLimits;
  readonly features?: readonly string[] | undefined;
  readonly stdio?: StdioChannels | undefined;
  readonly network?: NetworkChoice | undefined;
  readonly watch?: ComponentWatch | undefined;
  readonly alarms: Alarms;
}

/** How a host waits. */
export interface WasiPlace {
  readonly mode: ComponentMode;
  /** Called between the turns in which it blocks its thread; left out where nobody has to. */
  readonly onTurn?: (() => void) | undefined;
}

/** The host of a component: one for each instance, or one for all of them where they are used again. It is opened when it is wanted. */
export class WasiWorkload {
  readonly parts: WasiParts;
  /** Whether several instances have it, which leave the standard streams that were given as they are. */
  readonly isShared: boolean;
  #open: HostWorkload | undefined;

  constructor(parts: WasiParts, { isShared = false }: { readonly isShared?: boolean } = {}) {
    this.parts = parts;
    this.isShared = isShared;
  }

  /** What one instance, or one use of it, has of the host. @throws FILE_NOT_FOUND, FILE_UNREADABLE, GRANT_INVALID */
  createInstance({ mode, onTurn }: WasiPlace): HostInstance {
    const { stdio } = this.parts;
    const workload = (this.#open ??= this.#make(mode));
    return workload.createInstance({ onTurn, ...(stdio === undefined || this.isShared ? {} : { stdio }) });
  }

  /** Closes what it has open; no instance may be in use any more. */
  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  #make(mode: ComponentMode): HostWorkload {
    const { grants, limits, stdio, network, watch, alarms } = this.parts;
    return new HostWorkload(grants, {
      limits,
      waits: mode === "async" ? "suspend" : "block",
      alarms,
      ...(network === undefined ? {} : { network }),
      ...(watch === undefined ? {} : { observer: watch.observer }),
      ...(stdio === undefined || !this.isShared ? {} : { stdio }),
      namesRefusals: watch?.namesRefusals === true,
      ownsProcess: watch?.ownsProcess === true,
    });
  }
}

/** WASI as one instance of a component has it. Its host is made once it is known what the component imports. */
export class GuestWasi {
  /** What it provides to components. */
  readonly provider: HostProvider;
  readonly #workload: WasiWorkload;
  readonly #features: ReadonlySet<string>;
  #context: Wasi02Context;
  #isWanted = false;
  #place: WasiPlace | undefined;
  #host: HostInstance | undefined;

  constructor(workload: WasiWorkload) {
    this.#workload = workload;
    this.#features = new Set(workload.parts.features);
    this.#context = this.#makeContext();
    const provide = createWasi02(this);
    this.provider = (interfaceName, functionName, type) => {
      const found = provide(interfaceName, functionName, type);
      if (found !== undefined) this.#isWanted = true;
      return found;
    };
  }

  /** The state that its functions work on now. */
  get context(): Wasi02Context {
    return this.#context;
  }

  /** What it has of the host; undefined where it imports nothing of WASI. */
  get host(): HostInstance | undefined {
    return this.#host;
  }

  /** Opens what it was granted, where it imports something of WASI. @throws FILE_NOT_FOUND, FILE_UNREADABLE, GRANT_INVALID, KEYVALUE_FILE */
  open(place: WasiPlace): void {
    this.#place = place;
    if (this.#isWanted) this.#attach(place);
  }

  /** Makes all of it as a new instance has it, behind {@link endUse}. */
  renew(): void {
    if (!this.#isWanted || this.#place === undefined) return;
    this.#context = this.#makeContext();
    this.#attach(this.#place);
  }

  /** Ends the use of it by one that is over; what it was still writing goes on its way. */
  endUse(): void {
    const host = this.#host;
    this.#host = undefined;
    if (host === undefined) return;
    if (this.#context.isWriting) void this.#context.flushed().then(() => host.close());
    else host.close();
  }

  /** Resolves once what the guest wrote is on its way; connections may take `ms` for that. */
  async flushed(ms: number): Promise<void> {
    await this.#context.flushed();
    await this.#host?.flushed(ms);
  }

  /** Gives up what it waits for. */
  cancel(): void {
    this.#host?.cancel();
  }

  /** Closes what it has open. */
  close(): void {
    const host = this.#host;
    this.#host = undefined;
    host?.close();
    if (!this.#workload.isShared) this.#workload.close();
  }

  #attach(place: WasiPlace): void {
    try {
      this.#host = this.#workload.createInstance(place);
    } catch (error) {
      if (!this.#workload.isShared) this.#workload.close();
      throw error;
    }
    this.#context.attach(this.#host, { suspends: place.mode === "async" });
  }

  #makeContext(): Wasi02Context {
    const { args, watch } = this.#workload.parts;
    return new Wasi02Context({ args, features: this.#features, makeError, trace: watch?.trace });
  }
}

/** Nobody sees the stack of what a guest is answered, and to write it down takes longer than the call. */
function makeError(payload: unknown): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new ComponentError(payload);
  } finally {
    Error.stackTraceLimit = limit;
  }
}
