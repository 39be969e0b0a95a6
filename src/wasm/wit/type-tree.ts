import { type ExternAttributes, type ComponentType, type ExternType } from "../component-parts.ts";

/** A component's type, and what WIT needs besides the validator: which name stands for which, and names' attributes. */
export interface TypeTree {
  readonly type: ComponentType;
  /**
   * Whether each name has an object of its own, in types that refer to it too. Where it does not, resources and structures
   * are told by what they share with others, and aliases of what has no name by nothing.
   */
  readonly isExact: boolean;
  /** The object that another one is a name of. */
  readonly originOf: (named: object) => object | undefined;
  /** What stands beside the name of an import or export. */
  readonly attributesOf: (extern: ExternType) => ExternAttributes | undefined;
}
