import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A PostgreSQL server of a test's. */
export interface TestServer {
  readonly port: number;
  /** The folder of its Unix socket. */
  readonly folder: string;
  /** `user=… password=… dbname=…` for its owner. */
  readonly owner: string;
  stop(): Promise<void>;
}

/** The folder with PostgreSQL's programs; undefined where it is not installed. */
export function postgresPrograms(): string | undefined {
  const around = "/usr/lib/postgresql";
  const versions = existsSync(around) ? readdirSync(around).toSorted() : [];
  const found = versions
    .map((version) => join(around, version, "bin"))
    .filter((bin) => existsSync(join(bin, "initdb")));
  return found.at(-1);
}

/** The user that the server runs as: PostgreSQL does not run for root. */
function serverUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** Starts a server on loopback, with passwords by SCRAM, and TLS where a certificate is given. */
export async function startPostgres(
  bin: string,
  tls?: { readonly key: string; readonly cert: string },
): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-pg-"));
  const user = serverUser();
  const data = join(folder, "data");
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    if (user !== undefined) chownSync(file, user.uid, user.gid);
    return file;
  };
  chmodSync(folder, 0o755);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const password = write("password", "it's a secret\n");
  const options = { stdio: "ignore", cwd: folder, ...user } as const;
  execFileSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "app", "-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-sync"],
    options,
  );
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, "fsync=off"];
  if (tls !== undefined)
    settings.push(
      "ssl=on",
      `ssl_cert_file=${write("cert.pem", tls.cert)}`,
      `ssl_key_file=${write("key.pem", tls.key)}`,
    );
  const args = ["-D", data, ...settings.flatMap((each) => ["-c", each])];
  const child = spawn(join(bin, "postgres"), args, { stdio: ["ignore", "ignore", "pipe"], cwd: folder, ...user });
  for await (const line of createInterface({ input: child.stderr })) if (line.includes("ready to accept")) break;
  child.stderr.resume();
  return {
    port,
    folder,
    owner: "user=app password='it\\'s a secret' dbname=postgres",
    async stop() {
      child.kill("SIGQUIT");
      await once(child, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
