import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { collect } from "../runtime-fixture.ts";
import { ApiClient } from "./api-client.ts";
import { type ApiRoutes, ApiServer } from "./api-server.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-api-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

async function serve(routes: ApiRoutes) {
  const path = join(root, `${count++}.sock`);
  const server = await ApiServer.listen(path, routes);
  return { path, server, client: new ApiClient(path) };
}

async function* lines(values: readonly unknown[], error?: Error) {
  for (const value of values) yield await Promise.resolve(value);
  if (error !== undefined) throw error;
}

test("ApiServer listens for this user alone, answers values and lines, and leaves no socket", async () => {
  const { path, server, client } = await serve({
    "GET /things/*": ({ words, query }) => ({ value: { words, since: query.get("since") } }),
    "POST /things/*/do": ({ words, body }) => ({ lines: lines([words, body]) }),
  });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await client.call({ path: "/things/a%2Fb?since=1" }), { words: ["a/b"], since: "1" });
  const all = await collect(client.stream({ method: "POST", path: "/things/x/do", body: { deep: [1] } }));
  assert.deepEqual(all, [["x"], { deep: [1] }]);
  server.close();
  await server.drained();
  assert.equal(existsSync(path), false);
  await assert.rejects(client.call({ path: "/things/x" }), { code: "API_UNREACHABLE" });
});

test("ApiServer answers what is no request of its API as such, and goes on", async () => {
  const { path, server, client } = await serve({ "GET /things/*": ({ words }) => ({ value: words }) });
  for (const wrong of ["/things/%ZZ", "/things", "/things/a/b", "/../v1/%"]) {
    await assert.rejects(client.call({ path: wrong }), { code: "API_UNKNOWN" }, wrong);
  }
  for (const text of ["nonsense\r\n\r\n", "GET http://[ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"]) {
    const socket = connect(path);
    socket.end(text);
    const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
    assert.match(answer, /^HTTP\/1\.1 400 /);
    socket.destroy();
  }
  assert.deepEqual(await client.call({ path: "/things/a" }), ["a"]);
  server.close();
  await server.drained();
});

test("ApiServer takes no more from a stream than a client that does not read has room for", async () => {
  let count = 0;
  const line = "x".repeat(64 * 1024);
  const { path, server } = await serve({
    "GET /flood": () => ({
      lines: (async function* flood() {
        for (;;) {
          count += 1;
          yield await Promise.resolve(line);
        }
      })(),
    }),
  });
  const socket = connect(path).pause();
  socket.write("GET /v1/flood HTTP/1.1\r\nhost: x\r\n\r\n");
  // As long as the kernel's buffers take in lines; then nothing moves.
  let seen = -1;
  for (let quiet = 0; quiet < 200; quiet = count === seen && count > 0 ? quiet + 1 : 0) {
    seen = count;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(count < 200, `${count} lines`);
  socket.destroy();
  server.close();
  await server.drained();
});

test("ApiServer hands errors on with code, hint and data, before and within a stream", async () => {
  const error = new SampanError("PROJECT_HELD", "Cannot take it", { hint: "wait", data: { holder: { pid: 7 } } });
  const { server, client } = await serve({
    "GET /one": () => {
      throw error;
    },
    "GET /bug": () => {
      throw new TypeError("oh");
    },
    "GET /many": () => ({ lines: lines([1, 2], error) }),
  });
  await assert.rejects(client.call({ path: "/one" }), { code: "PROJECT_HELD", hint: "wait", data: error.data });
  await assert.rejects(client.call({ path: "/bug" }), { code: "API_BUG", message: /TypeError: oh/ });
  await assert.rejects(client.call({ path: "/none" }), { code: "API_UNKNOWN" });
  const seen: number[] = [];
  await assert.rejects(
    async () => {
      for await (const each of client.stream<number>({ path: "/many" })) seen.push(each);
    },
    { code: "PROJECT_HELD" },
  );
  assert.deepEqual(seen, [1, 2]);
  server.close();
});

test("ApiServer tells a route that its client has gone, and refuses another version and a body that is no JSON", async () => {
  const gone = Promise.withResolvers<void>();
  const { server, client, path } = await serve({
    "GET /endless": ({ signal }) => {
      signal.addEventListener("abort", () => gone.resolve());
      return { lines: endless(signal) };
    },
    "POST /any": ({ body }) => ({ value: body }),
  });
  const abort = new AbortController();
  for await (const each of client.stream({ path: "/endless", signal: abort.signal })) {
    assert.equal(each, "tick");
    abort.abort();
  }
  await gone.promise;
  const { request } = await import("node:http");
  const statusOf = (options: object, text = ""): Promise<number | undefined> =>
    new Promise((resolve) => {
      request({ socketPath: path, method: "POST", agent: false, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end(text);
    });
  assert.equal(await statusOf({ path: "/v0/any" }), 400);
  assert.equal(await statusOf({ path: "/v1/any" }, "{"), 400);
  assert.equal(await statusOf({ path: "/v1/any" }, "{}"), 200);
  server.close();
});

async function* endless(signal: AbortSignal) {
  while (!signal.aborted) {
    yield "tick";
    await new Promise((resolve) => setImmediate(resolve));
  }
}
