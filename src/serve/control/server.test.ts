import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { handlerComponent } from "../../../guests/http-handler.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { otherCertificate, testCertificate } from "../front/certificate-fixture.ts";
import { finish } from "../config/finish.ts";
import { readServeFlags } from "../config/from-flags.ts";
import type { ServeConfig } from "../config/model.ts";
import { Server, type ServerOptions } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-"));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ["app", "other", "refused"]) writeFileSync(join(folder, `${name}.wasm`), handlerComponent());

function configOf(words: string, file: string | undefined = "app.wasm"): ServeConfig {
  const flags = words.split(" ").flatMap((word) => {
    const [option = "", value = ""] = word.split(/=(.*)/s);
    return word === "" ? [] : [{ option, value }];
  });
  const typed = [{ option: "--addr", value: ":0" }, { option: "--workers", value: "2" }, ...flags];
  return finish(readServeFlags({ flags: typed, file, grants: defaultGrants, cwd: folder }));
}

interface Running {
  readonly server: Server;
  readonly told: string[];
  readonly printed: string[];
}

async function start(t: TestContext, config: ServeConfig, more: Partial<ServerOptions> = {}): Promise<Running> {
  const [told, printed]: string[][] = [[], []];
  const server = await Server.start(config, {
    run: join(folder, "run"),
    print: (line) => printed?.push(line),
    tell: (line) => told?.push(line),
    workerMain: new URL("./fake-worker-fixture.ts", import.meta.url),
    ...more,
  });
  t.after(() => server.close());
  return { server, told: told ?? [], printed: printed ?? [] };
}

/** A request of its own connection, unless it has an agent. */
async function ask(server: Server, path: string, agent: Agent | false = false): Promise<string> {
  const { host, port } = server.address;
  return new Promise((resolve, reject) => {
    get({ host, port, path, agent }, (response) => resolve(text(response))).on("error", reject);
  });
}

/** Asks until the answer is as it should be: what is awaited has no other sign. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

test("Server answers by all its workers, tells its routes, and hands on the access log", async (t) => {
  const { server, printed } = await start(t, configOf("--route=/api=other.wasm"));
  assert.notEqual(server.address.port, 0);
  assert.match(await ask(server, "/"), /^app@/);
  assert.deepEqual(
    server.routes().map(({ path, workload, kind, file }) => [path, workload, kind, file]),
    [
      ["/", "app", "component", "app.wasm"],
      ["/api", "other", "component", "other.wasm"],
    ],
  );
  await until(() => printed.length > 0);
  assert.deepEqual(printed, ["/ 200\n"]);
});

test("Server replaces a worker that dies, fails or uses up its heap, and others answer meanwhile", async (t) => {
  const { server, told } = await start(t, configOf("--worker-heap=32m"));
  for (const [path, why] of [
    ["/die", /it ended by itself with 3/],
    ["/throw", /it failed: Error: a bug of the host/],
    ["/heap", /it used up its JavaScript heap/],
  ] as const) {
    told.length = 0;
    const dying = assert.rejects(ask(server, path));
    await until(() => told.length > 0);
    assert.match(told[0] ?? "", why);
    await dying;
    for (let i = 0; i < 20; i++) assert.match(await ask(server, "/"), /^app@/);
    await until(async () => (await server.reports()).length === 2);
  }
});

test("Server.reload() takes new routes and keeps what has not changed, without a failed request", async (t) => {
  const { server } = await start(t, configOf(""));
  const before = await ask(server, "/");
  let isLoading = true;
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const seen = new Set<string>();
  let count = 0;
  const load = async (): Promise<void> => {
    while (isLoading || count < 2_000) {
      seen.add(await ask(server, "/", agent));
      count += 1;
    }
  };
  const clients = [load(), load(), load(), load()];
  const other = join(folder, "app.wasm");
  for (let i = 0; i < 10; i++) {
    rmSync(other);
    copyFileSync(join(folder, "other.wasm"), other);
    const { changed, isRolled } = await server.reload(configOf(i % 2 === 0 ? "--idle=1s" : ""));
    assert.deepEqual([changed, isRolled], [["app"], false]);
    const now = await ask(server, "/");
    assert.notEqual(now, before);
  }
  assert.deepEqual(await server.reload(configOf("")), { changed: [], isRolled: false });
  isLoading = false;
  await Promise.all(clients);
  assert.ok(seen.size > 1);
});

test("Server.reload() keeps what it has where the new configuration cannot be taken", async (t) => {
  const { server } = await start(t, configOf(""));
  const before = await ask(server, "/");
  await assert.rejects(server.reload(configOf("", "none.wasm")), { code: "FILE_NOT_FOUND" });
  await assert.rejects(server.reload(configOf("--route=/x=refused.wasm")), { code: "SERVE_PORT_TAKEN" });
  assert.equal(await ask(server, "/"), before);
  assert.equal((await server.reload(configOf("--idle=1s"))).changed.length, 1);
});

test("Server.reload() listens elsewhere, by workers in their place, and has as many as it is told", async (t) => {
  const { server } = await start(t, configOf(""));
  const { port } = server.address;
  assert.deepEqual(await server.reload(configOf("--workers=3")), {
    changed: [],
    settings: ["the number of workers"],
    isRolled: false,
  });
  assert.equal((await server.reports()).length, 3);
  await server.reload(configOf("--workers=1"));
  assert.equal((await server.reports()).length, 1);
  assert.equal(server.address.port, port);
  const admin = (): Promise<number> =>
    fetch(`http://127.0.0.1:${server.adminAddress?.port ?? 0}/healthz`).then(({ status }) => status);
  await server.reload(configOf("--workers=1 --admin=127.0.0.1:0"));
  assert.equal(await admin(), 200);
  await assert.rejects(server.reload(configOf("--workers=1 --admin=127.0.0.1:0 --route=/x=refused.wasm")));
  assert.equal(await admin(), 200);
  await server.reload(configOf("--workers=1"));
  assert.equal(server.adminAddress, undefined);
  assert.equal((await server.reload(configOf("--addr=127.0.0.2:0"))).isRolled, true);
  assert.equal(server.address.host, "127.0.0.2");
  assert.match(await ask(server, "/"), /^app@/);
});

test("Server.drain() answers what is there, and takes no more", async (t) => {
  const { server } = await start(t, configOf("--workers=1 --admin=127.0.0.1:0"));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  await ask(server, "/", agent);
  const slow = ask(server, "/wait", agent);
  await until(async () => (await server.metrics()).includes("active 1"));
  const draining = server.drain(10_000);
  assert.equal(server.isReady, false);
  assert.match(await slow, /^app@/);
  await draining;
  await assert.rejects(ask(server, "/"), { code: "ECONNREFUSED" });
});

test("Server.metrics() sums workers, those that are gone among them, at the admin address", async (t) => {
  const { server, told } = await start(t, configOf("--workers=1 --admin=127.0.0.1:0"));
  const admin = server.adminAddress;
  assert.ok(admin !== undefined);
  const look = async (path: string, method = "GET"): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${admin.port}${path}`, { method });
    return [response.status, await response.text()];
  };
  assert.deepEqual(await look("/healthz"), [200, "ok\n"]);
  assert.deepEqual(await look("/readyz?x"), [200, "ready\n"]);
  assert.equal((await look("/else"))[0], 404);
  assert.equal((await look("/metrics", "POST"))[0], 405);
  for (let i = 0; i < 3; i++) await ask(server, "/");
  const answered = async (): Promise<string | undefined> =>
    /^sampan_response_body_bytes_total\{workload="app"\} (\d+)$/m.exec((await look("/metrics"))[1])?.[1];
  assert.equal(await answered(), "3");
  await assert.rejects(ask(server, "/die"));
  await until(() => told.length > 0 && server.isReady);
  await ask(server, "/");
  assert.equal(await answered(), "4");
  await server.reload(configOf("--workers=1 --admin=127.0.0.1:0 --idle=1s"));
  await assert.rejects(server.reload(configOf("", "none.wasm")));
  const [, text] = await look("/metrics");
  for (const line of ["sampan_workers 1", "sampan_worker_deaths_total 1", 'sampan_reloads_total{result="refused"} 1'])
    assert.ok(text.includes(`\n${line}\n`), `${line}\n${text}`);
});

test("Server.start() tells of ports that are taken, and leaves nothing behind", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  const { port } = await new Promise<{ port: number }>((resolve) => {
    holder.once("listening", () => resolve(holder.address() as { port: number }));
  });
  try {
    const options = { run: join(folder, "run"), print: () => {}, tell: () => {} };
    const taken = Server.start(configOf(`--addr=127.0.0.1:${port}`), options);
    await assert.rejects(taken, (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, "SERVE_PORT_TAKEN");
      assert.match(error.message, new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: port ${port} is taken`));
      assert.match(error.hint, new RegExp(`--addr 127\\.0\\.0\\.1:${port + 1}$`));
      return true;
    });
    await assert.rejects(Server.start(configOf(`--admin=127.0.0.1:${port}`), options), { code: "SERVE_PORT_TAKEN" });
    const wrong = new URL("./fake-worker-fixture.ts", import.meta.url);
    await assert.rejects(Server.start(configOf("", "refused.wasm"), { ...options, workerMain: wrong }), {
      code: "SERVE_PORT_TAKEN",
    });
  } finally {
    holder.close();
  }
});

test("Server.start() refuses certificates that cannot be used", async () => {
  const options = { run: join(folder, "run"), print: () => {}, tell: () => {} };
  const words = "--tls-cert=c.pem --tls-key=k.pem";
  await assert.rejects(Server.start(configOf(words), options), { code: "FILE_NOT_FOUND" });
  mkdirSync(folder, { recursive: true });
  const locked = createPrivateKey(testCertificate.key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  for (const [cert, key, message, hint] of [
    ["no PEM", testCertificate.key, /^Cannot use the certificate ".*c\.pem": it is none in PEM form$/, /openssl x509/],
    ["", testCertificate.key, /^Cannot use the certificate ".*c\.pem": the file is empty$/, /--tls-cert/],
    [testCertificate.cert, "\n", /^Cannot use the private key ".*k\.pem": the file is empty$/, /--tls-key/],
    [testCertificate.key, testCertificate.cert, /it is a private key$/, /--tls-cert/],
    [testCertificate.cert, "no PEM", /^Cannot use the private key ".*k\.pem": it is none/, /openssl pkey -inform der/],
    [testCertificate.cert, locked, /it has a passphrase$/, /openssl pkey -in \S*k\.pem -out/],
    [testCertificate.cert, otherCertificate.key, /c\.pem" with .*k\.pem": they do not belong together$/, /-pubkey/],
  ] as const) {
    writeFileSync(join(folder, "c.pem"), cert);
    writeFileSync(join(folder, "k.pem"), key);
    await assert.rejects(Server.start(configOf(words), options), { code: "SERVE_TLS", message, hint });
  }
  assert.ok(readdirSync(folder).includes("c.pem"));
});

test("Server.reload() has a new certificate and new limits by the workers that are there", async (t) => {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const write = (pems: { readonly cert: string; readonly key: string }): void => {
    writeFileSync(cert, pems.cert);
    writeFileSync(key, pems.key);
  };
  write(testCertificate);
  const words = `--tls-cert=${cert} --tls-key=${key} --workers=1`;
  const { server } = await start(t, configOf(words), {
    workerMain: new URL("../front/worker-main.ts", import.meta.url),
  });
  const answer = async (): Promise<readonly [serial: string, status: number | undefined]> => {
    const { host, port } = server.address;
    const options = { host, port, agent: false, rejectUnauthorized: false, method: "POST" } as const;
    const asked = httpsRequest(options).end("four");
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
    response.resume();
    await once(response, "close");
    return [serialNumber, response.statusCode];
  };
  assert.deepEqual(await answer(), ["01", 200]);
  write(otherCertificate);
  assert.deepEqual(await server.reload(configOf(`${words} --max-body=3`)), {
    changed: [],
    settings: ["the certificate", "limits"],
    isRolled: false,
  });
  assert.deepEqual(await answer(), ["02", 413]);
});
