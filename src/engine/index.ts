export type { ComponentInstance } from "./component/component-instance.ts";
export type { ComponentModule } from "./component/component-module.ts";
export type { ComponentOptions } from "./component/components.ts";
export { runWithDeadline } from "./deadline.ts";
export { inThread, type RunEnding } from "./ending.ts";
export { Engine, type EngineOptions, type FreshOptions, type InstanceOptions, type ModuleOptions } from "./engine.ts";
export { type FreshGuest, FreshInstances, type FreshMechanism } from "./fresh-state/fresh-instances.ts";
export { ReusableGuest, type ReusableGuestOptions } from "./fresh-state/reusable-guest.ts";
export type { FreshInstance, FreshWorkload } from "./fresh-workload.ts";
export { type CompileOptions, compileGuest, type GuestModule, startsThreads } from "./guest-module.ts";
export { Guest, type GuestOptions, type RunResult } from "./guest.ts";
export { type HostFunctions, isProvided } from "./import-plan.ts";
export type { Instance } from "./instance.ts";
export type { EngineLimits, InstanceLimits, InstanceUsage } from "./limits.ts";
export type { LocalInstance } from "./local-instance.ts";
export { explainRefusal } from "./refusal.ts";
export { run, type RunLimits, type RunReport, type RunRequest } from "./run.ts";
export type { GrantsValue } from "./grants-of.ts";
export { runComponent, runThreads, runWaiting } from "./run-late.ts";
export {
  type NetworkBackend,
  type NetworkChoice,
  type ProjectNetworkConfig,
  ProjectPlace,
  projectSocket,
  type PublishedPort,
} from "../host/index.ts";
export { usesNetwork } from "./sockets-wanted.ts";
export type { Frame } from "./trap.ts";
export type { Cordon } from "./pool/pool.ts";
