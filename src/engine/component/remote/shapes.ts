import { SampanError } from "../../../base/index.ts";
import {
  findFunction,
  functionNames,
  type LinkPlan,
  type PlannedExport,
  type PlannedLift,
  resourcesOf,
} from "../../../component/index.ts";
import type { ComponentFunctionType, ComponentValueType } from "../../../wasm/component/index.ts";
import type { HandleType } from "./cross-value.ts";

/** A function as its values cross. */
export interface Shape {
  /** What messages call it. */
  readonly name: string;
  readonly type: ComponentFunctionType;
  /** The type of what it answers, and of the error that it may throw instead. */
  readonly result: ComponentValueType | undefined;
  readonly error: ComponentValueType | undefined;
  /** Whether it may throw one. */
  readonly isFallible: boolean;
  /** The number of a resource type in the plan. */
  readonly numberOf: (type: HandleType) => number;
}

/** The interface whose resources are streams of a program's, of any version of WASI 0.2. */
const streams = /^wasi:io\/streams@0\.2\.\d+(?:\+.*)?$/;

function shapeOf(name: string, type: ComponentFunctionType, resources: readonly number[]): Shape {
  const { result } = type;
  const isFallible = result?.kind === "result";
  const slots = resourcesOf(type);
  return {
    name,
    type,
    result: isFallible ? result.ok : result,
    error: isFallible ? result.error : undefined,
    isFallible,
    numberOf: ({ resource }) => resources[slots.indexOf(resource)] ?? -1,
  };
}

/** The functions of a plan as their values cross; each is found when it is first called. */
export class Shapes {
  readonly plan: LinkPlan;
  readonly #exports = new Map<string, Shape>();
  readonly #imports = new Map<number, Shape>();
  #names: Map<PlannedLift, string> | undefined;

  constructor(plan: LinkPlan) {
    this.plan = plan;
  }

  /** An export, by `interface#function`; undefined where there is none. */
  export(name: string): Shape | undefined {
    const known = this.#exports.get(name);
    if (known !== undefined) return known;
    const found = findFunction(this.plan, name);
    if (found === undefined) return undefined;
    const { function: planned } = found;
    const shape =
      planned.kind === "import" ? this.import(planned.import) : shapeOf(planned.name, planned.type, planned.resources);
    this.#exports.set(name, shape);
    return shape;
  }

  /** An import, by its number. */
  import(number: number): Shape {
    let shape = this.#imports.get(number);
    if (shape === undefined) {
      const planned = this.plan.imports[number];
      if (planned === undefined) throw new TypeError(`A plan has no import ${number}`);
      shape = shapeOf([...planned.path, planned.name].join("#"), planned.type, planned.resources);
      this.#imports.set(number, shape);
    }
    return shape;
  }

  /** The name of an export as {@link export} takes it. */
  nameOf(lift: PlannedLift): string {
    this.#names ??= liftNames(this.plan);
    const name = this.#names.get(lift);
    if (name !== undefined) return name;
    // WIT has no interfaces within interfaces; other tools may write some.
    const message = `Cannot call "${lift.name}" behind a cordon: it stands in an instance within another`;
    throw new SampanError("GUEST_EXPORT_MISSING", message);
  }

  /** The name of a resource type where it is one of WASI's streams. */
  streamNameOf(resource: number): string | undefined {
    const planned = this.plan.resources[resource];
    return planned?.owner === undefined && streams.test(planned?.path[0] ?? "") ? planned?.name : undefined;
  }

  /** Whether the host defines a resource type. */
  isHosts(resource: number): boolean {
    return this.plan.resources[resource]?.owner === undefined;
  }
}

function liftNames(plan: LinkPlan): Map<PlannedLift, string> {
  const names = new Map<PlannedLift, string>();
  for (const name of functionNames(plan)) {
    const planned: Extract<PlannedExport, { kind: "function" }> | undefined = findFunction(plan, name);
    if (planned?.function.kind === "lift") names.set(planned.function, name);
  }
  return names;
}
