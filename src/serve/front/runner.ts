import type { InstanceUsage } from "../../engine/index.ts";
import type { ServedRequest } from "./served-request.ts";

/** What answers the requests of a workload that is warm. */
export interface Runner {
  /** How instances get their state back, where there are any. */
  readonly mechanism?: string;
  readonly idle: number;
  readonly inUse: number;
  /** Answers one request; its signal ends it. @throws what ended the guest */
  answer(request: ServedRequest): void | Promise<void>;
  /** Makes so many instances ready. */
  warm(count: number): Promise<void>;
  usage(): InstanceUsage;
  /** Gives up what is idle at once, and what is in use once that is done. */
  close(): void;
}

/** What nobody used. */
export const noUsage: InstanceUsage = { calls: 0, bytesIn: 0, bytesOut: 0, cpu: 0, memory: 0 };

/** Two sums as one. */
export function addUsage(one: InstanceUsage, other: InstanceUsage): InstanceUsage {
  return {
    calls: one.calls + other.calls,
    bytesIn: one.bytesIn + other.bytesIn,
    bytesOut: one.bytesOut + other.bytesOut,
    cpu: one.cpu + other.cpu,
    memory: Math.max(one.memory, other.memory),
  };
}
