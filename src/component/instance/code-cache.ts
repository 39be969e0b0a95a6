import { functionKey } from "../canonical/layout.ts";
import { type ImportMaker, makeImport } from "../canonical/lower-import.ts";
import { type ExportMaker, makeExport } from "../canonical/lift-export.ts";
import type { CanonicalShape } from "../canonical/runtime.ts";
import type { FuseStep, LowerStep, PlannedLift, PlannedOptions } from "../plan/link-plan.ts";
import type { ComponentMode } from "./embedding.ts";

/** Code that is generated once for all components of an engine: by the structure of types and the canonical options. */
export class CodeCache {
  readonly #imports = new Map<string, ImportMaker>();
  readonly #exports = new Map<string, ExportMaker>();
  readonly #modules = new Map<string, WebAssembly.Module>();
  /** The same by what asked for it, which is quicker than by key. */
  readonly #found = new Map<string, WeakMap<object, unknown>>();

  /** What makes the core function of a host's function, which may take bytes as views of the guest's memory. */
  importMaker(step: LowerStep, mode: ComponentMode, lendsBytes = false): ImportMaker {
    return this.#once(step, lendsBytes ? `${mode} lends` : mode, () => {
      const shape = { ...shapeOf(step.options, mode), lendsBytes };
      return once(this.#imports, functionKey(step.type, shape), () => makeImport(step.type, shape));
    });
  }

  /** What makes the JavaScript function of a guest's function. */
  exportMaker(lift: PlannedLift, mode: ComponentMode): ExportMaker {
    return this.#once(lift, mode, () => {
      const shape = shapeOf(lift.options, mode);
      return once(this.#exports, functionKey(lift.type, shape), () => makeExport(lift.type, shape));
    });
  }

  /** A module of core Wasm, by a key of its own. */
  moduleOf(key: string, make: () => Uint8Array<ArrayBuffer>): WebAssembly.Module {
    return once(this.#modules, key, () => new WebAssembly.Module(make()));
  }

  /** The same for a step, whose key is asked for once. */
  stepModule<T extends object>(step: FuseStep, make: () => T): T {
    return this.#once(step, "sync", make);
  }

  #once<T>(by: object, kind: string, make: () => T): T {
    let found = this.#found.get(kind);
    if (found === undefined) this.#found.set(kind, (found = new WeakMap()));
    const known = found.get(by);
    if (known !== undefined) return known as T;
    const made = make();
    found.set(by, made);
    return made;
  }
}

/** The canonical options as generated code depends on them. */
export function shapeOf({ stringEncoding, memoryIs64 }: PlannedOptions, mode: ComponentMode): CanonicalShape {
  return { stringEncoding, memoryIs64, mode };
}

/** Most entries of one sort: components that nobody has any more leave theirs behind. Those in use are found by their plans' steps. */
const mostKept = 1_000;

function once<T>(map: Map<string, T>, key: string, make: () => T): T {
  let made = map.get(key);
  if (made !== undefined) return made;
  map.set(key, (made = make()));
  // The one that was made first.
  const [first] = map.keys();
  if (map.size > mostKept && first !== undefined) map.delete(first);
  return made;
}
