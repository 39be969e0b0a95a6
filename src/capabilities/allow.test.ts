import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SampanError } from "../base/index.ts";
import { type Allow, allowed } from "./allow.ts";
import { defaultGrants, type Grants, noGrants } from "./grants.ts";
import { grantsFromFlags } from "./grants-from-flags.ts";
import { narrow, type Narrower } from "./narrow.ts";

const context = { cwd: "/app", lookup: (name: string) => (name === "HOME" ? "/home/mina" : undefined) };
const read = (allow: Allow): Grants => allowed(allow, context);

function failureOf(run: () => unknown): SampanError {
  try {
    run();
  } catch (error) {
    if (error instanceof SampanError) return error;
    throw error;
  }
  return assert.fail("nothing was thrown");
}

describe("allowed()", () => {
  test("grants clocks, randomness and stdio where nothing is said, as a grants file does", () => {
    assert.deepEqual(read({}), defaultGrants);
  });

  test("grants what the flags of the same words grant", () => {
    const described = read({
      dirs: { "/in": "./photos:ro", "/out": { host: "/srv/out" } },
      files: ["./more:/more:ro"],
      env: { LANG: "C", COUNT: 3, NONE: undefined },
      net: ["example.com:443", "*.example.org"],
      listen: 8080,
      publish: "8081:80",
      dns: true,
      clock: "coarse",
      random: "seed=7",
      stdio: ["stdout", "stderr"],
      workdir: "/in",
      config: { region: "eu" },
      keyvalue: { default: "memory" },
      log: "stderr=warn",
    });
    const flags = grantsFromFlags(
      [
        ["-v", "./photos:/in:ro"],
        ["-v", "/srv/out:/out"],
        ["-v", "./more:/more:ro"],
        ["-e", "LANG=C"],
        ["-e", "COUNT=3"],
        ["--allow-net", "example.com:443"],
        ["--allow-net", "*.example.org"],
        ["--allow-listen", "8080"],
        ["-p", "8081:80"],
        ["--allow-dns"],
        ["--clock", "coarse"],
        ["--random", "seed=7"],
        ["--stdio", "stdout,stderr"],
        ["-w", "/in"],
        ["--config", "region=eu"],
        ["--keyvalue", "default=memory"],
        ["--log", "stderr=warn"],
      ].map(([flag = "", value]) => ({ flag, value })),
      context,
    );
    assert.deepEqual(described, flags);
    const nested = read({ net: { connect: "example.com:443", listen: [8080], publish: ["8081:80"], dns: false } });
    assert.deepEqual(nested.net, { ...flags.net, connect: flags.net.connect.slice(0, 1), dns: false });
  });

  test("takes false for none, and a variable of the process's own by its name alone", () => {
    const { clock, random, stdio, env } = read({ clock: false, random: false, stdio: false, env: ["HOME", "A=b=c"] });
    assert.deepEqual({ clock, random, stdio }, { clock: noGrants.clock, random: noGrants.random, stdio: [] });
    assert.deepEqual(env, { HOME: "/home/mina", A: "b=c" });
    assert.deepEqual(read({ stdio: [] }).stdio, []);
  });

  test("names what it does not know with what is near, and says which word has the wrong form", () => {
    for (const [allow, near] of [
      [{ dir: {} }, "dirs"],
      [{ enviroment: {} }, undefined],
      [{ evn: {} }, "env"],
      [{ net: { lisen: 1 } }, "listen"],
    ] as const) {
      const error = failureOf(() => read(allow as unknown as Allow));
      assert.equal(error.code, "GRANT_UNKNOWN");
      assert.equal(error.data?.["near"], near);
    }
    for (const [allow, said] of [
      [{ dirs: { "/in": 7 } }, /"allow\.dirs\.\/in", "7": wanted HOST/],
      [{ dirs: { "/in": { host: "a", acess: "ro" } } }, /wanted HOST/],
      [{ dirs: ["/in"] }, /"allow\.dirs".*wanted \{ GUEST/],
      [{ dirs: { "/in": ":ro" } }, /names no folder/],
      [{ clock: "slow" }, /"allow\.clock", "slow": "slow" is not a kind of clock/],
      [{ net: "http://a" }, /"allow\.net".*it is a URL/],
      [{ dns: "yes" }, /wanted true or false/],
      [{ env: { "A B": 1 } }, /"allow\.env"/],
      [{ env: { A: null } }, /"allow\.env\.A", "null": wanted text/],
      [{ env: false }, /"allow\.env"/],
      [{ dirs: { "/a": "x", "/a/": "y" } }, /two folders/],
    ] as const) {
      const error = failureOf(() => read(allow as unknown as Allow));
      assert.equal(error.code, "GRANT_INVALID");
      assert.match(error.message, said);
    }
  });
});

describe("narrow()", () => {
  const grants = read({
    dirs: { "/in": "/photos", "/fixed": "/fixed:ro" },
    env: { LANG: "C", TOKEN: "secret" },
    net: "*.example.com:443",
    clock: "coarse",
    stdio: ["stdout"],
    config: { region: "eu", tier: "1" },
    keyvalue: { default: "memory", files: "./data.db" },
  });
  const less = (narrower: Narrower): Grants => narrow(grants, narrower, context);

  test("hands on what it names, and clocks, randomness and stdio as they are", () => {
    assert.deepEqual(less({}), { ...noGrants, clock: grants.clock, random: grants.random, stdio: ["stdout"] });
    assert.deepEqual(less({ dirs: ["/in"] }).files, [{ host: "/photos", guest: "/in", access: "read-write" }]);
    const named = less({ dirs: { "/in/2026": "ro", "/fixed": "/fixed:ro" }, env: ["LANG"], net: "a.example.com:443" });
    assert.deepEqual(named.files, [
      { host: "/photos/2026", guest: "/in/2026", access: "read-only" },
      { host: "/fixed", guest: "/fixed", access: "read-only" },
    ]);
    assert.deepEqual(named.env, { LANG: "C" });
    assert.equal(named.net.connect.length, 1);
    const stored = less({ config: ["region"], keyvalue: ["files"] });
    assert.deepEqual(stored.config, { region: "eu" });
    assert.deepEqual(stored.keyvalue, [{ name: "files", file: "/app/data.db" }]);
    assert.deepEqual(less({ clock: false, stdio: false }).stdio, []);
  });

  test("never hands on more, and names the right that is missing", () => {
    for (const [narrower, flag] of [
      [{ dirs: { "/fixed": "rw" } }, /--?v.*\/fixed:\/fixed/],
      [{ dirs: ["/other"] }, /\/other/],
      [{ dirs: ["/in/../other"] }, /other/],
      [{ dirs: { "/in": "/etc" } }, /\/etc:\/in/],
      [{ env: { LANG: "de" } }, /-e LANG/],
      [{ env: ["HOME"] }, /-e HOME/],
      [{ keyvalue: ["other"] }, /--keyvalue other/],
      [{ keyvalue: { default: "./x.db" } }, /--keyvalue/],
      [{ net: "example.org:443" }, /example\.org/],
      [{ clock: "real" }, /--clock real/],
      [{ stdio: "all" }, /--stdio/],
    ] as const) {
      const error = failureOf(() => less(narrower));
      assert.equal(error.code, "GRANT_WIDENED", JSON.stringify(narrower));
      assert.match(String(error.data?.["flag"]), flag);
    }
  });
});
