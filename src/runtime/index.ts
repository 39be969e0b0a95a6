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
export { ApiClient, type ApiCall } from "./engine-process/api-client.ts";
export { type ApiReply, type ApiRequest, type ApiRoutes, ApiServer, apiVersion } from "./engine-process/api-server.ts";
export { held, type Hold, type Holder, isRunning, liveHolder, takeHold } from "./engine-process/holder.ts";
export {
  digest,
  enginePlace,
  makePrivate,
  type Places,
  placesOf,
  type PlaceSources,
  type ProjectPlaces,
  projectPlaces,
  pruneEmpty,
} from "./engine-process/places.ts";
export { hostAndPort, type PortOwner, portOwner, tryPort } from "./engine-process/ports.ts";
export { clearDeadEngine, findEngine, startEngine } from "./engine-process/start-engine.ts";
export type { ProjectNetworkConfig } from "../engine/index.ts";
export { EngineRunner, type EngineRunnerOptions, type WasmWorkload } from "./engine-runner.ts";
export type { EventAction, EventFilter, EventLimits, ReceivedEvent, RuntimeEvent, SubscribeOptions } from "./events.ts";
export { FileRunner, moduleStamp } from "./file-runner.ts";
export { type Health, HealthMonitor, type HealthTiming } from "./health/health-monitor.ts";
export { parseProbe, type Probe, probeForms } from "./health/probe.ts";
export { type ProbeResult, type ProbeTarget, runProbe } from "./health/run-probe.ts";
export type { LogLimits } from "./log/container-log.ts";
export { formatEntry, type LogEntry, type OutputStream } from "./log/log-entry.ts";
export type { LogReadOptions } from "./log/log-reader.ts";
export { readLogFolder } from "./log/read-folder.ts";
export {
  type Ending,
  exitCodeOf,
  type Process,
  type ProcessIo,
  type Runner,
  type TrapFrame,
  type Workload,
} from "./process.ts";
export { formatRestartPolicy, nextDelay, parseRestartPolicy, type RestartPolicy } from "./restart.ts";
export { Runtime, type RuntimeOptions } from "./runtime.ts";
export { within } from "./run.ts";
export { defaultAction, parseSignal, type SignalName, signalNumber } from "./signals.ts";
export { StandInRunner } from "./stand-ins/runner.ts";
export type { StandInFamily, StandInMount, StandInWorkload } from "./stand-ins/workload.ts";
export type { WaitCondition, WaitResult } from "./waiters.ts";
