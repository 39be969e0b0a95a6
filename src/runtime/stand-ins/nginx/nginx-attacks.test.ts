import assert from "node:assert/strict";
import { once } from "node:events";
import { createReadStream, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { ProjectPlace, projectSocket } from "../../../engine/index.ts";
import { filesIn, mountOf, networkIn, peerOf, testFolder } from "../stand-in-fixture.ts";
import { Files, type MakeSender } from "./files.ts";
import { readSite } from "./read-site.ts";
import { type Patience, serveSite } from "./serve.ts";

const html = "/usr/share/nginx/html";

interface Served {
  readonly folder: string;
  /** What the service was told, once each connection is over, and the connections that are open. */
  readonly upstream: string[];
  readonly waiting: Set<Socket>;
  readonly stop: () => Promise<void>;
  /** Sends bytes and answers all that comes back. */
  readonly say: (text: string, how?: { readonly isLeftOpen: boolean }) => Promise<string>;
}

/** A site in this process, with a service beside it that says exactly what a test wants. */
async function serve(
  t: TestContext,
  rules: string,
  {
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    patience,
  }: { answer?: string; patience?: Patience } = {},
): Promise<Served> {
  const folder = filesIn(t, { "index.html": "home", "site/page.html": "page" });
  const conf = filesIn(t, { "default.conf": `server { listen 80; root ${html}; ${rules} }` });
  const mounts = [mountOf(folder, html), mountOf(conf, "/etc/nginx/conf.d")];
  const network = networkIn(testFolder(t));
  const upstream: string[] = [];
  const waiting = new Set<Socket>();
  const close = await new ProjectPlace(peerOf(network)).listen(8080, (socket) => {
    let said = "";
    waiting.add(socket);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("data", (bytes: Buffer) => {
      if (said === "") socket.write(answer);
      said += bytes.toString("latin1");
    });
    socket.on("close", () => {
      waiting.delete(socket);
      upstream.push(said);
    });
  });
  const place = new ProjectPlace(network);
  const parts = { place, log: () => {}, ...(patience === undefined ? {} : { patience }) };
  const stop = await serveSite(readSite({ mounts, env: {}, args: [] }), parts);
  t.after(async () => {
    close();
    await stop();
  });
  const path = projectSocket(network.folder, { ip: "10.64.0.2", protocol: "tcp", port: 80 });
  const say: Served["say"] = async (text, { isLeftOpen } = { isLeftOpen: false }) => {
    const socket = connect({ path, allowHalfOpen: true });
    const all: Buffer[] = [];
    socket.on("error", () => {});
    socket.on("data", (bytes: Buffer) => all.push(bytes));
    if (isLeftOpen) socket.write(text, "latin1");
    else socket.end(text, "latin1");
    await Promise.race([once(socket, "end"), once(socket, "close")]);
    socket.destroy();
    return Buffer.concat(all).toString("latin1");
  };
  return { folder, upstream, waiting, stop, say };
}

const get = (path: string, headers = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`;

test("an nginx stand-in puts no line of a path's into a header, and goes on", async (t) => {
  const rules = `add_header X-Path $uri always; location /to/ { return 302 $uri; } location /p/ { proxy_pass http://peer:8080; proxy_set_header X-Uri $uri; }`;
  const { say, upstream } = await serve(t, rules);
  const odd = "%0d%0aInjected:%20yes%C4%80%F0%9F%98%80%01";
  for (const path of ["/", "/to/", "/p/"]) {
    const answer = await say(get(path + odd));
    assert.match(answer, /^HTTP\/1\.1 (?:404|302|200) /, path);
    assert.doesNotMatch(answer, /^Injected/m);
  }
  assert.equal(upstream.length, 1);
  assert.doesNotMatch(upstream.join(), /^Injected/m);
  assert.match(upstream.join(), /^X-Uri: \/p\/%0D%0AInjected: yes/m);
});

for (const answer of [
  "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nX: a\u0000b\r\n\r\n",
  `HTTP/1.1 200 OK\r\nX: ${"y".repeat(200_000)}\r\n\r\n`,
  "nothing of HTTP",
]) {
  test(`an nginx stand-in answers 502 where a service says ${JSON.stringify(answer.slice(0, 60))}`, async (t) => {
    const { say } = await serve(t, "location /p { proxy_pass http://peer:8080; }", { answer });
    assert.match(await say(get("/p")), /^HTTP\/1\.1 502 /);
    assert.match(await say(get("/")), /^HTTP\/1\.1 200 /);
  });
}

const hidden = "GET /hidden HTTP/1.1\r\nHost: peer\r\n\r\n";
const smuggled: Readonly<Record<string, string>> = {
  "a length that is named as the connection's": `Connection: content-length\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  "a length and chunks": `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "two lengths": `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  "chunks that are not the last coding": `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`,
  "a coding with a space in its name": `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
  "a coding in a folded line": `X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`,
  "a header's name with a line end alone": `X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
};
for (const [name, rest] of Object.entries(smuggled)) {
  test(`an nginx stand-in hands on one request, and no other within it, for ${name}`, async (t) => {
    const { say, upstream } = await serve(
      t,
      "location /p { proxy_pass http://peer:8080; } location /hidden { return 403; }",
    );
    await say(`GET /p HTTP/1.1\r\nHost: x\r\n${rest}`);
    await say(get("/"));
    for (const said of upstream) {
      const [head = "", body = ""] = said.split(/\r\n\r\n(.*)/s);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
      const isChunked = /^transfer-encoding: chunked$/im.test(head);
      assert.ok(isChunked !== /^content-length:/im.test(head) || body === "", said);
      if (!isChunked) assert.ok(body.length <= length, said);
      assert.doesNotMatch(head, /hidden/);
    }
  });
}

test("an nginx stand-in serves no root that a guest has made a link out of its mount", async (t) => {
  const { say, folder } = await serve(t, `location /s/ { alias ${html}/site/; }`);
  const outside = filesIn(t, { "page.html": "secret" });
  assert.match(await say(get("/s/page.html")), /page$/);
  renameSync(join(folder, "site"), join(folder, "old"));
  symlinkSync(outside, join(folder, "site"));
  assert.match(await say(get("/s/page.html")), /^HTTP\/1\.1 403 /);
  rmSync(join(folder, "site"));
  symlinkSync(join(folder, "old"), join(folder, "site"));
  assert.match(await say(get("/s/page.html")), /page$/);
});

test("an nginx stand-in ends requests that do not come to an end", async (t) => {
  const { say } = await serve(t, "", { patience: { headers: 40, lookEvery: 10 } });
  assert.match(await say("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", { isLeftOpen: true }), /^(?:HTTP\/1\.1 4|$)/);
  assert.equal(await say("", { isLeftOpen: true }), await say("", { isLeftOpen: true }));
});

test("an nginx stand-in answers a client that has said all it says, and ends one that speaks no HTTP", async (t) => {
  const { say } = await serve(t, "location /p { proxy_pass http://peer:8080; }");
  assert.match(await say(get("/p")), /ok$/);
  assert.match(await say("\u0000\u0001nothing\r\n\r\n", { isLeftOpen: true }), /^HTTP\/1\.1 400 /);
  assert.match(await say(get("/", `X: ${"y".repeat(100_000)}\r\n`), { isLeftOpen: true }), /^HTTP\/1\.1 4/);
});

test("an nginx stand-in that stops answers what is under way", async (t) => {
  const { say, stop, waiting } = await serve(t, "location /p { proxy_pass http://peer:8080; }", {
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no",
  });
  const asked = say(get("/p"), { isLeftOpen: true });
  let isStopped = false;
  for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
  const stopped = stop().then(() => {
    isStopped = true;
  });
  for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
  assert.equal(isStopped, false);
  for (const socket of waiting) socket.write("k");
  assert.match(await asked, /ok$/);
  await stopped;
});

interface Sent {
  readonly status: number | undefined;
  readonly body: string;
}

/** Sends one file while something is done to it between its lookup and its opening. */
async function sendWhile(t: TestContext, make: MakeSender, name = "page.html"): Promise<Sent | "cut off"> {
  const root = filesIn(t, { "page.html": "page" });
  const files = new Files((base, options) => make(join(base, ""), options), [root]);
  const server = createServer((request, response) => {
    const found = files.find(root, `/${name}`);
    if (found.kind === "file") files.send(found, { request, response });
    else response.writeHead(403).end();
  });
  const path = join(testFolder(t), "s");
  server.listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  const client = connect({ path });
  client.on("error", () => {});
  const all: Buffer[] = [];
  client.on("data", (bytes: Buffer) => all.push(bytes));
  client.write(get(`/${name}`));
  await once(client, "close");
  const text = Buffer.concat(all).toString("latin1");
  if (text === "") return "cut off";
  const [head = "", body = ""] = text.split(/\r\n\r\n(.*)/s);
  return { status: Number(head.split(" ")[1]), body };
}

test("Files.send() sends nothing of what a guest has put in a file's place meanwhile", async (t) => {
  const { default: sirv } = (await import("sirv")) as unknown as { default: MakeSender };
  const outside = join(filesIn(t, { secret: "secret" }), "secret");
  const swap: MakeSender = (folder, options) => {
    const send = sirv(folder, options);
    return (request, response, next) => {
      rmSync(join(folder, "page.html"));
      symlinkSync(outside, join(folder, "page.html"));
      send(request, response, next);
    };
  };
  assert.equal(await sendWhile(t, swap), "cut off");
  assert.deepEqual(await sendWhile(t, sirv), { status: 200, body: "page" });
});

test("Files.send() survives a file that cannot be opened, and closes one whose client goes", async (t) => {
  const broken: MakeSender = (folder) => (_request, response) => {
    createReadStream(join(folder, "none")).pipe(response);
  };
  assert.equal(await sendWhile(t, broken), "cut off");
  const sources: Readable[] = [];
  let gone: Socket | undefined;
  const endless: MakeSender = () => (_request, response) => {
    const source = createReadStream("/dev/zero");
    sources.push(source);
    source.pipe(response);
    gone = response.socket ?? undefined;
    setImmediate(() => gone?.destroy());
  };
  await sendWhile(t, endless);
  for (const source of sources) if (!source.destroyed) await once(source, "close");
  assert.equal(sources.length, 1);
});

test("Files.find() knows folders of its mounts alone", (t) => {
  const [inside, other] = [filesIn(t, { a: "a" }), filesIn(t, { a: "a" })];
  mkdirSync(join(inside, "deep"));
  writeFileSync(join(inside, "deep/b"), "b");
  const files = new Files(() => () => {}, [inside]);
  assert.equal(files.find(join(inside, "deep"), "/b").kind, "file");
  assert.equal(files.find(other, "/a").kind, "outside");
  assert.equal(files.find(`${inside}x`, "/a").kind, "nothing");
});
