import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Validator } from "@cfworker/json-schema";
import { SampanError } from "../../base/index.ts";
import { finish } from "./finish.ts";
import { serveSchema } from "./form.ts";
import type { ServeConfig } from "./model.ts";
import { readServeFile } from "./read-file.ts";

const folder = mkdtempSync(join(tmpdir(), "serve-config-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function read(
  text: string,
  lookup: (name: string) => string | undefined = () => undefined,
): Promise<ServeConfig> {
  writeFileSync(join(folder, "serve.yaml"), text);
  return finish(await readServeFile("serve.yaml", { cwd: folder, lookup }));
}

interface Told {
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What is told of a file: a line for each problem, its hint behind a bar. */
async function problems(text: string): Promise<string[]> {
  try {
    await read(text);
  } catch (error) {
    assert.ok(error instanceof SampanError);
    const all = error.data?.["problems"] as readonly Told[] | undefined;
    const { message, hint } = error;
    const list: readonly Partial<Told>[] = all ?? [{ message, hint }];
    return list.map((each) => `${each.line ?? ""}:${each.column ?? ""} ${each.message ?? ""} | ${each.hint ?? ""}`);
  }
  assert.fail("the file was read");
}

const whole = `
addr: 0.0.0.0:8443
admin: 127.0.0.1:9090
workers: 3
worker-heap: 512m
tls-cert: cert.pem
tls-key: key.pem
access-log: json
drain: 20s
trust: [10.0.0.0/8, "::1"]
watch: true
limits: { headers: 8k, fields: 50, body: 0, connections: 100, header-timeout: 1s, idle-timeout: 2s, body-timeout: 3s, requests-per-connection: 9 }
workloads:
  shop:
    file: ./shop.wasm
    kind: component
    isolation: reuse
    pool: 4
    max-reuses: 1000
    cordon: process
    idle: 30s
    warm: 1
    timeout: 10s
    memory: 64m
    queue: 200
    max-files: 10
    args: [one, 2]
    features: [informational-outbound-responses]
    env: { A: b, FROM_OUTSIDE: }
    volumes: ["./data:/data:ro"]
    workdir: /data
    allow-net: ["db.internal:5432"]
    allow-dns: true
    clock: coarse
  site: { file: php.wasm, kind: cgi, concurrency: 7, grants: { files: ["./www:/www"] }, cgi: { script: /www/index.php } }
routes:
  - { path: /api/, host: Shop.localhost, to: shop }
  - { host: "*.example.com", to: shop }
  - { path: /, to: site }
`;

test("readServeFile() reads all that a file may say, by the words of flags and grants files", async () => {
  const config = await read(whole, (name) => (name === "FROM_OUTSIDE" ? "yes" : undefined));
  assert.deepEqual(config.addr, { host: "0.0.0.0", port: 8443 });
  assert.deepEqual(config.tls, { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") });
  assert.deepEqual(config.trusted, ["10.0.0.0/8", "::1/128"]);
  assert.deepEqual([config.workers, config.workerHeap, config.accessLog, config.drain], [3, 2 ** 29, "json", 20_000]);
  assert.deepEqual(config.limits, {
    maxHeaderBytes: 8192,
    maxHeaders: 50,
    maxBody: Number.MAX_SAFE_INTEGER,
    maxConnections: 100,
    headerTimeout: 1000,
    idleTimeout: 2000,
    bodyTimeout: 3000,
    requestsPerConnection: 9,
  });
  const [shop, site] = config.workloads;
  assert.ok(shop !== undefined && site !== undefined);
  assert.equal(shop.file, join(folder, "shop.wasm"));
  assert.deepEqual(shop.args, ["shop.wasm", "one", "2"]);
  assert.deepEqual([shop.isolation, shop.cordon, shop.pool, shop.mostReuses], ["reuse", "process", 4, 1000]);
  assert.deepEqual(
    [shop.idle, shop.warm, shop.limits.requestDeadline, shop.limits.memory],
    [30_000, 1, 10_000, 2 ** 26],
  );
  assert.deepEqual([shop.limits.maxConcurrent, shop.limits.maxQueue, shop.limits.maxFiles], [4, 200, 10]);
  assert.deepEqual(shop.grants.env, { A: "b", FROM_OUTSIDE: "yes" });
  assert.deepEqual(shop.grants.files, [{ host: join(folder, "data"), guest: "/data", access: "read-only" }]);
  assert.deepEqual([shop.grants.workdir, shop.grants.net.dns, shop.grants.clock], ["/data", true, { kind: "coarse" }]);
  assert.deepEqual(shop.grants.net.connect[0]?.host, { kind: "name", name: "db.internal" });
  assert.deepEqual([site.kind, site.limits.maxConcurrent, site.cgi], ["cgi", 7, { script: "/www/index.php" }]);
  assert.deepEqual(site.grants.files[0]?.guest, "/www");
  assert.deepEqual(config.routes, [
    { host: "shop.localhost", path: "/api", to: "shop" },
    { host: "*.example.com", path: "/", to: "shop" },
    { host: undefined, path: "/", to: "site" },
  ]);
});

test("readServeFile() gives the only workload of a file without routes all requests, and defaults for the rest", async () => {
  const config = await read("workloads: { app: { file: app.wasm } }");
  assert.deepEqual(config.routes, [{ host: undefined, path: "/", to: "app" }]);
  assert.deepEqual(config.addr, { host: "127.0.0.1", port: 8080 });
  const [app] = config.workloads;
  assert.deepEqual([app?.isolation, app?.warm, app?.idle, app?.cordon], ["request", 0, 60_000, "shared"]);
});

test("readServeFile() tells all that is wrong at once, each with its line and column and what was meant", async () => {
  const found = await problems(`
admn: 127.0.0.1:9090
workers: two
limits: { bod: 3 }
workloads:
  shop: { file: shop.wasm, isolation: reqest, idle: 30x, memory: 64, allow-net: [a:b] }
  api:
    volume: [x]
  "a b": { file: x.wasm }
routes:
  - { path: /api, host: shop.localhost, to: shop }
  - { path: /api/, host: SHOP.localhost, to: shop }
  - { path: api, to: shop }
`);
  const starts = [
    '2:1 Cannot read admn: nothing is called "admn" here',
    '3:10 Cannot read workers: "two": wanted a whole number from 1 on',
    '4:11 Cannot read limits.bod: nothing is called "bod" here',
    '6:39 Cannot read workloads.shop.isolation: "reqest": wanted request, reuse; did you mean "request"',
    '6:53 Cannot read workloads.shop.idle: "30x": wanted a number and a unit',
    '6:66 Cannot read workloads.shop.memory: "64": that is less than one page',
    '6:82 Cannot read workloads.shop.allow-net[0]: "a:b"',
    '8:5 Cannot read workloads.api.volume: nothing is called "volume" here',
    '8:5 Cannot read workloads.api: it lacks "file"',
    '9:3 Cannot read workloads.a b: "a b" is no name',
    '12:46 Cannot read routes[1].to: "shop.localhost/api" goes to "shop" already',
    '13:13 Cannot read routes[2].path: "api": wanted a path',
  ];
  assert.equal(found.length, starts.length, found.join("\n"));
  for (const [at, start] of starts.entries()) assert.ok(found[at]?.startsWith(start), `${found[at]}\n${start}`);
  assert.match(found[0] ?? "", / here \| did you mean admin$/);
  assert.match(found[2] ?? "", /did you mean body$/);
  assert.match(found[5] ?? "", /did you mean 64m$/);
  assert.match(found[7] ?? "", /did you mean volumes$/);
  assert.match(found[11] ?? "", /did you mean \/api$/);
});

test("readServeFile() names the workload that a route may have meant", async () => {
  const found = await problems("workloads: { shop: { file: shop.wasm } }\nroutes: [{ to: shp }]");
  assert.deepEqual(found, ['2:16 Cannot read routes[0].to: there is no workload "shp" | did you mean shop']);
});

test("readServeFile() tells broken YAML and files that cannot be read", async () => {
  assert.match((await problems("workloads: [")).join("\n"), /^1:\d+ Cannot read the file: it is not YAML/);
  await assert.rejects(readServeFile("none.yaml", { cwd: folder, lookup: () => undefined }), {
    code: "FILE_NOT_FOUND",
  });
  await assert.rejects(readServeFile(".", { cwd: folder, lookup: () => undefined }), { code: "FILE_UNREADABLE" });
  assert.match(
    (await problems("workloads: { a: { file: a.wasm, grants: none.yaml } }")).join("\n"),
    /there is no such file/,
  );
  assert.match((await problems("addr: :80")).join("\n"), /there is no workload/);
});

test("readServeFile() ends in a configuration or a catalogued error for every damaged file", async () => {
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const pieces = ["{", "}", "[", "]", ":", "\n", "  ", "&a", "*a", "<<", '"', "null", "-", "!x", "\t", "9e99"];
  let refused = 0;
  for (let round = 0; round < 300; round++) {
    const at = next(whole.length);
    const text = whole.slice(0, at) + (pieces[next(pieces.length)] ?? "") + whole.slice(at + next(4));
    try {
      await read(text);
    } catch (error) {
      assert.ok(error instanceof SampanError, `${String(error)}\n${text}`);
      refused += 1;
    }
  }
  assert.ok(refused > 50 && refused < 300, String(refused));
});

test("serveSchema() is a JSON Schema that takes what is read and refuses unknown keys", () => {
  const validator = new Validator(serveSchema() as ConstructorParameters<typeof Validator>[0], "2020-12");
  const good = {
    addr: "127.0.0.1:80",
    workers: 2,
    workloads: { a: { file: "a.wasm", idle: "30s", pool: 3 } },
    routes: [{ to: "a" }],
  };
  assert.deepEqual(validator.validate(good).errors, []);
  assert.equal(validator.validate({ ...good, admn: "x" }).valid, false);
  assert.equal(validator.validate({ workloads: { a: { pool: 3 } } }).valid, false);
});
