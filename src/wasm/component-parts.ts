// For wit/, which reaches it by a path that the import table takes for a room of that name.
export { decodeComponent } from "./component/decode.ts";
export type { ComponentDefinition, ComponentFeature, ExternAttributes } from "./component/definitions.ts";
export { isLabel, parseExternName } from "./component/names.ts";
export type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  DefinedType,
  ExternType,
  InstanceType,
  NamedType,
  PrimitiveKind,
  ResourceType,
} from "./component/types.ts";
