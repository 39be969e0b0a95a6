import type { KeptExport, KeptImports, KeptItem, KeptPlan, KeptStep } from "./kept-form.ts";
import type {
  CoreItem,
  FuseStep,
  InstantiateStep,
  LinkPlan,
  LowerStep,
  PlannedExport,
  PlannedFunction,
  PlannedImport,
  PlannedInstance,
  PlannedLift,
  PlannedOptions,
  PlannedResource,
  Step,
} from "./link-plan.ts";
import { TypeReader } from "./read-types.ts";

/** The plan that `writePlan` wrote, of the same bytes. Types of functions are read when they are first looked at. */
export function readPlan(
  kept: unknown,
  { name, bytes }: { readonly name: string; readonly bytes: Uint8Array },
): LinkPlan {
  return new PlanReader(kept as KeptPlan, bytes).read(name);
}

class PlanReader {
  readonly #kept: KeptPlan;
  readonly #bytes: Uint8Array;
  readonly #types: TypeReader;
  readonly #options: readonly PlannedOptions[];
  readonly #lifts: readonly PlannedLift[];
  #imports: readonly PlannedImport[] = [];

  constructor(kept: KeptPlan, bytes: Uint8Array) {
    this.#kept = kept;
    this.#bytes = bytes;
    this.#types = new TypeReader(kept.types);
    this.#options = kept.options.map(([rest, memory, realloc, postReturn, callback]) => ({
      ...rest,
      memory: itemOf(memory),
      realloc: itemOf(realloc),
      postReturn: itemOf(postReturn),
      callback: itemOf(callback),
    }));
    this.#lifts = kept.lifts.map((each) => this.#lift(each));
  }

  read(name: string): LinkPlan {
    const { instances, resources, modules, imports, steps, coreInstances, coreValues, exports } = this.#kept;
    this.#imports = imports.map((each) => this.#import(each));
    return {
      name,
      instances: instances.map(([parent, own, isFused, usesContext]): PlannedInstance => ({
        parent: parent === -1 ? undefined : parent,
        name: own ?? name,
        isFused,
        usesContext,
      })),
      resources: resources.map(([own, owner, destructor, path]): PlannedResource => ({
        name: own,
        owner: owner === -1 ? undefined : owner,
        destructor: itemOf(destructor),
        path: at(this.#kept.paths, path),
      })),
      modules: modules.map(([offset, length, own]) => ({
        bytes: this.#bytes.subarray(offset, offset + length),
        name: own,
      })),
      imports: this.#imports,
      steps: steps.map((step) => this.#step(step)),
      coreInstances,
      coreValues,
      exports: this.#exports(exports),
    };
  }

  #import([path, name, type, resources]: KeptPlan["imports"][number]): PlannedImport {
    const types = this.#types;
    return {
      path: at(this.#kept.paths, path),
      name,
      get type() {
        return types.at(type);
      },
      resources,
    };
  }

  #lift([owner, core, options, type, resources, name]: KeptPlan["lifts"][number]): PlannedLift {
    const types = this.#types;
    return {
      kind: "lift",
      owner,
      core: known(itemOf(core)),
      options: at(this.#options, options),
      get type() {
        return types.at(type);
      },
      resources,
      name,
    };
  }

  #step(step: KeptStep): Step {
    switch (step[0]) {
      case "instantiate": {
        const [kind, index, owner, module, imports] = step;
        return { kind, index, owner, module, imports: importsOf(imports) };
      }
      case "lower":
        return this.#lower(step);
      case "fuse":
        return this.#fuse(step);
      case "builtin": {
        const [kind, index, owner, builtin] = step;
        return { kind, index, owner, builtin };
      }
      case "resource-new":
      case "resource-drop":
      case "resource-rep": {
        const [kind, index, owner, resource] = step;
        return { kind, index, owner, resource };
      }
    }
  }

  #lower(step: Extract<KeptStep, readonly ["lower", ...unknown[]]>): LowerStep {
    const [kind, index, owner, options, type, resources, imported, coreParams] = step;
    const types = this.#types;
    return {
      kind,
      import: imported,
      coreParams,
      index,
      owner,
      options: at(this.#options, options),
      get type() {
        return types.at(type);
      },
      resources,
    };
  }

  #fuse(step: Extract<KeptStep, readonly ["fuse", ...unknown[]]>): FuseStep {
    const [kind, index, owner, options, type, resources, callee, enters] = step;
    const types = this.#types;
    return {
      kind,
      callee: at(this.#lifts, callee),
      enters,
      index,
      owner,
      options: at(this.#options, options),
      get type() {
        return types.at(type);
      },
      resources,
    };
  }

  #exports(exports: readonly KeptExport[]): ReadonlyMap<string, PlannedExport> {
    return new Map(exports.map((each) => [each[1], this.#export(each)]));
  }

  #export(kept: KeptExport): PlannedExport {
    switch (kept[0]) {
      case "function": {
        const [kind, , lift, imported] = kept;
        const called: PlannedFunction = lift === -1 ? { kind: "import", import: imported } : at(this.#lifts, lift);
        const typed = lift === -1 ? at(this.#imports, imported) : at(this.#lifts, lift);
        return {
          kind,
          function: called,
          get type() {
            return typed.type;
          },
        };
      }
      case "instance":
        return { kind: kept[0], exports: this.#exports(kept[2]) };
      case "type":
        return { kind: kept[0], resource: kept[2] ?? undefined };
      case "module":
      case "component":
        return { kind: kept[0] };
    }
  }
}

function itemOf(item: KeptItem | undefined): CoreItem | undefined {
  if (item === null || item === undefined) return undefined;
  if (typeof item === "number") return { kind: "value", index: item };
  return { kind: "export", instance: item[0], name: item[1] };
}

function importsOf(kept: readonly KeptImports[]): InstantiateStep["imports"] {
  return kept.flatMap(([module, names, items]) =>
    names.map((name, index) => ({ module, name, item: known(itemOf(items[index])) })),
  );
}

function at<T>(values: readonly T[], index: number): T {
  return known(values[index]);
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("A kept plan names what it does not have");
  return value;
}
