export { type ComponentExtern, type ComponentExternKind, type ComponentInfo, readComponent } from "./component.ts";
export type { CustomSectionInfo, Producer, Producers } from "./custom.ts";
export type { ExportInfo, ExternKind, ExternType, ImportInfo } from "./externs.ts";
export { explainRejection } from "./features.ts";
export { readModuleImports } from "./imports.ts";
export { type FileKind, kindOf } from "./kind.ts";
export { limitMemory } from "./limits.ts";
export { type MemoryInfo, type ModuleInfo, readModule } from "./module.ts";
export type { RewrittenBytes } from "./patch.ts";
export type {
  FieldType,
  FunctionType,
  MemoryType,
  ModuleFeature,
  TableType,
  TypeDefinition,
  ValueType,
} from "./types.ts";
