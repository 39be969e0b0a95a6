import type {
  ComponentDefinition,
  ComponentExternType as ExternType,
  ResourceType,
  Sort,
} from "../../wasm/component/index.ts";
import type { CoreItem, PlannedFunction } from "./link-plan.ts";

/** A definition of a component as the plan knows it. */
export type Item =
  | { readonly kind: "function"; readonly function: PlannedFunction }
  | { readonly kind: "instance"; readonly exports: ReadonlyMap<string, Item> }
  | { readonly kind: "type"; readonly resource: number | undefined }
  | { readonly kind: "component"; readonly component: ComponentDefinition; readonly frame: Frame }
  | { readonly kind: "core-module"; readonly module: number }
  | { readonly kind: "core-instance"; readonly get: (name: string) => CoreItem }
  | { readonly kind: "core-type" }
  | { readonly kind: "core"; readonly item: CoreItem };

/** One instance of a component while its definitions are gone through. */
export interface Frame {
  /** The number of the instance. */
  readonly instance: number;
  readonly parent: Frame | undefined;
  readonly spaces: Readonly<Record<Sort, Item[]>>;
  /** Which resource types of the plan its definitions mean. */
  readonly resources: Map<ResourceType, number>;
}

/** A frame whose index spaces are empty. */
export function makeFrame(instance: number, parent: Frame | undefined): Frame {
  return {
    instance,
    parent,
    resources: new Map(),
    spaces: {
      "core-function": [],
      "core-table": [],
      "core-memory": [],
      "core-global": [],
      "core-tag": [],
      "core-type": [],
      "core-module": [],
      "core-instance": [],
      function: [],
      value: [],
      type: [],
      component: [],
      instance: [],
    },
  };
}

/** The entry of an index space, of the kind that its sort has. The validator has seen that it is there. */
export function itemAt<K extends Item["kind"]>(
  frame: Frame,
  { sort, index }: { readonly sort: Sort; readonly index: number },
  kind: K,
): Extract<Item, { readonly kind: K }> {
  const item = frame.spaces[sort][index];
  if (item?.kind !== kind) throw new TypeError(`A validated component has no ${sort} ${index} that is a ${kind}`);
  return item as Extract<Item, { readonly kind: K }>;
}

/**
 * Says which resource types the resource types in a type mean, by walking the type beside what it is the type of. Answers how
 * many parts it has walked.
 */
export function bindResources(resources: Map<ResourceType, number>, type: ExternType, item: Item | undefined): number {
  let walked = 1;
  if (item === undefined) return walked;
  if (type.kind === "type" && item.kind === "type") {
    if (type.type.kind === "resource" && item.resource !== undefined) resources.set(type.type, item.resource);
  } else if (type.kind === "instance" && item.kind === "instance") {
    for (const [name, each] of type.type.exports) walked += bindResources(resources, each, item.exports.get(name));
  }
  return walked;
}
