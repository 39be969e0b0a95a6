import { SampanError } from "../../base/index.ts";
import {
  findFunction,
  functionNames,
  parseWaveArguments,
  printWaveOutcome,
  splitWaveCall,
} from "../../component/index.ts";
import { type RunReport, type RunRequest, reportLater } from "../run.ts";
import { callComponent, compileOptionsOf, commandOf, noCommand, offeredBy, type WantedCall } from "./call-component.ts";
import { type ComponentModule, compileComponent } from "./component-module.ts";

/**
 * Runs a component on this process's standard streams: calls `wasi:cli/run#run`, or the function that the request names,
 * `interface#func(args)` with the arguments in WAVE, and answers what that returns in WAVE. It ends after `timeout` ms
 * (LIMIT_DEADLINE). Errors of the catalog are its ending.
 */
export function runComponent(request: RunRequest, timeout?: number): Promise<RunReport> {
  return reportLater(request, (notes) => {
    const component = compileComponent(request.bytes, compileOptionsOf(request, timeout));
    return callComponent(component, callOf(component, request), { request, notes, timeout });
  });
}

/** Has the cache know a component as `sampan run` compiles it. What is wrong with it, running it says. */
export function keepComponent(request: RunRequest, timeout?: number): void {
  try {
    compileComponent(request.bytes, compileOptionsOf(request, timeout));
  } catch (error) {
    if (!(error instanceof SampanError)) throw error;
  }
}

/** The function that is to be called, and its arguments. @throws GUEST_EXPORT_MISSING, CLI_USAGE, and what reading WAVE throws */
function callOf({ plan }: ComponentModule, { invoke, name }: RunRequest): WantedCall {
  if (invoke === undefined) {
    const command = commandOf(plan);
    if (command !== undefined) return command;
    throw noCommand(plan, name);
  }
  const words = invoke.args.join(", ");
  const call = splitWaveCall(invoke.name);
  if (call.args !== undefined && words !== "") {
    const message = `Cannot call "${call.name}" with ${words} as well: its arguments stand in parentheses`;
    throw new SampanError("CLI_USAGE", message, { hint: `type --invoke '${call.name}(${words})'` });
  }
  const found = findFunction(plan, call.name);
  if (found === undefined)
    throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${call.name}" of "${name}": ${offeredBy(plan)}`, {
      data: { functions: functionNames(plan) },
    });
  const { type } = found;
  return {
    text: call.name,
    values: parseWaveArguments(call.args ?? `(${words})`, type),
    endingOf: (outcome) => ({
      kind: "values",
      values: type.result === undefined ? [] : [printWaveOutcome(outcome, type)],
    }),
  };
}
