import { type Errno, errnoTable, HostError } from "../../base/index.ts";

/** Thrown by a row to answer the error case of its `result`; `payload` is what that carries. */
export class WasiError extends Error {
  override readonly name = "WasiError";
  readonly payload: unknown;

  constructor(payload: unknown) {
    // It is a guest's everyday, and nobody sees its stack, which takes longer to write down than the call.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super("The call answers an error");
    Error.stackTraceLimit = limit;
    this.payload = payload;
  }
}

/** The `stream-error` of a stream that is over: the end of each that is read to its end. */
export const closed: unknown = Object.freeze({ tag: "closed" });

/** Thrown by a row where the specification says that the guest traps; the message is the trap's. */
export class WasiTrap extends Error {
  override readonly name = "WasiTrap";
}

/** Names for failures that WASI 0.2 has none of its own for; what is not here either is `io`. */
const nearest: Readonly<Partial<Record<Errno, string>>> = {
  mfile: "insufficient-memory",
  nfile: "insufficient-memory",
  nobufs: "insufficient-memory",
  notcapable: "not-permitted",
};

/** The `error-code` of `wasi:filesystem/types` for a failure of the host's. */
export function filesystemCode({ errno }: HostError): string {
  const row: { readonly node: string; readonly wasi?: string } = errnoTable[errno];
  return row.wasi ?? nearest[errno] ?? "io";
}

/** What each name stands for in words, for whoever reads a debug string. */
function wordsOf(errno: Errno): string {
  const row: { readonly node: string; readonly wasi?: string } = errnoTable[errno];
  return row.wasi === undefined ? row.node : `${row.wasi.replaceAll("-", " ")} (${row.node})`;
}

/** The resource `error` of `wasi:io/error`: why an operation of a stream failed. */
export class IoError {
  /** What the host, or an interface on top of it, failed with. */
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }

  toDebugString(): string {
    const { cause } = this;
    if (cause instanceof HostError) return wordsOf(cause.errno);
    return cause instanceof Error ? cause.message : String(cause);
  }
}

/** The `stream-error` of a failed operation (`wasi:io/streams`). */
export function failedOperation(cause: unknown): unknown {
  return { tag: "last-operation-failed", val: new IoError(cause) };
}
