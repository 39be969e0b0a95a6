import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshFolder } from "../host-fixture.ts";
import { selfSigned } from "./certificate-fixture.ts";
import { failureOf, get, testClient, testServer, textOf } from "./http-fixture.ts";
import { Proxies } from "./proxies.ts";

const flags = { connect: ["127.0.0.0/8:1-65535", "named.test:1-65535"] };
const names = { "named.test": ["127.0.0.1"], "proxy.test": ["127.0.0.1"] };

test("HttpClient.send() believes a certificate for the name, by an authority that it was given, and no other", async (t) => {
  const certificate = selfSigned("named.test");
  const { port, connections } = await testServer(t, (_request, response) => void response.end("secret"), certificate);
  const to = (authority: string, settings: object) => {
    const { client } = testClient(t, { flags, names, settings });
    return client.send(get(port, "/", { scheme: "https", authority: `${authority}:${port}` })).response;
  };
  const file = join(freshFolder(), "authorities.pem");
  writeFileSync(file, certificate.cert);
  assert.equal(await textOf((await to("named.test", { authorities: [certificate.cert] })).body), "secret");
  assert.equal(await textOf((await to("named.test", { environment: { SSL_CERT_FILE: file } })).body), "secret");
  assert.equal(await failureOf(to("named.test", {})), "TLS-certificate-error");
  assert.equal(await failureOf(to("127.0.0.1", { authorities: [certificate.cert] })), "TLS-certificate-error");
  const { client } = testClient(t, { flags, names, settings: { authorities: [certificate.cert] } });
  const before = connections.length;
  for (let i = 0; i < 3; i++) {
    const request = get(port, "/", { scheme: "https", authority: `named.test:${port}` });
    await textOf((await client.send(request).response).body);
  }
  assert.equal(connections.length, before + 1);
});

test("HttpClient.send() tells a server that speaks no TLS, and one that hangs up", async (t) => {
  const { client } = testClient(t);
  const { port } = await testServer(t, () => {});
  const plain = client.send(get(port, "/", { scheme: "https" })).response;
  assert.equal(await failureOf(plain), "TLS-protocol-error");
  const { port: closing } = await testServer(t, ({ socket }) => void socket.destroy());
  assert.equal(await failureOf(client.send(get(closing)).response), "connection-terminated");
});

/** A proxy on loopback, and what was asked of it; tunnels go to one port, and to `far.test` alone. */
async function testProxy(t: TestContext, target = 0): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const { port, server } = await testServer(t, ({ method, url, headers }, response) => {
    asked.push(`${method} ${url} ${headers["proxy-authorization"]}`);
    response.end("by proxy");
  });
  server.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.on("error", () => {});
    if (request.url !== "far.test:443") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    const onward = connect({ port: target, host: "127.0.0.1" }, () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      socket.pipe(onward).pipe(socket);
    });
    onward.on("error", () => {});
    t.after(() => void onward.destroy());
  });
  return { port, asked };
}

test("HTTP goes through the operator's proxy, with the name as the guest has it", async (t) => {
  const { port, asked } = await testProxy(t);
  const environment = { http_proxy: `http://user:word@proxy.test:${port}`, no_proxy: "direct.test" };
  const { client, observer } = testClient(t, { flags: { connect: ["far.test"] }, names, settings: { environment } });
  const to = (authority: string) => client.send(get(0, "/p", { authority })).response;
  assert.equal(await textOf((await to("far.test")).body), "by proxy");
  assert.deepEqual(asked, [`GET http://far.test/p Basic ${Buffer.from("user:word").toString("base64")}`]);
  assert.equal(await failureOf(to("other.test")), "HTTP-request-denied");
  assert.equal(await failureOf(to("10.0.0.1")), "HTTP-request-denied");
  assert.deepEqual(
    observer.refusals.map((each) => ("host" in each ? each.host : "")),
    ["other.test", "10.0.0.1"],
  );
});

test("a workload's grants do not open the proxy itself to it", async (t) => {
  const { port } = await testProxy(t);
  const environment = { http_proxy: `http://proxy.test:${port}`, no_proxy: "proxy.test" };
  const { client } = testClient(t, { flags: { connect: ["far.test"] }, names, settings: { environment } });
  const request = get(port, "/", { authority: `proxy.test:${port}` });
  assert.equal(await failureOf(client.send(request).response), "HTTP-request-denied");
});

test("HTTPS goes through a tunnel of the proxy's", async (t) => {
  const certificate = selfSigned("far.test");
  const { port: target } = await testServer(t, (_request, response) => void response.end("secret"), certificate);
  const { port: proxy, asked } = await testProxy(t, target);
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${proxy}` };
  const settings = { environment, authorities: [certificate.cert] };
  const { client } = testClient(t, { flags: { connect: ["far.test", "refused.test"] }, settings });
  const to = (authority: string) => client.send(get(0, "/", { scheme: "https", authority })).response;
  assert.equal(await textOf((await to("far.test")).body), "secret");
  assert.equal(await failureOf(to("refused.test")), "destination-unavailable");
  assert.equal(await failureOf(to("other.test")), "HTTP-request-denied");
  assert.deepEqual(asked, ["far.test:443", "refused.test:443"]);
});

test("Proxies.for() follows the environment as other programs do", () => {
  const proxies = new Proxies({
    http_proxy: "proxy.test:3128",
    HTTP_PROXY: "http://other.test",
    HTTPS_PROXY: "https://secure.test",
    NO_PROXY: "direct.test, .below.test,10.0.0.1,port.test:81,::2",
  });
  const host = (scheme: "http" | "https", name: string, port = 80) => proxies.for(scheme, { host: name, port })?.host;
  assert.deepEqual(proxies.for("http", { host: "a.test", port: 80 }), {
    host: "proxy.test",
    port: 3128,
    isSecure: false,
    credentials: undefined,
  });
  assert.equal(proxies.for("https", { host: "a.test", port: 443 })?.port, 443);
  assert.equal(host("https", "a.test"), "secure.test");
  for (const name of [
    "direct.test",
    "x.direct.test",
    "a.below.test",
    "10.0.0.1",
    "localhost",
    "127.0.0.1",
    "::1",
    "::2",
  ])
    assert.equal(host("http", name), undefined, name);
  assert.equal(host("http", "port.test", 81), undefined);
  assert.equal(host("http", "port.test", 80), "proxy.test");
  assert.equal(host("http", "notdirect.test"), "proxy.test");
  assert.equal(
    new Proxies({ http_proxy: "http://a.test", no_proxy: "*" }).for("http", { host: "b", port: 80 }),
    undefined,
  );
  assert.equal(new Proxies({ all_proxy: "http://a.test" }).for("https", { host: "b", port: 80 })?.host, "a.test");
  assert.equal(new Proxies({ http_proxy: "socks5://a.test" }).for("http", { host: "b", port: 80 }), undefined);
});
