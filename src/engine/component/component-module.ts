import { SampanError } from "../../base/index.ts";
import { type LinkPlan, makePlan, type PlannedLift, writePlan } from "../../component/index.ts";
import { decodeComponent } from "../../wasm/component/index.ts";
import { readModule, readModuleImports } from "../../wasm/index.ts";
import type { CacheEntry } from "../cache/index.ts";
import {
  type CompileOptions,
  compilePrepared,
  entryOf,
  fullTables,
  isAsItIs,
  prepareGuest,
  type PreparedModule,
  shareOfTable,
} from "../guest-module.ts";
import { type ComponentModule, findComponent, headFor, keyOfComponent } from "./kept-component.ts";

export type { ComponentModule } from "./kept-component.ts";

/**
 * Decodes, checks and links a component, and compiles its core modules; one that the cache knows is compiled alone. `memory` is the
 * most of all memories of an instance together, shared out evenly; `tableElements` is the most of one table, and of four together
 * where there are more.
 *
 * @throws WASM_MALFORMED, COMPONENT_INVALID, COMPONENT_FEATURE, COMPONENT_IMPORT_UNSUPPORTED, COMPONENT_TOO_LARGE,
 *   GUEST_NOT_RUNNABLE, LIMIT_MEMORY, LIMIT_TABLE
 */
export function compileComponent(bytes: Uint8Array<ArrayBuffer>, options: CompileOptions = {}): ComponentModule {
  const place = keyOfComponent(bytes, options);
  const found = place && findComponent(bytes, place, options);
  if (found !== undefined) return found.compile();
  const name = options.name ?? "component";
  const plan = makePlan(decodeComponent(bytes), name);
  const { prepared, memories } = prepareModules(plan, options);
  const modules = prepared.map((each) => compilePrepared(each.bytes, each.module, each.name));
  const entry = place && entryFor({ plan, prepared, memories }, bytes);
  if (place !== undefined && entry !== undefined) {
    options.cache?.put(place.key, entry);
    place.remember();
  }
  return { kind: "component", name, plan, modules, memories };
}

interface PreparedPart {
  /** The core module as it is in the component. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly module: PreparedModule;
}

interface PreparedParts {
  readonly prepared: readonly PreparedPart[];
  /** Memories that one instance makes. */
  readonly memories: number;
}

/** Rewrites the core modules of a component as far as that is asked for. */
function prepareModules(plan: LinkPlan, options: CompileOptions): PreparedParts {
  // Views of the component's own bytes, which stand on a buffer of the same kind.
  const bytesOf = plan.modules.map((module) => module.bytes as Uint8Array<ArrayBuffer>);
  const counts = bytesOf.map(ownParts);
  const { memories, tables } = countParts(plan, counts);
  const { memory, tableElements } = options;
  const share = memory === undefined ? undefined : (own: number) => Math.floor((memory * own) / Math.max(1, memories));
  const called = calledExports(plan);
  const prepared = plan.modules.map(({ name }, index) => {
    const own = counts[index]?.memories ?? 0;
    const bytes = bytesOf[index] ?? new Uint8Array();
    const module = prepareGuest(bytes, {
      ...options,
      // What is put back is entered anew for each use, and V8 optimises it by itself.
      called: isAdapter(bytes) || (options.restore ?? false) !== false ? [] : called[index],
      name,
      // What a module of a component imports is another's of the same component, which puts it back.
      restore: options.restore === true ? { isShared: true } : options.restore,
      startAsExport: true,
      tableElements: elementsOf(tableElements, tables, counts[index]?.tables ?? 0),
      memory: own === 0 ? undefined : share?.(own),
    });
    return { bytes, name, module };
  });
  return { prepared, memories };
}

/** What the cache keeps of a component; undefined where its plan cannot be kept. */
function entryFor(
  { plan, prepared, memories }: PreparedParts & { readonly plan: LinkPlan },
  component: Uint8Array,
): CacheEntry | undefined {
  const kept = writePlan(plan, component);
  if (kept === undefined) return undefined;
  const parts = prepared.map(({ bytes, module }) => (isAsItIs(module, bytes) ? undefined : entryOf(module, bytes)));
  const modules = parts.map((part, index) =>
    part === undefined ? (prepared[index]?.module.eager ?? null) : ([part.meta.length, part.bytes.length] as const),
  );
  const head = headFor({ plan: kept, memories, modules });
  return {
    meta: joined([head, ...parts.flatMap((part) => part?.meta ?? [])]),
    bytes: joined(parts.flatMap((part) => part?.bytes ?? [])),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Names of the exports of each core module that are entered from outside of what it is linked with. */
function calledExports({ modules, steps, exports }: LinkPlan): string[][] {
  const called = modules.map(() => ["_start"]);
  const moduleOf = new Map(
    steps.flatMap((step) => (step.kind === "instantiate" ? [[step.index, step.module] as const] : [])),
  );
  const add = ({ core }: PlannedLift): void => {
    if (core.kind === "export") called[moduleOf.get(core.instance) ?? -1]?.push(core.name);
  };
  const visit = (exported: LinkPlan["exports"]): void => {
    for (const each of exported.values()) {
      if (each.kind === "instance") visit(each.exports);
      else if (each.kind === "function" && each.function.kind === "lift") add(each.function);
    }
  };
  visit(exports);
  for (const step of steps) if (step.kind === "fuse") add(step.callee);
  return called;
}

/**
 * Whether a core module is what turns calls of WASI preview 1 into those of 0.2 for the program beside it, by the name under which
 * `wasm-component-ld` and its like give it the program's exports. Its loops go over a path or a list of buffers: having them
 * optimised takes longer than a small program runs.
 */
function isAdapter(bytes: Uint8Array): boolean {
  try {
    return readModuleImports(bytes).some(({ module }) => module === "__main_module__");
  } catch (error) {
    if (error instanceof SampanError) return false;
    throw error;
  }
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
