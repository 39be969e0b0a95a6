import { SampanError } from "../../base/index.ts";
import { ComponentError, functionNames, type LinkPlan, type WaveOutcome } from "../../component/index.ts";
import { ownCache } from "../cache/index.ts";
import type { RunEnding } from "../ending.ts";
import { EpochThread, EpochWatcher } from "../epoch.ts";
import type { CompileOptions } from "../guest-module.ts";
import { GuestThread } from "../guest-thread.ts";
import { MapBudget } from "../map-budget.ts";
import { type Notes, traceTo } from "../run-notes.ts";
import type { RunRequest } from "../run.ts";
import type { Frame } from "../trap.ts";
import { Components } from "./components.ts";
import type { ComponentModule } from "./kept-component.ts";

/** How long what was written to connections may take to go out after the guest's end, in ms. */
const longestFlush = 5_000;

/** A call of a component's function. */
export interface WantedCall {
  /** The function's name, with its interface's. */
  readonly text: string;
  readonly values: readonly unknown[];
  /** What its answer comes to. */
  readonly endingOf: (outcome: WaveOutcome) => RunEnding;
}

/** What a call is made with. */
export interface CallSurroundings {
  readonly request: RunRequest;
  readonly notes: Notes;
  /** When it is ended, in ms. */
  readonly timeout: number | undefined;
}

/** How a component is compiled that is run so. */
export function compileOptionsOf(request: RunRequest, timeout: number | undefined): CompileOptions {
  const { name, file, limits } = request;
  const checks = needsChecks(request, timeout);
  const hotFunctions = (request.hotFunctions ?? true) && (checks || "here");
  return { name, file, memory: limits.memory, checks, hotFunctions, cache: ownCache() };
}

/** Alone in its process it needs no checks but for its deadline. */
function needsChecks(request: RunRequest, timeout: number | undefined): boolean {
  return request.checks === true || timeout !== undefined;
}

/** Makes an instance that has the process for itself, calls a function of it and answers how that ended. */
export async function callComponent(
  component: ComponentModule,
  { text, values, endingOf }: WantedCall,
  { request, notes, timeout }: CallSurroundings,
): Promise<RunEnding> {
  const { limits, grants, args, features, trace } = request;
  const checks = needsChecks(request, timeout);
  const watcher = new EpochWatcher();
  const epoch = new EpochThread(watcher.control, () => (checks ? watcher.start() : undefined));
  watcher.add(epoch.memory);
  const components = new Components({ thread: new GuestThread(epoch), maps: new MapBudget(), checkPlace: () => {} });
  const mode = waitsInLoop(component.plan) ? "async" : "sync";
  const watch = {
    observer: notes,
    trace: trace ? traceTo(2, grants, notes) : undefined,
    namesRefusals: true,
    ownsProcess: true,
  };
  const options = { args, grants, features, mode, limits: { ...limits, deadline: timeout } } as const;
  try {
    const instance = await components.instantiate(component, options, watch);
    const ending = await endingOfCall(() => instance.invoke(text, ...values), endingOf);
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
function waitsInLoop({ imports }: LinkPlan): boolean {
  return imports.some(({ path: [name = ""] }) => /^(?:wasi:(?:sockets|http)|spin:postgres|fermyon:spin)\//.test(name));
}

/** The call of `wasi:cli/run#run`; undefined for a component that is no command. */
export function commandOf(plan: LinkPlan): WantedCall | undefined {
  const text = functionNames(plan).find((each) => /^wasi:cli\/run(?:@[^#]*)?#run$/.test(each));
  if (text === undefined) return undefined;
  return { text, values: [], endingOf: (outcome) => ({ kind: "exit", code: "thrown" in outcome ? 1 : 0 }) };
}

/** Why a component that is no command cannot be run, and what could be called in place of it. */
export function noCommand(plan: LinkPlan, name: string): SampanError {
  const message = `Cannot run "${name}": it has no "wasi:cli/run", so it is a library and no program; ${offeredBy(plan)}`;
  const names = functionNames(plan);
  const last = names.at(-1);
  const isServed = names.some((each) => each.startsWith("wasi:http/incoming-handler@0.2."));
  const call = last === undefined ? undefined : `call one with --invoke '${last}(…)'`;
  return new SampanError("GUEST_EXPORT_MISSING", message, {
    hint: isServed ? `it answers HTTP requests: sampan serve ${name}` : call,
  });
}

/** What a component exports, in words. */
export function offeredBy(plan: LinkPlan): string {
  const functions = functionNames(plan);
  return functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
}

async function endingOfCall(call: () => Promise<unknown>, endingOf: WantedCall["endingOf"]): Promise<RunEnding> {
  let outcome: WaveOutcome;
  try {
    outcome = { returned: await call() };
  } catch (error) {
    if (!(error instanceof ComponentError)) return endingOfFailure(error);
    outcome = { thrown: error.payload };
  }
  return endingOf(outcome);
}

/** The ending of what an instance threw. @throws the error where it is none of a guest's end */
function endingOfFailure(error: unknown): RunEnding {
  if (!(error instanceof SampanError)) throw error;
  if (error.code === "GUEST_TRAPPED") return trapEnding(error);
  if (error.code !== "GUEST_EXITED") throw error;
  const { code, signal } = error.data as { readonly code: number; readonly signal?: number };
  return signal === undefined ? { kind: "exit", code } : { kind: "signal", signal };
}

function trapEnding({ data, hint }: SampanError): RunEnding {
  const {
    text,
    function: called,
    backtrace,
  } = data as {
    readonly text: string;
    readonly function?: string;
    readonly backtrace: readonly Frame[];
  };
  return { kind: "trap", message: called === undefined ? text : `${text} (in ${called})`, backtrace, hint };
}
