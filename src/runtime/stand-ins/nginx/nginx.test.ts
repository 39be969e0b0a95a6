import assert from "node:assert/strict";
import { createServer, type IncomingMessage, request as makeRequest } from "node:http";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ProjectPlace } from "../../../engine/index.ts";
import {
  filesIn,
  freePort,
  mountOf,
  networkIn,
  peerOf,
  refusalOf,
  type StartedStandIn,
  startStandIn,
  testFolder,
  untilReady,
} from "../stand-in-fixture.ts";

const html = "/usr/share/nginx/html";
const page = {
  "index.html": "<h1>home</h1>",
  "app.js": "let x = 1;".repeat(100),
  "404.html": "<h1>gone</h1>",
  "docs/index.html": "docs",
  "empty/only.txt": "text",
  "a b&ü.txt": "odd name",
  ".well-known/x": "known",
};

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly port?: number;
}

function ask(
  nginx: StartedStandIn,
  path: string,
  { method = "GET", headers = {}, body, port = 80 }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = makeRequest({ socketPath: nginx.socket(port), path, method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () =>
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(parts).toString("utf8"),
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

async function start(t: TestContext, conf?: string, network = networkIn(testFolder(t))): Promise<StartedStandIn> {
  const mounts = [mountOf(filesIn(t, page), html)];
  if (conf !== undefined) mounts.push(mountOf(filesIn(t, { "default.conf": conf }), "/etc/nginx/conf.d"));
  const nginx = await startStandIn(t, "nginx", { mounts, network });
  await untilReady(nginx);
  return nginx;
}

const site = (rest: string): string => `server { listen 80; root ${html}; index index.html; ${rest} }`;

test("a stand-in for nginx serves the image's folder, names itself, and ends cleanly", async (t) => {
  const nginx = await start(t);
  assert.match(nginx.stdout.text, /^sampan: stand-in for nginx:test: /);
  assert.equal(await nginx.process.probe?.(), true);
  const home = await ask(nginx, "/");
  assert.deepEqual([home.status, home.body], [200, page["index.html"]]);
  assert.match(home.headers["content-type"] ?? "", /^text\/html/);
  assert.equal((await ask(nginx, "/a%20b%26%C3%BC.txt")).body, "odd name");
  assert.equal((await ask(nginx, "/.well-known/x")).body, "known");
  assert.equal((await ask(nginx, "/docs/")).body, "docs");
  const folder = await ask(nginx, "/docs?x=1");
  assert.deepEqual([folder.status, folder.headers.location], [301, "/docs/?x=1"]);
  assert.equal((await ask(nginx, "/empty/")).status, 403);
  assert.equal((await ask(nginx, "/none")).status, 404);
  assert.equal((await ask(nginx, "/index.html/")).status, 404);
  assert.equal((await ask(nginx, "/", { method: "POST" })).status, 405);
  const head = await ask(nginx, "/app.js", { method: "HEAD" });
  assert.deepEqual([head.body, head.headers["content-length"]], ["", "1000"]);
  assert.equal(nginx.process.deliver?.("SIGQUIT"), true);
  assert.deepEqual(await nginx.process.exited, { kind: "exit", code: 0 });
});

test("a stand-in for nginx answers conditions and ranges", async (t) => {
  const nginx = await start(t);
  const { headers } = await ask(nginx, "/app.js");
  const etag = headers.etag ?? "";
  const modified = headers["last-modified"] ?? "";
  const given = (name: string, value: string) => ask(nginx, "/app.js", { headers: { [name]: value } });
  assert.equal((await given("If-None-Match", etag)).status, 304);
  assert.equal((await given("If-None-Match", '"other"')).status, 200);
  assert.equal((await given("If-Modified-Since", modified)).status, 304);
  assert.equal((await given("If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT")).status, 200);
  for (const [range, status, body] of [
    ["bytes=0-2", 206, "let"],
    ["bytes=-4", 206, "= 1;"],
    ["bytes=996-", 206, "= 1;"],
    ["bytes=996-5000", 206, "= 1;"],
    ["bytes=1000-", 416, ""],
    ["bytes=5-2", 200, page["app.js"]],
    ["bytes=0-1,4-5", 200, page["app.js"]],
    ["lines=1-2", 200, page["app.js"]],
  ] as const) {
    const part = await given("Range", range);
    assert.deepEqual([part.status, part.body], [status, body], range);
  }
});

test("a stand-in for nginx leaves its folder by no path and no link", async (t) => {
  const outside = filesIn(t, { "secret.txt": "secret", "folder/secret.txt": "secret" });
  const folder = filesIn(t, page);
  mkdirSync(`${folder}-other`);
  writeFileSync(`${folder}-other/secret.txt`, "secret");
  t.after(() => import("node:fs").then(({ rmSync }) => rmSync(`${folder}-other`, { recursive: true })));
  symlinkSync(join(outside, "secret.txt"), join(folder, "link.txt"));
  symlinkSync(join(outside, "folder"), join(folder, "linked"));
  symlinkSync("index.html", join(folder, "inner.html"));
  const nginx = await startStandIn(t, "nginx", { mounts: [mountOf(folder, html)] });
  await untilReady(nginx);
  const name = folder.split("/").at(-1) ?? "";
  for (const path of [
    "/../secret.txt",
    `/../${name}-other/secret.txt`,
    "/docs/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt",
    "/docs/..%2f..%2fsecret.txt",
    "/link.txt",
    "/linked/secret.txt",
    "/linked/",
    "/%00index.html",
    "/%ff",
    "//etc/passwd",
    "/.//..//etc/passwd",
    "http://elsewhere/etc/passwd",
    `${join(outside, "secret.txt")}`,
  ]) {
    const { status, body } = await ask(nginx, path);
    assert.ok([400, 403, 404].includes(status ?? 0), `${path}: ${status}`);
    assert.doesNotMatch(body, /secret|root:/, path);
  }
  assert.equal((await ask(nginx, "/inner.html")).status, 200);
  assert.equal((await ask(nginx, "//docs/./index.html")).body, "docs");
});

test("a stand-in for nginx understands what static sites and proxies say", async (t) => {
  const network = networkIn(testFolder(t));
  const seen: { url?: string | undefined; headers: IncomingMessage["headers"]; body: string }[] = [];
  const service = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString("latin1")));
    request.on("end", () => {
      seen.push({ url: request.url, headers: request.headers, body });
      if (request.url === "/api/drop") return void request.socket.destroy();
      response.writeHead(request.url?.startsWith("/api/new") === true ? 201 : 200, {
        "X-From": "service",
        "Content-Type": "text/plain",
      });
      response.write("part one, ");
      response.end("part two");
    });
  });
  const remotes: string[] = [];
  const close = await new ProjectPlace(peerOf(network)).listen(8080, (socket, remote) => {
    remotes.push(remote);
    service.emit("connection", socket);
  });
  t.after(() => {
    close();
    service.closeAllConnections();
  });
  const nginx = await start(
    t,
    site(`
      listen [::]:80 default_server; # both
      server_name _;
      error_page 404 /404.html;
      error_page 502 503 "/docs/index.html";
      add_header X-Site "one; \\"two\\"" always;
      location / { try_files $uri $uri/ =404; }
      location /spa/ { try_files $uri /index.html; }
      location = /exact { return 200 'exactly'; }
      location /old { return 301 /new; }
      location /api/ {
        proxy_pass http://peer:8080;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      }
      location /cut/ { proxy_pass http://peer:8080/inner/; client_max_body_size 10; }
      location /down/ { proxy_pass http://peer:9999; }
      location /files/ { alias ${html}/docs/; }`),
    network,
  );
  assert.equal((await ask(nginx, "/app.js")).status, 200);
  const gone = await ask(nginx, "/none");
  assert.deepEqual([gone.status, gone.body, gone.headers["x-site"]], [404, page["404.html"], 'one; "two"']);
  assert.equal((await ask(nginx, "/spa/orders/7")).body, page["index.html"]);
  assert.equal((await ask(nginx, "/exact")).body, "exactly");
  assert.equal((await ask(nginx, "/exact/")).status, 404);
  assert.equal((await ask(nginx, "/old")).headers.location, "/new");
  assert.equal((await ask(nginx, "/files/index.html")).body, "docs");
  const made = await ask(nginx, "/api/new?x=%2F&y", {
    method: "POST",
    headers: {
      Host: "shop.test:8080",
      "Transfer-Encoding": "chunked",
      "X-Forwarded-For": "192.0.2.1",
      Connection: "close, X-Hop",
      "X-Hop": "1",
    },
    body: "tea",
  });
  assert.deepEqual([made.status, made.body, made.headers["x-from"]], [201, "part one, part two", "service"]);
  assert.equal(made.headers["x-site"], 'one; "two"');
  const [first] = seen;
  assert.deepEqual([first?.url, first?.body], ["/api/new?x=%2F&y", "tea"]);
  assert.deepEqual(
    ["host", "x-real-ip", "x-forwarded-for", "x-hop"].map((name) => first?.headers[name]),
    ["shop.test", "127.0.0.1", "192.0.2.1, 127.0.0.1", undefined],
  );
  assert.deepEqual(remotes, ["10.64.0.2"]);
  assert.equal((await ask(nginx, "/cut/a%20b?q")).status, 200);
  assert.deepEqual([seen[1]?.url, seen[1]?.headers.host], ["/inner/a%20b?q", "peer:8080"]);
  assert.equal((await ask(nginx, "/cut/", { method: "POST", body: "more than ten" })).status, 413);
  const down = await ask(nginx, "/down/");
  assert.deepEqual([down.status, down.body], [502, "docs"]);
  assert.equal((await ask(nginx, "/api/drop")).status, 502);
});

test("a stand-in for nginx writes a line for each request, in nginx's own format", async (t) => {
  const nginx = await start(t);
  await ask(nginx, "/docs/?q", { headers: { "User-Agent": 'a "test"\u00e9', Referer: "http://x/" } });
  await nginx.stdout.until(/docs/);
  const line = nginx.stdout.text.trim().split("\n").at(-1) ?? "";
  assert.match(
    line,
    /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/docs\/\?q HTTP\/1\.1" 200 4 "http:\/\/x\/" "a \\x22test\\x22\\x[^ ]+"$/,
  );
});

test("a stand-in for nginx serves on several ports and names, and publishes them", async (t) => {
  const hostPort = await freePort();
  const published = [{ guestPort: 8080, hostIp: "127.0.0.1", hostPort, protocol: "tcp" }] as const;
  const network = networkIn(testFolder(t), published);
  const conf = `
    server { listen 80; server_name a.test *.b.test; return 200 "$server_name $host"; }
    server { listen 80 default_server; listen 8080; return 200 "other $server_port"; }`;
  const nginx = await start(t, conf, network);
  const said = async (Host: string, port = 80) => (await ask(nginx, "/", { headers: { Host }, port })).body;
  assert.equal(await said("A.test:80"), "a.test a.test");
  assert.equal(await said("x.b.test"), "a.test x.b.test");
  assert.equal(await said("c.test"), "other 80");
  assert.equal(await said("a.test", 8080), "other 8080");
  const outside = await fetch(`http://127.0.0.1:${hostPort}/`);
  assert.equal(await outside.text(), "other 8080");
  const second = networkIn(testFolder(t), published);
  const mounts = [mountOf(filesIn(t, { "default.conf": conf }), "/etc/nginx/conf.d")];
  assert.match(await refusalOf(t, "nginx", { mounts, network: second }), /NETWORK_PORT: Cannot listen on port 8080/);
  const third = await refusalOf(t, "nginx", { mounts, network });
  assert.match(third, /NETWORK_PORT: Cannot listen on port 80/);
  assert.equal(await said("c.test"), "other 80");
});

test("a stand-in that is ended before it is ready ends as that signal says, and is nothing that is ready", async (t) => {
  for (const [family, env] of [
    ["nginx", {}],
    ["postgres", { POSTGRES_PASSWORD: "x" }],
  ] as const) {
    const killed = await startStandIn(t, family, { env });
    killed.process.end("SIGKILL");
    assert.deepEqual(await killed.process.exited, { kind: "signal", signal: 9 });
    const stopped = await startStandIn(t, family, { env });
    assert.equal(stopped.process.deliver?.("SIGTERM"), true);
    const ending = await stopped.process.exited;
    assert.ok(ending.kind === "signal" && ending.signal === 15, JSON.stringify(ending));
    assert.equal(await stopped.process.probe?.(), false);
  }
});

test("a stand-in for nginx refuses a configuration that it does not understand, by name and line", async (t) => {
  const cases: [string, RegExp][] = [
    ["server {\n listen 80;\n proxi_pass http://x;\n}", /"proxi_pass" is not known .*default\.conf:3/],
    ["server { rewrite ^ /x; }", /"rewrite" is not known/],
    ["server { location ~ \\.php$ { } }", /a location with "~"/],
    ["server { listen 443 ssl; }", /"listen" has "ssl"/],
    ["server { listen unix:/x; }", /"listen unix:\/x"/],
    ["server {\n\n location / {\n", /a block has no "}" .*default\.conf:3/],
    ["server { root /x }", /has no ";"/],
    ["server { root '/x; }", /quote has no end/],
    ["}", /"}" where a directive begins/],
    ["server { location / { return 200 $nothing; } }", /"\$nothing" is not known/],
    ["server { location / { proxy_pass https://peer; } }", /"proxy_pass https:\/\/peer"/],
    ["server { location / { proxy_pass http://far:80; } }", /no service "far" is on its networks/],
    ["server { location / { proxy_pass http://localhost:80; } }", /no service "localhost"/],
    ["upstream x { server y; }", /"upstream" is not known/],
    ["include other.conf;", /"include other.conf"/],
    ["server { error_page 404 @x; }", /"error_page" has "@x"/],
    ["location / { }", /"location" is not understood here/],
  ];
  for (const [conf, what] of cases) {
    const mounts = [mountOf(filesIn(t, { "default.conf": conf }), "/etc/nginx/conf.d")];
    assert.match(await refusalOf(t, "nginx", { mounts }), what, conf);
  }
  assert.match(await refusalOf(t, "nginx", { args: ["nginx", "-t"] }), /"nginx -t" is not understood/);
});
