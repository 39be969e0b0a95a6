import { SampanError } from "../../base/index.ts";
import { type ComponentFunctionType, matchName } from "../../wasm/component/index.ts";
import { camelCase } from "../canonical/names.ts";
import { functionName, pascalCase, sameName } from "../names.ts";
import type { LinkPlan, PlannedExport, PlannedFunction, PlannedLift } from "../plan/link-plan.ts";
import type { Embedding } from "./embedding.ts";
import { GuestResource, type GuestResourceClass } from "./guest-resource.ts";
import { type HostFunction, readFunctionName } from "./host-functions.ts";

/** What an instance exports: functions, classes of resources, and by the names of interfaces objects of such. */
export type ComponentExports = Readonly<Record<string, unknown>>;

/** A function that an instance exports. */
export type ExportedFunction = (...args: readonly unknown[]) => unknown;

/** What stands between a function that a component exports and a program that calls it. */
export type AdaptExport = (
  of: { readonly type: ComponentFunctionType; readonly resources: readonly number[] },
  call: ExportedFunction,
) => ExportedFunction;

type Exported = ReadonlyMap<string, PlannedExport>;
type FunctionExport = Extract<PlannedExport, { readonly kind: "function" }>;

/** What exports are made of: the store of an instance, here or elsewhere. */
export interface ExportSource {
  readonly plan: LinkPlan;
  readonly embedding: Pick<Embedding, "mode" | "call" | "begin" | "finish" | "failed">;
  readonly resources: { classOf(resource: number): GuestResourceClass };
  ownerOf(resource: number): number | undefined;
  resourceOf(resource: number): { readonly name: string };
  lifted(lift: PlannedLift): (...args: unknown[]) => unknown;
}

/** Makes the JavaScript side of what a component exports. Interfaces are made when they are first looked at. */
export class ExportMaker {
  readonly #store: ExportSource;
  readonly #hosts: readonly HostFunction[];
  readonly #adapt: AdaptExport | undefined;
  readonly #made = new Map<PlannedExport, unknown>();
  readonly #callables = new Map<FunctionExport, ExportedFunction>();

  /** `adapt` answers what programs call in place of a function. */
  constructor(store: ExportSource, hosts: readonly HostFunction[], adapt?: AdaptExport) {
    this.#store = store;
    this.#hosts = hosts;
    this.#adapt = adapt;
  }

  /** All exports; interfaces also under their names without a version, and in camel case where that says which is meant. */
  all(): ComponentExports {
    const { plan } = this.#store;
    const exports = this.#members(plan.exports);
    for (const [alias, name] of interfaceAliases(plan)) {
      const planned = plan.exports.get(name);
      if (planned !== undefined && !Object.hasOwn(exports, alias))
        new Names().put(exports, { property: alias, name, get: () => this.#value(planned, name) });
    }
    return exports;
  }

  /** The function of an export, as it is given out. */
  function(planned: FunctionExport): ExportedFunction {
    const known = this.#made.get(planned);
    if (known !== undefined) return known as ExportedFunction;
    const callable = this.callable(planned);
    const isAsync = this.#store.embedding.mode === "async" && planned.function.kind === "lift";
    const made = isAsync ? markAsync(callable) : callable;
    this.#made.set(planned, made);
    return made;
  }

  /** The function of an export for who calls it and gives it to nobody: nothing can be seen on it. */
  callable(planned: FunctionExport): ExportedFunction {
    let callable = this.#callables.get(planned);
    if (callable === undefined) this.#callables.set(planned, (callable = this.#adapted(planned)));
    return callable;
  }

  /** The class of a resource type of the guest's, with what the exports have for it. */
  classOf(resource: number): GuestResourceClass {
    const found = siblingsOf(this.#store.plan.exports, resource);
    const name = found?.name ?? this.#store.resourceOf(resource).name;
    const members = [...(found?.siblings ?? [])].flatMap(([each, planned]) => {
      const { kind, resource: of, name: member } = readFunctionName(each);
      return planned.kind === "function" && kind !== "function" && of === name ? [{ kind, member, planned }] : [];
    });
    const made = makeClass(
      pascalCase(name),
      members.find(({ kind }) => kind === "constructor") && this.#construct(members),
    );
    const isAsync = this.#store.embedding.mode === "async";
    const [methods, statics] = [new Names(), new Names()];
    for (const { kind, member, planned } of members) {
      const call = this.function(planned);
      if (kind === "method") {
        const method = function (this: unknown, ...args: readonly unknown[]): unknown {
          return call(this, ...args);
        };
        const value = isAsync ? markAsync(method) : method;
        methods.put(made.prototype, { property: functionName(member), name: member, value });
      } else if (kind === "static") {
        statics.put(made, { property: staticName(member), name: member, value: call });
      }
    }
    return isAsync ? markAsync(made) : made;
  }

  #construct(
    members: readonly { readonly kind: string; readonly planned: FunctionExport }[],
  ): ExportedFunction | undefined {
    const found = members.find(({ kind }) => kind === "constructor");
    return found === undefined ? undefined : this.function(found.planned);
  }

  #adapted({ function: planned, type }: FunctionExport): ExportedFunction {
    const found = planned.kind === "import" ? this.#store.plan.imports[planned.import] : planned;
    const bound = this.#bound(planned);
    return found === undefined ? bound : (this.#adapt?.({ type, resources: found.resources }, bound) ?? bound);
  }

  #bound(planned: PlannedFunction): ExportedFunction {
    if (planned.kind === "import") {
      const host = this.#hosts[planned.import];
      if (host === undefined) throw new TypeError("A plan exports an import that it does not have");
      return host.call as ExportedFunction;
    }
    const { embedding } = this.#store;
    const { name } = planned;
    let lifted: ((...args: unknown[]) => unknown) | undefined;
    const first = (): ((...args: unknown[]) => unknown) => (lifted = this.#store.lifted(planned));
    if (embedding.mode === "async") {
      const run: ExportedFunction = (...args) => (lifted ?? first())(...args);
      return (...args) => embedding.call(name, run, args);
    }
    return (...args) => {
      embedding.begin(name);
      let value: unknown;
      try {
        value = (lifted ?? first())(...args);
      } catch (error) {
        throw embedding.failed(error);
      }
      embedding.finish();
      return value;
    };
  }

  #members(exported: Exported): Record<string, unknown> {
    const members: Record<string, unknown> = {};
    const names = new Names();
    for (const [name, planned] of exported) {
      const { kind, name: function_ } = readFunctionName(name);
      if (planned.kind === "function" && kind !== "function") continue;
      const property =
        planned.kind === "function"
          ? functionName(function_)
          : planned.kind === "instance"
            ? name
            : planned.kind === "type" && planned.resource !== undefined
              ? pascalCase(name)
              : undefined;
      if (property !== undefined) names.put(members, { property, name, get: () => this.#value(planned, name) });
    }
    return members;
  }

  #value(planned: PlannedExport, name: string): unknown {
    if (planned.kind === "function") return this.function(planned);
    if (planned.kind === "type") {
      if (planned.resource === undefined || this.#store.ownerOf(planned.resource) === undefined) return undefined;
      return this.#store.resources.classOf(planned.resource);
    }
    if (planned.kind !== "instance") throw new TypeError(`"${name}" is nothing that JavaScript can have`);
    let made = this.#made.get(planned);
    if (made === undefined) this.#made.set(planned, (made = this.#members(planned.exports)));
    return made;
  }
}

/** A property of what is made for a program: a function, or what is made when it is first looked at. */
type Property = { readonly property: string; readonly name: string } & (
  | { readonly value: ExportedFunction }
  | { readonly get: () => unknown }
);

/** The names of one object's properties: one that two names of WIT's come to is an error to whoever looks at it. */
class Names {
  readonly #names = new Map<string, string>();

  put(to: object, { property, name, ...made }: Property): void {
    const other = this.#names.get(property);
    this.#names.set(property, name);
    if (other !== undefined) {
      const get = (): never => {
        throw sameName(other, name);
      };
      Object.defineProperty(to, property, { enumerable: true, configurable: true, get });
    } else if ("get" in made) Object.defineProperty(to, property, { enumerable: true, configurable: true, ...made });
    else Object.defineProperty(to, property, { writable: true, configurable: true, ...made });
  }
}

/** Lets a function of an instance that is bound async be seen as one that answers promises, where it is given to another component. */
function markAsync<T extends object>(function_: T): T {
  return Object.defineProperty(function_, Symbol.toStringTag, { value: "AsyncFunction", configurable: true });
}

/** A static function's property: a class cannot have `prototype` anew. */
function staticName(member: string): string {
  return member === "prototype" ? "prototype_" : functionName(member);
}

/** A class whose constructor calls the guest's, where it has one. */
function makeClass(name: string, construct: ExportedFunction | undefined): GuestResourceClass {
  const made = class extends GuestResource {
    constructor(...args: readonly unknown[]) {
      super();
      if (construct === undefined) {
        const message = `Cannot make a "${name}": the component exports no constructor of it`;
        throw new SampanError("GUEST_EXPORT_MISSING", message);
      }
      // The lifted handle is behind an object of this class already; in async mode it is a promise of one.
      return construct(...args) as GuestResource;
    }
  };
  Object.defineProperty(made, "name", { value: name });
  return made;
}

/** What stands beside the export of a resource type, and the type's name there. */
function siblingsOf(exported: Exported, resource: number): { name: string; siblings: Exported } | undefined {
  for (const [name, each] of exported) {
    if (each.kind === "type" && each.resource === resource) return { name, siblings: exported };
    const inner = each.kind === "instance" ? siblingsOf(each.exports, resource) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Shorter names of the interfaces that a component exports, where they say which one is meant. */
function interfaceAliases({ exports }: LinkPlan): Map<string, string> {
  const named = [...exports]
    .filter(([name, { kind }]) => kind === "instance" && name.includes(":"))
    .map(([name]) => name);
  const aliases = new Map<string, string | undefined>();
  const add = (alias: string, name: string): void => {
    aliases.set(alias, aliases.has(alias) && aliases.get(alias) !== name ? undefined : name);
  };
  for (const name of named) {
    const [unversioned = name] = name.split("@");
    if (unversioned !== name) add(unversioned, name);
    add(camelCase(unversioned.slice(unversioned.indexOf("/") + 1)), name);
  }
  const sure = [...aliases].filter((each): each is [string, string] => each[1] !== undefined);
  return new Map(sure);
}

/**
 * Finds an exported function by `interface#function` or `function`, names as in WIT; an interface's version may be left out, or be
 * another compatible one.
 */
export function findFunction(plan: LinkPlan, wanted: string): FunctionExport | undefined {
  const [before = "", after] = wanted.split("#");
  const top = plan.exports.get(before);
  if (after === undefined) return top?.kind === "function" ? top : undefined;
  const alias = interfaceAliases(plan).get(before) ?? matchName(before, [...plan.exports.keys()]);
  const found = top ?? (alias === undefined ? undefined : plan.exports.get(alias));
  const inner = found?.kind === "instance" ? found.exports.get(after) : undefined;
  return inner?.kind === "function" ? inner : undefined;
}

/** Names of the functions that a component exports, as {@link findFunction} takes them. */
export function functionNames({ exports }: LinkPlan): string[] {
  return [...exports].flatMap(([name, planned]) => {
    if (planned.kind === "function") return [name];
    if (planned.kind !== "instance") return [];
    return [...planned.exports].flatMap(([each, { kind }]) => (kind === "function" ? [`${name}#${each}`] : []));
  });
}
