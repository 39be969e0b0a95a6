import assert from "node:assert/strict";
import { Agent } from "node:http";
import { after, before, test } from "node:test";
import { type Database, startMariadb } from "../databases.ts";
import { ask, moduleOf, type Program, runProgram, untilWell } from "../programs.ts";
import { Skipped } from "../toolchain/rust.ts";

let database: Database | undefined;
let service: Program | undefined;
let missing = "";

before(async () => {
  const module = await moduleOf("orders-mysql");
  if (module instanceof Skipped) {
    missing = module.message;
    return;
  }
  const started = await startMariadb();
  if ("missing" in started) {
    missing = started.missing;
    return;
  }
  database = started;
  const { port } = database;
  const url = `mysql://root:secret@127.0.0.1:${port}/mysql`;
  service = await runProgram(["-e", `DATABASE_URL=${url}`, "--allow-net", `127.0.0.1:${port}`], module);
});

after(async () => {
  await service?.stop();
  await database?.remove();
});

/** A test that is skipped, naming what this machine lacks. */
function orderTest(name: string, run: (url: string, database: Database) => Promise<void>): void {
  test(name, async (t) => {
    if (service === undefined || database === undefined) return t.skip(`skipped: ${missing}`);
    await run(service.url, database);
  });
}

function orderOf(id: number, quantity = 2): Record<string, unknown> {
  const shipping_address = "Mataderos 2312";
  return { order_id: id, product_id: 12, quantity, amount: 56.5, shipping: 15.25, tax: 2, shipping_address };
}

const done = { status: 200, text: '{"status":true}' };

async function send(url: string, body?: unknown): Promise<{ status: number; text: string }> {
  const { status, text } = await ask(url, body === undefined ? {} : { method: "POST", body });
  return { status, text };
}

async function ordersAt(url: string): Promise<unknown> {
  return JSON.parse((await ask(`${url}/orders`)).text);
}

orderTest("orders-mysql has the routes of the demo", async (url) => {
  assert.match((await send(url)).text, /\/create_order, \/create_orders, \/orders/);
  assert.deepEqual(await send(`${url}/echo`, "Hello, Wasm 🛶"), { status: 200, text: "Hello, Wasm 🛶" });
  assert.deepEqual(await send(`${url}/init`), done);
  assert.deepEqual(await ordersAt(url), []);
  assert.deepEqual(await send(`${url}/create_order`, orderOf(1)), done);
  assert.deepEqual(await send(`${url}/create_orders`, [orderOf(2), orderOf(3)]), done);
  assert.deepEqual(await ordersAt(url), [orderOf(1), orderOf(2), orderOf(3)]);
  assert.deepEqual(await send(`${url}/update_order`, orderOf(2, 9)), done);
  assert.deepEqual(await send(`${url}/delete_order?id=3`), done);
  assert.deepEqual(await ordersAt(url), [orderOf(1), orderOf(2, 9)]);
  assert.deepEqual(await send(`${url}/init`), done);
  assert.deepEqual(await ordersAt(url), []);
});

orderTest("orders-mysql lets pages of other origins call it", async (url) => {
  const { status, headers, text } = await ask(`${url}/create_order`, { method: "OPTIONS" });
  assert.deepEqual([status, text], [200, ""]);
  assert.equal(headers["access-control-allow-origin"], "*");
  assert.match(String(headers["access-control-allow-methods"]), /POST/);
});

orderTest("orders-mysql refuses what is wrong, and stores all orders of a list or none", async (url) => {
  assert.equal((await send(`${url}/else`)).status, 404);
  assert.equal((await send(`${url}/delete_order`)).status, 400);
  assert.equal((await send(`${url}/create_order`, "{")).status, 400);
  assert.equal((await send(`${url}/create_order`, { ...orderOf(1), quantity: "two" })).status, 400);
  assert.equal((await send(`${url}/create_order`, `"${"x".repeat(2 ** 20)}"`)).status, 413);
  await send(`${url}/init`);
  assert.deepEqual(await send(`${url}/create_order`, orderOf(2)), done);
  const twice = await send(`${url}/create_orders`, [orderOf(1), orderOf(2)]);
  assert.deepEqual([twice.status, /Duplicate entry '2'/.test(twice.text)], [500, true]);
  assert.deepEqual(await ordersAt(url), [orderOf(2)]);
});

orderTest("orders-mysql keeps connections alive, takes bodies in chunks, and serves many at once", async (url, db) => {
  await send(`${url}/init`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (const id of [1, 2, 3]) {
    const text = JSON.stringify(orderOf(id));
    const chunks = [text.slice(0, 9), text.slice(9)];
    const { status, reused } = await ask(`${url}/create_order`, { method: "POST", chunks, agent });
    assert.deepEqual([status, reused], [200, id > 1]);
  }
  agent.destroy();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, at) => send(`${url}/create_order`, orderOf(at + 4))),
  );
  for (const answer of answers) assert.deepEqual(answer, done);
  assert.equal(((await ordersAt(url)) as unknown[]).length, 103);
  const count = "SELECT count(*) FROM information_schema.processlist WHERE db = 'mysql'";
  assert.equal(await db.query(count), "5");
});

orderTest("orders-mysql reconnects to a database that was restarted", async (url, db) => {
  const before = await ordersAt(url);
  await db.stop();
  assert.equal((await ask(`${url}/orders`)).status, 503);
  await db.start();
  await untilWell(`${url}/orders`);
  assert.deepEqual(await ordersAt(url), before);
});
