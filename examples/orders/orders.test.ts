import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, test } from "node:test";
import { type Database, startPostgres } from "../databases.ts";
import { type Answer, ask, moduleOf, type Program, runProgram, untilWell } from "../programs.ts";
import { Skipped } from "../toolchain/rust.ts";

interface Order {
  readonly id: number;
  readonly customer: string;
  readonly item: string;
  readonly quantity: number;
  readonly status: string;
  readonly created: string;
}

let database: Database | undefined;
let service: Program | undefined;
let missing = "";

before(async () => {
  const module = await moduleOf("orders");
  if (module instanceof Skipped) {
    missing = module.message;
    return;
  }
  const started = await startPostgres();
  if ("missing" in started) {
    missing = started.missing;
    return;
  }
  database = started;
  // The service comes first, and waits.
  await database.stop();
  const { port } = database;
  const url = `postgres://orders:secret@127.0.0.1:${port}/orders`;
  service = await runProgram(["-e", `DATABASE_URL=${url}`, "--allow-net", `127.0.0.1:${port}`], module);
});

after(async () => {
  await service?.stop();
  await database?.remove();
});

interface World {
  readonly url: string;
  readonly service: Program;
  readonly database: Database;
}

/** A test that is skipped, naming what this machine lacks. */
function orderTest(name: string, run: (world: World) => Promise<void>): void {
  test(name, async (t) => {
    if (service === undefined || database === undefined) return t.skip(`skipped: ${missing}`);
    await run({ url: service.url, service, database });
  });
}

function orderOf(answer: Answer): Order {
  return JSON.parse(answer.text) as Order;
}

function ordersOf(answer: Answer): Order[] {
  return (JSON.parse(answer.text) as { orders: Order[] }).orders;
}

orderTest("orders waits for a database that starts after it", async ({ url, service: running, database: db }) => {
  const away = await ask(`${url}/health`);
  assert.equal(away.status, 503);
  assert.match(away.text, /^\{"error":"The database cannot be reached/);
  assert.equal((await ask(`${url}/api/orders`)).headers["retry-after"], "1");
  assert.match(running.output(), /waiting for the database/);
  await db.start();
  await untilWell(`${url}/health`);
  assert.equal((await ask(`${url}/api/orders`)).status, 200);
});

orderTest("orders lists, creates, changes and deletes", async ({ url }) => {
  assert.deepEqual(ordersOf(await ask(`${url}/api/orders`)), []);
  const made = await ask(`${url}/api/orders`, {
    method: "POST",
    body: { customer: " Ann ", item: "Täpot 🫖", quantity: 2 },
  });
  assert.equal(made.status, 201);
  const order = orderOf(made);
  assert.equal(made.headers["location"], `/api/orders/${order.id}`);
  assert.match(order.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const { id, created } = order;
  assert.deepEqual(order, { id, customer: "Ann", item: "Täpot 🫖", quantity: 2, status: "open", created });

  const changed = await ask(`${url}/api/orders/${id}`, { method: "PATCH", body: { status: "paid", quantity: 3 } });
  assert.deepEqual(orderOf(changed), { ...order, status: "paid", quantity: 3 });
  assert.deepEqual(orderOf(await ask(`${url}/api/orders/${id}`)), { ...order, status: "paid", quantity: 3 });

  const gone = await ask(`${url}/api/orders/${id}`, { method: "DELETE" });
  assert.deepEqual([gone.status, gone.text], [204, ""]);
  assert.equal((await ask(`${url}/api/orders/${id}`, { method: "DELETE" })).status, 404);
  assert.deepEqual(ordersOf(await ask(`${url}/api/orders`)), []);
});

const good = { customer: "Ann", item: "Teapot", quantity: 1 };
/** Method, path, body, status, and the field that is to blame. */
const refusals: readonly (readonly [method: string, path: string, body: unknown, status: number, field?: string])[] = [
  ["POST", "", { ...good, customer: "  " }, 400, "customer"],
  ["POST", "", { ...good, item: undefined }, 400, "item"],
  ["POST", "", { ...good, item: "x".repeat(201) }, 400, "item"],
  ["POST", "", { ...good, item: "a\0b" }, 400, "item"],
  ["POST", "", { ...good, quantity: 0 }, 400, "quantity"],
  ["POST", "", { ...good, quantity: 10_001 }, 400, "quantity"],
  ["POST", "", { ...good, status: "paid" }, 400, "status"],
  ["POST", "", { ...good, price: 1 }, 400],
  ["POST", "", "{", 400],
  ["POST", "", `"${"x".repeat(70_000)}"`, 413],
  ["PATCH", "/1", { status: "lost" }, 400, "status"],
  ["PATCH", "/999999", { status: "paid" }, 404],
  ["GET", "/teapot", undefined, 404],
  ["GET", "?limit=0", undefined, 400, "limit"],
  ["GET", "?before=x", undefined, 400, "before"],
  ["PUT", "", good, 405],
  ["POST", "/1", good, 405],
];

orderTest("orders refuses what is wrong and names the field", async ({ url }) => {
  for (const [method, path, body, status, field] of refusals) {
    const answer = await ask(`${url}/api/orders${path}`, { method, body });
    const said = JSON.parse(answer.text) as { error: string; field?: string };
    assert.deepEqual([answer.status, said.field], [status, field], `${method} ${path} ${answer.text}`);
    assert.match(said.error, /^[A-Z]/);
  }
  assert.equal((await ask(`${url}/else`)).status, 404);
  assert.match((await ask(`${url}/api/orders`, { method: "PUT" })).headers["allow"] as string, /\bPOST\b/);
  assert.deepEqual(ordersOf(await ask(`${url}/api/orders`)), []);
});

orderTest("orders keeps connections alive and takes bodies in chunks", async ({ url }) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const text = JSON.stringify(good);
  for (const at of [1, 2, 3]) {
    const chunks = [text.slice(0, 5), text.slice(5, 20), text.slice(20)];
    const { status, reused } = await ask(`${url}/api/orders`, { method: "POST", chunks, agent });
    assert.deepEqual([status, reused], [201, at > 1]);
  }
  agent.destroy();
});

orderTest("orders takes many orders at once over five connections", async ({ url, database: db }) => {
  const before = ordersOf(await ask(`${url}/api/orders?limit=1000`)).length;
  const bodies = Array.from({ length: 200 }, (_, at) => ({ ...good, item: `${at} ${"x".repeat(180)}` }));
  const answers = await Promise.all(bodies.map((body) => ask(`${url}/api/orders`, { method: "POST", body })));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  assert.equal(new Set(answers.map((answer) => orderOf(answer).id)).size, 200);
  const all = await ask(`${url}/api/orders?limit=1000`);
  assert.equal(all.headers["transfer-encoding"], "chunked");
  assert.equal(ordersOf(all).length, before + 200);
  const connections = await db.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'orders'");
  assert.equal(connections, "5");

  const newest = ordersOf(await ask(`${url}/api/orders?limit=10`));
  const next = ordersOf(await ask(`${url}/api/orders?limit=10&before=${newest.at(-1)?.id}`));
  const ids = [...newest, ...next].map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  );
  assert.equal(new Set(ids).size, 20);
});

orderTest("orders reconnects to a database that was restarted, and nothing is lost", async ({ url, database: db }) => {
  const before = ordersOf(await ask(`${url}/api/orders?limit=1000`));
  assert.ok(before.length > 200);
  await db.stop();
  assert.equal((await ask(`${url}/api/orders`)).status, 503);
  assert.equal((await ask(`${url}/api/orders`, { method: "POST", body: good })).status, 503);
  await db.start();
  await untilWell(`${url}/health`);
  assert.deepEqual(ordersOf(await ask(`${url}/api/orders?limit=1000`)), before);
  assert.equal((await ask(`${url}/api/orders`, { method: "POST", body: good })).status, 201);
});
