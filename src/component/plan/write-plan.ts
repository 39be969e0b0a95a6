import type { Builtin } from "../../wasm/component/index.ts";
import type { CallNumbers, KeptExport, KeptImports, KeptItem, KeptPlan, KeptStep } from "./kept-form.ts";
import type {
  CoreItem,
  FuseStep,
  InstantiateStep,
  LinkPlan,
  LowerStep,
  PlannedExport,
  PlannedLift,
  PlannedOptions,
  Step,
} from "./link-plan.ts";
import { TypeWriter } from "./write-types.ts";

/**
 * Writes a plan as data that JSON carries, for `readPlan`; undefined for one with what is not kept (built-ins of asynchronous
 * functions). `bytes` are the component's.
 */
export function writePlan(plan: LinkPlan, bytes: Uint8Array): unknown {
  return new PlanWriter(plan, bytes).write();
}

class PlanWriter {
  readonly #plan: LinkPlan;
  readonly #bytes: Uint8Array;
  readonly #types = new TypeWriter();
  readonly #paths = new Table<readonly string[], readonly string[]>((path) => path);
  readonly #options = new Table<PlannedOptions, KeptPlan["options"][number]>(
    ({ memory, realloc, postReturn, callback, ...rest }) => [
      rest,
      ...[memory, realloc, postReturn, callback].map(keptItem),
    ],
  );
  readonly #lifts: Table<PlannedLift, KeptPlan["lifts"][number]>;

  constructor(plan: LinkPlan, bytes: Uint8Array) {
    this.#plan = plan;
    this.#bytes = bytes;
    this.#lifts = new Table(({ owner, core, options, type, resources, name }) => [
      owner,
      keptItem(core),
      this.#options.numberOf(options),
      this.#types.numberOf(type),
      resources,
      name,
    ]);
  }

  write(): KeptPlan | undefined {
    const { name, instances, resources, modules, imports, steps, coreInstances, coreValues, exports } = this.#plan;
    if (steps.some((step) => step.kind === "builtin" && !isPlain(step.builtin))) return undefined;
    if (modules.some((module) => module.bytes.buffer !== this.#bytes.buffer)) return undefined;
    const keptExports = this.#exports(exports);
    if (keptExports === undefined) return undefined;
    return {
      instances: instances.map((each, index) => [
        each.parent ?? -1,
        index === 0 && each.name === name ? null : each.name,
        each.isFused,
        each.usesContext,
      ]),
      resources: resources.map((each) => [
        each.name,
        each.owner ?? -1,
        keptItem(each.destructor),
        this.#paths.numberOf(each.path),
      ]),
      modules: modules.map((module) => [
        module.bytes.byteOffset - this.#bytes.byteOffset,
        module.bytes.length,
        module.name,
      ]),
      imports: imports.map((each) => [
        this.#paths.numberOf(each.path),
        each.name,
        this.#types.numberOf(each.type),
        each.resources,
      ]),
      steps: steps.map((step) => this.#step(step)),
      coreInstances,
      coreValues,
      exports: keptExports,
      paths: this.#paths.kept,
      options: this.#options.kept,
      lifts: this.#lifts.kept,
      types: this.#types.texts,
    };
  }

  #step(step: Step): KeptStep {
    const { index, owner } = step;
    switch (step.kind) {
      case "instantiate":
        return ["instantiate", index, owner, step.module, keptImports(step.imports)];
      case "lower":
        return ["lower", ...this.#call(step), step.import, step.coreParams];
      case "fuse":
        return ["fuse", ...this.#call(step), this.#lifts.numberOf(step.callee), step.enters];
      case "builtin":
        return ["builtin", index, owner, step.builtin];
      case "resource-new":
      case "resource-drop":
      case "resource-rep":
        return [step.kind, index, owner, step.resource];
    }
  }

  #call({ index, owner, options, type, resources }: LowerStep | FuseStep): CallNumbers {
    return [index, owner, this.#options.numberOf(options), this.#types.numberOf(type), resources];
  }

  #exports(exports: ReadonlyMap<string, PlannedExport>): KeptExport[] | undefined {
    const kept: KeptExport[] = [];
    for (const [name, each] of exports) {
      if (each.kind === "function") {
        const called = each.function;
        if (called.kind === "lift") kept.push(["function", name, this.#lifts.numberOf(called), -1]);
        else kept.push(["function", name, -1, called.import]);
      } else if (each.kind === "instance") {
        const inner = this.#exports(each.exports);
        if (inner === undefined) return undefined;
        kept.push(["instance", name, inner]);
      } else if (each.kind === "type") kept.push(["type", name, each.resource ?? null]);
      else if (each.kind === "value") return undefined;
      else kept.push([each.kind, name]);
    }
    return kept;
  }
}

/** What is kept of values, by number; what is kept alike stands there once. */
class Table<T extends object, K> {
  readonly kept: K[] = [];
  readonly #numbers = new Map<T, number>();
  readonly #alike = new Map<string, number>();
  readonly #keep: (value: T) => K;

  constructor(keep: (value: T) => K) {
    this.#keep = keep;
  }

  numberOf(value: T): number {
    let number = this.#numbers.get(value);
    if (number !== undefined) return number;
    const kept = this.#keep(value);
    const text = JSON.stringify(kept);
    number = this.#alike.get(text) ?? this.kept.push(kept) - 1;
    this.#alike.set(text, number);
    this.#numbers.set(value, number);
    return number;
  }
}

/** Whether JSON carries a built-in: one that works on neither types nor memories. */
function isPlain(builtin: Builtin): boolean {
  return Object.values(builtin).every((each) => typeof each === "string" || typeof each === "number");
}

function keptItem(item: CoreItem | undefined): KeptItem {
  if (item === undefined) return null;
  return item.kind === "value" ? item.index : [item.instance, item.name];
}

function keptImports(imports: InstantiateStep["imports"]): KeptImports[] {
  const kept: [module: string, names: string[], items: KeptItem[]][] = [];
  for (const { module, name, item } of imports) {
    let last = kept.at(-1);
    if (last?.[0] !== module) kept.push((last = [module, [], []]));
    last[1].push(name);
    last[2].push(keptItem(item));
  }
  return kept;
}
