export { ComponentError } from "./canonical/component-error.ts";
export { explainArguments, explainResult } from "./canonical/explain.ts";
export { partsOf, resourcesOf } from "./canonical/layout.ts";
export { elementsOf, ownOf } from "./canonical/lists.ts";
export { camelCase, isCommonName } from "./canonical/names.ts";
export { writeDeclarations } from "./declarations/write-declarations.ts";
export { CodeCache } from "./instance/code-cache.ts";
export { ComponentStore } from "./instance/component-store.ts";
export type { ComponentMode, CoreInstance, Embedding } from "./instance/embedding.ts";
export {
  type AdaptExport,
  type ComponentExports,
  type ExportedFunction,
  ExportMaker,
  type ExportSource,
  findFunction,
  functionNames,
} from "./instance/exports.ts";
export { GuestHandle, GuestResource, type GuestResourceClass } from "./instance/guest-resource.ts";
export {
  type ComponentImports,
  dropsGiven,
  findDrop,
  findHostFunctions,
  type HostFunction,
  type HostProvider,
} from "./instance/host-functions.ts";
export { HostResources, type Passing, type ResourceStore } from "./instance/host-resources.ts";
export { textOfTrap, type TrapReason } from "./instance/traps.ts";
export type {
  LinkPlan,
  PlannedExport,
  PlannedFunction,
  PlannedImport,
  PlannedLift,
  PlannedResource,
} from "./plan/link-plan.ts";
export { makePlan } from "./plan/make-plan.ts";
export { readPlan } from "./plan/read-plan.ts";
export { writePlan } from "./plan/write-plan.ts";
export { parseWaveArguments, splitWaveCall } from "./wave/parse-wave.ts";
export { printWaveOutcome, type WaveOutcome } from "./wave/print-wave.ts";
