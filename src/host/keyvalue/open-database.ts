import { closeSync, openSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { SampanError } from "../../base/index.ts";
import { storeModules } from "./node-modules.ts";

/** What the head of a database says whose it is: "Samp". */
const applicationId = 0x53616d70;
const schemaVersion = 1;
/** How long another process may hold the store, in ms. */
const longestWait = 1_000;
/** The longest pause between two tries, in ms. */
const pause = 10;

/**
 * Keys are bytes, because a text may hold a NUL. What the totals say is changed with the entries, in one transaction; a version is
 * never given twice.
 */
const schema = `
create table entries (
  id integer primary key autoincrement,
  key blob not null unique,
  value blob not null,
  version integer not null
);
create table totals (id integer primary key check (id = 1), keys integer not null, bytes integer not null, version integer not null);
insert into totals values (1, 0, 0, 0);
pragma application_id = ${applicationId};
pragma user_version = ${schemaVersion};
`;

/**
 * Opens the database of a store, which is made where there is none: in a file, or in memory where that is left out.
 *
 * @throws KEYVALUE_FILE, KEYVALUE_BUSY
 */
export function openDatabase(name: string, file: string | undefined): DatabaseSync {
  const path = file === undefined ? ":memory:" : preparedFile(name, file);
  try {
    const database = new storeModules.sqlite.DatabaseSync(path, {
      timeout: longestWait,
      allowExtension: false,
      defensive: true,
    });
    try {
      setUp(database, file !== undefined);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (cause) {
    if (cause instanceof SampanError) throw cause;
    throw storeFailure(cause, file ?? name);
  }
}

/** The real path of a store's file: a link to it is followed once, by whoever granted it. */
function preparedFile(name: string, file: string): string {
  const refuse = (why: string, cause?: unknown): SampanError =>
    new SampanError("KEYVALUE_FILE", `Cannot keep the store "${name}" in "${file}": ${why}`, { cause });
  try {
    const folder = realpathSync(dirname(file));
    const found = statSync(file, { throwIfNoEntry: false });
    if (found !== undefined && !found.isFile())
      throw refuse(found.isDirectory() ? "that is a folder" : "that is no file");
    // Others of the machine have no business with it.
    if (found === undefined) closeSync(openSync(join(folder, basename(file)), "a", 0o600));
    return realpathSync(file);
  } catch (error) {
    if (error instanceof SampanError) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw refuse(reason === "ENOENT" ? "there is no such folder" : reason, error);
  }
}

function setUp(database: DatabaseSync, isFile: boolean): void {
  database.exec("pragma trusted_schema = off; pragma cell_size_check = on;");
  if (isFile) {
    // What was written is with the system when a call returns: it outlives the process, if not a loss of power.
    insist(() => database.exec("pragma journal_mode = wal; pragma synchronous = normal;"));
  }
  insist(() => database.exec("begin immediate"));
  try {
    const numberOf = (pragma: string): unknown => database.prepare(`pragma ${pragma}`).get()?.[pragma];
    const isNew = database.prepare("select count(*) as count from sqlite_schema").get()?.["count"] === 0;
    if (isNew && numberOf("application_id") === 0) database.exec(schema);
    else if (numberOf("application_id") !== applicationId || numberOf("user_version") !== schemaVersion) {
      const file = database.location() ?? "";
      throw new SampanError("KEYVALUE_FILE", `Cannot keep a store in "${file}": it is a database of something else`, {
        hint: "name a file that is not there yet",
      });
    }
    database.exec("commit");
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

/** Tries again while another process has the file: SQLite itself does not wait in all cases. */
function insist(run: () => void): void {
  const end = process.hrtime.bigint() + BigInt(longestWait) * 1_000_000n;
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || process.hrtime.bigint() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    }
  }
}

function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code === 5 || code === 6;
}

/** SQLite's primary result code. */
function codeOf(error: unknown): number | undefined {
  const code: unknown = error instanceof Error && "errcode" in error ? error.errcode : undefined;
  return typeof code === "number" ? code & 0xff : undefined;
}

/** What a failure of SQLite's comes to: KEYVALUE_BUSY, KEYVALUE_LIMIT where the disk is full, KEYVALUE_FILE. */
export function storeFailure(cause: unknown, file: string): SampanError {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (isBusy(cause)) {
    const message = `Cannot use the store in "${file}": another process has held it for ${longestWait / 1000} s`;
    return new SampanError("KEYVALUE_BUSY", message, { cause });
  }
  if (codeOf(cause) === 13)
    return new SampanError("KEYVALUE_LIMIT", `Cannot keep more in "${file}": the disk is full`, { cause });
  return new SampanError("KEYVALUE_FILE", `Cannot use the store in "${file}": ${why}`, { cause });
}
