import type { CallRow, CallTable } from "./bind.ts";
import type { Preview1Context } from "./preview1-context.ts";
import { preview1Modules } from "./preview1/index.ts";
import { wasmedgeModule, wasmedgeVersions } from "./wasmedge/index.ts";

/** Each name's calls in the order in which they are offered, by module and name. */
const offered: ReadonlyMap<string, ReadonlyMap<string, readonly CallRow<Preview1Context>[]>> = new Map(
  Object.entries(preview1Modules).map(([module, table]) => [
    module,
    withVersions(table, module === wasmedgeModule ? wasmedgeVersions : {}),
  ]),
);

function withVersions(
  table: CallTable<Preview1Context>,
  versions: Readonly<Record<string, readonly CallRow<Preview1Context>[]>>,
): Map<string, readonly CallRow<Preview1Context>[]> {
  const calls = new Map(Object.entries(table).map(([name, row]) => [name, [row]]));
  for (const [name, rows] of Object.entries(versions)) calls.set(name, [...(calls.get(name) ?? []), ...rows]);
  return calls;
}

/**
 * The calls that a guest may mean by a module and a name, none where nobody provides it: versions of a call share a name, and
 * the type of the import tells which one is meant.
 */
export function callsNamed(module: string, name: string): readonly CallRow<Preview1Context>[] {
  return offered.get(module)?.get(name) ?? [];
}
