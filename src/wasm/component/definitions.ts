import type { CustomSectionInfo } from "../custom.ts";
import type { ByteRange } from "../reader.ts";
import type { FunctionType } from "../types.ts";
import type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  CoreModuleType,
  CoreTypeDefinition,
  DefinedType,
  ExternType,
  InstanceType,
  ResourceType,
} from "./types.ts";

/** The index spaces of a component (component model, Explainer: Index Spaces). */
export type Sort =
  | "core-function"
  | "core-table"
  | "core-memory"
  | "core-global"
  | "core-tag"
  | "core-type"
  | "core-module"
  | "core-instance"
  | "function"
  | "value"
  | "type"
  | "component"
  | "instance";

/** A definition by its index space and its index in it. */
export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

/** A definition with the name that it is given away under: an inline export or an argument of an instantiation. */
export interface NamedSortIndex extends SortIndex {
  readonly name: string;
}

/** How values cross a canonical definition (component model, Canonical ABI: Canonical ABI Options). */
export interface CanonicalOptions {
  readonly stringEncoding: "utf8" | "utf16" | "latin1+utf16";
  /** Indices in the spaces of core memories and core functions. */
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  readonly postReturn: number | undefined;
  readonly callback: number | undefined;
  readonly isAsync: boolean;
  /** Whether `memory` is there and has 64-bit addresses. */
  readonly memoryIs64: boolean;
}

/** What may stand beside the name of an import or export (component model, Binary: `attribute`). */
export interface ExternAttributes {
  /** The interface that an instance with a plain name is of. */
  readonly implements?: string;
  /** The rest of a version whose canonical part is in the name. */
  readonly versionSuffix?: string;
  readonly externalId?: string;
}

type AsyncValueSort = "stream" | "future";

/** The stream or future type that a built-in works on. */
type AsyncValueType = ComponentValueType & { readonly kind: AsyncValueSort };

/** The built-ins without immediates. */
export type PlainBuiltinName =
  | "backpressure.inc"
  | "backpressure.dec"
  | "task.cancel"
  | "subtask.drop"
  | "error-context.drop"
  | "waitable-set.new"
  | "waitable-set.drop"
  | "waitable.join"
  | "thread.index"
  | "thread.resume-later";

/** What a canonical built-in is asked to do, with its immediates (component model, Explainer: Canonical Built-ins). */
export type Builtin =
  | { readonly name: PlainBuiltinName }
  | {
      readonly name: "task.return";
      readonly result: ComponentValueType | undefined;
      readonly options: CanonicalOptions;
    }
  | { readonly name: "context.get" | "context.set"; readonly type: "i32" | "i64"; readonly slot: number }
  | { readonly name: "subtask.cancel"; readonly isAsync: boolean }
  | {
      readonly name: `${AsyncValueSort}.${"new" | "drop-readable" | "drop-writable"}`;
      readonly type: AsyncValueType;
    }
  | {
      readonly name: `${AsyncValueSort}.${"read" | "write"}`;
      readonly type: AsyncValueType;
      readonly options: CanonicalOptions;
    }
  | {
      readonly name: `${AsyncValueSort}.${"cancel-read" | "cancel-write"}`;
      readonly type: AsyncValueType;
      readonly isAsync: boolean;
    }
  | { readonly name: "error-context.new" | "error-context.debug-message"; readonly options: CanonicalOptions }
  | {
      readonly name: "waitable-set.wait" | "waitable-set.poll";
      readonly isCancellable: boolean;
      /** Index in the space of core memories. */
      readonly memory: number;
    }
  | {
      readonly name:
        | "thread.suspend"
        | "thread.yield"
        | "thread.suspend-then-resume"
        | "thread.yield-then-resume"
        | "thread.suspend-then-promote"
        | "thread.yield-then-promote";
      readonly isCancellable: boolean;
    }
  | { readonly name: "thread.new-indirect"; readonly startType: FunctionType; readonly table: number }
  | { readonly name: "thread.spawn-ref"; readonly startType: FunctionType; readonly isShared: boolean }
  | {
      readonly name: "thread.spawn-indirect";
      readonly startType: FunctionType;
      readonly table: number;
      readonly isShared: boolean;
    }
  | { readonly name: "thread.available-parallelism"; readonly isShared: boolean };

/** The name of a canonical built-in. */
export type BuiltinName = Builtin["name"];

/**
 * One definition of a component. Each pushes one entry on one index space (an import, an export and an alias on that of
 * their sort); only `start` pushes `results` entries, on the space of values. `lift` pushes on that of functions; `lower`,
 * `resource-*` and `builtin` push on that of core functions and say in `coreType` what the function's type is.
 */
export type Definition =
  | {
      readonly kind: "core-module";
      /** The module's bytes: a view of the component's, not a copy. */
      readonly bytes: Uint8Array;
      readonly moduleType: CoreModuleType;
    }
  | {
      readonly kind: "core-instance-instantiate";
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | { readonly kind: "core-instance-exports"; readonly exports: readonly NamedSortIndex[] }
  | { readonly kind: "core-type"; readonly type: CoreTypeDefinition }
  | { readonly kind: "component"; readonly component: ComponentDefinition }
  | {
      readonly kind: "instance-instantiate";
      readonly component: number;
      readonly args: readonly NamedSortIndex[];
      readonly type: InstanceType;
    }
  | { readonly kind: "instance-exports"; readonly exports: readonly NamedSortIndex[]; readonly type: InstanceType }
  | { readonly kind: "alias-export"; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: "alias-core-export"; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: "alias-outer"; readonly sort: Sort; readonly count: number; readonly index: number }
  | { readonly kind: "type"; readonly type: DefinedType }
  | {
      readonly kind: "lift";
      /** Index in the space of core functions. */
      readonly function: number;
      readonly options: CanonicalOptions;
      readonly type: ComponentFunctionType;
    }
  | {
      readonly kind: "lower";
      readonly function: number;
      readonly options: CanonicalOptions;
      readonly type: ComponentFunctionType;
      readonly coreType: FunctionType;
    }
  | {
      readonly kind: "resource-new" | "resource-drop" | "resource-rep";
      readonly resource: ResourceType;
      readonly coreType: FunctionType;
    }
  | ({ readonly kind: "builtin"; readonly coreType: FunctionType } & Builtin)
  | {
      readonly kind: "start";
      readonly function: number;
      /** Indices in the space of values. */
      readonly args: readonly number[];
      readonly results: number;
    }
  | {
      readonly kind: "import";
      readonly name: string;
      readonly type: ExternType;
      readonly attributes: ExternAttributes;
    }
  | {
      readonly kind: "export";
      readonly name: string;
      readonly sort: Sort;
      readonly index: number;
      /** As ascribed, or else inferred. */
      readonly type: ExternType;
      readonly attributes: ExternAttributes;
    }
  | {
      readonly kind: "value";
      readonly type: ComponentValueType;
      /** The value's encoding (component model, Binary: Value Definitions), checked against the type. */
      readonly bytes: Uint8Array;
    };

/**
 * A component that has been decoded and validated. Its definitions stand in the order of the binary, flattened over its
 * sections. The resource types in the types of `import`, `instance-instantiate` and `type` definitions are the only ones
 * that its other definitions mention.
 */
export interface ComponentDefinition {
  readonly type: ComponentType;
  readonly definitions: readonly Definition[];
  /** Where the component stands in the bytes that were decoded, its preamble included. */
  readonly range: ByteRange;
  /** At most the first 10,000. */
  readonly customSections: readonly CustomSectionInfo[];
  /** The component's own name, from its name section. */
  readonly name?: string;
}

/** Additions to the component model that need to be allowed by name (component model, Explainer: Gated Features). */
export type ComponentFeature =
  | "values"
  | "nested-names"
  | "async-builtins"
  | "stackful-lift"
  | "threads"
  | "shared-everything-threads"
  | "fixed-length-lists"
  | "error-context"
  | "canonical-names"
  | "memory64";
