import type { PrimitiveKind } from "../component-parts.ts";
import type { WitPlace } from "./source.ts";

/** A name where it is written. */
export interface NameNode {
  readonly text: string;
  readonly at: WitPlace;
}

/** What stands before an item. */
export interface AttributesNode {
  readonly docs: string | undefined;
  readonly since: string | undefined;
  readonly unstable: string | undefined;
  readonly deprecated: string | undefined;
  readonly externalId: string | undefined;
  readonly at: WitPlace;
}

/** A package's name where it is written; nested parts are joined. */
export interface PackageNode {
  readonly namespace: string;
  readonly name: string;
  readonly version: string | undefined;
  readonly at: WitPlace;
}

/** `name`, or `namespace:package/name@version`. */
export interface PathNode {
  readonly package: PackageNode | undefined;
  readonly name: NameNode;
}

/** One name out of another scope, perhaps under another name. */
export interface RenameNode {
  readonly name: NameNode;
  readonly as: NameNode;
}

/** A type, as it is written. */
export type TypeNode =
  | { readonly kind: PrimitiveKind; readonly at: WitPlace }
  | { readonly kind: "name" | "borrow"; readonly name: NameNode; readonly at: WitPlace }
  | { readonly kind: "list"; readonly element: TypeNode; readonly length: number | undefined; readonly at: WitPlace }
  | { readonly kind: "tuple"; readonly types: readonly TypeNode[]; readonly at: WitPlace }
  | { readonly kind: "option"; readonly type: TypeNode; readonly at: WitPlace }
  | {
      readonly kind: "result";
      readonly ok: TypeNode | undefined;
      readonly error: TypeNode | undefined;
      readonly at: WitPlace;
    }
  | { readonly kind: "map"; readonly key: TypeNode; readonly value: TypeNode; readonly at: WitPlace }
  | { readonly kind: "stream" | "future"; readonly element: TypeNode | undefined; readonly at: WitPlace };

/** A field, a parameter, a case, a flag. */
export interface MemberNode {
  readonly name: NameNode;
  readonly docs: string | undefined;
  readonly type: TypeNode | undefined;
}

/** A function's type. */
export interface FunctionTypeNode {
  readonly isAsync: boolean;
  readonly params: readonly MemberNode[];
  readonly result: TypeNode | undefined;
}

/** A function. */
export interface FunctionNode {
  readonly kind: "function";
  readonly attributes: AttributesNode;
  readonly name: NameNode;
  readonly role: "function" | "method" | "static" | "constructor";
  readonly type: FunctionTypeNode;
}

/** A type that gets a name. */
export interface TypedefNode {
  readonly kind: "typedef";
  readonly attributes: AttributesNode;
  readonly name: NameNode;
  readonly body:
    | { readonly kind: "record" | "variant" | "flags" | "enum"; readonly members: readonly MemberNode[] }
    | { readonly kind: "resource"; readonly functions: readonly FunctionNode[] }
    | { readonly kind: "alias"; readonly type: TypeNode };
}

/** `use path.{names};` */
export interface UseNode {
  readonly kind: "use";
  readonly attributes: AttributesNode;
  readonly path: PathNode;
  readonly names: readonly RenameNode[];
}

/** An item of an interface. */
export type InterfaceItemNode = UseNode | TypedefNode | FunctionNode;

/** An interface. */
export interface InterfaceNode {
  readonly kind: "interface";
  readonly attributes: AttributesNode;
  readonly name: NameNode;
  readonly items: readonly InterfaceItemNode[];
}

/** An import or export of a world. */
export interface ExternNode {
  readonly kind: "import" | "export";
  readonly attributes: AttributesNode;
  /** The plain name, if it has one. */
  readonly name: NameNode | undefined;
  readonly type:
    | { readonly kind: "function"; readonly type: FunctionTypeNode }
    | { readonly kind: "inline"; readonly items: readonly InterfaceItemNode[] }
    | { readonly kind: "path"; readonly path: PathNode };
}

/** `include path with { … }` */
export interface IncludeNode {
  readonly kind: "include";
  readonly attributes: AttributesNode;
  readonly path: PathNode;
  readonly names: readonly RenameNode[];
}

/** An item of a world. */
export type WorldItemNode = ExternNode | IncludeNode | UseNode | TypedefNode;

/** A world. */
export interface WorldNode {
  readonly kind: "world";
  readonly attributes: AttributesNode;
  readonly name: NameNode;
  readonly items: readonly WorldItemNode[];
}

/** `use path as name;` at the top of a file. */
export interface TopLevelUseNode {
  readonly kind: "top-level-use";
  readonly attributes: AttributesNode;
  readonly path: PathNode;
  readonly as: NameNode;
}

/** An item of a package. */
export type PackageItemNode = InterfaceNode | WorldNode | TopLevelUseNode;

/** What one file, or one block, has of a package. */
export interface PackagePartNode {
  readonly name: PackageNode | undefined;
  readonly docs: string | undefined;
  readonly items: readonly PackageItemNode[];
  /** The part of the text that it was read from. */
  readonly text: string;
  readonly at: WitPlace;
}

/** A file: its own part, and packages that are written out in it. */
export interface FileNode {
  readonly part: PackagePartNode;
  readonly nested: readonly PackagePartNode[];
}
