import { HostError } from "../../base/index.ts";
import { AddressProblem, type PostgresAddress } from "./address.ts";

/** What the server said went wrong. */
export interface ServerError {
  readonly severity: string;
  /** The SQLSTATE code. */
  readonly code: string;
  readonly message: string;
  readonly detail: string | undefined;
  /** What else it said, by the names of the fields (PostgreSQL's documentation, Error and Notice Message Fields). */
  readonly extras: readonly (readonly [name: string, value: string])[];
}

/** Why a connection or a statement failed. */
export class PostgresFailure extends Error {
  override readonly name = "PostgresFailure";
  readonly kind: "connection" | "parameter" | "query";
  readonly server: ServerError | undefined;

  constructor(
    kind: PostgresFailure["kind"],
    message: string,
    { server, ...options }: ErrorOptions & { server?: ServerError | undefined } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.server = server;
  }
}

/** The failure that an error while connecting comes to. */
export function connectFailure(cause: unknown, address: PostgresAddress | undefined): PostgresFailure {
  if (cause instanceof AddressProblem)
    return new PostgresFailure("connection", `Cannot read the database's address: ${cause.message}`, { cause });
  const place = address === undefined ? "the database" : `"${address.host}:${address.port}"`;
  const why =
    cause instanceof HostError && cause.errno === "acces"
      ? "no grant covers it"
      : cause instanceof Error
        ? reasonOf(cause)
        : String(cause);
  return new PostgresFailure("connection", `Cannot connect to ${place}: ${why}`, {
    cause,
    server: serverErrorOf(cause),
  });
}

/** The innermost reason: streams wrap what the network says. */
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}

const fieldNames = {
  column: "column",
  constraint: "constraint",
  routine: "routine",
  hint: "hint",
  table: "table",
  datatype: "dataType",
  schema: "schema",
  file: "file",
  line: "line",
  where_: "where",
} as const;

/** What a server said, if that is what an error of the library's is about. */
function serverErrorOf(error: unknown): ServerError | undefined {
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return undefined;
  const { severity, code, detail } = error as {
    readonly severity: unknown;
    readonly code: unknown;
    readonly detail?: unknown;
  };
  if (typeof severity !== "string" || typeof code !== "string") return undefined;
  const extras = Object.entries(fieldNames).flatMap(([name, field]): [string, string][] => {
    const value: unknown = (error as unknown as Record<string, unknown>)[field];
    return typeof value === "string" ? [[name, value]] : [];
  });
  return { severity, code, message: error.message, detail: typeof detail === "string" ? detail : undefined, extras };
}

/** The failure that an error while running a statement comes to. */
export function queryFailure(cause: unknown): PostgresFailure {
  if (cause instanceof PostgresFailure) return cause;
  const server = serverErrorOf(cause);
  const message = cause instanceof Error ? reasonOf(cause) : String(cause);
  const text =
    server === undefined ? `Cannot run the statement: ${message}` : `${server.severity}: ${message} (${server.code})`;
  return new PostgresFailure("query", text, { cause, server });
}
