import type { BindMode } from "../../abi/index.ts";
import type { StdioName } from "../../capabilities/index.ts";
import type { Grants } from "../../capabilities/index.ts";
import type { ProjectNetworkConfig } from "../../host/index.ts";
import type { InstanceLimits } from "../limits.ts";

/** A module on its way to another thread or process. */
export interface ModuleData {
  readonly id: number;
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The rewritten bytes. */
  readonly code: Uint8Array<ArrayBuffer>;
  /** What a thread gets compiled; a process compiles `code` itself. */
  readonly module?: WebAssembly.Module;
  /** Layout and offset map, as `metaOf` writes them. */
  readonly meta: Uint8Array<ArrayBuffer>;
}

/** What an instance is made with there: data, and names for what stays here. */
export interface InstanceData {
  readonly id: number;
  readonly module: number;
  readonly args?: readonly string[];
  readonly grants: Grants;
  readonly limits: InstanceLimits;
  readonly mode?: BindMode;
  readonly network?: ProjectNetworkConfig;
  /** Streams that are channels on this side. */
  readonly channels: readonly StdioName[];
  /** Functions that are called on this side, by module and name. */
  readonly imports: readonly (readonly [module: string, name: string])[];
}

/** What was made. */
export interface InstanceMade {
  readonly functions: readonly string[];
}

/** A call of an export. */
export interface CallData {
  readonly instance: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What names one instance. */
export interface InstanceName {
  readonly instance: number;
}

/** A signal for an instance. */
export interface KillData extends InstanceName {
  readonly signal: number;
}

/** A guest's call of a function that is on the other side. */
export interface ImportCallData extends InstanceName {
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** A read of a channel: `length` bytes at most. */
export interface ReadData extends InstanceName {
  readonly length: number;
}

/** A write to a channel. */
export interface WriteData extends InstanceName {
  readonly stream: StdioName;
  readonly bytes: Uint8Array;
}

/** The guest, or its end, has closed a channel. */
export interface EndData extends InstanceName {
  readonly stream: StdioName;
}
