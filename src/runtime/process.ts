import { type ByteSink, type ByteSource, type ErrorCode, type ErrorData, SampanError } from "../base/index.ts";
import type { SignalName } from "./signals.ts";

/** What a container runs: data that structured clone carries. Its kind says whose it is, the rest only that runner reads. */
export interface Workload {
  /** The key of the runner in the runtime's table, such as `wasm`. */
  readonly kind: string;
  /** The reference of the image that it came from; events carry it. */
  readonly image?: string | undefined;
  readonly data?: unknown;
}

/** One function of the call stack of a trap. */
export interface TrapFrame {
  readonly index: number;
  readonly name?: string | undefined;
  /** Byte offset in the file. */
  readonly offset: number;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
}

/** How a workload ended, as data. */
export type Ending =
  | { readonly kind: "exit"; readonly code: number }
  /** By a signal's number: one that was sent, or one that it raised itself. */
  | { readonly kind: "signal"; readonly signal: number }
  | { readonly kind: "trap"; readonly message: string; readonly backtrace: readonly TrapFrame[] }
  /** A limit, or something that cannot be run: an error of the catalog. */
  | { readonly kind: "error"; readonly error: ErrorData }
  /** A defect of Sampan's. */
  | { readonly kind: "bug"; readonly stack: string };

/** What a workload is started with beside its data: the live things. */
export interface ProcessIo {
  /** Nothing where it has no input. */
  readonly stdin: ByteSource | undefined;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

/** A workload that was started. */
export interface Process {
  /** Resolves once it has ended and will write no more. It never rejects but by a defect. */
  readonly exited: Promise<Ending>;
  /** Ends it whatever it does, as if that signal had; without effect once it has ended. `exited` says when it has. */
  end(signal: SignalName): void;
  /**
   * Hands a signal to a workload that can handle signals, and answers whether it took it. Where it did not, or where this
   * is left out because the workload knows no signals, the runtime does what the system would do by default.
   */
  deliver?(signal: SignalName): boolean;
  /** Resolves once it does what it is there for; it never rejects, and stays as it is where it ends before. Left out, nobody knows. */
  readonly ready?: Promise<void>;
  /** Asks it whether it does what it is there for now. */
  probe?(): Promise<boolean>;
}

/** Starts workloads of one kind. */
export interface Runner {
  /** Answers once the workload runs. What it throws is why it could not be started. */
  start(workload: Workload, io: ProcessIo): Process | Promise<Process>;
}

const deadline = 124;
const failed = 125;
const notRunnable = 126;
const notFound = 127;
const signalBase = 128;
const trap = 134;

const codeOfError: Partial<Record<ErrorCode, number>> = {
  FILE_NOT_FOUND: notFound,
  GUEST_EXPORT_MISSING: notRunnable,
  GUEST_IMPORT_UNKNOWN: notRunnable,
  GUEST_NOT_RUNNABLE: notRunnable,
  LIMIT_DEADLINE: deadline,
  WASM_FEATURE: notRunnable,
  WASM_MALFORMED: notRunnable,
};

/** The exit code that a container shows for an ending, from 0 to 255, as Docker and shells count. */
export function exitCodeOf(ending: Ending): number {
  switch (ending.kind) {
    case "exit":
      return ending.code & 0xff;
    case "signal":
      return (signalBase + ending.signal) & 0xff;
    case "trap":
      return trap;
    case "error":
      return codeOfError[ending.error.code] ?? failed;
    case "bug":
      return failed;
  }
}

/** The ending of a workload that something thrown ended. */
export function endingOfThrown(thrown: unknown): Ending {
  if (thrown instanceof SampanError) return { kind: "error", error: thrown.toData() };
  return { kind: "bug", stack: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) };
}
