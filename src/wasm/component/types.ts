import type { FunctionType, MemoryType, TableType, TypeDefinition, ValueType } from "../types.ts";

/** The kinds of value types that consist of nothing else (component model, Explainer: Fundamental value types). */
export type PrimitiveKind =
  | "bool"
  | "s8"
  | "u8"
  | "s16"
  | "u16"
  | "s32"
  | "u32"
  | "s64"
  | "u64"
  | "f32"
  | "f64"
  | "char"
  | "string"
  | "error-context";

/** A field of a record, or a parameter of a function. */
export interface NamedType {
  readonly name: string;
  readonly type: ComponentValueType;
}

/** A case of a variant; `type` is what it carries, if anything. */
export interface VariantCase {
  readonly name: string;
  readonly type: ComponentValueType | undefined;
}

/**
 * A value type after validation: structural, without indices; identical types may be shared objects but need not be
 * (component model, Explainer: Type Definitions).
 */
export type ComponentValueType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: "record"; readonly fields: readonly NamedType[] }
  | { readonly kind: "variant"; readonly cases: readonly VariantCase[] }
  /** `length` is the number of elements of a fixed-length list. */
  | { readonly kind: "list"; readonly element: ComponentValueType; readonly length: number | undefined }
  | { readonly kind: "tuple"; readonly types: readonly ComponentValueType[] }
  | { readonly kind: "flags"; readonly names: readonly string[] }
  | { readonly kind: "enum"; readonly names: readonly string[] }
  | { readonly kind: "option"; readonly type: ComponentValueType }
  | {
      readonly kind: "result";
      readonly ok: ComponentValueType | undefined;
      readonly error: ComponentValueType | undefined;
    }
  /** `alias` tells the names of one resource type apart; only the validator looks at it. */
  | { readonly kind: "own" | "borrow"; readonly resource: ResourceType; readonly alias?: symbol }
  | { readonly kind: "stream" | "future"; readonly element: ComponentValueType | undefined }
  | { readonly kind: "map"; readonly key: ComponentValueType; readonly value: ComponentValueType };

/**
 * A resource type as the definition of a component sees it, compared by object identity: every import, every
 * instantiation of a nested component and every `resource` definition introduces objects of its own.
 */
export interface ResourceType {
  readonly kind: "resource";
  /** The name of the import or export that introduced it; of a definition, the name that it is first exported by. */
  readonly name: string | undefined;
  /** Set where the component that is looked at defines it. */
  readonly definition?: ResourceDefinition;
}

/** How a component defines a resource type. */
export interface ResourceDefinition {
  readonly representation: "i32" | "i64";
  /** Index of the destructor in the space of core functions. */
  readonly destructor: number | undefined;
}

/** The type of a component-level function. */
export interface ComponentFunctionType {
  readonly kind: "function";
  readonly params: readonly NamedType[];
  readonly result: ComponentValueType | undefined;
  readonly isAsync: boolean;
}

/** The type of an instance: what it exports, in order. */
export interface InstanceType {
  readonly kind: "instance";
  readonly exports: ReadonlyMap<string, ExternType>;
}

/** The type of a component; resource types that its imports or exports introduce stand for themselves in it. */
export interface ComponentType {
  readonly kind: "component";
  readonly imports: ReadonlyMap<string, ExternType>;
  readonly exports: ReadonlyMap<string, ExternType>;
}

/**
 * The type of an import or export of a core module. A reference to a type of the module is written out in full in the
 * value type's text (the letters `rec` and `sub` as in the text format), so that equal texts are equal types.
 */
export type CoreExtern =
  | { readonly kind: "function"; readonly type: FunctionType }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "global"; readonly type: { readonly value: ValueType; readonly mutable: boolean } }
  | { readonly kind: "tag"; readonly type: FunctionType };

/** One import of a core module, by both its names. */
export interface CoreImport {
  readonly module: string;
  readonly name: string;
  readonly type: CoreExtern;
}

/** The type of a core module: what it imports and what it exports. */
export interface CoreModuleType {
  readonly kind: "core-module";
  readonly imports: readonly CoreImport[];
  readonly exports: ReadonlyMap<string, CoreExtern>;
}

/** An entry of a component's space of core types. */
export type CoreTypeDefinition = TypeDefinition | CoreModuleType;

/** What a name that is imported or exported stands for (component model, Binary: `externtype`). */
export type ExternType =
  | { readonly kind: "core-module"; readonly type: CoreModuleType }
  | { readonly kind: "function"; readonly type: ComponentFunctionType }
  | { readonly kind: "value"; readonly type: ComponentValueType }
  | { readonly kind: "instance"; readonly type: InstanceType }
  | { readonly kind: "component"; readonly type: ComponentType }
  /** `isFresh`: bound by `(sub resource)`, and `type` is a resource type that this import or export introduces. */
  | { readonly kind: "type"; readonly type: DefinedType; readonly isFresh: boolean; readonly alias?: symbol };

/** What an index of the space of types names. */
export type DefinedType = ComponentValueType | ComponentFunctionType | InstanceType | ComponentType | ResourceType;
