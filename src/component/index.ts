export { ComponentError } from "./canonical/component-error.ts";
export { writeDeclarations } from "./declarations/write-declarations.ts";
export { CodeCache } from "./instance/code-cache.ts";
export { ComponentStore } from "./instance/component-store.ts";
export type { ComponentMode, CoreInstance, Embedding } from "./instance/embedding.ts";
export {
  type ComponentExports,
  type ExportedFunction,
  ExportMaker,
  findFunction,
  functionNames,
} from "./instance/exports.ts";
export { GuestResource } from "./instance/guest-resource.ts";
export {
  type ComponentImports,
  findDrop,
  findHostFunctions,
  type HostFunction,
  type HostProvider,
} from "./instance/host-functions.ts";
export { textOfTrap, type TrapReason } from "./instance/traps.ts";
export type { LinkPlan, PlannedImport } from "./plan/link-plan.ts";
export { makePlan } from "./plan/make-plan.ts";
export { parseWaveArguments, splitWaveCall } from "./wave/parse-wave.ts";
export { printWaveOutcome, type WaveOutcome } from "./wave/print-wave.ts";
