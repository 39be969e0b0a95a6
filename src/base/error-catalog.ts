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
  API_BUG: { kind: "bug", meaning: "Whoever runs a project failed at a request by a defect of Sampan's." },
  API_UNKNOWN: { kind: "user", meaning: "A request is none that this version of the engine process's API has." },
  API_UNREACHABLE: {
    kind: "unavailable",
    meaning: "The process that runs a project does not answer, or ended meanwhile.",
  },

  CHANNEL_WAITS: { kind: "user", meaning: "A guest that blocks its thread met a stream that has to be waited for." },

  CLI_COMMAND_UNKNOWN: { kind: "user", meaning: "The command line names a command that does not exist." },
  CLI_OPTION_INVALID: { kind: "user", meaning: "An option's value does not have the form that the option takes." },
  CLI_OPTION_UNKNOWN: { kind: "user", meaning: "The command line names an option that the command does not have." },
  CLI_USAGE: { kind: "user", meaning: "The command line lacks a part that the command needs, or has one too many." },

  COMPONENT_ASYNC_UNSUPPORTED: {
    kind: "unavailable",
    meaning: "A component called what the component model executes asynchronously, which Sampan does not do yet.",
  },
  COMPONENT_FEATURE: {
    kind: "unavailable",
    meaning: "A component uses an addition to the component model that has not been allowed.",
  },
  COMPONENT_FEATURE_OFF: {
    kind: "unavailable",
    meaning: "The component imports a function that its package marks unstable, and that was not allowed by name.",
  },
  COMPONENT_IMPORT_MISSING: { kind: "user", meaning: "The component imports something that nobody provides." },
  COMPONENT_IMPORT_UNSUPPORTED: {
    kind: "unavailable",
    meaning: "The component imports something that no host can give it here: a module, a component or a value.",
  },
  COMPONENT_INVALID: { kind: "user", meaning: "A component breaks a rule of the component model." },
  COMPONENT_NAMES: { kind: "unavailable", meaning: "Two names of a component's would be the same one in JavaScript." },
  COMPONENT_TOO_LARGE: { kind: "user", meaning: "A component nests so much that linking it would take too long." },
  COMPONENT_VALUE: { kind: "user", meaning: "A value does not fit the type that the component's function has for it." },

  COMPOSE_FILE_NOT_FOUND: { kind: "user", meaning: "There is no compose file, or one that was named cannot be read." },
  COMPOSE_INVALID: { kind: "user", meaning: "A compose file says something that nobody can follow." },
  COMPOSE_NAME_INVALID: { kind: "user", meaning: "A project cannot have the name that it was given." },
  COMPOSE_SERVICE_UNKNOWN: { kind: "user", meaning: "The project has no service of that name." },
  COMPOSE_UNSUPPORTED: {
    kind: "unavailable",
    meaning: "A compose file asks for something that the specification has and Sampan does not.",
  },

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

  GUEST_ABORTED: { kind: "user", meaning: "The signal that an instance was given ended it." },
  GUEST_EXITED: { kind: "user", meaning: "The guest ended by itself, or by a signal, before the call returned." },
  GUEST_EXPORT_MISSING: { kind: "user", meaning: "The module has no export of the name that was to be called." },
  GUEST_IMPORT_UNKNOWN: { kind: "user", meaning: "The module imports something that nobody provides." },
  GUEST_NOT_RUNNABLE: { kind: "user", meaning: "The file is not a WebAssembly artifact that can be run." },

  GUEST_THREADS: { kind: "user", meaning: "The module starts threads, for which it needs a cordon of its own." },
  GUEST_TRAPPED: { kind: "user", meaning: "The guest trapped." },
  HEALTH_UNKNOWN: { kind: "user", meaning: "A health check is a command that would need a shell in the service." },

  INSTANCE_ASYNC: { kind: "user", meaning: "An instance that may have to wait was called without a promise." },
  INSTANCE_BUSY: { kind: "user", meaning: "An instance was called while a call of it runs." },
  INSTANCE_ENDED: { kind: "user", meaning: "An instance was called after its end." },
  KEYVALUE_BUSY: { kind: "unavailable", meaning: "Another process holds the file of a store for too long." },
  KEYVALUE_FILE: { kind: "user", meaning: "The file of a store cannot be opened, or is none of a store's." },
  KEYVALUE_LIMIT: { kind: "user", meaning: "A key, a value or a store is larger than it may be." },
  KEYVALUE_NUMBER: { kind: "user", meaning: "A value of a store is no number that can be added to." },

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
  LOCK_DIGEST: { kind: "denied", meaning: "A component is another one than the lock has under its name." },
  LOCK_INVALID: { kind: "user", meaning: "A lock of components cannot be read." },
  LOCK_MISSING: { kind: "denied", meaning: "The lock says nothing of a component that is to run by it." },
  LOG_UNWRITABLE: { kind: "unavailable", meaning: "A container's log cannot be written where logs are kept." },

  NETWORK_CORDON: {
    kind: "user",
    meaning: "A network made of functions was given to an instance that runs in another thread or process.",
  },
  NETWORK_FOLDER: { kind: "user", meaning: "A project's network cannot be where or as its configuration says." },
  NETWORK_PORT: { kind: "unavailable", meaning: "A port of the host that the guest listens on cannot be had." },
  NETWORK_WAITS: { kind: "user", meaning: "A guest that blocks its thread met a socket that has to be waited for." },

  NEW_FOLDER_TAKEN: { kind: "user", meaning: "The folder that a new project would be made in has something in it." },

  OPTION_INVALID: { kind: "user", meaning: "A program gave an option in a form that it does not have." },
  OPTION_UNKNOWN: { kind: "user", meaning: "A program gave an option of a name that does not exist." },

  PLACE_UNSAFE: { kind: "user", meaning: "A folder for sockets or state belongs to somebody else, or lets others in." },

  PROJECT_DEPENDENCY: { kind: "user", meaning: "A service that others wait for ended, or ended badly." },
  PROJECT_HELD: { kind: "user", meaning: "Another process has the project, which only one can run." },
  PROJECT_INTERRUPTED: { kind: "user", meaning: "A project was stopped while it was being brought up." },
  PROJECT_INVALID: { kind: "user", meaning: "A project cannot be brought up as its file has it." },
  PROJECT_PORT_TAKEN: { kind: "unavailable", meaning: "A port of the host that a service publishes cannot be had." },
  PROJECT_SERVICE_UNKNOWN: { kind: "user", meaning: "The project has no service of that name." },
  PROJECT_UNHEALTHY: { kind: "user", meaning: "A service did not get healthy." },

  RUNTIME_CLOSED: { kind: "user", meaning: "The engine is shutting down and takes no new work." },

  SERVE_CONFIG_INVALID: {
    kind: "user",
    meaning: "A file or an option of a server says something that nobody can follow.",
  },
  SERVE_NO_HANDLER: { kind: "user", meaning: "The component or module to be served answers no HTTP requests." },
  SERVE_PORT_TAKEN: { kind: "unavailable", meaning: "The address that a server is to listen on cannot be had." },
  SERVE_TLS: { kind: "user", meaning: "A server's certificate and key cannot be used." },
  SERVE_WORKER_LOST: { kind: "bug", meaning: "A worker of a server ended before it was ready." },

  SIGNAL_REFUSED: {
    kind: "user",
    meaning: "The signal would halt a workload without ending it, which is not offered.",
  },
  SIGNAL_UNKNOWN: { kind: "user", meaning: "There is no signal of that name or number." },

  SOURCE_INVALID: { kind: "user", meaning: "A program named something to instantiate that cannot be read as such." },

  STAND_IN_CONFIG: { kind: "user", meaning: "A stand-in for an image cannot do what its service is set up to do." },
  STAND_IN_ENDED: { kind: "unavailable", meaning: "A process of a stand-in ended before it was ready." },
  STAND_IN_UNAVAILABLE: { kind: "unavailable", meaning: "This system lacks the program that stands in for an image." },

  TIME_INVALID: { kind: "user", meaning: "A point in time does not have the form that Sampan reads." },

  UNIT_INVALID: { kind: "user", meaning: "A size or duration does not have the form that Sampan reads." },

  WASM_FEATURE: { kind: "unavailable", meaning: "The module uses a WebAssembly feature that this build does not run." },
  WASM_MALFORMED: { kind: "user", meaning: "The bytes are not a well-formed WebAssembly binary." },
  WAVE_INVALID: {
    kind: "user",
    meaning: "A value in WAVE, the text form of components' values, does not have its type's form.",
  },

  WIT_INVALID: {
    kind: "user",
    meaning: "The text or binary is not WIT, the language in which components' interfaces are written.",
  },
} as const satisfies Record<string, CatalogEntry>;

/** A stable error code: a key of {@link errorCatalog}. */
export type ErrorCode = keyof typeof errorCatalog;
