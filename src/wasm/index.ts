export { analyzeCode, type CodeAnalysis, type FunctionAnalysis } from "./code/analyze.ts";
export { type ComponentExtern, type ComponentExternKind, type ComponentInfo, readComponent } from "./component.ts";
export { type DecodeComponentOptions, decodeComponent } from "./component/decode.ts";
export type {
  Builtin,
  BuiltinName,
  CanonicalOptions,
  ComponentDefinition,
  ComponentFeature,
  Definition,
  ExternAttributes,
  NamedSortIndex,
  Sort,
  SortIndex,
} from "./component/definitions.ts";
export { matchExtern } from "./component/match.ts";
export { compatibilityTrack, type ExternName, matchName, parseExternName } from "./component/names.ts";
export { printExtern, printType } from "./component/print.ts";
export type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  CoreExtern,
  CoreImport,
  CoreModuleType,
  CoreTypeDefinition,
  DefinedType,
  ExternType as ComponentExternType,
  InstanceType,
  NamedType,
  PrimitiveKind,
  ResourceDefinition,
  ResourceType,
  VariantCase,
} from "./component/types.ts";
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
export type { RestoreStep } from "./rewrite/restore.ts";
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
export { type ComponentWit, decodeWit, witFeatures, witOfComponent } from "./wit/decode.ts";
export { encodeWit } from "./wit/encode.ts";
export type { GateOptions } from "./wit/gates.ts";
export {
  isResource as isWitResource,
  packageText as witPackageText,
  resolveAlias as resolveWitAlias,
  type WitCase,
  type WitField,
  type WitFunction,
  type WitGate,
  type WitInterface,
  type WitItem,
  type WitMember,
  type WitPackage,
  type WitPackageName,
  type WitParameter,
  type WitResolution,
  type WitType,
  type WitTypeBody,
  type WitTypeDefinition,
  type WitWorld,
  type WitWorldInterface,
  type WitWorldItem,
} from "./wit/model.ts";
export { type PrintOptions, printPackage, printResolution } from "./wit/print.ts";
export { readWit } from "./wit/resolve.ts";
export type { WitSource } from "./wit/source.ts";
