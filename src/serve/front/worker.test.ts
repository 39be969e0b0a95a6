import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { FromWorker, MetricRow, ToWorker } from "../protocol.ts";
import { fieldOf, fronts, RawClient, wideLimits } from "./front-fixture.ts";
import { handlerFile, handlerWorkload, TestWorker, workerConfig } from "./worker-fixture.ts";
import { workloadSettings } from "./served-fixture.ts";

const get = (path = "/", rest = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;
const folder = mkdtempSync(join(tmpdir(), "sampan-worker-test-"));
after(() => rmSync(folder, { recursive: true }));

for (const [name, make] of fronts) {
  describe(`ServingWorker with ${name}`, () => {
    test("says which setting lets a client through that was refused", async (t) => {
      const worker = new TestWorker(t, make);
      await worker.configure({ workloads: [handlerWorkload(t)], limits: { ...wideLimits, maxBody: 3, maxHeaders: 3 } });
      const long = await worker.connect();
      assert.equal((await long.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour")).status, 413);
      assert.match(
        await worker.line("operator", "413: "),
        / \(hint: .*--max-body, or limits: \{ body: … \} in the file/,
      );
      const many = await worker.connect();
      assert.equal((await many.ask(get("/", "a: b\r\nc: d\r\ne: f\r\n"))).status, 431);
      assert.match(await worker.line("operator", "431: "), / \(hint: .* limits: \{ fields: … \} in the file/);
    });

    test("has components answer by routes, from zero, and tells how it stands", async (t) => {
      const worker = new TestWorker(t, make);
      await worker.configure({ workloads: [handlerWorkload(t)], routes: [{ path: "/app", workload: "answer@1" }] });
      assert.equal((await worker.report()).workloads[0]?.state, "zero");
      const client = await worker.connect();
      const reply = await client.ask(get("/app/x"));
      assert.deepEqual([reply.status, reply.body], [200, ""]);
      assert.match(fieldOf(reply, "x-request-id") ?? "", /^[\w-]{9,}$/);
      const missing = await client.ask(get("/application"));
      assert.equal(missing.status, 404);
      assert.match(missing.body, /Request id: /);
      const { workloads, metrics, connections } = await worker.report();
      assert.equal(workloads[0]?.state, "warm");
      assert.equal(connections, 1);
      const count = (row: MetricRow): boolean =>
        row.name === "http_server_request_duration_seconds_count" && row.labels["workload"] === "answer";
      assert.deepEqual(metrics.find(count)?.labels, {
        workload: "answer",
        http_request_method: "GET",
        http_response_status_code: "200",
      });
      assert.equal(metrics.find(count)?.value, 1);
    });

    test("tells the client a status and the operator why: trap, deadline, no answer, what cannot run", async (t) => {
      const worker = new TestWorker(t, make);
      const wrong = join(folder, "wrong.wasm");
      writeFileSync(wrong, "no module");
      const limits = { maxConcurrent: 10, maxQueue: 10, requestDeadline: 300 };
      await worker.configure({
        workloads: [
          handlerWorkload(t),
          handlerWorkload(t, "trap"),
          handlerWorkload(t, "spin", { limits }),
          handlerWorkload(t, "silent"),
          workloadSettings({ id: "wrong@1", name: "wrong", file: wrong }),
          workloadSettings({ id: "away@1", name: "away", file: join(folder, "nowhere.wasm") }),
        ],
      });
      const client = await worker.connect();
      for (const [path, status, line] of [
        ["/trap", 500, /^trap \S+ GET \/trap\?x -> 500: .*unreachable.*\[at /],
        ["/spin", 504, /^spin \S+ GET \/spin\?x -> 504: /],
        ["/silent", 500, /^silent \S+ GET \/silent\?x -> 500: The guest returned without an answer$/],
        ["/wrong", 500, /^wrong \S+ GET \/wrong\?x -> 500: /],
        ["/away", 500, /^away \S+ GET \/away\?x -> 500: /],
      ] as const) {
        const reply = await client.ask(get(`${path}?x`));
        assert.equal(reply.status, status, path);
        const id = fieldOf(reply, "x-request-id") ?? "?";
        assert.ok(reply.body.endsWith(`Request id: ${id}\n`));
        assert.doesNotMatch(reply.body, /wasm|unreachable|\//);
        assert.match(await worker.line("operator", id), line);
      }
      assert.equal((await client.ask(get())).status, 200);
    });

    test("keeps the answer of a guest that traps behind it, and tells the operator", async (t) => {
      const worker = new TestWorker(t, make);
      await worker.configure({ workloads: [handlerWorkload(t, "late")] });
      const client = await worker.connect();
      client.send(get());
      const reply = await client.reply();
      assert.equal(reply.status, 200);
      assert.match(await worker.line("operator", "late "), /unreachable/);
    });

    test("replaces workloads without a lost request", async (t) => {
      const worker = new TestWorker(t, make);
      const file = handlerFile(t);
      const generation = (number: number) => ({
        workloads: [workloadSettings({ id: `app@${number}`, name: "app", file })],
      });
      await worker.configure(generation(1));
      let isDone = false;
      let answered = 0;
      const ask = async (): Promise<void> => {
        const client = await worker.connect();
        while (!isDone) {
          assert.equal((await client.ask(get())).status, 200);
          answered += 1;
        }
      };
      const asking = Promise.all([ask(), ask(), ask()]);
      for (let number = 2; number < 8; number++) {
        const before = answered;
        await worker.configure(generation(number));
        while (answered < before + 5) await new Promise((resolve) => setImmediate(resolve));
      }
      isDone = true;
      await asking;
      const { workloads, metrics } = await worker.report();
      assert.deepEqual(
        workloads.map(({ id }) => id),
        ["app@7"],
      );
      const count = metrics.find((row) => row.name === "http_server_request_duration_seconds_count");
      assert.equal(count?.value, answered);
    });

    test("writes an access log, with what clients sent made harmless", async (t) => {
      const worker = new TestWorker(t, make);
      const text = handlerWorkload(t);
      await worker.configure({ workloads: [text], accessLog: "text" });
      const client = await worker.connect();
      await client.ask(get("/a?b", 'User-Agent: "\\é\r\nReferer: r\r\n'));
      assert.match(
        await worker.line("access", "/a?b"),
        /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/a\?b HTTP\/1\.1" 200 0 "r" "\\"\\\\\\xe9" \d+\.\d{3} answer \S+$/,
      );
      await worker.configure({ workloads: [text], accessLog: "json" });
      await client.ask("HEAD /json HTTP/1.1\r\nHost: b\r\nUser-Agent: x\r\n\r\n");
      const entry = JSON.parse(await worker.line("access", "/json")) as Record<string, unknown>;
      const { remote, method, path, host, status, workload, isWhole, userAgent } = entry;
      assert.deepEqual([remote, method, path, host, status], ["127.0.0.1", "HEAD", "/json", "b", 200]);
      assert.deepEqual([workload, isWhole, userAgent], ["answer", true, "x"]);
    });

    test("takes a request's id from those it trusts alone", async (t) => {
      const worker = new TestWorker(t, make);
      const workloads = [handlerWorkload(t)];
      await worker.configure({ workloads });
      const client = await worker.connect();
      const asked = get("/", "X-Request-Id: mine\r\n");
      assert.notEqual(fieldOf(await client.ask(asked), "x-request-id"), "mine");
      await worker.configure({ workloads, trusted: ["127.0.0.0/8"] });
      assert.equal(fieldOf(await client.ask(asked), "x-request-id"), "mine");
    });

    test("drains: answers what is there, and says so", async (t) => {
      const worker = new TestWorker(t, make);
      await worker.configure({ workloads: [handlerWorkload(t)] });
      const client = await worker.connect();
      client.send(get());
      assert.equal((await client.reply()).status, 200);
      worker.worker.receive({ kind: "drain", ms: 60_000 });
      await worker.said("drained");
      await client.ended();
      assert.equal((await worker.report()).connections, 0);
    });

    test("passes requests on to where a workload runs", async (t) => {
      const path = join(folder, `${name.replace(/\W/g, "")}.sock`);
      const behind = new TestWorker(t, make);
      await behind.configure({
        listen: { host: "", port: 0, path },
        workloads: [handlerWorkload(t), handlerWorkload(t, "trap")],
        accessLog: "json",
      });
      const worker = new TestWorker(t, make);
      const upstream = { upstream: { path }, cordon: "process" as const };
      await worker.configure({
        workloads: [handlerWorkload(t, "answer", upstream), handlerWorkload(t, "trap", upstream)],
      });
      const client = await worker.connect();
      const reply = await client.ask(get());
      assert.equal(reply.status, 200);
      const trapped = await client.ask(get("/trap"));
      assert.equal(trapped.status, 500);
      const id = fieldOf(trapped, "x-request-id") ?? "?";
      assert.match(await behind.line("operator", id), /unreachable/);
      assert.ok((await behind.line("access", fieldOf(reply, "x-request-id") ?? "?")).includes('"status":200'));
      await behind.worker.close();
      const away = await client.ask(get());
      assert.deepEqual([away.status, fieldOf(away, "retry-after")], [503, "1"]);
    });
  });
}

test("ServingWorker says where it cannot listen, and keeps its table where a new one fails", async (t) => {
  const first = new TestWorker(t);
  await first.configure({ workloads: [handlerWorkload(t)], front: "node" });
  const { address } = await first.said("ready");
  const second = new TestWorker(t);
  const listen = { host: "192.0.2.1", port: address.port };
  second.worker.receive({ kind: "configure", config: workerConfig({ listen, front: "node" }) });
  assert.equal((await second.said("failed")).error.code, "SERVE_PORT_TAKEN");
});

const main = new URL("./worker-main.ts", import.meta.url);

test("worker-main.ts serves from a thread", async (t) => {
  const worker = new Worker(main);
  t.after(() => worker.terminate());
  const heard: FromWorker[] = [];
  const { promise, resolve } = Promise.withResolvers<number>();
  worker.on("message", (message: FromWorker) => {
    heard.push(message);
    if (message.kind === "ready") resolve(message.address.port);
  });
  const config = workerConfig({ workloads: [handlerWorkload(t)] });
  worker.postMessage({ kind: "configure", config } satisfies ToWorker);
  const client = new RawClient(connect(await promise, "127.0.0.1"));
  t.after(() => client.close());
  assert.equal((await client.ask(get())).status, 200);
});

test("worker-main.ts serves from a process by lines, and ends with whoever told it to", async (t) => {
  const child = spawn(process.execPath, [fileURLToPath(main)], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill());
  const path = join(folder, "process.sock");
  const config = workerConfig({ listen: { host: "", port: 0, path }, workloads: [handlerWorkload(t)] });
  child.stdin.write(`${JSON.stringify({ kind: "configure", config } satisfies ToWorker)}\n`);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    if (text.includes('"ready"')) resolve(undefined);
  });
  await promise;
  const client = new RawClient(connect(path));
  t.after(() => client.close());
  assert.equal((await client.ask(get())).status, 200);
  const ended = new Promise((done) => child.once("exit", done));
  child.stdin.end();
  assert.equal(await ended, 0);
});
