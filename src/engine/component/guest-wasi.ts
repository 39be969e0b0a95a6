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

/** What an instance's WASI is made from. */
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

/** How its host waits. */
export interface WasiPlace {
  readonly mode: ComponentMode;
  /** Called between the turns in which it blocks its thread; left out where nobody has to. */
  readonly onTurn?: (() => void) | undefined;
}

/** WASI as one instance of a component has it. Its host is made once it is known what the component imports. */
export class GuestWasi {
  readonly context: Wasi02Context;
  /** What it provides to components. */
  readonly provider: HostProvider;
  readonly #parts: WasiParts;
  #isWanted = false;
  #open: { readonly workload: HostWorkload; readonly host: HostInstance } | undefined;

  constructor(parts: WasiParts) {
    this.#parts = parts;
    const { args, features = [], watch } = parts;
    this.context = new Wasi02Context({
      args,
      features: new Set(features),
      makeError: (payload) => new ComponentError(payload),
      trace: watch?.trace,
    });
    const provide = createWasi02(this.context);
    this.provider = (interfaceName, functionName) => {
      const found = provide(interfaceName, functionName);
      if (found !== undefined) this.#isWanted = true;
      return found;
    };
  }

  /** What it has of the host; undefined where it imports nothing of WASI. */
  get host(): HostInstance | undefined {
    return this.#open?.host;
  }

  /** Opens what it was granted, where it imports something of WASI. @throws FILE_NOT_FOUND, FILE_UNREADABLE, GRANT_INVALID */
  open({ mode, onTurn }: WasiPlace): void {
    if (!this.#isWanted) return;
    const { grants, limits, stdio, network, watch, alarms } = this.#parts;
    const workload = new HostWorkload(grants, {
      limits,
      waits: mode === "async" ? "suspend" : "block",
      alarms,
      ...(network === undefined ? {} : { network }),
      ...(watch === undefined ? {} : { observer: watch.observer }),
      ...(onTurn === undefined ? {} : { onTurn }),
      namesRefusals: watch?.namesRefusals === true,
      ownsProcess: watch?.ownsProcess === true,
    });
    try {
      const host = workload.createInstance(stdio === undefined ? {} : { stdio });
      this.context.attach(host, { suspends: mode === "async" });
      this.#open = { workload, host };
    } catch (error) {
      workload.close();
      throw error;
    }
  }

  /** Resolves once what the guest wrote is on its way; connections may take `ms` for that. */
  async flushed(ms: number): Promise<void> {
    await this.context.flushed();
    await this.host?.flushed(ms);
  }

  /** Gives up what it waits for. */
  cancel(): void {
    this.host?.cancel();
  }

  /** Closes what it has open. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.host.close();
    open?.workload.close();
  }
}
