import { SampanError } from "../../base/index.ts";
import { type ComponentFunctionType, matchName, printType } from "../../wasm/component/index.ts";
import { functionName, pascalCase } from "../names.ts";
import type { LinkPlan, PlannedImport } from "../plan/link-plan.ts";

/** A function of the host's that components import. */
export interface HostFunction {
  /** Takes and answers JavaScript values; what it throws ends the guest, but for a `ComponentError`. */
  readonly call: (...args: never[]) => unknown;
  /** Whether it may answer a promise, for which the guest is suspended. */
  readonly mayWait?: boolean | undefined;
  /** Whether lists of bytes are handed to it as views of the guest's memory: good until it returns, in which the guest does not run. */
  readonly takesViews?: boolean | undefined;
  /** Whether it is a program's and not of WASI: its streams and errors are those that programs have. */
  readonly isGiven?: boolean | undefined;
}

/** What is called with a resource of the host's that a guest drops. */
export interface HostDrop {
  (value: unknown): unknown;
  /** The same in an instance that is bound async: the guest is suspended for the promise that this answers. */
  readonly later?: ((value: unknown) => unknown) | undefined;
}

/**
 * Says what the host has under an interface's name, undefined for functions that the world imports by themselves. Names are as in
 * WIT: `[method]descriptor.read`; `[resource-drop]descriptor` is asked for where the guest may drop such a resource.
 */
export type HostProvider = (
  interfaceName: string | undefined,
  functionName: string,
  type: ComponentFunctionType | undefined,
) => HostFunction | undefined;

/** What a caller gives a component: functions, and by the names of interfaces objects of functions and classes. */
export type ComponentImports = Readonly<Record<string, unknown>>;

type AnyFunction = (...args: never[]) => unknown;

/** A name of a function of an interface (component model, Explainer: Import and Export Definitions). */
interface FunctionName {
  readonly kind: "function" | "constructor" | "method" | "static";
  readonly resource: string;
  readonly name: string;
}

/** Takes `[method]resource.name` and the like apart. */
export function readFunctionName(name: string): FunctionName {
  const match = /^\[(?:async )?(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name);
  if (match === null) return { kind: "function", resource: "", name: name.replace(/^\[async\]/, "") };
  const [, kind, resource = "", rest = ""] = match;
  return { kind: kind as FunctionName["kind"], resource, name: rest };
}

/** What {@link findHostFunctions} found. */
export interface FoundFunctions {
  /** One for each import of the plan, in its order. */
  readonly functions: readonly HostFunction[];
  /** Whether one of them waits, as far as can be seen: one that is said to, or an async function of the caller's. */
  readonly mayWait: boolean;
}

interface GivenFunction extends HostFunction {
  readonly isAsync?: boolean;
}

/**
 * Finds a function for each import of a plan, in its order.
 *
 * @throws COMPONENT_IMPORT_MISSING naming each that nobody provides, with its type
 */
export function findHostFunctions(
  plan: LinkPlan,
  imports: ComponentImports,
  provider: HostProvider | undefined,
): FoundFunctions {
  const missing: PlannedImport[] = [];
  const functions: HostFunction[] = [];
  let mayWait = false;
  let path: readonly string[] | undefined;
  let within: object | undefined;
  for (const wanted of plan.imports) {
    // Functions of one instance have one path, and come one after the other.
    if (wanted.path !== path) within = instanceAt(imports, (path = wanted.path));
    const given = givenFor(within, wanted);
    const found = given ?? provider?.(wanted.path[0], wanted.name, wanted.type);
    if (found === undefined) {
      missing.push(wanted);
      continue;
    }
    functions.push(found);
    mayWait ||= given === undefined ? found.mayWait === true : given.isAsync === true;
  }
  if (missing.length > 0) throw importsMissing(plan.name, missing);
  return { functions, mayWait };
}

const dropPrefix = "[resource-drop]";

/** What is to be called when a guest drops a resource of the host's; undefined where nothing is. */
export function findDrop(
  { path, name }: { readonly path: readonly string[]; readonly name: string },
  provider: HostProvider | undefined,
): HostDrop | undefined {
  const given = provider?.(path[0], `${dropPrefix}${name}`, undefined);
  if (given !== undefined) return given.call as (value: unknown) => void;
  return disposeOf;
}

/** Whether what a provider is asked for is the drop of a resource whose class a caller gives: then that is the caller's, too. */
export function dropsGiven(
  imports: ComponentImports,
  interfaceName: string | undefined,
  functionName: string,
): boolean {
  if (!functionName.startsWith(dropPrefix)) return false;
  const resource = functionName.slice(dropPrefix.length);
  const within = instanceAt(imports, interfaceName === undefined ? [] : [interfaceName]);
  return within !== undefined && typeof namedIn(within, pascalCase(resource)) === "function";
}

const disposeOf: HostDrop = Object.assign(disposeNow, { later: disposeLater });

function disposeNow(value: unknown): void {
  if (typeof value !== "object" || value === null || !(Symbol.dispose in value)) return;
  if (typeof value[Symbol.dispose] === "function") (value as Disposable)[Symbol.dispose]();
}

function disposeLater(value: unknown): unknown {
  const isAsync = typeof value === "object" && value !== null && Symbol.asyncDispose in value;
  if (!isAsync || typeof value[Symbol.asyncDispose] !== "function") return disposeNow(value);
  return (value as AsyncDisposable)[Symbol.asyncDispose]();
}

/** What a caller's imports have under the names of instances, from the outside in. */
function instanceAt(imports: ComponentImports, path: readonly string[]): object | undefined {
  let within: object = imports;
  for (const each of path) {
    const inner = namedIn(within, each);
    if (typeof inner !== "object" || inner === null) return undefined;
    within = inner;
  }
  return within;
}

/** What an instance of the caller's has for one import of a component's. */
function givenFor(within: object | undefined, { path, name }: PlannedImport): GivenFunction | undefined {
  if (within === undefined) return undefined;
  const { kind, resource, name: function_ } = readFunctionName(name);
  if (kind === "function") {
    const given = functionIn(within, path, name) ?? functionIn(within, path, functionName(function_));
    if (typeof given !== "function") return undefined;
    const call = (path.length === 0 ? given : given.bind(within)) as AnyFunction;
    return { call, mayWait: true, isAsync: isAsyncFunction(given), isGiven: true };
  }
  const itsClass = namedIn(within, pascalCase(resource));
  return typeof itsClass === "function"
    ? givenByClass(itsClass as ResourceClass, { kind, name: function_ })
    : undefined;
}

/** What stands under a function's name: one of the world's may stand in a module, under `default`, as the JavaScript component tools have it. */
function functionIn(within: object, path: readonly string[], name: string): unknown {
  const found = namedIn(within, name);
  const isModule = path.length === 0 && typeof found === "object" && found !== null && Object.hasOwn(found, "default");
  return isModule ? (found as { readonly default: unknown }).default : found;
}

type ResourceClass = new (...args: unknown[]) => object;

function givenByClass(
  itsClass: ResourceClass,
  { kind, name }: Omit<FunctionName, "resource">,
): GivenFunction | undefined {
  const property = functionName(name);
  if (kind === "constructor")
    return {
      call: (...args) => new itsClass(...args),
      mayWait: true,
      isAsync: isAsyncFunction(itsClass),
      isGiven: true,
    };
  if (kind === "static") {
    const given = memberOf(itsClass, property);
    if (given === undefined) return undefined;
    return { call: given.bind(itsClass) as AnyFunction, mayWait: true, isAsync: isAsyncFunction(given), isGiven: true };
  }
  const { prototype } = itsClass as { readonly prototype: object };
  const given = memberOf(prototype, property);
  if (given === undefined) return undefined;
  const call = isCommon(property)
    ? (self: object, ...args: never[]): unknown => memberOf(self, property)?.apply(self, args)
    : (self: Record<string, AnyFunction>, ...args: never[]): unknown => self[property]?.(...args);
  return { call: call as AnyFunction, mayWait: true, isAsync: isAsyncFunction(given), isGiven: true };
}

/** Whether every object or every function has something under a name. */
function isCommon(property: string): boolean {
  return property in Function.prototype;
}

/**
 * A function that somebody wrote for an object, a class or one above it. What all objects and functions have is none: a guest that
 * asked for the static function `constructor` would get the one that makes functions from text.
 */
function memberOf(of: object, property: string): AnyFunction | undefined {
  if (property === "constructor") return undefined;
  let each: object | null = of;
  for (; each !== null && each !== Object.prototype && each !== Function.prototype; each = prototypeOf(each)) {
    if (!Object.hasOwn(each, property)) continue;
    const found = (of as Readonly<Record<string, unknown>>)[property];
    return typeof found === "function" ? (found as AnyFunction) : undefined;
  }
  return undefined;
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function isAsyncFunction(value: unknown): boolean {
  return Object.prototype.toString.call(value) === "[object AsyncFunction]";
}

/** The property of a name, or of another version of it that stands for it (component model, Explainer: `canonversion`). */
function namedIn(within: object, name: string): unknown {
  const values = within as Readonly<Record<string, unknown>>;
  // What every object has is nothing that was given.
  if (name in within && !(name in Object.prototype && !Object.hasOwn(within, name))) return values[name];
  if (!name.includes(":")) return undefined;
  const names = Object.keys(within);
  if (names.length === 0) return undefined;
  const match = matchName(name, names);
  if (match !== undefined) return values[match];
  const [unversioned = ""] = name.split("@");
  return Object.hasOwn(within, unversioned) ? values[unversioned] : undefined;
}

/** Why a component cannot be instantiated: all that it lacks, and the types where that is little. */
function importsMissing(name: string, missing: readonly PlannedImport[]): SampanError {
  const nameOf = ({ path, name: each }: PlannedImport): string => [...path, each].join("#");
  const typed = missing.map((each) => `${nameOf(each)}: ${printType(each.type)}`);
  const message = `Cannot run "${name}": nobody provides its import ${missing.length > 3 ? grouped(missing) : typed.join(", ")}`;
  return new SampanError("COMPONENT_IMPORT_MISSING", message, {
    hint: missing.some(({ name: each }) => /\]?\bthen$/.test(each))
      ? 'call the function "then" "then_": JavaScript takes what has one for a promise'
      : `see what it imports with sampan inspect ${name}`,
    data: { imports: typed },
  });
}

/** Names of functions behind the interface that they are in. */
function grouped(missing: readonly PlannedImport[]): string {
  const groups = Map.groupBy(missing, ({ path }) => path.join("#"));
  return [...groups]
    .map(([path, functions]) => {
      const names = functions.map(({ name }) => name).join(", ");
      return path === "" ? names : `${path} (${names})`;
    })
    .join(", ");
}
