export {
  bindCall,
  type BindPlan,
  type BindMode,
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
export { type GuestOutcome, preview1Modules, Preview1Context, type Preview1Options } from "./preview1/index.ts";
