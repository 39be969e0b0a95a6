import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";
import { SampanError } from "../../../base/index.ts";

/** The system's programs for MariaDB. */
export interface MariadbPrograms {
  readonly server: string;
  readonly install: string;
  readonly client: string;
}

/** Finds MariaDB on PATH, and where servers are that are for root alone. @throws STAND_IN_UNAVAILABLE */
export function findMariadb(
  reference: string,
  path: string = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/usr/local/sbin`,
): MariadbPrograms {
  const folders = path.split(delimiter).filter((folder) => folder.startsWith("/"));
  const find = (...names: readonly string[]): string => {
    for (const folder of folders) {
      for (const name of names) {
        const file = join(folder, name);
        try {
          accessSync(file, constants.X_OK);
          return file;
        } catch {
          // The next one may be there.
        }
      }
    }
    const message = `Cannot stand in for "${reference}": there is no "${names[0] ?? ""}" on PATH`;
    throw new SampanError("STAND_IN_UNAVAILABLE", message, {
      hint: "install Debian's package mariadb-server, or Docker",
    });
  };
  return {
    server: find("mariadbd", "mysqld"),
    install: find("mariadb-install-db", "mysql_install_db"),
    client: find("mariadb", "mysql"),
  };
}
