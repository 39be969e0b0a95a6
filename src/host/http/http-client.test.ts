import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyPipe, type HttpField } from "./body-pipe.ts";
import { failureOf, get, testClient, testServer, textOf } from "./http-fixture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const field = (name: string, value: string): HttpField => [name, bytes(value)];
const requestBody = (expected?: number): BodyPipe => new BodyPipe({ expected, sizeError: "HTTP-request-body-size" });

test("HttpClient.send() brings status, fields in turn and the body", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (request, response) => {
    response.writeHead(201, ["X-A", "1", "x-a", "2", "set-cookie", "c"]);
    response.end(`${request.method} ${request.url} ${request.headers.host} ${String(request.headers["x-b"])}`);
  });
  const { response } = client.send(get(port, "/p?q=1", { fields: [field("X-B", "b")] }));
  const { status, fields, body } = await response;
  assert.equal(status, 201);
  const texts = fields.map(([name, value]) => `${name}=${Buffer.from(value).toString()}`);
  assert.deepEqual(texts.slice(0, 3), ["x-a=1", "x-a=2", "set-cookie=c"]);
  assert.equal(await textOf(body), `GET /p?q=1 127.0.0.1:${port} b`);
});

test("HttpClient.send() uses a connection again once its body was read, and not before", async (t) => {
  const { client } = testClient(t);
  const { port, connections } = await testServer(t, (_request, response) => void response.end("x"));
  for (let i = 0; i < 5; i++) await textOf((await client.send(get(port)).response).body);
  assert.equal(connections.length, 1);
  const first = await client.send(get(port)).response;
  const second = await client.send(get(port)).response;
  assert.equal(await textOf(first.body), "x");
  assert.equal(await textOf(second.body), "x");
  assert.ok(connections.length <= 2);
});

test("HttpClient.send() begins anew where the server closed a connection that waited", async (t) => {
  const { client } = testClient(t);
  let count = 0;
  const { port, connections } = await testServer(t, (request, response) => {
    count += 1;
    // The second request finds the connection closed under it.
    if (count === 2) return void request.socket.destroy();
    response.end("x");
  });
  assert.equal(await textOf((await client.send(get(port)).response).body), "x");
  assert.equal(await textOf((await client.send(get(port)).response).body), "x");
  assert.equal(connections.length, 2);
  assert.equal(count, 3);
});

test("what a server sends unasked is no response to the next request", async (t) => {
  const { client } = testClient(t);
  const { port, connections } = await testServer(t, (request, response) => {
    response.end(request.url);
    if (request.url === "/first")
      setImmediate(() => request.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"));
  });
  assert.equal(await textOf((await client.send(get(port, "/first")).response).body), "/first");
  while (connections[0]?.destroyed !== true) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await textOf((await client.send(get(port, "/second")).response).body), "/second");
  assert.equal(connections.length, 2);
});

test("HttpClient.send() sends a body as it is written, with trailers, and reads trailers back", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      response.writeHead(200, { trailer: "x-sum" });
      response.write(Buffer.concat(parts));
      response.addTrailers({ "x-sum": String(request.trailers["x-end"]) });
      response.end();
    });
  });
  const body = requestBody();
  const { response } = client.send(get(port, "/", { method: "POST", body }));
  await body.write(bytes("one "));
  await new Promise((resolve) => setImmediate(resolve));
  await body.write(bytes("two"));
  body.finish([field("x-end", "yes")]);
  const got = await response;
  assert.equal(await textOf(got.body), "one two");
  assert.deepEqual(
    got.body.trailers.map(([name, value]) => [name, Buffer.from(value).toString()]),
    [["x-sum", "yes"]],
  );
});

test("HttpClient.send() tells a request without a body from one of unknown length", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, ({ headers, method }, response) => {
    response.end(`${method} ${headers["content-length"]} ${headers["transfer-encoding"]}`);
    // It ends when its head is there.
    if (headers["transfer-encoding"] !== undefined) late.finish();
  });
  const empty = requestBody();
  empty.finish();
  const late = requestBody();
  const sent = [
    client.send(get(port)),
    client.send(get(port, "/", { body: empty })),
    client.send(get(port, "/", { method: "POST", body: empty })),
    client.send(get(port, "/", { method: "POST", body: late })),
  ];
  const texts = await Promise.all(sent.map(async ({ response }) => textOf((await response).body)));
  assert.deepEqual(texts, [
    "GET undefined undefined",
    "GET undefined undefined",
    "POST 0 undefined",
    "POST undefined chunked",
  ]);
});

test("a body of another length than its content-length is told, and breaks the request off", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (request, response) => {
    request.resume();
    request.on("end", () => response.end("whole"));
    request.on("error", () => {});
  });
  for (const [text, size] of [
    ["toolong", 7n],
    ["abc", 3n],
  ] as const) {
    const body = requestBody(5);
    const { response } = client.send(get(port, "/", { method: "POST", body, fields: [field("content-length", "5")] }));
    const failed = failureOf(response);
    await assert.rejects(
      async () => {
        await body.write(bytes(text));
        body.finish();
      },
      { code: { tag: "HTTP-request-body-size", val: size } },
    );
    assert.equal(await failed, "HTTP-request-body-size");
  }
});

test("a response that ends early is incomplete", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (_request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("12345");
    setImmediate(() => response.destroy());
  });
  const { body } = await client.send(get(port)).response;
  assert.equal(await failureOf(textOf(body)), "HTTP-response-incomplete");
});

test("HttpClient.send() drops 1xx responses, and takes no upgrade that nobody asked for", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (request, response) => {
    if (request.url === "/upgrade") {
      request.socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
      return;
    }
    response.writeProcessing();
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.end("final");
  });
  const { status, body } = await client.send(get(port)).response;
  assert.equal(status, 200);
  assert.equal(await textOf(body), "final");
  assert.equal(await failureOf(client.send(get(port, "/upgrade")).response), "HTTP-upgrade-failed");
});

test("HttpClient.send() waits as long as it is told for a response, and for pieces that the guest waits for", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (request, response) => {
    if (request.url === "/silent") return;
    response.write("first");
  });
  const first = client.send(get(port, "/silent", { timeouts: { firstByte: 20 } })).response;
  assert.equal(await failureOf(first), "HTTP-response-timeout");
  const { body } = await client.send(get(port, "/", { timeouts: { betweenBytes: 20 } })).response;
  assert.equal(await failureOf(textOf(body)), "connection-read-timeout");
});

test("a response's head is of a bounded size", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, (_request, response) => {
    for (let i = 0; i < 200; i++) response.setHeader(`x-${i}`, "a".repeat(1000));
    response.end();
  });
  assert.equal(await failureOf(client.send(get(port)).response), "HTTP-response-header-section-size");
});

test("a peer that reads nothing, and a guest that reads nothing, hold up the other side", async (t) => {
  const { client } = testClient(t);
  let sent = 0;
  const { port } = await testServer(t, (request, response) => {
    if (request.method === "POST") return;
    const more = (): void => {
      while (sent < 64 * 1024 * 1024) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  const body = requestBody();
  const { response, cancel } = client.send(get(port, "/", { method: "POST", body }));
  const cancelled = failureOf(response);
  let taken = 0;
  while (taken < 64 * 1024 * 1024) {
    for (let turns = 0; !body.isReady() && turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve));
    if (!body.isReady()) break;
    taken += await body.write(new Uint8Array(65_536));
  }
  assert.ok(taken < 32 * 1024 * 1024, `${taken} bytes were taken`);
  cancel();
  assert.equal(await cancelled, "connection-terminated");
  const got = await client.send(get(port)).response;
  for (let turns = 0; turns < 200; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were sent`);
  got.body.close();
});

test("HttpClient.send() reaches what is granted alone, whatever a name stands for", async (t) => {
  const { port } = await testServer(t, (_request, response) => void response.end("x"));
  const names = {
    "inside.test": ["127.0.0.1"],
    "granted.test": ["127.0.0.1"],
    "public.test": ["192.0.2.1", "10.0.0.1"],
  };
  const reach = async (connect: string[], authority: string, dns = false): Promise<string> => {
    const { client } = testClient(t, { flags: { connect, dns }, names });
    return failureOf(client.send(get(port, "/", { authority: `${authority}:${port}` })).response);
  };
  assert.equal(await reach([], "127.0.0.1"), "HTTP-request-denied");
  assert.equal(await reach([], "inside.test"), "HTTP-request-denied");
  assert.equal(await reach(["*"], "127.0.0.1"), "HTTP-request-denied");
  assert.equal(await reach(["inside.test"], "inside.test"), "destination-IP-prohibited");
  assert.equal(await reach(["public.test"], "public.test"), "destination-IP-prohibited");
  assert.equal(await reach(["*"], "2130706433"), "HTTP-request-denied");
  assert.equal(await reach([`127.0.0.1:${port + 1}`], "127.0.0.1"), "HTTP-request-denied");
  assert.equal(await reach([`127.0.0.1:${port}`, "granted.test"], "granted.test"), "none");
  assert.equal(await reach(["granted.test"], "missing.test", true), "DNS-error");
  assert.equal(await reach([`127.0.0.1:${port}`], "127.0.0.1"), "none");
});

test("a name that is not granted is refused as a place to connect to, not as a name to look up", async (t) => {
  const names = { "other.test": ["192.0.2.1"] };
  const { client, observer } = testClient(t, { flags: { connect: ["granted.test"] }, names });
  const asked = failureOf(client.send(get(80, "/", { authority: "other.test" })).response);
  assert.equal(await asked, "HTTP-request-denied");
  assert.deepEqual(observer.refusals, [
    { capability: "net.connect", host: "other.test", port: 80, addresses: undefined },
  ]);
});

test("a name that shares its address with a granted one is not granted by that", async (t) => {
  const { port } = await testServer(t, (_request, response) => void response.end("x"));
  const names = { "a.localhost": ["127.0.0.1"], "b.localhost": ["127.0.0.1"] };
  const { client, observer } = testClient(t, { flags: { connect: ["a.localhost"], dns: true }, names });
  const to = (name: string) => failureOf(client.send(get(port, "/", { authority: `${name}:${port}` })).response);
  assert.equal(await to("a.localhost"), "none");
  assert.equal(await to("b.localhost"), "HTTP-request-denied");
  assert.equal(observer.refusals.length, 1);
});
