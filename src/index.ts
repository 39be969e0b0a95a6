// What programs import as "sampan".
export { SampanError, type ErrorData } from "./base/index.ts";
export type { ByteSink, ByteSource } from "./base/index.ts";
export type { Grants } from "./capabilities/index.ts";
export type { StdioChannels } from "./host/index.ts";
export {
  Engine,
  type EngineLimits,
  type EngineOptions,
  type Frame,
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
