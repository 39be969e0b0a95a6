// What Sampan uses of the library, which carries no types.

declare module "pg/lib/client.js" {
  /** A column of a result; `dataTypeID` is the type's OID. */
  export interface PgField {
    readonly name: string;
    readonly dataTypeID: number;
  }

  export interface PgResult {
    readonly fields: readonly PgField[];
    readonly rows: readonly (readonly (string | null)[])[];
    readonly rowCount: number | null;
  }

  export interface PgClientOptions {
    readonly stream: unknown;
    readonly ssl: false;
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly database: string;
    readonly password: () => string;
    readonly types: { getTypeParser(oid: number): (text: string) => string };
  }

  export interface PgQuery {
    readonly text: string;
    readonly values: readonly (string | Uint8Array | null)[];
    readonly rowMode: "array";
    readonly queryMode: "extended";
  }

  export interface Client {
    connect(): Promise<unknown>;
    query(query: PgQuery): Promise<PgResult>;
    on(event: "error", listener: (error: Error) => void): this;
    /** The parameters of the startup message. */
    getStartupConf(): Record<string, string>;
  }

  const constructor: new (options: PgClientOptions) => Client;
  export default constructor;
}
