import type { Client, PgResult } from "pg/lib/client.js";
import type { HttpSettings } from "../http/make-client.ts";
import type { Duplex } from "../http/node-modules.ts";
import { waitsError } from "../network/socket.ts";
import type { Sockets } from "../network/sockets.ts";
import { parseAddressOf, type PostgresAddress } from "./address.ts";
import { AnswerMeter } from "./answer-meter.ts";
import { ConnectProblem, connectSocket, securedStream } from "./connect.ts";
import { connectFailure, PostgresFailure, queryFailure } from "./failures.ts";
import { typeNames } from "./type-names.ts";

/** A column of a result. */
export interface PostgresColumn {
  readonly name: string;
  /** The OID of its type. */
  readonly type: number;
  /** The name of its type where that is one of PostgreSQL's own. */
  readonly typeName: string | undefined;
}

/** What a statement answered, its values in the text forms that PostgreSQL has for them. */
export interface PostgresRows {
  readonly columns: readonly PostgresColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** Rows that it changed or answered. */
  readonly count: number;
}

/** A value for a place in a statement: text, as PostgreSQL reads it, or bytes. */
export type PostgresParameter = string | Uint8Array | null;

/** What an instance connects to databases with. */
export interface PostgresOptions {
  readonly sockets: Sockets;
  /** Whether the instance can wait without its thread. */
  readonly suspends: boolean;
  readonly settings?: HttpSettings | undefined;
  /** Bytes that a server may answer to one statement; 64 MiB where it is left out. */
  readonly maxAnswer?: number;
}

const defaultAnswer = 64 * 1024 * 1024;
/** Most values that a statement takes (PostgreSQL's documentation, Bind). */
const mostParameters = 65_535;

/** Databases as one instance may reach them: by its own sockets, under its grants of the network. */
export class Postgres {
  readonly #options: PostgresOptions;

  constructor(options: PostgresOptions) {
    this.#options = options;
  }

  /**
   * Connects as an address says; `authorities` are certificates to trust besides (PEM).
   *
   * @throws PostgresFailure, and NETWORK_WAITS where the instance blocks its thread
   */
  async connect(text: string, authorities: readonly string[] = []): Promise<PostgresConnection> {
    const { sockets, suspends, settings, maxAnswer = defaultAnswer } = this.#options;
    if (!suspends) throw waitsError();
    let address: PostgresAddress | undefined;
    const failed = Promise.withResolvers<never>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const opened: { destroy?: () => void } = {};
    try {
      const to = (address = parseAddressOf(text));
      timer = setTimeout(
        () => failed.reject(new ConnectProblem(`it took longer than ${to.timeout / 1000} s`)),
        to.timeout,
      );
      // An instance that ended meanwhile waits for nothing.
      timer.unref();
      const begin = async (): Promise<PostgresConnection> => {
        const socket = await connectSocket(sockets, to);
        opened.destroy = () => socket.close();
        const stream = await securedStream(socket, to, { authorities, settings });
        opened.destroy = () => void stream.destroy();
        return PostgresConnection.over(stream, to, maxAnswer);
      };
      return await Promise.race([begin(), failed.promise]);
    } catch (error) {
      opened.destroy?.();
      throw connectFailure(error, address);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A connection to a database. One statement is under way at a time. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #stream: Duplex;
  readonly #meter: AnswerMeter;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(parts: { client: Client; stream: Duplex; meter: AnswerMeter }) {
    this.#client = parts.client;
    this.#stream = parts.stream;
    this.#meter = parts.meter;
  }

  /** Introduces itself over a stream to a server. */
  static async over(stream: Duplex, address: PostgresAddress, maxAnswer: number): Promise<PostgresConnection> {
    // The library itself, past its index: that would hand out another, with sockets of its own, where the surroundings say so.
    const { default: PgClient } = await import("pg/lib/client.js");
    const { user, password, database, host, port, parameters } = address;
    const meter = new AnswerMeter(stream, maxAnswer);
    const client = new PgClient({
      stream: meter.stream,
      ssl: false,
      host,
      port,
      user,
      database,
      password: () => password,
      types: { getTypeParser: () => asItIs },
    });
    // A connection that breaks while nobody asks anything of it: the next statement fails.
    client.on("error", () => {});
    // Left to itself the library would ask the surroundings for what the address leaves out.
    client.getStartupConf = () => ({ user, database, DateStyle: "ISO, MDY", TimeZone: "UTC", ...parameters });
    await client.connect();
    return new PostgresConnection({ client, stream, meter });
  }

  /**
   * Runs one statement, with values for its places.
   *
   * @throws PostgresFailure
   */
  run(statement: string, parameters: readonly PostgresParameter[]): Promise<PostgresRows> {
    if (statement.includes("\0")) throw new PostgresFailure("parameter", "Cannot run a statement that has a NUL");
    const nul = parameters.findIndex((each) => typeof each === "string" && each.includes("\0"));
    if (nul >= 0) throw new PostgresFailure("parameter", `Cannot pass $${nul + 1}: a text cannot hold a NUL`);
    if (parameters.length > mostParameters)
      throw new PostgresFailure("parameter", `Cannot pass ${parameters.length} values: ${mostParameters} is the most`);
    const answer = this.#last.then(() => this.#run(statement, parameters));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #run(text: string, values: readonly PostgresParameter[]): Promise<PostgresRows> {
    this.#meter.begin();
    try {
      const result = await this.#client.query({ text, values, rowMode: "array", queryMode: "extended" });
      return this.#rowsOf(result);
    } catch (error) {
      throw queryFailure(this.#meter.problem ?? error);
    }
  }

  #rowsOf({ fields, rows, rowCount }: PgResult): PostgresRows {
    const columns = fields.map(({ name, dataTypeID }) => ({
      name,
      type: dataTypeID,
      typeName: typeNames.get(dataTypeID),
    }));
    return { columns, rows, count: rowCount ?? 0 };
  }

  /** Says goodbye, and closes the connection. */
  close(): void {
    // The message "Terminate".
    this.#stream.end(Uint8Array.of(0x58, 0, 0, 0, 4));
    this.#stream.once("finish", () => this.#stream.destroy());
  }
}

function asItIs(text: string): string {
  return text;
}
