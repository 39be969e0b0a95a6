import { SampanError } from "../../base/index.ts";
import { findFunction, functionNames, type LinkPlan, type PlannedLift } from "../../component/index.ts";

const handlerName = /^wasi:http\/incoming-handler@0\.2\.\d+#handle$/;

/** The function of a component that answers requests. @throws GUEST_EXPORT_MISSING */
export function findHandler(plan: LinkPlan): PlannedLift {
  const name = functionNames(plan).find((each) => handlerName.test(each));
  const found = name === undefined ? undefined : findFunction(plan, name);
  if (found?.function.kind !== "lift") throw exportMissing(plan, "wasi:http/incoming-handler#handle");
  return found.function;
}

/** The error of a function that a component does not export. */
export function exportMissing(plan: LinkPlan, name: string): SampanError {
  const functions = functionNames(plan);
  const offered = functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
  return new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${name}" of "${plan.name}": ${offered}`, {
    data: { functions },
  });
}
