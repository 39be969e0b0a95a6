import { configError, hostPathOf, type StandInWorkload, variable } from "../workload.ts";

/** What the variables, command and mounts of a `postgres` image say. */
export interface PostgresSettings {
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  readonly trusts: boolean;
  /** The host's folder for the data; undefined where no mount is there for it. */
  readonly folder: string | undefined;
  /** Settings of the command line, such as `work_mem`. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** @throws STAND_IN_CONFIG */
export function readSettings(workload: StandInWorkload): PostgresSettings {
  const { env, mounts } = workload;
  const user = variable(workload, "POSTGRES_USER") ?? "postgres";
  checkInitArgs(variable(workload, "POSTGRES_INITDB_ARGS") ?? "");
  const method = env["POSTGRES_HOST_AUTH_METHOD"];
  if (method !== undefined && method !== "" && !["trust", "scram-sha-256"].includes(method))
    throw configError(`"POSTGRES_HOST_AUTH_METHOD" is "${method}"`, "use scram-sha-256 or trust");
  return {
    user,
    password: variable(workload, "POSTGRES_PASSWORD"),
    database: variable(workload, "POSTGRES_DB") ?? user,
    trusts: method === "trust",
    folder: folderOf(workload, mounts),
    parameters: readCommand(workload.args),
  };
}

function folderOf({ env }: StandInWorkload, mounts: StandInWorkload["mounts"]): string | undefined {
  const named = env["PGDATA"];
  if (named !== undefined) return hostPathOf(mounts, named);
  return hostPathOf(mounts, "/var/lib/postgresql/data");
}

/** What of `initdb`'s options is so anyway is taken; another is an error by name. */
function checkInitArgs(text: string): void {
  const words = text.split(/\s+/).filter((word) => word !== "");
  for (const word of words.flatMap((each) => each.split("="))) {
    const isSo =
      /^(?:-E|--encoding|--locale|--lc-[a-z]+|--auth|--auth-host|--auth-local|-A)$/.test(word) ||
      /^(?:utf-?8|C|POSIX|C\.utf-?8|en_US\.utf-?8|scram-sha-256)$/i.test(word);
    if (!isSo)
      throw configError(`"POSTGRES_INITDB_ARGS" has "${word}", which it cannot do`, "leave it out: it is UTF8 anyway");
  }
}

function readCommand(args: readonly string[]): readonly (readonly [string, string])[] {
  const words = args[0] === "postgres" ? args.slice(1) : [...args];
  const parameters: (readonly [string, string])[] = [];
  while (words.length > 0) {
    const word = words.shift() ?? "";
    const setting = word === "-c" ? (words.shift() ?? "") : (/^(?:-c|--)(.+)$/.exec(word)?.[1] ?? "");
    const match = /^([a-z][\w.-]*)=(.*)$/i.exec(setting);
    if (match?.[1] === undefined || match[2] === undefined)
      throw configError(`its command has "${word}"`, 'write settings as "-c NAME=VALUE"');
    parameters.push([match[1].replaceAll("-", "_"), match[2]]);
  }
  return parameters;
}
