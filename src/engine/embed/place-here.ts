import type { ComponentExports, ComponentMode, HostProvider } from "../../component/index.ts";
import { abortedBy } from "../aborted.ts";
import { identityOf, liesStill } from "../cache/index.ts";
import type { Engine } from "../engine.ts";
import type { GuestModule } from "../guest-module.ts";
import type { HostFunctions } from "../import-plan.ts";
import type { Instance } from "../instance.ts";
import type { LocalInstance } from "../local-instance.ts";
import { type CompiledComponent, engineFor } from "./own-engine.ts";
import type { PlacedComponent, PlaceRequest } from "./place.ts";

/** What instances are made with in this thread alone. */
export interface HereOptions {
  /** What provides imports that the request does not give. */
  readonly provider?: HostProvider | undefined;
}

/** Makes an instance in this thread. */
export async function placeHere(request: PlaceRequest, { provider }: HereOptions = {}): Promise<PlacedComponent> {
  const { engine, compiled } = engineFor(request.live.engine);
  const { name, bytes, kind, stat, limits } = request.data;
  if (limits.deadline !== undefined || limits.cpu !== undefined) engine.startWatcher();
  const identity = stat !== undefined && liesStill(stat, Date.now()) ? identityOf(stat) : undefined;
  let module = identity === undefined ? undefined : compiled.get(identity);
  if (module === undefined) {
    const options = { name, ...(stat === undefined ? {} : { file: stat }) };
    module = await (kind === "component" ? engine.compileComponent(bytes, options) : engine.compile(bytes, options));
    if (identity !== undefined) compiled.set(identity, module);
  }
  return "plan" in module ? placeOne(engine, module, request, provider) : placeModule(engine, module, request);
}

function placeOne(
  engine: Engine,
  module: CompiledComponent,
  { data, live }: PlaceRequest,
  provider: HostProvider | undefined,
): Promise<PlacedComponent> {
  const { args, grants, limits, features, mode } = data;
  const { imports, stdio, network, signal } = live;
  // Having V8 optimise takes longer than the first call of most: a program that rather waits for it has an engine of its own.
  const optimisesLate = live.engine === undefined;
  const options = { args, grants, limits, features, mode, imports, stdio, network, signal, provider, optimisesLate };
  return engine.instantiateComponent(module, options);
}

/** An instance of a core module of preview 1: functions of numbers and bigints, by their names. */
export async function placeModule(
  engine: Engine,
  module: GuestModule,
  { data, live }: PlaceRequest,
): Promise<PlacedComponent> {
  const { args, grants, limits, mode, cordon, name } = data;
  const { imports, stdio, network, signal } = live;
  const starting = following(signal);
  const instance = await engine.instantiate(module, {
    args,
    grants,
    limits,
    stdio,
    imports: imports as HostFunctions,
    ...(mode === undefined ? {} : { mode }),
    ...(network === undefined ? {} : { network }),
    signal: starting.signal,
    ...(cordon === undefined ? {} : { cordon }),
  });
  const isAsync = cordon !== undefined || (mode ?? (module.importPlan().mayWait ? "async" : "sync")) === "async";
  const placed = new PlacedModule(instance, { name, mode: isAsync ? "async" : "sync", signal });
  starting.end();
  return placed;
}

/** A signal that follows another until that is over. */
function following(signal: AbortSignal | undefined): { readonly signal: AbortSignal; readonly end: () => void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort);
  return { signal: controller.signal, end: () => signal?.removeEventListener("abort", abort) };
}

interface ModuleParts {
  readonly name: string;
  readonly mode: ComponentMode;
  readonly signal: AbortSignal | undefined;
}

/** An instance of a core module, wherever it is. */
export class PlacedModule implements PlacedComponent {
  readonly mode: ComponentMode;
  readonly exports: ComponentExports;
  readonly #instance: Instance;
  readonly #forget: () => void;

  constructor(instance: LocalInstance | Instance, { name, mode, signal }: ModuleParts) {
    this.#instance = instance;
    const abort = (): void => {
      if ("abort" in instance) instance.abort({ kind: "limit", error: abortedBy(signal?.reason, name) });
      else instance.kill();
    };
    signal?.addEventListener("abort", abort);
    this.#forget = () => signal?.removeEventListener("abort", abort);
    if (signal?.aborted === true) abort();
    this.mode = mode;
    const call = (name: string) =>
      mode === "sync" && "callSync" in instance
        ? (...args: readonly unknown[]) => instance.callSync(name, ...args)
        : (...args: readonly unknown[]) => instance.call(name, ...args);
    this.exports = Object.fromEntries(instance.functions.map((name) => [name, call(name)]));
  }

  get functions(): readonly string[] {
    return this.#instance.functions;
  }

  get isEnded(): boolean {
    return this.#instance.isEnded;
  }

  invoke(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#instance.call(name, ...args);
  }

  usage(): ReturnType<PlacedComponent["usage"]> {
    return this.#instance.usage();
  }

  kill(): void {
    this.#instance.kill();
  }

  close(): Promise<void> {
    this.#forget();
    return this.#instance.close();
  }
}
