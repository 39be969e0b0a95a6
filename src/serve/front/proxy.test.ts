import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createRawServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { fieldOf, fronts, type RawClient } from "./front-fixture.ts";
import type { MakeFront } from "./front.ts";
import { workloadSettings } from "./served-fixture.ts";
import { TestWorker } from "./worker-fixture.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A worker that passes everything on to a server on a Unix socket, and a client of it. */
async function proxied(
  t: TestContext,
  make: MakeFront,
  answer: Answer,
): Promise<{ client: RawClient; worker: TestWorker; server: Server }> {
  const folder = mkdtempSync(join(tmpdir(), "sampan-proxy-"));
  const path = join(folder, "up.sock");
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  });
  const worker = new TestWorker(t, make);
  const limits = { maxConcurrent: 10, maxQueue: 10 };
  const listener = workloadSettings({ id: "up@1", name: "up", kind: "listener", upstream: { path }, limits });
  await worker.configure({ workloads: [listener] });
  return { client: await worker.connect(), worker, server };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request.setEncoding("latin1") as AsyncIterable<string>) text += piece;
  return text;
}

for (const [name, make] of fronts) {
  describe(`ProxyRunner behind ${name}`, () => {
    test("passes on what is the message's, and nothing of the connection's", async (t) => {
      let seen: IncomingMessage | undefined;
      const { client } = await proxied(t, make, (request, response) => {
        seen = request;
        const fields = [
          ["Connection", "keep-alive, X-Hop"],
          ["X-Hop", "1"],
          ["Proxy-Authenticate", "Basic"],
          ["Set-Cookie", "a"],
          ["Set-Cookie", "b"],
          ["Content-Length", "4"],
        ];
        response.writeHead(202, fields.flat());
        response.end("done");
      });
      const own = "Connection: X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nX-Kept: 2\r\nUpgrade: h2c\r\n";
      const reply = await client.ask(`GET /a?b=%20 HTTP/1.1\r\nHost: shop.test\r\n${own}\r\n`);
      assert.equal(reply.status, 202);
      assert.equal(reply.body, "done");
      assert.equal(fieldOf(reply, "x-hop"), undefined);
      assert.equal(fieldOf(reply, "proxy-authenticate"), undefined);
      assert.equal(reply.fields.filter(([each]) => each === "set-cookie").length, 2);
      assert.equal(fieldOf(reply, "content-length"), "4");
      const { headers, url, method } = seen ?? assert.fail("Nothing came");
      assert.deepEqual([url, method, headers.host, headers["x-kept"]], ["/a?b=%20", "GET", "shop.test", "2"]);
      for (const gone of ["x-mine", "te", "upgrade", "transfer-encoding"]) assert.equal(headers[gone], undefined, gone);
      assert.equal(headers["x-forwarded-for"], "127.0.0.1");
      assert.equal(headers["x-request-id"], fieldOf(reply, "x-request-id"));
    });

    test("frames a body whose length the client names as a field of the connection", async (t) => {
      const seen: string[] = [];
      const { client } = await proxied(t, make, (request, response) => {
        void textOf(request).then((text) => {
          const { "x-forwarded-for": from, "x-request-id": id } = request.headers;
          seen.push(`${request.url} ${request.headers.host} ${text.length} ${String(from)} ${id !== undefined}`);
          response.end("ok");
        });
      });
      const inner = "GET /inner HTTP/1.1\r\nHost: inner.test\r\n\r\n";
      const named = "Connection: Content-Length, Host, X-Forwarded-For, X-Request-Id, Forwarded";
      for (const method of ["GET", "POST"]) {
        const head = `${method} /outer HTTP/1.1\r\nHost: shop.test\r\n${named}\r\nContent-Length: ${inner.length}\r\n\r\n`;
        assert.equal((await client.ask(head + inner)).body, "ok");
      }
      assert.equal((await client.ask("GET /next HTTP/1.1\r\nHost: shop.test\r\n\r\n")).body, "ok");
      const outer = `/outer shop.test ${inner.length} 127.0.0.1 true`;
      assert.deepEqual(seen, [outer, outer, "/next shop.test 0 127.0.0.1 true"]);
    });

    test("answers 502 for a status that no answer has", async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "sampan-proxy-"));
      const path = join(folder, "up.sock");
      const server = createRawServer((socket) => {
        socket.on("error", () => {});
        socket.once("data", () => void socket.end("HTTP/1.1 007 Odd\r\nContent-Length: 2\r\n\r\nno"));
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      t.after(() => {
        server.close();
        rmSync(folder, { recursive: true, force: true });
      });
      const worker = new TestWorker(t, make);
      const limits = { maxConcurrent: 10, maxQueue: 10 };
      await worker.configure({
        workloads: [workloadSettings({ id: "up@1", name: "up", kind: "listener", upstream: { path }, limits })],
      });
      const client = await worker.connect();
      assert.equal((await client.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status, 502);
    });

    test("streams bodies and trailers both ways, and drops what comes before the answer", async (t) => {
      const { client } = await proxied(t, make, (request, response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: "</x>; rel=preload" });
        void textOf(request).then((text) => {
          const trailers = JSON.stringify(request.trailers);
          response.writeHead(200, request.method === "POST" ? { trailer: "x-sum" } : {});
          response.write(`${text.length} ${trailers}`);
          response.addTrailers({ "x-sum": "7" });
          response.end();
        });
      });
      const piece = "x".repeat(65_536);
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let each = 0; each < 32; each++) client.send(`10000\r\n${piece}\r\n`);
      client.send("0\r\nX-Own: 5\r\n\r\n");
      const reply = await client.reply();
      assert.equal(reply.status, 200);
      assert.equal(reply.body, `${32 * 65_536} {"x-own":"5"}`);
      assert.deepEqual(reply.trailers, [["x-sum", "7"]]);
      const head = await client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.deepEqual([head.status, head.body], [200, ""]);
    });

    test("keeps connections, and asks again where one turns out to be closed", async (t) => {
      const sockets = new Set<unknown>();
      let mustClose = false;
      const { client } = await proxied(t, make, (request, response) => {
        if (mustClose) {
          mustClose = false;
          request.socket.destroy();
          return;
        }
        sockets.add(request.socket);
        response.end("ok");
      });
      const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      for (let each = 0; each < 3; each++) assert.equal((await client.ask(get)).body, "ok");
      assert.equal(sockets.size, 1);
      mustClose = true;
      assert.equal((await client.ask(get)).body, "ok");
      assert.equal(sockets.size, 2);
      mustClose = true;
      const posted = await client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
      assert.equal(posted.status, 502);
    });

    test("ends a request upstream whose client is gone, and breaks off what upstream breaks off", async (t) => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const { client, worker } = await proxied(t, make, (request, response) => {
        response.write("half");
        if (request.url === "/broken") setImmediate(() => response.destroy());
        else request.socket.once("close", () => resolve(true));
      });
      client.send("GET /left HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until("half");
      client.close();
      assert.equal(await promise, true);
      const other = await worker.connect();
      other.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
      await assert.rejects(other.reply(), /ended/);
      assert.match(await worker.line("operator", "/broken"), /did not answer/);
    });

    test("holds upstream back where its client does not read", async (t) => {
      let response: ServerResponse | undefined;
      const { client } = await proxied(t, make, (_request, answering) => {
        response = answering;
        answering.writeHead(200);
        const fill = (): void => {
          while (answering.writable && answering.write("x".repeat(65_536)));
        };
        answering.on("drain", fill);
        fill();
      });
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await client.until("xxx");
      client.socket.pause();
      // What lies between them fills up, and then nothing moves.
      let [before, same] = [-1, 0];
      while (same < 200) {
        const now = response?.socket?.bytesWritten ?? 0;
        same = now === before ? same + 1 : 0;
        before = now;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(before < 64 << 20, `${before} bytes`);
    });
  });
}
