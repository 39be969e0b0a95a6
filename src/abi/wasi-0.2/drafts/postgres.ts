import type { HostError } from "../../../base/index.ts";
import { type PostgresConnection, PostgresFailure, type PostgresRows } from "../../../host/index.ts";
import type { Wasi02Context } from "../context.ts";
import { WasiError } from "../errors.ts";
import type { Wasi02Interface, Wasi02Rows } from "../row.ts";
import { parameterOf, type Tagged } from "./postgres-parameters.ts";
import { dataTypeOf, type PostgresVersion, valueOf } from "./postgres-values.ts";

const errorOf = (error: HostError): unknown => ({ tag: "other", val: error.message });

/** The resource `connection-builder`. */
class ConnectionBuilder {
  readonly address: string;
  readonly authorities: string[] = [];

  constructor(address: string) {
    this.address = address;
  }
}

/** What the database failed with as the interface's error. */
function failed(error: unknown, version: PostgresVersion): never {
  if (!(error instanceof PostgresFailure)) throw error;
  const { kind, message, server } = error;
  if (kind === "connection") throw new WasiError({ tag: "connection-failed", val: message });
  if (kind === "parameter") throw new WasiError({ tag: "bad-parameter", val: message });
  if (version < 4) throw new WasiError({ tag: "query-failed", val: message });
  const text = { tag: "text", val: message };
  const said = server === undefined ? text : { tag: "db-error", val: { asText: message, ...server } };
  throw new WasiError({ tag: "query-failed", val: said });
}

function rowSet({ columns, rows }: PostgresRows, version: PostgresVersion): unknown {
  try {
    return {
      columns: columns.map((column) => ({ name: column.name, dataType: dataTypeOf(column, version) })),
      rows: rows.map((row) => columns.map((column, index) => valueOf(row[index] ?? null, column, version))),
    };
  } catch (error) {
    const val = error instanceof Error ? error.message : String(error);
    throw new WasiError({ tag: "value-conversion-failed", val });
  }
}

function rowsOf(version: PostgresVersion): Wasi02Rows {
  const connect = async (
    { host }: Wasi02Context,
    address: string,
    authorities: readonly string[] = [],
  ): Promise<PostgresConnection> => {
    try {
      return await host.postgres.connect(address, authorities);
    } catch (error) {
      return failed(error, version);
    }
  };
  const run = async (
    connection: PostgresConnection,
    statement: string,
    parameters: readonly Tagged[],
  ): Promise<PostgresRows> => {
    const values = parameters.map(parameterOf);
    try {
      return await connection.run(statement, values);
    } catch (error) {
      return failed(error, version);
    }
  };
  return {
    "[static]connection.open": {
      docs: "Connects to a database that a grant of the network covers; `connection-failed` without one.",
      mayWait: true,
      run: (context: Wasi02Context, address: string) => connect(context, address),
    },
    "[method]connection.query": {
      docs: "Runs a statement and answers its rows.",
      mayWait: true,
      run: async (_context: Wasi02Context, connection: PostgresConnection, statement: string, parameters: Tagged[]) =>
        rowSet(await run(connection, statement, parameters), version),
    },
    "[method]connection.execute": {
      docs: "Runs a statement and answers how many rows it changed.",
      mayWait: true,
      run: async (_context: Wasi02Context, connection: PostgresConnection, statement: string, parameters: Tagged[]) =>
        BigInt((await run(connection, statement, parameters)).count),
    },
    "[resource-drop]connection": {
      docs: "Closes it.",
      run: (_context: Wasi02Context, connection: PostgresConnection) => connection.close(),
    },
    ...(version < 4 ? {} : builderRows(connect)),
  };
}

function builderRows(
  connect: (context: Wasi02Context, address: string, authorities: readonly string[]) => Promise<PostgresConnection>,
): Wasi02Rows {
  return {
    "[constructor]connection-builder": {
      docs: "A connection that is to be opened.",
      run: (_context: Wasi02Context, address: string) => new ConnectionBuilder(address),
    },
    "[method]connection-builder.set-ca-root": {
      docs: "Trusts a certificate (PEM) besides those that the system trusts.",
      run: (_context: Wasi02Context, { authorities }: ConnectionBuilder, certificate: string) => {
        if (!certificate.includes("-----BEGIN CERTIFICATE-----"))
          throw new WasiError({ tag: "other", val: "That is no certificate in PEM" });
        authorities.push(certificate);
      },
    },
    "[method]connection-builder.build": {
      docs: "Opens it, as `open` does.",
      mayWait: true,
      run: (context: Wasi02Context, { address, authorities }: ConnectionBuilder) =>
        connect(context, address, authorities),
    },
    "[resource-drop]connection-builder": { docs: "Forgets it.", run: () => {} },
  };
}

/** `postgres` as Spin has it, in each version whose values differ. */
export const postgres = {
  2: { errorOf, rows: rowsOf(2) },
  3: { errorOf, rows: rowsOf(3) },
  4: { errorOf, rows: rowsOf(4) },
} as const satisfies Record<PostgresVersion, Wasi02Interface>;
