import type { NetworkLimits, StoreLimits } from "../host/index.ts";

/** What one instance may take; each without a limit where it is left out, but for what {@link NetworkLimits} and {@link StoreLimits} say. */
export interface InstanceLimits extends NetworkLimits, StoreLimits {
  /** Bytes of all the module's memories together; `memory.grow` past it answers -1. */
  readonly memory?: number | undefined;
  /** How long one call may take, in ms, waiting included (LIMIT_DEADLINE). */
  readonly deadline?: number | undefined;
  /** How long all calls together may run, in ms, waiting left out (LIMIT_CPU). */
  readonly cpu?: number | undefined;
  /** Open descriptors, the standard streams and granted folders among them. */
  readonly maxFiles?: number | undefined;
  /** Bytes written to stdout and stderr (LIMIT_OUTPUT). */
  readonly maxOutput?: number | undefined;
  /** Threads that it may have started and that run, 64 where it is left out; `thread-spawn` past it answers -1. */
  readonly maxThreads?: number | undefined;
}

/** What one engine may have at once. */
export interface EngineLimits {
  /** Instances that are not closed (LIMIT_INSTANCES). */
  readonly instances?: number | undefined;
  /** Elements of one table (LIMIT_TABLE); `table.grow` past it answers -1. */
  readonly tableElements?: number | undefined;
}

/** What an instance used so far. */
export interface InstanceUsage {
  /** Guest calls into the host. */
  readonly calls: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Time that its code ran, in ms, with the host calls that did not wait. */
  readonly cpu: number;
  /** Most bytes of memory that it had. */
  readonly memory: number;
}
