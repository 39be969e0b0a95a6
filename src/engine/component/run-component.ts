import { SampanError } from "../../base/index.ts";
import {
  ComponentError,
  findFunction,
  functionNames,
  parseWaveArguments,
  printWaveOutcome,
  splitWaveCall,
  type WaveOutcome,
} from "../../component/index.ts";
import type { ComponentFunctionType } from "../../wasm/component/index.ts";
import type { RunEnding } from "../ending.ts";
import { ownCache } from "../cache/index.ts";
import { EpochThread, EpochWatcher } from "../epoch.ts";
import { GuestThread } from "../guest-thread.ts";
import { MapBudget } from "../map-budget.ts";
import { type Notes, traceTo } from "../run-notes.ts";
import { type RunReport, type RunRequest, reportLater } from "../run.ts";
import type { Frame } from "../trap.ts";
import { type ComponentModule, compileComponent } from "./component-module.ts";
import { Components } from "./components.ts";

/** How long what was written to connections may take to go out after the guest's end, in ms. */
const longestFlush = 5_000;

/**
 * Runs a component on this process's standard streams: calls `wasi:cli/run#run`, or the function that the request names,
 * `interface#func(args)` with the arguments in WAVE, and answers what that returns in WAVE. It ends after `timeout` ms
 * (LIMIT_DEADLINE). Errors of the catalog are its ending.
 */
export function runComponent(request: RunRequest, timeout?: number): Promise<RunReport> {
  return reportLater(request, (notes) => endingOf(request, notes, timeout));
}

async function endingOf(request: RunRequest, notes: Notes, deadline: number | undefined): Promise<RunEnding> {
  const { bytes, name, limits, grants, args, features, trace } = request;
  // Alone in its process it needs no checks but for its deadline.
  const checks = request.checks === true || deadline !== undefined;
  const component = compileComponent(bytes, {
    name,
    file: request.file,
    memory: limits.memory,
    checks,
    hotFunctions: (request.hotFunctions ?? true) && (checks || "here"),
    cache: ownCache(),
  });
  const { text, values, type } = callOf(component, request);
  const watcher = new EpochWatcher();
  const epoch = new EpochThread(watcher.control, () => (checks ? watcher.start() : undefined));
  watcher.add(epoch.memory);
  const components = new Components({ thread: new GuestThread(epoch), maps: new MapBudget(), checkPlace: () => {} });
  const mode = waitsInLoop(component) ? "async" : "sync";
  const watch = {
    observer: notes,
    trace: trace ? traceTo(2, grants, notes) : undefined,
    namesRefusals: true,
    ownsProcess: true,
  };
  const options = { args, grants, features, mode, limits: { ...limits, deadline } } as const;
  try {
    const instance = await components.instantiate(component, options, watch);
    const ending = await endingOfCall(() => instance.invoke(text, ...values), {
      type,
      isCommand: request.invoke === undefined,
    });
    await instance.flushed(longestFlush);
    return ending;
  } catch (error) {
    return endingOfFailure(error);
  } finally {
    await components.close();
    await watcher.close();
  }
}

/** Whether a component uses the network, whose bytes the event loop moves; else it blocks its thread, which is quicker. */
function waitsInLoop({ plan }: ComponentModule): boolean {
  return plan.imports.some(({ path: [name = ""] }) => /^wasi:(?:sockets|http)\//.test(name));
}

async function endingOfCall(
  call: () => Promise<unknown>,
  { type, isCommand }: { readonly type: ComponentFunctionType; readonly isCommand: boolean },
): Promise<RunEnding> {
  let outcome: WaveOutcome;
  try {
    outcome = { returned: await call() };
  } catch (error) {
    if (!(error instanceof ComponentError)) return endingOfFailure(error);
    outcome = { thrown: error.payload };
  }
  if (isCommand) return { kind: "exit", code: "thrown" in outcome ? 1 : 0 };
  return { kind: "values", values: type.result === undefined ? [] : [printWaveOutcome(outcome, type)] };
}

/** The ending of what an instance threw. @throws the error where it is none of a guest's end */
function endingOfFailure(error: unknown): RunEnding {
  if (!(error instanceof SampanError)) throw error;
  if (error.code === "GUEST_TRAPPED") return trapEnding(error);
  if (error.code !== "GUEST_EXITED") throw error;
  const { code, signal } = error.data as { readonly code: number; readonly signal?: number };
  return signal === undefined ? { kind: "exit", code } : { kind: "signal", signal };
}

interface WantedCall {
  /** The function's name, with its interface's. */
  readonly text: string;
  readonly values: readonly unknown[];
  readonly type: ComponentFunctionType;
}

/** The function that is to be called, and its arguments. @throws GUEST_EXPORT_MISSING, CLI_USAGE, and what reading WAVE throws */
function callOf({ plan }: ComponentModule, { invoke, name }: RunRequest): WantedCall {
  const functions = functionNames(plan);
  const offered = functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
  if (invoke === undefined) {
    const command = functions.find((each) => /^wasi:cli\/run(?:@[^#]*)?#run$/.test(each));
    const run = command === undefined ? undefined : findFunction(plan, command);
    if (command !== undefined && run !== undefined) return { text: command, values: [], type: run.type };
    const message = `Cannot run "${name}": it has no "wasi:cli/run", so it is a library and no program; ${offered}`;
    const hint = functions.length === 0 ? undefined : `call one with --invoke '${functions.at(-1)}(…)'`;
    throw new SampanError("GUEST_EXPORT_MISSING", message, { hint });
  }
  const words = invoke.args.join(", ");
  const call = splitWaveCall(invoke.name);
  if (call.args !== undefined && words !== "") {
    const message = `Cannot call "${call.name}" with ${words} as well: its arguments stand in parentheses`;
    throw new SampanError("CLI_USAGE", message, { hint: `type --invoke '${call.name}(${words})'` });
  }
  const found = findFunction(plan, call.name);
  if (found === undefined)
    throw new SampanError("GUEST_EXPORT_MISSING", `Cannot call "${call.name}" of "${name}": ${offered}`, {
      data: { functions },
    });
  return { text: call.name, values: parseWaveArguments(call.args ?? `(${words})`, found.type), type: found.type };
}

function trapEnding({ data }: SampanError): RunEnding {
  const {
    text,
    function: called,
    backtrace,
  } = data as {
    readonly text: string;
    readonly function?: string;
    readonly backtrace: readonly Frame[];
  };
  return { kind: "trap", message: called === undefined ? text : `${text} (in ${called})`, backtrace };
}
