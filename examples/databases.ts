/**
 * Real databases for the tests of the examples: Debian's PostgreSQL and MariaDB, each with data of its own in a temporary
 * folder, listening on a free port of the loopback.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** A running database; its address is the same before and after a restart. */
export interface Database {
  readonly port: number;
  /** Stops the server at once and leaves the data. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** The only value of a query's only row, as the database's own client prints it. */
  query(sql: string): Promise<string>;
  /** Stops the server and removes the data. */
  remove(): Promise<void>;
}

/** Answers what is missing in place of a database. */
export type DatabaseOrReason = Database | { readonly missing: string };

interface Recipe {
  readonly name: string;
  /** Makes the data folder's content. */
  readonly initialize: readonly string[];
  readonly serve: readonly string[];
  /** Whom the server runs as where the tests run as root, which it refuses to be. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly stopSignal: NodeJS.Signals;
  /** The client that prints the value of the query that follows, and the variables that it needs. */
  readonly client: { readonly line: readonly string[]; readonly env: Readonly<Record<string, string>> };
}

/** PostgreSQL with the user `orders`, whose password is `secret` and who owns the database `orders`. */
export async function startPostgres(): Promise<DatabaseOrReason> {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").sort() : [];
  const folder = versions.map((each) => `/usr/lib/postgresql/${each}/bin`).findLast((each) => existsSync(each));
  const initdb = folder === undefined ? onPath("initdb") : join(folder, "initdb");
  const postgres = folder === undefined ? onPath("postgres") : join(folder, "postgres");
  if (initdb === undefined || postgres === undefined) return { missing: "PostgreSQL (Debian: postgresql)" };
  const user = process.getuid?.() === 0 ? findUser("postgres") : undefined;
  const data = temporaryFolder("postgres", user);
  const port = await freePort();
  const password = join(data, "password");
  runOnce("/bin/sh", ["-c", 'printf secret > "$0"', password], user);
  const psql = [
    join(postgres, "..", "psql"),
    "-h",
    data,
    "-p",
    `${port}`,
    "-U",
    "orders",
    "-d",
    "postgres",
    "-At",
    "-c",
  ];
  const database = await startDatabase(data, port, {
    name: "PostgreSQL",
    initialize: [
      initdb,
      "-D",
      join(data, "data"),
      "-U",
      "orders",
      "-A",
      "scram-sha-256",
      `--pwfile=${password}`,
      "-E",
      "UTF8",
      "--locale=C",
      "--no-sync",
    ],
    serve: [
      postgres,
      "-D",
      join(data, "data"),
      "-p",
      `${port}`,
      "-k",
      data,
      "-h",
      "127.0.0.1",
      "-c",
      "fsync=off",
      "-c",
      "max_connections=20",
    ],
    ...(user === undefined ? {} : { user }),
    stopSignal: "SIGINT",
    client: { line: psql, env: { PGPASSWORD: "secret" } },
  });
  await database.query("CREATE DATABASE orders");
  return database;
}

/** MariaDB whose user `root` has the password `secret`, with the usual database `mysql`. */
export async function startMariadb(): Promise<DatabaseOrReason> {
  const server = onPath("mariadbd");
  const install = onPath("mariadb-install-db");
  if (server === undefined || install === undefined) return { missing: "MariaDB (Debian: mariadb-server)" };
  const data = temporaryFolder("mariadb", undefined);
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ["--user=root"] : [];
  const init = join(data, "init.sql");
  runOnce("/bin/sh", ["-c", 'printf "%s" "$1" > "$0"', init, rootAccount], undefined);
  return startDatabase(data, port, {
    name: "MariaDB",
    initialize: [
      install,
      "--no-defaults",
      `--datadir=${join(data, "data")}`,
      "--skip-test-db",
      ...user,
      "--auth-root-authentication-method=normal",
    ],
    serve: [
      server,
      "--no-defaults",
      `--datadir=${join(data, "data")}`,
      `--socket=${join(data, "socket")}`,
      ...user,
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      `--init-file=${init}`,
      "--skip-name-resolve",
      "--innodb-flush-log-at-trx-commit=0",
      `--pid-file=${join(data, "pid")}`,
      "--skip-log-bin",
    ],
    stopSignal: "SIGTERM",
    client: {
      line: [onPath("mariadb") ?? "mariadb", "--no-defaults", "-h127.0.0.1", `-P${port}`, "-uroot", "-N", "-B", "-e"],
      env: { MYSQL_PWD: "secret" },
    },
  });
}

const rootAccount =
  "CREATE OR REPLACE USER root@127.0.0.1 IDENTIFIED BY 'secret';\n" +
  "GRANT ALL PRIVILEGES ON *.* TO root@127.0.0.1 WITH GRANT OPTION;\n";

async function startDatabase(data: string, port: number, recipe: Recipe): Promise<Database> {
  let server: ChildProcess | undefined;
  let log = "";
  const stop = async (): Promise<void> => {
    const running = server;
    server = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    await new Promise<void>((ended) => {
      running.on("close", () => ended());
      running.kill(recipe.stopSignal);
    });
  };
  const query = async (sql: string): Promise<string> => {
    const [program = "", ...args] = recipe.client.line;
    const child = spawn(program, [...args, sql], { env: { ...process.env, ...recipe.client.env } });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
    const code = await new Promise<number | null>((ended, failed) => {
      child.on("error", failed).on("close", ended);
    });
    if (code !== 0) throw new Error(`"${sql}" failed: ${output.stderr}`);
    return output.stdout.trim();
  };
  /** A server that listens may still refuse everybody. */
  const untilAnswered = async (): Promise<void> => {
    await untilConnected(port);
    while (server !== undefined && (await query("SELECT 1").catch(() => "")) !== "1") continue;
  };
  const start = async (): Promise<void> => {
    const [program = "", ...args] = recipe.serve;
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], cwd: data, ...recipe.user });
    server = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log = (log + text).slice(-4000)));
    await Promise.race([
      untilAnswered(),
      new Promise<never>((_, failed) => {
        child.on("error", failed);
        child.on("close", () => failed(new Error(`${recipe.name} did not start:\n${log}`)));
      }),
    ]);
  };
  const remove = async (): Promise<void> => {
    await stop();
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const [program = "", ...args] = recipe.initialize;
    runOnce(program, args, recipe.user);
    await start();
  } catch (error) {
    await remove();
    throw error;
  }
  return { port, stop, start, query, remove };
}

function runOnce(program: string, args: readonly string[], user: Recipe["user"]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", cwd: tmpdir(), ...user });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`"${program}" ended with ${status}\n${stdout}${stderr}`);
}

function temporaryFolder(name: string, user: Recipe["user"]): string {
  const folder = mkdtempSync(join(tmpdir(), `sampan-${name}-`));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** The numbers of an account, from the system's own list. */
function findUser(name: string): { uid: number; gid: number } {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((each) => each.startsWith(`${name}:`));
  const [, , uid = "65534", gid = "65534"] = line?.split(":") ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

/** The path of a program in PATH, or in the folder for servers, which a user's PATH often lacks. */
export function onPath(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** A port of the loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Waits until somebody listens on a port of the loopback. */
export async function untilConnected(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((answer) => {
      const socket = createConnection({ host: "127.0.0.1", port });
      socket.on("connect", () => answer(true)).on("error", () => answer(false));
      socket.on("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((again) => setTimeout(again, 10));
  }
}
