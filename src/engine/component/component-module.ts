import { SampanError } from "../../base/index.ts";
import { type LinkPlan, makePlan } from "../../component/index.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import { readModule } from "../../wasm/index.ts";
import { type CompileOptions, compileGuest, type GuestModule } from "../guest-module.ts";

/** A compiled component, to make instances of. */
export interface ComponentModule {
  readonly kind: "component";
  readonly name: string;
  readonly plan: LinkPlan;
  /** Its core modules, by their numbers in the plan. */
  readonly modules: readonly GuestModule[];
  /** Memories that one instance makes. */
  readonly memories: number;
}

/**
 * Decodes, checks and links a component, and compiles its core modules. `memory` is the most of all memories of an instance
 * together, shared out evenly.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED, COMPONENT_TOO_LARGE,
 *   GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
 */
export function compileComponent(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): ComponentModule {
  const name = options.name ?? "component";
  const plan = makePlan(decodeComponent(bytes), name);
  // Views of the component's own bytes, which stand on a buffer of the same kind.
  const bytesOf = plan.modules.map((module) => module.bytes as Uint8Array<ArrayBuffer>);
  const counts = bytesOf.map(memoryCount);
  const memories = plan.steps.reduce(
    (sum, step) => (step.kind === "instantiate" ? sum + (counts[step.module] ?? 0) : sum),
    0,
  );
  const modules = plan.modules.map((module, index) => {
    const { memory } = options;
    const share =
      memory === undefined ? undefined : Math.floor((memory * (counts[index] ?? 0)) / Math.max(1, memories));
    const own = bytesOf[index] ?? new Uint8Array();
    return compileGuest(own, {
      ...options,
      // A file's digest says nothing about a part of it.
      file: undefined,
      name: module.name,
      startAsExport: true,
      memory: counts[index] === 0 ? undefined : share,
    });
  });
  return { kind: "component", name, plan, modules, memories };
}

/** Memories that a core module has of its own; V8 says what is wrong with one that cannot be read. */
function memoryCount(bytes: Uint8Array): number {
  try {
    return readModule(bytes).memories.filter(({ imported }) => !imported).length;
  } catch (error) {
    if (error instanceof SampanError) return 0;
    throw error;
  }
}
