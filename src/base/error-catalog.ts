/**
 * What kind of failure an error is: the caller's own (`user`), a missing grant (`denied`), something that this system or
 * build does not offer (`unavailable`), or a defect of Sampan's (`bug`). Every edge derives its status from it.
 */
export type ErrorKind = "user" | "denied" | "unavailable" | "bug";

/** One row of the catalog: the kind and one sentence that docs/ERRORS.md prints. */
export interface CatalogEntry {
  readonly kind: ErrorKind;
  readonly meaning: string;
}

/**
 * Every error that Sampan raises on purpose, by its stable code `AREA_WHAT`. Codes are never reused. docs/ERRORS.md is
 * generated from it; a test keeps the two in step.
 */
export const errorCatalog = {
  CHANNEL_WAITS: { kind: "user", meaning: "A guest that blocks its thread met a stream that has to be waited for." },

  CLI_COMMAND_UNKNOWN: { kind: "user", meaning: "The command line names a command that does not exist." },
  CLI_OPTION_INVALID: { kind: "user", meaning: "An option's value does not have the form that the option takes." },
  CLI_OPTION_UNKNOWN: { kind: "user", meaning: "The command line names an option that the command does not have." },
  CLI_USAGE: { kind: "user", meaning: "The command line lacks a part that the command needs, or has one too many." },

  CONTAINER_AMBIGUOUS: { kind: "user", meaning: "The beginning of an id fits more than one container." },
  CONTAINER_INVALID: {
    kind: "user",
    meaning: "A container's name or an option of it does not have the form it takes.",
  },
  CONTAINER_NAME_USED: { kind: "user", meaning: "Another container has the name already." },
  CONTAINER_NOT_FOUND: { kind: "user", meaning: "There is no container of that name or id, or it is being removed." },
  CONTAINER_NOT_RUNNING: { kind: "user", meaning: "A container has to run for what was asked, and does not." },
  CONTAINER_RUNNING: { kind: "user", meaning: "A container that runs or is about to be restarted cannot be removed." },
  CONTAINER_STUCK: { kind: "bug", meaning: "A container did not end although it was killed." },

  ENGINE_CLOSED: { kind: "user", meaning: "The engine is closed and makes nothing more." },
  ENGINE_FRESH_STATE: {
    kind: "unavailable",
    meaning: "A way to put instances back was asked for that the module or this system does not have.",
  },
  ENGINE_UNSUPPORTED: { kind: "unavailable", meaning: "This Node.js lacks what the engine needs." },
  ENGINE_WORKER_LOST: { kind: "unavailable", meaning: "The thread or process that ran the instance ended." },
  FILE_NOT_FOUND: { kind: "user", meaning: "A file named on the command line does not exist." },
  FILE_UNREADABLE: { kind: "user", meaning: "A file named on the command line exists but cannot be read or written." },

  GRANT_INVALID: { kind: "user", meaning: "A grant does not have the form that its capability takes." },
  GRANT_UNKNOWN: { kind: "user", meaning: "A grants file names a key or capability that does not exist." },
  GRANT_WIDENED: { kind: "denied", meaning: "An attenuation asks for more than the grant that it narrows." },

  GUEST_EXITED: { kind: "user", meaning: "The guest ended by itself, or by a signal, before the call returned." },
  GUEST_EXPORT_MISSING: { kind: "user", meaning: "The module has no export of the name that was to be called." },
  GUEST_IMPORT_UNKNOWN: { kind: "user", meaning: "The module imports something that nobody provides." },
  GUEST_NOT_RUNNABLE: { kind: "user", meaning: "The file is not a WebAssembly artifact that can be run." },

  GUEST_THREADS: { kind: "user", meaning: "The module starts threads, for which it needs a cordon of its own." },
  GUEST_TRAPPED: { kind: "user", meaning: "The guest trapped." },
  INSTANCE_ASYNC: { kind: "user", meaning: "An instance that may have to wait was called without a promise." },
  INSTANCE_BUSY: { kind: "user", meaning: "An instance was called while a call of it runs." },
  INSTANCE_ENDED: { kind: "user", meaning: "An instance was called after its end." },
  LIMIT_CPU: { kind: "user", meaning: "The guest ran for longer than its limit allows." },
  LIMIT_DEADLINE: { kind: "user", meaning: "The guest ran past the time that --timeout gave it." },
  LIMIT_INSTANCES: { kind: "user", meaning: "The engine has as many instances as it may have." },
  LIMIT_MEMORIES: { kind: "unavailable", meaning: "The process has no room for one more memory." },
  LIMIT_MEMORY: { kind: "user", meaning: "The module needs more memory than --memory allows." },
  LIMIT_OUTPUT: { kind: "user", meaning: "The guest wrote more than --max-output allows." },

  LIMIT_STACK: { kind: "user", meaning: "The guest called itself deeper than its stack allows." },
  LIMIT_STACKS: { kind: "unavailable", meaning: "The process has no room for one more suspended call." },
  LIMIT_TABLE: { kind: "user", meaning: "The module begins with more table elements than it may have." },
  LIMIT_THREADS: { kind: "unavailable", meaning: "The process has no room for one more thread of a guest." },
  LOG_UNWRITABLE: { kind: "unavailable", meaning: "A container's log cannot be written where logs are kept." },

  NETWORK_PORT: { kind: "unavailable", meaning: "A port of the host that the guest listens on cannot be had." },
  NETWORK_WAITS: { kind: "user", meaning: "A guest that blocks its thread met a socket that has to be waited for." },

  RUNTIME_CLOSED: { kind: "user", meaning: "The engine is shutting down and takes no new work." },

  SIGNAL_REFUSED: {
    kind: "user",
    meaning: "The signal would halt a workload without ending it, which is not offered.",
  },
  SIGNAL_UNKNOWN: { kind: "user", meaning: "There is no signal of that name or number." },

  TIME_INVALID: { kind: "user", meaning: "A point in time does not have the form that Sampan reads." },

  UNIT_INVALID: { kind: "user", meaning: "A size or duration does not have the form that Sampan reads." },

  WASM_FEATURE: { kind: "unavailable", meaning: "The module uses a WebAssembly feature that this build does not run." },
  WASM_MALFORMED: { kind: "user", meaning: "The bytes are not a well-formed WebAssembly binary." },
} as const satisfies Record<string, CatalogEntry>;

/** A stable error code: a key of {@link errorCatalog}. */
export type ErrorCode = keyof typeof errorCatalog;
