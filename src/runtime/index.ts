export { type Clock, stampOf, systemClock } from "./clock.ts";
export type {
  ContainerConfig,
  ContainerRecord,
  ContainerState,
  ContainerStatus,
  ContainerView,
  ResolvedConfig,
  StartOptions,
  StopOptions,
} from "./container-record.ts";
export type { Container } from "./container.ts";
export { EngineRunner, type EngineRunnerOptions, type WasmWorkload } from "./engine-runner.ts";
export type { EventAction, EventFilter, EventLimits, ReceivedEvent, RuntimeEvent, SubscribeOptions } from "./events.ts";
export type { LogLimits } from "./log/container-log.ts";
export { formatEntry, type LogEntry, type OutputStream } from "./log/log-entry.ts";
export type { LogReadOptions } from "./log/log-reader.ts";
export {
  type Ending,
  exitCodeOf,
  type Process,
  type ProcessIo,
  type Runner,
  type TrapFrame,
  type Workload,
} from "./process.ts";
export { formatRestartPolicy, parseRestartPolicy, type RestartPolicy } from "./restart.ts";
export { Runtime, type RuntimeOptions } from "./runtime.ts";
export { defaultAction, parseSignal, type SignalName, signalNumber } from "./signals.ts";
export type { WaitCondition, WaitResult } from "./waiters.ts";
