import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { SampanError } from "../../../base/index.ts";
import {
  filesIn,
  freePort,
  mountOf,
  networkIn,
  refusalOf,
  startStandIn,
  testFolder,
  untilReady,
} from "../stand-in-fixture.ts";
import { canConfine } from "../confine.ts";
import { findMariadb, type MariadbPrograms } from "./find.ts";

function programs(): MariadbPrograms | undefined {
  try {
    return findMariadb("test");
  } catch {
    return undefined;
  }
}

const found = programs();
const skip = found === undefined ? "the system has no mariadbd" : false;

/** What the system's client answers, without column names. */
async function ask(
  socket: string,
  user: string,
  { password, sql }: { password: string; sql: string },
): Promise<string> {
  const { stdout } = await promisify(execFile)(
    found?.client ?? "mariadb",
    ["--no-defaults", "--batch", "--skip-column-names", `--socket=${socket}`, `--user=${user}`, "-e", sql],
    { env: { ...process.env, MYSQL_PWD: password } },
  );
  return stdout.trim();
}

test("a stand-in for mariadb is the system's server, with the image's variables and scripts", { skip }, async (t) => {
  const folder = join(testFolder(t), "volume");
  const hostPort = await freePort();
  const network = networkIn(testFolder(t), [{ guestPort: 3306, hostIp: "127.0.0.1", hostPort, protocol: "tcp" }]);
  const two = {
    ...network,
    self: { addresses: [...network.self.addresses, { network: "other", ip: "10.65.0.9" }], names: [] },
  };
  const given = {
    env: {
      MARIADB_ROOT_PASSWORD: "ro'ot",
      MYSQL_DATABASE: "shop",
      MARIADB_USER: "app",
      MARIADB_PASSWORD_FILE: "/run/secrets/db",
    },
    args: ["--max-connections=40"],
    mounts: [
      mountOf(folder, "/var/lib/mysql"),
      mountOf(filesIn(t, { db: "se\\cret\n" }), "/run/secrets"),
      mountOf(
        filesIn(t, {
          "1.sql": "CREATE TABLE orders (what TEXT);\nDELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END //\n",
          "2.sql": "INSERT INTO orders VALUES ('tea ☕');",
        }),
        "/docker-entrypoint-initdb.d",
      ),
    ],
    network: two,
  };
  const db = await startStandIn(t, "mariadb", given);
  await untilReady(db);
  assert.match(db.stdout.text, /^sampan: stand-in for mariadb:test: mariadbd \S+ from \//);
  assert.equal(await db.process.probe?.(), true);
  const app = (sql: string) => ask(db.socket(3306), "app", { password: "se\\cret", sql: `USE shop; ${sql}` });
  assert.equal(await app("SELECT what FROM orders; SELECT @@max_connections"), "tea ☕\n40");
  const elsewhere = db.socket(3306).replace("10.64.0.2", "10.65.0.9");
  assert.equal(await ask(elsewhere, "root", { password: "ro'ot", sql: "SELECT 1" }), "1");
  await assert.rejects(ask(db.socket(3306), "app", { password: "wrong", sql: "SELECT 1" }), /Access denied/);
  await assert.rejects(ask(db.socket(3306), "root", { password: "", sql: "SELECT 1" }), /Access denied/);
  await t.test("its root writes and reads no file of the host's outside of its data", async () => {
    const outside = testFolder(t);
    writeFileSync(join(outside, "secret"), "secret");
    const root = (sql: string) => ask(db.socket(3306), "root", { password: "ro'ot", sql });
    const log = join(outside, "x.log");
    await root(`SET GLOBAL general_log_file='${log}'; SET GLOBAL general_log=1; SELECT 1`).catch(() => {});
    for (const into of ["OUTFILE", "DUMPFILE"])
      await assert.rejects(root(`SELECT 'x' INTO ${into} '${join(outside, into)}'`), /secure-file-priv/);
    await root(`CREATE TABLE shop.far (a INT) DATA DIRECTORY='${outside}'`).catch(() => {});
    assert.equal(await root(`SELECT LOAD_FILE('${join(outside, "secret")}')`), "NULL");
    assert.deepEqual(readdirSync(outside), canConfine() ? ["secret"] : ["secret", "x.log"]);
    assert.equal(await app("SELECT what FROM orders"), "tea ☕");
  });
  const { connect } = await import("node:net");
  const [greeting] = await new Promise<[Buffer]>((resolve, reject) => {
    const outside = connect(hostPort, "127.0.0.1");
    outside.once("error", reject);
    outside.once("data", (bytes: Buffer) => {
      resolve([bytes]);
      outside.destroy();
    });
  });
  assert.equal(greeting[4], 10);
  assert.equal(db.process.deliver?.("SIGTERM"), true);
  assert.deepEqual(await db.process.exited, { kind: "exit", code: 0 });
  for (const path of [db.socket(3306), elsewhere, `${db.socket(3306)}.lock`])
    assert.equal(existsSync(path), false, path);

  const again = await startStandIn(t, "mysql", { ...given, env: {} });
  await untilReady(again);
  assert.equal(await app("SELECT count(*) FROM orders"), "1");
  again.process.end("SIGKILL");
  assert.deepEqual(await again.process.exited, { kind: "signal", signal: 9 });
});

test("a stand-in for mariadb says what it cannot do, and what is missing", { skip }, async (t) => {
  const said = (env: Record<string, string>, args: readonly string[] = [], mounts: string[] = []) =>
    refusalOf(t, "mariadb", { env, args, mounts: mounts.map((target) => mountOf(testFolder(t), target)) });
  assert.match(await said({}), /STAND_IN_CONFIG.*no root password/);
  const root = { MARIADB_ROOT_PASSWORD: "x" };
  assert.match(await said({ ...root, MARIADB_USER: "root" }), /its user is "root"/);
  assert.match(await said({ ...root, MARIADB_USER: "app" }), /its user "app" has no password/);
  assert.match(await said(root, ["--datadir=/"]), /"--datadir=\/", which it cannot do/);
  assert.match(await said(root, [], ["/etc/mysql/conf.d"]), /does not read "\/etc\/mysql\/conf.d"/);
});

test("findMariadb() names Debian's package where there is no server", () => {
  assert.throws(
    () => findMariadb("mariadb:11", "/nonexistent:relative"),
    (error) =>
      error instanceof SampanError && error.code === "STAND_IN_UNAVAILABLE" && /mariadb-server/.test(error.hint ?? ""),
  );
});
