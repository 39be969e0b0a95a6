import type { BigIntStats } from "node:fs";
import { SampanError } from "../base/index.ts";
import type { AccessRequest, Grants } from "../capabilities/index.ts";
import { HostWorkload, type NetworkLimits } from "../host/index.ts";
import { explainBacktrace } from "./backtrace.ts";
import { ownCache } from "./cache/index.ts";
import { endingFrom, endingOfError, type RunEnding } from "./ending.ts";
import { watchedThread } from "./epoch.ts";
import { compileGuest, type GuestModule } from "./guest-module.ts";
import { GuestThread } from "./guest-thread.ts";
import { Guest } from "./guest.ts";
import { invokeArguments } from "./invoke.ts";
import { memoryHint } from "./memory-hint.ts";
import { type NoteListener, Notes, traceTo } from "./run-notes.ts";

/** What is run and with what: data that structured clone carries. */
export interface RunRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How messages call the module. */
  readonly name: string;
  /** Where the files are that the module names for its debug information; without it none is read. */
  readonly folder?: string | undefined;
  /** argv, the program's name first. */
  readonly args: readonly string[];
  readonly grants: Grants;
  readonly limits: RunLimits;
  /** The export to call in place of `_start`, with its arguments as text. */
  readonly invoke?: { readonly name: string; readonly args: readonly string[] } | undefined;
  /** Writes a line for each guest call to stderr. */
  readonly trace: boolean;
  /** Notes each thing that is used, for `--learn`. */
  readonly learn: boolean;
  /** Appends a JSON line to this file for each refusal, as it happens. */
  readonly audit?: string | undefined;
  /** What `fstat` said of the module's file before it was read. */
  readonly file?: BigIntStats | undefined;
  /** Whether its code looks up once a slice, as it does beside others: alone in its process it needs not. */
  readonly checks?: boolean | undefined;
  /** Features by whose names a component gets functions that their packages mark unstable. */
  readonly features?: readonly string[] | undefined;
  /** Whether functions with hot loops are optimised before they run; they are where nothing is said. */
  readonly hotFunctions?: boolean | undefined;
}

/** What a run may take, each without a limit where it is left out, but for what {@link NetworkLimits} says. */
export interface RunLimits extends NetworkLimits {
  /** Bytes of all the module's memories together. */
  readonly memory?: number | undefined;
  readonly maxFiles?: number | undefined;
  readonly maxOutput?: number | undefined;
  /** Threads that it may have started and that run, 64 where it is left out. */
  readonly maxThreads?: number | undefined;
}

/** What is known after a run. */
export interface RunReport {
  readonly ending: RunEnding;
  /** Distinct requests that were refused, in the order of their first time. */
  readonly refusals: readonly AccessRequest[];
  /** Distinct requests that were granted, where the run was learning. */
  readonly uses: readonly AccessRequest[];
}

/** How a run is embedded in its thread. */
export interface RunOptions {
  readonly onNote?: NoteListener;
  /** Whether another thread may end this one: then it waits where it can be ended, and never within a system's call. */
  readonly isInterruptible?: boolean;
  /** Whether the process runs this guest and nothing else ({@link HostWorkload}). */
  readonly ownsProcess?: boolean;
}

/** Runs a module to its end in this thread, on this process's standard streams. Errors of the catalog are its ending. */
export function run(request: RunRequest, options: RunOptions = {}): RunReport {
  let notes: Notes | undefined;
  try {
    notes = new Notes(request, options.onNote ?? (() => {}));
    const ending = withSources(endingOf(request, notes, options), request);
    return { ending, refusals: [...notes.refusals.values()], uses: [...notes.uses.values()] };
  } catch (error) {
    return { ending: endingOfError(error), refusals: [], uses: [] };
  } finally {
    notes?.close();
  }
}

/** Makes the report of a run that waits, whose ending `endingOf` comes to. Errors of the catalog are its ending. */
export async function reportLater(
  request: RunRequest,
  endingOf: (notes: Notes) => Promise<RunEnding>,
): Promise<RunReport> {
  let notes: Notes | undefined;
  try {
    notes = new Notes(request, () => {});
    const ending = withSources(await endingOf(notes), request);
    return { ending, refusals: [...notes.refusals.values()], uses: [...notes.uses.values()] };
  } catch (error) {
    return { ending: endingOfError(error), refusals: [], uses: [] };
  } finally {
    notes?.close();
  }
}

/** An ending whose backtrace has names and source lines. */
function withSources(ending: RunEnding, { bytes, folder }: RunRequest): RunEnding {
  return ending.kind === "trap" ? { ...ending, backtrace: explainBacktrace(ending.backtrace, bytes, folder) } : ending;
}

function endingOf(
  request: RunRequest,
  notes: Notes,
  { isInterruptible = false, ownsProcess = false }: RunOptions,
): RunEnding {
  try {
    const { bytes, name, file, limits, checks, hotFunctions = true } = request;
    const cache = ownCache();
    const module = compileGuest(bytes, {
      name,
      file,
      checks,
      hotFunctions: hotFunctions && "here",
      cache,
      memory: limits.memory,
    });
    const workload = new HostWorkload(request.grants, {
      limits: request.limits,
      observer: notes,
      namesRefusals: true,
      // Another thread ends this one, as soon as it is in no call of the system.
      ...(isInterruptible ? { onTurn: () => {} } : {}),
      ownsProcess,
    });
    try {
      return runModule(module, { request, workload, notes });
    } finally {
      workload.close();
    }
  } catch (error) {
    return endingOfError(error);
  }
}

interface Running {
  readonly request: RunRequest;
  readonly workload: HostWorkload;
  readonly notes: Notes;
}

function runModule(module: GuestModule, { request, workload, notes }: Running): RunEnding {
  const trace = request.trace ? traceTo(2, request.grants, notes) : undefined;
  const thread = request.checks === true ? new GuestThread(watchedThread()) : undefined;
  const guest = new Guest(module, { host: workload.createInstance(), args: request.args, trace, thread });
  try {
    const failed = guest.instantiate();
    if (failed !== undefined) return endingFrom(failed);
    if (request.invoke !== undefined) return invoke(guest, request);
    if (typeof guest.exports["_start"] !== "function") throw noStart(guest, request.name);
    return withMemoryHint(endingFrom(guest.call("_start")), guest, request);
  } finally {
    guest.close();
  }
}

/** An ending that says what to try where the guest may have run out of memory. */
function withMemoryHint(ending: RunEnding, { memoryBytes }: Guest, { limits }: RunRequest): RunEnding {
  if (ending.kind !== "trap" || ending.code !== undefined) return ending;
  return { ...ending, hint: memoryHint(memoryBytes, limits.memory) };
}

/** Calls one export of a module, after a reactor has set itself up. */
function invoke(guest: Guest, { bytes, invoke: wanted, name: module }: RunRequest): RunEnding {
  const { name, args } = wanted ?? { name: "", args: [] };
  const values = invokeArguments(bytes, { module, name, args });
  if (typeof guest.exports["_initialize"] === "function") {
    const set = guest.call("_initialize");
    if (set.kind !== "returned") return endingFrom(set);
  }
  const result = guest.call(name, values);
  if (result.kind !== "returned") return endingFrom(result);
  return { kind: "values", values: result.values.map(String) };
}

/** Why a module that exports no `_start` cannot be run, and what could be called in place of it. */
export function noStart(guest: Guest, name: string): SampanError {
  const functions = Object.keys(guest.exports).filter((key) => typeof guest.exports[key] === "function");
  const callable = functions.find((key) => !key.startsWith("_"));
  const offered = functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
  const message = `Cannot run "${name}": it has no "_start", so it is a library and no program; ${offered}`;
  const hint = callable === undefined ? undefined : `call one with --invoke ${callable}`;
  return new SampanError("GUEST_EXPORT_MISSING", message, { hint });
}
