import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import {
  filesIn,
  mountOf,
  networkIn,
  refusalOf,
  type StartedStandIn,
  startStandIn,
  testFolder,
  untilReady,
} from "../stand-in-fixture.ts";
import { front, int32, message } from "./frontend.ts";
import { PgClient } from "./pg-fixture.ts";

const data = "/var/lib/postgresql/data";
const noTypes = Uint8Array.of(0, 0);

/** Messages of the extended protocol. */
const say = {
  parse: (name: string, text: string) => message(front.parse, name, text, noTypes),
  bind: (statement: string, value?: string) => {
    const values =
      value === undefined
        ? Uint8Array.of(0, 0)
        : Buffer.concat([Uint8Array.of(0, 1), int32(value.length), Buffer.from(value)]);
    return message(front.bind, "", statement, noTypes, values, noTypes);
  },
  execute: () => message(front.execute, "", int32(0)),
  sync: () => message(front.sync),
};

const scripts = {
  "10-tables.sql":
    "CREATE TABLE orders (id serial PRIMARY KEY, what text); -- the first\nCREATE ROLE reader LOGIN PASSWORD 'only-read';\nGRANT SELECT ON orders TO reader;",
  "20-rows.sql":
    "INSERT INTO orders (what) VALUES ('tea; \\ and ''milk''');\nCOPY orders (what) FROM stdin;\ncoffee\nbread\n\\.\nSELECT 1;",
  "30-more.sql.gz": gzipSync("INSERT INTO orders (what) VALUES ('packed');"),
  "readme.txt": "not a script",
};

/** A stand-in with tables, and all that the tests need of one; the cluster takes seconds to make. */
async function startOrders(t: TestContext, folder: string, password = "secret"): Promise<StartedStandIn> {
  const secrets = filesIn(t, { db_password: `${password}\n` });
  const started = await startStandIn(t, "postgres", {
    env: { POSTGRES_USER: "app", POSTGRES_PASSWORD_FILE: "/run/secrets/db_password", POSTGRES_DB: "orders" },
    args: ["postgres", "-c", "work_mem=8MB"],
    mounts: [
      mountOf(folder, data),
      mountOf(secrets, "/run/secrets"),
      mountOf(filesIn(t, scripts), "/docker-entrypoint-initdb.d"),
    ],
  });
  await untilReady(started);
  return started;
}

test("a stand-in for postgres", async (t) => {
  const folder = join(testFolder(t), "volume");
  const db = await startOrders(t, folder);
  const login = (user = "app", password = "secret", database = "orders"): Promise<PgClient> => {
    const client = new PgClient(db.socket(5432));
    t.after(() => client.close());
    return client.login(user, database, password);
  };

  await t.test("says first that it is one, and for what", () => {
    assert.match(db.stdout.text, /^sampan: stand-in for postgres:test: PostgreSQL 18\.6, as PGlite/);
    assert.match(db.stdout.text, /ready to accept connections/);
  });

  await t.test("says that it is ready", async () => assert.equal(await db.process.probe?.(), true));

  await t.test("runs the init scripts of a new database, packed ones and rows too", async () => {
    const client = await login();
    assert.equal(await client.query("SELECT what FROM orders ORDER BY id"), "tea; \\ and 'milk';coffee;bread;packed");
    assert.equal(await client.query("SHOW work_mem"), "8MB");
    assert.equal(await client.query("SELECT current_user, current_database()"), "app,orders");
  });

  await t.test("checks passwords, of roles of its own too, and tells nobody who there is", async () => {
    for (const [user, password] of [
      ["app", "wrong"],
      ["app", ""],
      ["nobody", "secret"],
      ["postgres", ""],
      ["postgres", "secret"],
      ["app' OR rolname = 'app", "secret"],
    ] as const)
      await assert.rejects(login(user, password), /28P01 password authentication failed for user/);
    const reader = await login("reader", "only-read");
    assert.equal(await reader.query("SELECT current_user, count(*) FROM orders"), "reader,4");
    assert.match(await reader.query("DELETE FROM orders"), /42501 permission denied/);
  });

  await t.test("has one database, and says so", async () => {
    await assert.rejects(login("app", "secret", "elsewhere"), /3D000 database "elsewhere" does not exist/);
  });

  await t.test("keeps the statements of clients apart, which have the same names", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => login()));
    for (const [index, client] of clients.entries()) {
      client.send(say.parse("s0", `SELECT $1::int + ${index * 100}`), say.sync());
      assert.deepEqual(await client.untilReady(), ["1", "Z I"]);
    }
    const answers = clients.map(async (client, index) => {
      for (let turn = 0; turn < 20; turn++) {
        client.send(say.bind("s0", String(turn)), say.execute(), say.sync());
        assert.deepEqual(await client.untilReady(), ["2", `D ${index * 100 + turn}`, "C", "Z I"]);
      }
    });
    await Promise.all(answers);
  });

  await t.test("keeps a statement without a name, whatever others do meanwhile", async () => {
    const [one, other] = [await login(), await login()];
    one.send(say.parse("", "SELECT 1"), say.sync());
    assert.deepEqual(await one.untilReady(), ["1", "Z I"]);
    other.send(say.parse("", "SELECT 2"), say.sync());
    assert.deepEqual(await other.untilReady(), ["1", "Z I"]);
    one.send(say.bind(""), say.execute(), say.sync());
    assert.deepEqual(await one.untilReady(), ["2", "D 1", "C", "Z I"]);
    one.send(
      say.parse("", "SELECT 3"),
      message(front.close, 0x53, ""),
      say.parse("", "SELECT 4"),
      say.bind(""),
      say.execute(),
      say.sync(),
    );
    assert.deepEqual(await one.untilReady(), ["1", "3", "1", "2", "D 4", "C", "Z I"]);
  });

  await t.test("forgets a client's statements when it goes, and leaves those of others", async () => {
    const stays = await login();
    stays.send(say.parse("mine", "SELECT 7"), say.sync());
    await stays.untilReady();
    for (let turn = 0; turn < 3; turn++) {
      const goes = await login();
      goes.send(say.parse("s0", "SELECT 8"), say.sync());
      assert.deepEqual(await goes.untilReady(), ["1", "Z I"]);
      goes.close();
    }
    const discards = await login();
    assert.equal(await discards.query("DISCARD ALL"), "");
    stays.send(say.bind("mine"), say.execute(), say.sync());
    assert.deepEqual(await stays.untilReady(), ["2", "D 7", "C", "Z I"]);
    const left = await stays.query("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '%s0'");
    assert.ok(Number(left) <= 5, left);
  });

  await t.test("keeps transactions of five clients apart, which come all at once", async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => login()));
    await (await login()).query("CREATE TABLE account (sum int); INSERT INTO account VALUES (0)");
    const add = async (client: PgClient): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) {
        await client.query("BEGIN");
        const sum = Number(await client.query("SELECT sum FROM account"));
        await client.query(`UPDATE account SET sum = ${sum + 1}`);
        assert.equal(await client.query("COMMIT"), "");
      }
    };
    await Promise.all(clients.map(add));
    assert.equal(await (await login()).query("SELECT sum FROM account"), "50");
  });

  await t.test("rolls back what a client left open when it went", async () => {
    const goes = await login();
    await goes.query("BEGIN; INSERT INTO orders (what) VALUES ('never')");
    goes.close();
    const midway = await login();
    midway.send(
      say.parse("", "INSERT INTO orders (what) VALUES ('never')"),
      say.bind(""),
      say.execute(),
      message(front.flush),
    );
    assert.equal((await midway.next()).type, "1");
    midway.close();
    assert.equal(await (await login()).query("SELECT count(*) FROM orders WHERE what = 'never'"), "0");
  });

  await t.test("goes on after an error, and skips the rest of the batch", async () => {
    const client = await login();
    client.send(say.parse("", "SELECT nonsense"), say.bind(""), say.execute(), say.sync());
    const said = await client.untilReady();
    assert.deepEqual([said.length, said[1]], [2, "Z I"]);
    assert.match(said[0] ?? "", /42703/);
    assert.equal(await client.query("SELECT 1"), "1");
    assert.match(db.stdout.text, /ERROR: {2}column "nonsense" does not exist/);
  });

  await t.test("takes and gives rows by COPY", async () => {
    const client = await login();
    await client.query("CREATE TABLE copied (a int, b text)");
    client.send(message(front.query, "COPY copied FROM STDIN"));
    assert.equal((await client.next()).type, "G");
    client.send(message(front.copyData, Buffer.from("1\tone\n")), message(front.copyData, Buffer.from("2\ttwo\n")));
    client.send(message(front.copyDone));
    assert.deepEqual(await client.untilReady(), ["C", "Z I"]);
    assert.equal(await client.query("SELECT sum(a) FROM copied"), "3");
    client.send(message(front.query, "COPY copied FROM STDIN"));
    await client.next();
    client.send(message(front.copyFail, "no more"));
    assert.match((await client.untilReady()).join(), /57014/);
    client.send(message(front.query, "COPY copied TO STDOUT"));
    assert.deepEqual(await client.untilReady(), ["H", "d", "d", "c", "C", "Z I"]);
  });

  await t.test("gives a large answer whole", async () => {
    const client = await login();
    const said = await client.query("SELECT repeat('x', 100000) FROM generate_series(1, 50)");
    assert.equal(said.length, 50 * 100_000 + 49);
  });

  await t.test("closes what is not its protocol, and serves the next", async () => {
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n", "\0\0\0\u0008\0\u0009\0\0", "\0\0\0\0\0\0\0\0"]) {
      const client = new PgClient(db.socket(5432));
      client.send(Buffer.from(bytes, "latin1"));
      await assert.rejects(async () => {
        for (;;) await client.next();
      }, /closed/);
    }
    const client = await login();
    client.send(Uint8Array.of(0x51, 0x7f, 0xff, 0xff, 0xff));
    await assert.rejects(client.untilReady(), /08P01/);
    assert.equal(await (await login()).query("SELECT 1"), "1");
  });

  await t.test(
    "is used by PostgreSQL's own client, where the system has it",
    { skip: !existsSync("/usr/bin/psql") },
    () => {
      const folder = testFolder(t);
      const env = { ...process.env, PGPASSWORD: "secret", PGHOST: folder, PGUSER: "app", PGDATABASE: "orders" };
      linkSync(db.socket(5432), join(folder, ".s.PGSQL.5432"));
      const sql = "SELECT count(*) > 3 AS many FROM orders\\gset\nSELECT 'many: ' || :'many';\n";
      assert.match(execFileSync("psql", ["-At"], { env, input: sql, encoding: "utf8" }), /^many: t/m);
    },
  );

  await t.test("stops cleanly, tells its clients, and leaves no socket", async () => {
    const client = await login();
    await client.query("SELECT 1");
    assert.equal(db.process.deliver?.("SIGHUP"), false);
    assert.equal(db.process.deliver?.("SIGTERM"), true);
    await assert.rejects(client.untilReady(), /57P01/);
    assert.deepEqual(await db.process.exited, { kind: "exit", code: 0 });
    assert.match(db.stdout.text, /database system is shut down\n$/);
    assert.equal(existsSync(db.socket(5432)), false);
    assert.equal(await db.process.probe?.(), false);
  });

  await t.test(
    "has its data again, with the password that they were made with, and runs no script twice",
    async (t2) => {
      const again = await startOrders(t2, folder, "changed");
      const client = await new PgClient(again.socket(5432)).login("app", "orders", "secret");
      assert.equal(await client.query("SELECT count(*) FROM orders"), "4");
      assert.doesNotMatch(again.stdout.text, /running/);
      // What was committed is there after a kill.
      await client.query("INSERT INTO orders (what) VALUES ('survives')");
      again.process.end("SIGKILL");
      assert.deepEqual(await again.process.exited, { kind: "signal", signal: 9 });
      assert.equal(existsSync(again.socket(5432)), false);
      const after = await startOrders(t2, folder);
      const next = await new PgClient(after.socket(5432)).login("app", "orders", "secret");
      assert.equal(await next.query("SELECT count(*) FROM orders WHERE what = 'survives'"), "1");
    },
  );

  await t.test("ends with the process that started it, and when it crashes so does the container", async (t2) => {
    const network = networkIn(testFolder(t2));
    const source = `
      import { StandInRunner } from ${JSON.stringify(fileURLToPath(new URL("../runner.ts", import.meta.url)))};
      const sink = { write: (bytes) => bytes.length, ready: () => true, close: () => {} };
      const data = { family: "postgres", reference: "postgres", args: [], env: { POSTGRES_DB: "orders" },
        mounts: [{ source: ${JSON.stringify(folder)}, target: ${JSON.stringify(data)}, readOnly: false }],
        network: ${JSON.stringify(network)} };
      const started = await new StandInRunner().start({ kind: "stand-in", data }, { stdout: sink, stderr: sink });
      await started.ready;
      console.log("ready");
      process.kill(process.pid, "SIGKILL");`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(parent.stdout, "data")) as [Buffer];
    assert.equal(said.toString(), "ready\n");
    // The pipe of the child's output ends when nobody has it any more.
    parent.stdout.resume();
    await once(parent, "close");
    const known = ownChildren();
    const crashing = await startOrders(t2, folder);
    const [child, ...more] = ownChildren().filter((pid) => !known.includes(pid));
    assert.deepEqual(more, []);
    process.kill(Number(child), "SIGSEGV");
    assert.deepEqual(await crashing.process.exited, { kind: "signal", signal: 11 });
  });

  await t.test("takes no data of another program", async (t2) => {
    const strange = filesIn(t2, { PG_VERSION: "17\n" });
    const env = { POSTGRES_PASSWORD: "x" };
    const said = await refusalOf(t2, "postgres", { env, mounts: [mountOf(strange, data)] });
    assert.match(said, /STAND_IN_CONFIG.*holds what is not a stand-in's/);
    assert.equal(readFileSync(join(strange, "PG_VERSION"), "utf8"), "17\n");
    const half = filesIn(t2, { "sampan-stand-in.json": '{"program":"MariaDB","isWhole":true}' });
    assert.match(await refusalOf(t2, "postgres", { env, mounts: [mountOf(half, data)] }), /data of MariaDB/);
  });
});

/** Processes of stand-ins that this one started. */
function ownChildren(): readonly string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      const parent = /^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1];
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("stand-in-main");
    } catch {
      return false;
    }
  });
}

test("a stand-in for postgres says before it starts what it cannot do", async (t) => {
  const given = (env: Record<string, string>, args: readonly string[] = []) => ({
    env: { POSTGRES_PASSWORD: "x", ...env },
    args,
  });
  const cases: [ReturnType<typeof given>, RegExp][] = [
    [
      given({ POSTGRES_PASSWORD_FILE: "/run/secrets/x" }),
      /"POSTGRES_PASSWORD" and "POSTGRES_PASSWORD_FILE" are both set/,
    ],
    [given({ POSTGRES_DB_FILE: "/run/secrets/none" }), /"POSTGRES_DB_FILE" names "\/run\/secrets\/none"/],
    [given({ POSTGRES_INITDB_ARGS: "--data-checksums" }), /"--data-checksums"/],
    [given({ POSTGRES_HOST_AUTH_METHOD: "md5" }), /"md5"/],
    [given({}, ["postgres", "--single"]), /"--single"/],
  ];
  for (const [each, what] of cases) assert.match(await refusalOf(t, "postgres", each), what);
  const shell = mountOf(filesIn(t, { "init.sh": "echo" }), "/docker-entrypoint-initdb.d");
  assert.match(
    await refusalOf(t, "postgres", { ...given({}), mounts: [shell] }),
    /cannot run the init script "init.sh"/,
  );
  const unset = await refusalOf(t, "postgres", {});
  assert.match(unset, /STAND_IN_CONFIG.*no superuser password/);
});

test("a stand-in for postgres begins anew where its first start was cut off or failed, and then has its data", async (t) => {
  const folder = testFolder(t);
  const broken = filesIn(t, { "1.sql": "CREATE TABLE t (a int);\n\nINSERT INTO nowhere VALUES (1);" });
  const mounts = [mountOf(folder, data), mountOf(broken, "/docker-entrypoint-initdb.d")];
  const env = { POSTGRES_HOST_AUTH_METHOD: "trust" };
  assert.match(
    await refusalOf(t, "postgres", { env, mounts }),
    /init script "1.sql" fails in line 3: relation "nowhere"/,
  );
  writeFileSync(join(broken, "1.sql"), "CREATE TABLE t (a int);");
  const db = await startStandIn(t, "postgres", { env, mounts });
  await untilReady(db);
  const client = await new PgClient(db.socket(5432)).login("postgres", "postgres");
  assert.equal(await client.query("SELECT count(*) FROM t"), "0");
  await assert.rejects(new PgClient(db.socket(5432)).login("nobody", "postgres"), /28000 role "nobody" does not exist/);
});
