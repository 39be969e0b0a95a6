import type { PGlite } from "@electric-sql/pglite";
import type { ProjectPlace } from "../../../engine/index.ts";
import type { InitScript } from "../init-scripts.ts";
import { configError } from "../workload.ts";
import { Database } from "./database.ts";
import { errorMessage, front, message } from "./frontend.ts";
import type { LoadedPostgres } from "./pglite.ts";
import { type Patience, usualPatience } from "./patience.ts";
import { Session } from "./session.ts";
import type { PostgresSettings } from "./settings.ts";
import { ClientCommand, splitScript, type Statement } from "./sql-script.ts";

/** What a server of a cluster is made with. */
export interface ServeParts {
  readonly folder: string;
  readonly settings: PostgresSettings;
  /** What a new cluster is to run before anybody connects. */
  readonly scripts: readonly InitScript[];
  readonly place: ProjectPlace;
  readonly log: (line: string) => void;
  /** Called where a client has ended the database itself: nobody is served any more. */
  readonly onEnd: (why: string) => void;
  readonly patience?: Patience;
}

const port = 5432;
const holdSetting = "idle_in_transaction_session_timeout";
/** Most clients at once, PostgreSQL's default. */
const mostClients = 100;

/** A server that takes connections. */
export interface PostgresServer {
  stop(): Promise<void>;
}

/** Opens a cluster and serves it in the project. @throws STAND_IN_CONFIG for a script that fails, NETWORK_PORT */
export async function servePostgres(
  { open }: LoadedPostgres,
  { folder, settings, scripts, place, log: write, onEnd, patience = patienceOf(settings) }: ServeParts,
): Promise<PostgresServer> {
  const { user, database: databaseName, trusts, parameters } = settings;
  const log = (line: string): void => write(oneLine(line));
  const db = await open(folder, { database: databaseName, user: "postgres" });
  const database = new Database(db, onEnd);
  const settingsMessages = await startUp(database, db, { parameters, log });
  for (const script of scripts) await runScript(database, user, { script, log });
  const sessions = new Set<Session>();
  let isStopping = false;
  const close = await place.listen(port, (socket) => {
    if (isStopping || sessions.size >= mostClients) {
      const text = isStopping ? "the database system is shutting down" : "sorry, too many clients already";
      socket.on("error", () => {});
      socket.write(errorMessage("FATAL", isStopping ? "57P03" : "53300", text));
      socket.destroySoon();
      setTimeout(() => socket.destroy(), patience.parting).unref();
      return;
    }
    const session = new Session(socket, { database, databaseName, trusts, settings: settingsMessages, log, patience });
    sessions.add(session);
    void session.run().finally(() => sessions.delete(session));
  });
  log(`LOG:  database system is ready to accept connections`);
  return {
    stop: async () => {
      log("LOG:  received smart shutdown request");
      isStopping = true;
      close();
      for (const session of sessions) session.stop();
      await database.acquire(database);
      await db.close();
      log("LOG:  database system is shut down");
    },
  };
}

/** How long a transaction may hold others up is a setting of PostgreSQL's, which has no clock of its own here. */
function patienceOf({ parameters }: PostgresSettings): Patience {
  const [, text = ""] = parameters.find(([name]) => name === holdSetting) ?? [];
  const match = /^(\d{1,8}) ?(ms|s|min)?$/.exec(text);
  if (match === null) return usualPatience;
  const unit = match[2] === "min" ? 60_000 : match[2] === "s" ? 1000 : 1;
  return { ...usualPatience, transaction: Math.min(Number(match[1]) * unit, 2 ** 31 - 1) };
}

/** What clients say stays in its line, and says nothing to a terminal. */
function oneLine(text: string): string {
  const odd =
    // oxlint-disable-next-line no-control-regex -- these are what is taken out
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
  return text
    .replace(odd, (each) => {
      return `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`;
    })
    .replaceAll("\n", "\n\t");
}

/** Applies the command's settings, and answers what a client is told of the server's. */
async function startUp(
  database: Database,
  db: PGlite,
  { parameters, log }: { readonly parameters: PostgresSettings["parameters"]; readonly log: (line: string) => void },
): Promise<Buffer> {
  for (const [name, value] of parameters) {
    if (name === holdSetting) continue;
    try {
      await db.query("SELECT set_config($1, $2, false)", [name, value]);
    } catch (error) {
      log(`WARNING:  "${name}" stays as it is: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const head = Buffer.concat([Buffer.from([0, 3, 0, 0]), Buffer.from("user\0postgres\0\0")]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(head.length + 4);
  const said: Buffer[] = [];
  const listener = { isWanted: () => true, ready: () => {}, error: () => {} };
  await database.run([length, head], listener, (bytes) => void said.push(bytes));
  const all = Buffer.concat(said);
  const kept: Buffer[] = [];
  for (let at = 0; at + 5 <= all.length;) {
    const end = at + 1 + all.readInt32BE(at + 1);
    if (all[at] === 0x53) kept.push(all.subarray(at, end));
    at = end;
  }
  return Buffer.concat(kept);
}

async function runScript(
  database: Database,
  user: string,
  { script: { name, text }, log }: { readonly script: InitScript; readonly log: (line: string) => void },
): Promise<void> {
  log(`LOG:  running /docker-entrypoint-initdb.d/${name}`);
  const fail = (line: number, why: string): never => {
    throw configError(
      `the init script "${name}" fails in line ${line}: ${why}`,
      "correct it, and start anew with down -v",
    );
  };
  await database.become(user, database);
  try {
    for (const statement of splitScript(text)) {
      const failed = await runStatement(database, statement);
      if (failed !== undefined) fail(statement.line, failed);
    }
  } catch (error) {
    if (error instanceof ClientCommand) fail(error.line, error.message);
    throw error;
  }
}

/** What went wrong with it, if anything did. */
async function runStatement(database: Database, { text, rows }: Statement): Promise<string | undefined> {
  let failed: string | undefined;
  const requests = [message(front.query, text)];
  if (rows !== undefined) requests.push(message(front.copyData, Buffer.from(rows)), message(front.copyDone));
  // A copy without rows of its own would wait for them.
  requests.push(message(front.copyFail, "it has no rows"));
  const listener = {
    isWanted: () => true,
    ready: () => {},
    error: (_severity: string, what: string) => void (failed ??= what),
  };
  await database.run(requests, listener, () => {});
  return failed;
}
