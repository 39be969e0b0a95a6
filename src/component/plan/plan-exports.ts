import type { ComponentExternType as ExternType } from "../../wasm/component/index.ts";
import type { Item } from "./items.ts";
import type { PlannedExport, PlannedImport } from "./link-plan.ts";

/** What {@link planExports} needs of what it is asked about. */
export interface ExportPlanning {
  /** Names of the instances that the items stand in, from the outside in. */
  readonly path: readonly string[];
  /** What the component's type says that it exports: nothing else is seen. */
  readonly types: ReadonlyMap<string, ExternType>;
  readonly imports: readonly PlannedImport[];
}

/** What the root exports, with functions named by where they stand. */
export function planExports(
  items: ReadonlyMap<string, Item>,
  { path, types, imports }: ExportPlanning,
): Map<string, PlannedExport> {
  const exported = new Map<string, PlannedExport>();
  for (const [name, item] of items) {
    const type = types.get(name);
    if (type === undefined) continue;
    if (item.kind === "function") {
      const { function: planned } = item;
      if (planned.kind === "lift") planned.name = [...path, name].join("#");
      const itsType = planned.kind === "lift" ? planned.type : imports[planned.import]?.type;
      if (itsType !== undefined) exported.set(name, { kind: "function", function: planned, type: itsType });
    } else if (item.kind === "instance") {
      const inner = type.kind === "instance" ? type.type.exports : new Map<string, ExternType>();
      const exports = planExports(item.exports, { path: [...path, name], types: inner, imports });
      exported.set(name, { kind: "instance", exports });
    } else if (item.kind === "type") exported.set(name, { kind: "type", resource: item.resource });
    else exported.set(name, { kind: item.kind === "component" ? "component" : "module" });
  }
  return exported;
}
