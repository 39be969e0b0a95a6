import { errorCatalog, type ErrorCode, type ErrorKind } from "./error-catalog.ts";

/** What crosses a worker or process boundary in place of a {@link SampanError}: structured clone drops subclasses. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** What an error carries beside its message. */
export interface SampanErrorOptions {
  /** What to type next, as one line without a trailing period. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Values that a caller branches on; structured clone carries them. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}

/** The one error class: a code of the catalog, the kind that follows from it, a message and a hint. */
export class SampanError extends Error {
  override readonly name = "SampanError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: SampanErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.data = options.data;
  }

  /** Whose failure it is, from the catalog. */
  get kind(): ErrorKind {
    return errorCatalog[this.code].kind;
  }

  /** The error as data that a port or a pipe carries. */
  toData(): ErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.data === undefined ? {} : { data: this.data }),
    };
  }

  /** The error that {@link toData} described. */
  static fromData(data: ErrorData): SampanError {
    // Named by this, the class keeps its name in the bundle, and so in a program's backtraces.
    return new this(data.code, data.message, { hint: data.hint, data: data.data });
  }
}
