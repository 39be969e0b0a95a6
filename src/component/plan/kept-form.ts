import type { Builtin, ComponentValueType } from "../../wasm/component/index.ts";
import type { PlannedOptions } from "./link-plan.ts";

/** A core item: a value's number, or the number of a core instance and a name; null for none. */
export type KeptItem = number | readonly [instance: number, name: string] | null;
/** A planned export. */
export type KeptExport =
  | readonly [kind: "function", name: string, lift: number, imported: number]
  | readonly [kind: "instance", name: string, exports: readonly KeptExport[]]
  | readonly [kind: "type", name: string, resource: number | null]
  | readonly [kind: "module" | "component", name: string];
/** A step. */
export type KeptStep =
  | readonly ["instantiate", index: number, owner: number, module: number, imports: readonly KeptImports[]]
  | readonly ["lower", ...CallNumbers, imported: number, coreParams: number]
  | readonly ["fuse", ...CallNumbers, callee: number, enters: readonly number[]]
  | readonly ["resource-new" | "resource-drop" | "resource-rep", index: number, owner: number, resource: number]
  | readonly ["builtin", index: number, owner: number, builtin: Builtin];
/** What a step has that makes a function. */
export type CallNumbers = readonly [
  index: number,
  owner: number,
  options: number,
  type: number,
  resources: readonly number[],
];
/** What a core module imports from one name, one after the other. */
export type KeptImports = readonly [module: string, names: readonly string[], items: readonly KeptItem[]];

/** A plan as data of JSON. */
export interface KeptPlan {
  /** The name of the root is left out where it is that of the plan, which the reader gives. */
  readonly instances: readonly [parent: number, name: string | null, isFused: boolean, usesContext: boolean][];
  readonly resources: readonly [name: string, owner: number, destructor: KeptItem, path: number][];
  /** Where in the component's bytes they are. */
  readonly modules: readonly [offset: number, length: number, name: string][];
  readonly imports: readonly [path: number, name: string, type: number, resources: readonly number[]][];
  readonly paths: readonly (readonly string[])[];
  readonly types: readonly string[];
  readonly options: readonly [
    Omit<PlannedOptions, "memory" | "realloc" | "postReturn" | "callback">,
    ...items: readonly KeptItem[],
  ][];
  readonly lifts: readonly [
    owner: number,
    core: KeptItem,
    options: number,
    type: number,
    resources: readonly number[],
    name: string,
  ][];
  readonly steps: readonly KeptStep[];
  readonly coreInstances: number;
  readonly coreValues: number;
  readonly exports: readonly KeptExport[];
}

type Kind = ComponentValueType["kind"];

/**
 * A value type as data of JSON: its kind, the names of its parts or how it is called, and the numbers of the nodes that it is made
 * of; -1 stands for none. What is nothing but a kind is that alone.
 */
export type KeptNode = Kind | readonly [kind: Kind, names: readonly string[] | number | null, ...parts: number[]];

/** A function type: parts that it mentions twice stand in it once, so that it is as long as what it was written from. */
export interface KeptType {
  readonly nodes: readonly KeptNode[];
  readonly params: readonly (readonly [name: string, node: number])[];
  readonly result: number;
  readonly isAsync: boolean;
  readonly resources: readonly (readonly [
    name: string | null,
    definition: readonly [representation: "i32" | "i64", destructor: number | null] | null,
  ])[];
}
