import type { BigIntStats } from "node:fs";
import type { BindMode } from "../abi/index.ts";
import type { AccessRequest, Grants } from "../capabilities/index.ts";
import type { NetworkChoice, StdioChannels } from "../host/index.ts";
import type { EpochThread } from "./epoch.ts";
import type { FreshMechanism } from "./fresh-state/fresh-instances.ts";
import type { GrantsValue } from "./grants-of.ts";
import type { HostFunctions } from "./import-plan.ts";
import type { Instance } from "./instance.ts";
import type { EngineLimits, InstanceLimits } from "./limits.ts";
import type { MapFiles } from "./map-budget.ts";
import type { Cordon } from "./pool/pool.ts";

/** What an engine is made with. */
export interface EngineOptions {
  /**
   * Whether guests look up once a slice, which makes them end at deadlines and share their thread; `off` is for benchmarks and
   * for modules that are trusted to end. `on` where it is left out.
   */
  readonly checks?: "on" | "off";
  /** The folder where rewritten modules are kept, or `false` for none; the user's cache folder where it is left out. */
  readonly cache?: string | false;
  readonly limits?: EngineLimits;
  /** Most threads that instances of the cordon `shared` run in; as many as there are processors where it is left out. */
  readonly threads?: number;
  /** Most MiB of JavaScript's heap in each of its threads; a thread that needs more is ended and replaced. */
  readonly threadHeap?: number;
}

/** What an engine in a thread or process of a pool gets from its surroundings. */
export interface PoolThread {
  /** Left out where nobody outside watches its guests. */
  readonly epoch?: EpochThread;
  readonly onTick: () => void;
}

/** What is put in place of what an engine makes for itself. */
export interface EngineParts {
  readonly thread?: PoolThread;
  /** Whether the thread is one of a pool's, so that a guest with threads may have it for itself. */
  readonly isPooled?: boolean;
  readonly maps?: MapFiles;
  /** Whether the watcher's thread is started only for guests that run for long, come often or have a deadline. */
  readonly watchesLate?: boolean;
}

/** What compiling takes beside the bytes. */
export interface ModuleOptions {
  /** How errors call it. */
  readonly name?: string;
  /** Most bytes of memory that any instance of it may have. */
  readonly memory?: number;
  /** Whether its instances are to be put back between uses (`Engine.fresh`). */
  readonly restore?: boolean;
  /** What `fstat` said of the bytes' file before they were read from it, so that the cache knows them without a digest. */
  readonly file?: BigIntStats;
}

/** What an instance is made with: data, but for stdio, imports and the signal, which are live. */
export interface InstanceOptions {
  /** Its arguments, the program's name first. */
  readonly args?: readonly string[];
  /** What it may do, in the form of a grants file or as parsed before; clocks, randomness and stdio where it is left out. */
  readonly grants?: Grants | GrantsValue;
  readonly limits?: InstanceLimits;
  /** Streams in place of this process's own. */
  readonly stdio?: StdioChannels;
  /**
   * What its sockets are made of in place of the machine's own network: functions of the caller's, for an instance in this
   * thread, or a project's network as data, for any. A guest that takes connections and opens no sockets begins with a listener
   * for each port that it publishes or was granted.
   */
  readonly network?: NetworkChoice;
  /** `async` where a call that the module imports may wait, unless said otherwise. */
  readonly mode?: BindMode;
  /** Functions of the caller's own, by module and name. */
  readonly imports?: HostFunctions;
  /** Ends the instance. */
  readonly signal?: AbortSignal;
  /** Hears what it was refused, where it is in this thread. */
  readonly onRefused?: (request: AccessRequest) => void;
  /** What separates it from others; this thread, where it is left out. */
  readonly cordon?: Cordon;
}

/** What a workload whose instances are put back is made with. */
export interface FreshOptions extends Pick<
  InstanceOptions,
  "args" | "grants" | "limits" | "imports" | "mode" | "network"
> {
  /** How they are put back; the quickest that module and system have where it is left out. */
  readonly mechanism?: FreshMechanism;
}

/** Hears of an instance that is being made. */
export interface InstanceListeners {
  /** Called before its start function runs. */
  readonly onStart: (instance: Instance) => void;
  /** Called when it is closed, or could not be made. */
  readonly onClose: () => void;
}
