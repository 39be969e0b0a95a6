import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BodyPipe, type BodySource } from "../../engine/index.ts";
import type { FrontExchange } from "./front.ts";
import { bodyOf, fronts, testFront } from "./front-fixture.ts";

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};
/** Answers with path and body. */
const echoed = async (exchange: FrontExchange): Promise<void> =>
  exchange.reply(200, [], `${exchange.request.path} ${await bodyOf(exchange)}`);
/** So many characters that are not the same everywhere. */
const lines = (count: number, seed: number): string =>
  Buffer.from(Uint8Array.from({ length: count }, (_, at) => 32 + ((at * 7 + (at >> 8) * seed) % 90))).toString(
    "latin1",
  );

/** Answers with the body as it comes, past whoever answers. */
async function passBack(source: BodySource, body: BodyPipe): Promise<void> {
  for (;;) {
    const writing: (number | Promise<number>)[] = [];
    const count = await source.pass(65_536, (bytes) => {
      writing.push(body.write(body.isReady() ? bytes : bytes.slice()));
    });
    await writing[0];
    if (count === 0) return body.finish();
  }
}

for (const [name, make] of fronts) {
  describe(name, () => {
    test("tells a body of known length from what stands behind it, wherever the bytes are cut", async (t) => {
      const { connect } = await testFront(t, make, echoed);
      const inner = "GET /inner HTTP/1.1\r\nHost: b\r\n\r\n";
      const text = [
        `POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
        "PUT /two HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\r",
        "GET /three HTTP/1.1\r\nHost: a\r\n\r\n",
      ].join("");
      await Promise.all(
        Array.from({ length: text.length + 1 }, async (_, at) => {
          const client = connect();
          client.send(text.slice(0, at));
          await turns(3);
          client.send(text.slice(at));
          for (const body of [`/one ${inner}`, "/two \r", "/three "])
            assert.equal((await client.reply()).body, body, String(at));
          assert.equal(client.rest, "");
        }),
      );
    });

    test("refuses what is no request behind a body of known length", async (t) => {
      const { connect } = await testFront(t, make, echoed);
      const post = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${fields}\r\nok`;
      for (const nonsense of ["non\0sense\r\n\r\n", "x".repeat(100), "GET / HTTP/1.1\r\nHost : a\r\n\r\n"]) {
        const client = connect();
        client.send(post(""), nonsense);
        assert.equal((await client.reply()).body, "/ ok");
        if (nonsense.startsWith("x")) continue;
        assert.equal((await client.reply()).status, 400);
        assert.equal(await client.ended(), "");
      }
      const last = connect();
      last.send(post("Connection: close\r\n") + post(""));
      assert.equal((await last.reply()).body, "/ ok");
      assert.doesNotMatch(await last.ended(), / 200 /);
    });

    test("keeps what nobody reads yet as it came, whatever comes by other connections", async (t) => {
      const held = Promise.withResolvers<void>();
      const { connect } = await testFront(t, make, async (exchange) => {
        if (exchange.request.path === "/held") await held.promise;
        exchange.reply(200, [], await bodyOf(exchange));
      });
      const post = (path: string, body: string): string =>
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const first = connect();
      const kept = lines(60_000, 3);
      first.send(post("/held", kept));
      await turns(20);
      const others = Array.from({ length: 8 }, connect);
      for (const [at, other] of others.entries()) {
        const body = lines(70_000, at + 5);
        assert.ok((await other.ask(post("/other", body))).body === body);
      }
      held.resolve();
      assert.ok((await first.reply()).body === kept);
      // Its memory is another's only now.
      for (const each of [first, ...others]) assert.ok((await each.ask(post("/other", kept))).body === kept);
    });

    test("passes a long body on as it comes, no faster than it is taken", async (t) => {
      const { connect } = await testFront(t, make, (exchange) => {
        const body = new BodyPipe({ sizeError: "HTTP-response-body-size" });
        exchange.respond({ status: 200, fields: [], body });
        void passBack(exchange.request.body, body);
      });
      const client = connect();
      const length = 12 << 20;
      const text = lines(length, 11);
      client.socket.pause();
      client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`, text);
      await turns(200);
      client.socket.resume();
      assert.ok((await client.reply()).body === text);
    });
  });
}
