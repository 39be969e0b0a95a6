import { type Allow, checkFeatures, type Grants, type Narrower } from "../capabilities/index.ts";
import type { ComponentExports, ComponentImports, ComponentMode } from "../component/index.ts";
import {
  type BytesGiven,
  type BytesTaken,
  type NetworkChoice,
  sinkFor,
  sourceFor,
  type StdioChannels,
} from "../host/index.ts";
import { SampanError } from "../base/index.ts";
import type { ByteSink, ByteSource } from "../base/index.ts";
import { kindOf } from "../wasm/index.ts";
import { allow, narrow } from "./embed/allow.ts";
import { checkChoice, type EmbedLimits, readLimits, unknownOption } from "./embed/embed-limits.ts";
import { placeComponent } from "./embed/place-component.ts";
import type { PlaceData, PlacedComponent, PlaceLive } from "./embed/place.ts";
import { type ComponentSource, readSource } from "./embed/read-source.ts";
import type { Async } from "./embed/types.ts";
import type { Engine } from "./engine.ts";
import type { InstanceUsage } from "./limits.ts";
import type { Cordon } from "./pool/pool.ts";

/** What {@link instantiate} takes beside the component. */
export interface InstantiateOptions<Imports extends object = ComponentImports> {
  /** What it may do; clocks, randomness and stdio where it is left out. What {@link allow} or `narrow()` answered is taken as well. */
  readonly allow?: Allow | Grants | undefined;
  readonly limits?: EmbedLimits | undefined;
  /** Functions and classes, by the names of interfaces with or without a version; another component's exports among them. */
  readonly imports?: (Partial<Imports> & ComponentImports) | undefined;
  /**
   * Whether calls answer at once (`sync`), or promises (`async`) so that it may wait; `async` where something that it imports may
   * wait, unless said otherwise.
   */
  readonly mode?: ComponentMode | undefined;
  /** Ends it: calls then throw GUEST_ABORTED with the signal's reason as their cause. */
  readonly signal?: AbortSignal | undefined;
  /** Its arguments, the program's name first. */
  readonly args?: readonly string[] | undefined;
  readonly stdin?: BytesGiven | ByteSource | undefined;
  readonly stdout?: BytesTaken | ByteSink | undefined;
  readonly stderr?: BytesTaken | ByteSink | undefined;
  /** What its sockets are made of in place of the machine's own network. */
  readonly network?: NetworkChoice | undefined;
  /** A lock file, which has its digest and grants: another component is refused, and `allow` only narrows what it says. */
  readonly lock?: string | URL | undefined;
  /** Where it runs; in this thread where it is left out. Behind a cordon each call answers a promise. */
  readonly cordon?: Exclude<Cordon, "shared"> | undefined;
  /** Functions that packages mark unstable, by the names of their features. */
  readonly features?: readonly string[] | undefined;
  /** How errors call it; its file's name where that is left out. */
  readonly name?: string | undefined;
  /** The engine that it runs in; one that the thread shares where it is left out. */
  readonly engine?: Engine | undefined;
}

/** An instance of a component, or of a core module. */
export interface Instantiated<Exports = ComponentExports> extends Disposable, AsyncDisposable {
  /** What it exports: functions, classes of resources, and objects of them by the names of interfaces. */
  readonly exports: Exports;
  /** Whether calls answer at once or promises. */
  readonly mode: ComponentMode;
  /** What it may do. */
  readonly grants: Grants;
  /** Whether it can be called no more. */
  readonly isEnded: boolean;
  /** Calls an export by `interface#function` or `function`, names as in WIT. */
  invoke(name: string, ...args: readonly unknown[]): Promise<unknown>;
  /** Its grants with less, to hand to another instance. @throws GRANT_WIDENED, GRANT_INVALID, GRANT_UNKNOWN */
  narrow(less: Narrower): Grants;
  /** What it used so far. */
  usage(): Promise<InstanceUsage>;
  /** Ends it; calls then throw GUEST_EXITED. */
  kill(): void;
  /** Ends it and gives back what it has; a call in flight is ended. */
  close(): Promise<void>;
}

/**
 * Makes an instance of a component, or of a core module of preview 1, with its own grants and limits. `Exports` is its world as `sampan
 * types` writes it.
 *
 * @throws FILE_NOT_FOUND, FILE_UNREADABLE, SOURCE_INVALID, OPTION_UNKNOWN, UNIT_INVALID, GRANT_INVALID, GRANT_UNKNOWN,
 *   COMPONENT_IMPORT_MISSING, COMPONENT_FEATURE_OFF, COMPONENT_INVALID, WASM_MALFORMED, GUEST_NOT_RUNNABLE, GUEST_IMPORT_UNKNOWN,
 *   LOCK_MISSING, LOCK_DIGEST, LOCK_INVALID, GRANT_WIDENED, LIMIT_INSTANCES, LIMIT_MEMORIES, LIMIT_MEMORY, LIMIT_STACKS, and what a start function ends with
 */
export function instantiate<Exports extends object = ComponentExports, Imports extends object = ComponentImports>(
  source: ComponentSource,
  options: InstantiateOptions<Imports> & ({ readonly mode: "async" } | { readonly cordon: Exclude<Cordon, "shared"> }),
): Promise<Instantiated<Async<Exports>>>;
export function instantiate<Exports extends object = ComponentExports, Imports extends object = ComponentImports>(
  source: ComponentSource,
  options?: InstantiateOptions<Imports>,
): Promise<Instantiated<Exports>>;
export async function instantiate(
  source: ComponentSource,
  options: InstantiateOptions = {},
): Promise<Instantiated<unknown>> {
  checkNames(options);
  checkChoice("mode", options.mode, ["sync", "async"]);
  checkChoice("cordon", options.cordon, ["thread", "process"]);
  const { signal } = options;
  signal?.throwIfAborted();
  const grants = allow(options.allow);
  const limits = readLimits(options.limits ?? {});
  const stdio = stdioOf(options);
  const { bytes, name: known, file, stat } = await readSource(source);
  const name = options.name ?? known;
  const { args = [name], features = [], mode, cordon, imports = {}, network, engine } = options;
  checkFeatures(features);
  const kind = kindOf(bytes) === "component" ? "component" : "module";
  const asked: PlaceData = { name, kind, bytes, file, stat, grants, limits, args, features, mode, cordon };
  const data = options.lock === undefined ? asked : await locked(asked, options);
  const live: PlaceLive = { imports, stdio, network, signal, engine };
  return new Placed(await placeComponent({ data, live }), data);
}

/** The data with what a lock says. */
async function locked(data: PlaceData, { lock, allow: given }: InstantiateOptions): Promise<PlaceData> {
  const { checkLock } = await import("./embed/lock.ts");
  return lock === undefined ? data : checkLock(data, lock, { allow: given });
}

class Placed implements Instantiated<unknown> {
  readonly #placed: PlacedComponent;
  readonly grants: Grants;

  constructor(placed: PlacedComponent, { grants }: PlaceData) {
    this.#placed = placed;
    this.grants = grants;
  }

  get exports(): ComponentExports {
    return this.#placed.exports;
  }

  get mode(): ComponentMode {
    return this.#placed.mode;
  }

  get isEnded(): boolean {
    return this.#placed.isEnded;
  }

  invoke(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#placed.invoke(name, ...args);
  }

  narrow(less: Narrower): Grants {
    return narrow(this.grants, less);
  }

  usage(): Promise<InstanceUsage> {
    return this.#placed.usage();
  }

  kill(): void {
    this.#placed.kill();
  }

  close(): Promise<void> {
    return this.#placed.close();
  }

  [Symbol.dispose](): void {
    this.#placed.close().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#placed.close();
  }
}

const optionNames: Readonly<Record<keyof InstantiateOptions, true>> = {
  allow: true,
  limits: true,
  imports: true,
  mode: true,
  signal: true,
  args: true,
  stdin: true,
  stdout: true,
  stderr: true,
  network: true,
  cordon: true,
  features: true,
  name: true,
  lock: true,
  engine: true,
};

function checkNames(options: InstantiateOptions): void {
  for (const name of Object.keys(options))
    if (!Object.hasOwn(optionNames, name)) throw unknownOption(name, name, Object.keys(optionNames));
}

function stdioOf({ stdin, stdout, stderr }: InstantiateOptions): StdioChannels {
  return {
    ...(stdin === undefined
      ? {}
      : { stdin: sourceFor(stdin) ?? notBytes("stdin", "bytes, text, a ReadableStream or an iterable of chunks") }),
    ...(stdout === undefined ? {} : { stdout: sinkFor(stdout) ?? notBytes("stdout", sinks) }),
    ...(stderr === undefined ? {} : { stderr: sinkFor(stderr) ?? notBytes("stderr", sinks) }),
  };
}

const sinks = "a WritableStream, a function that takes chunks or a writable stream of Node.js";

function notBytes(option: string, wanted: string): never {
  throw new SampanError("OPTION_INVALID", `Cannot use the option "${option}": wanted ${wanted}`);
}
