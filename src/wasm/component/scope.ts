import { limitDefinitions } from "../types.ts";
import type { FunctionType, MemoryType, TableType } from "../types.ts";
import type { ExternAttributes, Sort } from "./definitions.ts";
import { ExternNames } from "./extern-names.ts";
import { isNameable } from "./kinds.ts";
import type {
  ComponentFunctionType,
  ComponentType,
  ComponentValueType,
  CoreExtern,
  CoreModuleType,
  CoreTypeDefinition,
  DefinedType,
  ExternType,
  InstanceType,
} from "./types.ts";
import type { Validation } from "./validation.ts";
import { Visibility } from "./visibility.ts";

/** An entry of the space of types; `alias` says which name of a resource type it is. */
export interface TypeEntry {
  readonly type: DefinedType;
  readonly alias: symbol | undefined;
}

/** An entry of the space of values, each of which is used exactly once. */
export interface ValueEntry {
  readonly type: ComponentValueType;
  isUsed: boolean;
}

/** What a scope is: a component, or the body of a component type or instance type. */
export type ScopeKind = "component" | "component-type" | "instance-type";

/** The index spaces of a component, a component type or an instance type, and the names of its imports and exports. */
export class Scope {
  readonly kind: ScopeKind;
  readonly parent: Scope | undefined;
  readonly coreFunctions: FunctionType[] = [];
  readonly coreTables: TableType[] = [];
  readonly coreMemories: MemoryType[] = [];
  readonly coreGlobals: (CoreExtern & { readonly kind: "global" })[] = [];
  readonly coreTags: FunctionType[] = [];
  readonly coreTypes: CoreTypeDefinition[] = [];
  readonly coreModules: CoreModuleType[] = [];
  readonly coreInstances: ReadonlyMap<string, CoreExtern>[] = [];
  readonly functions: ComponentFunctionType[] = [];
  readonly values: ValueEntry[] = [];
  readonly types: TypeEntry[] = [];
  readonly components: ComponentType[] = [];
  readonly instances: InstanceType[] = [];
  readonly imports = new Map<string, ExternType>();
  readonly exports = new Map<string, ExternType>();
  /** The address width that the component's context slots have, once one was mentioned. */
  contextType: "i32" | "i64" | undefined;
  readonly #validation: Validation;
  readonly #importNames: ExternNames;
  readonly #exportNames: ExternNames;
  readonly #visibility: Visibility;

  constructor(kind: ScopeKind, parent: Scope | undefined, validation: Validation) {
    this.kind = kind;
    this.parent = parent;
    this.#validation = validation;
    this.#importNames = new ExternNames(validation);
    this.#exportNames = new ExternNames(validation);
    this.#visibility = new Visibility(validation);
  }

  /** Takes up an import or export after all checks of names, and pushes it on the space of its sort. */
  add(direction: "import" | "export", name: string, named: { attributes: ExternAttributes; extern: ExternType }): void {
    const { attributes, extern } = named;
    (direction === "import" ? this.#importNames : this.#exportNames).add(name, attributes, extern);
    if (this.kind !== "instance-type") this.#visibility.add(direction, extern);
    const externs = direction === "import" ? this.imports : this.exports;
    limitDefinitions(externs.size + 1, "imports or exports");
    externs.set(name, extern);
    this.push(extern);
  }

  /** Pushes what an import, export or alias stands for on the space of its sort. */
  push(extern: ExternType): void {
    switch (extern.kind) {
      case "core-module":
        return pushLimited(this.coreModules, extern.type);
      case "function":
        return pushLimited(this.functions, extern.type);
      case "value":
        return pushLimited(this.values, { type: extern.type, isUsed: false });
      case "instance":
        return pushLimited(this.instances, extern.type);
      case "component":
        return pushLimited(this.components, extern.type);
      case "type":
        return pushLimited(this.types, { type: extern.type, alias: extern.alias });
    }
  }

  /** Pushes what a core instance exports on the space of its sort. */
  pushCore(extern: CoreExtern): void {
    switch (extern.kind) {
      case "function":
        return pushLimited(this.coreFunctions, extern.type);
      case "table":
        return pushLimited(this.coreTables, extern.type);
      case "memory":
        return pushLimited(this.coreMemories, extern.type);
      case "global":
        return pushLimited(this.coreGlobals, extern);
      case "tag":
        return pushLimited(this.coreTags, extern.type);
    }
  }

  /** What stands at an index of a space, as an import or export has it; a value counts as used. */
  extern(sort: Sort, index: number): ExternType {
    const validation = this.#validation;
    switch (sort) {
      case "core-module":
        return { kind: "core-module", type: validation.item(this.coreModules, index, "core module") };
      case "function":
        return { kind: "function", type: validation.item(this.functions, index, "function") };
      case "value":
        return { kind: "value", type: this.useValue(index) };
      case "component":
        return { kind: "component", type: validation.item(this.components, index, "component") };
      case "instance":
        return { kind: "instance", type: validation.item(this.instances, index, "instance") };
      case "type": {
        const { type, alias } = validation.item(this.types, index, "type");
        return alias === undefined
          ? { kind: "type", type, isFresh: false }
          : { kind: "type", type, isFresh: false, alias };
      }
      case "core-function":
      case "core-global":
      case "core-instance":
      case "core-memory":
      case "core-table":
      case "core-tag":
      case "core-type":
        throw validation.invalid(`a ${sort} cannot be given away`);
    }
  }

  /** What stands at an index under a name of its own: a type that needs one becomes an object of its own. */
  named(sort: Sort, index: number): ExternType {
    const extern = this.extern(sort, index);
    return extern.kind === "type" ? nameType(extern) : extern;
  }

  /** What stands at an index of a core space. */
  coreExtern(sort: Sort, index: number): CoreExtern {
    const validation = this.#validation;
    switch (sort) {
      case "core-function":
        return { kind: "function", type: validation.item(this.coreFunctions, index, "core function") };
      case "core-table":
        return { kind: "table", type: validation.item(this.coreTables, index, "core table") };
      case "core-memory":
        return { kind: "memory", type: validation.item(this.coreMemories, index, "core memory") };
      case "core-global":
        return validation.item(this.coreGlobals, index, "core global");
      case "core-tag":
        return { kind: "tag", type: validation.item(this.coreTags, index, "core tag") };
      case "component":
      case "core-instance":
      case "core-module":
      case "core-type":
      case "function":
      case "instance":
      case "type":
      case "value":
        throw validation.invalid(`a core instance cannot export a ${sort}`);
    }
  }

  /** Takes the value at an index; a second time is refused. */
  useValue(index: number): ComponentValueType {
    const entry = this.#validation.item(this.values, index, "value");
    if (entry.isUsed) throw this.#validation.invalid(`value ${index} is used a second time`);
    entry.isUsed = true;
    return entry.type;
  }
}

/** The same `type` import or export with a name of its own. */
export function nameType(extern: ExternType & { readonly kind: "type" }): ExternType {
  const { type } = extern;
  if (type.kind === "resource") return { ...extern, alias: Symbol(type.name) };
  return isNameable(type) ? { ...extern, type: { ...type } } : extern;
}

/** Adds to an index space that engines bound in size. */
export function pushLimited<Item>(space: Item[], item: Item): void {
  limitDefinitions(space.length + 1, "definitions of one sort");
  space.push(item);
}
