import type {
  Builtin,
  CanonicalOptions,
  ComponentFunctionType,
  ComponentValueType,
} from "../../wasm/component/index.ts";

/**
 * What an instance of a component is made of, found once for the binary: its nested components are inlined, so that each instance
 * of a component and each resource type that one of them defines has a number, and making an instance is to go through `steps`.
 */
export interface LinkPlan {
  /** How messages call the component. */
  readonly name: string;
  /** The instances of components, the root's first. */
  readonly instances: readonly PlannedInstance[];
  /** The resource types, whoever defines them. */
  readonly resources: readonly PlannedResource[];
  /** The core modules, each once. */
  readonly modules: readonly PlannedModule[];
  /** The functions that the root imports. */
  readonly imports: readonly PlannedImport[];
  readonly steps: readonly Step[];
  /** How many core instances and how many other core definitions the steps make. */
  readonly coreInstances: number;
  readonly coreValues: number;
  /** What the root exports, by name. */
  readonly exports: ReadonlyMap<string, PlannedExport>;
}

/** One instance of a component, the root or a nested one. */
export interface PlannedInstance {
  /** The number of the instance that it was made in; undefined for the root. */
  readonly parent: number | undefined;
  /** Its component's name, or its place, for messages. */
  readonly name: string;
  /** Whether it calls another instance, or is called by one, without the host between. */
  isFused: boolean;
  /** Whether its code reads or writes storage of its task (`context.get`, `context.set`). */
  usesContext: boolean;
}

/** One resource type of an instance. */
export interface PlannedResource {
  /** The name that it was imported or first exported by. */
  name: string;
  /** The number of the instance that defines it; undefined where the host does. */
  readonly owner: number | undefined;
  readonly destructor: CoreItem | undefined;
  /** Names of the imported instances that a resource type of the host's stands in, from the outside in. */
  readonly path: readonly string[];
}

/** A core module. */
export interface PlannedModule {
  /** A view of the component's own bytes. */
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** A function that the root imports. */
export interface PlannedImport {
  /** Names of the imported instances that it stands in, from the outside in; none for a function by a plain name. */
  readonly path: readonly string[];
  readonly name: string;
  readonly type: ComponentFunctionType;
  /** Numbers of its type's distinct resource types, in order of appearance. */
  readonly resources: readonly number[];
}

/** Where a core definition is found when an instance is made. */
export type CoreItem =
  | { readonly kind: "export"; readonly instance: number; readonly name: string }
  | { readonly kind: "value"; readonly index: number };

/** The canonical options, with what they name found. */
export interface PlannedOptions extends Omit<CanonicalOptions, "memory" | "realloc" | "postReturn" | "callback"> {
  readonly memory: CoreItem | undefined;
  readonly realloc: CoreItem | undefined;
  readonly postReturn: CoreItem | undefined;
  readonly callback: CoreItem | undefined;
}

/** A function that an instance lifts out of its core code. */
export interface PlannedLift {
  readonly kind: "lift";
  /** The number of the instance. */
  readonly owner: number;
  readonly core: CoreItem;
  readonly options: PlannedOptions;
  readonly type: ComponentFunctionType;
  readonly resources: readonly number[];
  /** The name that it was first exported by. */
  name: string;
}

/** A component-level function: one that is lifted, or one that the root imports, by its number. */
export type PlannedFunction = PlannedLift | { readonly kind: "import"; readonly import: number };

/** What every step has that makes one core definition for an instance. */
interface Making {
  /** Its number among the core values. */
  readonly index: number;
  /** The number of the instance whose code gets it. */
  readonly owner: number;
}

/** A function of the host's as core code calls it. */
export interface LowerStep extends Making {
  readonly kind: "lower";
  readonly import: number;
  readonly options: PlannedOptions;
  readonly type: ComponentFunctionType;
  /** How many values core code calls it with. */
  readonly coreParams: number;
  readonly resources: readonly number[];
}

/** A function of another instance, or of the same, as core code calls it. */
export interface FuseStep extends Making {
  readonly kind: "fuse";
  readonly callee: PlannedLift;
  readonly options: PlannedOptions;
  readonly type: ComponentFunctionType;
  readonly resources: readonly number[];
  /** Numbers of the instances that the call enters (component model, Canonical ABI: `entering_set`). */
  readonly enters: readonly number[];
}

/** A built-in on one resource type. */
export interface ResourceStep extends Making {
  readonly kind: "resource-new" | "resource-drop" | "resource-rep";
  readonly resource: number;
}

/** Any other canonical built-in. */
export interface BuiltinStep extends Making {
  readonly kind: "builtin";
  readonly builtin: Builtin;
}

/** One instance of a core module. */
export interface InstantiateStep {
  readonly kind: "instantiate";
  /** Its number among the core instances. */
  readonly index: number;
  readonly owner: number;
  readonly module: number;
  readonly imports: readonly { readonly module: string; readonly name: string; readonly item: CoreItem }[];
}

/** One thing to do for an instance; what it needs was made by steps before it. */
export type Step = InstantiateStep | LowerStep | FuseStep | ResourceStep | BuiltinStep;

/** Something that the root exports. */
export type PlannedExport =
  | { readonly kind: "function"; readonly function: PlannedFunction; readonly type: ComponentFunctionType }
  | { readonly kind: "instance"; readonly exports: ReadonlyMap<string, PlannedExport> }
  /** A type; `resource` is the number of a resource type. */
  | { readonly kind: "type"; readonly resource: number | undefined }
  | { readonly kind: "value"; readonly type: ComponentValueType }
  /** What can be linked with other components, not called. */
  | { readonly kind: "module" | "component" };
