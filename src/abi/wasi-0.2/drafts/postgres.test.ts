import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type AccessRequest, defaultGrants, type Grants, grantsFromFlags } from "../../../capabilities/index.ts";
import { Answered, createFixture } from "../wasi02-fixture.ts";
import { draftCalls } from "./drafts-fixture.ts";
import { parameterOf, type Tagged } from "./postgres-parameters.ts";
import { postgresPrograms, startPostgres, type TestServer } from "./postgres-server-fixture.ts";
import { type PostgresVersion, valueOf } from "./postgres-values.ts";

const programs = postgresPrograms();
const v4 = "spin:postgres/postgres@4.2.0";

type Call = (name: string, ...values: readonly unknown[]) => unknown;

function make(net: string, heard: AccessRequest[] = []): Call {
  const observer = { isLearning: false, used: () => {}, refused: (request: AccessRequest) => void heard.push(request) };
  const flags = net === "" ? [] : net.split(" ").map((value) => ({ flag: "--allow-net", value }));
  const grants: Partial<Grants> = { net: grantsFromFlags(flags, { cwd: "/" }, defaultGrants).net };
  return draftCalls(createFixture({ grants, host: { waits: "suspend", observer } }));
}

async function payloadOf(run: () => unknown): Promise<{ tag: string; val: unknown }> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Answered) return error.payload as { tag: string; val: unknown };
    throw error;
  }
  return assert.fail("it went well");
}

interface RowSet {
  readonly columns: readonly { readonly name: string; readonly dataType: unknown }[];
  readonly rows: readonly (readonly Tagged[])[];
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Each kind of value that both sides have: the type to cast to, the parameter, and what comes back where that differs. */
const values: readonly (readonly [type: string, given: Tagged, answered?: Tagged])[] = [
  ["bool", { tag: "boolean", val: true }],
  ["int2", { tag: "int8", val: -5 }, { tag: "int16", val: -5 }],
  ["int2", { tag: "int16", val: -32768 }],
  ["int4", { tag: "int32", val: 2147483647 }],
  ["int8", { tag: "int64", val: -(1n << 63n) }],
  ["float4", { tag: "floating32", val: 1.5 }],
  ["float8", { tag: "floating64", val: 5e-324 }],
  ["float8", { tag: "floating64", val: -0 }],
  ["float8", { tag: "floating64", val: Number.NaN }],
  ["float8", { tag: "floating64", val: Number.NEGATIVE_INFINITY }],
  ["text", { tag: "str", val: "é'; drop table x; -- 🚢" }],
  ["bytea", { tag: "binary", val: Uint8Array.from({ length: 256 }, (_, index) => index) }],
  ["date", { tag: "date", val: [2024, 2, 29] }],
  ["date", { tag: "date", val: [-43, 3, 15] }],
  ["time", { tag: "time", val: [23, 59, 59, 999_999_000] }],
  ["timestamp", { tag: "datetime", val: [1999, 12, 31, 23, 59, 58, 1000] }],
  ["timestamptz", { tag: "timestamp", val: 1_700_000_000n }, { tag: "datetime", val: [2023, 11, 14, 22, 13, 20, 0] }],
  ["timestamptz", { tag: "timestamp", val: -62_198_755_200n }, { tag: "datetime", val: [-1, 1, 1, 0, 0, 0, 0] }],
  ["uuid", { tag: "uuid", val: "0f3e2f86-b7a5-4f6b-9f2e-5d6c5a1b2c3d" }],
  ["jsonb", { tag: "jsonb", val: bytes('{"a": [1, "ü"]}') }],
  ["numeric", { tag: "decimal", val: "-123456789012345678901234567890.000000001" }],
  [
    "int4range",
    {
      tag: "range-int32",
      val: [
        [1, "inclusive"],
        [5, "exclusive"],
      ],
    },
  ],
  ["int8range", { tag: "range-int64", val: [undefined, [5n, "exclusive"]] }],
  [
    "numrange",
    {
      tag: "range-decimal",
      val: [
        ["1.5", "exclusive"],
        ["2.50", "inclusive"],
      ],
    },
  ],
  ["numrange", { tag: "range-decimal", val: [undefined, undefined] }],
  ["int4[]", { tag: "array-int32", val: [1, undefined, -3] }],
  ["int8[]", { tag: "array-int64", val: [] }],
  ["numeric[]", { tag: "array-decimal", val: ["1.50", undefined] }],
  ["text[]", { tag: "array-str", val: ["a,b", '"', "\\", "", "NULL", undefined, "{}", " "] }],
  ["interval", { tag: "interval", val: { micros: -3_723_000_004n, days: -2, months: 14 } }],
  ["interval", { tag: "interval", val: { micros: 0n, days: 0, months: 0 } }],
  ["text", { tag: "db-null" }],
];

describe("spin:postgres on a server", { skip: programs === undefined ? "PostgreSQL is not installed" : false }, () => {
  let server: TestServer;
  let call: Call;
  let place: string;
  before(async () => {
    server = await startPostgres(programs ?? "");
    call = make(`127.0.0.1:${server.port}`);
    place = `host=127.0.0.1 port=${server.port} ${server.owner}`;
  });
  after(() => server.stop());

  const open = (version = v4): Promise<unknown> =>
    call(`${version}#[static]connection.open`, place) as Promise<unknown>;
  const query = (
    connection: unknown,
    statement: string,
    parameters: readonly Tagged[] = [],
    version = v4,
  ): Promise<RowSet> =>
    call(`${version}#[method]connection.query`, connection, statement, parameters) as Promise<RowSet>;
  const execute = (connection: unknown, statement: string, parameters: readonly Tagged[] = []): unknown =>
    call(`${v4}#[method]connection.execute`, connection, statement, parameters);

  test("query takes and answers values of every type", async () => {
    const connection = await open();
    for (const [type, given, answered = given] of values) {
      const { rows } = await query(connection, `select $1::${type} as x`, [given]);
      assert.deepEqual(
        rows[0]?.[0],
        answered.tag === "db-null" ? { tag: "db-null" } : answered,
        `${type} ${String(given.val)}`,
      );
    }
    call(`${v4}#[resource-drop]connection`, connection);
  });

  test("query names columns and types, those without a case by PostgreSQL's names", async () => {
    const connection = await open();
    const { columns, rows } = await query(
      connection,
      "select 1 as a, 'x'::char(3) as b, '[1]'::json as c, null::point as d, null::pg_snapshot as e",
    );
    assert.deepEqual(columns, [
      { name: "a", dataType: { tag: "int32" } },
      { name: "b", dataType: { tag: "str" } },
      { name: "c", dataType: { tag: "other", val: "json" } },
      { name: "d", dataType: { tag: "other", val: "point" } },
      { name: "e", dataType: { tag: "other", val: "oid 5038" } },
    ]);
    assert.deepEqual(rows, [
      [
        { tag: "int32", val: 1 },
        { tag: "str", val: "x  " },
        { tag: "unsupported", val: bytes("[1]") },
        { tag: "db-null" },
        { tag: "db-null" },
      ],
    ]);
    const none = await query(connection, "select 1 as a where false");
    assert.deepEqual([none.columns.length, none.rows.length], [1, 0]);
  });

  test("execute answers how many rows changed, and statements have places for values alone", async () => {
    const connection = await open();
    assert.equal(await execute(connection, "create table t (id int primary key, what text)"), 0n);
    const hostile: Tagged = { tag: "str", val: "'); drop table t; --" };
    assert.equal(
      await execute(connection, "insert into t values ($1, $2), (2, 'b')", [{ tag: "int32", val: 1 }, hostile]),
      2n,
    );
    assert.equal(await execute(connection, "update t set what = what"), 2n);
    const { rows } = await query(connection, "select what from t where id = $1", [{ tag: "int32", val: 1 }]);
    assert.deepEqual(rows, [[hostile]]);
    // One statement at a time: what is hidden behind a semicolon does not run.
    assert.equal((await payloadOf(() => execute(connection, "select 1; drop table t"))).tag, "query-failed");
    assert.equal(await execute(connection, "delete from t"), 2n);
  });

  test("what a server complains of is told with its parts, and the connection goes on", async () => {
    const connection = await open();
    await execute(connection, "create table u (id int constraint only_once unique)");
    await execute(connection, "insert into u values (1)");
    const { tag, val } = await payloadOf(() => execute(connection, "insert into u values (1)"));
    assert.equal(tag, "query-failed");
    const { tag: kind, val: error } = val as { tag: string; val: Record<string, unknown> };
    assert.deepEqual([kind, error["severity"], error["code"]], ["db-error", "ERROR", "23505"]);
    assert.match(String(error["message"]), /duplicate key/);
    assert.match(String(error["detail"]), /already exists/);
    assert.ok(
      (error["extras"] as [string, string][]).some(([name, value]) => name === "constraint" && value === "only_once"),
    );
    assert.equal((await query(connection, "select 1")).rows.length, 1);
    for (const [version, expected] of [
      ["fermyon:spin/postgres@2.0.0", "string"],
      ["spin:postgres/postgres@3.0.0", "string"],
    ] as const) {
      const older = await payloadOf(async () => query(await open(version), "select nothing", [], version));
      assert.deepEqual([older.tag, typeof older.val], ["query-failed", expected]);
    }
  });

  test("older versions tell what they have no case for as unsupported, and types as an enum", async () => {
    for (const [version, expected] of [
      ["fermyon:spin/postgres@2.0.0", ["int32", "other", "other"]],
      ["spin:postgres/postgres@3.0.0", ["int32", "date", "other"]],
    ] as const) {
      const { columns, rows } = await query(
        await open(version),
        "select 1 as a, '2024-01-02'::date as b, 1.5 as c",
        [],
        version,
      );
      assert.deepEqual(
        columns.map(({ dataType }) => dataType),
        expected,
      );
      assert.deepEqual(
        rows[0]?.map(({ tag }) => tag),
        expected.map((type) => (type === "other" ? "unsupported" : type)),
      );
      assert.equal(rows[0]?.[2]?.val, undefined);
    }
  });

  test("values that cannot be are a bad-parameter before anything is sent", async () => {
    const connection = await open();
    const bad: Tagged[] = [
      { tag: "date", val: [2023, 2, 29] },
      { tag: "time", val: [24, 0, 0, 0] },
      { tag: "decimal", val: "1; drop" },
      { tag: "uuid", val: "x" },
      { tag: "str", val: "a\0b" },
      { tag: "timestamp", val: 1n << 60n },
      { tag: "jsonb", val: Uint8Array.of(0xff) },
      { tag: "array-decimal", val: ["1", "}"] },
    ];
    for (const each of bad)
      assert.equal((await payloadOf(() => query(connection, "select $1", [each]))).tag, "bad-parameter", each.tag);
    assert.equal((await payloadOf(() => query(connection, "select 1\0"))).tag, "bad-parameter");
    const wrong = await payloadOf(() => query(connection, "select $1::int", [{ tag: "str", val: "x" }]));
    assert.equal(wrong.tag, "query-failed");
  });

  test("a wrong password, user or database is connection-failed with the server's words, and nothing of the surroundings is used", async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      PGUSER: "app",
      PGPASSWORD: "it's a secret",
      PGHOST: "127.0.0.1",
      PGOPTIONS: "-c work_mem=9MB",
    });
    try {
      const at = `host=127.0.0.1 port=${server.port}`;
      for (const address of [`${at} user=app`, `${at} user=app password=wrong`, `${at}`, `user=app password=x`, ""]) {
        const { tag, val } = await payloadOf(() => call(`${v4}#[static]connection.open`, address));
        assert.equal(tag, "connection-failed", address);
        assert.match(String(val), /password|names no user|names no host|lacks/i, address);
      }
      const { rows } = await query(await open(), "show work_mem");
      assert.notDeepEqual(rows, [[{ tag: "str", val: "9MB" }]]);
    } finally {
      for (const name of ["PGUSER", "PGPASSWORD", "PGHOST", "PGOPTIONS"]) delete process.env[name];
      Object.assign(process.env, before);
    }
  });

  test("addresses are read as URLs and as pairs, with options of the connection", async () => {
    const url = `postgresql://app:it%27s%20a%20secret@127.0.0.1:${server.port}/postgres?application_name=sam%20pan&sslmode=disable`;
    const connection = await call(`${v4}#[static]connection.open`, url);
    assert.deepEqual((await query(connection, "show application_name")).rows, [[{ tag: "str", val: "sam pan" }]]);
    const unknown = await payloadOf(() => call(`${v4}#[static]connection.open`, `${place} passfile=/etc/passwd`));
    assert.match(String(unknown.val), /nothing is called "passfile"/);
  });

  test("a Unix socket takes a grant of its own", async () => {
    const heard: AccessRequest[] = [];
    const path = `${server.folder}/.s.PGSQL.${server.port}`;
    const address = `host=${server.folder} port=${server.port} ${server.owner}`;
    const { tag } = await payloadOf(() =>
      make(`127.0.0.1:${server.port}`, heard)(`${v4}#[static]connection.open`, address),
    );
    assert.deepEqual(
      [tag, heard],
      ["connection-failed", [{ capability: "net.connect", host: `unix:${path}`, port: 0 }]],
    );
    assert.ok(await make(`unix:${path}`)(`${v4}#[static]connection.open`, address));
  });

  test("statements of one connection do not mix", async () => {
    const connection = await open();
    const answers = await Promise.all(
      [1, 2, 3].map((each) => query(connection, `select ${each} as x from pg_sleep(0)`)),
    );
    assert.deepEqual(
      answers.map(({ rows }) => rows[0]?.[0]?.val),
      [1, 2, 3],
    );
  });

  test("a connection that the server ended fails its next statement, and another can be opened", async () => {
    const [first, second] = [await open(), await open()];
    const { rows } = await query(first, "select pg_backend_pid() as pid");
    await execute(second, "select pg_terminate_backend($1)", [rows[0]?.[0] ?? { tag: "db-null" }]);
    const { tag } = await payloadOf(() => query(first, "select 1"));
    assert.equal(tag, "query-failed");
    assert.equal((await query(await open(), "select 1")).rows.length, 1);
  });

  test("an answer that is too long ends the connection with an error that says so", async () => {
    const connection = await open();
    const { tag, val } = await payloadOf(() =>
      query(connection, "select repeat('x', 1000000) from generate_series(1, 100)"),
    );
    assert.equal(tag, "query-failed");
    assert.match(JSON.stringify(val), /longer than 64 ?M/);
  });
});

for (const host of ["127.0.0.1", "localhost", "10.0.0.1", "db.example.com"]) {
  test(`open refuses ${host} without a grant, and the observer hears of it`, async () => {
    const heard: AccessRequest[] = [];
    const { tag, val } = await payloadOf(() =>
      make("", heard)(`${v4}#[static]connection.open`, `postgres://a:b@${host}/c`),
    );
    assert.deepEqual([tag, val], ["connection-failed", `Cannot connect to "${host}:5432": no grant covers it`]);
    assert.equal(heard.length, 1);
    assert.ok(heard[0]?.capability === "net.connect" || heard[0]?.capability === "net.dns");
  });
}

test("valueOf() says what is wrong with a text that is none of its type", () => {
  const column = (type: number) => ({ name: "x", type, typeName: undefined });
  const types = [16, 20, 23, 700, 1082, 1083, 1114, 1184, 3904, 1007, 1186];
  for (const type of types)
    for (const text of ["", "x", "1;", "{", "(", "2024-01-01T", "é", "1e999x"])
      if (!(type === 1186 && text === ""))
        assert.throws(() => valueOf(text, column(type), 4), { name: "ValueProblem" }, `${type} ${text}`);
  for (const version of [2, 3, 4] as PostgresVersion[])
    assert.deepEqual(valueOf(null, column(16), version), { tag: "db-null" });
  assert.deepEqual(valueOf("2024-01-01 00:30:00+05:30", column(1184), 4), {
    tag: "datetime",
    val: [2023, 12, 31, 19, 0, 0, 0],
  });
  assert.deepEqual(valueOf("a\\\\b\\001", column(17), 4), { tag: "binary", val: Uint8Array.of(0x61, 0x5c, 0x62, 1) });
  assert.deepEqual(valueOf("empty", column(3904), 4), {
    tag: "range-int32",
    val: [
      [0, "exclusive"],
      [0, "exclusive"],
    ],
  });
});

test("parameterOf() refuses a case that there is not", () => {
  assert.throws(() => parameterOf({ tag: "constructor" }), { name: "WasiError" });
});
