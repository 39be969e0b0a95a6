import { configError, hostPathOf, type StandInWorkload, variable } from "../workload.ts";

/** What the variables, command and mounts of a `mariadb` or `mysql` image say. */
export interface MariadbSettings {
  /** Where root may come from, and what it needs to say; only for new data. */
  readonly root: { readonly host: string; readonly password: string | undefined; readonly isRandom: boolean };
  readonly database: string | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** The host's folder for the data; undefined where no mount is there for it. */
  readonly folder: string | undefined;
  readonly options: readonly string[];
}

/** Options of the server that say nothing of where it is. */
const options = new Set(
  "character-set-server collation-server event-scheduler innodb-buffer-pool-size innodb-file-per-table innodb-flush-log-at-trx-commit innodb-lock-wait-timeout innodb-log-file-size interactive-timeout lower-case-table-names max-allowed-packet max-connections skip-character-set-client-handshake skip-name-resolve sort-buffer-size sql-mode thread-cache-size tmp-table-size transaction-isolation wait-timeout".split(
    " ",
  ),
);

/** @throws STAND_IN_CONFIG */
export function readSettings(workload: StandInWorkload): MariadbSettings {
  const { mounts, args } = workload;
  const either = (name: string): string | undefined =>
    variable(workload, `MARIADB_${name}`) ?? variable(workload, `MYSQL_${name}`);
  const unread = mounts.find(({ target }) => target.startsWith("/etc/mysql"));
  if (unread !== undefined)
    throw configError(
      `it does not read "${unread.target}"`,
      "write options into the service's command, as --NAME=VALUE",
    );
  return {
    root: {
      host: either("ROOT_HOST") ?? "%",
      password: either("ROOT_PASSWORD"),
      isRandom: isSet(either("RANDOM_ROOT_PASSWORD")),
    },
    database: either("DATABASE"),
    user: either("USER"),
    password: either("PASSWORD"),
    folder: hostPathOf(mounts, "/var/lib/mysql"),
    options: readCommand(args),
  };
}

/** Says what new data lack, as the image does. @throws STAND_IN_CONFIG */
export function checkNew(settings: MariadbSettings, workload: StandInWorkload): void {
  const { root, user, password } = settings;
  const mayBeEmpty = [
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
    "MYSQL_ALLOW_EMPTY_PASSWORD",
    "MARIADB_ALLOW_EMPTY_PASSWORD",
  ];
  const isEmptyAllowed = mayBeEmpty.some((name) => isSet(workload.env[name]));
  if ((root.password ?? "") === "" && !root.isRandom && !isEmptyAllowed)
    throw configError("its database is new, and has no root password", "set MARIADB_ROOT_PASSWORD");
  if (user === "root")
    throw configError('its user is "root", which there is anyway', "set MARIADB_USER to another name");
  if (user !== undefined && (password ?? "") === "")
    throw configError(`its user "${user}" has no password`, "set MARIADB_PASSWORD");
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "0" && value !== "no";
}

function readCommand(args: readonly string[]): readonly string[] {
  const words = ["mariadbd", "mysqld"].includes(args[0] ?? "") ? args.slice(1) : args;
  for (const word of words) {
    const name = /^--([\w-]+)(?:=|$)/.exec(word)?.[1]?.replaceAll("_", "-");
    if (name === undefined || !options.has(name.replace(/^skip-innodb/, "innodb")))
      throw configError(`its command has "${word}", which it cannot do`, "leave it out");
  }
  return words;
}
