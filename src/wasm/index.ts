export { analyzeCode, type CodeAnalysis, type FunctionAnalysis } from "./code/analyze.ts";
export { type ComponentExtern, type ComponentExternKind, type ComponentInfo, readComponent } from "./component.ts";
export type { CustomSectionInfo, Producer, Producers } from "./custom.ts";
export { type SourceFrame, SourceLines, type SourceLinesOptions, type SourcePlace } from "./debug/source-lines.ts";
export type { ExportInfo, ExternKind, ExternType, ImportInfo } from "./externs.ts";
export { explainRejection } from "./features.ts";
export { planHotFunctions } from "./hot-functions.ts";
export { readModuleImports } from "./imports.ts";
export { type FileKind, kindOf } from "./kind.ts";
export { limitMemory } from "./limits.ts";
export { type MemoryInfo, type ModuleInfo, readModule } from "./module.ts";
export type { RewrittenBytes } from "./patch.ts";
export { OffsetMap } from "./rewrite/offset-map.ts";
export type { RestoreOptions, RestoreStep } from "./rewrite/restore.ts";
export {
  type EngineMemory,
  rewrite,
  type RewriteOptions,
  type Rewritten,
  type RewrittenLayout,
  type Unrestorable,
} from "./rewrite/rewrite.ts";
export type {
  FieldType,
  FunctionType,
  MemoryType,
  ModuleFeature,
  TableType,
  TypeDefinition,
  ValueType,
} from "./types.ts";
export { ByteWriter } from "./writer.ts";
