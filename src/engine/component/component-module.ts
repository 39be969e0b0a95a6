import { SampanError } from "../../base/index.ts";
import { type LinkPlan, makePlan } from "../../component/index.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import { readModule } from "../../wasm/index.ts";
import { type CompileOptions, compileGuest, fullTables, type GuestModule, shareOfTable } from "../guest-module.ts";

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
 * together, shared out evenly; `tableElements` is the most of one table, and of four together where there are more.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED, COMPONENT_TOO_LARGE,
 *   GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
 */
export function compileComponent(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): ComponentModule {
  const name = options.name ?? "component";
  const plan = makePlan(decodeComponent(bytes), name);
  const { memory } = options;
  // Views of the component's own bytes, which stand on a buffer of the same kind.
  const bytesOf = plan.modules.map((module) => module.bytes as Uint8Array<ArrayBuffer>);
  const counts = bytesOf.map(ownParts);
  const { memories, tables } = countParts(plan, counts);
  const share = memory === undefined ? undefined : (own: number) => Math.floor((memory * own) / Math.max(1, memories));
  const isWhole = options.file?.size === BigInt(bytes.length);
  const modules = plan.modules.map((module, index) => {
    const own = counts[index]?.memories ?? 0;
    return compileGuest(bytesOf[index] ?? new Uint8Array(), {
      ...options,
      file: isWhole ? options.file : undefined,
      part: index,
      name: module.name,
      startAsExport: true,
      tableElements: elementsOf(options.tableElements, tables, counts[index]?.tables ?? 0),
      memory: own === 0 ? undefined : share?.(own),
    });
  });
  return { kind: "component", name, plan, modules, memories };
}

interface OwnParts {
  readonly memories: number;
  readonly tables: number;
}

/** What an instance of a component makes in all of its core instances. */
function countParts({ steps }: LinkPlan, counts: readonly OwnParts[]): OwnParts {
  let [memories, tables] = [0, 0];
  for (const step of steps) {
    if (step.kind !== "instantiate") continue;
    memories += counts[step.module]?.memories ?? 0;
    tables += counts[step.module]?.tables ?? 0;
  }
  return { memories, tables };
}

/** What a module's tables may have that shares with those of others: it divides it among its own once more. */
function elementsOf(most: number | undefined, all: number, own: number): number | undefined {
  return most === undefined
    ? undefined
    : Math.floor((shareOfTable(most, all) * Math.max(own, fullTables)) / fullTables);
}

/** Memories and tables that a core module has of its own; V8 says what is wrong with one that cannot be read. */
function ownParts(bytes: Uint8Array): OwnParts {
  try {
    const { memories, ownTables } = readModule(bytes);
    return { memories: memories.filter(({ imported }) => !imported).length, tables: ownTables };
  } catch (error) {
    if (error instanceof SampanError) return { memories: 0, tables: 0 };
    throw error;
  }
}
