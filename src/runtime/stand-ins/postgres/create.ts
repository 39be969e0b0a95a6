import { configError } from "../workload.ts";
import { loadPostgres } from "./pglite.ts";
import type { PostgresSettings } from "./settings.ts";

/**
 * Makes a new cluster with the user and database that the settings name, and closes it. It is done in a process of its own:
 * what it takes of memory goes with that.
 *
 * @throws STAND_IN_CONFIG without a password, as the image does
 */
export async function createCluster(folder: string, settings: PostgresSettings): Promise<void> {
  const { user, password, database, trusts } = settings;
  if (!trusts && (password === undefined || password === "")) {
    const hint = "set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD to trust";
    throw configError("its database is new, and has no superuser password", hint);
  }
  const { open } = await loadPostgres();
  const db = await open(folder);
  if (user !== "postgres") await db.exec(`CREATE ROLE ${identifier(user)} SUPERUSER CREATEDB CREATEROLE LOGIN`);
  if (password !== undefined && password !== "")
    await db.exec(`ALTER ROLE ${identifier(user)} PASSWORD ${literal(password)}`);
  if (database !== "postgres") await db.exec(`CREATE DATABASE ${identifier(database)} OWNER ${identifier(user)}`);
  await db.close();
}

/** A name as SQL quotes it. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(text: string): string {
  return ` E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
