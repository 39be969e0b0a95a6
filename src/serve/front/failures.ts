import { type ErrorCode, printable, SampanError } from "../../base/index.ts";
import type { Frame, HttpErrorCode } from "../../engine/index.ts";
import type { FailureReason } from "./metrics.ts";

/** How a request that a workload did not answer is told, to the client and to the operator. */
export interface Failure {
  readonly status: number;
  readonly reason: FailureReason;
  /** Seconds after which the client may try again. */
  readonly retryAfter?: number;
  /** For the operator: what happened, and what to do about it. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** Whether it is the client's own doing, and no business of the operator's. */
  readonly isClients?: true;
  /** The first functions of the guest's stack. */
  readonly frames?: readonly string[];
}

/** Frames that one line for the operator has. */
const mostFrames = 6;
/** Seconds until a place may be free. */
const soon = 1;

/** Ends a request with a failure that whoever answered it knows. */
export class RequestFailed extends Error {
  override readonly name = "RequestFailed";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What errors of the engine's mean; of other codes the kind decides. */
const known: Partial<Record<ErrorCode, Pick<Failure, "status" | "reason" | "retryAfter" | "isClients">>> = {
  LIMIT_DEADLINE: { status: 504, reason: "deadline" },
  LIMIT_INSTANCES: { status: 503, reason: "no_instance", retryAfter: soon },
  LIMIT_MEMORIES: { status: 503, reason: "no_instance", retryAfter: soon },
  LIMIT_STACKS: { status: 503, reason: "no_instance", retryAfter: soon },
  LIMIT_THREADS: { status: 503, reason: "no_instance", retryAfter: soon },
  GUEST_TRAPPED: { status: 500, reason: "trap" },
  GUEST_EXITED: { status: 500, reason: "no_answer" },
  GUEST_ABORTED: { status: 503, reason: "client_gone", isClients: true },
};

/** What an error that ended a request's use of an instance means. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RequestFailed) return error.failure;
  if (!(error instanceof SampanError)) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { status: 500, reason: "bug", message };
  }
  const { code, kind, message, hint, data } = error;
  const frames = framesOf(data?.["backtrace"]);
  const told = { message, hint, frames };
  const found = known[code];
  if (found !== undefined) return { ...found, ...told };
  if (code.startsWith("LIMIT_")) return { status: 500, reason: "limit", ...told };
  return { status: 500, reason: kind === "denied" ? "denied" : kind === "bug" ? "bug" : "error", ...told };
}

/** The queue of a workload has no place. */
export function queueFull({ maxConcurrent, maxQueue }: { maxConcurrent: number; maxQueue: number }): Failure {
  return {
    status: 503,
    reason: "queue_full",
    retryAfter: soon,
    message: `${maxConcurrent} requests are answered in this worker and ${maxQueue} wait, as many as may`,
    hint: "raise --concurrency or --queue (in a file: concurrency: or queue:)",
  };
}

/** A request was not over in time. */
export function deadlinePassed(ms: number): Failure {
  return {
    status: 504,
    reason: "deadline",
    message: `The request was not over after ${ms} ms`,
    hint: "give it more with --timeout (in a file: timeout:), or find out what it waits for",
  };
}

/** A workload took too long to start for those that wait for it. */
export function startPassed(ms: number): Failure {
  return {
    status: 504,
    reason: "deadline",
    message: `The workload had not started after ${ms} ms`,
    hint: "give it more with --start-timeout (in a file: start-timeout:), or start it before its first request with --warm 1 (warm: 1)",
  };
}

/** What is done for a client that has gone is ended. */
export const clientGone: Failure = {
  status: 503,
  reason: "client_gone",
  message: "The client is gone",
  isClients: true,
};

/** No route covers the request. */
export const noRoute: Failure = { status: 404, reason: "no_route", message: "No route covers it", isClients: true };

/** A guest that is done gave no answer. */
export const noAnswer: Failure = {
  status: 500,
  reason: "no_answer",
  message: "The guest returned without an answer",
};

/** A guest gave up an answer that it had begun. */
export const brokenOff: Failure = {
  status: 500,
  reason: "no_answer",
  message: "The guest ended its answer before that was whole",
};

/** A guest said that it cannot answer (`error-code` of `wasi:http/types`). */
export function guestError(code: HttpErrorCode): Failure {
  const { tag } = code;
  const value = "val" in code && typeof code.val === "string" ? ` (${code.val})` : "";
  return { status: 502, reason: "guest_error", message: `The guest answered with the error ${tag}${value}` };
}

/** The text that `response-outparam` gives an exchange whose guest dropped it: no error that the guest chose. */
export function isNoAnswer(code: HttpErrorCode): boolean {
  return code.tag === "internal-error" && code.val === "a guest gave no response";
}

/** What the client reads: nothing of the inside. */
export function failureText({ status }: Failure, id: string): string {
  const what = texts[status] ?? "The request could not be answered";
  return `${what}\nRequest id: ${id}\n`;
}

const texts: Readonly<Record<number, string>> = {
  404: "There is nothing here",
  411: "The request needs a Content-Length",
  500: "The application failed",
  502: "The application could not answer",
  503: "The server is busy: try again in a moment",
  504: "The application took too long",
};

/** One line for the operator. */
export function operatorLine(
  failure: Failure,
  { workload, id, method, path }: { workload: string; id: string; method: string; path: string },
): string {
  return printable(`${workload} ${id} ${method} ${path} -> ${failure.status}: ${whatHappened(failure)}`);
}

/** One line for the operator on a workload that cannot be made warm. */
export function coldLine(failure: Failure, workload: string): string {
  return printable(`${workload} cannot be started before its first request: ${whatHappened(failure)}`);
}

function whatHappened({ message, hint, frames = [] }: Failure): string {
  const at = frames.length === 0 ? "" : ` [at ${frames.join(" < ")}]`;
  return message + at + (hint === undefined ? "" : ` (hint: ${hint})`);
}

function framesOf(backtrace: unknown): string[] {
  if (!Array.isArray(backtrace)) return [];
  return (backtrace as readonly Frame[]).slice(0, mostFrames).map(({ name, index, offset, source }) => {
    const what = name ?? `function ${index}`;
    return source === undefined ? `${what}+0x${offset.toString(16)}` : `${what} ${source.file}:${source.line}`;
  });
}
