import type { ComponentValueType, DefinedType, PrimitiveKind } from "./types.ts";

const primitiveKinds: ReadonlySet<string> = new Set<PrimitiveKind>([
  "bool",
  "s8",
  "u8",
  "s16",
  "u16",
  "s32",
  "u32",
  "s64",
  "u64",
  "f32",
  "f64",
  "char",
  "string",
  "error-context",
]);

/** Whether a type is one of values. */
export function isValueType(type: DefinedType): type is ComponentValueType {
  const { kind } = type;
  return kind !== "resource" && kind !== "function" && kind !== "instance" && kind !== "component";
}

/** Whether a value type consists of nothing else. */
export function isPrimitive(type: ComponentValueType): type is ComponentValueType & { readonly kind: PrimitiveKind } {
  return primitiveKinds.has(type.kind);
}

/** Whether a value type needs a name where an imported or exported function mentions it. */
export function isNameable(type: DefinedType): type is ComponentValueType {
  return type.kind === "record" || type.kind === "variant" || type.kind === "enum" || type.kind === "flags";
}
