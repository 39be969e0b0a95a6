import type { ErrorCode, ErrorKind, SampanError } from "../base/index.ts";

/** Exit statuses beside the guest's own, as `docker run`, `timeout` and shells use them. */
export const exitStatus = {
  deadline: 124,
  /** Sampan's own error, or a limit that ended the guest. */
  failed: 125,
  notRunnable: 126,
  notFound: 127,
  /** Added to a signal's number. */
  signal: 128,
  trap: 134,
} as const;

const statusOfKind = {
  user: exitStatus.failed,
  denied: exitStatus.failed,
  unavailable: exitStatus.failed,
  bug: exitStatus.failed,
} as const satisfies Record<ErrorKind, number>;

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  COMPONENT_ASYNC_UNSUPPORTED: exitStatus.notRunnable,
  COMPONENT_FEATURE: exitStatus.notRunnable,
  COMPONENT_IMPORT_MISSING: exitStatus.notRunnable,
  COMPONENT_IMPORT_UNSUPPORTED: exitStatus.notRunnable,
  COMPONENT_INVALID: exitStatus.notRunnable,
  COMPONENT_TOO_LARGE: exitStatus.notRunnable,
  FILE_NOT_FOUND: exitStatus.notFound,
  GUEST_EXPORT_MISSING: exitStatus.notRunnable,
  GUEST_IMPORT_UNKNOWN: exitStatus.notRunnable,
  GUEST_NOT_RUNNABLE: exitStatus.notRunnable,
  LIMIT_DEADLINE: exitStatus.deadline,
  SERVE_NO_HANDLER: exitStatus.notRunnable,
  WASM_FEATURE: exitStatus.notRunnable,
  WASM_MALFORMED: exitStatus.notRunnable,
};

/** The status with which the command line ends for an error of the catalog. */
export function statusOf(error: Pick<SampanError, "code" | "kind">): number {
  return statusOfCode[error.code] ?? statusOfKind[error.kind];
}
