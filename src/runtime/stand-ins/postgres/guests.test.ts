import assert from "node:assert/strict";
import { test } from "node:test";
import { createWasi02, Wasi02Context } from "../../../abi/index.ts";
import { type AccessRequest, defaultGrants } from "../../../capabilities/index.ts";
import { HostWorkload } from "../../../host/index.ts";
import { filesIn, mountOf, peerOf, startStandIn, untilReady } from "../stand-in-fixture.ts";

test("a guest with spin:postgres reaches the stand-in by its name in the project's network, without a grant", async (t) => {
  const secrets = filesIn(t, { db_password: "secret\n" });
  const started = await startStandIn(t, "postgres", {
    env: { POSTGRES_USER: "app", POSTGRES_PASSWORD_FILE: "/run/secrets/db_password", POSTGRES_DB: "orders" },
    mounts: [mountOf(secrets, "/run/secrets")],
  });
  await untilReady(started);
  const refused: AccessRequest[] = [];
  const observer = {
    isLearning: false,
    used: () => {},
    refused: (request: AccessRequest) => void refused.push(request),
  };
  const workload = new HostWorkload(defaultGrants, { waits: "suspend", observer, network: peerOf(started.network) });
  const host = workload.createInstance();
  const context = new Wasi02Context({ args: [], makeError: (payload) => new Error(JSON.stringify(payload)) });
  context.attach(host, { suspends: true });
  t.after(() => {
    host.close();
    workload.close();
  });
  const provide = createWasi02({ context });
  const call = (name: string, ...values: readonly unknown[]): Promise<unknown> => {
    const found = provide("spin:postgres/postgres@4.2.0", name);
    assert.ok(found !== undefined, name);
    return (found.call as (...given: readonly unknown[]) => Promise<unknown>)(...values);
  };
  const open = (host_: string, password = "secret"): Promise<unknown> =>
    call("[static]connection.open", `postgres://app:${password}@${host_}/orders`);
  await assert.rejects(open("standin", "wrong"), /connection-failed.*password/);
  const connection = await open("standin");
  const run = (name: string, statement: string, parameters: readonly unknown[] = []): Promise<unknown> =>
    call(`[method]connection.${name}`, connection, statement, parameters);
  await run("execute", "create table t (id int primary key, what text[], cost numeric, at timestamptz)");
  const values = [
    { tag: "int32", val: 1 },
    { tag: "array-str", val: ["tea", undefined] },
    { tag: "decimal", val: "2.50" },
    { tag: "timestamp", val: 0n },
  ];
  assert.equal(await run("execute", "insert into t values ($1, $2, $3, $4)", values), 1n);
  const { rows } = (await run("query", "select * from t")) as { rows: unknown };
  assert.deepEqual(rows, [[...values.slice(0, 3), { tag: "datetime", val: [1970, 1, 1, 0, 0, 0, 0] }]]);
  await assert.rejects(run("execute", "insert into t values ($1, null, null, null)", [values[0]]), /23505/);
  // What is of another network of the project's is apart.
  await assert.rejects(open("far"), /connection-failed/);
  assert.deepEqual(refused, []);
  await assert.rejects(open("10.65.0.2"), /no grant covers it/);
  assert.equal(refused.length, 1);
});
