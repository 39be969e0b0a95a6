import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { compileOwnGuest } from "../../../guests/toolchain.ts";
import { noGrants } from "../../capabilities/index.ts";
import { CgiResponse } from "./cgi-response.ts";
import { cgiPathOf } from "./cgi-variables.ts";
import { fieldOf, fronts } from "./front-fixture.ts";
import { workloadSettings } from "./served-fixture.ts";
import { TestWorker } from "./worker-fixture.ts";

let file = "";
before(async () => {
  file = await compileOwnGuest("cgi");
});

const get = (path: string, rest = ""): string => `GET ${path} HTTP/1.1\r\nHost: shop.test:8080\r\n${rest}\r\n`;

for (const [name, make] of fronts) {
  describe(`CGI behind ${name}`, () => {
    test("gives a program its request as variables, and answers with its fields and body", async (t) => {
      const worker = new TestWorker(t, make);
      const cgi = workloadSettings({ id: "cgi@1", name: "cgi", kind: "cgi", file, grants: { env: { OWN: "1" } } });
      await worker.configure({ workloads: [cgi], routes: [{ path: "/app", workload: "cgi@1" }] });
      const client = await worker.connect();
      const asked = "Cookie: a=1\r\nCookie: b=2\r\nX-One: 1\r\nX_One: 2\r\nProxy: evil\r\nContent-Type: text/x\r\n";
      const reply = await client.ask(get("/app/./x/../env?q=%20&r", asked));
      assert.deepEqual(
        [reply.status, fieldOf(reply, "content-type"), fieldOf(reply, "x-own")],
        [200, "text/plain", "1"],
      );
      const variables = new Map(
        reply.body
          .trim()
          .split("\n")
          .map((line) => line.split(/=(.*)/s) as [string, string]),
      );
      const id = fieldOf(reply, "x-request-id");
      for (const [variable, value] of [
        ["OWN", "1"],
        ["GATEWAY_INTERFACE", "CGI/1.1"],
        ["REQUEST_METHOD", "GET"],
        ["REQUEST_URI", "/app/./x/../env?q=%20&r"],
        ["SCRIPT_NAME", "/app"],
        ["PATH_INFO", "/env"],
        ["QUERY_STRING", "q=%20&r"],
        ["SERVER_NAME", "shop.test"],
        ["SERVER_PORT", "8080"],
        ["REMOTE_ADDR", "127.0.0.1"],
        ["HTTP_COOKIE", "a=1; b=2"],
        ["HTTP_X_ONE", "1"],
        ["HTTP_X_REQUEST_ID", id],
        ["CONTENT_TYPE", "text/x"],
        ["HTTP_PROXY", undefined],
        ["CONTENT_LENGTH", undefined],
        ["SCRIPT_FILENAME", undefined],
      ] as const)
        assert.equal(variables.get(variable), value, variable);
    });

    test("takes grants that were parsed before", async (t) => {
      const worker = new TestWorker(t, make);
      const grants = { ...noGrants, env: { OWN: "parsed" }, stdio: ["stdout"] } as const;
      const cgi = workloadSettings({ id: "cgi@1", name: "cgi", kind: "cgi", file, grants: { ...grants } });
      await worker.configure({ workloads: [cgi] });
      const { body } = await (await worker.connect()).ask(get("/env"));
      assert.match(body, /^OWN=parsed$/m);
    });

    test("runs no program for a script that another file would have to be a folder of", async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "sampan-cgi-"));
      t.after(() => rmSync(folder, { recursive: true }));
      mkdirSync(join(folder, "uploads"));
      for (const each of ["real.php", "index.php", "uploads/picture.jpg"]) writeFileSync(join(folder, each), "");
      const worker = new TestWorker(t, make);
      const grants = { files: [`${folder}:/www:ro`] };
      const settings = { id: "cgi@1", name: "cgi", kind: "cgi", file, grants, cgi: { documentRoot: "/www" } } as const;
      await worker.configure({ workloads: [workloadSettings(settings)] });
      const client = await worker.connect();
      for (const [path, status] of [
        ["/real.php/env", 200],
        ["/env", 200],
        ["/uploads/picture.jpg/x.php/env", 404],
        ["/uploads/picture.jpg/", 404],
        // Whether it is there, a program that reads it finds out by itself.
        ["/uploads/x.php/env", 200],
      ] as const)
        assert.equal((await client.ask(get(path))).status, status, path);
    });

    test("tells the operator and the audit log what a program was refused", async (t) => {
      const folder = mkdtempSync(join(tmpdir(), "sampan-cgi-"));
      t.after(() => rmSync(folder, { recursive: true }));
      const worker = new TestWorker(t, make);
      const grants = { files: [`${folder}:/www:ro`] };
      await worker.configure({
        workloads: [workloadSettings({ id: "cgi@1", name: "cgi", kind: "cgi", file, grants })],
        audit: true,
      });
      assert.equal((await (await worker.connect()).ask(get("/write"))).status, 403);
      assert.match(
        await worker.line("operator", "was refused what"),
        /^cgi was refused .*"\/www" is read-only \(hint: allow it with -v /,
      );
      const entry = JSON.parse(await worker.line("audit", "/www/new")) as Record<string, unknown>;
      assert.deepEqual([entry["workload"], entry["capability"], entry["path"]], ["cgi", "files", "/www/new"]);
    });

    test("streams a body to the program and what it writes back, and tells what went wrong", async (t) => {
      const worker = new TestWorker(t, make);
      await worker.configure({ workloads: [workloadSettings({ id: "cgi@1", name: "cgi", kind: "cgi", file })] });
      const client = await worker.connect();
      const size = 1 << 20;
      client.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`, "a".repeat(size / 2));
      client.send("b".repeat(size / 2));
      const echoed = await client.reply();
      assert.ok(echoed.body === "a".repeat(size / 2) + "b".repeat(size / 2), `${echoed.body.length} bytes`);
      const missing = await client.ask(get("/missing"));
      assert.deepEqual([missing.status, missing.body], [404, "Nothing here\n"]);
      assert.equal(await worker.line("guest", "missing"), "cgi | it is missing");
      const moved = await client.ask(get("/moved"));
      assert.deepEqual([moved.status, fieldOf(moved, "location")], [302, "http://elsewhere.test/"]);
      const chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
      assert.equal((await client.ask(chunked)).status, 411);
      assert.equal((await client.ask(get("/%2e%2e/%2e%2e/etc"))).status, 404);
      assert.equal((await client.ask(get("/a%2fb"))).status, 404);
      for (const [path, status, why] of [
        ["/none", 502, /no response of CGI: it ended before/],
        ["/nonsense", 502, /"no field" is no field/],
        ["/trap", 500, /unreachable/],
      ] as const) {
        assert.equal((await client.ask(get(path))).status, status, path);
        assert.match(await worker.line("operator", `GET ${path} `), why);
      }
      // No body follows the length that tells of one, and the connection stays.
      const head = await client.ask(get("/long").replace("GET", "HEAD"));
      assert.deepEqual([head.status, fieldOf(head, "content-length")], [200, "10"]);
      assert.equal((await client.ask(get("/env").replace("GET", "HEAD"))).status, 200);
      client.send(get("/half"));
      await assert.rejects(client.reply(), /ended/);
      const other = await worker.connect();
      other.send(get("/long"));
      await assert.rejects(other.reply(), /ended/);
    });
  });
}

test("cgiPathOf() finds the script and what is behind it, and never leaves the root", () => {
  const php = { documentRoot: "/www/" };
  for (const [path, prefix, expected] of [
    ["/", "", ["/index.php", "", "/www/index.php"]],
    ["/a/", "", ["/a/index.php", "", "/www/a/index.php"]],
    ["/a.php?x=/b.php", "", ["/a.php", "", "/www/a.php"]],
    ["/app/b/a.php/more/x", "/app", ["/app/b/a.php", "/more/x", "/www/b/a.php"]],
    ["/about%20us", "", ["/index.php", "/about us", "/www/index.php"]],
    ["/.php", "", ["/index.php", "/.php", "/www/index.php"]],
    ["/a/../b.php", "", ["/b.php", "", "/www/b.php"]],
    ["/../b.php", "", undefined],
    ["/a/%2e%2e/%2e%2e/b.php", "", undefined],
    ["/a%2fb.php", "", undefined],
    ["/a%00.php", "", undefined],
    ["/%ff", "", undefined],
    ["*", "", undefined],
  ] as const) {
    const found = cgiPathOf(path, prefix, php);
    assert.deepEqual(found && [found.scriptName, found.pathInfo, found.file], expected, path);
  }
  assert.deepEqual(cgiPathOf("/app/x", "/app", { documentRoot: "/www", script: "/www/main.php" }), {
    scriptName: "/app",
    pathInfo: "/x",
    file: "/www/main.php",
  });
});

test("CgiResponse reads fields however they are cut, with either end of line", () => {
  for (const newline of ["\n", "\r\n"]) {
    const text = ["Status: 201 Made", "X-A:  b ", "Connection: x-c", "X-C: 1", "", "body"].join(newline);
    for (let cut = 1; cut < text.length; cut++) {
      let [answer, body] = ["", ""];
      const response = new CgiResponse("GET", ({ status, fields, body: pipe }) => {
        answer = `${status} ${fields.map(([name, value]) => `${name}=${String(value)}`).join()}`;
        pipe?.attach({
          write: (bytes) => {
            body += String(Buffer.from(bytes));
            return true;
          },
          end: () => {},
          fail: () => {},
        });
      });
      assert.equal(response.write(Buffer.from(text.slice(0, cut))), cut);
      assert.equal(response.write(Buffer.from(text.slice(cut))), text.length - cut);
      response.end();
      assert.deepEqual([answer, body], ["201 x-a=b", "body"]);
    }
  }
});

test("CgiResponse says what is no response", () => {
  for (const [text, problem] of [
    ["Status: 99\n\n", /Status/],
    ["Status: 100 Go on\n\n", /Status/],
    ["Content-Length: 1, 2\n\n", /Content-Length/],
    ["X: a\rb\n\n", /no field|control/],
    ["X: a\0b\n\n", /control/],
    ["<html>\n\n", /no field/],
    [`X: ${"a".repeat(70_000)}`, /65536/],
  ] as const) {
    const response = new CgiResponse("GET", () => assert.fail("It was taken for one"));
    assert.equal(response.write(Buffer.from(text)), text.length);
    assert.match(response.problem ?? "", problem);
    assert.equal(response.isAnswered, false);
    assert.equal(response.write(Buffer.from("more")), 4);
  }
});
