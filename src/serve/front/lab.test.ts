import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test, type TestContext } from "node:test";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import type { ServedWorkload } from "../protocol.ts";
import { fieldOf, fronts } from "./front-fixture.ts";
import { workloadSettings } from "./served-fixture.ts";
import { TestWorker } from "./worker-fixture.ts";
import type { MakeFront } from "./front.ts";

const get = (path: string, rest = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;
const mib = 1 << 20;

/** A worker that has the component of guests/http-lab answer. */
async function lab(t: TestContext, make: MakeFront, settings: Partial<ServedWorkload> = {}): Promise<TestWorker> {
  const worker = new TestWorker(t, make);
  const file = await compileOwnGuest("http-lab");
  await worker.configure({
    workloads: [workloadSettings({ id: "lab@1", name: "lab", file, ...settings })],
    audit: true,
  });
  return worker;
}

async function serverOf(t: TestContext, answer: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(answer as never);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const [name, make] of fronts) {
  describe(`A component behind ${name}`, () => {
    test("answers with bodies of any size, and to HEAD with none", async (t) => {
      const client = await (await lab(t, make)).connect();
      assert.equal((await client.ask(get("/hello"))).body, "hello");
      for (const size of [0, 1, 4096, 5 * mib]) {
        const { body } = await client.ask(get(`/big?${size}`));
        assert.ok(body === "b".repeat(size), `${body.length} bytes in place of ${size}`);
      }
      const head = await client.ask("HEAD /big?100000 HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.deepEqual([head.status, head.body], [200, ""]);
      assert.equal((await client.ask(get("/hello"))).body, "hello");
    });

    test("streams a body back while it comes, with its trailers", async (t) => {
      const client = await (await lab(t, make)).connect();
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
      await client.until("first");
      client.send("6\r\nsecond\r\n0\r\nX-Sum: 1\r\n\r\n");
      const reply = await client.reply();
      assert.equal(reply.body, "firstsecond");
      assert.deepEqual(reply.trailers, [["x-sum", "1"]]);
      client.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * mib}\r\n\r\n`, "y".repeat(4 * mib));
      assert.ok((await client.reply()).body === "y".repeat(4 * mib));
    });

    test("begins each request as new, and with reuse where the one before ended", async (t) => {
      const fresh = await (await lab(t, make)).connect();
      for (let each = 0; each < 5; each++) assert.equal((await fresh.ask(get("/count"))).body, "1");
      const reusing = await (await lab(t, make, { isolation: "reuse", mostReuses: 3 })).connect();
      const counts: string[] = [];
      for (let each = 0; each < 5; each++) counts.push((await reusing.ask(get("/count"))).body);
      assert.deepEqual(counts, ["1", "2", "3", "1", "2"]);
    });

    test("sees fields that proxies write only from those that are trusted", async (t) => {
      const client = await (await lab(t, make)).connect();
      const { body } = await client.ask(get("/fields", "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nX-A: b\r\n"));
      const lines = body.trim().split("\n");
      assert.ok(lines.includes("x-a: b") && lines.includes("x-forwarded-for: 127.0.0.1"), body);
      assert.ok(lines.includes("forwarded: for=127.0.0.1;proto=http"), body);
      assert.ok(lines.some((line) => /^x-request-id: \S+$/.test(line)));
    });

    test("that stops in the middle, traps behind its head or is out of time has its answer broken off", async (t) => {
      const limits = { maxConcurrent: 10, maxQueue: 10, requestDeadline: 400 };
      const worker = await lab(t, make, { limits, warm: 1 });
      for (const path of ["/half", "/late-trap", "/stalled"]) {
        const client = await worker.connect();
        client.send(get(path));
        await assert.rejects(client.reply(), /ended/, path);
      }
      assert.match(await worker.line("operator", "/half"), /-> 500: The guest ended its answer before that was whole$/);
      assert.match(await worker.line("operator", "/late-trap"), /-> 500: .*unreachable/);
      assert.match(await worker.line("operator", "/stalled"), /-> 504: /);
      const client = await worker.connect();
      assert.equal((await client.ask(get("/drop"))).status, 500);
      assert.equal((await client.ask(get("/spin"))).status, 504);
      assert.equal((await client.ask(get("/hello"))).status, 200);
    });

    test("that is refused what it was not granted has the operator told once, with the flag", async (t) => {
      const worker = await lab(t, make);
      const client = await worker.connect();
      for (let i = 0; i < 2; i++) assert.equal((await client.ask(get("/proxy?203.0.113.7:80"))).status, 502);
      const line = await worker.line("operator", "was refused what");
      assert.match(line, /^lab was refused .*203\.0\.113\.7.* \(hint: allow it with --allow-net 203\.0\.113\.7:80\)$/);
      await worker.line("operator", "GET /proxy");
      const lines = worker.messages.flatMap((message) => (message.kind === "lines" ? (message.operator ?? []) : []));
      assert.equal(lines.filter((each) => each.includes("was refused what")).length, 1);
      const { time, ...entry } = JSON.parse(await worker.line("audit", "203.0.113.7")) as Record<string, unknown>;
      assert.equal(typeof time, "string");
      assert.deepEqual(
        [entry["workload"], entry["capability"], entry["port"], entry["fix"]],
        ["lab", "net.connect", 80, "--allow-net 203.0.113.7:80"],
      );
    });

    test("that wants more memory than it may have fails alone", async (t) => {
      const limits = { maxConcurrent: 10, maxQueue: 10, memory: 16 * mib };
      const worker = await lab(t, make, { limits });
      const client = await worker.connect();
      const filling = client.ask(get("/fill"));
      const other = await worker.connect();
      assert.equal((await other.ask(get("/hello"))).status, 200);
      assert.equal((await filling).status, 500);
    });

    test("lets others be answered while it waits, and ends when its client leaves", async (t) => {
      const worker = await lab(t, make);
      const [waiting, other] = [await worker.connect(), await worker.connect()];
      waiting.send(get("/wait?3600000"));
      assert.equal((await other.ask(get("/wait?1"))).body, "waited");
      while ((await worker.report()).workloads[0]?.inUse !== 1) await new Promise((resolve) => setImmediate(resolve));
      waiting.close();
      while ((await worker.report()).workloads[0]?.inUse !== 0) await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await other.ask(get("/hello"))).body, "hello");
    });

    test("that writes without an end ends with its client, and is held back by one that does not read", async (t) => {
      const worker = await lab(t, make);
      const client = await worker.connect();
      client.send(get("/endless"));
      await client.until("xxxx");
      client.socket.pause();
      const other = await worker.connect();
      for (let each = 0; each < 20; each++) assert.equal((await other.ask(get("/hello"))).status, 200);
      client.close();
      while ((await worker.report()).workloads[0]?.inUse !== 0) await new Promise((resolve) => setImmediate(resolve));
    });

    test("answers before it has read its request, and the connection goes on", async (t) => {
      const client = await (await lab(t, make)).connect();
      client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n", "x".repeat(20_000));
      const early = await client.reply();
      assert.deepEqual([early.status, early.body], [403, "early"]);
      client.send("x".repeat(30_000), get("/hello"));
      assert.equal((await client.reply()).body, "hello");
    });

    test("passes on what another server answers as it comes, and what it may not reach is 502", async (t) => {
      const size = 3 * mib;
      const authority = await serverOf(t, (_request, response) => response.end("z".repeat(size)));
      const [came, left] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      const silent = await serverOf(t, (request) => {
        request.socket.once("close", () => left.resolve(undefined));
        came.resolve(undefined);
      });
      const worker = await lab(t, make, { grants: { net: { connect: [authority, silent] } } });
      const client = await worker.connect();
      const reply = await client.ask(get(`/proxy?${authority}`));
      assert.ok(reply.body === "z".repeat(size), `${reply.body.length} bytes`);
      const refused = await client.ask(get("/proxy?192.0.2.1:80"));
      assert.equal(refused.status, 502);
      assert.match(await worker.line("operator", fieldOf(refused, "x-request-id") ?? "?"), /HTTP-request-denied/);
      client.send(get(`/proxy?${silent}`));
      await came.promise;
      client.close();
      // What was asked for its sake ends with it.
      await left.promise;
    });
  });
}
