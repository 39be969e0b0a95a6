import type { LinkPlan } from "../../component/index.ts";
import type { FreshGuest, FreshLayout } from "../fresh-state/fresh-instances.ts";
import type { ComponentInstance } from "./component-instance.ts";
import type { ComponentModule } from "./component-module.ts";

/** An instance of a component that can be used again after it was put back: what it has of the host is another for each use. */
export class ReusableComponent implements FreshGuest {
  readonly instance: ComponentInstance;
  readonly hasInitializer: boolean;
  /** Whether what it did when it was made cannot be done again: then it is used once. */
  readonly isUnique: boolean;

  /** `instance` is one that was made, with its start functions put off where they come last. */
  constructor(instance: ComponentInstance) {
    this.instance = instance;
    this.hasInitializer = instance.hasStarts;
    this.isUnique = instance.traces > 0;
  }

  get memories(): readonly WebAssembly.Memory[] {
    return this.instance.memories;
  }

  get hostCalls(): number {
    return this.instance.traces;
  }

  get isReusable(): boolean {
    return !this.isUnique && this.instance.isAtRest;
  }

  save(): void {
    for (const { save } of this.instance.state) save();
  }

  restore(): boolean {
    for (const { restore } of this.instance.state) if (restore() !== 1) return false;
    return true;
  }

  initialize(): void | Promise<void> {
    return this.instance.initialize();
  }

  rest(): void {
    this.instance.endUse();
  }

  renew(): void {
    this.instance.beginUse("as-new");
  }

  close(): void {
    this.instance.endUse();
    void this.instance.close();
  }
}

/** What is known of the state of a component's instances. */
export function layoutOf({ plan, modules }: ComponentModule): FreshLayout {
  const made = instantiated(plan).flatMap(({ module }) => modules[module]?.layout ?? []);
  const unrestorable = made.find((each) => each.unrestorable !== undefined)?.unrestorable;
  const canRestore = made.every(({ restore }) => restore !== undefined);
  return {
    memories: made.flatMap(({ memories }) => memories),
    ...(canRestore ? { restore: {} } : {}),
    ...(unrestorable === undefined ? {} : { unrestorable }),
  };
}

/**
 * Whether start functions may run behind everything else: a module that is instantiated after one of its component could see, by a
 * memory or table of both, that it did not run yet.
 */
export function startsLast({ plan, modules }: ComponentModule): boolean {
  const started = new Set<number>();
  for (const { module, owner } of instantiated(plan)) {
    if (started.has(owner)) return false;
    if (modules[module]?.layout.start !== undefined) started.add(owner);
  }
  return true;
}

function instantiated({ steps }: LinkPlan) {
  return steps.filter((step) => step.kind === "instantiate");
}
