import { type ErrorData, printable, SampanError, writeAll } from "../base/index.ts";
import type { AccessRequest, Fix, Grants } from "../capabilities/index.ts";
import { HostWorkload, type Observer } from "../host/index.ts";
import { readModule } from "../wasm/index.ts";
import { Audit } from "./audit.ts";
import { compileGuest, type GuestModule } from "./guest-module.ts";
import { Guest, type RunResult } from "./guest.ts";
import { invokeArguments } from "./invoke.ts";
import { explainRefusal } from "./refusal.ts";
import type { Frame } from "./trap.ts";

/** What is run and with what: data that structured clone carries. */
export interface RunRequest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How messages call the module. */
  readonly name: string;
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
}

/** What a run may take, each without a limit where it is left out. */
export interface RunLimits {
  /** Bytes of all the module's memories together. */
  readonly memory?: number | undefined;
  readonly maxFiles?: number | undefined;
  readonly maxOutput?: number | undefined;
}

/** How a run ended, as data. */
export type RunEnding =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "values"; readonly values: readonly string[] }
  | { readonly kind: "signal"; readonly signal: number }
  | { readonly kind: "trap"; readonly message: string; readonly backtrace: readonly Frame[] }
  /** A limit, or a module that cannot be run: an error of the catalog. */
  | { readonly kind: "error"; readonly error: ErrorData }
  | { readonly kind: "bug"; readonly stack: string };

/** What is known after a run. */
export interface RunReport {
  readonly ending: RunEnding;
  /** Distinct requests that were refused, in the order of their first time. */
  readonly refusals: readonly AccessRequest[];
  /** Distinct requests that were granted, where the run was learning. */
  readonly uses: readonly AccessRequest[];
}

/** Most distinct requests that a report holds. */
const mostNoted = 10_000;

/** Hears of each request that is noted for the first time, for a report that may never be made. */
export type NoteListener = (kind: "refused" | "used", request: AccessRequest) => void;

/** Remembers what was refused and used, each once. */
class Notes implements Observer {
  readonly isLearning: boolean;
  readonly refusals = new Map<string, AccessRequest>();
  readonly uses = new Map<string, AccessRequest>();
  /** The refusal that came last and that no trace line has named yet. */
  unnamed: AccessRequest | undefined;
  readonly #audit: Audit | undefined;
  readonly #onNote: NoteListener;

  constructor(request: RunRequest, onNote: NoteListener) {
    this.isLearning = request.learn;
    this.#audit = request.audit === undefined ? undefined : new Audit(request.audit, request);
    this.#onNote = onNote;
  }

  used(request: AccessRequest): void {
    if (note(this.uses, request)) this.#onNote("used", request);
  }

  refused(request: AccessRequest): void {
    this.unnamed = request;
    this.#audit?.write(request);
    if (note(this.refusals, request)) this.#onNote("refused", request);
  }

  close(): void {
    this.#audit?.close();
  }
}

function note(notes: Map<string, AccessRequest>, request: AccessRequest): boolean {
  if (notes.size >= mostNoted) return false;
  const key = JSON.stringify(request);
  if (notes.has(key)) return false;
  notes.set(key, request);
  return true;
}

/** How a run is embedded in its thread. */
export interface RunOptions {
  readonly onNote?: NoteListener;
  /** Whether another thread may end this one: then it waits where it can be ended, and never within a system's call. */
  readonly isInterruptible?: boolean;
}

/** Runs a module to its end in this thread, on this process's standard streams. Errors of the catalog are its ending. */
export function run(request: RunRequest, { onNote = () => {}, isInterruptible = false }: RunOptions = {}): RunReport {
  let notes: Notes | undefined;
  try {
    notes = new Notes(request, onNote);
    const ending = withNames(endingOf(request, { notes, isInterruptible }), request.bytes);
    return { ending, refusals: [...notes.refusals.values()], uses: [...notes.uses.values()] };
  } catch (error) {
    return { ending: endingOfError(error), refusals: [], uses: [] };
  } finally {
    notes?.close();
  }
}

/** Gives the frames of a trap the names of the file's name section; V8 mixes the module's name into its own. */
function withNames(ending: RunEnding, bytes: Uint8Array): RunEnding {
  if (ending.kind !== "trap" || ending.backtrace.length === 0) return ending;
  const module = readModule(bytes);
  return {
    ...ending,
    backtrace: ending.backtrace.map((frame) => ({ ...frame, name: module.functionName(frame.index) ?? frame.name })),
  };
}

function endingOf(
  request: RunRequest,
  { notes, isInterruptible }: { notes: Notes; isInterruptible: boolean },
): RunEnding {
  try {
    const module = compileGuest(request.bytes, { memory: request.limits.memory, name: request.name });
    const workload = new HostWorkload(request.grants, {
      limits: request.limits,
      observer: notes,
      namesRefusals: true,
      waitsBeforeReading: isInterruptible,
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

function endingOfError(error: unknown): RunEnding {
  if (error instanceof SampanError) return { kind: "error", error: error.toData() };
  return { kind: "bug", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

interface Running {
  readonly request: RunRequest;
  readonly workload: HostWorkload;
  readonly notes: Notes;
}

function runModule(module: GuestModule, { request, workload, notes }: Running): RunEnding {
  const trace = request.trace ? traceTo(2, request.grants, notes) : undefined;
  const guest = new Guest(module, { host: workload.createInstance(), args: request.args, trace });
  try {
    const failed = guest.instantiate();
    if (failed !== undefined) return endingFrom(failed);
    if (request.invoke !== undefined) return invoke(guest, request);
    if (typeof guest.exports["_start"] !== "function") throw noStart(guest, request.name);
    return endingFrom(guest.call("_start"));
  } finally {
    guest.close();
  }
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

function noStart(guest: Guest, name: string): SampanError {
  const functions = Object.keys(guest.exports).filter((key) => typeof guest.exports[key] === "function");
  const callable = functions.find((key) => !key.startsWith("_"));
  const offered = functions.length === 0 ? "it exports no function" : `it exports ${functions.slice(0, 10).join(", ")}`;
  const message = `Cannot run "${name}": it has no "_start", so it is a library and no program; ${offered}`;
  const hint = callable === undefined ? undefined : `call one with --invoke ${callable}`;
  return new SampanError("GUEST_EXPORT_MISSING", message, { hint });
}

function endingFrom(result: RunResult): RunEnding {
  switch (result.kind) {
    case "returned":
      return { kind: "exit", code: 0 };
    case "limit":
      return { kind: "error", error: result.error.toData() };
    case "bug":
      return endingOfError(result.error);
    case "exit":
    case "signal":
    case "trap":
      return result;
  }
}

function fixText({ flag, replaces }: Fix): string {
  return replaces === undefined ? flag : `${flag} instead of ${replaces}`;
}

/** Writes trace lines as strace does; a refused call's line ends with the flag that would allow it. */
function traceTo(fd: number, grants: Grants, notes: Notes): (line: string) => void {
  return (line) => {
    const refused = notes.unnamed;
    notes.unnamed = undefined;
    const verdict = refused === undefined ? undefined : explainRefusal(grants, refused, { cwd: process.cwd() });
    const fix = verdict === undefined || verdict.allowed ? "" : `  # allowed by ${fixText(verdict.fix)}`;
    writeAll(fd, `${printable(`${line}${fix}`)}\n`);
  };
}
