import { execFile } from "node:child_process";
import { linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { ProjectPlace, projectSocket } from "../../../engine/index.ts";
import type { Ending, ProcessIo } from "../../process.ts";
import { announce } from "../announce.ts";
import { Child, writeTo } from "../child.ts";
import { finishDataFolder, takeDataFolder } from "../data-folder.ts";
import { type InitScript, readInitScripts } from "../init-scripts.ts";
import { forwardPublished, greets, type Stage, StandInProcess } from "../stand-in-process.ts";
import { configError, type StandInWorkload } from "../workload.ts";
import { findMariadb, type MariadbPrograms } from "./find.ts";
import { checkNew, type MariadbSettings, readSettings } from "./settings.ts";

const program = "MariaDB";
const port = 3306;
/** How often it is asked whether it is ready, in ms. */
const lookEvery = 20;

/** What a stand-in for MariaDB is started with. */
interface Parts {
  readonly programs: MariadbPrograms;
  readonly settings: MariadbSettings;
  readonly io: ProcessIo;
  readonly stage: Stage;
  /** The server's data. */
  readonly data: string;
  readonly socket: string;
  /** Where its programs may write: the data's folder, and the sockets'. */
  readonly writes: readonly string[];
}

/** Starts a stand-in for `mariadb` or `mysql`. @throws STAND_IN_CONFIG, STAND_IN_UNAVAILABLE */
export async function startMariadb(workload: StandInWorkload, io: ProcessIo): Promise<StandInProcess> {
  const programs = findMariadb(workload.reference);
  const settings = readSettings(workload);
  const {
    path: base,
    isNew,
    clean,
    prepared: scripts,
  } = await takeDataFolder(settings.folder, {
    program,
    prepare: (isEmpty) => {
      if (!isEmpty) return [];
      checkNew(settings, workload);
      return readInitScripts(workload.mounts);
    },
  });
  const { network } = workload;
  const place = new ProjectPlace(network);
  const [first = "", ...others] = place.addresses.map((ip) => place.freePath(port, ip));
  await announce(workload, `${await versionOf(programs)} from ${programs.server}`, io);
  return new StandInProcess({
    network,
    ports: [port],
    isWell: (path) => greets(path, { bytes: 5 }),
    clean: () => {
      rmSync(`${first}.lock`, { force: true });
      clean();
    },
    run: async (stage) => {
      const parts = {
        programs,
        settings,
        io,
        stage,
        data: join(base, "data"),
        socket: first,
        writes: [base, dirname(first)],
      };
      for (const name of ["files", "tmp"]) mkdirSync(join(base, name), { recursive: true, mode: 0o700 });
      if (isNew) {
        await create(parts, scripts);
        finishDataFolder(base, program);
      }
      const server = startServer(parts, first);
      await untilReady(server, first);
      for (const path of others) linkSync(first, path);
      const close = await forwardPublished(network, { port, path: projectSocketOf(network, first) });
      stage.ready();
      return server.exited.finally(close);
    },
  });
}

function projectSocketOf(network: StandInWorkload["network"], path: string): string {
  const [address] = network.self.addresses;
  return address === undefined ? path : projectSocket(network.folder, { ip: address.ip, protocol: "tcp", port });
}

async function versionOf({ server }: MariadbPrograms): Promise<string> {
  const { stdout } = await promisify(execFile)(server, ["--no-defaults", "--version"]);
  return `mariadbd ${/Ver (\S+)/.exec(stdout)?.[1] ?? ""}`.trim();
}

const asRoot = process.getuid?.() === 0 ? ["--user=root"] : [];

function startServer({ programs, settings, io, stage, data, writes }: Parts, socket: string): Child {
  const command = [
    programs.server,
    "--no-defaults",
    ...asRoot,
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--pid-file=${join(data, "mariadbd.pid")}`,
    "--skip-networking",
    "--skip-name-resolve",
    // It is a program of the host's: statements read and write no files besides its data.
    `--secure-file-priv=${join(dirname(data), "files")}`,
    "--skip-symbolic-links",
    "--character-set-server=utf8mb4",
    ...settings.options,
  ];
  return stage.add(new Child({ command, writes, env: envOf(data) }, io));
}

function envOf(data: string): NodeJS.ProcessEnv {
  return { ...process.env, TMPDIR: join(dirname(data), "tmp") };
}

/** Resolves once the server greets who connects. @throws STAND_IN_ENDED where it ends before */
async function untilReady(server: Child, socket: string): Promise<void> {
  let isOver = false;
  void server.exited.then(() => {
    isOver = true;
  });
  while (!isOver && !(await greets(socket, { bytes: 5 })))
    await new Promise((resolve) => setTimeout(resolve, lookEvery));
  if (isOver) await server.ready;
}

/** Makes new data, with what the image's variables and scripts say. */
async function create(parts: Parts, scripts: readonly InitScript[]): Promise<void> {
  const { programs, io, stage, data, socket, writes } = parts;
  const nowhere = { write: (bytes: Uint8Array) => bytes.length, ready: () => true as const, close: () => {} };
  const command = [
    programs.install,
    "--no-defaults",
    ...asRoot,
    `--datadir=${data}`,
    "--auth-root-authentication-method=normal",
    "--skip-test-db",
    "--skip-name-resolve",
  ];
  const install = stage.add(new Child({ command, writes, env: envOf(data) }, { stdout: nowhere, stderr: io.stderr }));
  expectWell(await install.exited, "mariadb-install-db failed");
  const private_ = socket.replace(/[^/]+$/, "new");
  const server = startServer(parts, private_);
  await untilReady(server, private_);
  await runClient(parts, { socket: private_, text: firstStatements(parts) });
  const { database, root } = parts.settings;
  for (const { name, text } of scripts) {
    await writeTo(io.stdout, Buffer.from(`running /docker-entrypoint-initdb.d/${name}\n`));
    await runClient(parts, { socket: private_, text, name, database, password: root.password });
  }
  server.signal("SIGTERM");
  expectWell(await server.exited, "the server failed while it made its data");
}

function firstStatements({ settings, io }: Parts): string {
  const { root, database, user, password } = settings;
  const isNone = root.password === undefined || root.password === "";
  const rootPassword = isNone && root.isRandom ? crypto.randomUUID() : (root.password ?? "");
  if (isNone && root.isRandom) void writeTo(io.stdout, Buffer.from(`GENERATED ROOT PASSWORD: ${rootPassword}\n`));
  const lines: string[] = [];
  if (database !== undefined) lines.push(`CREATE DATABASE IF NOT EXISTS ${identifier(database)};`);
  if (user !== undefined) lines.push(`CREATE USER ${literal(user)}@'%' IDENTIFIED BY ${literal(password ?? "")};`);
  if (user !== undefined && database !== undefined)
    lines.push(`GRANT ALL ON ${identifier(database.replaceAll("_", "\\_"))}.* TO ${literal(user)}@'%';`);
  if (root.host !== "localhost") {
    const who = `'root'@${literal(root.host)}`;
    lines.push(`CREATE USER ${who} IDENTIFIED BY ${literal(rootPassword)};`);
    lines.push(`GRANT ALL ON *.* TO ${who} WITH GRANT OPTION;`);
  }
  lines.push(`ALTER USER 'root'@'localhost' IDENTIFIED BY ${literal(rootPassword)};`);
  return lines.join("\n");
}

interface ClientRun {
  readonly socket: string;
  readonly text: string;
  readonly name?: string;
  readonly database?: string | undefined;
  readonly password?: string | undefined;
}

async function runClient(
  { programs, io, stage, data, writes }: Parts,
  { socket, text, name, database, password }: ClientRun,
): Promise<void> {
  const command = [programs.client, "--no-defaults", "--batch", "--user=root", `--socket=${socket}`];
  if (database !== undefined) command.push(`--database=${database}`);
  // In the environment others do not see it, as they would on the command line.
  const env = { ...envOf(data), ...(password === undefined ? {} : { MYSQL_PWD: password }) };
  const client = stage.add(new Child({ command, env, input: text, writes }, io));
  expectWell(
    await client.exited,
    name === undefined ? "its first statements failed" : `the init script "${name}" failed`,
  );
}

/** @throws STAND_IN_CONFIG where a step did not end well */
function expectWell(ending: Ending, what: string): void {
  if (ending.kind === "exit" && ending.code === 0) return;
  throw configError(
    `${what}: ${ending.kind === "exit" ? `it ended with ${ending.code}` : `it was ended`}`,
    "look at its log",
  );
}

function identifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

function literal(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
