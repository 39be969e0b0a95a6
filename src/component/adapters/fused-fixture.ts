import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import { forwarder, GuardedRuntime, Trapped } from "../canonical/identity-fixture.ts";
import { type FlatFunction, flattenFunction, Layout, resourcesOf } from "../canonical/layout.ts";
import { makeExport } from "../canonical/lift-export.ts";
import { makeImport } from "../canonical/lower-import.ts";
import type { CanonicalShape } from "../canonical/runtime.ts";
import { adapterKey, type AdapterOptions, compileAdapter } from "./compile-adapter.ts";
import { ModuleWriter } from "./module-writer.ts";
import { adapterTraps, type AdapterTrapReason } from "./traps.ts";

type Encoding = CanonicalShape["stringEncoding"];

/** Where results lie in both memories. */
export const areaStart = 64;

/** `unreachable`, which no `catch_all` catches. */
function crashModule(): WebAssembly.Module {
  const writer = new ModuleWriter();
  const crash = writer.functionOf("crash", { params: [], results: [] }, (code) => code.do("unreachable"));
  return new WebAssembly.Module(writer.finish(crash));
}

/** Two instances with a memory each and the adapter between them. */
export interface Fused {
  readonly caller: GuardedRuntime;
  readonly callee: GuardedRuntime;
  /** Bytes at the start of both memories that are no block's. */
  readonly reserved: number;
  /** The caller's core type of the function. */
  readonly flat: FlatFunction;
  /** The callee as the caller's core code calls it; throws {@link Trapped} with the adapter's reason. */
  readonly call: (...cores: unknown[]) => unknown;
  /** The same as core code has it. */
  readonly core: WebAssembly.ExportValue;
  /** Which side the last trap was the fault of. */
  readonly blamed: () => "caller" | "callee" | undefined;
  readonly flags: Readonly<Record<"caller" | "callee" | "entered", WebAssembly.Global<"i32">>>;
}

/** What is fused: the encodings of strings, and the callee's core function. */
export interface FuseParts {
  readonly encodings: readonly [caller: Encoding, callee: Encoding];
  readonly callee: (runtime: GuardedRuntime) => WebAssembly.ImportValue;
  readonly postReturn?: WebAssembly.ImportValue;
  /** The allocator of both, in place of the guarded ones. */
  readonly realloc?: WebAssembly.ImportValue;
  readonly compile?: (options: AdapterOptions) => Uint8Array<ArrayBuffer>;
}

const compiled = new Map<string, WebAssembly.Module>();

/** Links an adapter with two guarded memories; its handles are positions in the lists of things of the two. */
export function fuse(type: ComponentFunctionType, parts: FuseParts): Fused {
  const size = type.result === undefined ? 0 : new Layout().sizeOf(type.result);
  const reserved = areaStart + size;
  const [caller, callee] = [new GuardedRuntime(reserved), new GuardedRuntime(reserved)];
  const side = (stringEncoding: Encoding) =>
    ({ type, shape: { stringEncoding, mode: "sync" }, hasMemory: true, hasRealloc: true }) as const;
  const options: AdapterOptions = {
    caller: side(parts.encodings[0]),
    callee: { ...side(parts.encodings[1]), hasPostReturn: parts.postReturn !== undefined },
    enters: 1,
    needsTask: resourcesOf(type).length > 0,
  };
  const flagOf = (): WebAssembly.Global<"i32"> => new WebAssembly.Global({ value: "i32", mutable: true }, 3);
  const flags = { caller: flagOf(), callee: flagOf(), entered: flagOf() };
  const trapped: { reason?: AdapterTrapReason | undefined; side?: number } = {};
  const crash = new WebAssembly.Instance(crashModule()).exports["call"] as () => never;
  const move = (from: GuardedRuntime, to: GuardedRuntime) => (slot: number, handle: number) =>
    to.lowerOwn(slot, from.liftOwn(slot, handle));
  const given: Record<string, WebAssembly.ImportValue> = {
    callee: parts.callee(callee),
    "caller-memory": caller.memory,
    "callee-memory": callee.memory,
    "caller-realloc": parts.realloc ?? caller.realloc.bind(caller),
    "callee-realloc": parts.realloc ?? callee.realloc.bind(callee),
    "caller-flags": flags.caller,
    "callee-flags": flags.callee,
    "enter-0": flags.entered,
    begin: () => {},
    end: () => {},
    "transfer-own": move(caller, callee),
    "transfer-borrow": move(caller, callee),
    "transfer-own-back": move(callee, caller),
    trap(reason: number, by: number): void {
      trapped.reason = adapterTraps[reason];
      trapped.side = by;
      crash();
    },
  };
  if (parts.postReturn !== undefined) given["post-return"] = parts.postReturn;
  const { call } = new WebAssembly.Instance(moduleOf(options, parts.compile), { "": given }).exports;
  if (typeof call !== "function") throw new TypeError("An adapter exports no function");
  return {
    core: call,
    caller,
    callee,
    reserved,
    flat: flattenFunction(type, { direction: "lower" }),
    flags,
    blamed: () => (trapped.side === undefined ? undefined : trapped.side === 0 ? "caller" : "callee"),
    call(...cores) {
      trapped.reason = undefined;
      try {
        return (call as (...values: unknown[]) => unknown)(...cores);
      } catch (error) {
        throw trapped.reason === undefined ? error : new Trapped(trapped.reason);
      }
    },
  };
}

function moduleOf(options: AdapterOptions, compile = compileAdapter): WebAssembly.Module {
  if (compile !== compileAdapter) return new WebAssembly.Module(compile(options));
  const key = adapterKey(options);
  const module = compiled.get(key) ?? new WebAssembly.Module(compile(options));
  compiled.set(key, module);
  return module;
}

/** A fused call that the host makes and whose callee hands all it gets to the host. */
export interface FusedRoundTrip extends Fused {
  /** Calls with values of JavaScript's. */
  readonly send: (...values: unknown[]) => unknown;
  /** Lifts core values as the host would, from the caller's memory. */
  readonly liftByHost: (...cores: unknown[]) => unknown;
  /** What stands between the caller's core code and the adapter. */
  between: (...cores: unknown[]) => unknown;
}

/** A fused pair of identity components: each value goes host → caller → callee → host and the answer all the way back. */
export function fusedRoundTrip(
  type: ComponentFunctionType,
  parts: Omit<FuseParts, "callee"> & { readonly host: (...values: unknown[]) => unknown },
): FusedRoundTrip {
  const [callerShape, calleeShape] = parts.encodings.map(
    (stringEncoding) => ({ stringEncoding, mode: "sync" }) as const,
  );
  if (callerShape === undefined || calleeShape === undefined) throw new TypeError("A call has two sides");
  const module = new WebAssembly.Module(forwarder(type, areaStart, "i32"));
  const forward = (host: (...cores: unknown[]) => unknown): ((...cores: never[]) => unknown) => {
    const { exports } = new WebAssembly.Instance(module, { "": { host: host as never } });
    return exports["call"] as (...cores: never[]) => unknown;
  };
  const lowered = (shape: CanonicalShape, runtime: GuardedRuntime): ((...cores: unknown[]) => unknown) =>
    makeImport(type, shape)(runtime, parts.host, "f") as (...cores: unknown[]) => unknown;
  const fused = fuse(type, {
    ...parts,
    callee: (runtime) => forward(lowered(calleeShape, runtime)) as WebAssembly.ExportValue,
  });
  const trip: FusedRoundTrip = {
    ...fused,
    between: fused.call,
    liftByHost: lowered(callerShape, fused.caller),
    send: (...values) => send(...values),
  };
  const core = forward((...cores) => trip.between(...cores));
  const send = makeExport(type, callerShape)(fused.caller, core, "f");
  return trip;
}
