import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SampanError } from "../base/index.ts";
import { capability, capabilityNames } from "./catalog.ts";
import { grantToFlags } from "./format-flags.ts";
import { anyGrants } from "./grants-arbitrary.ts";
import { capabilityOfFlag, grantsFromFlags } from "./grants-from-flags.ts";
import { defaultGrants, noGrants } from "./grants.ts";
import {
  parseClock,
  parseConnect,
  parseDir,
  parseEnv,
  parseListen,
  parsePublish,
  parseRandom,
  parseStdio,
  parseVolume,
} from "./parse-flags.ts";
import { typedWords } from "./typed-words.ts";

const context = {
  cwd: "/home/user",
  lookup: (name: string) => (name === "LANG" ? "C" : undefined),
};
const invalid = (problem: RegExp) => (error: unknown) =>
  error instanceof SampanError && error.code === "GRANT_INVALID" && problem.test(error.message);

test("grantToFlags() writes flags that grantsFromFlags() reads back as the same grants", () => {
  fc.assert(
    fc.property(anyGrants, (grants) => {
      assert.deepEqual(grantsFromFlags(grantToFlags(grants).flatMap(typedWords), context), grants);
    }),
    { numRuns: 1000 },
  );
});

test("grantToFlags() leaves out what is granted by default, and quotes for a shell", () => {
  assert.deepEqual(grantToFlags(defaultGrants), []);
  assert.deepEqual(grantToFlags({ ...defaultGrants, env: { A: "it's" }, clock: { kind: "none" } }), [
    "--clock none",
    "-e 'A=it'\\''s'",
  ]);
});

test("grantsFromFlags() reads the example that the catalog gives for each flag", () => {
  let seen = 0;
  for (const name of capabilityNames) {
    for (const flag of capability(name).flags) {
      if (name === "workdir") continue;
      const grants = grantsFromFlags([{ flag: flag.long, value: flag.example }], context);
      assert.notDeepEqual(grants, defaultGrants, flag.long);
      assert.equal(capabilityOfFlag(flag.short ?? flag.long), name);
      seen += 1;
    }
  }
  assert.equal(seen, 13);
});

test("grantsFromFlags() ends in grants or a catalogued error for every value", () => {
  const flags = capabilityNames.flatMap((name) => capability(name).flags.map(({ long }) => long));
  const value = fc.oneof(fc.string({ unit: "binary" }), fc.stringMatching(/^[a-c:*[\]/.0-9=-]{0,12}$/));
  fc.assert(
    fc.property(fc.constantFrom(...flags), value, (flag, text) => {
      try {
        grantsFromFlags([{ flag, value: text }], context, noGrants);
      } catch (error) {
        assert.ok(error instanceof SampanError && error.code === "GRANT_INVALID", String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("grantsFromFlags() puts a folder in the place of the one that the base has under its guest name", () => {
  const base = grantsFromFlags(["-v ./data:/data:ro", "-v ./out:/out"].flatMap(typedWords), context);
  for (const flag of ["-v ./data:/data", "--dir ./data::/data/"]) {
    const { files } = grantsFromFlags(typedWords(flag), context, base);
    assert.deepEqual(
      files.map(({ host, access }) => [host, access]),
      [
        ["/home/user/out", "read-write"],
        ["/home/user/data", "read-write"],
      ],
    );
  }
  const relative = grantsFromFlags(typedWords("-v ./a:/data/sub"), context, { ...base, workdir: "/data" });
  const replaced = grantsFromFlags(typedWords("-v ./b:sub"), context, relative);
  assert.deepEqual(
    replaced.files.map(({ host }) => host),
    ["/home/user/data", "/home/user/out", "/home/user/b"],
  );
  const twice = ["-v ./a:/data", "-v ./b:/data"].flatMap(typedWords);
  assert.throws(() => grantsFromFlags(twice, context, base), invalid(/two folders have the guest name "\/data"/));
});

test("parseEnv() refuses names that a guest could not take apart again", () => {
  for (const text of [
    "",
    "=1",
    "A B=1",
    " A",
    "A\t=1",
    "A\n",
    "A\u0000=1",
    "A\u001b=1",
    "A\u0085=1",
    "A\u00a0=1",
    "A=\0",
  ])
    assert.throws(() => parseEnv(text, context), invalid(/name|NUL/), JSON.stringify(text));
  assert.deepEqual(parseEnv("ä.b-c=x = y", context), { name: "ä.b-c", value: "x = y" });
});

test("grantsFromFlags() suggests the nearest flag for an unknown one", () => {
  assert.throws(
    () => grantsFromFlags([{ flag: "--allow-nett", value: "x" }], context),
    (error) =>
      error instanceof SampanError && error.code === "GRANT_UNKNOWN" && error.hint === 'Did you mean "--allow-net"',
  );
});

test("grantsFromFlags() refuses two folders of one name and a working directory in none", () => {
  const run = (...flags: string[]) => grantsFromFlags(flags.flatMap(typedWords), context);
  assert.throws(() => run("-v a:/x", "--dir b::/x/"), invalid(/two folders have the guest name/));
  assert.throws(() => run("-v a:/x", "-w /y"), invalid(/no granted folder contains it/));
  assert.throws(() => run("-v a:/x", "-w /x/../y"), invalid(/no granted folder contains it/));
  assert.throws(() => run("-v a:/x", "-w x"), invalid(/not an absolute path/));
  assert.equal(run("-v a:/x", "-w /x/y").workdir, "/x/y");
});

test("parseVolume() reads Docker's form, drive letters included", () => {
  const read = (text: string) => Object.values(parseVolume(text, context)).join(" ");
  assert.equal(read("./data:/data:ro"), "/home/user/data /data read-only");
  assert.equal(read("/data:/d:rw"), "/data /d read-write");
  assert.equal(read("../x:."), "/home/x . read-write");
  assert.equal(read("C:\\data:/data:ro"), "C:\\data /data read-only");
  assert.equal(read("C:/data:/data"), "C:\\data /data read-write");
  assert.equal(read("c:/data:ro"), "/home/user/c /data read-only");
  assert.throws(
    () => parseVolume("./data", context),
    invalid(/does not name both folders; wanted HOST:GUEST\[:ro\|rw\], such as "\.\/data:\/data:ro"/),
  );
  assert.throws(() => parseVolume("./data:ro", context), invalid(/does not name both/));
  assert.equal(read("a:/b:/c"), "a:\\b /c read-write");
  assert.throws(() => parseVolume("a:/b:z", context), invalid(/"z" is neither "ro" nor "rw"/));
  assert.throws(() => parseVolume("./a:/b:/c", context), invalid(/too many parts/));
  assert.throws(() => parseVolume("a\0:/b", context), invalid(/NUL/));
});

test("parseDir() reads Wasmtime's form and names the folder as typed", () => {
  const read = (text: string) => Object.values(parseDir(text, context)).join(" ");
  assert.equal(read("."), "/home/user . read-write");
  assert.equal(read("./data"), "/home/user/data ./data read-write");
  assert.equal(read("/a:b::/c"), "/a:b /c read-write");
  assert.throws(() => parseDir("", context), invalid(/lacks a folder/));
  assert.throws(() => parseDir("a::b::c", context), invalid(/too many parts/));
});

test("parseEnv() takes a value from the surroundings where none is typed", () => {
  assert.deepEqual(parseEnv("A=b=c", context), { name: "A", value: "b=c" });
  assert.deepEqual(parseEnv("LANG", context), { name: "LANG", value: "C" });
  assert.equal(parseEnv("UNSET", context), undefined);
  assert.throws(() => parseEnv("=x", context), invalid(/does not name a variable/));
});

test("parseClock() reads dates, seconds and nanoseconds, and guesses nothing", () => {
  const read = (text: string) => Object.values(parseClock(`fixed=${text}`)).at(-1);
  assert.equal(read("2026-01-01"), "1767225600000000000");
  assert.equal(read("2026-01-01T01:00:00.000000001+01:00"), "1767225600000000001");
  assert.equal(read("2026-01-01 00:00"), "1767225600000000000");
  assert.equal(read("1767225600"), "1767225600000000000");
  assert.equal(read("1767225600.5"), "1767225600500000000");
  assert.equal(read("7ns"), "7");
  assert.equal(read("1767225600000000000"), "1767225600000000000");
  for (const text of [
    "1767225600000",
    "2026-02-30",
    "yesterday",
    "2026-01-01T25:00Z",
    "1969-12-31",
    "99999999999999999999ns",
  ]) {
    assert.throws(() => parseClock(`fixed=${text}`), invalid(/TIME/), text);
  }
  assert.throws(() => parseClock("exact"), invalid(/wanted real\|coarse\|none\|fixed=TIME/));
});

test("parseStdio() suggests the stream that was meant", () => {
  assert.deepEqual(parseStdio("stderr, stdin"), ["stdin", "stderr"]);
  assert.deepEqual(parseStdio("none"), []);
  assert.throws(() => parseStdio("stdot"), invalid(/did you mean "stdout"/));
});

test("parseConnect() reads names, ranges of addresses, ports and sockets", () => {
  const host = (text: string) => Object.values(parseConnect(text, context).host).join(" ");
  const ports = (text: string) => Object.values(parseConnect(text, context).ports).join("-");
  assert.equal(host("API.Example.com.:443"), "name api.example.com");
  assert.equal(host("bücher.example"), "name xn--bcher-kva.example");
  assert.equal(host("*.example.com"), "subdomains example.com");
  assert.equal(host("10.1.2.3/8:5432"), "cidr 10.0.0.0 8");
  assert.equal(host("[fd00:0::1/8]:443"), "cidr fd00:: 8");
  assert.equal(host("[fd00::]/8:443"), "cidr fd00:: 8");
  assert.equal(host("::1"), "cidr ::1 128");
  assert.equal(host("::ffff:10.0.0.1/104"), "cidr 10.0.0.0 8");
  assert.equal(host("unix:run/a.sock"), "unix /home/user/run/a.sock");
  assert.equal(host("*:443"), "public");
  assert.equal(ports("a:80-90"), "80-90");
  assert.equal(ports("a"), "0-65535");
  for (const text of [
    "",
    "a:",
    "a:0x50",
    "a:90-80",
    "a:65536",
    "127.1",
    "0x7f.1",
    "1.2.3.4/33",
    "a b",
    "*.*",
    "a..b",
    "[::1",
    "unix:",
  ]) {
    assert.throws(() => parseConnect(text, context), invalid(/wanted HOST/), text);
  }
  assert.throws(() => parseConnect("https://example.com/", context), invalid(/is a URL/));
});

test("parseListen() and parsePublish() read ports, with an address in front", () => {
  assert.deepEqual(parseListen("*", context), { ports: { first: 0, last: 65535 } });
  assert.deepEqual(parseListen("127.0.0.1:80-90", context), {
    address: "127.0.0.1",
    ports: { first: 80, last: 90 },
  });
  assert.deepEqual(parseListen("[::1]:*", context), { address: "::1", ports: { first: 0, last: 65535 } });
  assert.deepEqual(parseListen("0.0.0.0:80", context), { ports: { first: 80, last: 80 } });
  assert.deepEqual(parseListen("unix:run/app.sock", { cwd: "/srv" }), {
    address: "unix:/srv/run/app.sock",
    ports: { first: 0, last: 0 },
  });
  assert.throws(() => parseListen("unix:", context), invalid(/lacks the socket's path/));
  assert.deepEqual(parsePublish("[::1]:8080:80"), {
    address: "::1",
    hostPort: 8080,
    guestPort: 80,
  });
  assert.deepEqual(parsePublish("8080:80"), { hostPort: 8080, guestPort: 80 });
  for (const text of ["", "80:", "x:80", "::1:80", "70000"])
    assert.throws(() => parseListen(text, context), invalid(/wanted \[IP:\]PORT/), text);
  for (const text of ["", "80", "80-90:80", "db:80:80", "70000:1", "::1:80:80"]) {
    assert.throws(() => parsePublish(text), invalid(/wanted \[IP:\]HOST:GUEST/), text);
  }
});

test("parseClock() and parseRandom() suggest the word that was mistyped, and else show an example", () => {
  const hintOf = (parse: () => unknown): string | undefined => {
    try {
      parse();
    } catch (error) {
      return error instanceof SampanError ? error.hint : undefined;
    }
    return undefined;
  };
  assert.equal(
    hintOf(() => parseClock("realy")),
    "did you mean --clock real",
  );
  assert.equal(
    hintOf(() => parseRandom("sed=1")),
    "did you mean --random seed=1",
  );
  assert.equal(
    hintOf(() => parseRandom("dice")),
    "--random seed=42",
  );
});
