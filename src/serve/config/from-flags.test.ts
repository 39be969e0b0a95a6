import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { SampanError } from "../../base/index.ts";
import { defaultGrants } from "../../capabilities/index.ts";
import { finish } from "./finish.ts";
import { joinValues, readServeFlags, type ServeFlag, workloadFlags } from "./from-flags.ts";
import type { ServeConfig } from "./model.ts";
import { parseHost, parsePath, parseRoute, placeText } from "./route.ts";
import { parseAddr } from "./parse-values.ts";
import { flagOf, workloadSettings } from "./settings.ts";

const cwd = "/srv";

function flags(...words: readonly string[]): ServeFlag[] {
  return words.map((word) => {
    const [option = "", value] = word.split(/ (.*)/s);
    return value === undefined ? { option } : { option, value };
  });
}

function read(typed: readonly ServeFlag[], file?: string): ServeConfig {
  return finish(readServeFlags({ flags: typed, file, grants: defaultGrants, cwd }));
}

test("readServeFlags() makes workloads of the operand and of routes, one for each file", () => {
  const typed = flags(
    "--route /api=api.wasm",
    "--route Shop.localhost/=shop.wasm",
    "--route /v1/=api.wasm",
    "--pool 3",
  );
  const { workloads, routes } = read(typed, "x/api.wasm");
  assert.deepEqual(
    workloads.map(({ name, file, pool, warm }) => [name, file, pool, warm]),
    [
      ["api", join(cwd, "x/api.wasm"), 3, 1],
      ["api-2", join(cwd, "api.wasm"), 3, 1],
      ["shop", join(cwd, "shop.wasm"), 3, 1],
    ],
  );
  assert.deepEqual(
    routes.map((route) => `${placeText(route)} ${route.to}`),
    ["/ api", "/api api-2", "shop.localhost/ shop", "/v1 api-2"],
  );
});

test("readServeFlags() takes the last of a flag, and says which flag cannot be read", () => {
  assert.equal(read(flags("--workers 2", "--workers 5"), "a.wasm").workers, 5);
  for (const [word, message, hint] of [
    ["--workers 0", 'Cannot read --workers "0": wanted a whole number from 1 on', undefined],
    ["--isolation reuze", 'Cannot read --isolation "reuze": wanted request, reuse; did you mean "reuse"', undefined],
    ["--addr 127.0.0.1", 'Cannot read --addr "127.0.0.1": wanted IP:PORT', "did you mean --addr 127.0.0.1:8080"],
    ["--route api.wasm", 'Cannot read --route "api.wasm": wanted [HOST]/PATH=FILE', "did you mean --route /=api.wasm"],
    [
      "--worker-heap 5",
      'Cannot read --worker-heap "5": no worker starts with so little; wanted at least 32m',
      undefined,
    ],
    ["--worker-heap 64", 'Cannot read --worker-heap "64": no worker', "did you mean --worker-heap 64m"],
    ["--guest-port 99999", 'Cannot read --guest-port "99999": wanted a port from 1 to 65535', undefined],
    ["--trust home", 'Cannot read --trust "home": wanted an address', undefined],
    ["--max-body lots", 'Cannot read --max-body "lots": wanted a number and a unit', undefined],
  ] as const) {
    assert.throws(
      () => read(flags(word), "a.wasm"),
      (error: unknown) => {
        assert.ok(error instanceof SampanError);
        assert.equal(error.code, "CLI_OPTION_INVALID");
        assert.ok(error.message.startsWith(message), error.message);
        assert.equal(error.hint, hint);
        return true;
      },
    );
  }
});

test("finish() refuses what does not fit together", () => {
  assert.throws(() => read([]), { code: "SERVE_CONFIG_INVALID", message: /no workload/ });
  assert.throws(() => read(flags("--tls-cert c.pem"), "a.wasm"), {
    code: "SERVE_CONFIG_INVALID",
    message: /lacks tls-key/,
  });
  assert.throws(() => read(flags("--route /=b.wasm"), "a.wasm"), {
    code: "SERVE_CONFIG_INVALID",
    message: /goes to "a"/,
  });
  const values = readServeFlags({ flags: flags("--route /b=b.wasm"), file: "a.wasm", grants: defaultGrants, cwd });
  assert.throws(() => finish({ ...values, routes: values.routes.filter(({ to }) => to === "a") }), {
    code: "SERVE_CONFIG_INVALID",
    message: 'Cannot serve "b": no route leads to it',
    hint: "add { path: /b, to: b } to routes:, or take it out",
  });
});

test("joinValues() puts a command line on top of a file", () => {
  const file = readServeFlags({
    flags: flags("--workers 2", "--idle 5s"),
    file: "a.wasm",
    grants: defaultGrants,
    cwd: "/etc",
  });
  const typed = readServeFlags({
    flags: flags("--workers 7", "--route /b=b.wasm"),
    file: undefined,
    grants: defaultGrants,
    cwd,
  });
  const { workers, workloads, routes } = finish(joinValues(file, typed));
  assert.equal(workers, 7);
  assert.deepEqual(
    workloads.map((each) => [each.file, each.idle]),
    [
      ["/etc/a.wasm", 5000],
      ["/srv/b.wasm", 60_000],
    ],
  );
  assert.equal(routes.length, 2);
  assert.throws(() => joinValues(file, file), { code: "SERVE_CONFIG_INVALID", message: /has a workload "a"/ });
});

test("workloadFlags() finds the flags that say something of workloads", () => {
  assert.deepEqual(workloadFlags(flags("--workers 2", "--pool 3", "--cgi", "--index x")), [
    "--pool",
    "--cgi",
    "--index",
  ]);
  assert.equal(flagOf("pool", workloadSettings.pool), "--pool");
});

test("parseRoute(), parseHost() and parsePath() read places and refuse what would never match", () => {
  assert.deepEqual(parseRoute("/=a=b.wasm"), { host: undefined, path: "/", file: "a=b.wasm" });
  assert.deepEqual(parseRoute("*.Example.com/x/=a"), { host: "*.example.com", path: "/x", file: "a" });
  assert.equal(parseHost("*"), undefined);
  assert.equal(parseHost("[::1]"), "[::1]");
  for (const bad of ["a b", "ex ample", "-a", "*.", "a..b", "shop:80"])
    assert.throws(() => parseHost(bad), { code: "SERVE_CONFIG_INVALID" });
  for (const bad of ["x", "/a*", "/a?b", "/a//b", "/../a", "/ä"])
    assert.throws(() => parsePath(bad), { code: "SERVE_CONFIG_INVALID" });
  for (const bad of ["shop=a.wasm", "/a=", "a.wasm"])
    assert.throws(() => parseRoute(bad), { code: "SERVE_CONFIG_INVALID" });
});

test("parseAddr() reads the usual spellings of an address", () => {
  assert.deepEqual(parseAddr("8080"), { host: "127.0.0.1", port: 8080 });
  assert.deepEqual(parseAddr(":0"), { host: "127.0.0.1", port: 0 });
  assert.deepEqual(parseAddr("localhost:1"), { host: "127.0.0.1", port: 1 });
  assert.deepEqual(parseAddr("[::]:80"), { host: "::", port: 80 });
  assert.deepEqual(parseAddr("*:80"), { host: "0.0.0.0", port: 80 });
  for (const bad of ["", "a:1", "1.2.3.4:70000", "1.2.3:1", "::1:80"])
    assert.throws(() => parseAddr(bad), { code: "SERVE_CONFIG_INVALID" });
});
