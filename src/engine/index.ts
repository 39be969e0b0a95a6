export type { ComponentInstance } from "./component/component-instance.ts";
export type { ComponentModule } from "./component/component-module.ts";
export type { ComponentOptions } from "./component/components.ts";
export type {
  FreshComponent,
  FreshComponentOptions,
  FreshComponentUse,
  FreshUseOptions,
} from "./component/fresh-component.ts";
export { runKeptComponent } from "./component/run-kept-component.ts";
export { UseControl } from "./component/use-control.ts";
export { sha256Of } from "./cache/index.ts";
export { runWithDeadline } from "./deadline.ts";
export { inThread, type RunEnding } from "./ending.ts";
export { Engine } from "./engine.ts";
export type { EngineOptions, FreshOptions, InstanceOptions, ModuleOptions } from "./engine-options.ts";
export { type FreshGuest, FreshInstances, type FreshMechanism } from "./fresh-state/fresh-instances.ts";
export { ReusableGuest, type ReusableGuestOptions } from "./fresh-state/reusable-guest.ts";
export type { FreshInstance, FreshWorkload } from "./fresh-workload.ts";
export { type CompileOptions, compileGuest, type GuestModule, startsThreads } from "./guest-module.ts";
export { Guest, type GuestOptions, type RunResult } from "./guest.ts";
export { type HostFunctions, isProvided } from "./import-plan.ts";
export { allow, narrow } from "./embed/allow.ts";
export type { EmbedLimits } from "./embed/embed-limits.ts";
export type { ComponentSource } from "./embed/read-source.ts";
export type { Async } from "./embed/types.ts";
export { instantiate, type Instantiated, type InstantiateOptions } from "./instantiate.ts";
export type { Instance } from "./instance.ts";
export type { EngineLimits, InstanceLimits, InstanceUsage } from "./limits.ts";
export type { LocalInstance } from "./local-instance.ts";
export { explainRefusal } from "./refusal.ts";
export { run, type RunLimits, type RunReport, type RunRequest } from "./run.ts";
export { grantsOf, type GrantsValue } from "./grants-of.ts";
export { kindOf } from "../wasm/index.ts";
export { runComponent, runThreads, runWaiting } from "./run-late.ts";
export {
  adoptNotes,
  bindNative,
  BodyPipe,
  BodyReader,
  type BodySink,
  type BodySource,
  closeNoted,
  contentLength,
  type HttpErrorCode,
  HttpFailure,
  type HttpField,
  hasRequestParser,
  type IncomingExchange,
  type IncomingRequestParts,
  type MessageConnection,
  type NativeBound,
  type NetworkBackend,
  type NetworkChoice,
  nodeExchange,
  noteDescriptors,
  type NotedDescriptors,
  type OutgoingResponseParts,
  type ParsedHead,
  type ParserProblem,
  type ProjectNetworkConfig,
  ProjectPlace,
  projectSocket,
  type PublishedPort,
  RequestParser,
} from "../host/index.ts";
export { usesNetwork } from "./sockets-wanted.ts";
export type { Frame } from "./trap.ts";
export type { Cordon } from "./pool/pool.ts";
