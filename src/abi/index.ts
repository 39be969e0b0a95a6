export {
  bindCall,
  type CallMeter,
  type BindPlan,
  type BindMode,
  type CallMode,
  type CallRow,
  type CallTable,
  coreParameters,
  coreResults,
  type CoreType,
  type NamedRow,
  planCalls,
  type Trace,
} from "./bind.ts";
export { GuestMemory } from "./memory.ts";
export { callsNamed } from "./modules.ts";
export {
  type GuestOutcome,
  type GuestWaits,
  preview1Modules,
  Preview1Context,
  type Preview1Options,
} from "./preview1/index.ts";
export { type CallVersions, wasmedgeModule, wasmedgeVersions } from "./wasmedge/index.ts";
export {
  createWasi02,
  draftInterfaces,
  findWasi02,
  incomingArguments,
  InputStream,
  inputStreamOf,
  OutputStream,
  outputStreamOf,
  Wasi02Context,
  type Wasi02Function,
  type Wasi02Interface,
  wasi02Interfaces,
  type Wasi02Provider,
  WasiTrap,
  webFromInput,
  webFromOutput,
} from "./wasi-0.2/index.ts";
