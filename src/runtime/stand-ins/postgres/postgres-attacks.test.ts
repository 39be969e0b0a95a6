import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { mountOf, type StartedStandIn, startStandIn, testFolder, untilReady } from "../stand-in-fixture.ts";
import { Database } from "./database.ts";
import { front, int32, message } from "./frontend.ts";
import { PgClient } from "./pg-fixture.ts";
import { ScramServer, deadVerifier } from "./scram.ts";
import { Session } from "./session.ts";

const noTypes = Uint8Array.of(0, 0);
const sync = message(front.sync);
const startup = Buffer.concat([int32(18), int32(196_608), Buffer.from("user\0app\0\0")]);

async function start(t: TestContext, folder: string): Promise<StartedStandIn> {
  const started = await startStandIn(t, "postgres", {
    env: { POSTGRES_USER: "app", POSTGRES_PASSWORD: "secret" },
    args: ["-c", "idle_in_transaction_session_timeout=150ms"],
    mounts: [mountOf(folder, "/var/lib/postgresql/data")],
  });
  await untilReady(started);
  return started;
}

test("a stand-in for postgres withstands its clients", async (t) => {
  const folder = join(testFolder(t), "volume");
  const db = await start(t, folder);
  const login = (user = "app"): Promise<PgClient> => {
    const client = new PgClient(db.socket(5432));
    t.after(() => client.close());
    return client.login(user, "app", "secret");
  };
  const owner = await login();
  await owner.query("CREATE TABLE t (a text); CREATE ROLE reader LOGIN PASSWORD 'secret'");
  const copy = [
    message(front.parse, "", "COPY t FROM STDIN", noTypes),
    message(front.bind, "", "", noTypes, noTypes, noTypes),
    message(front.execute, "", int32(0)),
  ];
  const hostile: Readonly<Record<string, readonly Uint8Array[]>> = {
    "a copy in the extended protocol": [...copy, sync],
    "two copies in one batch": [...copy, ...copy, sync],
    "a copy behind another statement": [message(front.query, "SELECT 1; COPY t FROM STDIN")],
    "a copy behind a comment": [message(front.query, "/* x */ COPY t FROM STDIN; SELECT 1")],
    "a call of a function that is cut off": [message(front.functionCall, noTypes)],
    "a statement that is cut off": [message(front.parse, "", "SELECT 1", Uint8Array.of(255, 255)), sync],
    "a message with two texts": [message(front.query, "SELECT 1", "SELECT 2")],
  };
  for (const [name, messages] of Object.entries(hostile)) {
    await t.test(`${name} is an error, and nothing more`, async () => {
      const client = await login();
      client.send(...messages);
      const answers = await client.untilReady();
      assert.match(answers.join(" "), /E ERROR /);
      assert.equal(answers.at(-1), "Z I");
      assert.equal(await client.query("SELECT 1"), "1");
      assert.equal(await (await login()).query("SELECT 2"), "2");
    });
  }

  await t.test("rows of a copy that is a simple query arrive as before", async () => {
    const client = await login();
    client.send(message(front.query, "COPY t FROM STDIN"), message(front.copyData, Buffer.from("x\ny\n")));
    client.send(message(front.copyDone));
    assert.deepEqual((await client.untilReady()).at(-1), "Z I");
    assert.equal(await client.query("SELECT count(*) FROM t"), "2");
  });

  for (const type of [0x00, 0x70, 0x71, 0xff]) {
    await t.test(`a message of type ${type} ends its sender's connection alone`, async () => {
      const client = await login();
      client.send(message(type, "x"), sync);
      await assert.rejects(client.untilReady(), /FATAL 08P01 invalid frontend message type/);
      assert.equal(await (await login()).query("SELECT 2"), "2");
    });
  }

  await t.test("a transaction of a client that went silent ends once others wait for it", async () => {
    const silent = await login();
    await silent.query("BEGIN; INSERT INTO t VALUES ('silent')");
    assert.equal(await owner.query("SELECT count(*) FROM t WHERE a = 'silent'"), "0");
    await assert.rejects(silent.untilReady(), /FATAL 25P03 .*others wait/);
  });

  await t.test("a batch without an end does so too", async () => {
    const silent = await login();
    silent.send(message(front.parse, "", "SELECT 1", noTypes), message(front.flush));
    assert.equal((await silent.next()).type, "1");
    assert.equal(await owner.query("SELECT 1"), "1");
    await assert.rejects(silent.untilReady(), /FATAL 25P03/);
  });

  await t.test("a client that does not read its rows holds nobody up", async () => {
    const slow = await login();
    slow.pause();
    slow.send(message(front.query, "SELECT repeat('x', 1000000) FROM generate_series(1, 8)"));
    assert.equal(await owner.query("SELECT 1"), "1");
  });

  await t.test("a batch that is long runs before its end is there", async () => {
    const client = await login();
    const long = `SELECT '${"x".repeat(700_000)}'`;
    client.send(message(front.parse, "a", long, noTypes), message(front.parse, "b", long, noTypes));
    assert.equal((await client.next()).type, "1");
    client.send(sync);
    assert.deepEqual(await client.untilReady(), ["1", "Z I"]);
  });

  await t.test("a role that a client has taken is not the next client's", async () => {
    const [one, two] = [await login("reader"), await login("reader")];
    assert.equal(await one.query("SET SESSION AUTHORIZATION postgres; SELECT current_user"), "postgres");
    assert.equal(await two.query("SELECT current_user"), "reader");
  });

  await t.test("what clients say of themselves stays in one line of the log", async () => {
    await assert.rejects(login("x\nPANIC:  invented \u001b[31m"), /28P01/);
    await db.stdout.until(/invented/);
    assert.match(db.stdout.text, /for user "x\n\tPANIC: {2}invented \\x1b\[31m"/);
  });

  await t.test("its process makes no code of text, which a loaded library could bring", () => {
    const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    const own = children
      .map(wordsOf)
      .filter((words) => words.includes("postgres") && words.includes(String(process.pid)));
    assert.equal(own.length, 1);
    assert.ok(own[0]?.includes("--disallow-code-generation-from-strings"));
  });

  await t.test("its end by a client is its process's, and its data stay", async () => {
    const client = await login();
    client.send(message(front.query, "COPY t FROM PROGRAM 'id'"));
    assert.deepEqual(await db.process.exited, { kind: "exit", code: 1 });
    assert.match(db.stdout.text, /PANIC: {2}the database has ended/);
    const again = await start(t, folder);
    const after = await new PgClient(again.socket(5432)).login("app", "app", "secret");
    assert.equal(await after.query("SELECT count(*) FROM t"), "2");
    after.close();
  });
});

function wordsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** One session on a socket, with a database that only knows passwords it does not tell. */
async function strangerOf(t: TestContext, login: number): Promise<{ client: Socket; over: Promise<void> }> {
  const path = join(testFolder(t), "s");
  let over = (): void => {};
  const ended = new Promise<void>((resolve) => {
    over = resolve;
  });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const engine = {
      execProtocolRawStream: (_message: Uint8Array, { onRawData }: { onRawData: (bytes: Uint8Array) => void }) => {
        onRawData(message(0x5a, 0x49));
        return Promise.resolve();
      },
    };
    const database = new Database(engine, () => {});
    const patience = { login, transaction: 0, parting: 20 };
    const parts = { database, databaseName: "app", trusts: false, settings: Buffer.alloc(0), log: () => {}, patience };
    const session = new Session(socket, parts);
    void session
      .run()
      .then(() => once(socket, "close"))
      .then(over);
  });
  server.listen(path);
  await once(server, "listening");
  const client = connect({ path, allowHalfOpen: true });
  client.on("error", () => {});
  t.after(() => {
    client.destroy();
    server.close();
  });
  return { client, over: ended };
}

test("Session gives nobody its place who does not log in, and does not keep who does not leave", async (t) => {
  const { over } = await strangerOf(t, 30);
  await over;
});

test("Session does not keep a connection that a client leaves half open and does not read", async (t) => {
  const { client, over } = await strangerOf(t, 60_000);
  client.pause();
  client.end(Buffer.from("not PostgreSQL's protocol"));
  await over;
});

test("Session takes no long message of who has not logged in", async (t) => {
  const { client, over } = await strangerOf(t, 60_000);
  client.write(startup);
  client.write(Buffer.concat([Uint8Array.of(front.password), int32(100_000_000)]));
  const said: Buffer[] = [];
  client.on("data", (bytes: Buffer) => said.push(bytes));
  await Promise.all([over, once(client, "end")]);
  assert.match(Buffer.concat(said).toString("latin1"), /invalid message length/);
});

test("deadVerifier() says the same of one name each time, and something else of another", async () => {
  const saltOf = async (user: string): Promise<string | undefined> =>
    /,s=([^,]+),/.exec(new ScramServer(await deadVerifier(user)).first("n,,n=,r=abc") ?? "")?.[1];
  assert.equal(await saltOf("a"), await saltOf("a"));
  assert.notEqual(await saltOf("a"), await saltOf("b"));
});
