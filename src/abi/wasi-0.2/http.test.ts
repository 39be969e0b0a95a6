import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { nodeExchange } from "../../host/index.ts";
import { incomingArguments } from "./http-incoming.ts";
import { type NetworkFixture, networkFixture } from "./network-fixture.ts";

type Nested<T> = { tag: "ok"; val: { tag: "ok"; val: T } | { tag: "err"; val: { tag: string } } } | { tag: "err" };

const types = "http/types#";
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (came: Uint8Array): string => new TextDecoder().decode(came);
const anywhere = { connect: ["127.0.0.1:1-65535"] };

async function server(t: TestContext, answer: RequestListener): Promise<number> {
  const sockets: Socket[] = [];
  const listener = createServer(answer);
  listener.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => {
    listener.close();
    for (const each of sockets) each.destroy();
  });
  return (listener.address() as AddressInfo).port;
}

async function fields(guest: NetworkFixture, ...entries: readonly (readonly [string, string])[]): Promise<unknown> {
  return guest.ask(
    `${types}[static]fields.from-list`,
    entries.map(([name, value]) => [name, bytes(value)]),
  );
}

/** A request for a path of a server; what is not given is left as it is. */
async function requestFor(
  guest: NetworkFixture,
  port: number,
  { path = "/", method = { tag: "get" }, headers = [] as readonly (readonly [string, string])[] } = {},
): Promise<unknown> {
  const request = await guest.ask(`${types}[constructor]outgoing-request`, await fields(guest, ...headers));
  const on = `${types}[method]outgoing-request`;
  await guest.ask(`${on}.set-method`, request, method);
  await guest.ask(`${on}.set-scheme`, request, { tag: "HTTP" });
  await guest.ask(`${on}.set-authority`, request, `127.0.0.1:${port}`);
  await guest.ask(`${on}.set-path-with-query`, request, path);
  return request;
}

/** What a future comes to. */
async function settled<T>(guest: NetworkFixture, future: unknown, name: string): Promise<Nested<T>> {
  await guest.ready(`${types}[method]${name}.subscribe`, future);
  return guest.ask(`${types}[method]${name}.get`, future);
}

async function responseOf(guest: NetworkFixture, future: unknown): Promise<unknown> {
  const got = await settled<unknown>(guest, future, "future-incoming-response");
  if (got.tag === "ok" && got.val.tag === "ok") return got.val.val;
  return assert.fail(JSON.stringify(got));
}

async function readAll(guest: NetworkFixture, stream: unknown): Promise<string> {
  let text = "";
  for (;;) {
    try {
      text += textOf(await guest.ask<Uint8Array>("io/streams#[method]input-stream.blocking-read", stream, 65_536n));
    } catch (error) {
      assert.deepEqual((error as { payload?: unknown }).payload, { tag: "closed" });
      return text;
    }
  }
}

async function namesOf(guest: NetworkFixture, headers: unknown): Promise<string[]> {
  const entries = await guest.ask<[string, Uint8Array][]>(`${types}[method]fields.entries`, headers);
  return entries.map(([name, value]) => `${name}: ${textOf(value)}`);
}

test("a request goes out by outgoing-handler, and its response comes back whole with trailers", async (t) => {
  const port = await server(t, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      response.writeHead(207, {
        trailer: "x-sum",
        "x-seen": `${request.method} ${request.url} ${String(request.headers["x-a"])}`,
      });
      response.write(Buffer.concat(parts));
      response.addTrailers({ "x-sum": `got ${request.trailers["x-end"]}` });
      response.end();
    });
  });
  const guest = networkFixture(anywhere);
  const request = await requestFor(guest, port, { path: "/p?q", method: { tag: "post" }, headers: [["X-A", "b"]] });
  const body = await guest.ask(`${types}[method]outgoing-request.body`, request);
  assert.equal(await guest.failed(`${types}[method]outgoing-request.body`, request), undefined);
  const future = await guest.ask("http/outgoing-handler#handle", request, undefined);
  assert.equal(await guest.ask(`${types}[method]future-incoming-response.get`, future), undefined);
  const out = await guest.ask(`${types}[method]outgoing-body.write`, body);
  for (const text of ["one ", "two"])
    await guest.ask("io/streams#[method]output-stream.blocking-write-and-flush", out, bytes(text));
  await guest.ask("io/streams#[resource-drop]output-stream", out);
  await guest.ask(`${types}[static]outgoing-body.finish`, body, await fields(guest, ["x-end", "end"]));
  const response = await responseOf(guest, future);
  assert.deepEqual(await guest.ask(`${types}[method]future-incoming-response.get`, future), {
    tag: "err",
    val: undefined,
  });
  assert.equal(await guest.ask(`${types}[method]incoming-response.status`, response), 207);
  const headers = await namesOf(guest, await guest.ask(`${types}[method]incoming-response.headers`, response));
  assert.ok(headers.includes("x-seen: POST /p?q b"));
  assert.ok(!headers.some((each) => /^(connection|transfer-encoding|keep-alive):/.test(each)), "the connection's own");
  const incoming = await guest.ask(`${types}[method]incoming-response.consume`, response);
  assert.equal(await guest.failed(`${types}[method]incoming-response.consume`, response), undefined);
  const stream = await guest.ask(`${types}[method]incoming-body.stream`, incoming);
  assert.equal(await readAll(guest, stream), "one two");
  const trailers = await settled<unknown>(
    guest,
    await guest.ask(`${types}[static]incoming-body.finish`, incoming),
    "future-trailers",
  );
  assert.ok(trailers.tag === "ok" && trailers.val.tag === "ok");
  assert.deepEqual(await namesOf(guest, trailers.val.val), ["x-sum: got end"]);
});

test("fields refuse what frames a message, what is no field, and changes of what was sent or received", async () => {
  const guest = networkFixture({});
  const on = `${types}[method]fields`;
  const own = await guest.ask(`${types}[constructor]fields`);
  for (const name of ["Connection", "host", "Transfer-Encoding", "upgrade", "keep-alive", "proxy-authorization"]) {
    assert.deepEqual(await guest.failed(`${on}.append`, own, name, bytes("x")), { tag: "forbidden" }, name);
    assert.deepEqual(await guest.failed(`${types}[static]fields.from-list`, [[name, bytes("x")]]), {
      tag: "forbidden",
    });
  }
  for (const [name, value] of [
    ["a b", "x"],
    ["", "x"],
    ["a", "x\r\nb: y"],
    ["a", "x\0"],
    ["a\n", "x"],
  ] as const)
    assert.deepEqual(await guest.failed(`${on}.append`, own, name, bytes(value)), { tag: "invalid-syntax" });
  await guest.ask(`${on}.append`, own, "X-A", bytes("1"));
  await guest.ask(`${on}.append`, own, "x-a", bytes("2"));
  await guest.ask(`${on}.set`, own, "b", [bytes("3")]);
  assert.deepEqual((await guest.ask<Uint8Array[]>(`${on}.get`, own, "x-A")).map(textOf), ["1", "2"]);
  assert.deepEqual(await guest.ask(`${on}.get`, own, "a b"), []);
  await guest.ask(`${on}.delete`, own, "X-A");
  assert.equal(await guest.ask(`${on}.has`, own, "x-a"), false);
  assert.deepEqual(await namesOf(guest, own), ["b: 3"]);
  const request = await guest.ask(`${types}[constructor]outgoing-request`, own);
  const sent = await guest.ask(`${types}[method]outgoing-request.headers`, request);
  assert.deepEqual(await guest.failed(`${on}.append`, sent, "c", bytes("x")), { tag: "immutable" });
  assert.deepEqual(await guest.failed(`${on}.delete`, sent, "b"), { tag: "immutable" });
  const copy = await guest.ask(`${on}.clone`, sent);
  await guest.ask(`${on}.set`, copy, "b", []);
  assert.deepEqual(await namesOf(guest, copy), []);
  assert.deepEqual(await namesOf(guest, sent), ["b: 3"]);
});

test("outgoing-request takes parts that there can be, and handle refuses what cannot be sent", async () => {
  const guest = networkFixture({});
  const request = await guest.ask(`${types}[constructor]outgoing-request`, await fields(guest));
  const on = `${types}[method]outgoing-request`;
  const refused = async (setter: string, ...values: readonly unknown[]): Promise<void> => {
    for (const value of values)
      assert.equal(await guest.failed(`${on}.${setter}`, request, value), undefined, String(value));
  };
  await refused("set-method", { tag: "other", val: "A B" }, { tag: "other", val: "" }, { tag: "other", val: "A\r\n" });
  await refused("set-path-with-query", "a", "/a b", "/a\r\nX: y", "/a#b", "/\u00e9");
  await refused("set-authority", "user:word@host", "a b", "host:port", "host:70000", "a/b", "");
  await refused("set-scheme", { tag: "other", val: "a:b" });
  assert.deepEqual(await guest.failed("http/outgoing-handler#handle", request), { tag: "HTTP-request-URI-invalid" });
  await guest.ask(`${on}.set-authority`, request, "127.0.0.1");
  await guest.ask(`${on}.set-scheme`, request, { tag: "other", val: "ftp" });
  assert.deepEqual(await guest.failed("http/outgoing-handler#handle", request), { tag: "HTTP-protocol-error" });
  await guest.ask(`${on}.set-scheme`, request, { tag: "HTTP" });
  await guest.ask(`${on}.set-method`, request, { tag: "connect" });
  assert.deepEqual(await guest.failed("http/outgoing-handler#handle", request), { tag: "HTTP-request-method-invalid" });
  await guest.ask(`${on}.set-method`, request, { tag: "get" });
  const future = await guest.ask("http/outgoing-handler#handle", request);
  const got = await settled(guest, future, "future-incoming-response");
  assert.deepEqual(got, { tag: "ok", val: { tag: "err", val: { tag: "HTTP-request-denied" } } });
});

test("request-options hold times, which a silent server runs out of", async (t) => {
  const port = await server(t, () => {});
  const guest = networkFixture(anywhere);
  const options = await guest.ask(`${types}[constructor]request-options`);
  const on = `${types}[method]request-options`;
  for (const name of ["connect", "first-byte", "between-bytes"]) {
    assert.equal(await guest.ask(`${on}.${name}-timeout`, options), undefined);
    await guest.ask(`${on}.set-${name}-timeout`, options, 20_000_000n);
    assert.equal(await guest.ask(`${on}.${name}-timeout`, options), 20_000_000n);
  }
  const future = await guest.ask("http/outgoing-handler#handle", await requestFor(guest, port), options);
  const got = await settled(guest, future, "future-incoming-response");
  assert.deepEqual(got, { tag: "ok", val: { tag: "err", val: { tag: "HTTP-response-timeout" } } });
});

test("a failure in a body is told by its stream, and http-error-code says which", async (t) => {
  const port = await server(t, (_request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("12345");
    setImmediate(() => response.destroy());
  });
  const guest = networkFixture(anywhere);
  const response = await responseOf(
    guest,
    await guest.ask("http/outgoing-handler#handle", await requestFor(guest, port)),
  );
  const body = await guest.ask(`${types}[method]incoming-response.consume`, response);
  const stream = await guest.ask(`${types}[method]incoming-body.stream`, body);
  const read = "io/streams#[method]input-stream.blocking-read";
  assert.equal(textOf(await guest.ask<Uint8Array>(read, stream, 100n)), "12345");
  const failed = (await guest.failed(read, stream, 100n)) as { tag: string; val: unknown };
  assert.equal(failed.tag, "last-operation-failed");
  assert.deepEqual(await guest.ask(`${types}http-error-code`, failed.val), { tag: "HTTP-response-incomplete" });
});

test("a body that is dropped before it was finished breaks its request off", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<void>();
  const port = await server(t, (request) => {
    arrived.resolve();
    request.on("error", () => {});
    request.on("close", () => broken.resolve());
    request.resume();
  });
  const guest = networkFixture(anywhere);
  const request = await requestFor(guest, port, { method: { tag: "put" } });
  const body = await guest.ask(`${types}[method]outgoing-request.body`, request);
  const future = await guest.ask("http/outgoing-handler#handle", request);
  const out = await guest.ask(`${types}[method]outgoing-body.write`, body);
  await guest.ask("io/streams#[method]output-stream.blocking-write-and-flush", out, bytes("part"));
  await arrived.promise;
  await guest.ask(`${types}[resource-drop]outgoing-body`, body);
  await broken.promise;
  const got = await settled<unknown>(guest, future, "future-incoming-response");
  assert.ok(got.tag === "ok" && got.val.tag === "err");
  assert.equal(got.val.val.tag, "internal-error");
});

test("an instance that is closed ends its exchanges", async (t) => {
  const closed = Promise.withResolvers<void>();
  const port = await server(t, (request, response) => {
    response.on("close", () => closed.resolve());
    if (request.url === "/body") response.write("x");
  });
  const guest = networkFixture(anywhere);
  await guest.ask("http/outgoing-handler#handle", await requestFor(guest, port));
  const body = await guest.ask("http/outgoing-handler#handle", await requestFor(guest, port, { path: "/body" }));
  await responseOf(guest, body);
  guest.host.close();
  await closed.promise;
});

/** A server whose requests a function of a guest's answers. */
function guestServer(
  t: TestContext,
  guest: NetworkFixture,
  handle: (request: unknown, outparam: unknown) => Promise<void>,
): Promise<number> {
  return server(t, (message, response) => {
    const [request, outparam] = incomingArguments(guest.context, nodeExchange(message, response));
    void handle(request, outparam);
  });
}

/** Answers with what the request's body brings, as it comes. */
async function echo(guest: NetworkFixture, request: unknown, outparam: unknown): Promise<void> {
  const on = `${types}[method]incoming-request`;
  const method = await guest.ask<{ tag: string }>(`${on}.method`, request);
  const path = await guest.ask<string>(`${on}.path-with-query`, request);
  const response = await guest.ask(
    `${types}[constructor]outgoing-response`,
    await fields(guest, ["x-seen", `${method.tag} ${path}`]),
  );
  await guest.ask(`${types}[method]outgoing-response.set-status-code`, response, 202);
  const body = await guest.ask(`${types}[method]outgoing-response.body`, response);
  await guest.ask(`${types}[static]response-outparam.set`, outparam, { tag: "ok", val: response });
  const incoming = await guest.ask(`${on}.consume`, request);
  const from = await guest.ask(`${types}[method]incoming-body.stream`, incoming);
  const to = await guest.ask(`${types}[method]outgoing-body.write`, body);
  for (;;) {
    try {
      await guest.ask("io/streams#[method]output-stream.blocking-splice", to, from, 65_536n);
    } catch {
      break;
    }
  }
  await guest.ask("io/streams#[resource-drop]output-stream", to);
  await guest.ask(`${types}[static]outgoing-body.finish`, body, await fields(guest, ["x-end", "yes"]));
}

test("a request that comes in is answered while its body still comes, both ways", async (t) => {
  const guest = networkFixture({});
  const port = await guestServer(t, guest, (request, outparam) => echo(guest, request, outparam));
  const client = connect(port, "127.0.0.1");
  t.after(() => void client.destroy());
  let text = "";
  client.on("data", (data: Buffer) => void (text += data.toString()));
  const until = async (wanted: RegExp): Promise<void> => {
    while (!wanted.test(text)) await once(client, "data");
  };
  client.write("POST /e?x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  await until(/one/);
  assert.match(text, /^HTTP\/1\.1 202 .*x-seen: post \/e\?x\r\n/s);
  client.write("3\r\ntwo\r\n0\r\n\r\n");
  await until(/two\r\n0\r\nx-end: yes\r\n\r\n$/);
});

test("a guest that gives no response, or an error, is told to the client as a bad gateway", async (t) => {
  const guest = networkFixture({});
  const port = await guestServer(t, guest, async (request, outparam) => {
    const path = await guest.ask(`${types}[method]incoming-request.path-with-query`, request);
    if (path === "/drop") return void (await guest.ask(`${types}[resource-drop]response-outparam`, outparam));
    const failed = { tag: "err", val: { tag: "configuration-error" } };
    await guest.ask(`${types}[static]response-outparam.set`, outparam, failed);
  });
  for (const path of ["/drop", "/error"])
    assert.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 502, path);
});

test("a response of another length than its headers say is an error for the guest, and no whole response for the client", async (t) => {
  const guest = networkFixture({});
  const told = Promise.withResolvers<unknown>();
  const port = await guestServer(t, guest, async (_request, outparam) => {
    const headers = await fields(guest, ["content-length", "5"]);
    const response = await guest.ask(`${types}[constructor]outgoing-response`, headers);
    const body = await guest.ask(`${types}[method]outgoing-response.body`, response);
    await guest.ask(`${types}[static]response-outparam.set`, outparam, { tag: "ok", val: response });
    const to = await guest.ask(`${types}[method]outgoing-body.write`, body);
    await guest.ask("io/streams#[method]output-stream.blocking-write-and-flush", to, bytes("abc"));
    told.resolve(await guest.failed(`${types}[static]outgoing-body.finish`, body, undefined));
  });
  await assert.rejects(async () => (await fetch(`http://127.0.0.1:${port}/`)).text());
  assert.deepEqual(await told.promise, { tag: "HTTP-response-body-size", val: 3n });
});

test("send-informational stands behind its feature, and takes statuses of its range", async (t) => {
  const guest = networkFixture({}, {}, ["informational-outbound-responses"]);
  const port = await guestServer(t, guest, async (_request, outparam) => {
    const send = `${types}[method]response-outparam.send-informational`;
    assert.deepEqual(await guest.failed(send, outparam, 200, await fields(guest)), { tag: "HTTP-protocol-error" });
    await guest.ask(send, outparam, 103, await fields(guest, ["link", "</a>; rel=preload"]));
    const response = await guest.ask(`${types}[constructor]outgoing-response`, await fields(guest));
    await guest.ask(`${types}[static]response-outparam.set`, outparam, { tag: "ok", val: response });
  });
  const client = connect(port, "127.0.0.1");
  t.after(() => void client.destroy());
  client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const data of client) text += String(data);
  assert.match(text, /^HTTP\/1\.1 103 Early Hints\r\n.*HTTP\/1\.1 200 OK\r\n/s);
});
