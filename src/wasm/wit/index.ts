export { type ComponentWit, decodeWit, witFeatures, witOfComponent } from "./decode.ts";
export { encodeWit } from "./encode.ts";
export type { GateOptions } from "./gates.ts";
export {
  allFunctions as allWitFunctions,
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
} from "./model.ts";
export { type PrintOptions, printPackage, printResolution } from "./print.ts";
export { readWit } from "./resolve.ts";
export type { WitSource } from "./source.ts";
