// What programs import as "sampan".
export { SampanError, type ErrorData } from "./base/index.ts";
export type { ByteSink, ByteSource } from "./base/index.ts";
export type { Grants } from "./capabilities/index.ts";
export { createPipe, MemorySink, sinkToWeb, sourceFrom, sourceFromWeb, type StdioChannels } from "./host/index.ts";
export {
  type Cordon,
  Engine,
  type EngineLimits,
  type EngineOptions,
  type Frame,
  type FreshInstance,
  type FreshMechanism,
  type FreshOptions,
  type FreshWorkload,
  type GrantsValue,
  type GuestModule,
  type HostFunctions,
  type Instance,
  type InstanceLimits,
  type InstanceOptions,
  type InstanceUsage,
  type LocalInstance,
  type ModuleOptions,
  type RunEnding,
} from "./engine/index.ts";
