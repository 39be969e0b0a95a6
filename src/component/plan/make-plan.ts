import { SampanError } from "../../base/index.ts";
import type {
  Builtin,
  CanonicalOptions,
  ComponentDefinition,
  ComponentFunctionType,
  CoreModuleType,
  Definition,
  ComponentExternType as ExternType,
  ResourceType,
} from "../../wasm/component/index.ts";
import { resourcesOf, weightOf } from "../canonical/layout.ts";
import { planExports } from "./plan-exports.ts";
import { bindResources, type Frame, type Item, itemAt, makeFrame } from "./items.ts";
import type {
  CoreItem,
  LinkPlan,
  PlannedImport,
  PlannedInstance,
  PlannedLift,
  PlannedModule,
  PlannedOptions,
  PlannedResource,
  Step,
} from "./link-plan.ts";

/** Most instances of components, and most steps, that one component may be made of: nesting multiplies them. */
const mostInstances = 1_000;
const mostSteps = 100_000;
/** Most definitions to go through, with the parts of the types beside them: instances that make nothing take time, too. */
const mostWork = 4_000_000;
/** Most parts of the types of all functions that cross between instances or to the host: code is made for each. */
const mostParts = 500_000;

/**
 * Makes the link plan of a component, by going through its definitions as an instantiation would, with numbers in place of what
 * an instantiation makes (component model, Explainer: Component Definitions).
 *
 * @throws COMPONENT_IMPORT_UNSUPPORTED for a root that imports components, core modules or values; COMPONENT_TOO_LARGE
 */
export function makePlan(component: ComponentDefinition, name: string): LinkPlan {
  return new Planning(name).run(component);
}

type DefinitionOf<K extends Definition["kind"]> = Extract<Definition, { readonly kind: K }>;

class Planning {
  readonly #name: string;
  readonly #instances: PlannedInstance[] = [];
  readonly #resources: PlannedResource[] = [];
  readonly #modules: PlannedModule[] = [];
  readonly #moduleTypes: CoreModuleType[] = [];
  readonly #moduleNumbers = new Map<Definition, number>();
  readonly #imports: PlannedImport[] = [];
  readonly #steps: Step[] = [];
  #coreInstances = 0;
  #coreValues = 0;
  #work = 0;
  #parts = 0;

  constructor(name: string) {
    this.#name = name;
  }

  run(component: ComponentDefinition): LinkPlan {
    const root = makeFrame(this.#addInstance(undefined, component.name ?? this.#name), undefined);
    const exported = this.#enter(component, root, (definition) => this.#rootImport(definition, root));
    return {
      name: this.#name,
      instances: this.#instances,
      resources: this.#resources,
      modules: this.#modules,
      imports: this.#imports,
      steps: this.#steps,
      coreInstances: this.#coreInstances,
      coreValues: this.#coreValues,
      exports: planExports(exported, { path: [], types: component.type.exports, imports: this.#imports }),
    };
  }

  #addInstance(parent: number | undefined, name: string): number {
    if (this.#instances.length >= mostInstances) throw tooLarge(this.#name, `${mostInstances} instances`);
    return this.#instances.push({ parent, name, isFused: false, usesContext: false }) - 1;
  }

  #addWork(work: number): void {
    this.#work += work;
    if (this.#work > mostWork) throw tooLarge(this.#name, `${mostWork} definitions, each instance's counted`);
  }

  #addParts(type: ComponentFunctionType): void {
    this.#parts += weightOf(type);
    if (this.#parts > mostParts) throw tooLarge(this.#name, `${mostParts} parts of functions' types`);
  }

  #bind(frame: Frame, type: ExternType, item: Item): void {
    this.#addWork(bindResources(frame.resources, type, item));
  }

  #addStep(step: Step): void {
    if (this.#steps.length >= mostSteps) throw tooLarge(this.#name, `${mostSteps} steps`);
    this.#steps.push(step);
  }

  /** Goes through the definitions of one instance and answers what it exports. */
  #enter(
    component: ComponentDefinition,
    frame: Frame,
    importOf: (definition: DefinitionOf<"import">) => Item | undefined,
  ): Map<string, Item> {
    const exported = new Map<string, Item>();
    this.#addWork(component.definitions.length);
    for (const definition of component.definitions) {
      if (definition.kind === "import") {
        const item = importOf(definition);
        if (item === undefined)
          throw new TypeError(`A validated instantiation lacks the argument "${definition.name}"`);
        this.#bind(frame, definition.type, item);
        frame.spaces[sortOf(definition.type)].push(item);
      } else if (definition.kind === "export") {
        const item = frame.spaces[definition.sort][definition.index];
        if (item === undefined) throw new TypeError(`A validated component exports nothing as "${definition.name}"`);
        this.#bind(frame, definition.type, item);
        frame.spaces[definition.sort].push(item);
        exported.set(definition.name, item);
        if (item.kind === "function" && item.function.kind === "lift") item.function.name ||= definition.name;
        if (item.kind === "type" && item.resource !== undefined)
          known(this.#resources[item.resource], definition.name).name ||= definition.name;
      } else this.#define(definition, frame);
    }
    return exported;
  }

  #define(definition: Exclude<Definition, DefinitionOf<"import" | "export">>, frame: Frame): void {
    const { spaces } = frame;
    switch (definition.kind) {
      case "core-module":
        spaces["core-module"].push({ kind: "core-module", module: this.#moduleNumber(definition) });
        break;
      case "core-instance-instantiate":
        spaces["core-instance"].push(this.#instantiateCore(definition, frame));
        break;
      case "core-instance-exports": {
        const given = new Map(definition.exports.map((each) => [each.name, itemAt(frame, each, "core").item]));
        spaces["core-instance"].push({ kind: "core-instance", get: (name) => known(given.get(name), name) });
        break;
      }
      case "core-type":
        spaces["core-type"].push({ kind: "core-type" });
        break;
      case "component":
        spaces.component.push({ kind: "component", component: definition.component, frame });
        break;
      case "instance-instantiate":
        spaces.instance.push(this.#instantiate(definition, frame));
        break;
      case "instance-exports": {
        const given = definition.exports.map(
          ({ name, sort, index }) => [name, known(spaces[sort][index], name)] as const,
        );
        const item: Item = { kind: "instance", exports: new Map(given) };
        this.#bind(frame, { kind: "instance", type: definition.type }, item);
        spaces.instance.push(item);
        break;
      }
      case "alias-export": {
        const { exports } = itemAt(frame, { sort: "instance", index: definition.instance }, "instance");
        spaces[definition.sort].push(known(exports.get(definition.name), definition.name));
        break;
      }
      case "alias-core-export": {
        const { get } = itemAt(frame, { sort: "core-instance", index: definition.instance }, "core-instance");
        spaces[definition.sort].push({ kind: "core", item: get(definition.name) });
        break;
      }
      case "alias-outer": {
        let outer: Frame | undefined = frame;
        for (let i = 0; i < definition.count; i++) outer = outer?.parent;
        spaces[definition.sort].push(known(outer?.spaces[definition.sort][definition.index], "an outer alias"));
        break;
      }
      case "type":
        spaces.type.push({
          kind: "type",
          resource: definition.type.kind === "resource" ? this.#resourceOf(definition.type, frame) : undefined,
        });
        break;
      case "lift":
        spaces.function.push({ kind: "function", function: this.#lift(definition, frame) });
        break;
      case "lower":
        spaces["core-function"].push(this.#lower(definition, frame));
        break;
      case "resource-new":
      case "resource-drop":
      case "resource-rep": {
        const resource = known(frame.resources.get(definition.resource), "a resource type");
        const index = this.#coreValues++;
        this.#addStep({ kind: definition.kind, index, owner: frame.instance, resource });
        spaces["core-function"].push({ kind: "core", item: { kind: "value", index } });
        break;
      }
      case "builtin":
        spaces["core-function"].push(this.#builtin(definition, frame));
        break;
      case "start":
      case "value":
        throw unsupported(this.#name, "values that are computed when an instance is made");
    }
  }

  #moduleNumber(definition: DefinitionOf<"core-module">): number {
    let number = this.#moduleNumbers.get(definition);
    if (number === undefined) {
      const name = `module ${this.#modules.length}`;
      number = this.#modules.push({ bytes: definition.bytes, name }) - 1;
      this.#moduleTypes.push(definition.moduleType);
      this.#moduleNumbers.set(definition, number);
    }
    return number;
  }

  #instantiateCore(definition: DefinitionOf<"core-instance-instantiate">, frame: Frame): Item {
    const { module } = itemAt(frame, { sort: "core-module", index: definition.module }, "core-module");
    const given = new Map(
      definition.args.map(({ name, instance }) => [
        name,
        itemAt(frame, { sort: "core-instance", index: instance }, "core-instance"),
      ]),
    );
    const imports = known(this.#moduleTypes[module], "a module").imports.map((wanted) => ({
      module: wanted.module,
      name: wanted.name,
      item: known(given.get(wanted.module), wanted.module).get(wanted.name),
    }));
    const instance = this.#coreInstances++;
    this.#addStep({ kind: "instantiate", index: instance, owner: frame.instance, module, imports });
    return { kind: "core-instance", get: (name) => ({ kind: "export", instance, name }) };
  }

  #instantiate(definition: DefinitionOf<"instance-instantiate">, frame: Frame): Item {
    const { component, frame: outside } = itemAt(
      frame,
      { sort: "component", index: definition.component },
      "component",
    );
    const given = new Map(
      definition.args.map(({ name, sort, index }) => [name, known(frame.spaces[sort][index], name)]),
    );
    const number = this.#addInstance(frame.instance, component.name ?? `component ${this.#instances.length}`);
    const exports = this.#enter(component, makeFrame(number, outside), ({ name }) => given.get(name));
    const item: Item = { kind: "instance", exports };
    this.#bind(frame, { kind: "instance", type: definition.type }, item);
    return item;
  }

  #resourceOf(type: ResourceType, frame: Frame): number {
    const bound = frame.resources.get(type);
    // The same object again is an alias; a definition of the component's own makes a type of each of its instances.
    if (bound !== undefined) return bound;
    const { destructor } = type.definition ?? {};
    const made = this.#resources.push({
      name: type.name ?? "",
      owner: frame.instance,
      destructor:
        destructor === undefined ? undefined : itemAt(frame, { sort: "core-function", index: destructor }, "core").item,
      path: [],
    });
    frame.resources.set(type, made - 1);
    return made - 1;
  }

  #options(options: CanonicalOptions, frame: Frame): PlannedOptions {
    const { memory, realloc, postReturn, callback, ...rest } = options;
    const functionAt = (index: number | undefined): CoreItem | undefined =>
      index === undefined ? undefined : itemAt(frame, { sort: "core-function", index }, "core").item;
    return {
      ...rest,
      memory: memory === undefined ? undefined : itemAt(frame, { sort: "core-memory", index: memory }, "core").item,
      realloc: functionAt(realloc),
      postReturn: functionAt(postReturn),
      callback: functionAt(callback),
    };
  }

  #resourceNumbers(type: ComponentFunctionType, frame: Frame): number[] {
    return resourcesOf(type).map((resource) => known(frame.resources.get(resource), "a resource type"));
  }

  #lift({ function: index, options, type }: DefinitionOf<"lift">, frame: Frame): PlannedLift {
    this.#addParts(type);
    return {
      kind: "lift",
      owner: frame.instance,
      core: itemAt(frame, { sort: "core-function", index }, "core").item,
      options: this.#options(options, frame),
      type,
      resources: this.#resourceNumbers(type, frame),
      name: "",
    };
  }

  #lower(definition: DefinitionOf<"lower">, frame: Frame): Item {
    const { type, coreType } = definition;
    this.#addParts(type);
    const callee = itemAt(frame, { sort: "function", index: definition.function }, "function").function;
    const index = this.#coreValues++;
    const shared = {
      index,
      owner: frame.instance,
      options: this.#options(definition.options, frame),
      type,
      resources: this.#resourceNumbers(type, frame),
    };
    if (callee.kind === "import")
      this.#addStep({ kind: "lower", import: callee.import, coreParams: coreType.params.length, ...shared });
    else {
      const inside = new Set(this.#selfAndAncestors(frame.instance));
      const enters = this.#selfAndAncestors(callee.owner).filter((each) => !inside.has(each));
      for (const each of [frame.instance, callee.owner, ...enters]) known(this.#instances[each], "").isFused = true;
      this.#addStep({ kind: "fuse", callee, enters, ...shared });
    }
    return { kind: "core", item: { kind: "value", index } };
  }

  #selfAndAncestors(instance: number): number[] {
    const found: number[] = [];
    for (let each: number | undefined = instance; each !== undefined; each = this.#instances[each]?.parent)
      found.push(each);
    return found;
  }

  #builtin(definition: DefinitionOf<"builtin">, frame: Frame): Item {
    const index = this.#coreValues++;
    const { kind: _kind, coreType: _coreType, ...builtin } = definition;
    if (builtin.name === "context.get" || builtin.name === "context.set")
      known(this.#instances[frame.instance], "").usesContext = true;
    this.#addStep({ kind: "builtin", index, owner: frame.instance, builtin: builtin satisfies Builtin });
    return { kind: "core", item: { kind: "value", index } };
  }

  #rootImport({ name, type }: DefinitionOf<"import">, frame: Frame): Item {
    return this.#imported(type, { path: [], name, frame });
  }

  /** What stands for something that the host gives. */
  #imported(type: ExternType, { path, name, frame }: { path: readonly string[]; name: string; frame: Frame }): Item {
    switch (type.kind) {
      case "function": {
        const resources = this.#resourceNumbers(type.type, frame);
        const index = this.#imports.push({ path, name, type: type.type, resources }) - 1;
        return { kind: "function", function: { kind: "import", import: index } };
      }
      case "instance": {
        const exports = new Map<string, Item>();
        const inner = [...path, name];
        for (const [each, itsType] of type.type.exports)
          exports.set(each, this.#imported(itsType, { path: inner, name: each, frame }));
        return { kind: "instance", exports };
      }
      case "type": {
        if (type.type.kind !== "resource") return { kind: "type", resource: undefined };
        let resource = frame.resources.get(type.type);
        if (resource === undefined) {
          resource = this.#resources.push({ name, owner: undefined, destructor: undefined, path }) - 1;
          frame.resources.set(type.type, resource);
        }
        return { kind: "type", resource };
      }
      case "core-module":
      case "component":
      case "value":
        throw unsupported(this.#name, `its import "${name}", which is a ${type.kind.replace("-", " ")}`);
    }
  }
}

function sortOf(type: ExternType): "core-module" | "function" | "value" | "type" | "component" | "instance" {
  return type.kind;
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TypeError(`A validated component does not have "${what}"`);
  return value;
}

function unsupported(name: string, what: string): SampanError {
  return new SampanError(
    "COMPONENT_IMPORT_UNSUPPORTED",
    `Cannot link "${name}" with ${what}: Sampan does not link it`,
    {
      hint: "compose it with what it needs first, so that one component is left",
    },
  );
}

function tooLarge(name: string, most: string): SampanError {
  return new SampanError("COMPONENT_TOO_LARGE", `Cannot link "${name}": it is made of more than ${most}`);
}
