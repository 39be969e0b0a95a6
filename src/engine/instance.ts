import type { RunEnding } from "./ending.ts";
import type { InstanceUsage } from "./limits.ts";

/**
 * One instance of a module: its own memory, grants and streams, in whatever cordon it runs. Calls of one instance come one
 * after the other; for overlapping calls make more instances.
 */
export interface Instance {
  /** Names of the functions that it exports. */
  readonly functions: readonly string[];
  /** Whether it can be called no more: it exited, trapped, was killed or closed. */
  readonly isEnded: boolean;
  /**
   * Calls an export with numbers and bigints as its type has them, and answers what it returns: undefined, one value, or an array
   * of several.
   *
   * @throws GUEST_EXPORT_MISSING, INSTANCE_BUSY, INSTANCE_ENDED, GUEST_TRAPPED, GUEST_EXITED, a LIMIT_… code, or what a host
   *   function threw
   */
  call(name: string, ...args: readonly unknown[]): Promise<unknown>;
  /**
   * Runs a command to its end: calls `_start` and answers how it ended.
   *
   * @throws GUEST_EXPORT_MISSING, INSTANCE_BUSY, INSTANCE_ENDED, LIMIT_STACKS
   */
  run(): Promise<RunEnding>;
  /** What it used so far. */
  usage(): Promise<InstanceUsage>;
  /** Ends it as a signal would, by its number, SIGKILL if none is named. */
  kill(signal?: number): void;
  /** Closes what it has open and gives its place in the engine back; a call in flight is ended. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
