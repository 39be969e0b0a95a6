import type { PrimitiveKind } from "../component-parts.ts";

/** Gates of an item (WIT, Feature Gates): versions, and the name of a feature. */
export interface WitGate {
  readonly since?: string;
  readonly unstable?: string;
  readonly deprecated?: string;
}

/** What every item of WIT may have; the external id is kept for what a world or interface names for others. */
export interface WitItem {
  /** Its documentation, lines joined by newlines. */
  readonly docs: string | undefined;
  readonly gate: WitGate | undefined;
  readonly externalId: string | undefined;
}

/** A package's name; nested namespaces and packages are joined as they are written, by `:` and `/`. */
export interface WitPackageName {
  readonly namespace: string;
  readonly name: string;
  /** A semantic version. */
  readonly version: string | undefined;
}

/** A package with all names resolved. */
export interface WitPackage {
  readonly name: WitPackageName;
  readonly docs: string | undefined;
  readonly interfaces: ReadonlyMap<string, WitInterface>;
  readonly worlds: ReadonlyMap<string, WitWorld>;
}

/** A package and all that it refers to. */
export interface WitResolution {
  readonly root: WitPackage;
  /** Every package, the root among them. */
  readonly packages: readonly WitPackage[];
}

/** An interface; `name` and `package` are undefined for one that stands inline in a world. */
export interface WitInterface extends WitItem {
  readonly kind: "interface";
  readonly name: string | undefined;
  readonly package: WitPackageName | undefined;
  /** Types that are used first, then the others, each behind those that it refers to. */
  readonly types: ReadonlyMap<string, WitTypeDefinition>;
  readonly functions: ReadonlyMap<string, WitFunction>;
}

/** A world with every `include` and every import that follows from a `use` written out. */
export interface WitWorld extends WitItem {
  readonly kind: "world";
  readonly name: string;
  readonly package: WitPackageName;
  /** By interface name, such as `wasi:io/streams@0.2.0`, or plain name. */
  readonly imports: ReadonlyMap<string, WitWorldItem>;
  readonly exports: ReadonlyMap<string, WitWorldItem>;
}

/** What a world imports or exports; types are imports alone. */
export type WitWorldItem = WitWorldInterface | WitFunction | WitTypeDefinition;

/** An interface that a world imports or exports; under a plain name, it is inline or implemented. */
export interface WitWorldInterface extends WitItem {
  readonly kind: "instance";
  readonly interface: WitInterface;
}

/** A type by its name. */
export interface WitTypeDefinition extends WitItem {
  readonly kind: "type";
  readonly name: string;
  readonly owner: WitInterface | WitWorld;
  readonly body: WitTypeBody;
}

/** A field of a record, a parameter, a case, a flag: a name with documentation. */
export interface WitMember {
  readonly name: string;
  readonly docs: string | undefined;
}

/** A field of a record. */
export interface WitField extends WitMember {
  readonly type: WitType;
}

/** A case of a variant; `type` is what it carries, if anything. */
export interface WitCase extends WitMember {
  readonly type: WitType | undefined;
}

/** What a type's name stands for. */
export type WitTypeBody =
  | { readonly kind: "record"; readonly fields: readonly WitField[] }
  | { readonly kind: "variant"; readonly cases: readonly WitCase[] }
  | { readonly kind: "flags" | "enum"; readonly members: readonly WitMember[] }
  | { readonly kind: "resource"; readonly functions: readonly WitFunction[] }
  | { readonly kind: "alias"; readonly type: WitType }
  /** A type of another interface, which `use` brings in. */
  | { readonly kind: "use"; readonly target: WitTypeDefinition };

/** A type where it is used. The name of a resource stands for a handle that owns it. */
export type WitType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: "named"; readonly definition: WitTypeDefinition }
  | { readonly kind: "borrow"; readonly definition: WitTypeDefinition }
  | { readonly kind: "list"; readonly element: WitType; readonly length: number | undefined }
  | { readonly kind: "tuple"; readonly types: readonly WitType[] }
  | { readonly kind: "option"; readonly type: WitType }
  | { readonly kind: "result"; readonly ok: WitType | undefined; readonly error: WitType | undefined }
  | { readonly kind: "map"; readonly key: WitType; readonly value: WitType }
  | { readonly kind: "stream" | "future"; readonly element: WitType | undefined };

/** A parameter of a function. */
export interface WitParameter {
  readonly name: string;
  readonly type: WitType;
}

/**
 * A function. A method's `params` lack `self`; a constructor's name is `constructor`, and its `result` is set only where
 * it may fail.
 */
export interface WitFunction extends WitItem {
  readonly kind: "function";
  readonly name: string;
  readonly role: "function" | "method" | "static" | "constructor";
  readonly isAsync: boolean;
  readonly params: readonly WitParameter[];
  readonly result: WitType | undefined;
}

/** Lets a part of the model be filled in after others refer to it. */
export type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

/** An item without documentation, gates and external id. */
export const bareItem: WitItem = { docs: undefined, gate: undefined, externalId: undefined };

/** `namespace:name@version`. */
export function packageText({ namespace, name, version }: WitPackageName): string {
  return `${namespace}:${name}${version === undefined ? "" : `@${version}`}`;
}

/** The name that an interface or world of a package has for components, such as `wasi:io/streams@0.2.0`. */
export function qualifiedName({ namespace, name, version }: WitPackageName, item: string): string {
  return `${namespace}:${name}/${item}${version === undefined ? "" : `@${version}`}`;
}

/** The name under which a world imports or exports a named interface. */
export function interfaceName({ name, package: owner }: WitInterface): string | undefined {
  return name === undefined || owner === undefined ? undefined : qualifiedName(owner, name);
}

/** The name under which a component has a function: `[method]file.read` of the method `read` of the resource `file`. */
export function functionName({ name, role }: WitFunction, resource: string | undefined): string {
  if (role === "function" || resource === undefined) return name;
  return role === "constructor" ? `[constructor]${resource}` : `[${role}]${resource}.${name}`;
}

/** The definition behind every `use` and every alias to a name. */
export function underlying(definition: WitTypeDefinition): WitTypeDefinition {
  let current = definition;
  for (;;) {
    const { body } = current;
    if (body.kind === "use") current = body.target;
    else if (body.kind === "alias" && body.type.kind === "named") current = body.type.definition;
    else return current;
  }
}

/** A type without the aliases that stand for it; structures and resources keep their names. */
export function resolveAlias(type: WitType): WitType {
  if (type.kind !== "named") return type;
  const { body } = underlying(type.definition);
  return body.kind === "alias" ? body.type : type;
}

/** Whether a definition is a resource, by whatever names. */
export function isResource(definition: WitTypeDefinition): boolean {
  return underlying(definition).body.kind === "resource";
}

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

/** Whether a word is the name of a type that consists of nothing else. */
export function isPrimitiveKind(word: string): word is PrimitiveKind {
  return primitiveKinds.has(word);
}

/** Whether a type, here or in the tree of the grammar, consists of nothing else. */
export function isPrimitive<Type extends { readonly kind: string }>(
  type: Type,
): type is Extract<Type, { readonly kind: PrimitiveKind }> {
  return isPrimitiveKind(type.kind);
}

/** All words of types that consist of nothing else. */
export const primitiveWords: Iterable<string> = primitiveKinds;

/** The types that a type is directly made of. */
export function partsOf(type: WitType): readonly WitType[] {
  if (isPrimitive(type)) return [];
  switch (type.kind) {
    case "list":
      return [type.element];
    case "tuple":
      return type.types;
    case "option":
      return [type.type];
    case "result":
      return [type.ok, type.error].filter((each) => each !== undefined);
    case "map":
      return [type.key, type.value];
    case "stream":
    case "future":
      return type.element === undefined ? [] : [type.element];
    case "named":
    case "borrow":
      return [];
  }
}

/** The types that a definition's body is directly made of. */
export function bodyParts(body: WitTypeBody): readonly WitType[] {
  switch (body.kind) {
    case "record":
      return body.fields.map(({ type }) => type);
    case "variant":
      return body.cases.flatMap(({ type }) => (type === undefined ? [] : [type]));
    case "alias":
      return [body.type];
    case "use":
      return [{ kind: "named", definition: body.target }];
    case "flags":
    case "enum":
    case "resource":
      return [];
  }
}

/** The functions of an interface or world's side, those of resources among them, by the names that components use. */
export function* allFunctions(
  types: Iterable<WitTypeDefinition>,
  functions: Iterable<WitFunction>,
): Generator<{
  readonly name: string;
  readonly function: WitFunction;
  readonly resource: WitTypeDefinition | undefined;
}> {
  for (const resource of types) {
    if (resource.body.kind !== "resource") continue;
    for (const each of resource.body.functions)
      yield { name: functionName(each, resource.name), function: each, resource };
  }
  for (const each of functions) yield { name: each.name, function: each, resource: undefined };
}
