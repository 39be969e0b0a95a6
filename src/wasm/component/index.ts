export { type DecodeComponentOptions, decodeComponent } from "./decode.ts";
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
} from "./definitions.ts";
export { matchExtern } from "./match.ts";
export { compatibilityTrack, type ExternName, matchName, parseExternName } from "./names.ts";
export { printExtern, printType } from "./print.ts";
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
} from "./types.ts";
