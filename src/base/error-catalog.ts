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
  CLI_COMMAND_UNKNOWN: { kind: "user", meaning: "The command line names a command that does not exist." },
  CLI_OPTION_INVALID: { kind: "user", meaning: "An option's value does not have the form that the option takes." },
  CLI_OPTION_UNKNOWN: { kind: "user", meaning: "The command line names an option that the command does not have." },
  CLI_USAGE: { kind: "user", meaning: "The command line lacks a part that the command needs, or has one too many." },

  FILE_NOT_FOUND: { kind: "user", meaning: "A file named on the command line does not exist." },
  FILE_UNREADABLE: { kind: "user", meaning: "A file named on the command line exists but cannot be read or written." },

  GRANT_INVALID: { kind: "user", meaning: "A grant does not have the form that its capability takes." },
  GRANT_UNKNOWN: { kind: "user", meaning: "A grants file names a key or capability that does not exist." },
  GRANT_WIDENED: { kind: "denied", meaning: "An attenuation asks for more than the grant that it narrows." },

  GUEST_EXPORT_MISSING: { kind: "user", meaning: "The module has no export of the name that was to be called." },
  GUEST_IMPORT_UNKNOWN: { kind: "user", meaning: "The module imports something that nobody provides." },
  GUEST_NOT_RUNNABLE: { kind: "user", meaning: "The file is not a WebAssembly artifact that can be run." },

  LIMIT_DEADLINE: { kind: "user", meaning: "The guest ran past the time that --timeout gave it." },
  LIMIT_MEMORY: { kind: "user", meaning: "The module needs more memory than --memory allows." },
  LIMIT_OUTPUT: { kind: "user", meaning: "The guest wrote more than --max-output allows." },

  UNIT_INVALID: { kind: "user", meaning: "A size or duration does not have the form that Sampan reads." },

  WASM_FEATURE: { kind: "unavailable", meaning: "The module uses a WebAssembly feature that this build does not run." },
  WASM_MALFORMED: { kind: "user", meaning: "The bytes are not a well-formed WebAssembly binary." },
} as const satisfies Record<string, CatalogEntry>;

/** A stable error code: a key of {@link errorCatalog}. */
export type ErrorCode = keyof typeof errorCatalog;
