import { keepComponent, runComponent } from "../run-late.ts";
import { type RunReport, type RunRequest, reportLater } from "../run.ts";
import { callComponent, commandOf, compileOptionsOf } from "./call-component.ts";
import { isWhole } from "./is-whole.ts";
import { findComponent, type FoundComponent, keyOfComponent } from "./kept-component.ts";

/**
 * `runComponent` for what most components are: commands that the cache knows and that import the usual interfaces and do not call
 * from component to component. What others need, and what decodes, checks and plans, is loaded for those that come.
 */
export async function runKeptComponent(request: RunRequest, timeout?: number): Promise<RunReport> {
  if (request.invoke === undefined) {
    const options = compileOptionsOf(request, timeout);
    const place = keyOfComponent(request.bytes, options);
    const find = (): FoundComponent | undefined => place && findComponent(request.bytes, place, options);
    let found = find();
    if (found === undefined && place !== undefined) {
      await keepComponent(request, timeout);
      found = find();
    }
    const command = found === undefined || needsMore(found) ? undefined : commandOf(found.plan);
    if (found !== undefined && command !== undefined) {
      const { compile } = found;
      return reportLater(request, (notes) => callComponent(compile(), command, { request, notes, timeout }));
    }
  }
  return runComponent(request, timeout);
}

/** What nearly every command imports. */
const usual = /^wasi:(?:cli|clocks|filesystem|io|random)\//;

/** Whether a component needs code that the bundle is without: of other interfaces, or of adapters between the components in it. */
function needsMore({ plan: { imports, steps } }: FoundComponent): boolean {
  if (isWhole === true) return false;
  return imports.some(({ path: [name = ""] }) => !usual.test(name)) || steps.some(({ kind }) => kind === "fuse");
}
