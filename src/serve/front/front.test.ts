import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { BodyPipe, HttpFailure, type HttpField } from "../../engine/index.ts";
import { otherCertificate, testCertificate } from "./certificate-fixture.ts";
import type { FrontExchange } from "./front.ts";
import { bodyOf, fieldOf, fronts, RawClient, testFront, wideLimits } from "./front-fixture.ts";
import { makeNativeFront } from "./native-front.ts";
import { makeNodeFront } from "./node-front.ts";

const folder = mkdtempSync(join(tmpdir(), "sampan-front-"));
after(() => rmSync(folder, { recursive: true }));

const get = (path = "/", rest = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${rest}\r\n`;
const field = (name: string, value: string): HttpField => [name, Buffer.from(value, "latin1")];
const pipe = (): BodyPipe => new BodyPipe({ sizeError: "HTTP-response-body-size" });
/** Answers each request with its path. */
const echoPath = (exchange: FrontExchange): void => exchange.reply(200, [], exchange.request.path);

for (const [name, make] of fronts) {
  describe(name, () => {
    test("keeps a connection for requests that come one after the other, and says when", async (t) => {
      const { connect, front } = await testFront(t, make, echoPath);
      const client = connect();
      for (const path of ["/one", "/two?x=%20", "/three"]) {
        const reply = await client.ask(get(path));
        assert.equal(reply.status, 200);
        assert.equal(reply.body, path);
        assert.ok(Math.abs(Date.parse(fieldOf(reply, "date") ?? "") - Date.now()) < 86_400_000);
        assert.equal(fieldOf(reply, "server"), undefined);
        assert.equal(fieldOf(reply, "x-powered-by"), undefined);
      }
      assert.equal(front.connections, 1);
    });

    test("answers pipelined requests in turn, each begun when the one before is answered", async (t) => {
      const begun: FrontExchange[] = [];
      const { connect } = await testFront(t, make, (exchange) => void begun.push(exchange));
      const client = connect();
      client.send(Array.from({ length: 40 }, (_, index) => get(`/${index}`)).join(""));
      for (let index = 0; index < 40; index++) {
        while (begun.length <= index) await new Promise((resolve) => setImmediate(resolve));
        assert.equal(begun.length, index + 1);
        begun[index]?.reply(200, [], `${begun[index]?.request.path}`);
        assert.equal((await client.reply()).body, `/${index}`);
      }
    });

    test("answers nothing behind an answer that only the end of the connection ends", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => {
        const body = pipe();
        exchange.respond({ status: 200, fields: [], body });
        void body.write(Buffer.from(exchange.request.path));
        setImmediate(() => body.finish());
      });
      const client = connect();
      const keep = "HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
      client.send(`GET /first ${keep}GET /second ${keep}`);
      const text = await client.ended();
      assert.match(text, /\/first$/);
      assert.equal(text.split("HTTP/1.").length, 2);
    });

    test("tells the request as it came: method, authority, fields in lower case, remote, body", async (t) => {
      let seen: unknown;
      const { connect } = await testFront(t, make, async (exchange) => {
        const { method, scheme, authority, path, fields } = exchange.request;
        const body = await bodyOf(exchange);
        const texts = fields.map(([each, value]) => `${each}=${Buffer.from(value).toString("latin1")}`);
        const { remote, isSecure, bytesIn } = exchange;
        seen = { method, scheme, authority, path, texts, body, address: remote.address, isSecure, bytesIn };
        exchange.reply(200, [], "");
      });
      await connect().ask("PATCH /a?b HTTP/1.1\r\nHost: Ab:80\r\nX-Y:  é \r\nContent-Length: 5\r\n\r\nhello");
      assert.deepEqual(seen, {
        method: "PATCH",
        scheme: "http",
        authority: "Ab:80",
        path: "/a?b",
        texts: ["host=Ab:80", "x-y=é", "content-length=5"],
        body: "hello",
        address: "127.0.0.1",
        isSecure: false,
        bytesIn: 5,
      });
    });

    test("takes the authority of an absolute target, where it is that of the Host field", async (t) => {
      const { connect, refused } = await testFront(t, make, ({ request, ...exchange }) => void [request, exchange]);
      const reply = await connect().ask("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.equal(reply.status, 400);
      assert.match(refused[0] ?? "", /^400: /);
      const other = await testFront(t, make, (exchange) =>
        exchange.reply(200, [], `${exchange.request.authority} ${exchange.request.path}`),
      );
      assert.equal((await other.connect().ask("GET http://a?x HTTP/1.1\r\nHost: A\r\n\r\n")).body, "a /?x");
    });

    test("streams an answer as it is written, in chunks, with its trailers behind it", async (t) => {
      const body = pipe();
      const { connect } = await testFront(t, make, (exchange) =>
        exchange.respond({ status: 201, fields: [field("X-Own", "1")], body }),
      );
      const client = connect();
      client.send(get());
      await client.until("\r\n\r\n");
      await body.write(Buffer.from("one"));
      await client.until("one");
      await body.write(Buffer.from("two"));
      body.finish([field("x-sum", "6")]);
      const reply = await client.reply();
      assert.equal(reply.status, 201);
      assert.equal(fieldOf(reply, "x-own"), "1");
      assert.equal(reply.body, "onetwo");
      assert.deepEqual(reply.trailers, [["x-sum", "6"]]);
    });

    test("sends an answer of known length as it is, and none of a body to HEAD, 204 and 304", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => {
        const status = Number(exchange.request.path.slice(1));
        const body = pipe();
        exchange.respond({ status, fields: [field("content-length", "4"), field("trailer", "x")], body });
        void body.write(Buffer.from("body"));
        body.finish();
      });
      const client = connect();
      const reply = await client.ask(get("/200"));
      assert.equal(reply.body, "body");
      assert.equal(fieldOf(reply, "content-length"), "4");
      const head = await client.ask(get("/200").replace("GET", "HEAD"));
      assert.deepEqual([head.status, fieldOf(head, "content-length"), head.body], [200, "4", ""]);
      assert.equal((await client.ask(get("/304"))).status, 304);
      const none = await client.ask(get("/204"));
      assert.deepEqual([none.status, fieldOf(none, "content-length")], [204, undefined]);
      assert.equal((await client.ask(get("/200"))).body, "body");
    });

    test("lets a body be read as it comes, in chunks, with its trailers", async (t) => {
      const { connect } = await testFront(t, make, async (exchange) => {
        const text = await bodyOf(exchange);
        const trailers = exchange.request.body.trailers.map(([each, value]) => `${each}=${String(value)}`);
        exchange.reply(200, [], `${text} ${trailers.join()}`);
      });
      const client = connect();
      client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n", "3;x=y\r\ntwo\r\n");
      client.send("0\r\nX-Sum: 6\r\n\r\n");
      assert.equal((await client.reply()).body, "onetwo x-sum=6");
      client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok");
      assert.equal((await client.reply()).body, "ok ");
    });

    test("takes no more of a body than is read", async (t) => {
      const { promise, resolve } = Promise.withResolvers<FrontExchange>();
      const { connect } = await testFront(t, make, resolve);
      const client = connect();
      const pieces = 64;
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${pieces << 20}\r\n\r\n`);
      const exchange = await promise;
      client.send(...Array.from({ length: pieces }, () => "x".repeat(1 << 20)));
      // What the system's buffers take moves in some turns; the rest stays with the client.
      for (let turn = 0; turn < 2000; turn++) await new Promise((wake) => setImmediate(wake));
      assert.ok(client.socket.writableLength > (pieces / 2) << 20, "most of it was taken");
      assert.equal((await bodyOf(exchange)).length, pieces << 20);
      assert.equal(exchange.bytesIn, pieces << 20);
    });

    test("answers before the body is there, and takes the next request by the same connection", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => exchange.reply(403, [], exchange.request.path));
      const client = connect();
      client.send("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", "x".repeat(50_000));
      assert.equal((await client.reply()).body, "/early");
      client.send("x".repeat(50_000), get("/next"));
      assert.equal((await client.reply()).body, "/next");
    });

    test("ends a connection on which far too much comes that nobody reads, but lets its client see the answer", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => exchange.reply(403, [], "no"));
      const client = connect();
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${1 << 30}\r\n\r\n`);
      const reply = await client.reply();
      assert.equal(reply.body, "no");
      const piece = "x".repeat(1 << 16);
      let sent = 0;
      while (!client.isEnded && sent < 1 << 14) {
        client.send(piece);
        sent += 1;
        await new Promise((wake) => setImmediate(wake));
      }
      assert.ok(client.isEnded);
    });

    test("asks for a body that is expected only when it is read", async (t) => {
      const { connect } = await testFront(t, make, async (exchange) => {
        if (exchange.request.path === "/no") exchange.reply(401, [], "no");
        else exchange.reply(200, [], await bodyOf(exchange));
      });
      const client = connect();
      const expecting = "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n";
      assert.equal((await client.ask(`POST /yes HTTP/1.1\r\nHost: a\r\n${expecting}`)).status, 100);
      assert.equal((await client.ask("ok")).body, "ok");
      const refused = await client.ask(`POST /no HTTP/1.1\r\nHost: a\r\n${expecting}`);
      assert.equal(refused.status, 401);
      // Whether the body comes all the same cannot be known: nothing can follow.
      assert.equal(await client.ended(), "");
    });

    test("informs a client before its answer, but for one that speaks HTTP/1.0", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => {
        exchange.inform(103, [field("link", "</x>"), field("x-y", "1")]);
        exchange.reply(200, [], "done");
        exchange.inform(103, []);
      });
      const client = connect();
      const early = await client.ask(get());
      assert.equal(early.status, 103);
      assert.deepEqual([fieldOf(early, "link"), fieldOf(early, "x-y")], ["</x>", "1"]);
      assert.equal((await client.reply()).body, "done");
      const old = connect();
      assert.equal((await old.ask("GET / HTTP/1.0\r\n\r\n")).status, 200);
      assert.equal(await old.ended(), "");
    });

    test("says once how an exchange ended, and what was sent", async (t) => {
      const ends: unknown[] = [];
      const { connect } = await testFront(t, make, (exchange) => {
        exchange.onEnd((isWhole) => ends.push([exchange.request.path, isWhole, exchange.bytesOut]));
        if (exchange.request.path === "/whole") exchange.reply(200, [], "four");
      });
      const client = connect();
      await client.ask(get("/whole"));
      client.send(get("/lost"));
      while (ends.length < 1) await new Promise((resolve) => setImmediate(resolve));
      client.close();
      while (ends.length < 2) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(ends, [
        ["/whole", true, 4],
        ["/lost", false, 0],
      ]);
    });

    test("breaks an answer off whose body fails, so that no client takes it for whole", async (t) => {
      const body = pipe();
      const { connect } = await testFront(t, make, (exchange) => exchange.respond({ status: 200, fields: [], body }));
      const client = connect();
      client.send(get());
      await body.write(Buffer.from("half"));
      await client.until("half");
      body.fail(new HttpFailure({ tag: "internal-error" }));
      await assert.rejects(client.reply(), /ended/);
    });

    test("refuses bodies, heads and fields that are too large", async (t) => {
      const limits = { maxBody: 10, maxHeaders: 5, maxHeaderBytes: 2048 };
      const { connect, refused, past } = await testFront(t, make, (exchange) => void bodyOf(exchange).catch(() => {}), {
        limits,
      });
      const post = "POST / HTTP/1.1\r\nHost: a\r\n";
      const status = async (text: string): Promise<number> => {
        const client = connect();
        const reply = await client.ask(text);
        assert.equal(await client.ended(), "");
        return reply.status;
      };
      assert.equal(await status(`${post}Content-Length: 11\r\n\r\n`), 413);
      assert.equal(await status(`${post}Transfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n0\r\n\r\n`), 413);
      assert.equal(await status(get("/", "a: b\r\n".repeat(5))), 431);
      assert.equal(await status(get("/", `a: ${"b".repeat(2048)}\r\n`)), 431);
      assert.equal(await status(get(`/${"b".repeat(2048)}`)), 431);
      assert.ok(refused.length >= 4);
      assert.deepEqual([...new Set(past)].toSorted(), ["body", "fields", "headers"]);
    });

    test("takes other limits while it listens, also on connections that are there", async (t) => {
      const onExchange = (exchange: FrontExchange): void => {
        bodyOf(exchange).then(
          (body) => exchange.reply(200, [], body),
          () => {},
        );
      };
      const { connect, front } = await testFront(t, make, onExchange, { limits: { maxBody: 3, maxHeaderBytes: 1024 } });
      const post = (body: string): string =>
        `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const wide = get("/", `a: ${"b".repeat(2000)}\r\n`);
      const client = connect();
      assert.equal((await client.ask(post("abc"))).status, 200);
      assert.deepEqual([(await connect().ask(post("abcd"))).status, (await connect().ask(wide)).status], [413, 431]);
      front.change({ limits: { ...wideLimits, maxBody: 4, idleTimeout: 20 } });
      assert.equal((await client.ask(post("abcd"))).status, 200);
      assert.deepEqual([(await connect().ask(post("abcde"))).status, (await connect().ask(wide)).status], [413, 200]);
      assert.equal(await client.ended(), "");
    });

    test("refuses what is no HTTP, and what two servers may read in two ways", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => {
        bodyOf(exchange).then(
          (body) => exchange.reply(200, [], body),
          () => {},
        );
      });
      const post = "POST / HTTP/1.1\r\nHost: a\r\n";
      const cases: readonly (readonly [status: number, text: string])[] = [
        [400, "nonsense\r\n\r\n"],
        [400, "GET / HTTP/1.1\r\n\r\n"],
        [400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"],
        [400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
        [400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"],
        [400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"],
        [400, "GET / HTTP/1.1\nHost: a\n\n"],
        [400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\0\r\n\r\n"],
        [400, "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"],
        [400, "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"],
        [400, "GET /\\..\\ HTTP/1.1\r\nHost: a\r\n\r\n"],
        [400, "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"],
        [400, "GET * HTTP/1.1\r\nHost: a\r\n\r\n"],
        [400, `${post}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`],
        [400, `${post}Content-Length: 1, 1\r\n\r\nx`],
        [400, `${post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
        [400, `${post}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`],
        [501, `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
        [400, "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        [400, `${post}Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n`],
        [400, `${post}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`],
        [413, `${post}Transfer-Encoding: chunked\r\n\r\n1;${"a".repeat(20_000)}\r\nx\r\n0\r\n\r\n`],
        [505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n"],
        [505, "GET /\r\n\r\n"],
        [501, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"],
        [405, "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"],
        [417, "POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\nx"],
      ];
      for (const [status, text] of cases) {
        const client = connect();
        client.send(text, get("/smuggled"));
        const reply = await client.reply();
        assert.equal(reply.status, status, JSON.stringify(text));
        assert.doesNotMatch(await client.ended(), /HTTP\/1\.1 200/, JSON.stringify(text));
      }
    });

    test("answers what stands before nonsense first", async (t) => {
      const begun: FrontExchange[] = [];
      const { connect } = await testFront(t, make, (exchange) => void begun.push(exchange));
      const client = connect();
      client.send(get("/first"), "non\0sense\r\n\r\n");
      while (begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
      begun[0]?.reply(200, [], "first");
      assert.equal((await client.reply()).body, "first");
      assert.equal((await client.reply()).status, 400);
      assert.equal(await client.ended(), "");
    });

    test("ends who sends a head too slowly, a body too slowly, nothing, or does not read", async (t) => {
      const limits = { headerTimeout: 80, bodyTimeout: 80, idleTimeout: 80 };
      const seen: FrontExchange[] = [];
      const { connect } = await testFront(
        t,
        make,
        (exchange) => {
          seen.push(exchange);
          if (exchange.request.path === "/ok") exchange.reply(200, [], "ok");
          else if (exchange.request.path === "/endless") {
            const body = pipe();
            exchange.respond({ status: 200, fields: [], body });
            const fill = async (): Promise<void> => {
              for (;;) await body.write(Buffer.alloc(65_536));
            };
            fill().catch(() => {});
          }
        },
        { limits },
      );
      const [head, silent, idle, body, deaf] = [connect(), connect(), connect(), connect(), connect()];
      head.send("GET / HTTP/1.1\r\nHos");
      idle.send(get("/ok"));
      body.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
      deaf.send(get("/endless"));
      deaf.socket.pause();
      assert.match(await head.ended(), /^(HTTP\/1\.1 408|$)/);
      assert.equal(await silent.ended(), "");
      assert.match(await idle.ended(), /^HTTP\/1\.1 200/);
      await body.ended();
      const endless = seen.find(({ request }) => request.path === "/endless");
      const { promise, resolve } = Promise.withResolvers<boolean>();
      endless?.onEnd(resolve);
      assert.equal(await promise, false);
    });

    test("lets an answer take its time that the client has nothing to do with", async (t) => {
      const { connect } = await testFront(
        t,
        make,
        (exchange) => void setTimeout(() => exchange.reply(200, [], "late"), 300),
        { limits: { bodyTimeout: 40, idleTimeout: 40, headerTimeout: 40 } },
      );
      assert.equal((await connect().ask(get())).body, "late");
    });

    test("closes connections that are too many, and those that had all their requests", async (t) => {
      const { connect, refused } = await testFront(t, make, echoPath, {
        limits: { maxConnections: 2, requestsPerConnection: 2 },
      });
      const [one, two] = [connect(), connect()];
      await one.ask(get());
      await two.ask(get());
      const three = connect();
      three.send(get());
      assert.equal(await three.ended(), "");
      assert.ok(refused.length > 0);
      assert.equal(fieldOf(await one.ask(get()), "connection"), "close");
      assert.equal(await one.ended(), "");
    });

    test("drain() answers what is there, closes what is idle and takes nothing new", async (t) => {
      const begun: FrontExchange[] = [];
      const { connect, front } = await testFront(t, make, (exchange) => {
        if (exchange.request.path === "/now") exchange.reply(200, [], "now");
        else begun.push(exchange);
      });
      const [idle, busy] = [connect(), connect()];
      await idle.ask(get("/now"));
      busy.send(get("/later"));
      while (begun.length === 0) await new Promise((resolve) => setImmediate(resolve));
      const drained = front.drain(60_000);
      assert.equal(await idle.ended(), "");
      const late = connect();
      await late.ended();
      begun[0]?.reply(200, [], "later");
      const reply = await busy.reply();
      assert.equal(reply.body, "later");
      assert.equal(fieldOf(reply, "connection"), "close");
      await drained;
      assert.equal(front.connections, 0);
    });

    test("drain() ends what takes longer than it may", async (t) => {
      const { promise, resolve } = Promise.withResolvers<FrontExchange>();
      const { connect, front } = await testFront(t, make, resolve);
      const client = connect();
      client.send(get());
      const exchange = await promise;
      const ended = new Promise((done) => exchange.onEnd(done));
      await front.drain(20);
      assert.equal(await ended, false);
      await client.ended();
    });

    test("listens on a Unix socket that only its user may use, also where one was left", async (t) => {
      const path = join(folder, `${name.replace(/\W/g, "")}.sock`);
      for (const _ of [1, 2]) {
        const { connect, front } = await testFront(t, make, echoPath, { path });
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.equal((await connect().ask(get("/unix"))).body, "/unix");
        await front.close();
      }
      assert.equal(existsSync(path), false);
    });

    test("says where it cannot listen", async (t) => {
      const { front } = await testFront(t, make, echoPath);
      await assert.rejects(testFront(t, make, echoPath, { port: front.address.port }), { code: "SERVE_PORT_TAKEN" });
    });

    test("shares a port with others of its kind where it is told to", async (t) => {
      const first = await testFront(t, make, echoPath, { reusePort: true });
      const second = await testFront(t, make, echoPath, { reusePort: true, port: first.front.address.port });
      assert.equal((await second.connect().ask(get("/shared"))).body, "/shared");
      await first.front.close();
      assert.equal((await second.connect().ask(get("/again"))).body, "/again");
    });
  });
}

test("makeNativeFront()", { skip: process.env["SAMPAN_TEST_NATIVE"] !== "1" }, async (t) => {
  await t.test("is a front of our own", async (inner) => {
    const { front } = await testFront(inner, makeNativeFront, echoPath);
    assert.equal(front.constructor.name, "NativeFront");
  });

  await t.test("tells the length of an answer that a guest finishes in one go, waiting for nothing", async (inner) => {
    const { connect } = await testFront(inner, makeNativeFront, async (exchange) => {
      const body = pipe();
      exchange.respond({ status: 200, fields: [], body });
      for (const text of ["one", "two"]) {
        // As a guest's call that may wait ends in a microtask, whether it waits or not.
        await Promise.resolve();
        await body.write(Buffer.from(text));
      }
      body.finish();
    });
    const reply = await connect().ask(get());
    assert.equal(fieldOf(reply, "content-length"), "6");
    assert.equal(reply.body, "onetwo");
  });

  await t.test("sends what a guest wrote before it waits", async (inner) => {
    const body = pipe();
    const { connect } = await testFront(inner, makeNativeFront, (exchange) => {
      exchange.respond({ status: 200, fields: [], body });
      void body.write(Buffer.from("early"));
    });
    const client = connect();
    client.send(get());
    await client.until("early");
    body.finish();
    assert.equal((await client.reply()).body, "early");
  });
});

test("makeNodeFront() says that a certificate cannot be used", async (t) => {
  const tls = { cert: "nonsense", key: testCertificate.key };
  await assert.rejects(testFront(t, makeNodeFront, echoPath, { tls }), { code: "SERVE_TLS" });
});

test("makeNodeFront() speaks TLS, and tells of those who do not", async (t) => {
  const onExchange = (exchange: FrontExchange): void =>
    exchange.reply(200, [], `${exchange.request.scheme} ${exchange.isSecure}`);
  const { connect, front, refused } = await testFront(t, makeNodeFront, onExchange, { tls: testCertificate });
  const client = connect();
  assert.equal((await client.ask(get())).body, "https true");
  assert.equal((await client.ask(get())).body, "https true");
  const plain = new RawClient(connectPlain(front.address.port, "127.0.0.1"));
  plain.send(get());
  assert.doesNotMatch(await plain.ended(), /HTTP/);
  assert.match(refused[0] ?? "", /^TLS: /);
});

test("makeNodeFront() has another certificate for connections that come, and keeps the one it has for a wrong one", async (t) => {
  const onExchange = (exchange: FrontExchange): void => exchange.reply(200, [], "");
  const { connect, front } = await testFront(t, makeNodeFront, onExchange, { tls: testCertificate });
  const serial = async (client: RawClient): Promise<string> => {
    assert.equal((await client.ask(get())).status, 200);
    return (client.socket as TLSSocket).getPeerCertificate().serialNumber;
  };
  const first = connect();
  assert.equal(await serial(first), "01");
  front.change({ limits: wideLimits, tls: otherCertificate });
  assert.equal(await serial(connect()), "02");
  assert.equal(await serial(first), "01");
  const wrong = { cert: otherCertificate.cert, key: testCertificate.key };
  assert.throws(() => front.change({ limits: wideLimits, tls: wrong }), { code: "SERVE_TLS" });
  assert.equal(await serial(connect()), "02");
});
